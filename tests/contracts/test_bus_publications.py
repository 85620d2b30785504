"""`Bus`: a publication that fails, or of which nobody knows, is never lost without a word; in memory and in Redis."""

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
from tests.contracts.nodes import Nodes, RedisNodes, letters, redis_only, replies_lost
from tests.contracts.pair import PATIENCE_S, pair
from tests.servers import Servers


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
