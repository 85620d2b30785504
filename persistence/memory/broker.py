"""What Redis does, in memory: inboxes with loss on demand, leases, open chats, counters."""

from __future__ import annotations

import heapq
import math
from collections.abc import AsyncIterator, Callable, Sequence
from itertools import count
from typing import Final, NamedTuple

import trio

from persistence.continuity import DEAD, Continuity
from persistence.errors import StoreUnavailable
from persistence.memory.faults import Faults
from persistence.memory.job_queue import JobQueue
from persistence.models import Delivery, Envelope, LivePosition, OpenChat, PresentDevice

UNREGISTERED_LEASE_S: Final = 30.0
"""Lease of a node that follows something before its first heartbeat."""
READ_AGAIN_S: Final = 0.5
"""Between two tries to read while the broker is down."""


class _Entry(NamedTuple):
    due: float
    order: int
    registration: str
    publisher: str
    generation: int
    number: int
    envelopes: tuple[Envelope, ...]


class _Inbox:
    def __init__(self, registration: str) -> None:
        self.registration = registration
        self.written = 0
        self.entries: list[_Entry] = []


class Present:
    """What is known of who is connected.

    Attributes:
        devices: by user, then by device and node.
        online: since when somebody is online, as far as the others were told.
        turns: when somebody's coming or going is to be told.
        telling: of whom somebody is about to tell.
        left: when the last device of somebody left, and the end of the grace period.
        flaps: how often somebody has left of late, and until when that counts.
        begun_at: when the first thing was written since everything was last lost.

    """

    def __init__(self) -> None:
        self.devices: dict[str, dict[tuple[str, str], PresentDevice]] = {}
        self.online: dict[str, int] = {}
        self.turns: dict[str, float] = {}
        self.telling: set[str] = set()
        self.left: dict[str, tuple[int, float]] = {}
        self.flaps: dict[str, tuple[int, float]] = {}
        self.losses = 0
        self.begun_at: float | None = None

    @property
    def era(self) -> str:
        """The time since everything was last lost."""
        return f"era {self.losses}"

    def clear(self) -> None:
        """Everything is lost."""
        for part in (self.devices, self.online, self.turns, self.telling, self.left, self.flaps):
            part.clear()
        self.losses += 1
        self.begun_at = None


