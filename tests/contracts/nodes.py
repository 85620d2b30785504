"""Nodes that talk through a broker in memory or through Redis, and what can happen to it: what the suites of Redis' ports run against."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from unittest import mock

import pytest
import redis
import trio
import trio.testing
from redis.connection import Connection

from persistence import inbox
from persistence.attempts import RedisAttempts
from persistence.buckets import RedisBuckets
from persistence.inbox import RedisBus, RedisCluster
from persistence.live_positions import RedisLivePositions
from persistence.memory import (
    Broker,
    MemoryAttempts,
    MemoryBuckets,
    MemoryBus,
    MemoryCluster,
    MemoryLivePositions,
    MemoryOpenChats,
    MemoryPresence,
)
from persistence.models import Delivery, Envelope
from persistence.open_chats import RedisOpenChats
from persistence.ports import Attempts, Buckets, Bus, Cluster, LivePositions, OpenChats, Presence
from persistence.presence import RedisPresence
from persistence.redis import Redis
from tests.contracts.samples import new_id
from tests.servers import Servers

redis_only = pytest.mark.parametrize("form", [pytest.param("real", marks=pytest.mark.real)], indirect=True)
"""For what only Redis can do."""
memory_only = pytest.mark.parametrize("form", ["memory"], indirect=True)
"""For what Redis can't be made to do."""
LEASE_S = 60.0
"""Longer than any test: a lease ends when a test says so."""


def letters(topic: str, *texts: str | int) -> list[Envelope]:
    """Envelopes on one topic."""
    return [Envelope(topic, str(text).encode()) for text in texts]


