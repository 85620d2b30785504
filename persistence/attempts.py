"""Counting tries in Redis."""

from __future__ import annotations

from typing import Final

from persistence.redis import Redis

_COUNT: Final = """
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return {count, redis.call('TTL', KEYS[1])}
"""


class RedisAttempts:
    """`Attempts` in Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._count = redis.client.register_script(_COUNT)

    async def count(self, key: str, *, window_s: int) -> tuple[int, int]:
        count, left = await self._redis.call(self._count, [f"{self._redis.prefix}attempts:{key}"], [window_s])
        return int(count), max(1, int(left))

    async def clear(self, key: str) -> None:
        await self._redis.call(self._redis.client.delete, f"{self._redis.prefix}attempts:{key}")
