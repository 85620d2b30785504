"""Where pushes may go. A client chooses the address that nodes then send to: without a check it could have them ask whatever they can reach.

An endpoint is `https` at a public address; what operators name (`PUSH_NETWORKS`: a push service of their own) is public too, and may be plain `http`.
An address that is written out is checked when it is given. What a name means is looked up each time that a connection is made, since it can mean something
else by then, and the connection goes to the very address that was checked (`handlers.notifications.egress`).
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import urlsplit

from handlers.errors import invalid

MAX_ENDPOINT: Final = 2_048
Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address
_PORTS: Final = range(1, 65_536)


class Endpoint:
    """The parts of an endpoint that matter.

    Attributes:
        origin: scheme, host and port, as a VAPID token names them.
        host: a name or an address, without brackets.
        plain: whether it is `http`.

    """

    __slots__ = ("host", "origin", "plain")

    def __init__(self, origin: str, host: str, *, plain: bool) -> None:
        self.origin = origin
        self.host = host
        self.plain = plain


def parse(url: str, *, field: str = "endpoint") -> Endpoint:
    """An endpoint's parts. Raises `ChatError` (`INVALID`) for what is no `http` or `https` address of that form."""
    if (
        len(url) > MAX_ENDPOINT
        or not url.isascii()
        or any(c <= " " or c in '"\\<>' or c == "\x7f" for c in url)
    ):
        raise invalid(field, "is not the address of a push service")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise invalid(field, "is not the address of a push service") from None
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc or "%" in parts.netloc:
        raise invalid(field, "is not the address of a push service")
    if port is not None and port not in _PORTS:
        raise invalid(field, "is not the address of a push service")
    shown = f"[{host}]" if ":" in host else host
    usual = port is None or port == (80 if parts.scheme == "http" else 443)
    origin = f"{parts.scheme}://{shown}" if usual else f"{parts.scheme}://{shown}:{port}"
    return Endpoint(origin, host, plain=parts.scheme == "http")


class Reach:
    """Which addresses may be sent to.

    Args:
        allowed: networks that are as good as public, and where plain `http` will do.

    """

    def __init__(self, allowed: Sequence[Network]) -> None:
        self._allowed = tuple(allowed)

    def check(self, endpoint: Endpoint, *, field: str = "endpoint") -> None:
        """Return if an endpoint may be one as far as it can be told without asking for its host's addresses. Raises `ChatError` (`INVALID`)."""
        address = literal(endpoint.host)
        if address is None:
            if endpoint.plain and not self._named_locally(endpoint.host):
                raise invalid(field, "must be https")
            name = endpoint.host.rstrip(".")
            # One label, or a last label that is a number (an address in an unusual form), is no name on the internet.
            if ("." not in name or _numeric(name.rpartition(".")[2])) and not self._named_locally(name):
                raise invalid(field, "must be at a public address")
            return
        if not self.public(address):
            raise invalid(field, "must be at a public address")
        if endpoint.plain and not self.allowed(address):
            raise invalid(field, "must be https")

    def _named_locally(self, host: str) -> bool:
        """A name that can only mean an address in the networks that are allowed; which, shows when it is looked up."""
        return bool(self._allowed) and (host == "localhost" or "." not in host)

    def allowed(self, address: Address) -> bool:
        """Whether an operator has named its network."""
        return any(address in network for network in self._allowed)

    def public(self, address: Address) -> bool:
        """Whether it may be sent to."""
        mapped = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
        if mapped is not None:
            return self.public(mapped)
        return self.allowed(address) or (address.is_global and not address.is_multicast)


def _numeric(label: str) -> bool:
    return label[:1].isdigit() and (label.isdigit() or label[:2].lower() == "0x")


def literal(host: str) -> Address | None:
    """The address, if the host is written as one in the usual form."""
    try:
        return ip_address(host)
    except ValueError:
        return None
