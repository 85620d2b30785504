"""The chats' logs."""

from collections.abc import Collection, Sequence
from typing import Protocol

from persistence.models import ChangesQuery, Head, LogEntry, LogWrite, Message, MessageType, Outcome


class MessageLog(Protocol):
    """Every chat's log: messages and changes in one order of `rev`, messages densely numbered by `seq`."""

    async def append(self, writes: Sequence[LogWrite]) -> list[Outcome]:
        """Write a batch, durable at majority before this returns; one outcome per write, in order.

        Several nodes may append to one chat; unique `(chat_id, seq)`, `(chat_id, rev)` and `(chat_id, sender_id, client_id)` decide races.
        Within a batch, the writes of one chat are applied in the order given, and as soon as one of them is not `Stored`, the
        later ones of that chat are `Skipped`; other chats are not affected. A `Change` and its effect on the member list or the chat are one
        transaction; so are a `Deletion` and making the message's file due for review. After `StoreUnavailable` any part may have been written; repeating the batch tells: what is there already, exactly
        as it was to be written, is `Stored`; a message that has been edited or has another place by now is a `Repeat`. Who gets a `Conflict` finds the
        entry that was faster with its next read.
        """

    async def heads(self, chat_ids: Sequence[str]) -> dict[str, Head]:
        """The end of each chat's log, read at majority; chats without entries have `Head(0, 0)`."""

    async def changes(self, queries: Sequence[ChangesQuery]) -> list[list[LogEntry]]:
        """What changed, per query, ordered by `rev`, read at majority. An entry appears once, as it is now."""

    async def page(
        self, chat_id: str, *, before_seq: int | None, after_seq: int | None, limit: int
    ) -> list[Message]:
        """Messages in ascending `seq`: the last `limit` before `before_seq` (or of all), or the first `limit` after `after_seq`. Deleted ones keep their place."""

    async def of_types(
        self, chat_id: str, types: Collection[MessageType], *, before_seq: int | None, limit: int
    ) -> list[Message]:
        """Messages of these types, of which each is in `LISTED`, in ascending `seq`: the last `limit` before `before_seq` (or of all). Not those that are deleted."""

    async def get(self, chat_id: str, seq: int) -> Message | None:
        """One message."""

    async def find(self, chat_id: str, sender_id: str, client_id: str) -> Message | None:
        """The message that this `client_id` made."""

    async def sent_by(
        self, chat_id: str, sender_id: str, *, after_client_id: str | None, limit: int
    ) -> list[Message]:
        """What somebody has sent in a chat, in order of `client_id`; deleted ones among it."""

    async def last_messages(self, chat_ids: Sequence[str]) -> dict[str, Message]:
        """The newest message of each chat that has one (a deleted one counts)."""

    async def unread(self, queries: Sequence[tuple[str, str, int]], *, cap: int) -> list[int]:
        """Per `(chat_id, user_id, read_seq)`: messages after the cursor, less the user's own and deleted ones, counted up to `cap`."""
