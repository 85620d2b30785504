"""What happens in a tree, told to whoever subscribes: exactly one event for each start, exit, restart, breach and overrun."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from supervisors.exits import Crash, Exit, Killed, Normal, Shutdown

log: Final = logging.getLogger("supervisors")


@dataclass(frozen=True, slots=True)
class ChildStarted:
    """A child is ready."""

    path: str

    def __str__(self) -> str:
        return f"{self.path} is ready"


@dataclass(frozen=True, slots=True)
class ChildExited:
    """A child ended. For a `Crash` this is the crash report: all its leaves, with how long and how often the child has run."""

    path: str
    exit: Exit
    uptime_s: float
    restarts: int

    def __str__(self) -> str:
        times = f"after {self.uptime_s:.1f} s" + (f", restarts: {self.restarts}" if self.restarts else "")
        return f"{self.path} ended {times}: {_cause(self.exit)}"

    def report(self) -> str:
        """Path, cause and traceback, for people."""
        if not isinstance(self.exit, Crash):
            return str(self)
        return f"{self}\n" + "".join(traceback.format_exception(self.exit.error))


@dataclass(frozen=True, slots=True)
class ChildRestarted:
    """A child is about to be started again; `pause_s` of back-off come before."""

    path: str
    restarts: int
    pause_s: float

    def __str__(self) -> str:
        return f"{self.path} is restarted" + (f" in {self.pause_s:.1f} s" if self.pause_s else "")


@dataclass(frozen=True, slots=True)
class IntensityBreached:
    """A supervisor gives up."""

    path: str
    intensity: int
    period: float

    def __str__(self) -> str:
        return f"{self.path} gives up: over {self.intensity} restarts in {self.period:g} s"


@dataclass(frozen=True, slots=True)
class ShutdownOverrun:
    """A child is still alive although it was cancelled: a shielded scope or a thread. Its supervisor goes on waiting."""

    path: str
    waited_s: float

    def __str__(self) -> str:
        return f"{self.path} is still alive {self.waited_s:.1f} s after it was cancelled"


Event = ChildStarted | ChildExited | ChildRestarted | IntensityBreached | ShutdownOverrun
Listener = Callable[[Event], None]


class Telemetry:
    """Hands events to listeners, in the order of their subscription. A listener that raises is reported and not asked again."""

    __slots__ = ("_listeners",)

    def __init__(self, *listeners: Listener) -> None:
        self._listeners = listeners

    def subscribe(self, listener: Listener) -> None:
        """Have `listener` called, synchronously, with every event from now on."""
        self._listeners = (*self._listeners, listener)

    def emit(self, event: Event) -> None:
        """Tell all listeners."""
        for listener in self._listeners:
            try:
                listener(event)
            except Exception:
                self._listeners = tuple(other for other in self._listeners if other is not listener)
                log.exception("a telemetry listener failed and was removed")


def to_log(event: Event) -> None:
    """A listener for the standard library's logging: crashes and breaches as errors, the rest for debugging."""
    match event:
        case ChildExited(exit=Crash()):
            log.error("crash: %s", event.report(), extra={"path": event.path, "restarts": event.restarts})
        case ChildExited(exit=Killed()):
            log.warning("%s", event, extra={"path": event.path})
        case IntensityBreached() | ShutdownOverrun():
            log.error("%s", event, extra={"path": event.path})
        case ChildRestarted():
            log.info("%s", event, extra={"path": event.path, "restarts": event.restarts})
        case _:
            log.debug("%s", event)


def _cause(exit_: Exit) -> str:
    match exit_:
        case Crash():
            return "; ".join(f"{type(leaf).__name__}: {leaf}" for leaf in exit_.leaves)
        case Shutdown(reason):
            return reason
        case Killed():
            return "killed, it did not stop in time"
        case Normal():
            return "normal exit"
