"""Chats and their members."""

from collections.abc import Sequence
from typing import Protocol

from persistence.models import Chat, CursorWrite, Member, Reach


class Chats(Protocol):
    """Chats and their members. Membership changes after creation go through `MessageLog.append`, which orders them with the messages."""

    async def create(self, chat: Chat, members: Sequence[Member]) -> tuple[Chat, bool]:
        """Store a new chat with its members in one transaction. `(chat, True)`, or for a direct chat whose pair exists `(existing, False)`."""

    async def get_many(self, chat_ids: Sequence[str]) -> dict[str, Chat]:
        """The chats among these that exist, deleted ones included."""

    async def by_pair(self, pair: str) -> Chat | None:
        """The direct chat of a pair (`persistence.pairs`)."""

    async def members(self, chat_id: str, *, after_user_id: str | None, limit: int) -> list[Member]:
        """A page of members in order of user id."""

    async def member_count(self, chat_ids: Sequence[str]) -> dict[str, int]:
        """How many members each chat has."""

    async def member(self, chat_id: str, user_id: str) -> Member | None:
        """One member."""

    async def members_at(self, keys: Sequence[tuple[str, str]]) -> list[Member | None]:
        """The member with each `(chat_id, user_id)`, in order; `None` for a non-member."""

    async def memberships(self, user_ids: Sequence[str]) -> dict[str, list[Member]]:
        """Each user's memberships in chats that are not deleted; a user without any has an empty list."""

    async def peers(self, user_ids: Sequence[str]) -> dict[str, list[str]]:
        """Whom each user shares a direct chat with, in order of their ids; a user without any has an empty list."""

    async def raise_cursors(self, writes: Sequence[CursorWrite]) -> list[Member | None]:
        """Raise cursors, never lower them (`read_seq` raises `delivered_seq` with it); the member afterwards, or `None` for a non-member."""

    async def reach(self, chat_id: str, seq: int) -> Reach:
        """How many members have received and read the message with this `seq`, its sender among them."""

    async def set_pinned(self, chat_id: str, user_id: str, pinned_at: int | None, *, at: int) -> Member:
        """Pin or unpin for this user. Raises `NotFound`."""

    async def set_muted(self, chat_id: str, user_id: str, muted_until: int | None, *, at: int) -> Member:
        """Mute until a time, or unmute. Raises `NotFound`."""
