"""What clients see: the shapes of the contract, the same over REST and the socket."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from handlers.content import Content
from persistence.models import ChatType, Member, Message, MessageType, Privacy, Role, User

Mark = Annotated[bool, Meta(extra_json_schema={"const": True})]
"""A property of few: true, or absent, so that it costs the others nothing."""

_second: tuple[int, str] = (-1, "")


def rfc3339(at: int) -> str:
    """Milliseconds since the epoch as RFC 3339 in UTC with milliseconds, for example "2026-01-31T09:00:00.000Z"."""
    global _second
    seconds, millis = divmod(at, 1000)
    cached, prefix = _second
    if seconds != cached:
        prefix = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        _second = (seconds, prefix)
    return f"{prefix}.{millis:03d}Z"


def rfc3339_or_none(at: int | None) -> str | None:
    """`rfc3339`, with nothing for nothing."""
    return None if at is None else rfc3339(at)


class MessageView(msgspec.Struct, frozen=True, kw_only=True):
    """A message. `deleted` ones keep their place with empty `content`. `forwarded`: its sender has passed on what was written elsewhere."""

    id: str
    chat_id: str
    seq: int
    rev: int
    sender_id: str
    client_id: str
    type: MessageType
    content: Content
    media_id: str | None = None
    reply_to: int | None = None
    forwarded: Mark | UnsetType = UNSET
    created_at: str
    edited_at: str | None = None
    deleted: bool = False


def message_view(m: Message) -> MessageView:
    """The message as clients see it."""
    return MessageView(
        id=m.id,
        chat_id=m.chat_id,
        seq=m.seq,
        rev=m.rev,
        sender_id=m.sender_id,
        client_id=m.client_id,
        type=m.type,
        content=m.content,
        media_id=m.media_id,
        reply_to=m.reply_to,
        forwarded=True if m.forwarded else UNSET,
        created_at=rfc3339(m.created_at),
        edited_at=rfc3339_or_none(m.edited_at),
        deleted=m.deleted,
    )


class QueuedView(msgspec.Struct, frozen=True, kw_only=True):
    """A message waits until it can be written. That is no acknowledgement: `MESSAGE_SENT` is, to the sender as to everybody else."""

    queued: bool = True


class MessageFailed(msgspec.Struct, frozen=True, kw_only=True):
    """`MESSAGE_FAILED`: a message that was queued will not be written, with the code of an error and why, in words."""

    chat_id: str
    client_id: str
    code: str
    reason: str


class Cursors(msgspec.Struct, frozen=True, kw_only=True):
    """How far a member has received and read."""

    user_id: str
    delivered_seq: int
    read_seq: int


class ChatView(msgspec.Struct, frozen=True, kw_only=True):
    """A chat as one of its members sees it.

    `cursors` holds both people's for a direct chat, else the member's own alone (`GET /chats/{id}/members` has all). `unread` is derived:
    messages after `read_seq`, less one's own and deleted ones.
    """

    id: str
    type: ChatType
    title: str
    peer_id: str | None
    created_by: str
    created_at: str
    member_count: int
    last_seq: int
    rev: int
    last_message: MessageView | None
    unread: int
    pinned: bool
    muted: bool
    muted_until: str | None
    my_role: Role
    delivered_seq: int
    read_seq: int
    cursors: list[Cursors]


class MemberView(msgspec.Struct, frozen=True, kw_only=True):
    """A member of a chat, to the other members."""

    user_id: str
    role: Role
    joined_at: str
    delivered_seq: int
    read_seq: int


def member_view(m: Member) -> MemberView:
    """The member as other members see them."""
    return MemberView(
        user_id=m.user_id,
        role=m.role,
        joined_at=rfc3339(m.joined_at),
        delivered_seq=m.delivered_seq,
        read_seq=m.read_seq,
    )


class MemberChange(msgspec.Struct, frozen=True, kw_only=True):
    """`MEMBER_CHANGED`: who is what in a chat; without `role`, the user is no longer a member."""

    chat_id: str
    rev: int
    user_id: str
    role: Role | None
    by: str


class ChatChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`CHAT_UPDATED` and `CHAT_DELETED`: what changed, for everyone in the chat or, for pin and mute, for one user's devices."""

    chat_id: str
    rev: int | None = None
    title: str | None = None
    pinned: bool | None = None
    muted: bool | None = None
    muted_until: str | None = None


class CursorMoved(msgspec.Struct, frozen=True, kw_only=True):
    """`MESSAGE_DELIVERED` and `MESSAGE_READ`: the member has everything up to `seq`."""

    chat_id: str
    user_id: str
    seq: int


class ReceiptsCounted(msgspec.Struct, frozen=True, kw_only=True):
    """`MESSAGE_RECEIPTS`: of the others who were in the chat when the message was sent, how many have received it, and read it."""

    chat_id: str
    seq: int
    delivered: int
    read: int
    of: int


class OwnUser(msgspec.Struct, frozen=True, kw_only=True):
    """One's own profile."""

    id: str
    name: str
    phone: str
    status: str
    avatar_media_id: str | None
    privacy: Privacy
    created_at: str


def own_user(u: User) -> OwnUser:
    """The user as they see themselves."""
    return OwnUser(
        id=u.id,
        name=u.name,
        phone=u.phone,
        status=u.status,
        avatar_media_id=u.avatar_media_id,
        privacy=u.privacy,
        created_at=rfc3339(u.created_at),
    )


class UserView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody else's profile. Of a deleted account (`deleted`) there is no more than that."""

    id: str
    name: str
    status: str
    avatar_media_id: str | None
    online: bool
    last_seen: str | None
    deleted: bool = False
