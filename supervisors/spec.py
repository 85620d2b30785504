"""What is to be supervised, and how.

Defaults are OTP's: permanent, worker, 5 seconds to stop; a supervisor as a child has all the time it needs.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from supervisors.exits import InvalidSpec


class Restart(Enum):
    """When a child that ended is started again: always, only after a crash, or never."""

    PERMANENT = "permanent"
    TRANSIENT = "transient"
    TEMPORARY = "temporary"


class Strategy(Enum):
    """Who is restarted with a failed child: nobody, all, or those started after it."""

    ONE_FOR_ONE = "one_for_one"
    ONE_FOR_ALL = "one_for_all"
    REST_FOR_ONE = "rest_for_one"


class AutoShutdown(Enum):
    """Whether the end of significant children ends the supervisor."""

    NEVER = "never"
    ANY_SIGNIFICANT = "any_significant"
    ALL_SIGNIFICANT = "all_significant"


class ChildType(Enum):
    """Told apart for people who look at the tree, and for the default of `shutdown`."""

    WORKER = "worker"
    SUPERVISOR = "supervisor"


class _BrutalKill(Enum):
    BRUTAL_KILL = "brutal_kill"


BRUTAL_KILL: Final = _BrutalKill.BRUTAL_KILL
"""`shutdown` of a child that is cancelled without being asked to stop."""
INFINITY: Final = math.inf
"""`shutdown` of a child that has all the time it needs."""
DEFAULT_SHUTDOWN_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """One child.

    Attributes:
        id: unique among its siblings.
        start: `async def start(child, *args)`; it calls `child.ready()` once it serves.
        args: given at every start, so that a restart begins from the same values.
        restart: when it is started again.
        shutdown: seconds from the request to stop until it is cancelled, `INFINITY` or `BRUTAL_KILL`; `None` is the default of its type.
        type: worker or supervisor.
        significant: its end counts for the supervisor's `AutoShutdown`.

    """

    id: str
    start: Callable[..., Awaitable[None]]
    args: tuple[Any, ...] = ()
    restart: Restart = Restart.PERMANENT
    shutdown: float | _BrutalKill | None = None
    type: ChildType = ChildType.WORKER
    significant: bool = False

    @property
    def budget(self) -> float | _BrutalKill:
        """Seconds that the child has to stop."""
        if self.shutdown is not None:
            return self.shutdown
        return INFINITY if self.type is ChildType.SUPERVISOR else DEFAULT_SHUTDOWN_S


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses before restarts: `first_s * factor ** n`, at most `most_s`, times a random factor in `1 ± jitter`.

    `n` counts the restarts within the supervisor's period. OTP restarts at once; here a child that waits for something outside may
    give it time.
    """

    first_s: float = 0.1
    factor: float = 2.0
    most_s: float = 30.0
    jitter: float = 0.1

    def __post_init__(self) -> None:
        if not (
            self.first_s >= 0
            and self.factor >= 1
            and self.first_s <= self.most_s < math.inf
            and 0 <= self.jitter < 1
        ):
            raise InvalidSpec(f"back-off {self} is not a growing curve")

    def pause(self, restarts: int, random: float) -> float:
        """Seconds before the next start, after `restarts` of them; `random` between 0 and 1."""
        try:
            grown = self.first_s * self.factor**restarts
        except OverflowError:
            grown = self.most_s
        return min(grown, self.most_s) * (1 + self.jitter * (2 * random - 1))

    def shortest(self, restarts: int) -> float:
        """The least time in which that many restarts can happen."""
        return sum(self.pause(n, 0.0) for n in range(restarts))


@dataclass(frozen=True, slots=True)
class Flags:
    """How a supervisor treats its children."""

    strategy: Strategy = Strategy.ONE_FOR_ONE
    intensity: int = 3
    period: float = 5.0
    auto_shutdown: AutoShutdown = AutoShutdown.NEVER
    backoff: Backoff | None = field(default=None)

    def __post_init__(self) -> None:
        if not isinstance(self.strategy, Strategy):
            raise InvalidSpec(f"strategy {self.strategy!r} is none of {[s.value for s in Strategy]}")
        if isinstance(self.intensity, bool) or not isinstance(self.intensity, int) or self.intensity < 0:
            raise InvalidSpec(f"intensity {self.intensity!r} is not a number of restarts")
        if not isinstance(self.auto_shutdown, AutoShutdown):
            raise InvalidSpec(
                f"auto-shutdown {self.auto_shutdown!r} is none of {[a.value for a in AutoShutdown]}"
            )
        if not isinstance(self.period, int | float) or not self.period > 0:
            raise InvalidSpec(f"period {self.period!r} is not a positive number of seconds")
        if self.backoff is not None and self.backoff.shortest(self.intensity) >= self.period:
            raise InvalidSpec(
                "with this back-off the restart intensity can never be reached: a broken child would be restarted for ever"
            )


def check_child(spec: ChildSpec, auto_shutdown: AutoShutdown) -> None:
    """Raises `InvalidSpec` for a child that could not be supervised as it says."""
    if not isinstance(spec.restart, Restart):
        raise InvalidSpec(
            f"child {spec.id!r}: restart {spec.restart!r} is none of {[r.value for r in Restart]}"
        )
    if spec.budget is not BRUTAL_KILL:
        seconds = spec.budget
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds >= 0:
            raise InvalidSpec(
                f"child {spec.id!r}: shutdown {spec.shutdown!r} is neither seconds nor BRUTAL_KILL"
            )
    if spec.significant and spec.restart is Restart.PERMANENT:
        raise InvalidSpec(f"child {spec.id!r}: a permanent child never ends, so it cannot be significant")
    if spec.significant and auto_shutdown is AutoShutdown.NEVER:
        raise InvalidSpec(f"child {spec.id!r}: significant, in a supervisor that never shuts itself down")


def check_children(specs: Sequence[ChildSpec], auto_shutdown: AutoShutdown) -> None:
    """Raises `InvalidSpec` for any bad child, or for two of the same id."""
    seen: set[str] = set()
    for spec in specs:
        if spec.id in seen:
            raise InvalidSpec(f"two children are called {spec.id!r}")
        seen.add(spec.id)
        check_child(spec, auto_shutdown)
