"""What a chat's log holds, and what can be written to it."""

from enum import StrEnum
from typing import Any, Final, Literal, get_args

import msgspec

from persistence.models.chats import Role


class MessageType(StrEnum):
    """The kinds of content a message can have."""

    TEXT = "text"
    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    DOCUMENT = "document"
    LOCATION = "location"
    SYSTEM = "system"


Listed = Literal["image", "video", "audio", "document", "location"]
LISTED: Final = frozenset(MessageType(name) for name in get_args(Listed))
"""Types whose messages can be listed by themselves: an index has them. Texts are nearly everything; they are read as the conversation is."""


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
    forwarded: bool = False
    created_at: int
    edited_at: int | None = None
    deleted: bool = False


class ChangeKind(StrEnum):
    """What a log entry without a `seq` tells."""

    MEMBER_SET = "member_set"  # user_id joined or changed role: `role`
    MEMBER_REMOVED = "member_removed"  # user_id left or was removed
    CHAT_UPDATED = "chat_updated"  # new `title`
    CHAT_DELETED = "chat_deleted"
    BLOCKED = "blocked"  # in a direct chat: its actor has blocked `user_id`, the other
    UNBLOCKED = "unblocked"


UNSEEN: Final = frozenset({ChangeKind.BLOCKED, ChangeKind.UNBLOCKED})
"""Changes that decide what may be appended after them, and that no member is told of."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of a chat's log without a place in the conversation: it takes a `rev` but no `seq`. `invite_id`: what let in whoever came by themselves."""

    chat_id: str
    rev: int
    kind: ChangeKind
    actor_id: str
    at: int
    user_id: str | None = None
    role: Role | None = None
    title: str | None = None
    invite_id: str | None = None


LogEntry = Message | Change


class Edit(msgspec.Struct, frozen=True, kw_only=True):
    """A change of the content of message `seq`, which then carries `rev`."""

    chat_id: str
    seq: int
    rev: int
    content: dict[str, Any]
    at: int


class Deletion(msgspec.Struct, frozen=True, kw_only=True):
    """A deletion for everyone of message `seq`, which keeps its place, without content, and carries `rev`. `actor_id` and `device_id`: who deletes."""

    chat_id: str
    seq: int
    rev: int
    at: int
    actor_id: str = ""
    device_id: str = ""


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
    """The message to edit or delete does not exist or is deleted already; or the invite does not let the user in. Nothing was written."""


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
