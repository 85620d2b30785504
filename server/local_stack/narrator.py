"""Tells the person at the terminal what the stack does."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from typing import Final, TextIO

from config.errors import Problem
from persistence.errors import StoreUnavailable
from server.local_stack.plan import Part, Plan
from server.refusal import Refusal
from supervisors.exits import Crash, Exit, StartError
from supervisors.process import ProcessExited, ProcessNotReady
from supervisors.telemetry import ChildExited, ChildStarted, Event, IntensityBreached

_MISSING_LIBRARY: Final = re.compile(r"error while loading shared libraries: ([^\s:]+)")
_PACKAGES: Final = {"libcurl.so.4": "libcurl4", "libssl.so.3": "libssl3", "liblzma.so.5": "liblzma5"}


class Narrator:
    """Writes to standard output; trouble to standard error. `quiet` leaves out what goes wrong while everything is being stopped."""

    def __init__(
        self, parts: Mapping[str, Part], out: TextIO | None = None, err: TextIO | None = None
    ) -> None:
        self._parts = parts
        self._out = out or sys.stdout
        self._err = err or sys.stderr
        self._served: set[str] = set()
        self.quiet = False

    def say(self, text: str) -> None:
        """A line for standard output."""
        _print(self._out, text)

    def warn(self, text: str) -> None:
        """A line for standard error."""
        _print(self._err, text)

    def __call__(self, event: Event) -> None:
        """Listen to the tree. What keeps a part from starting at all is told by `why`, once, at the end."""
        part = self._parts.get(event.path.rpartition("/")[2])
        match event:
            case ChildStarted() if part is not None:
                self._served.add(part.id)
                self.say(f"{part.id} is ready")
            case ChildExited(exit=Crash() as crash) if not self.quiet:
                if part is not None and part.id in self._served:
                    self.warn(f"{part.id} ended unasked: {_cause(crash)}")
                elif part is None and not isinstance(crash.leaves[0], StartError | StoreUnavailable):
                    self.warn(f"{event.path} failed: {_cause(crash)}")
            case ChildExited() if part is not None and not isinstance(event.exit, Crash):
                self.say(f"{part.id} has stopped")
            case IntensityBreached():
                self.warn(f"{event.path} gives up: too many restarts")
            case _:
                return


def _print(stream: TextIO, text: str) -> None:
    try:
        print(text, file=stream, flush=True)
    except BrokenPipeError:
        return  # nobody reads any more; the stack goes on


def why(error: StartError, plan: Plan) -> Refusal:
    """In one line, why the stack could not be started, with the setting to change."""
    cause: Exit = error.cause
    child = error.child_id
    while isinstance(cause, Crash) and isinstance(inner := cause.leaves[0], StartError):
        child, cause = inner.child_id, inner.cause
    part = next((part for part in plan.parts if part.id == child), None)
    if part is not None:
        what = "did not start" if part.setting == child else f"{child} did not start"
        return Refusal(Problem(part.setting, f"{what}: {_reason(part, cause)}"))
    return Refusal(Problem("MONGODB_URI" if child == "schema" else child, _cause(cause)))


def _reason(part: Part, cause: Exit) -> str:
    leaf = cause.leaves[0] if isinstance(cause, Crash) else None
    program = part.command[0]
    if isinstance(leaf, OSError):
        return f"{program} cannot be run ({leaf.strerror})"
    said = last_words(list(part.log.last)) if isinstance(leaf, ProcessExited | ProcessNotReady) else ""
    missing = _MISSING_LIBRARY.search(said)
    if missing:
        package = _PACKAGES.get(missing[1], "")
        hint = f" (apt-get install {package})" if package else ""
        return f"{program} needs the system's library {missing[1]}, which is missing: install it{hint}"
    what = "it did not serve in time" if isinstance(leaf, ProcessNotReady) else _cause(cause)
    return f"{what}{': ' + said if said else ''} (more in {part.log.path})"


def _cause(exit_: Exit) -> str:
    if not isinstance(exit_, Crash):
        return type(exit_).__name__.lower()
    leaf = exit_.leaves[0]
    match leaf:
        case ProcessExited(status=status):
            return f"killed by signal {-status}" if status < 0 else f"it ended with status {status}"
        case StoreUnavailable() | StartError() | ProcessNotReady():
            return str(leaf)
        case _:
            return f"{type(leaf).__name__}: {leaf}"


def last_words(lines: list[str]) -> str:
    """Of a log's last lines the one that says most about the end; MongoDB's are JSON."""
    serious = [text for line in lines if (text := _serious(line))]
    return (serious or [line for line in lines if line.strip()] or [""])[-1 if not serious else 0][:400]


def _serious(line: str) -> str:
    try:
        entry = json.loads(line)
    except ValueError:
        return ""
    if not isinstance(entry, dict) or entry.get("s") not in ("E", "F"):
        return ""
    detail = entry.get("attr", {})
    reason = (
        detail.get("error") or detail.get("message") or detail.get("reason") or ""
        if isinstance(detail, dict)
        else ""
    )
    return f"{entry.get('msg')} {reason if isinstance(reason, str) else json.dumps(reason)}".strip()