class Broker:
    """One Redis, for all nodes of a simulation.

    Attributes:
        inbox_length: entries kept for a node that does not read.
        backlog: messages that wait for the record, by chat and place; `removed` are places that do not any more.
        losses: when everything was forgotten.
        lose: asked for each entry (publisher, reader), whether it vanishes on its way.
        repeat: asked for each entry, whether it arrives twice.
        delay: asked for each entry, how many seconds it takes; entries overtake each other.

    """

    def __init__(self, faults: Faults | None = None, lease_s: float = 8.0) -> None:
        self.faults = faults or Faults("redis")
        self.lease_s = lease_s
        self.inbox_length = 20_000
        self.interest: dict[str, set[str]] = {}
        self.inboxes: dict[str, _Inbox] = {}
        self.leases: dict[str, float] = {}
        self.open: dict[tuple[str, str, str, str], OpenChat] = {}
        self.presence = Present()
        self.buckets: dict[str, tuple[float, float]] = {}
        self.attempts: dict[str, tuple[int, float]] = {}
        self.live: dict[tuple[str, int], tuple[LivePosition, int]] = {}
        self.queues: dict[str, JobQueue] = {}
        self.backlog: dict[str, dict[str, bytes]] = {}
        self.removed: list[str] = []
        self.losses: list[float] = []
        self.orphans: dict[str, None] = {}
        self.lose: Callable[[str, str], bool] = lambda _from, _to: False
        self.repeat: Callable[[str, str], bool] = lambda _from, _to: False
        self.delay: Callable[[str, str], float] = lambda _from, _to: 0.0
        self._arrived: dict[str, trio.Event] = {}
        self._order = count()
        self._registrations = count(1)

    def forget_everything(self) -> None:
        """Redis restarts without its data."""
        self.interest.clear()
        self.leases.clear()
        self.open.clear()
        self.presence.clear()
        self.attempts.clear()
        self.live.clear()
        self.orphans.clear()
        self.inboxes.clear()
        self.backlog.clear()
        self.removed.clear()
        self.losses.append(trio.current_time())
        queues = list(self.queues.values())
        self.queues.clear()
        for queue in queues:
            queue.wake()

    def forget_node(self, node: str) -> None:
        """A node's lease, interest and inbox are gone."""
        self.leases.pop(node, None)
        for nodes in self.interest.values():
            nodes.discard(node)
        self.inboxes.pop(node, None)

    def bury_node(self, node: str) -> None:
        """The same, by whoever found that it is gone: the chats that it served are noted."""
        self.orphans |= {
            topic: None for topic, nodes in self.interest.items() if topic.startswith("c:") and node in nodes
        }
        self.forget_node(node)

    def delete_inbox(self, node: str) -> None:
        """The entries in a node's inbox are gone, and nothing else."""
        self.inboxes[node].entries.clear()

    def queue(self, name: str) -> JobQueue:
        """A queue of jobs, with what is in it."""
        return self.queues.setdefault(name, JobQueue())

    def new_id(self) -> str:
        """Greater than all before."""
        return f"{next(self._order):09}"

    def register(self, node: str) -> str:
        """Whoever has anything here is a node that can be buried. Gives its registration."""
        self.leases.setdefault(node, trio.current_time() + UNREGISTERED_LEASE_S)
        if node not in self.inboxes:
            self.inboxes[node] = _Inbox(str(next(self._registrations)))
        return self.inboxes[node].registration

    def put(self, publisher: str, node: str, generation: int, envelopes: Sequence[Envelope]) -> None:
        """An entry for a node, if it is registered."""
        inbox = self.inboxes.get(node)
        if inbox is None:
            return
        inbox.written += 1
        number = inbox.written
        if self.lose(publisher, node):
            return
        for _ in range(2 if self.repeat(publisher, node) else 1):
            due = trio.current_time() + self.delay(publisher, node)
            entry = _Entry(
                due, next(self._order), inbox.registration, publisher, generation, number, tuple(envelopes)
            )
            heapq.heappush(inbox.entries, entry)
            if len(inbox.entries) > self.inbox_length:
                heapq.heappop(inbox.entries)
        self._arrived.pop(node, trio.Event()).set()

    async def arrival(self, node: str) -> None:
        """Wait until an entry may be there to read."""
        inbox = self.inboxes.get(node)
        due = inbox.entries[0].due if inbox is not None and inbox.entries else math.inf
        with trio.move_on_at(due):
            await self._arrived.setdefault(node, trio.Event()).wait()

    def take(self, node: str) -> list[_Entry]:
        """What there is to read."""
        inbox = self.inboxes.get(node)
        found: list[_Entry] = []
        while inbox is not None and inbox.entries and inbox.entries[0].due <= trio.current_time():
            found.append(heapq.heappop(inbox.entries))
        return found


class MemoryBus:
    """`Bus` in memory, for one node.

    Attributes:
        in_doubt: whether a `follow` has failed.

    """

    def __init__(self, broker: Broker, node: str) -> None:
        self._b = broker
        self._node = node
        self._generation = 0
        self._continuity = Continuity()
        self.in_doubt = False

    async def follow(self, topics: Sequence[str]) -> None:
        try:
            await self._b.faults.before("follow")
            self._continuity.begin(self._b.register(self._node))
            for topic in topics:
                self._b.interest.setdefault(topic, set()).add(self._node)
            await self._b.faults.after("follow")
        except StoreUnavailable:
            self.in_doubt = True
            raise

    async def unfollow(self, topics: Sequence[str]) -> None:
        await self._b.faults.before("unfollow")
        for topic in topics:
            self._b.interest.get(topic, set()).discard(self._node)
        await self._b.faults.after("unfollow")

    async def publish(self, envelopes: Sequence[Envelope]) -> None:
        try:
            await self._b.faults.before("publish")
            by_node: dict[str, list[Envelope]] = {}
            for envelope in envelopes:
                for node in sorted(self._b.interest.get(envelope.topic, ())):
                    if node != self._node:
                        by_node.setdefault(node, []).append(envelope)
            for node, batch in by_node.items():
                self._b.put(self._node, node, self._generation, batch)
            await self._b.faults.after("publish")
        except BaseException:
            self._generation += 1
            raise

    def gap(self) -> None:
        self._generation += 1

    def announce(self) -> None:
        """What a heartbeat carries: an empty entry to every live node, so that a loss shows although nothing follows it."""
        for node, until in self._b.leases.items():
            if node != self._node and until >= trio.current_time():
                self._b.put(self._node, node, self._generation, ())

    async def followed(self, topics: Sequence[str]) -> list[bool]:
        await self._b.faults.before("followed")
        return [bool(self._b.interest.get(topic)) for topic in topics]

    async def receive(self) -> AsyncIterator[Delivery]:
        outages = self._b.faults.outages
        while True:
            if self._b.faults.down:
                await trio.sleep(READ_AGAIN_S)
                continue
            entries = self._b.take(self._node)
            if not entries:
                await self._b.arrival(self._node)
                continue
            lost, outages = outages != self._b.faults.outages, self._b.faults.outages
            envelopes: list[Envelope] = []
            for entry in entries:
                lost |= self._continuity.take(
                    entry.registration, entry.number, entry.publisher, entry.generation
                )
                envelopes += entry.envelopes
            yield Delivery(envelopes=envelopes, lost=lost)
            await trio.lowlevel.checkpoint()


