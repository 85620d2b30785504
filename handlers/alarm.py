"""Wakes one task when the next thing is due."""

from __future__ import annotations

import math

import trio

from handlers.signal import Signal


class Alarm:
    """The earliest of the times that anybody has set, and one task that waits for it. Times are Trio's."""

    __slots__ = ("_at", "_earlier")

    def __init__(self) -> None:
        self._at = math.inf
        self._earlier = Signal()

    def set(self, at: float) -> None:
        """Something is due then. Costs a comparison, unless nothing was due as early."""
        if at < self._at:
            self._at = at
            self._earlier.set()

    async def wait(self, *, earliest: float, latest: float) -> None:
        """Wait for the next thing that is due, but not less and not longer than so. What was set is forgotten then: whoever has waited looks for what is due next."""
        while True:
            at = max(earliest, min(self._at, latest))
            with trio.move_on_at(at) as scope:
                await self._earlier.wait()
            if scope.cancelled_caught:
                self._at = math.inf
                return
