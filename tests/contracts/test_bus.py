"""`Bus`: what `persistence.ports` promises, in memory and in Redis. Above all: nothing is lost without a word."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import trio
import trio.testing
from redis.exceptions import ConnectionError as Broken

from persistence import inbox, scripts
from persistence.errors import StoreUnavailable
from persistence.inbox import RedisBus
from persistence.models import Envelope
from tests.contracts.nodes import (
    MemoryNodes,
    Node,
    Nodes,
    RedisNodes,
    letters,
    memory_only,
    numbered,
    redis_only,
    replies_lost,
)
from tests.servers import Servers

PATIENCE_S = 60.0


async def pair(nodes: Nodes) -> tuple[Node, Node]:
    """One node that publishes, and one that follows the topic "t" and has heard of the first."""
    a, b = await nodes.start("a", "b")
    await b.bus.follow(["t"])
    await a.bus.publish(letters("t", "before"))
    await nodes.settle()
    assert b.texts == ["before"]
    assert not b.lost
    b.forget()
    return a, b


async def test_events_published_once_follow_has_returned_arrive(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    await b.bus.follow(["t", "u"])
    await a.bus.publish(letters("t", 1))
    await a.bus.publish(letters("u", 2))
    await nodes.settle()
    assert b.got == [*letters("t", 1), *letters("u", 2)]
    assert not b.lost


async def test_following_works_before_the_first_heartbeat(nodes: Nodes) -> None:
    (a,) = await nodes.start("a")
    early = await nodes._make("early")
    nodes.all.append(early)
    await early.bus.follow(["t"])
    await nodes.resume_reading(early)
    await a.bus.publish(letters("t", 1))
    await nodes.settle()
    assert early.texts == ["1"]
    assert not early.lost
    assert early.name in await a.cluster.nodes()


async def test_events_go_to_the_nodes_that_follow_their_topic_and_to_no_other(nodes: Nodes) -> None:
    a, b, c, bystander = await nodes.start("a", "b", "c", "bystander")
    await b.bus.follow(["t"])
    await c.bus.follow(["u"])
    await a.bus.publish([*letters("t", 1), *letters("u", 2), *letters("t", 3), *letters("nobody", 4)])
    await nodes.settle()
    assert (b.texts, c.texts) == (["1", "3"], ["2"])
    assert bystander.deliveries == []


async def test_events_never_come_back_to_the_node_that_published_them(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    await a.bus.follow(["t"])
    await b.bus.follow(["t"])
    await a.bus.publish(letters("t", 1))
    await b.bus.publish(letters("t", 2))
    await nodes.settle()
    assert (a.texts, b.texts) == (["2"], ["1"])


async def test_a_topic_can_be_followed_by_many(nodes: Nodes) -> None:
    a, *others = await nodes.start("a", *"bcdefg")
    for node in others:
        await node.bus.follow(["t"])
    await a.bus.publish(letters("t", 1, 2))
    await nodes.settle()
    assert [node.texts for node in others] == [["1", "2"]] * len(others)


async def test_the_events_of_one_node_stay_in_order(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    topics = ["t", "u", "v"]
    await b.bus.follow(topics)
    sent = numbered(topics, range(3_000))
    for start, end in ((0, 1), (1, 40), (40, 41), (41, 2_500), (2_500, 3_000)):
        await a.bus.publish(sent[start:end])
        await a.cluster.heartbeat()
    await nodes.settle()
    assert b.got == sent
    assert not b.lost


async def test_publications_begun_together_arrive_whole(nodes: Nodes) -> None:
    a, b, c = await nodes.start("a", "b", "c")
    await c.bus.follow(["t"])
    async with trio.open_nursery() as nursery:
        for number in range(20):
            for node in (a, b):
                nursery.start_soon(node.bus.publish, letters("t", f"{node.name} {number}", "end"))
    await nodes.settle()
    assert len(c.texts) == 80
    assert set(c.texts[1::2]) == {"end"}
    assert not c.lost


async def test_topics_and_data_arrive_byte_for_byte(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    sent = [
        Envelope("c:ä✓", bytes(range(256))),
        Envelope("c:ä✓", b""),
        Envelope("x" * 1_000, b"\x00" * 100_000),
    ]
    await b.bus.follow([envelope.topic for envelope in sent])
    await a.bus.publish(sent)
    await nodes.settle()
    assert b.got == sent


async def test_publishing_nothing_is_nothing(nodes: Nodes) -> None:
    a, b = await pair(nodes)
    await a.bus.publish([])
    await a.bus.publish(letters("t", 1))
    await nodes.settle()
    assert b.texts == ["1"]
    assert not b.lost


async def test_after_unfollow_nothing_arrives_any_more(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    await b.bus.follow(["t", "u"])
    await b.bus.unfollow(["t", "never followed"])
    await a.bus.publish([*letters("t", 1), *letters("u", 2)])
    await nodes.settle()
    assert b.texts == ["2"]


async def test_following_twice_delivers_once(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    await b.bus.follow(["t", "t"])
    await b.bus.follow(["t"])
    await a.bus.publish(letters("t", 1))
    await nodes.settle()
    assert b.texts == ["1"]


async def test_a_node_can_follow_thousands_of_topics_at_once(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    topics = [f"t{number}" for number in range(2_345)]
    await b.bus.follow(topics)
    assert all(await a.bus.followed(topics))
    await a.bus.publish([Envelope(topic, b"") for topic in topics])
    await nodes.settle()
    assert [envelope.topic for envelope in b.got] == topics
    await b.bus.unfollow(topics)
    assert not any(await a.bus.followed(topics))


async def test_followed_tells_whether_any_node_follows_a_topic_this_one_included(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    await a.bus.follow(["mine"])
    await b.bus.follow(["theirs", "former"])
    await b.bus.unfollow(["former"])
    assert await a.bus.followed(["mine", "theirs", "former", "never"]) == [True, True, False, False]
    nodes.expire(b)
    await a.cluster.bury()
    assert await a.bus.followed(["theirs", "mine"]) == [False, True]


async def test_an_interrupted_reader_goes_on_where_it_stopped(nodes: Nodes) -> None:
    a, b = await pair(nodes)
    await b.stop_reading()
    await a.bus.publish(letters("t", 1, 2))
    await nodes.resume_reading(b)
    await a.bus.publish(letters("t", 3))
    await nodes.settle()
    assert b.texts == ["1", "2", "3"]
    assert not b.lost


async def test_in_a_long_normal_run_no_loss_is_reported(nodes: Nodes) -> None:
    """Several publishers, heartbeats, topics that come and go, nodes that join and leave."""
    running = await nodes.start("a", "b", "c", "d")
    for node in running:
        await node.bus.follow(["t"])
    sent: dict[str, list[str]] = {node.name: [] for node in running}
    for number in range(200):
        for node in running:
            texts = [f"{node.name} {number}.{part}" for part in range(number % 3 + 1)]
            await node.bus.publish(letters("t", *texts))
            sent[node.name] += texts
        if number % 5 == 0:
            for node in nodes.all:
                await node.cluster.heartbeat()
        if number % 20 == 0:
            await running[0].bus.follow([f"extra {number}"])
            await running[1].bus.unfollow([f"extra {number}"])
        if number == 100:
            (late,) = await nodes.start("late")
            await late.bus.follow(["t"])
        if number == 150:
            nodes.all.remove(late)
            await late.stop_reading()
            await late.cluster.leave()
        assert await running[number % 4].cluster.bury() == []
    await nodes.settle()
    for node in running:
        assert not node.lost
        for other in running:
            got = [text for text in node.texts if text.startswith(other.name)]
            assert got == ([] if other is node else sent[other.name])
    assert not late.lost
    assert len(late.texts) >= 50 * 4


# What must never be lost without a word.


async def test_after_a_failed_publication_the_next_delivery_says_lost(nodes: Nodes) -> None:
    a, b = await pair(nodes)
    with nodes.refusing(), pytest.raises(StoreUnavailable):
        await a.bus.publish(letters("t", "never"))
    await a.bus.publish(letters("t", "next"))
    await nodes.settle()
    assert b.texts == ["next"]
    assert b.deliveries[0].lost
    b.forget()
    await a.bus.publish(letters("t", "later"))
    await nodes.settle()
    assert not b.lost


async def test_a_failed_publication_shows_on_whatever_topic_and_to_whomever(nodes: Nodes) -> None:
    a, b = await pair(nodes)
    (c,) = await nodes.start("c")
    await c.bus.follow(["other"])
    await nodes.settle()
    b.forget()
    with nodes.refusing(), pytest.raises(StoreUnavailable):
        await a.bus.publish(letters("t", "never"))
    await a.bus.publish(letters("other", "next"))
    await nodes.settle()
    assert c.deliveries[0].lost
    assert b.deliveries == []
    await a.cluster.heartbeat()
    await nodes.settle()
    assert b.deliveries[0].lost


async def test_a_failed_publication_shows_although_it_was_the_first_and_nothing_follows(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    await b.bus.follow(["t"])
    with nodes.refusing():
        with pytest.raises(StoreUnavailable):
            await a.bus.publish(letters("t", "never"))
        with pytest.raises(StoreUnavailable):
            await a.cluster.heartbeat()
    await a.cluster.heartbeat()
    await nodes.settle()
    assert b.deliveries[0].lost


@redis_only
async def test_what_already_waits_behind_a_failing_publication_says_lost(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = await pair(nodes)
    assert isinstance(a.bus, RedisBus)
    script, queued = a.bus._publish, threading.Event()

    def failing(*args: object) -> None:
        a.bus._publish = script  # type: ignore[attr-defined]
        queued.wait(PATIENCE_S)
        raise Broken("while others wait")

    monkeypatch.setattr(a.bus, "_publish", failing)

    async def publish_the_first() -> None:
        with pytest.raises(StoreUnavailable):
            await a.bus.publish(letters("t", "never"))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(publish_the_first)
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(a.bus.publish, letters("t", "next"))
        nursery.start_soon(a.cluster.heartbeat)
        await trio.testing.wait_all_tasks_blocked()
        queued.set()
    await nodes.settle()
    assert b.texts == ["next"]
    assert b.deliveries[0].lost


@redis_only
async def test_a_publication_whose_reply_is_lost_is_not_delivered_twice(nodes: Nodes) -> None:
    a, b = await pair(nodes)
    with replies_lost(most=1):
        await a.bus.publish(letters("t", 1, 2))
    await a.bus.publish(letters("t", 3))
    await nodes.settle()
    assert b.texts == ["1", "2", "3"]
    assert not b.lost


@redis_only
async def test_a_publication_that_arrives_after_it_was_given_up_is_dropped(nodes: Nodes) -> None:
    """A request can lie in a hanging server's socket while its sender has long gone on."""
    a, b = await pair(nodes)
    assert isinstance(a.bus, RedisBus)
    assert isinstance(nodes, RedisNodes)
    late: list[Any] = [
        nodes.prefix,
        a.name,
        0,
        a.bus._number + 1,
        100,
        "t",
        inbox._runs(letters("t", "late"))[1],
    ]
    with nodes.refusing(), pytest.raises(StoreUnavailable):
        await a.bus.publish(letters("t", "late"))
    await a.bus.publish(letters("t", "next"))
    nodes.raw.eval(scripts.PUBLISH, 0, *late)
    await nodes.settle()
    assert b.texts == ["next"]