class MemoryCluster:
    """`Cluster` in memory, for one node. Its heartbeat announces `bus` to the others."""

    def __init__(self, broker: Broker, node: str, bus: MemoryBus) -> None:
        self._b = broker
        self._node = node
        self._bus = bus
        self._registration = ""
        self._buried: list[str] = []

    async def heartbeat(self) -> bool:
        in_doubt, self._bus.in_doubt = self._bus.in_doubt, False
        try:
            await self._b.faults.before("heartbeat")
            registration = self._b.register(self._node)
            self._b.leases[self._node] = trio.current_time() + self._b.lease_s
            self._bus.announce()
            await self._b.faults.after("heartbeat")
        except BaseException:
            self._bus.in_doubt |= in_doubt
            raise
        remembered = registration == self._registration and not in_doubt
        self._registration = registration
        return remembered

    async def nodes(self) -> list[str]:
        await self._b.faults.before("nodes")
        return sorted(self._b.leases)

    async def bury(self) -> list[str]:
        await self._b.faults.before("bury")
        now = trio.current_time()
        dead = [node for node, until in self._b.leases.items() if until <= now and node != self._node]
        for node in dead:
            self._b.bury_node(node)
            for other in self._b.leases:
                self._b.put(node, other, DEAD, ())
        self._buried += dead
        await self._b.faults.after("bury")
        dead, self._buried = self._buried, []
        return dead

    async def leave(self) -> None:
        await self._b.faults.before("leave")
        for other in self._b.leases:
            if other != self._node:
                self._b.put(self._node, other, self._bus._generation, ())
        self._b.bury_node(self._node)
        await self._b.faults.after("leave")

    async def orphans(self, most: int) -> list[str]:
        await self._b.faults.before("orphans")
        return list(self._b.orphans)[:most]

    async def adopted(self, topics: Sequence[str]) -> None:
        await self._b.faults.before("adopt")
        for topic in topics:
            self._b.orphans.pop(topic, None)
        await self._b.faults.after("adopt")


class MemoryOpenChats:
    """`OpenChats` in memory."""

    def __init__(self, broker: Broker) -> None:
        self._b = broker

    async def open(self, entry: OpenChat) -> None:
        await self._b.faults.before("open_chat")
        self._b.register(entry.node)
        self._b.open[entry.chat_id, entry.user_id, entry.device_id, entry.node] = entry
        await self._b.faults.after("open_chat")

    async def close(self, entry: OpenChat) -> None:
        await self._b.faults.before("close_chat")
        self._b.open.pop((entry.chat_id, entry.user_id, entry.device_id, entry.node), None)
        await self._b.faults.after("close_chat")

    async def in_chat(self, chat_id: str) -> list[OpenChat]:
        await self._b.faults.before("in_chat")
        return [entry for entry in self._b.open.values() if entry.chat_id == chat_id]

    async def forget_node(self, node: str) -> list[OpenChat]:
        await self._b.faults.before("forget_node")
        gone = [entry for entry in self._b.open.values() if entry.node == node]
        for entry in gone:
            del self._b.open[entry.chat_id, entry.user_id, entry.device_id, entry.node]
        await self._b.faults.after("forget_node")
        return gone


class MemoryAttempts:
    """`Attempts` in memory."""

    def __init__(self, broker: Broker) -> None:
        self._b = broker

    async def count(self, key: str, *, window_s: int) -> tuple[int, int]:
        await self._b.faults.before("count_attempt")
        now = trio.current_time()
        tries, until = self._b.attempts.get(key, (0, 0.0))
        if until <= now:
            tries, until = 0, now + window_s
        self._b.attempts[key] = (tries + 1, until)
        await self._b.faults.after("count_attempt")
        return tries + 1, max(1, math.ceil(until - now))

    async def clear(self, key: str) -> None:
        await self._b.faults.before("clear_attempts")
        self._b.attempts.pop(key, None)
        await self._b.faults.after("clear_attempts")
