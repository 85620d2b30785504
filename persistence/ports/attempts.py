"""Tries, counted."""

from typing import Protocol


class Attempts(Protocol):
    """Counting tries in a fixed window, across nodes."""

    async def count(self, key: str, *, window_s: int) -> tuple[int, int]:
        """Add one to `key`; `(tries in this window so far, seconds until the window ends)`."""

    async def clear(self, key: str) -> None:
        """Start over."""
