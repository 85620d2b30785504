"""Limits on guessing."""

from __future__ import annotations

import pytest
import trio

from handlers.auth import tries as module
from handlers.auth.tries import ADDRESS_FACTOR, Tries, network
from handlers.errors import ChatError, Code
from persistence.memory import Broker, MemoryAttempts

PHONE = "+493012345678"
HOME = "192.0.2.7"


def clock() -> int:
    return int(trio.current_time() * 1000)


def tries(broker: Broker) -> Tries:
    return Tries(MemoryAttempts(broker), clock, most=3, window_s=60)


async def refusal(limits: Tries, phone: str = PHONE, address: str = HOME) -> ChatError | None:
    try:
        await limits.admit(phone, address)
    except ChatError as error:
        return error if error.code is Code.RATE_LIMITED else None
    return None


async def test_a_phone_has_so_many_tries_on_all_nodes_together(autojump_clock: object) -> None:
    broker = Broker()
    one, other = tries(broker), tries(broker)
    for node in (one, other, one):
        assert await refusal(node) is None
    for node in (one, other):
        error = await refusal(node)
        assert error is not None
        assert error.retry_after_ms is not None
        assert 0 < error.retry_after_ms <= 60_000
    await trio.sleep(60)
    assert await refusal(other) is None


async def test_success_starts_a_phone_over(autojump_clock: object) -> None:
    limits = tries(Broker())
    for _ in range(10):
        assert await refusal(limits) is None
        await limits.succeeded(PHONE)


async def test_an_address_that_only_succeeds_is_never_refused(autojump_clock: object) -> None:
    limits = tries(Broker())
    for n in range(200):
        assert await refusal(limits, f"+4930{n:07}") is None
        await limits.succeeded(f"+4930{n:07}")


async def test_an_address_that_fails_too_often_is_refused_for_any_phone(autojump_clock: object) -> None:
    limits = tries(Broker())
    for n in range(3 * ADDRESS_FACTOR):
        assert await refusal(limits, f"+4930{n:07}") is None
        await limits.failed(HOME)
        await limits.succeeded(f"+4930{n:07}")  # the attacker's own account wipes nothing
    assert await refusal(limits, "+4930999") is not None
    assert await refusal(limits, "+4930999", "192.0.2.8") is None
    await trio.sleep(60)
    assert await refusal(limits, "+4930999") is None


async def test_without_redis_a_node_counts_for_itself(autojump_clock: object) -> None:
    broker = Broker()
    broker.faults.down = True
    limits = tries(broker)
    for _ in range(3):
        assert await refusal(limits) is None
    assert await refusal(limits) is not None
    await trio.sleep(60)
    assert await refusal(limits) is None
    await limits.succeeded(PHONE)
    for _ in range(3):
        assert await refusal(limits) is None


async def test_what_a_node_remembers_is_bounded(
    autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_REMEMBERED", 10)
    broker = Broker()
    broker.faults.down = True
    limits = tries(broker)
    for n in range(100):
        await refusal(limits, f"+4930{n:07}", f"192.0.2.{n}")
    assert len(limits._own) == 10


def test_what_counts_as_one_address() -> None:
    assert network("192.0.2.7") == "192.0.2.7"
    assert network("::ffff:192.0.2.7") == "192.0.2.7"
    assert network("2001:db8:1:2:3:4:5:6") == network("2001:db8:1:2::1") == "2001:db8:1:2::/64"
    assert network("fe80::1%eth0") == "fe80::/64"
    assert network("<local>") == network("") == "unknown"
