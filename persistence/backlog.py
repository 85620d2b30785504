"""What waits until MongoDB can be written again, in Redis: a stream for each chat, and a job for each chat of which anything waits.

A chat's stream is emptied, not deleted, and expires: so the places in it never come again, and a removal that arrives late removes nothing else.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any, Final

import trio

from persistence.jobs import PUT_JOB, REPEAT_S, RedisJobs
from persistence.models import Added, BacklogState, Waiting
from persistence.redis import Redis

RETRIES: Final = "retry"
"""The queue of the chats of which anything waits."""
REMOVED: Final = "-"
"""A field of `backlog` beside those of the chats, and so is "*": how many have been removed since ever, and how many wait in all. No chat has such an id."""

_ADD: Final = (
    PUT_JOB
    + """
local prefix, jobs, request, seconds, most = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local counts, told = prefix .. 'backlog', prefix .. 'request:' .. request
local before = redis.call('LRANGE', told, 0, -1)
if #before > 0 then return before end
local total, added, begun = tonumber(redis.call('HGET', counts, '*') or 0), 0, {}
for i = 6, #ARGV, 2 do
  if total >= most then break end
  local chat, data = ARGV[i], ARGV[i + 1]
  local waiting = prefix .. 'backlog:' .. chat
  redis.call('XADD', waiting, '*', 'd', data)
  redis.call('PERSIST', waiting)
  if redis.call('HINCRBY', counts, chat, 1) == 1 then
    put_job(prefix .. 'jobs:' .. jobs, chat, 0)
    begun[#begun + 1] = chat
  end
  total, added = redis.call('HINCRBY', counts, '*', 1), added + 1
end
local answer = {tostring(added), unpack(begun)}
redis.call('RPUSH', told, unpack(answer))
redis.call('EXPIRE', told, seconds)
return answer
"""
)
"""prefix, queue of the jobs, request, seconds for which it may be repeated, most that may wait, then of each message its chat and itself -> how many were added, and the chats of which nothing had waited."""

_REMOVE: Final = """
local prefix, chat, seconds = ARGV[1], ARGV[2], ARGV[3]
local counts, waiting = prefix .. 'backlog', prefix .. 'backlog:' .. chat
local gone = 0
for i = 4, #ARGV do gone = gone + redis.call('XDEL', waiting, ARGV[i]) end
local left = redis.call('XLEN', waiting)
if gone > 0 then
  redis.call('HINCRBY', counts, '*', -gone)
  redis.call('HINCRBY', counts, '-', gone)
end
if left == 0 then
  redis.call('HDEL', counts, chat)
  redis.call('EXPIRE', waiting, seconds)
elseif gone > 0 then
  redis.call('HSET', counts, chat, left)
end
return left
"""
"""prefix, chat, seconds after which an empty stream goes, places... -> how many still wait."""


class RedisBacklog:
    """`Backlog` in Redis. Keys: `backlog` hash of how much waits, `backlog:<chat>` stream of what does.

    Args:
        redis: the connection.
        jobs: the queue `RETRIES`; its workers on this node are woken.

    """

    def __init__(self, redis: Redis, jobs: RedisJobs) -> None:
        self._redis = redis
        self._jobs = jobs
        self._add = redis.client.register_script(_ADD)
        self._remove = redis.client.register_script(_REMOVE)

    async def add(self, messages: Sequence[tuple[str, bytes]], *, most: int) -> Added:
        if not messages:
            await trio.lowlevel.checkpoint()
            return Added(count=0)
        parts: list[str | bytes] = [part for message in messages for part in message]
        args = [self._redis.prefix, RETRIES, secrets.token_hex(8), REPEAT_S, most, *parts]
        count, *begun = await self._redis.call(self._add, (), args)
        self._jobs.woken()
        return Added(count=int(count), begun=frozenset(chat.decode() for chat in begun))

    async def state(self, chat_ids: Sequence[str]) -> BacklogState:
        fields = [REMOVED, *chat_ids]
        values: Any = await self._redis.call(self._redis.client.hmget, f"{self._redis.prefix}backlog", fields)
        removed, *counts = [int(value or 0) for value in values]
        found = {chat_id: count for chat_id, count in zip(chat_ids, counts, strict=True) if count}
        return BacklogState(counts=found, removed=removed)

    async def read(self, chat_id: str, limit: int) -> list[Waiting]:
        key = f"{self._redis.prefix}backlog:{chat_id}"
        rows: Any = await self._redis.call(lambda: self._redis.client.xrange(key, count=limit))
        return [Waiting(id=place.decode(), data=fields[b"d"]) for place, fields in rows]

    async def remove(self, chat_id: str, ids: Sequence[str]) -> int:
        args = [self._redis.prefix, chat_id, REPEAT_S, *ids]
        left: int = await self._redis.call(self._remove, (), args)
        return left
