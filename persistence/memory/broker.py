"""What Redis does, in memory: inboxes with loss on demand, leases, open chats, counters."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence

import trio

from persistence.memory.faults import Faults
from persistence.models import Delivery, Envelope, OpenChat


class _Inbox:
    def __init__(self) -> None:
        self.entries: deque[tuple[str, int, int, list[Envelope]]] = deque()
        self.arrived = trio.Event()
        self.counters: dict[str, int] = {}

    def put(self, publisher: str, generation: int, envelopes: list[Envelope], *, lose: bool = False) -> None:
        counter = self.counters[publisher] = self.counters.get(publisher, 0) + 1
        if not lose:
            self.entries.append((publisher, generation, counter, envelopes))
            self.arrived.set()


class Broker:
    """One Redis, for all nodes of a simulation.

    Attributes:
        lose: asked for each entry, whether it vanishes on its way.
        repeat: asked for each entry, whether it arrives twice.
        delay: asked for each entry, how many seconds it takes; entries overtake each other.

    """

    def __init__(self, faults: Faults | None = None, lease_s: float = 8.0) -> None:
        self.faults = faults or Faults("redis")
        self.lease_s = lease_s
        self.interest: dict[str, set[str]] = {}
        self.inboxes: dict[str, _Inbox] = {}
        self.leases: dict[str, float] = {}
        self.open: dict[tuple[str, str, str, str], OpenChat] = {}
        self.attempts: dict[str, tuple[int, float]] = {}
        self.lose: Callable[[str, str], bool] = lambda _from, _to: False

    def forget_everything(self) -> None:
        """Redis restarts without its data."""
        self.interest.clear()
        self.leases.clear()
        self.open.clear()
        self.attempts.clear()
        for inbox in self.inboxes.values():
            inbox.counters.clear()
            inbox.entries.clear()

    def forget_node(self, node: str) -> None:
        """A node's lease, interest and inbox are gone."""
        self.leases.pop(node, None)
        for nodes in self.interest.values():
            nodes.discard(node)
        self.inboxes.pop(node, None)


class MemoryBus:
    """`Bus` in memory, for one node."""

    def __init__(self, broker: Broker, node: str) -> None:
        self._b = broker
        self._node = node
        self._generation = 0
        self._seen: dict[str, tuple[int, int]] = {}
        self._inbox = broker.inboxes.setdefault(node, _Inbox())

    async def follow(self, topics: Sequence[str]) -> None:
        await self._b.faults.before("follow")
        for topic in topics:
            self._b.interest.setdefault(topic, set()).add(self._node)

    async def unfollow(self, topics: Sequence[str]) -> None:
        await self._b.faults.before("unfollow")
        for topic in topics:
            self._b.interest.get(topic, set()).discard(self._node)

    async def publish(self, envelopes: Sequence[Envelope]) -> None:
        try:
            await self._b.faults.before("publish")
        except BaseException:
            self._generation += 1
            raise
        by_node: dict[str, list[Envelope]] = {}
        for envelope in envelopes:
            for node in sorted(self._b.interest.get(envelope.topic, ())):
                if node != self._node and node in self._b.leases:
                    by_node.setdefault(node, []).append(envelope)
        for node, batch in by_node.items():
            self._b.inboxes[node].put(
                self._node, self._generation, batch, lose=self._b.lose(self._node, node)
            )

    def gap(self) -> None:
        self._generation += 1

    def announce(self) -> None:
        """What a heartbeat carries: an empty entry to every live node, so that a loss shows although nothing follows it."""
        for node in self._b.leases:
            if node != self._node and node in self._b.inboxes:
                self._b.inboxes[node].put(self._node, self._generation, [])

    async def followed(self, topics: Sequence[str]) -> list[bool]:
        await self._b.faults.before("followed")
        return [bool(self._b.interest.get(topic)) for topic in topics]

    async def receive(self) -> AsyncIterator[Delivery]:
        inbox = self._b.inboxes.setdefault(self._node, self._inbox)
        self._inbox = inbox
        while True:
            if not inbox.entries:
                inbox.arrived = trio.Event()
                await inbox.arrived.wait()
            await trio.lowlevel.checkpoint()
            envelopes: list[Envelope] = []
            lost = False
            while inbox.entries:
                publisher, generation, counter, batch = inbox.entries.popleft()
                before = self._seen.get(publisher)
                if before is None:
                    lost = lost or counter != 1 or generation != 0
                elif before != (generation, counter - 1):
                    lost = True
                self._seen[publisher] = (generation, counter)
                envelopes += batch
            yield Delivery(envelopes=envelopes, lost=lost)


class MemoryCluster:
    """`Cluster` in memory, for one node. Its heartbeat announces `bus` to the others."""

    def __init__(self, broker: Broker, node: str, bus: MemoryBus) -> None:
        self._b = broker
        self._node = node
        self._bus = bus

    async def heartbeat(self) -> bool:
        await self._b.faults.before("heartbeat")
        remembered = self._node in self._b.leases
        self._b.leases[self._node] = trio.current_time() + self._b.lease_s
        self._b.inboxes.setdefault(self._node, self._bus._inbox)
        self._bus.announce()
        return remembered

    async def nodes(self) -> list[str]:
        await self._b.faults.before("nodes")
        return sorted(self._b.leases)

    async def bury(self) -> list[str]:
        await self._b.faults.before("bury")
        now = trio.current_time()
        dead = [node for node, until in self._b.leases.items() if until < now and node != self._node]
        for node in dead:
            self._b.forget_node(node)
        return dead

    async def leave(self) -> None:
        await self._b.faults.before("leave")
        self._b.forget_node(self._node)


class MemoryOpenChats:
    """`OpenChats` in memory."""

    def __init__(self, broker: Broker) -> None:
        self._b = broker

    async def open(self, entry: OpenChat) -> None:
        await self._b.faults.before("open_chat")
        self._b.open[entry.chat_id, entry.user_id, entry.device_id, entry.node] = entry

    async def close(self, entry: OpenChat) -> None:
        await self._b.faults.before("close_chat")
        self._b.open.pop((entry.chat_id, entry.user_id, entry.device_id, entry.node), None)

    async def in_chat(self, chat_id: str) -> list[OpenChat]:
        await self._b.faults.before("in_chat")
        return [entry for entry in self._b.open.values() if entry.chat_id == chat_id]

    async def forget_node(self, node: str) -> list[OpenChat]:
        await self._b.faults.before("forget_node")
        gone = [entry for entry in self._b.open.values() if entry.node == node]
        for entry in gone:
            del self._b.open[entry.chat_id, entry.user_id, entry.device_id, entry.node]
        return gone


class MemoryAttempts:
    """`Attempts` in memory."""

    def __init__(self, broker: Broker) -> None:
        self._b = broker

    async def count(self, key: str, *, window_s: int) -> tuple[int, int]:
        await self._b.faults.before("count_attempt")
        now = trio.current_time()
        count, until = self._b.attempts.get(key, (0, 0.0))
        if until <= now:
            count, until = 0, now + window_s
        self._b.attempts[key] = (count + 1, until)
        return count + 1, max(1, int(until - now))

    async def clear(self, key: str) -> None:
        await self._b.faults.before("clear_attempts")
        self._b.attempts.pop(key, None)
