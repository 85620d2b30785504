"""`Buckets`: what `persistence.ports` promises, in memory and in Redis."""

from __future__ import annotations

import pytest
import trio

from persistence.errors import StoreUnavailable
from persistence.models import BucketUse
from tests.contracts.nodes import Nodes, RedisNodes, memory_only, redis_only


def use(key: str, used: int, rate: float = 0.001, burst: float = 10) -> BucketUse:
    return BucketUse(key, used, rate, burst)


async def test_a_bucket_that_nobody_has_heard_of_is_full(nodes: Nodes) -> None:
    (a,) = await nodes.start("a")
    assert await a.buckets.spend([use("k", 0), use("other", 3)]) == pytest.approx([10, 7], abs=0.01)
    assert await a.buckets.spend([]) == []


async def test_all_nodes_take_from_the_same(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    left = [(await node.buckets.spend([use("k", 2)]))[0] for node in (a, b, a)]
    assert left == pytest.approx([8, 6, 4], abs=0.01)
    assert await b.buckets.spend([use("other", 1)]) == pytest.approx([9], abs=0.01)


async def test_more_can_be_taken_than_is_there_and_is_owed(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    await a.buckets.spend([use("k", 9)])
    assert await b.buckets.spend([use("k", 9)]) == pytest.approx([-8], abs=0.01)


async def test_nothing_is_missed_when_many_take_at_once(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")

    async def spend(buckets: object) -> None:
        await buckets.spend([use("k", 1, burst=100), use("l", 2, burst=100)])  # type: ignore[attr-defined]

    async with trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(spend, a.buckets)
            nursery.start_soon(spend, b.buckets)
    assert await a.buckets.spend([use("k", 0, burst=100), use("l", 0, burst=100)]) == pytest.approx(
        [60, 20], abs=0.01
    )


async def test_many_at_once_are_answered_in_their_order(nodes: Nodes) -> None:
    (a,) = await nodes.start("a")
    left = await a.buckets.spend([use(f"k{n}", n % 7) for n in range(500)])
    assert left == pytest.approx([10 - n % 7 for n in range(500)], abs=0.01)


@memory_only
async def test_it_fills_at_its_rate_up_to_the_burst(nodes: Nodes, clock: object) -> None:
    (a,) = await nodes.start("a")
    assert await a.buckets.spend([use("k", 14, rate=2)]) == [-4]
    await trio.sleep(3)
    assert await a.buckets.spend([use("k", 0, rate=2)]) == pytest.approx([2])
    await trio.sleep(60)
    assert await a.buckets.spend([use("k", 1, rate=2)]) == pytest.approx([9])


async def test_what_came_in_while_it_was_used_counts_up_to_the_burst(nodes: Nodes) -> None:
    (a,) = await nodes.start("a")
    uses = [BucketUse("k", 12, 5, 10, 1.0), BucketUse("l", 2, 5, 10, 1.0), BucketUse("m", 14, 5, 10, 0.5)]
    assert await a.buckets.spend(uses) == pytest.approx([3, 10, -1.5], abs=0.01)
    (left,) = await a.buckets.spend([BucketUse("k", 4, 5, 10, 1.0)])
    assert -1 <= left < 1


@redis_only
async def test_in_redis_it_fills_too_and_is_gone_when_it_would_be_full(nodes: Nodes) -> None:
    (a,) = await nodes.start("a")
    assert isinstance(nodes, RedisNodes)
    (left,) = await a.buckets.spend([use("k", 10, rate=20)])
    assert left == pytest.approx(0, abs=0.01)
    key = f"{nodes.prefix}bucket:k"
    assert 0 < nodes.raw.pttl(key) <= 501
    nodes.raw.hincrby(key, "at", -200)
    (left,) = await a.buckets.spend([use("k", 0, rate=20)])
    assert 4 <= left <= 10


async def test_without_the_broker_it_says_so(nodes: Nodes) -> None:
    (a,) = await nodes.start("a")
    with nodes.refusing(), pytest.raises(StoreUnavailable):
        await a.buckets.spend([use("k", 1)])
    assert await a.buckets.spend([use("k", 1)]) == pytest.approx([9], abs=0.01)