class Node:
    """One node's ports, and what it has received.

    Attributes:
        deliveries: since the last `forget`.

    """

    def __init__(
        self,
        name: str,
        bus: Bus,
        cluster: Cluster,
        open_chats: OpenChats,
        presence: Presence,
        attempts: Attempts,
        buckets: Buckets,
        live_positions: LivePositions,
    ) -> None:
        self.name = name
        self.bus = bus
        self.cluster = cluster
        self.open_chats = open_chats
        self.presence = presence
        self.attempts = attempts
        self.buckets = buckets
        self.live_positions = live_positions
        self.deliveries: list[Delivery] = []
        self.progress = trio.Event()
        self.reading = False
        self._scope = trio.CancelScope()

    @property
    def got(self) -> list[Envelope]:
        """What has arrived."""
        return [envelope for delivery in self.deliveries for envelope in delivery.envelopes]

    @property
    def texts(self) -> list[str]:
        """What has arrived, without the topics."""
        return [envelope.data.decode() for envelope in self.got]

    @property
    def lost(self) -> bool:
        """Whether it was said that something may have been missed."""
        return any(delivery.lost for delivery in self.deliveries)

    def forget(self) -> None:
        """Begin a new record of what arrives."""
        self.deliveries.clear()

    async def read(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Receive, until told to stop."""
        self._scope = trio.CancelScope()
        self.reading = True
        task_status.started()
        with self._scope:
            async for delivery in self.bus.receive():
                self.deliveries.append(delivery)
                self.progress.set()
                self.progress = trio.Event()
        self.reading = False

    async def stop_reading(self) -> None:
        """What comes in stays in the inbox."""
        self._scope.cancel()
        while self.reading:
            await trio.lowlevel.checkpoint()


class Nodes(ABC):
    """Any number of nodes over one broker."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery
        self.all: list[Node] = []

    async def start(self, *names: str) -> list[Node]:
        """Nodes that are registered and receive. A name is made unique, as each start of a node has a name of its own."""
        started = [await self._make(f"{name}-{new_id()}") for name in names]
        for node in started:
            assert await node.cluster.heartbeat() is False
            await self._nursery.start(node.read)
        self.all += started
        return started

    async def resume_reading(self, node: Node) -> None:
        """Receive again."""
        await self._nursery.start(node.read)

    async def heartbeats(self) -> None:
        """One of each node; whoever had been forgotten is registered again by it."""
        for node in self.all:
            await node.cluster.heartbeat()

    async def settle(self) -> None:
        """Until those that receive have received everything."""
        for node in self.all:
            if node.reading:
                await self._settle(node)

    @abstractmethod
    async def _make(self, name: str) -> Node: ...

    @abstractmethod
    async def _settle(self, node: Node) -> None: ...

    @abstractmethod
    def flush(self) -> None:
        """The broker loses everything it knew."""

    @abstractmethod
    def delete_inbox(self, node: Node) -> None:
        """What is in the inbox of a node vanishes."""

    @abstractmethod
    def delete_newest(self, node: Node) -> None:
        """The newest entry in the inbox of a node vanishes."""

    @abstractmethod
    def expire(self, *nodes: Node) -> None:
        """The leases of these run out."""

    @abstractmethod
    def refusing(self) -> contextlib.AbstractContextManager[None]:
        """A block in which every write is refused."""

    @abstractmethod
    def losing_replies(self) -> contextlib.AbstractContextManager[None]:
        """A block in which writes take effect and their replies are lost, repetitions included."""

    @abstractmethod
    def outage(self) -> contextlib.AbstractAsyncContextManager[None]:
        """A block in which the broker is dead. It comes back without its data."""

    @abstractmethod
    def presence_left(self, but_for: Node) -> list[str]:
        """What there is of anybody's presence, beside that a node has any and how often somebody has gone of late."""

    @abstractmethod
    def keep(self, entries: int) -> contextlib.AbstractContextManager[None]:
        """A block in which inboxes keep about so many entries."""


class MemoryNodes(Nodes):
    """Over a broker in memory."""

    def __init__(self, nursery: trio.Nursery) -> None:
        super().__init__(nursery)
        self.broker = Broker(lease_s=LEASE_S)

    async def _make(self, name: str) -> Node:
        bus = MemoryBus(self.broker, name)
        return Node(
            name,
            bus,
            MemoryCluster(self.broker, name, bus),
            MemoryOpenChats(self.broker),
            MemoryPresence(self.broker),
            MemoryAttempts(self.broker),
            MemoryBuckets(self.broker),
            MemoryLivePositions(self.broker),
        )

    async def _settle(self, node: Node) -> None:
        await trio.testing.wait_all_tasks_blocked()

    def flush(self) -> None:
        self.broker.forget_everything()

    def delete_inbox(self, node: Node) -> None:
        self.broker.delete_inbox(node.name)

    def delete_newest(self, node: Node) -> None:
        self.broker.inboxes[node.name].entries.pop()

    def expire(self, *nodes: Node) -> None:
        for node in nodes:
            if node.name in self.broker.leases:
                self.broker.leases[node.name] = trio.current_time()

    @contextmanager
    def refusing(self) -> Iterator[None]:
        self.broker.faults.fail_before = 1_000_000
        yield
        self.broker.faults.fail_before = 0

    @contextmanager
    def losing_replies(self) -> Iterator[None]:
        self.broker.faults.fail_after = 1_000_000
        yield
        self.broker.faults.fail_after = 0

    @asynccontextmanager
    async def outage(self) -> AsyncIterator[None]:
        self.broker.faults.down = True
        self.broker.forget_everything()
        yield
        self.broker.faults.down = False

    def presence_left(self, but_for: Node) -> list[str]:
        p = self.broker.presence
        return [*p.devices, *p.online, *p.turns, *sorted(p.telling), *p.left]

    @contextmanager
    def keep(self, entries: int) -> Iterator[None]:
        before, self.broker.inbox_length = self.broker.inbox_length, entries
        yield
        self.broker.inbox_length = before


class RedisNodes(Nodes):
    """Over Redis, each with connections of its own, under a prefix of this world's own."""

    def __init__(self, nursery: trio.Nursery, servers: Servers) -> None:
        super().__init__(nursery)
        self._servers = servers
        self.prefix = f"{new_id()}:"
        self.raw: Any = redis.Redis.from_url(servers.redis_url, protocol=2)

    async def _make(self, name: str) -> Node:
        connection = Redis(self._servers.redis_url, self.prefix)
        await self._nursery.start(_running, connection)
        bus = RedisBus(connection, name)
        return Node(
            name,
            bus,
            RedisCluster(connection, name, bus, lease_s=LEASE_S),
            RedisOpenChats(connection),
            RedisPresence(connection),
            RedisAttempts(connection),
            RedisBuckets(connection),
            RedisLivePositions(connection),
        )

    async def _settle(self, node: Node) -> None:
        assert isinstance(node.bus, RedisBus)
        while True:
            progress = node.progress
            newest: list[tuple[bytes, object]] = self.raw.xrevrange(self.inbox(node), count=1)
            if not newest or newest[0][0].decode() == node.bus.position:
                return
            await progress.wait()

    def inbox(self, node: Node) -> str:
        """The key of a node's inbox."""
        return f"{self.prefix}inbox:{node.name}"

    def all_keys(self) -> list[str]:
        """All keys, without the prefix."""
        return sorted(key.decode().removeprefix(self.prefix) for key in self.raw.scan_iter(f"{self.prefix}*"))

    def flush(self) -> None:
        for key in self.all_keys():
            self.raw.delete(self.prefix + key)
        self.raw.script_flush()

    def delete_inbox(self, node: Node) -> None:
        self.raw.delete(self.inbox(node))

    def delete_newest(self, node: Node) -> None:
        ((position, _),) = self.raw.xrevrange(self.inbox(node), count=1)
        self.raw.xdel(self.inbox(node), position)

    def expire(self, *nodes: Node) -> None:
        for node in nodes:
            self.raw.zadd(f"{self.prefix}nodes", {node.name: 1}, xx=True)

    @contextmanager
    def refusing(self) -> Iterator[None]:
        before = self.raw.config_get("maxmemory")["maxmemory"]
        self.raw.config_set("maxmemory", 1)
        try:
            yield
        finally:
            self.raw.config_set("maxmemory", before)

    @contextmanager
    def losing_replies(self) -> Iterator[None]:
        with replies_lost():
            yield

    @asynccontextmanager
    async def outage(self) -> AsyncIterator[None]:
        async with self._servers.outage("redis"):
            self.raw.close()
            yield

    def presence_left(self, but_for: Node) -> list[str]:
        others = (
            "nodes",
            "node:",
            "inbox:",
            "interest:",
            "topics:",
            "burial:",
            "published:",
            "flaps:",
            "era",
        )
        keys = [key for key in self.all_keys() if not key.startswith(others)]
        return [key for key in keys if key != "present-nodes" or self.nodes_with_devices() != [but_for.name]]

    def nodes_with_devices(self) -> list[str]:
        """The names in `present-nodes`."""
        return [name.decode() for name in self.raw.smembers(f"{self.prefix}present-nodes")]

    @contextmanager
    def keep(self, entries: int) -> Iterator[None]:
        with mock.patch.object(inbox, "INBOX_LENGTH", entries):
            yield


@contextmanager
def replies_lost(most: int = 1_000_000) -> Iterator[list[str]]:
    """A block in which so many scripts are carried out and the connection breaks before their reply. Gives what was lost."""
    lost: list[str] = []
    send: Any = Connection.send_command

    def send_and_break(connection: Any, *args: object, **options: object) -> None:
        send(connection, *args, **options)
        if args[0] == "EVALSHA" and len(lost) < most:
            answer = connection.read_response()
            connection.disconnect()
            lost.append(repr(answer))
            raise redis.ConnectionError("the reply was lost")

    with mock.patch.object(Connection, "send_command", send_and_break):
        yield lost
    assert lost, "no reply was lost: the test tests nothing"


@asynccontextmanager
async def memory_nodes() -> AsyncIterator[MemoryNodes]:
    """A world without nodes."""
    async with trio.open_nursery() as nursery:
        yield MemoryNodes(nursery)
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def redis_nodes(servers: Servers) -> AsyncIterator[RedisNodes]:
    """A world without nodes, over Redis."""
    async with trio.open_nursery() as nursery:
        nodes = RedisNodes(nursery, servers)
        try:
            yield nodes
            nursery.cancel_scope.cancel()
        finally:
            nodes.raw.close()


async def _running(
    connection: Redis, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    async with connection.running():
        task_status.started()
        await trio.sleep_forever()


def numbered(topics: Sequence[str], numbers: Iterable[int]) -> list[Envelope]:
    """Envelopes with these numbers, on the topics in turn."""
    return [Envelope(topics[number % len(topics)], str(number).encode()) for number in numbers]
