"""What can go wrong with a store, on demand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio

from persistence.errors import StoreUnavailable


class Faults:
    """Consulted by the in-memory stores around each operation.

    Attributes:
        down: every operation fails before it takes effect.
        outages: how often it has been down.
        fail_before: so many of the next operations fail before they take effect.
        fail_after: so many of the next operations take effect, and then their reply is lost.
        delay: gives, per operation name, the seconds that it takes.
        hook: awaited with the operation's name before and after its effect: the place to stop a node at any step.

    """

    def __init__(self, store: str = "memory") -> None:
        self.store = store
        self._down = False
        self.outages = 0
        self.fail_before = 0
        self.fail_after = 0
        self.delay: Callable[[str], float] | None = None
        self.hook: Callable[[str], Awaitable[None]] | None = None

    @property
    def down(self) -> bool:
        return self._down

    @down.setter
    def down(self, down: bool) -> None:
        self.outages += down and not self._down
        self._down = down

    async def before(self, operation: str) -> None:
        """Raises `StoreUnavailable`, where wanted, before the effect."""
        await trio.lowlevel.checkpoint()
        if self.delay is not None:
            await trio.sleep(self.delay(operation))
        if self.hook is not None:
            await self.hook(f"{operation}:before")
        if self.down or self.fail_before > 0:
            self.fail_before = max(0, self.fail_before - 1)
            raise StoreUnavailable(self.store, "made to fail")

    async def after(self, operation: str) -> None:
        """Raises `StoreUnavailable`, where wanted, after the effect."""
        if self.hook is not None:
            await self.hook(f"{operation}:after")
        if self.fail_after > 0:
            self.fail_after -= 1
            raise StoreUnavailable(self.store, "made to lose its reply")
