"""What a client shows: any node reads it, nobody else writes it, and it does not last."""

from __future__ import annotations

from functools import cache

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.auth.tokens import LEEWAY_S, PUBLISHED_BEFORE_S, Tokens
from persistence.memory import MemorySigningKeys, Record
from server.longpoll.tickets import Ticket, Tickets
from tests.examples import examples

TTL_S = 900
TICKET = Ticket("host-8001.1a2b3c4d", "poll-abc", "u1", "d1", 7)


class Ring:
    def __init__(self) -> None:
        self.record = Record()
        self.ms = 1_767_225_600_000

    def node(self) -> tuple[Tokens, Tickets]:
        tokens = Tokens(
            MemorySigningKeys(self.record), lambda: self.ms, ttl_s=TTL_S, rotation_s=86_400, secret=None
        )
        return tokens, Tickets(tokens, lambda: self.ms, ttl_s=TTL_S)


async def two(ring: Ring) -> tuple[Tickets, Tickets]:
    found = []
    for _ in range(2):
        tokens, tickets = ring.node()
        await tokens.load()
        found.append(tickets)
    return found[0], found[1]


async def test_what_one_node_writes_another_reads_and_it_is_short_and_fit_for_a_url() -> None:
    one, other = await two(Ring())
    text = one.write(TICKET)
    assert other.read(text) == TICKET
    assert len(text) < 160
    assert set(text) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")


async def test_it_runs_out() -> None:
    ring = Ring()
    one, other = await two(ring)
    text = one.write(TICKET)
    ring.ms += (TTL_S + LEEWAY_S - 1) * 1000
    assert other.read(text) == TICKET
    ring.ms += 1001
    assert other.read(text) is None


async def test_it_stays_good_when_keys_rotate() -> None:
    ring = Ring()
    tokens, tickets = ring.node()
    await tokens.load()
    ring.ms += 86_400_000
    text = tickets.write(TICKET)
    await tokens.load()  # a new key is there
    ring.ms += PUBLISHED_BEFORE_S * 1000
    again = tickets.write(TICKET)
    assert again.split(".")[1] != text.split(".")[1]
    assert tickets.read(text) == tickets.read(again) == TICKET


async def test_another_installations_is_worth_nothing() -> None:
    (one, _), (other, _) = await two(Ring()), await two(Ring())
    signed = one.write(TICKET)
    # The keys of tests are few: the rings may share one.
    if other.read(signed) is not None:
        pytest.skip("both rings have the same key")
    assert other.read(signed) is None


@pytest.mark.parametrize(
    "text",
    ["", "null", "lp1.", "lp1.k1", "lp1.k1.x", "lp1.k1..", "lp1...", "lp1.k9.AAAA.AAAA", "lp1.é.é.é", "lp1." + "x" * 5000],
)  # fmt: skip
async def test_what_is_none_is_none(text: str) -> None:
    one, _ = await two(Ring())
    assert one.read(text) is None


@given(st.integers(0, 200), st.characters())
@settings(max_examples=examples(100), deadline=None)
def test_a_changed_one_is_none(place: int, character: str) -> None:
    one = _any()
    text = one.write(TICKET)
    at = place % len(text)
    changed = text[:at] + character + text[at + 1 :]
    assert one.read(changed) == (TICKET if changed == text else None)


@cache
def _any() -> Tickets:
    return trio.run(two, Ring())[0]
