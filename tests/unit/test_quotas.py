"""Limits that all nodes hold together, each by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from handlers import quotas as module
from handlers.errors import ChatError, Code
from handlers.quotas import REPORT_S, SHARE, Allowance, Quota, Quotas
from persistence.memory import Broker, MemoryBuckets
from supervisors import ChildSpec, Supervisor, open_supervisor

RATE, BURST = 5.0, 20.0


@asynccontextmanager
async def nodes(count: int, broker: Broker | None = None) -> AsyncIterator[list[Quotas]]:
    """So many nodes, with one limit: five messages a second, twenty at once."""
    broker = broker or Broker()
    made = [Quotas(MemoryBuckets(broker), {Quota.SENDS: (RATE, BURST)}) for _ in range(count)]
    children = tuple(ChildSpec(f"n{n}", each.run) for n, each in enumerate(made))
    async with open_supervisor(Supervisor(children, name="test")):
        yield made


def taken(quotas: Quotas, wanted: int, who: str = "ann") -> int:
    """How many of so many are allowed at this instant."""
    done = 0
    for _ in range(wanted):
        try:
            quotas.take(Quota.SENDS, who)
        except ChatError:
            return done
        done += 1
    return done


def refused_for_ms(quotas: Quotas, who: str = "ann") -> int:
    with pytest.raises(ChatError) as caught:
        quotas.take(Quota.SENDS, who)
    assert caught.value.code is Code.RATE_LIMITED
    assert caught.value.retry_after_ms is not None
    return caught.value.retry_after_ms


async def test_one_node_holds_it_exactly(autojump_clock: trio.testing.MockClock) -> None:
    async with nodes(1) as (node,):
        assert taken(node, 100) == BURST
        assert taken(node, 100, "bob") == BURST
        for _ in range(10):
            await trio.sleep(1)
            assert taken(node, 100) == RATE


async def test_who_waits_as_long_as_they_are_told_is_served(autojump_clock: trio.testing.MockClock) -> None:
    async with nodes(1) as (node,):
        assert taken(node, 100) == BURST
        for _ in range(20):
            wait_ms = refused_for_ms(node)
            assert wait_ms <= 1000 / RATE
            await trio.sleep(wait_ms / 1000)
            assert taken(node, 100) == 1


async def test_what_is_not_limited_is_not_counted(autojump_clock: trio.testing.MockClock) -> None:
    async with nodes(1) as (node,):
        for _ in range(10_000):
            node.take(Quota.JOINS, "ann")
        assert len(node.of(Quota.JOINS)) == 0


@pytest.mark.parametrize("count", [2, 3, 5])
async def test_nodes_together_overshoot_once_and_by_no_more_than_is_documented(
    autojump_clock: trio.testing.MockClock, count: int
) -> None:
    async with nodes(count) as every:
        total, seconds = 0, 60
        most = (count - 1) * BURST + count * (RATE * REPORT_S + BURST / SHARE)
        for step in range(seconds * 20):
            total += sum(taken(node, 100) for node in every)
            assert total <= BURST + RATE * step / 20 + most
            await trio.sleep(0.05)
        # In the long run it is the rate: what was too much has been paid back.
        assert total <= BURST + RATE * seconds + count * (RATE * REPORT_S + BURST / SHARE)
        assert total >= RATE * seconds * 0.9


async def test_a_subject_that_has_used_all_on_one_node_is_known_on_the_other(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with nodes(2) as (one, other):
        assert taken(one, 100) == BURST
        await trio.sleep(1.1 * REPORT_S)
        assert taken(other, 2) == 2  # it does not know yet, and does so with the next report
        await trio.sleep(REPORT_S)
        assert taken(other, 100) <= RATE * 2.1 * REPORT_S - 2


async def test_few_uses_are_not_reported(autojump_clock: trio.testing.MockClock) -> None:
    broker = Broker()
    async with nodes(1, broker) as (node,):
        for _ in range(60):
            node.take(Quota.SENDS, "ann")
            await trio.sleep(1)
    assert broker.buckets == {}


async def test_while_redis_is_away_each_node_holds_it_for_itself(
    autojump_clock: trio.testing.MockClock,
) -> None:
    broker = Broker()
    broker.faults.down = True
    async with nodes(2, broker) as (one, other):
        assert (taken(one, 100), taken(other, 100)) == (BURST, BURST)
        await trio.sleep(10)
        assert (taken(one, 100), taken(other, 100)) == (BURST, BURST)
        broker.faults.down = False
        await trio.sleep(1.5)
        total = 0
        for _ in range(30):
            total += taken(one, 100) + taken(other, 100)
            await trio.sleep(1)
        assert total <= 2 * BURST + 32 * RATE


async def test_a_report_whose_answer_is_lost_is_not_taken_out_twice(
    autojump_clock: trio.testing.MockClock,
) -> None:
    broker = Broker()
    async with nodes(1, broker) as (node,):
        taken(node, 10)
        broker.faults.fail_after = 1
        await trio.sleep(1.5)
        await trio.sleep(60)
        assert taken(node, 100) == BURST


async def test_redis_without_its_data_gives_no_more_than_the_node_knows_of(
    autojump_clock: trio.testing.MockClock,
) -> None:
    broker = Broker()
    async with nodes(1, broker) as (node,):
        assert taken(node, 100) == BURST
        await trio.sleep(1.1)
        broker.buckets.clear()
        assert taken(node, 100) <= RATE * 1.1 + 1
        await trio.sleep(1)
        assert taken(node, 100) <= RATE + 1


async def test_memory_is_bounded_whoever_comes(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_SUBJECTS", 100)
    allowance = Allowance(Quota.LOGINS_FROM, RATE, BURST)
    for n in range(10_000):
        allowance.take(f"10.0.{n // 256}.{n % 256}")
        assert len(allowance) <= 200
    for _ in range(int(BURST)):
        allowance.take("busy")
        for n in range(50):
            allowance.take(f"new-{n}")
    with pytest.raises(ChatError):
        allowance.take("busy")  # who goes on is not forgotten


async def test_addresses_are_limited_by_what_is_one_customers(autojump_clock: trio.testing.MockClock) -> None:
    quotas = Quotas(MemoryBuckets(Broker()), {Quota.LOGINS_FROM: (0.1, 2)})
    for address in ("2001:db8::1", "2001:db8::2"):
        quotas.take_from(Quota.LOGINS_FROM, address)
    with pytest.raises(ChatError):
        quotas.take_from(Quota.LOGINS_FROM, "2001:db8::3")
    quotas.take_from(Quota.LOGINS_FROM, "2001:db8:1::3")
    for _ in range(100):
        quotas.take_from(Quota.LOGINS_FROM, None)
