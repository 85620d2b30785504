"""The streams between nodes, and which nodes are alive.

Each node has an inbox, a Redis Stream. A publication is one script: it looks up who follows each topic and gives every such node one entry with all
that concerns it. Entries carry the publisher's generation, which goes up when it failed to publish something, and a count per publisher and inbox:
whatever breaks the sequence (an entry lost or trimmed, a restarted Redis, a failed publication) shows at the next entry, and a heartbeat is an entry
too.

Keys, after the prefix: `interest:<topic>` set of nodes, `topics:<node>` set of topics, `inbox:<node>` stream, `counters:<node>` hash by
publisher, `nodes` sorted set by the end of the lease.
"""

from __future__ import annotations

import random
import struct
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import trio

from persistence.errors import StoreUnavailable
from persistence.models import Delivery, Envelope
from persistence.redis import Redis

INBOX_LENGTH: Final = 20_000
"""Entries kept for a node that does not read. One that misses some catches up from the record."""
READ_COUNT: Final = 500
BLOCK_MS: Final = 500
LONGEST_PAUSE_S: Final = 2.0
FOLLOW_AT_ONCE: Final = 2_000

_LENGTHS: Final = struct.Struct(">HI")

_PUBLISH: Final = """
local prefix, from, generation, maxlen = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local parts, order, followers = {}, {}, {}
for i = 5, #ARGV, 2 do
  local topic, data = ARGV[i], ARGV[i + 1]
  local nodes = followers[topic]
  if not nodes then
    nodes = redis.call('SMEMBERS', prefix .. 'interest:' .. topic)
    followers[topic] = nodes
  end
  local packed
  for _, node in ipairs(nodes) do
    if node ~= from then
      packed = packed or (struct.pack('>I2I4', #topic, #data) .. topic .. data)
      local list = parts[node]
      if not list then
        list = {}
        parts[node] = list
        order[#order + 1] = node
      end
      list[#list + 1] = packed
    end
  end
end
for _, node in ipairs(order) do
  if redis.call('ZSCORE', prefix .. 'nodes', node) then
    local count = redis.call('HINCRBY', prefix .. 'counters:' .. node, from, 1)
    redis.call('XADD', prefix .. 'inbox:' .. node, 'MAXLEN', '~', maxlen, '*',
               'f', from, 'g', generation, 'n', count, 'b', table.concat(parts[node]))
  end
end
"""

_HEARTBEAT: Final = """
local prefix, me, generation, maxlen, lease = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local remembered = redis.call('ZSCORE', prefix .. 'nodes', me) and 1 or 0
redis.call('ZADD', prefix .. 'nodes', now + lease, me)
for _, node in ipairs(redis.call('ZRANGEBYSCORE', prefix .. 'nodes', now, '+inf')) do
  if node ~= me then
    local count = redis.call('HINCRBY', prefix .. 'counters:' .. node, me, 1)
    redis.call('XADD', prefix .. 'inbox:' .. node, 'MAXLEN', '~', maxlen, '*', 'f', me, 'g', generation, 'n', count, 'b', '')
  end
end
return remembered
"""

_FORGET: Final = """
local function forget(prefix, node)
  redis.call('ZREM', prefix .. 'nodes', node)
  for _, topic in ipairs(redis.call('SMEMBERS', prefix .. 'topics:' .. node)) do
    redis.call('SREM', prefix .. 'interest:' .. topic, node)
  end
  redis.call('DEL', prefix .. 'topics:' .. node, prefix .. 'inbox:' .. node, prefix .. 'counters:' .. node)
  for _, other in ipairs(redis.call('ZRANGE', prefix .. 'nodes', 0, -1)) do
    redis.call('HDEL', prefix .. 'counters:' .. other, node)
  end
end
"""

_BURY: Final = (
    _FORGET
    + """
local prefix, me = ARGV[1], ARGV[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local dead = {}
for _, node in ipairs(redis.call('ZRANGEBYSCORE', prefix .. 'nodes', '-inf', now)) do
  if node ~= me then
    forget(prefix, node)
    dead[#dead + 1] = node
  end
end
return dead
"""
)

_LEAVE: Final = _FORGET + "forget(ARGV[1], ARGV[2])"


