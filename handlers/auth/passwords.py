"""Passwords: Argon2id, in threads, bounded so that a rush of log-ins cannot starve the node.

Parameters follow OWASP's Password Storage Cheat Sheet (19 MiB, 2 iterations, 1 lane) unless the settings say otherwise. A password is
compared in Unicode NFC (RFC 8265, OpaqueString), so that it does not depend on the keyboard it is typed on.
"""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Awaitable, Callable
from typing import Final

import trio
from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from handlers.errors import ChatError, Code

Runner = Callable[..., Awaitable[object]]

AT_ONCE: Final = 2
"""Hashes under way at a time. Each takes a core for some 20 ms, which the node needs for other things too."""
MOST_WAITING: Final = 200
"""Hashes that may wait: with the settings' defaults, two to four seconds of work."""
SALT_BYTES: Final = 16
KEY_BYTES: Final = 32


class Passwords:
    """Hashes and verifies.

    Args:
        memory_kib, iterations, lanes: the cost; a hash carries its own, so they can be raised at any time; `is_outdated` tells of those made before.
        run: runs a function where it may take long; a test on a virtual clock, where threads cannot be, runs it on the spot.

    """

    def __init__(
        self,
        *,
        memory_kib: int,
        iterations: int,
        lanes: int,
        run: Runner | None = None,
    ) -> None:
        self._memory_kib = memory_kib
        self._iterations = iterations
        self._lanes = lanes
        self._run = run
        self._limiter: trio.CapacityLimiter | None = None
        self._nobody = self._derive(secrets.token_hex(8))

    async def hash(self, password: str) -> str:
        """The PHC string to store. Raises `ChatError` (`OVERLOADED`)."""
        return str(await self._in_thread(self._derive, password))

    async def verify(self, password: str, phc: str | None) -> bool:
        """Whether the password is right. Without a hash to compare with (an unknown user) it takes as long, and is wrong. Raises `ChatError` (`OVERLOADED`)."""
        right = await self._in_thread(self._check, password, phc or self._nobody)
        return bool(right) and phc is not None

    def is_outdated(self, phc: str) -> bool:
        """Whether a hash was made at another cost than the present one, so that it should be made again when the password is known."""
        _, _, cost = phc.partition("$v=")
        return not cost.partition("$")[2].startswith(
            f"m={self._memory_kib},t={self._iterations},p={self._lanes}$"
        )

    def _derive(self, password: str) -> str:
        kdf = Argon2id(
            salt=secrets.token_bytes(SALT_BYTES),
            length=KEY_BYTES,
            iterations=self._iterations,
            lanes=self._lanes,
            memory_cost=self._memory_kib,
        )
        return kdf.derive_phc_encoded(_octets(password))

    def _check(self, password: str, phc: str) -> bool:
        try:
            Argon2id.verify_phc_encoded(_octets(password), phc)
        except InvalidKey:
            return False
        return True

    async def _in_thread(self, function: Callable[..., object], *args: object) -> object:
        if self._run is not None:
            return await self._run(function, *args)
        if self._limiter is None:
            self._limiter = trio.CapacityLimiter(AT_ONCE)
        if self._limiter.statistics().tasks_waiting >= MOST_WAITING:
            raise ChatError(Code.OVERLOADED, "too many people are signing in", retry_after_ms=2000)
        return await trio.to_thread.run_sync(function, *args, limiter=self._limiter)


def _octets(password: str) -> bytes:
    return unicodedata.normalize("NFC", password).encode()
