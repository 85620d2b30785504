"""The streams between nodes, and which nodes are alive.

Each node has an inbox, a Redis Stream. A publication is one script: it looks up who follows each topic and gives every such node one entry with all
that concerns it. What an entry carries besides, and why a loss always shows: `continuity.py`. A heartbeat is an entry too, so that a loss shows
although nothing follows it.

`docs/between-nodes.md` describes keys, scripts, failures and limits.
"""

from __future__ import annotations

import random
import secrets
import struct
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, Final

import trio

from persistence import scripts
from persistence.continuity import DEAD, Continuity
from persistence.errors import StoreUnavailable
from persistence.models import Delivery, Envelope
from persistence.redis import Redis

INBOX_LENGTH: Final = 20_000
"""Entries kept for a node that does not read. One that misses some catches up from the record."""
INBOX_BYTES: Final = 32 * 2**20
"""An inbox that has grown beyond is thrown away at the next heartbeat of its node, which then catches up from the record."""
READ_COUNT: Final = 200
"""Entries in one read."""
MOST_ENVELOPES: Final = 1_000
"""About as many envelopes in one delivery: others have their turn in between."""
TRIM_AFTER: Final = (100, 256 * 1024)
"""What has been read is removed after so many entries or bytes."""
BLOCK_MS: Final = 500
FIRST_PAUSE_S: Final = 0.05
LONGEST_PAUSE_S: Final = 2.0
AT_ONCE: Final = 500
"""Topics in one script: others have to wait for it."""
UNREGISTERED_LEASE_MS: Final = 30_000
"""Lease of a node that follows something before its first heartbeat."""
REPEAT_BURIAL_S: Final = 60

_START: Final = "0-0"
_LENGTHS: Final = struct.Struct(">HI")

Entries = list[tuple[bytes, dict[bytes, bytes]]]


class RedisBus:
    """`Bus` on Redis Streams, for one node.

    Args:
        redis: the connection.
        node: this node's name, unique for each time it starts.

    Attributes:
        position: of the entry in the inbox that was read last.
        in_doubt: whether a `follow` has failed, so that Redis may not know all that this node follows.

    """

    def __init__(self, redis: Redis, node: str) -> None:
        self._redis = redis
        self._node = node
        self._publish = redis.client.register_script(scripts.PUBLISH)
        self._follow = redis.client.register_script(scripts.FOLLOW)
        self._unfollow = redis.client.register_script(scripts.UNFOLLOW)
        # Two counters, because each is written by one thread only.
        self._gaps = 0
        self._failures = 0
        # Higher than what an earlier bus of this name may have used.
        self._number = time.time_ns() // 1_000
        self.position = _START
        self.in_doubt = False
        self._continuity = Continuity()
        self._interrupted = False
        self._since_trim = (0, 0)

    async def follow(self, topics: Sequence[str]) -> None:
        try:
            for some in _portions(topics):
                args = [self._redis.prefix, self._node, UNREGISTERED_LEASE_MS, secrets.token_hex(8), *some]
                registration: bytes = await self._redis.call(self._follow, (), args)
                self._continuity.begin(registration.decode())
        except StoreUnavailable:
            self.in_doubt = True
            raise

    async def unfollow(self, topics: Sequence[str]) -> None:
        for some in _portions(topics):
            await self._redis.call(self._unfollow, (), [self._redis.prefix, self._node, *some])

    async def publish(self, envelopes: Sequence[Envelope]) -> None:
        if not envelopes:
            await trio.lowlevel.checkpoint()
            return
        try:
            await self._redis.publish(self._send, envelopes)
        except BaseException:
            # Also when cancelled: it may never have begun.
            self.gap()
            raise

    def _send(self, envelopes: Sequence[Envelope]) -> None:
        generation, number = self.stamp()
        try:
            self._redis.require()  # or heartbeats, which look for the server, would wait for publications in vain
            self._publish(
                (), [self._redis.prefix, self._node, generation, number, INBOX_LENGTH, *_runs(envelopes)]
            )
        except BaseException:
            # Here, not where the result is awaited: whatever waits for this thread already must carry the new generation.
            self._failures += 1
            raise

    def stamp(self) -> tuple[int, int]:
        """The generation of what is sent now, and its number. In the publishing thread only."""
        self._number += 1
        return self._gaps + self._failures, self._number

    def gap(self) -> None:
        self._gaps += 1

    async def followed(self, topics: Sequence[str]) -> list[bool]:
        return await self._redis.call(self._followed, topics)

    def _followed(self, topics: Sequence[str]) -> list[bool]:
        with self._redis.client.pipeline(transaction=False) as pipe:
            for topic in topics:
                pipe.exists(f"{self._redis.prefix}interest:{topic}")
            return [bool(found) for found in pipe.execute()]

    async def receive(self) -> AsyncIterator[Delivery]:
        pause = FIRST_PAUSE_S
        while True:
            try:
                entries = await self._redis.read(self._read)
            except StoreUnavailable:
                self._interrupted = True
                await trio.sleep(pause * (0.5 + random.random()))  # noqa: S311 - jitter
                pause = min(pause * 2, LONGEST_PAUSE_S)
                continue
            pause = FIRST_PAUSE_S
            for delivery in self._deliveries(entries):
                yield delivery
                await trio.lowlevel.checkpoint()

    def _read(self) -> Entries:
        client, inbox = self._redis.client, f"{self._redis.prefix}inbox:{self._node}"
        if any(read > most for read, most in zip(self._since_trim, TRIM_AFTER, strict=True)):
            self._trim(inbox)
        answer: Any = client.xread({inbox: self.position}, count=READ_COUNT, block=BLOCK_MS)
        if answer:
            entries: Entries = answer[0][1]
            return entries
        newest: Any = client.xrevrange(inbox, count=1)
        if newest and _order(newest[0][0].decode()) < _order(self.position):
            # Positions are times. This is a new stream, made by a clock that is behind the one before.
            self.position = _START
        else:
            self._trim(inbox)
        return []

    def _trim(self, inbox: str) -> None:
        if self._since_trim != (0, 0):
            self._redis.client.xtrim(inbox, minid=self.position, approximate=True)
            self._since_trim = (0, 0)

    def _deliveries(self, entries: Entries) -> Iterator[Delivery]:
        envelopes: list[Envelope] = []
        lost = False
        for i, (position, fields) in enumerate(entries, 1):
            self.position = position.decode()
            body = fields[b"b"]
            self._since_trim = (self._since_trim[0] + 1, self._since_trim[1] + len(body))
            missed = self._continuity.take(
                fields[b"r"].decode(), int(fields[b"n"]), fields[b"f"].decode(), int(fields[b"g"])
            )
            lost = lost or missed or self._interrupted
            self._interrupted = False
            _unpack(body, envelopes)
            if i == len(entries) or len(envelopes) >= MOST_ENVELOPES:
                yield Delivery(envelopes=envelopes, lost=lost)
                envelopes, lost = [], False


