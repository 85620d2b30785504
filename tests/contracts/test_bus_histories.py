"""`Bus` and `Cluster` under any history: whatever a follower should have got was got, in order, or a loss was told.

Nodes do what a node does: whoever is told by its heartbeat that it was forgotten follows everything anew and catches up; whoever is told of a loss
catches up. Catching up makes good whatever was published before; nothing else does.

One loss nobody can tell: that of a node which is not registered (any more), cannot publish, and dies before it could say so.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial

import pytest
import trio
import trio.testing
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from persistence import inbox
from persistence.errors import StoreUnavailable
from persistence.models import Envelope
from tests.contracts.nodes import Node, Nodes, memory_nodes, redis_nodes
from tests.examples import examples
from tests.servers import Servers

TOPICS = "tu"
COUNT = 3

numbers = st.integers(0, COUNT - 1)
topic_lists = st.lists(st.sampled_from(TOPICS), min_size=1, max_size=3)
ORDINARY = [
    st.tuples(st.just("follow"), numbers, st.sampled_from(TOPICS)),
    st.tuples(st.just("unfollow"), numbers, st.sampled_from(TOPICS)),
    st.tuples(st.just("publish"), numbers, topic_lists),
    st.tuples(st.just("publish"), numbers, topic_lists),
    st.tuples(st.just("heartbeat"), numbers),
    st.tuples(st.just("pause reading"), numbers),
    st.tuples(st.just("resume reading"), numbers),
    st.tuples(st.just("leave"), numbers),
]
FAULTS = [
    st.tuples(st.just("publish refused"), numbers, topic_lists),
    st.tuples(st.just("publish unanswered"), numbers, topic_lists),
    st.tuples(st.just("heartbeat unanswered"), numbers),
    st.tuples(st.just("gap"), numbers),
    st.tuples(st.just("flush")),
    st.tuples(st.just("delete inbox"), numbers),
    st.tuples(st.just("publish and delete"), numbers, numbers, topic_lists),
    st.tuples(st.just("bury"), numbers, numbers),
    st.tuples(st.just("kill"), numbers),
]
Step = tuple[object, ...]
calm = st.lists(st.one_of(*ORDINARY), min_size=5, max_size=30)
stormy = st.lists(st.one_of(*ORDINARY[2:6], *FAULTS) | st.one_of(*ORDINARY), min_size=5, max_size=30)


class Follower:
    """A node with what it believes to follow and what it should have got.

    Attributes:
        owed: published on a topic that it follows, not seen to arrive and not made good.
        unsaid: what it could not publish while nobody knew of it, and has had no chance to say so since.

    """

    def __init__(self, node: Node) -> None:
        self.node = node
        self.follows: set[str] = set()
        self.owed: list[Envelope] = []
        self.unsaid: list[Envelope] = []
        self.entitled: set[bytes] = set()
        self.newest = -1
        self.told = False

    def take_stock(self) -> None:
        """Compare what has arrived with what should have."""
        for delivery in self.node.deliveries:
            for envelope in delivery.envelopes:
                number = int(envelope.data)
                assert envelope.data in self.entitled, "it does not follow that topic"
                assert number > self.newest, "out of order, or twice"
                self.newest = number
                if envelope in self.owed:
                    self.owed.remove(envelope)
            self.told |= delivery.lost
        if any(delivery.lost for delivery in self.node.deliveries):
            self.owed.clear()  # all of it was published before
        self.node.forget()


class History:
    """Carries out the steps. Everything that reads has read everything before the next step."""

    def __init__(self, nodes: Nodes) -> None:
        self.nodes = nodes
        self.followers: list[Follower] = []
        self.killed: list[Node] = []
        self.published = 0

    async def run(self, steps: list[Step]) -> None:
        """All steps, then two rounds of heartbeats; after which everybody has everything or was told."""
        self.followers = [Follower(node) for node in await self.nodes.start(*"abc")]
        for number in range(COUNT):
            await self.follow(number, TOPICS[0])
        for step in steps:
            await getattr(self, str(step[0]).replace(" ", "_"))(*step[1:])
            await self.settle()
        for number, follower in enumerate(self.followers):
            if not follower.node.reading:
                await self.resume_reading(number)
        self.nodes.expire(*self.killed)
        await self.followers[0].node.cluster.bury()
        for _ in range(2):
            for number in range(COUNT):
                await self.heartbeat(number)
        await self.settle()
        assert [follower.owed for follower in self.followers] == [[]] * COUNT

    async def settle(self) -> None:
        await self.nodes.settle()
        for follower in self.followers:
            if follower.node.reading:
                follower.take_stock()

    async def follow(self, number: int, topic: str) -> None:
        await self.followers[number].node.bus.follow([topic])
        self.followers[number].follows.add(topic)

    async def unfollow(self, number: int, topic: str) -> None:
        await self.followers[number].node.bus.unfollow([topic])
        self.followers[number].follows.discard(topic)

    def envelopes(self, publisher: int, topics: list[str]) -> list[Envelope]:
        """What will be published, and who should get it."""
        made = []
        for topic in topics:
            made.append(Envelope(topic, str(self.published).encode()))
            self.published += 1
            for number, follower in enumerate(self.followers):
                if number != publisher and topic in follower.follows:
                    follower.owed.append(made[-1])
                    follower.entitled.add(made[-1].data)
        return made

    async def publish(self, number: int, topics: list[str]) -> None:
        await self.followers[number].node.bus.publish(self.envelopes(number, topics))

    async def publish_refused(self, number: int, topics: list[str]) -> None:
        publisher = self.followers[number]
        envelopes = self.envelopes(number, topics)
        if not await self.is_known(publisher.node):
            publisher.unsaid += envelopes
        # After a flush the broker knows of nobody who follows anything, and has nothing to refuse.
        with self.nodes.refusing(), contextlib.suppress(StoreUnavailable):
            await publisher.node.bus.publish(envelopes)

    async def is_known(self, node: Node) -> bool:
        """Whether it is missed when it is gone."""
        return node.name in await node.cluster.nodes()

    async def publish_unanswered(self, number: int, topics: list[str]) -> None:
        with self.nodes.losing_replies(), pytest.raises(StoreUnavailable):
            await self.publish(number, topics)

    async def gap(self, number: int) -> None:
        self.followers[number].node.bus.gap()

    async def heartbeat(self, number: int) -> None:
        follower = self.followers[number]
        if not await follower.node.cluster.heartbeat():
            await follower.node.bus.follow(sorted(follower.follows))
            follower.owed.clear()
        follower.unsaid.clear()

    async def heartbeat_unanswered(self, number: int) -> None:
        with self.nodes.losing_replies(), pytest.raises(StoreUnavailable):
            await self.followers[number].node.cluster.heartbeat()

    async def pause_reading(self, number: int) -> None:
        await self.followers[number].node.stop_reading()

    async def resume_reading(self, number: int) -> None:
        node = self.followers[number].node
        if not node.reading:
            await self.nodes.resume_reading(node)

    async def flush(self) -> None:
        self.nodes.flush()

    async def delete_inbox(self, number: int) -> None:
        node = self.followers[number].node
        if await self.is_known(node):
            self.nodes.delete_inbox(node)

    async def publish_and_delete(self, publisher: int, reader: int, topics: list[str]) -> None:
        """What is published is gone before one of the nodes has read it."""
        await self.pause_reading(reader)
        await self.publish(publisher, topics)
        await self.delete_inbox(reader)
        await self.resume_reading(reader)

    async def bury(self, dead: int, undertaker: int) -> None:
        if dead != undertaker:
            self.nodes.expire(self.followers[dead].node)
            await self.followers[undertaker].node.cluster.bury()

    async def kill(self, number: int) -> None:
        """It stops without a word, and another starts in its place."""
        dead = self.followers[number]
        if not await self.is_known(dead.node):
            for follower in self.followers:
                follower.owed = [envelope for envelope in follower.owed if envelope not in dead.unsaid]
        self.killed.append(dead.node)
        await self.replace(number)

    async def leave(self, number: int) -> None:
        node = self.followers[number].node
        await self.replace(number)
        await node.cluster.leave()

    async def replace(self, number: int) -> None:
        """A new node in the place of one that nobody asks any more."""
        await self.followers[number].node.stop_reading()
        self.nodes.all.remove(self.followers[number].node)
        (node,) = await self.nodes.start("n")
        self.followers[number] = Follower(node)


async def _run(
    open_nodes: Callable[[], AbstractAsyncContextManager[Nodes]], steps: list[Step], *, calm: bool
) -> None:
    async with open_nodes() as nodes:
        history = History(nodes)
        await history.run(steps)
        if calm:
            assert not any(follower.told for follower in history.followers), "nothing was lost"


def in_memory(check: Callable[[Callable[[], AbstractAsyncContextManager[Nodes]]], Awaitable[None]]) -> None:
    trio.run(check, memory_nodes, clock=trio.testing.MockClock(autojump_threshold=0))


@settings(max_examples=examples(400), deadline=None)
@given(stormy)
@example(
    [
        ("follow", 1, "t"),
        ("publish", 0, ["t"]),
        ("pause reading", 1),
        ("publish", 0, ["t"]),
        ("flush",),
        ("publish", 0, ["t"]),
    ]
)
@example([("publish refused", 0, ["t"]), ("kill", 0)])
@example([("bury", 0, 1), ("publish refused", 0, ["t"]), ("heartbeat", 0), ("kill", 0)])
@example([("bury", 0, 1), ("publish refused", 0, ["t"]), ("publish", 0, ["t"]), ("kill", 0)])
@example([("bury", 0, 1), ("publish refused", 0, ["t"]), ("kill", 0)])
@example([("flush",), ("heartbeat", 1), ("publish refused", 0, ["t"]), ("kill", 0)])
def test_nothing_is_lost_without_a_word_in_memory(steps: list[Step]) -> None:
    in_memory(partial(_run, steps=steps, calm=False))


@settings(max_examples=examples(200), deadline=None)
@given(calm)
def test_no_loss_is_told_where_none_was_in_memory(steps: list[Step]) -> None:
    in_memory(partial(_run, steps=steps, calm=True))


@pytest.fixture
def quick_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "BLOCK_MS", 5)


once = settings(
    max_examples=examples(30),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.real
@once
@given(steps=stormy)
@example(steps=[("flush",), ("follow", 2, "u"), ("publish unanswered", 1, ["u"])])
@example(steps=[("publish refused", 0, ["t"]), ("kill", 0)])
@example(steps=[("bury", 0, 1), ("publish refused", 0, ["t"]), ("kill", 0)])
def test_nothing_is_lost_without_a_word_in_redis(
    servers: Servers, quick_readers: None, steps: list[Step]
) -> None:
    trio.run(partial(_run, partial(redis_nodes, servers), steps, calm=False))


@pytest.mark.real
@once
@given(steps=calm)
def test_no_loss_is_told_where_none_was_in_redis(
    servers: Servers, quick_readers: None, steps: list[Step]
) -> None:
    trio.run(partial(_run, partial(redis_nodes, servers), steps, calm=True))
