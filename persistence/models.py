"""The records that the stores keep, as frozen values.

Times are integer milliseconds since the Unix epoch, in UTC: cheap to compare and to store; the edges render RFC 3339.
"""

from enum import StrEnum
from typing import Any, Final

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


class MessageType(StrEnum):
    """The kinds of content a message can have."""

    TEXT = "text"
    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    DOCUMENT = "document"
    LOCATION = "location"
    SYSTEM = "system"


class Visibility(StrEnum):
    """Who may see a private detail of a profile."""

    EVERYONE = "everyone"
    CONTACTS = "contacts"
    NOBODY = "nobody"


class Privacy(msgspec.Struct, frozen=True, kw_only=True):
    """What a user shows of themselves. `read_receipts` off hides one's own and, in return, the others'."""

    last_seen: Visibility = Visibility.EVERYONE
    read_receipts: bool = True


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A person. `phone` is E.164 and unique."""

    id: str
    name: str
    phone: str
    password_hash: str
    status: str = ""
    avatar_media_id: str | None = None
    privacy: Privacy = Privacy()
    operator: bool = False
    last_seen: int | None = None
    created_at: int
    updated_at: int


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A signed-in device: one family of refresh tokens, of which only the newest hash is good.

    `previous_hash` is the token spent last: seeing it again means that somebody holds a copy.
    """

    id: str
    user_id: str
    name: str
    platform: str
    refresh_hash: bytes
    previous_hash: bytes | None = None
    refresh_expires_at: int
    created_at: int
    last_used_at: int


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

    `joined_seq` is the chat's last `seq` when they joined; `updated_at` moves with every change of this record.
    """

    chat_id: str
    user_id: str
    role: Role
    joined_at: int
    joined_seq: int = 0
    delivered_seq: int = 0
    read_seq: int = 0
    pinned_at: int | None = None
    muted_until: int | None = None
    updated_at: int


FOREVER: Final = 253_402_300_799_000
"""`muted_until` of a mute without end: 9999-12-31T23:59:59Z."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of a chat's log that has a place in the conversation (`seq`)."""

    id: str
    chat_id: str
    seq: int
    rev: int
    sender_id: str
    client_id: str
    type: MessageType
    content: dict[str, Any]
    media_id: str | None = None
    reply_to: int | None = None
    created_at: int
    edited_at: int | None = None
    deleted: bool = False


class ChangeKind(StrEnum):
    """What a log entry without a `seq` tells."""

    MEMBER_SET = "member_set"  # user_id joined or changed role: `role`
    MEMBER_REMOVED = "member_removed"  # user_id left or was removed
    CHAT_UPDATED = "chat_updated"  # new `title`
    CHAT_DELETED = "chat_deleted"


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of a chat's log without a place in the conversation: it takes a `rev` but no `seq`."""

    chat_id: str
    rev: int
    kind: ChangeKind
    actor_id: str
    at: int
    user_id: str | None = None
    role: Role | None = None
    title: str | None = None


LogEntry = Message | Change


class Edit(msgspec.Struct, frozen=True, kw_only=True):
    """A change of the content of message `seq`, which then carries `rev`."""

    chat_id: str
    seq: int
    rev: int
    content: dict[str, Any]
    at: int


class Deletion(msgspec.Struct, frozen=True, kw_only=True):
    """A deletion for everyone of message `seq`, which keeps its place, without content, and carries `rev`."""

    chat_id: str
    seq: int
    rev: int
    at: int


LogWrite = Message | Edit | Deletion | Change


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a chat's log. A chat without entries has `(0, 0)`."""

    seq: int = 0
    rev: int = 0


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """The write is durable at majority. `message` is the message as it is now, for edits and deletions."""

    message: Message | None = None


class Conflict(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody else appended first: the chat's `seq` or `rev` is taken. Nothing was written."""


class Repeat(msgspec.Struct, frozen=True, kw_only=True):
    """The sender's `client_id` was used before in this chat: here is the message it made. Nothing was written."""

    message: Message


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """The message to edit or delete does not exist or is deleted already. Nothing was written."""


class Skipped(msgspec.Struct, frozen=True, kw_only=True):
    """Not tried, because an earlier write of the same chat in the same batch was not stored."""


Outcome = Stored | Conflict | Repeat | Missing | Skipped


class ChangesQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What changed in one chat: entries with `rev > after_rev`, oldest first, at most `limit`.

    With `upto_seq`, messages with a greater `seq` are left out (they reach the asker in another way).
    """

    chat_id: str
    after_rev: int
    limit: int
    upto_seq: int | None = None


class CursorWrite(msgspec.Struct, frozen=True, kw_only=True):
    """Raise a member's cursors to at least these values."""

    chat_id: str
    user_id: str
    delivered_seq: int = 0
    read_seq: int = 0
    at: int


class Envelope(msgspec.Struct, frozen=True, array_like=True):
    """Something for whoever on another node follows `topic` ("c:<chat id>" or "u:<user id>"); opaque to the bus."""

    topic: str
    data: bytes


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What one read of a node's inbox gave, in each publisher's order.

    `lost` says that something before these may have been missed (dropped, trimmed, a restarted Redis, a publisher
    that could not publish): whoever keeps state from events has to catch up from the record.
    """

    envelopes: list[Envelope]
    lost: bool = False


class OpenChat(msgspec.Struct, frozen=True, kw_only=True):
    """A device that has a chat open on a node."""

    chat_id: str
    user_id: str
    device_id: str
    node: str
    since: int


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A command that could not be carried out, kept for an operator with the reason."""

    id: str
    source: str
    reason: str
    command: dict[str, Any]
    at: int
