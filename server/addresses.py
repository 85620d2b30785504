"""Where a client is, as far as it can be known behind proxies."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address

Network = IPv4Network | IPv6Network


def client_address(peer: str | None, forwarded: str | None, trusted: Sequence[Network]) -> str:
    """The client's address: the nearest that is not a trusted proxy's.

    Args:
        peer: the other end of the connection.
        forwarded: `X-Forwarded-For`: each proxy has added whom it spoke with, so it is read from the end, and only while who wrote it is trusted.
        trusted: networks of proxies.

    """
    address = peer or ""
    hops = [hop.strip() for hop in (forwarded or "").split(",") if hop.strip()]
    while hops and is_within(address, trusted):
        address = hops.pop()
    return address


def is_within(address: str, networks: Sequence[Network]) -> bool:
    """Whether an address lies in one of the networks; what is no address does not."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)


def limited_address(address: str, trusted: Sequence[Network]) -> str | None:
    """The address, for what is limited by it; `None` for a proxy's own, behind which anybody may be."""
    return None if is_within(address, trusted) else address
