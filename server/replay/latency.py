"""Latencies, counted in classes that are 2 % wide: as small for ten million of them as for ten."""

from __future__ import annotations

import math
from collections import Counter
from typing import Final

_WIDTH: Final = math.log(1.02)
_LEAST_S: Final = 1e-6


class Latencies:
    """Counts seconds; gives quantiles to within 2 %."""

    __slots__ = ("_classes", "count")

    def __init__(self) -> None:
        self._classes: Counter[int] = Counter()
        self.count = 0

    def add(self, seconds: float, times: int = 1) -> None:
        """Count one, or several that are alike."""
        self._classes[int(math.log(max(seconds, _LEAST_S) / _LEAST_S) / _WIDTH)] += times
        self.count += times

    def quantile(self, share: float) -> float:
        """The latency in seconds that this share (0 to 1) of all does not exceed; 0 if there are none."""
        wanted = share * self.count
        seen = 0
        for index, times in sorted(self._classes.items()):
            seen += times
            if seen >= wanted:
                return _LEAST_S * math.exp((index + 1) * _WIDTH)
        return 0.0
