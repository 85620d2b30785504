"""Connections to hosts that somebody else has named: only to addresses that may be reached, and to the very address that was checked.

A name is looked up here, not by the HTTP client: between a check and a second look-up its meaning could change (DNS rebinding). TLS still checks the
certificate against the name.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from typing import Any, Final

import httpcore
import trio

from handlers.notifications.endpoints import Address, Reach

MOST_ADDRESSES: Final = 3
"""Addresses of a host that are tried."""


class ForbiddenAddress(httpcore.ConnectError):
    """The host has an address that is not to be reached, or needs TLS and was to go without."""


class GuardedNetwork(httpcore.AsyncNetworkBackend):
    """The network, as far as `reach` allows."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._network = httpcore.TrioBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to one of the host's addresses. Raises `ForbiddenAddress`, `httpcore.ConnectError`, `httpcore.ConnectTimeout`."""
        addresses = await _addresses(host, port)
        for address in addresses:
            if not self._reach.public(address):
                raise ForbiddenAddress(f"{host} has an address that is not public")
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses[:MOST_ADDRESSES]:
            try:
                return await self._network.connect_tcp(
                    str(address), port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.AsyncNetworkStream:
        """Never: nobody names one. Raises `ForbiddenAddress`."""
        raise ForbiddenAddress("not a host")

    async def sleep(self, seconds: float) -> None:
        """Between tries."""
        await trio.sleep(seconds)


async def _addresses(host: str, port: int) -> Sequence[Address]:
    try:
        rows = await trio.socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(f"{host} cannot be looked up: {error}") from error
    return [ip_address(str(row[4][0]).partition("%")[0]) for row in rows]
