"""Limits on guessing: tries per phone number, failures per address.

Counted across nodes through Redis; while Redis is away each node counts for itself.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from typing import Final, TypeVar

from handlers.errors import ChatError, Code
from persistence.errors import StoreUnavailable
from persistence.ports import Attempts

V = TypeVar("V")

ADDRESS_FACTOR: Final = 10
"""An address may fail so many times more often than a phone number may be tried: many people can share one."""
MOST_REMEMBERED: Final = 10_000
"""Entries that a node keeps of its own; the oldest go first."""


class Tries:
    """Says whether somebody may try to sign in.

    A phone number counts every try and forgets them on success. An address counts failures only, so that an office or a proxy where many sign in
    is not locked out by their success, and success wipes nothing: an attacker's own account would make it worthless.

    Args:
        attempts: the counters that all nodes share.
        clock: milliseconds since the epoch.
        most: tries with one phone number in one window.
        window_s: length of the window.

    """

    def __init__(self, attempts: Attempts, clock: Callable[[], int], *, most: int, window_s: int) -> None:
        self._attempts = attempts
        self._clock = clock
        self._most = most
        self._window_s = window_s
        self._own: dict[str, tuple[int, int]] = {}
        self._refused_until: dict[str, int] = {}

    async def admit(self, phone: str, address: str) -> None:
        """Count a try with this number. Raises `ChatError` (`RATE_LIMITED`) when it is one too many, or the address has failed too often."""
        self.check_address(address)
        count, left_s = await self._count(f"phone:{phone}")
        if count > self._most:
            raise _too_many(left_s * 1000)

    def check_address(self, address: str) -> None:
        """Raise `ChatError` (`RATE_LIMITED`) if the address has failed too often."""
        left_ms = self._refused_until.get(network(address), 0) - self._clock()
        if left_ms > 0:
            raise _too_many(left_ms)

    async def failed(self, address: str) -> None:
        """Count a failure of this address; once it is one too many, this node refuses it until the window ends."""
        key = network(address)
        count, left_s = await self._count(f"address:{key}")
        if count >= self._most * ADDRESS_FACTOR:
            _remember(self._refused_until, key, self._clock() + left_s * 1000)

    async def succeeded(self, phone: str) -> None:
        """Forget the tries with this number."""
        key = f"phone:{phone}"
        self._own.pop(key, None)
        try:
            await self._attempts.clear(key)
        except StoreUnavailable:
            return  # they run out by themselves

    async def _count(self, key: str) -> tuple[int, int]:
        try:
            return await self._attempts.count(key, window_s=self._window_s)
        except StoreUnavailable:
            return self._count_here(key)

    def _count_here(self, key: str) -> tuple[int, int]:
        now = self._clock()
        count, until = self._own.get(key, (0, 0))
        if until <= now:
            count, until = 0, now + self._window_s * 1000
        _remember(self._own, key, (count + 1, until))
        return count + 1, -(-(until - now) // 1000)


def network(address: str) -> str:
    """What of an address is one customer's: all of an IPv4 address, the first 64 bits of an IPv6 address."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"
    return str(parsed)


def _remember(entries: dict[str, V], key: str, value: V) -> None:
    entries.pop(key, None)
    entries[key] = value
    if len(entries) > MOST_REMEMBERED:
        del entries[next(iter(entries))]


def _too_many(left_ms: int) -> ChatError:
    return ChatError(Code.RATE_LIMITED, "too many tries; wait before the next", retry_after_ms=left_ms)
