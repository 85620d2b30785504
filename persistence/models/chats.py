"""Chats and their members."""

from enum import StrEnum
from typing import Final

import msgspec


class ChatType(StrEnum):
    """`direct` (two people), `group` (all may post), `channel` (owner and admins post)."""

    DIRECT = "direct"
    GROUP = "group"
    CHANNEL = "channel"


class Role(StrEnum):
    """What a member is in a chat. Both people of a direct chat are members."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"


class Chat(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation, without anything that each message would change: its head is its newest log entry.

    `pair` is the two sorted user ids of a direct chat, joined by ":"; unique.
    """

    id: str
    type: ChatType
    title: str = ""
    created_by: str
    pair: str | None = None
    created_at: int
    deleted: bool = False


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A user in a chat, with what is theirs alone. Cursors only ever grow.

    `joined_seq` is the chat's last `seq` when they joined; `shown_seq` is how far they have read for others to know: not what they read while they hid
    that, nor what was there before they joined. `updated_at` moves with every change of this record.
    """

    chat_id: str
    user_id: str
    role: Role
    joined_at: int
    joined_seq: int = 0
    delivered_seq: int = 0
    read_seq: int = 0
    shown_seq: int = 0
    pinned_at: int | None = None
    muted_until: int | None = None
    updated_at: int


FOREVER: Final = 253_402_300_799_000
"""`muted_until` of a mute without end: 9999-12-31T23:59:59Z."""


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """How many members a message has reached: of those who were in the chat when it was sent, how many have received it, and read it for others to know."""

    of: int
    delivered: int
    read: int


class CursorWrite(msgspec.Struct, frozen=True, kw_only=True):
    """Raise a member's cursors to at least these values; `hidden` is for a user who shows nobody what they have read."""

    chat_id: str
    user_id: str
    delivered_seq: int = 0
    read_seq: int = 0
    hidden: bool = False
    at: int
