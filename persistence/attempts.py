"""Counting tries in Redis."""

from __future__ import annotations

import math
from typing import Final

from persistence.redis import Redis

_COUNT: Final = """
local count = redis.call('INCR', KEYS[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  redis.call('EXPIRE', KEYS[1], ARGV[1])
  left = ARGV[1] * 1000
end
return {count, left}
"""


class RedisAttempts:
    """`Attempts` in Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._count = redis.client.register_script(_COUNT)

    async def count(self, key: str, *, window_s: int) -> tuple[int, int]:
        count, left = await self._redis.call(self._count, [f"{self._redis.prefix}attempts:{key}"], [window_s])
        # Rounded up: whoever waits so long finds the next window open.
        return int(count), max(1, math.ceil(int(left) / 1000))

    async def clear(self, key: str) -> None:
        await self._redis.call(self._redis.client.delete, f"{self._redis.prefix}attempts:{key}")