def _portions(topics: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(topics), AT_ONCE):
        yield topics[start : start + AT_ONCE]


def _runs(envelopes: Sequence[Envelope]) -> list[bytes]:
    """Topic, envelopes, topic, envelopes: neighbours of one topic together."""
    found: list[bytes] = []
    before: str | None = None
    parts: list[bytes] = []
    topic = b""
    for envelope in envelopes:
        if envelope.topic != before:
            if parts:
                found += (topic, b"".join(parts))
                parts = []
            before = envelope.topic
            topic = before.encode()
        data = envelope.data
        parts += (_LENGTHS.pack(len(topic), len(data)), topic, data)
    found += (topic, b"".join(parts))
    return found


def _unpack(body: bytes, envelopes: list[Envelope]) -> None:
    at = 0
    while at < len(body):
        topic_length, data_length = _LENGTHS.unpack_from(body, at)
        at += _LENGTHS.size
        middle = at + topic_length
        end = middle + data_length
        envelopes.append(Envelope(body[at:middle].decode(), body[middle:end]))
        at = end


def _order(position: str) -> tuple[int, int]:
    milliseconds, _, number = position.partition("-")
    return int(milliseconds), int(number)


class RedisCluster:
    """`Cluster` on Redis. Its heartbeats go through the inboxes, under the bus's generation."""

    def __init__(self, redis: Redis, node: str, bus: RedisBus, *, lease_s: float) -> None:
        self._redis = redis
        self._node = node
        self._bus = bus
        self._lease_ms = int(lease_s * 1000)
        self._heartbeat = redis.client.register_script(scripts.HEARTBEAT)
        self._bury = redis.client.register_script(scripts.BURY)
        self._leave = redis.client.register_script(scripts.LEAVE)
        self._settle = redis.client.register_script(scripts.SETTLE)
        self._registration = b""
        self._request = secrets.token_hex(8)
        self._burying = trio.Lock()

    async def heartbeat(self) -> bool:
        in_doubt, self._bus.in_doubt = self._bus.in_doubt, False
        try:
            # Through the publishing thread: a heartbeat must not overtake what was published before it.
            registration = await self._redis.publish(self._beat)
        except BaseException:
            self._bus.in_doubt |= in_doubt
            raise
        # Compared here, not in Redis: should the reply that tells of a new registration be lost, the next one still tells.
        remembered = registration == self._registration and not in_doubt
        self._registration = registration
        return remembered

    def _beat(self) -> bytes:
        generation, number = self._bus.stamp()
        registration: bytes = self._heartbeat(
            (),
            [
                *(self._redis.prefix, self._node, generation, number),
                *(INBOX_LENGTH, self._lease_ms, secrets.token_hex(8), INBOX_BYTES),
            ],
        )
        return registration

    async def nodes(self) -> list[str]:
        names: Any = await self._redis.call(self._redis.client.zrange, f"{self._redis.prefix}nodes", 0, -1)
        return sorted(name.decode() for name in names)

    async def bury(self) -> list[str]:
        async with self._burying:
            prefix = self._redis.prefix
            args = [prefix, self._node, self._request, REPEAT_BURIAL_S, DEAD, INBOX_LENGTH]
            dead = await self._redis.call(self._bury, (), args)
            await self._settle_estates()
            # Only now: a call that failed is repeated under the same name and is told again whom it has buried.
            self._request = secrets.token_hex(8)
            return [name.decode() for name in dead]

    async def orphans(self, most: int) -> list[str]:
        key = f"{self._redis.prefix}orphans"
        topics: Any = await self._redis.call(self._redis.client.srandmember, key, most)
        return [topic.decode() for topic in topics]

    async def adopted(self, topics: Sequence[str]) -> None:
        if topics:
            await self._redis.call(self._redis.client.srem, f"{self._redis.prefix}orphans", *topics)

    async def leave(self) -> None:
        await self._redis.publish(self._say_goodbye)
        await self._settle_estates()

    def _say_goodbye(self) -> None:
        generation, number = self._bus.stamp()
        prefix, estate = self._redis.prefix, secrets.token_hex(8)
        self._leave((), [prefix, self._node, generation, number, INBOX_LENGTH, estate])

    async def _settle_estates(self) -> None:
        """Remove the interest of nodes that are gone, also what somebody else has begun and not finished."""
        names: Any = await self._redis.call(self._redis.client.smembers, f"{self._redis.prefix}estates")
        for name in names:
            while await self._redis.call(self._settle, (), [self._redis.prefix, name, AT_ONCE]):
                pass
