"""Token buckets in Redis: `bucket:<key>`, each a hash of `left` and `at` (ms, by Redis' clock), gone once it would be full."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from persistence.models import BucketUse
from persistence.redis import Redis

MOST_AT_ONCE: Final = 200
"""Buckets in one call of the script, which holds up all others: some 5 us each."""

_SPEND: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local answer = {}
for i, key in ipairs(KEYS) do
  local used, rate, burst = tonumber(ARGV[4 * i - 3]), tonumber(ARGV[4 * i - 2]), tonumber(ARGV[4 * i - 1])
  local most = burst + tonumber(ARGV[4 * i]) * rate
  local left = most
  local there = redis.call('HMGET', key, 'left', 'at')
  if there[1] then
    left = math.min(most, tonumber(there[1]) + math.max(0, now - tonumber(there[2])) * rate / 1000)
  end
  left = math.min(burst, left - used)
  if left < burst then
    redis.call('HSET', key, 'left', string.format('%.6f', left), 'at', string.format('%d', now))
    redis.call('PEXPIRE', key, string.format('%d', math.ceil((burst - left) / rate * 1000) + 1))
  end
  answer[i] = string.format('%.6f', left)
end
return answer
"""


class RedisBuckets:
    """`Buckets` in Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._spend = redis.client.register_script(_SPEND)

    async def spend(self, uses: Sequence[BucketUse]) -> list[float]:
        left: list[float] = []
        for start in range(0, len(uses), MOST_AT_ONCE):
            some = uses[start : start + MOST_AT_ONCE]
            keys = [f"{self._redis.prefix}bucket:{use.key}" for use in some]
            arguments = [value for use in some for value in (use.used, use.rate, use.burst, use.since_s)]
            left += [float(each) for each in await self._redis.call(self._spend, keys, arguments)]
        return left
