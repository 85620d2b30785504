"""Who asks, from where, and the headers that keep browsers from doing more with an answer than they should."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Final

from quart import Response

from handlers.errors import ChatError, Code
from handlers.principal import Principal
from handlers.tokens import Tokens

Network = IPv4Network | IPv6Network

_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def bearer(authorization: str | None, tokens: Tokens) -> Principal:
    """Whoever the header `Authorization` speaks for. Raises `ChatError` (`UNAUTHENTICATED`, `TOKEN_EXPIRED`)."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise ChatError(Code.UNAUTHENTICATED, "an access token is required: Authorization: Bearer <token>")
    return tokens.verify(token.strip())


def client_address(peer: str | None, forwarded: str | None, trusted: Sequence[Network]) -> str:
    """The client's address: the nearest that is not a trusted proxy's.

    Args:
        peer: the other end of the connection.
        forwarded: `X-Forwarded-For`: each proxy has added whom it spoke with, so it is read from the end, and only while who wrote it is trusted.
        trusted: networks of proxies.

    """
    address = peer or ""
    hops = [hop.strip() for hop in (forwarded or "").split(",") if hop.strip()]
    while hops and _within(address, trusted):
        address = hops.pop()
    return address


def _within(address: str, networks: Sequence[Network]) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)


def harden(response: Response) -> None:
    """Add the security headers that the answer does not have."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
