"""`Cluster`: what `persistence.ports` promises, in memory and in Redis."""

from __future__ import annotations

import time

import pytest
import trio

from persistence import inbox
from persistence.errors import StoreUnavailable
from persistence.inbox import RedisCluster
from tests.contracts.nodes import Node, Nodes, RedisNodes, letters, memory_only, redis_only, replies_lost

PATIENCE_S = 60.0


async def test_a_node_is_registered_from_its_first_heartbeat(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    assert await a.cluster.nodes() == await b.cluster.nodes() == sorted([a.name, b.name])


async def test_a_heartbeat_is_remembered_by_the_next(nodes: Nodes) -> None:
    (a,) = await nodes.start("a")
    assert [await a.cluster.heartbeat() for _ in range(3)] == [True, True, True]


async def test_heartbeats_bring_nothing_but_news_of_a_loss(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    b.forget()
    await a.cluster.heartbeat()
    await nodes.settle()
    assert b.got == []
    assert not b.lost


async def test_a_node_that_was_buried_is_told_once(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    nodes.expire(b)
    await a.cluster.bury()
    assert await b.cluster.heartbeat() is False
    assert await b.cluster.heartbeat() is True
    assert b.name in await a.cluster.nodes()


async def test_a_node_is_told_when_the_broker_has_lost_its_data(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    nodes.flush()
    for node in (a, b):
        assert await node.cluster.heartbeat() is False
        assert await node.cluster.heartbeat() is True


async def test_a_node_that_follows_something_new_is_still_told_that_it_was_forgotten(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    await b.bus.follow(["old"])
    nodes.flush()
    await b.bus.follow(["new"])
    await a.bus.publish(letters("new", 1))
    await nodes.settle()
    assert b.texts == ["1"]
    assert await b.cluster.heartbeat() is False


async def test_a_node_is_told_that_it_was_forgotten_although_the_reply_was_lost(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    nodes.expire(b)
    await a.cluster.bury()
    with nodes.losing_replies(), pytest.raises(StoreUnavailable):
        await b.cluster.heartbeat()
    assert b.name in await a.cluster.nodes()
    assert await b.cluster.heartbeat() is False
    assert await b.cluster.heartbeat() is True


@redis_only
async def test_a_heartbeat_that_is_repeated_unseen_still_tells(nodes: Nodes) -> None:
    """The client tries a command whose connection broke once more by itself."""
    (a,) = await nodes.start("a")
    nodes.flush()
    await a.cluster.nodes()
    with replies_lost(most=1):
        assert await a.cluster.heartbeat() is False


async def test_a_dead_node_is_given_to_exactly_one_caller(nodes: Nodes) -> None:
    *living, x, y = await nodes.start("a", "b", "c", "d", "x", "y")
    nodes.expire(x, y)
    found: list[str] = []

    async def bury(node: Node) -> None:
        found.extend(await node.cluster.bury())

    async with trio.open_nursery() as nursery:
        for node in living * 2:
            nursery.start_soon(bury, node)
    assert sorted(found) == sorted([x.name, y.name])
    assert await living[0].cluster.nodes() == sorted(node.name for node in living)


async def test_the_living_are_not_buried_and_nobody_buries_itself(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    nodes.expire(a)
    assert await a.cluster.bury() == []
    assert await b.cluster.bury() == [a.name]
    assert await b.cluster.bury() == []


async def test_of_the_dead_nothing_is_left(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    await a.bus.follow(["t"])
    await b.bus.follow(["t", "u"])
    await a.bus.publish(letters("t", 1))
    await b.bus.publish(letters("t", 1))
    nodes.expire(b)
    assert await a.cluster.bury() == [b.name]
    assert await a.bus.followed(["t", "u"]) == [True, False]
    await a.bus.publish([*letters("t", 2), *letters("u", 2)])
    await a.cluster.heartbeat()
    await nodes.settle()
    assert b.texts == ["1"]
    if isinstance(nodes, RedisNodes):
        assert not [key for key in nodes.all_keys() if b.name in key]
        assert not nodes.raw.exists(f"{nodes.prefix}estates")


async def test_a_burial_whose_reply_was_lost_is_told_to_the_same_caller(nodes: Nodes) -> None:
    a, b, x = await nodes.start("a", "b", "x")
    nodes.expire(x)
    with nodes.losing_replies(), pytest.raises(StoreUnavailable):
        await a.cluster.bury()
    assert await b.cluster.bury() == []
    assert await a.cluster.bury() == [x.name]
    assert await a.cluster.bury() == []


async def test_a_node_that_only_ever_followed_something_is_buried_too(nodes: Nodes) -> None:
    (a,) = await nodes.start("a")
    x = await nodes._make("x")
    await x.bus.follow(["t"])
    assert await a.cluster.bury() == []
    nodes.expire(x)
    assert await a.cluster.bury() == [x.name]
    assert await a.bus.followed(["t"]) == [False]


async def test_a_node_that_returns_follows_anew_and_is_counted_anew(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    await b.bus.follow(["t"])
    for number in range(3):
        await a.bus.publish(letters("t", number))
        await b.bus.publish(letters("t", number))
    await nodes.settle()
    nodes.expire(b)
    await a.cluster.bury()
    await b.cluster.heartbeat()
    await b.bus.follow(["t"])
    await a.bus.publish(letters("t", "first"))
    await nodes.settle()
    assert b.lost
    a.forget()
    b.forget()
    await a.bus.publish(letters("t", "second"))
    await nodes.heartbeats()
    await nodes.settle()
    assert b.texts == ["second"]
    assert not b.lost


async def test_a_node_that_leaves_is_gone_at_once(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    await b.bus.follow(["t"])
    await b.bus.publish(letters("t", 1))
    await a.bus.publish(letters("t", 1))
    await b.stop_reading()
    await b.cluster.leave()
    assert await a.cluster.nodes() == [a.name]
    assert await a.bus.followed(["t"]) == [False]
    assert await a.cluster.bury() == []
    await b.cluster.leave()
    if isinstance(nodes, RedisNodes):
        left = [key for key in nodes.all_keys() if b.name in key]
        assert all(nodes.raw.ttl(nodes.prefix + key) > 0 for key in left)


async def test_a_heartbeat_that_is_refused_says_so_and_the_next_one_is_good(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    with nodes.refusing(), pytest.raises(StoreUnavailable):
        await a.cluster.heartbeat()
    assert await a.cluster.heartbeat() is True
    await nodes.settle()
    assert not b.lost


async def test_all_living_nodes_are_told_of_a_loss_when_a_node_has_died(nodes: Nodes) -> None:
    """It may have died between a write and its publication."""
    a, b, x = await nodes.start("a", "b", "x")
    nodes.expire(x)
    await nodes.settle()
    for node in (a, b):
        node.forget()
    await a.cluster.bury()
    await nodes.settle()
    assert [node.deliveries[0].lost for node in (a, b)] == [True, True]
    await nodes.heartbeats()


async def test_a_node_that_leaves_tells_what_it_had_not_told_yet_and_otherwise_nothing(nodes: Nodes) -> None:
    a, b, c = await nodes.start("a", "b", "c")
    await nodes.settle()
    a.forget()
    await b.cluster.leave()
    await nodes.settle()
    assert not a.lost
    c.bus.gap()
    await c.cluster.leave()
    await nodes.settle()
    assert a.lost


@memory_only
async def test_a_lease_lasts_from_the_last_heartbeat(nodes: Nodes, clock: object) -> None:
    a, b = await nodes.start("a", "b")
    await trio.sleep(50)
    await a.cluster.heartbeat()
    await b.cluster.heartbeat()
    await trio.sleep(59)
    assert await a.cluster.bury() == []
    await a.cluster.heartbeat()
    await trio.sleep(1)
    assert await a.cluster.bury() == [b.name]


@redis_only
async def test_leases_go_by_the_servers_clock(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = await nodes.start("a", "b")
    assert isinstance(a.cluster, RedisCluster)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 86_400)
    assert await a.cluster.bury() == []
    monkeypatch.setattr(b.cluster, "_lease_ms", 50)
    await b.cluster.heartbeat()
    with trio.fail_after(PATIENCE_S):
        while not (dead := await a.cluster.bury()):
            pass
    assert dead == [b.name]


@redis_only
async def test_the_interest_of_a_busy_node_is_cleared_in_steps(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b, c = await nodes.start("a", "b", "c")
    assert isinstance(nodes, RedisNodes)
    topics = [f"t{number}" for number in range(1_200)]
    await b.bus.follow(topics)
    nodes.expire(b)
    settle, steps = a.cluster._settle, 0  # type: ignore[attr-defined]

    def dies_after_one_step(*args: object) -> object:
        nonlocal steps
        steps += 1
        if steps > 1:
            raise ConnectionResetError("the undertaker dies")
        return settle(*args)

    monkeypatch.setattr(a.cluster, "_settle", dies_after_one_step)
    with pytest.raises(StoreUnavailable):
        await a.cluster.bury()
    assert sum(await a.bus.followed(topics)) == 1_200 - inbox.AT_ONCE
    # It lives after all, and follows some of it anew before another node goes on where the first stopped.
    await b.cluster.heartbeat()
    await b.bus.follow(topics[:700])
    assert await c.cluster.bury() == []
    assert await a.bus.followed(topics) == [True] * 700 + [False] * 500


# -- what a dead node leaves -----------------------------------------------------------------------------------------


async def test_the_chats_of_a_node_that_is_buried_are_orphans_until_somebody_adopts_them(
    nodes: Nodes,
) -> None:
    a, b, c = await nodes.start("a", "b", "c")
    await b.bus.follow(["c:one", "c:two", "u:ann", "n:"])
    await c.bus.follow(["c:two", "c:three"])
    assert await a.cluster.orphans(10) == []
    nodes.expire(b)
    await a.cluster.bury()
    assert sorted(await a.cluster.orphans(10)) == sorted(await c.cluster.orphans(10)) == ["c:one", "c:two"]
    assert len(await a.cluster.orphans(1)) == 1
    await a.cluster.adopted(["c:one"])
    await c.cluster.adopted(["c:one", "c:never"])
    await c.cluster.adopted([])
    assert await c.cluster.orphans(10) == ["c:two"]
    nodes.expire(c)
    await a.cluster.bury()
    assert sorted(await a.cluster.orphans(10)) == ["c:three", "c:two"]


async def test_the_chats_of_a_node_that_leaves_are_orphans_too(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    await b.bus.follow(["c:one"])
    await b.bus.follow(["c:let-go"])
    await b.bus.unfollow(["c:let-go"])
    await b.cluster.leave()
    await a.cluster.bury()
    assert await a.cluster.orphans(10) == ["c:one"]
