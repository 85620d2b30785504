"""What waits until the record can be written again."""

from collections.abc import Sequence
from typing import Protocol

from persistence.models import Added, BacklogState, Waiting


class Backlog(Protocol):
    """Messages accepted while the record could not be written, by chat and in their order, for whichever node has time. Lost with Redis.

    Whenever anything of a chat waits, there is a job for it in the queue `retry` (port `Jobs`), whose data is the chat's id: whoever has the job
    takes what waits to the record, oldest first. There may be more than one job for a chat, and so more than one worker: whoever carries out one
    message only when those before it are in the record, keeps the order nevertheless.
    """

    async def add(self, messages: Sequence[tuple[str, bytes]], *, most: int) -> Added:
        """Put messages, each with its chat's id, behind what waits in their chats.

        Fewer than all only when `most` wait already, in all chats together. After `StoreUnavailable` any of them may have been added.
        """

    async def state(self, chat_ids: Sequence[str]) -> BacklogState:
        """How much of these chats waits."""

    async def read(self, chat_id: str, limit: int) -> list[Waiting]:
        """The oldest that wait in a chat."""

    async def remove(self, chat_id: str, ids: Sequence[str]) -> int:
        """These wait no longer, whoever says so; how many of the chat still do."""
