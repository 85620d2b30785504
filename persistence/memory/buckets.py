"""Token buckets in memory."""

from __future__ import annotations

from collections.abc import Sequence

import trio

from persistence.memory.broker import Broker
from persistence.models import BucketUse


class MemoryBuckets:
    """`Buckets` in memory."""

    def __init__(self, broker: Broker) -> None:
        self._b = broker

    async def spend(self, uses: Sequence[BucketUse]) -> list[float]:
        await self._b.faults.before("spend")
        now = trio.current_time()
        answer: list[float] = []
        for use in uses:
            left, at = self._b.buckets.get(use.key, (use.burst, now))
            came = use.since_s * use.rate
            if use.key not in self._b.buckets:
                left += came
            left = min(use.burst + came, left + (now - at) * use.rate) - use.used
            left = min(use.burst, left)
            self._b.buckets[use.key] = (left, now)
            answer.append(left)
        await self._b.faults.after("spend")
        return answer
