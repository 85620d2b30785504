"""The crash reports of the last time, for whoever looks at the tree."""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from supervisors.exits import Crash
from supervisors.telemetry import ChildExited, Event
from supervisors.tree import CrashReport, Node

MOST_CHARACTERS: Final = 4_000
"""Of a traceback: the end of it, where the cause is."""
MOST_PER_CHILD: Final = 5
"""Reports that are shown with one child."""


class CrashLog:
    """Keeps reports of crashes. A telemetry listener.

    Args:
        clock: milliseconds since the epoch.
        redact: takes out of a text what nobody may read.
        most: how many are kept; the oldest go first.

    """

    def __init__(
        self, clock: Callable[[], int], redact: Callable[[str], str] = str, *, most: int = 200
    ) -> None:
        self._clock = clock
        self._redact = redact
        self._kept: deque[tuple[str, CrashReport]] = deque(maxlen=most)

    def __call__(self, event: Event) -> None:
        """Take in an event."""
        if isinstance(event, ChildExited) and isinstance(event.exit, Crash):
            reason = "; ".join(f"{type(leaf).__name__}: {leaf}" for leaf in event.exit.leaves)
            trace = "".join(traceback.format_exception(event.exit.error))
            report = CrashReport(
                child=event.path,
                at=self._clock(),
                uptime_s=round(event.uptime_s, 3),
                restarts=event.restarts,
                reason=self._redact(reason)[:MOST_CHARACTERS],
                traceback=self._redact(trace)[-MOST_CHARACTERS:],
            )
            self._kept.append((event.path, report))

    def shown_in(self, root: Node) -> Node:
        """The tree with each report at its child; that of a child that is gone at what is left above it. Of each, the newest come first."""
        return self._with(root, [report for _, report in reversed(self._kept)])

    def _with(self, node: Node, reports: Iterable[CrashReport]) -> Node:
        below: dict[str, list[CrashReport]] = {child.path: [] for child in node.children}
        own: list[CrashReport] = []
        for report in reports:
            start = len(node.path) + 1
            end = report.child.find("/", start)
            part = report.child if end < 0 else report.child[:end]
            below.get(part, own).append(report)
        return replace(
            node,
            last_crash=None if node.last_crash is None else self._redact(node.last_crash),
            crashes=tuple(own[:MOST_PER_CHILD]),
            children=tuple(self._with(child, below[child.path]) for child in node.children),
        )