class RedisBus:
    """`Bus` on Redis Streams, for one node.

    Args:
        redis: the connection.
        node: this node's name, unique for each time it starts.

    """

    def __init__(self, redis: Redis, node: str) -> None:
        self._redis = redis
        self._node = node
        self._prefix = redis.prefix
        self._publish = redis.client.register_script(_PUBLISH)
        self.generation = 0
        self._position = "0-0"
        self._seen: dict[str, tuple[int, int]] = {}

    async def follow(self, topics: Sequence[str]) -> None:
        for start in range(0, len(topics), FOLLOW_AT_ONCE):
            await self._redis.call(self._interest, "SADD", topics[start : start + FOLLOW_AT_ONCE])

    async def unfollow(self, topics: Sequence[str]) -> None:
        for start in range(0, len(topics), FOLLOW_AT_ONCE):
            await self._redis.call(self._interest, "SREM", topics[start : start + FOLLOW_AT_ONCE])

    def _interest(self, command: str, topics: Sequence[str]) -> None:
        with self._redis.client.pipeline(transaction=False) as pipe:
            change = pipe.sadd if command == "SADD" else pipe.srem
            change(f"{self._prefix}topics:{self._node}", *topics)
            for topic in topics:
                change(f"{self._prefix}interest:{topic}", self._node)
            pipe.execute()

    async def publish(self, envelopes: Sequence[Envelope]) -> None:
        args: list[Any] = [self._prefix, self._node, self.generation, INBOX_LENGTH]
        for envelope in envelopes:
            args += (envelope.topic, envelope.data)
        try:
            await self._redis.publish(self._publish, (), args)
        except StoreUnavailable:
            self.generation += 1
            raise

    def gap(self) -> None:
        self.generation += 1

    async def followed(self, topics: Sequence[str]) -> list[bool]:
        return await self._redis.call(self._followed, topics)

    def _followed(self, topics: Sequence[str]) -> list[bool]:
        with self._redis.client.pipeline(transaction=False) as pipe:
            for topic in topics:
                pipe.exists(f"{self._prefix}interest:{topic}")
            return [bool(found) for found in pipe.execute()]

    async def receive(self) -> AsyncIterator[Delivery]:
        pause = 0.05
        while True:
            try:
                entries = await self._redis.read(self._read)
            except StoreUnavailable:
                await trio.sleep(pause * (0.5 + random.random()))  # noqa: S311 - jitter
                pause = min(pause * 2, LONGEST_PAUSE_S)
                continue
            pause = 0.05
            if entries:
                yield self._take_in(entries)

    def _read(self) -> list[tuple[bytes, dict[bytes, bytes]]]:
        inbox = f"{self._prefix}inbox:{self._node}"
        answer: Any = self._redis.client.xread({inbox: self._position}, count=READ_COUNT, block=BLOCK_MS)
        return answer[0][1] if answer else []

    def _take_in(self, entries: list[tuple[bytes, dict[bytes, bytes]]]) -> Delivery:
        envelopes: list[Envelope] = []
        lost = False
        for entry_id, fields in entries:
            self._position = entry_id.decode()
            publisher, generation, count = fields[b"f"].decode(), int(fields[b"g"]), int(fields[b"n"])
            before = self._seen.get(publisher)
            if before is None:
                lost = lost or count != 1 or generation != 0
            elif before != (generation, count - 1):
                lost = True
            self._seen[publisher] = (generation, count)
            envelopes += _envelopes(fields[b"b"])
        return Delivery(envelopes=envelopes, lost=lost)


def _envelopes(blob: bytes) -> list[Envelope]:
    found: list[Envelope] = []
    at = 0
    while at < len(blob):
        topic_length, data_length = _LENGTHS.unpack_from(blob, at)
        at += _LENGTHS.size
        middle = at + topic_length
        end = middle + data_length
        found.append(Envelope(blob[at:middle].decode(), blob[middle:end]))
        at = end
    return found


class RedisCluster:
    """`Cluster` on Redis. Its heartbeats go through the inboxes, under the bus's generation."""

    def __init__(self, redis: Redis, node: str, bus: RedisBus, *, lease_s: float) -> None:
        self._redis = redis
        self._node = node
        self._bus = bus
        self._lease_ms = int(lease_s * 1000)
        self._heartbeat = redis.client.register_script(_HEARTBEAT)
        self._bury = redis.client.register_script(_BURY)
        self._leave = redis.client.register_script(_LEAVE)

    async def heartbeat(self) -> bool:
        args = [self._redis.prefix, self._node, self._bus.generation, INBOX_LENGTH, self._lease_ms]
        # Through the publishing thread: a heartbeat must not overtake what was published before it.
        return bool(await self._redis.publish(self._heartbeat, (), args))

    async def nodes(self) -> list[str]:
        names: Any = await self._redis.call(self._redis.client.zrange, f"{self._redis.prefix}nodes", 0, -1)
        return sorted(name.decode() for name in names)

    async def bury(self) -> list[str]:
        dead = await self._redis.call(self._bury, (), [self._redis.prefix, self._node])
        return [name.decode() for name in dead]

    async def leave(self) -> None:
        await self._redis.publish(self._leave, (), [self._redis.prefix, self._node])
