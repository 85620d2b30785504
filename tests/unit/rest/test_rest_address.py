"""Where a request came from."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from server.addresses import client_address

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.1", None, "192.0.2.1"),
        ("192.0.2.1", "203.0.113.9", "192.0.2.1"),
        ("127.0.0.1", None, "127.0.0.1"),
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("::1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "1.1.1.1, 203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "1.1.1.1, 203.0.113.9, 127.0.0.1", "203.0.113.9"),
        ("127.0.0.1", " , ,", "127.0.0.1"),
        ("127.0.0.1", "nonsense", "nonsense"),
        (None, "203.0.113.9", ""),
        ("<local>", "203.0.113.9", "<local>"),
    ],
)
def test_only_trusted_proxies_are_believed(peer: str | None, forwarded: str | None, expected: str) -> None:
    assert client_address(peer, forwarded, LOOPBACK) == expected


def test_proxies_in_a_network() -> None:
    trusted = (*LOOPBACK, ip_network("10.0.0.0/8"))
    assert client_address("10.0.0.1", "1.1.1.1, 203.0.113.9, 10.0.0.2", trusted) == "203.0.113.9"
