"""What could not be carried out."""

from typing import Protocol

from persistence.models import DeadLetter


class DeadLetters(Protocol):
    """What could not be carried out."""

    async def add(self, letter: DeadLetter) -> None:
        """Keep it."""

    async def recent(self, limit: int) -> list[DeadLetter]:
        """Newest first."""
