"""`Bus`: what is lost on its way, or from an inbox, shows at the next delivery; in memory and in Redis."""

from __future__ import annotations

import pytest
import trio

from persistence import inbox
from persistence.errors import StoreUnavailable
from persistence.inbox import RedisBus
from persistence.models import Envelope
from tests.contracts.nodes import MemoryNodes, Nodes, RedisNodes, letters, memory_only, redis_only
from tests.contracts.pair import PATIENCE_S, pair


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
