"""Where people are, as they share it."""

from collections.abc import Sequence
from typing import Protocol

from persistence.models import LivePosition


class LivePositions(Protocol):
    """The last position of each location that is shared live. Lost with Redis; the next position is there again."""

    async def put(self, position: LivePosition) -> None:
        """Keep it, unless a newer one of this message is there."""

    async def get(self, chat_id: str, seq: int) -> LivePosition | None:
        """The last one of a message."""

    async def in_chat(self, chat_id: str) -> list[LivePosition]:
        """The last one of each message of the chat, in order of `seq`; those that have ended may be among them, for a while."""

    async def next_end(self) -> int | None:
        """When the next of them ends, or what somebody has claimed may be claimed again; `None` when there is none."""

    async def claim(self, *, now: int, until: int, limit: int) -> list[LivePosition]:
        """Those that have ended, each to one caller until `until`: if it is there then, to another."""

    async def forget(self, ended: Sequence[LivePosition]) -> None:
        """These are no longer needed."""
