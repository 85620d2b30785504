"""How many restarts a supervisor may make: `intensity` within any `period`. Pure."""

from __future__ import annotations

from collections import deque


class Window:
    """The restarts of the last `period` seconds."""

    __slots__ = ("_intensity", "_period", "_times")

    def __init__(self, intensity: int, period: float) -> None:
        self._intensity = intensity
        self._period = period
        self._times: deque[float] = deque()

    def add(self, now: float) -> bool:
        """Count a restart; `False` if it is one too many."""
        times = self._times
        times.append(now)
        while times[0] < now - self._period:
            times.popleft()
        return len(times) <= self._intensity

    @property
    def recent(self) -> int:
        """Restarts counted in the window, as of the last one."""
        return len(self._times)
