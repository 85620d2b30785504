"""Who may open a connection: not from any page, where pages are named, and not too often from one address."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
import trio
import trio.testing

from handlers.errors import ChatError, Code
from handlers.quotas import Quota, Quotas
from persistence.memory import Broker, MemoryBuckets
from server.admission import Admission

LOOPBACK = (ip_network("127.0.0.0/8"),)


def admission(*origins: str, burst: float = 3) -> Admission:
    quotas = Quotas(MemoryBuckets(Broker()), {Quota.CONNECTS_FROM: (1, burst)})
    return Admission(quotas, trusted=LOOPBACK, origins=origins)


def outcome(one: Admission, peer: str = "203.0.113.9", **headers: str) -> str:
    try:
        one.check({name.replace("_", "-"): value for name, value in headers.items()}, peer)
    except ChatError as error:
        return error.code.slug if error.retry_after_ms or error.code is Code.FORBIDDEN else "no time"
    return "ok"


async def test_an_address_opens_so_many_and_then_waits(autojump_clock: trio.testing.MockClock) -> None:
    one = admission()
    assert [outcome(one) for _ in range(4)] == ["ok", "ok", "ok", "rate_limited"]
    assert outcome(one, "203.0.113.10") == "ok"
    await trio.sleep(1)
    assert [outcome(one) for _ in range(2)] == ["ok", "rate_limited"]


async def test_behind_a_proxy_it_is_the_address_that_the_proxy_names(
    autojump_clock: trio.testing.MockClock,
) -> None:
    one = admission()
    for n in range(3):
        forged = f"198.51.100.{n}, 203.0.113.9"  # what a client says of itself comes first
        assert outcome(one, "127.0.0.1", x_forwarded_for=forged) == "ok"
    assert outcome(one, "127.0.0.1", x_forwarded_for="203.0.113.9") == "rate_limited"
    assert outcome(one, "203.0.113.9", x_forwarded_for="198.51.100.1") == "rate_limited"


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.8.8"])
async def test_a_proxys_own_address_says_nothing(autojump_clock: trio.testing.MockClock, peer: str) -> None:
    one = admission()
    assert {outcome(one, peer) for _ in range(100)} == {"ok"}


@pytest.mark.parametrize("peer", ["", "nonsense", "::1%eth0", "::ffff:203.0.113.9"])
async def test_odd_addresses_are_limited_too(autojump_clock: trio.testing.MockClock, peer: str) -> None:
    one = admission()
    assert [outcome(one, peer) for _ in range(4)][-1] == "rate_limited"


async def test_any_page_may_connect_unless_pages_are_named(autojump_clock: trio.testing.MockClock) -> None:
    any_page, one = admission(burst=99), admission("https://chat.example.org", burst=99)
    for origin in ("https://chat.example.org", "HTTPS://Chat.Example.Org"):
        assert outcome(one, origin=origin) == "ok"
    for origin in ("https://evil.example.org", "http://chat.example.org", "null", "", "https://chat.example.org.evil"):  # fmt: skip
        assert outcome(any_page, origin=origin) == "ok"
        assert outcome(one, origin=origin) == "forbidden"
    assert outcome(one) == "ok"  # no browser
