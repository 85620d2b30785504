"""How a child can end.

| exit | when | permanent | transient | temporary |
| --- | --- | --- | --- | --- |
| `Normal` | it returned | restarted | kept, stopped | forgotten |
| `Shutdown` | it returned after a stop request, or raised `ShutdownExit` | restarted unless its supervisor asked | kept, stopped | forgotten |
| `Crash` | it raised | restarted | restarted | forgotten |
| `Killed` | its budget for stopping ran out | - | - | - |

Source: OTP, `supervisor` and `gen_server`: exit reasons `normal`, `shutdown`, `{shutdown, Term}`, `killed`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Normal:
    """The child returned."""


@dataclass(frozen=True, slots=True)
class Shutdown:
    """The child ended in an orderly way, for the given reason."""

    reason: str = "shutdown"


@dataclass(frozen=True, slots=True)
class Crash:
    """The child raised; `leaves` of it are what really went wrong."""

    error: BaseException

    @property
    def leaves(self) -> tuple[BaseException, ...]:
        """Every exception inside nested groups, or the one there is."""
        return tuple(_leaves(self.error))


@dataclass(frozen=True, slots=True)
class Killed:
    """The child was cancelled because it did not end within its budget, or at once by `BRUTAL_KILL`."""


Exit = Normal | Shutdown | Crash | Killed


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


class SupervisionError(Exception):
    """Base of what this package raises."""


class ShutdownExit(SupervisionError):
    """Raised by a child to end with `Shutdown(reason)`: an orderly end, which restarts only a permanent child."""

    def __init__(self, reason: str = "shutdown") -> None:
        super().__init__(reason)
        self.reason = reason


class Escalation(ShutdownExit):
    """A supervisor gave up: more restarts than its intensity allows. Its parent sees an exit with reason shutdown."""

    def __init__(self, path: str, last: Exit | None) -> None:
        super().__init__(f"restart intensity reached in {path}")
        self.path = path
        self.last = last


class InvalidSpec(SupervisionError, ValueError):
    """A specification that cannot be carried out; nothing was started."""


class StartError(SupervisionError):
    """A child did not start. `cause` is what it ended with instead of becoming ready."""

    def __init__(self, child_id: str, cause: Exit) -> None:
        what = repr(cause.error) if isinstance(cause, Crash) else f"it ended before it was ready ({cause})"
        super().__init__(f"child {child_id!r} did not start: {what}")
        self.child_id = child_id
        self.cause = cause


class ChildExists(SupervisionError):
    """The id is taken: `running` tells OTP's `already_started` from `already_present`."""

    def __init__(self, child_id: str, *, running: bool) -> None:
        super().__init__(f"child {child_id!r} is {'already started' if running else 'already present'}")
        self.child_id = child_id
        self.running = running


class ChildState(SupervisionError):
    """The child is not in a state in which this can be done: `state` is "running" or "restarting"."""

    def __init__(self, child_id: str, state: str) -> None:
        super().__init__(f"child {child_id!r} is {state}")
        self.child_id = child_id
        self.state = state


class ChildNotFound(SupervisionError, LookupError):
    """No child has this id."""

    def __init__(self, child_id: str) -> None:
        super().__init__(f"no child {child_id!r}")
        self.child_id = child_id


class MaxChildren(SupervisionError):
    """The dynamic supervisor has as many children as it may."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"there are {limit} children already")
        self.limit = limit


class NotRunning(SupervisionError):
    """The supervisor or actor is not running."""