async def test_a_publication_with_unknown_outcome_is_delivered_or_said_lost(nodes: Nodes) -> None:
    a, b = await pair(nodes)
    with nodes.losing_replies(), pytest.raises(StoreUnavailable):
        await a.bus.publish(letters("t", "perhaps"))
    await a.bus.publish(letters("t", "next"))
    await nodes.settle()
    assert b.texts in (["next"], ["perhaps", "next"])
    assert b.lost


async def test_a_publication_cancelled_before_it_began_says_lost(nodes: Nodes) -> None:
    a, b = await pair(nodes)
    with trio.CancelScope() as scope:
        scope.cancel()
        await a.bus.publish(letters("t", "perhaps"))
    assert scope.cancelled_caught
    await a.bus.publish(letters("t", "next"))
    await nodes.settle()
    assert b.lost


@redis_only
async def test_a_publication_that_fails_when_nobody_waits_for_it_says_lost(
    nodes: Nodes, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("persistence.redis.TIMEOUT_S", 1.0)
    a, b = await pair(nodes)
    servers.pause("redis")
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(a.bus.publish, letters("t", "perhaps"))
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        with pytest.raises(StoreUnavailable):
            await a.cluster.heartbeat()
    finally:
        servers.resume("redis")
    await a.cluster.heartbeat()
    await nodes.settle()
    assert b.lost


async def test_after_gap_the_next_delivery_says_lost(nodes: Nodes) -> None:
    a, b = await pair(nodes)
    a.bus.gap()
    await a.bus.publish(letters("t", "next"))
    await nodes.settle()
    assert b.texts == ["next"]
    assert b.deliveries[0].lost
    a.bus.gap()
    b.forget()
    await a.cluster.heartbeat()
    await nodes.settle()
    assert b.deliveries[0].lost


async def test_a_lost_entry_shows_at_the_next(nodes: Nodes) -> None:
    a, b = await pair(nodes)
    await b.stop_reading()
    await a.bus.publish(letters("t", "vanishes"))
    nodes.delete_newest(b)
    await nodes.resume_reading(b)
    await a.cluster.heartbeat()
    await nodes.settle()
    assert b.texts == []
    assert b.deliveries[0].lost


async def test_the_very_first_entry_lost_shows_at_the_next(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    await b.stop_reading()
    await b.bus.follow(["t"])
    await a.bus.publish(letters("t", "vanishes"))
    nodes.delete_newest(b)
    await nodes.resume_reading(b)
    await a.bus.publish(letters("t", "next"))
    await nodes.settle()
    assert b.deliveries[0].lost


async def test_a_trimmed_inbox_shows_at_the_next_delivery(nodes: Nodes) -> None:
    a, b = await pair(nodes)
    await b.stop_reading()
    with nodes.keep(10):
        for number in range(300):
            await a.bus.publish(letters("t", number))
    await nodes.resume_reading(b)
    await nodes.settle()
    assert b.deliveries[0].lost
    assert 0 < len(b.texts) < 300
    assert b.texts == [str(number) for number in range(300)][-len(b.texts) :]


async def test_a_lost_entry_shows_although_its_publisher_never_says_anything_again(nodes: Nodes) -> None:
    a, b = await pair(nodes)
    (c,) = await nodes.start("c")
    await b.stop_reading()
    await a.bus.publish(letters("t", "vanishes"))
    nodes.delete_newest(b)
    await nodes.resume_reading(b)
    await c.cluster.heartbeat()
    await nodes.settle()
    assert b.lost


async def test_a_deleted_inbox_shows_at_the_next_delivery(nodes: Nodes) -> None:
    a, b = await pair(nodes)
    await b.stop_reading()
    await a.bus.publish(letters("t", "vanishes"))
    nodes.delete_inbox(b)
    await nodes.resume_reading(b)
    await a.cluster.heartbeat()
    await nodes.settle()
    assert b.deliveries[0].lost


@pytest.mark.parametrize("read_before", [True, False], ids=["heard-of-before", "never-heard-of"])
async def test_a_flushed_broker_shows_at_the_next_delivery(nodes: Nodes, read_before: bool) -> None:
    a, b = await nodes.start("a", "b")
    await b.bus.follow(["t"])
    if read_before:
        await a.bus.publish(letters("t", "before"))
        await nodes.settle()
        b.forget()
    await b.stop_reading()
    await a.bus.publish(letters("t", "vanishes"))
    nodes.flush()
    await nodes.heartbeats()
    await b.bus.follow(["t"])
    await a.bus.publish(letters("t", "next"))
    await nodes.resume_reading(b)
    await nodes.settle()
    assert b.texts == ["next"]
    assert b.deliveries[0].lost


async def test_two_flushes_show_although_the_counts_match(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    await b.bus.follow(["t"])
    await a.bus.publish(letters("t", "first"))
    await nodes.settle()
    b.forget()
    await b.stop_reading()
    nodes.flush()
    await b.bus.follow(["t"])
    await a.bus.publish(letters("t", "vanishes, the first since the flush"))
    nodes.delete_inbox(b)
    await a.bus.publish(letters("t", "the second"))
    await nodes.resume_reading(b)
    await nodes.settle()
    assert b.deliveries[0].lost


async def test_a_node_buried_in_error_is_told_that_it_missed_something(nodes: Nodes) -> None:
    a, b = await pair(nodes)
    await b.stop_reading()
    await a.bus.publish(letters("t", "vanishes with the inbox"))
    nodes.expire(b)
    assert await a.cluster.bury() == [b.name]
    await a.bus.publish(letters("t", "goes nowhere"))
    await nodes.resume_reading(b)
    assert await b.cluster.heartbeat() is False
    await b.bus.follow(["t"])
    await a.bus.publish(letters("t", "next"))
    await nodes.settle()
    assert b.texts == ["next"]
    assert b.deliveries[0].lost


async def test_receiving_survives_a_broker_that_dies_and_comes_back_empty(nodes: Nodes) -> None:
    a, b = await pair(nodes)
    async with nodes.outage():
        with pytest.raises(StoreUnavailable):
            await a.bus.publish(letters("t", "never"))
        with pytest.raises(StoreUnavailable):
            await b.bus.follow(["t"])
    with trio.fail_after(PATIENCE_S):
        assert await a.cluster.heartbeat() is False
        assert await b.cluster.heartbeat() is False
        await b.bus.follow(["t"])
        await a.bus.publish(letters("t", "next"))
        while not b.deliveries:
            await b.progress.wait()
        assert b.texts == ["next"]
        assert b.deliveries[0].lost
        b.forget()
        await a.bus.publish(letters("t", "later"))
        while not b.deliveries:
            await b.progress.wait()
    assert b.texts == ["later"]
    assert not b.lost


async def test_a_failed_follow_is_told_by_the_next_heartbeat(nodes: Nodes) -> None:
    _, b = await nodes.start("a", "b")
    with nodes.refusing():
        with pytest.raises(StoreUnavailable):
            await b.bus.follow(["t"])
        with pytest.raises(StoreUnavailable):
            await b.cluster.heartbeat()
    assert await b.cluster.heartbeat() is False
    assert await b.cluster.heartbeat() is True


@redis_only
async def test_an_inbox_whose_clock_has_gone_back_is_read(nodes: Nodes) -> None:
    """Positions in a stream are times; after a failover they may be those of a slower clock."""
    a, b = await pair(nodes)
    assert isinstance(b.bus, RedisBus)
    await b.stop_reading()
    b.bus.position = "99999999999999-0"
    nodes.delete_inbox(b)
    await a.bus.publish(letters("t", "next"))
    await nodes.resume_reading(b)
    with trio.fail_after(PATIENCE_S):
        while not b.deliveries:
            await b.progress.wait()
    assert b.texts == ["next"]


@redis_only
async def test_what_has_been_read_does_not_stay_in_redis(nodes: Nodes) -> None:
    a, b = await pair(nodes)
    assert isinstance(nodes, RedisNodes)
    for number in range(1_000):
        await a.bus.publish(letters("t", number))
    await nodes.settle()
    assert len(b.texts) == 1_000
    with trio.fail_after(PATIENCE_S):
        while nodes.raw.xlen(nodes.inbox(b)) > 200:
            await b.cluster.nodes()


@redis_only
async def test_an_inbox_that_grows_too_large_is_thrown_away_and_that_shows(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "INBOX_BYTES", 100_000)
    a, b = await pair(nodes)
    assert isinstance(nodes, RedisNodes)
    await b.stop_reading()
    await a.bus.publish([Envelope("t", b"x" * 200_000)])
    await b.cluster.heartbeat()
    assert nodes.raw.xlen(nodes.inbox(b)) == 0
    await nodes.resume_reading(b)
    await a.cluster.heartbeat()
    await nodes.settle()
    assert b.deliveries[0].lost


@memory_only
async def test_an_entry_that_comes_twice_or_late_shows(nodes: Nodes, clock: object) -> None:
    a, b = await pair(nodes)
    assert isinstance(nodes, MemoryNodes)
    nodes.broker.repeat = lambda _from, _to: True
    await a.bus.publish(letters("t", 1))
    nodes.broker.repeat = lambda _from, _to: False
    await nodes.settle()
    assert b.texts == ["1", "1"]
    assert b.lost
    b.forget()
    nodes.broker.delay = lambda _from, _to: 3.0
    await a.bus.publish(letters("t", 2))
    nodes.broker.delay = lambda _from, _to: 0.0
    await a.bus.publish(letters("t", 3))
    await trio.sleep(3)
    await nodes.settle()
    assert b.texts == ["3", "2"]
    assert [delivery.lost for delivery in b.deliveries] == [True, True]
