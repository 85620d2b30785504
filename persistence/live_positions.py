"""Where people are, in Redis. Keys: `live:<chat>` hash, `live-ends` sorted set of what is to be ended when."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import msgspec

from persistence.models import LivePosition
from persistence.redis import Redis

KEEP_MS: Final = 3_600_000
"""How long after its end a position is there for whoever ends it."""

_PUT: Final = """
local prefix, chat, seq, at, ends, keep, data = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local key = prefix .. 'live:' .. chat
local known = redis.call('HGET', key, seq)
if known and tonumber(string.match(known, '^%d+')) > tonumber(at) then return end
redis.call('HSET', key, seq, at .. ' ' .. data)
local wanted = math.max(1, ends + keep - at)
if redis.call('PTTL', key) < wanted then redis.call('PEXPIRE', key, wanted) end
redis.call('ZADD', prefix .. 'live-ends', 'NX', ends, chat .. ' ' .. seq)
"""
"""prefix, chat, seq, time of the position, end, ms to keep it after that, position."""

_CLAIM: Final = """
local prefix, now, ends, most = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local due = prefix .. 'live-ends'
local found = {}
for _, name in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, most)) do
  local chat, seq = name:match('^(%S+) (%d+)$')
  local data = redis.call('HGET', prefix .. 'live:' .. chat, seq)
  if data then
    redis.call('ZADD', due, ends, name)
    found[#found + 1] = data
  else
    redis.call('ZREM', due, name)
  end
end
return found
"""
"""prefix, now, until when they are claimed, most -> positions."""

_decode: Final = msgspec.json.Decoder(LivePosition).decode


class RedisLivePositions:
    """`LivePositions` in Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._put = redis.client.register_script(_PUT)
        self._claim = redis.client.register_script(_CLAIM)

    async def put(self, position: LivePosition) -> None:
        place = [self._redis.prefix, position.chat_id, position.seq, position.at, position.until, KEEP_MS]
        await self._redis.call(self._put, (), [*place, msgspec.json.encode(position)])

    async def get(self, chat_id: str, seq: int) -> LivePosition | None:
        data: Any = await self._redis.call(self._redis.client.hget, self._key(chat_id), str(seq))
        return None if data is None else _position(data)

    async def in_chat(self, chat_id: str) -> list[LivePosition]:
        rows: Any = await self._redis.call(self._redis.client.hvals, self._key(chat_id))
        return sorted(map(_position, rows), key=lambda position: position.seq)

    async def next_end(self) -> int | None:
        call, due = self._redis.client.zrange, f"{self._redis.prefix}live-ends"
        first: Any = await self._redis.call(partial(call, due, 0, 0, withscores=True))
        return None if not first else int(first[0][1])

    async def claim(self, *, now: int, until: int, limit: int) -> list[LivePosition]:
        rows = await self._redis.call(self._claim, (), [self._redis.prefix, now, until, limit])
        return [_position(row) for row in rows]

    async def forget(self, ended: Sequence[LivePosition]) -> None:
        if ended:
            await self._redis.call(self._forget, ended)

    def _forget(self, ended: Sequence[LivePosition]) -> None:
        with self._redis.client.pipeline(transaction=True) as pipe:
            for position in ended:
                pipe.hdel(self._key(position.chat_id), str(position.seq))
                pipe.zrem(f"{self._redis.prefix}live-ends", f"{position.chat_id} {position.seq}")
            pipe.execute()

    def _key(self, chat_id: str) -> str:
        return f"{self._redis.prefix}live:{chat_id}"


def _position(data: bytes) -> LivePosition:
    return _decode(data.partition(b" ")[2])
