"""`Attempts`: what `persistence.ports` promises, in memory and in Redis."""

from __future__ import annotations

import pytest
import trio

from persistence.errors import StoreUnavailable
from tests.contracts.nodes import Nodes, RedisNodes, memory_only, redis_only


async def test_tries_are_counted_across_nodes_and_per_key(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    assert [(await node.attempts.count("k", window_s=60))[0] for node in (a, b, a)] == [1, 2, 3]
    assert (await b.attempts.count("other", window_s=60))[0] == 1


async def test_no_try_is_missed_when_many_try_at_once(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    counts: list[int] = []

    async def count(attempts: object) -> None:
        counts.append((await attempts.count("k", window_s=60))[0])  # type: ignore[attr-defined]

    async with trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(count, a.attempts)
            nursery.start_soon(count, b.attempts)
    assert sorted(counts) == list(range(1, 41))


async def test_clearing_starts_over(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    await a.attempts.count("k", window_s=60)
    await a.attempts.count("other", window_s=60)
    await b.attempts.clear("k")
    await b.attempts.clear("never counted")
    assert await a.attempts.count("k", window_s=30) == (1, 30)
    assert (await a.attempts.count("other", window_s=60))[0] == 2


async def test_a_new_window_has_all_its_seconds_left(nodes: Nodes) -> None:
    (a,) = await nodes.start("a")
    assert await a.attempts.count("k", window_s=60) == (1, 60)


@memory_only
async def test_the_window_is_fixed_by_its_first_try(nodes: Nodes, clock: object) -> None:
    (a,) = await nodes.start("a")
    assert await a.attempts.count("k", window_s=10) == (1, 10)
    await trio.sleep(4)
    assert await a.attempts.count("k", window_s=10) == (2, 6)
    await trio.sleep(5.5)
    assert await a.attempts.count("k", window_s=10) == (3, 1)
    await trio.sleep(0.5)
    assert await a.attempts.count("k", window_s=10) == (1, 10)


@redis_only
async def test_the_window_is_fixed_by_its_first_try_and_rounded_up(nodes: Nodes) -> None:
    (a,) = await nodes.start("a")
    assert isinstance(nodes, RedisNodes)
    await a.attempts.count("k", window_s=60)
    key = f"{nodes.prefix}attempts:k"
    nodes.raw.pexpire(key, 40_200)
    assert await a.attempts.count("k", window_s=60) == (2, 41)
    nodes.raw.pexpire(key, 300)
    assert await a.attempts.count("k", window_s=60) == (3, 1)
    nodes.raw.pexpire(key, 0)
    assert await a.attempts.count("k", window_s=60) == (1, 60)


@redis_only
async def test_a_counter_never_stays_for_ever(nodes: Nodes) -> None:
    (a,) = await nodes.start("a")
    assert isinstance(nodes, RedisNodes)
    nodes.raw.set(f"{nodes.prefix}attempts:k", 7)
    assert await a.attempts.count("k", window_s=60) == (8, 60)
    assert 0 < nodes.raw.ttl(f"{nodes.prefix}attempts:k") <= 60


async def test_without_the_broker_nothing_is_counted(nodes: Nodes) -> None:
    (a,) = await nodes.start("a")
    with nodes.refusing(), pytest.raises(StoreUnavailable):
        await a.attempts.count("k", window_s=60)
    assert (await a.attempts.count("k", window_s=60))[0] == 1
