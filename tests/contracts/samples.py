"""Records to write in the contract suites, with every field that a test does not speak of filled in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from persistence.ids import Ids
from persistence.models import (
    Change,
    ChangeKind,
    Chat,
    ChatType,
    Device,
    Media,
    MediaKind,
    Member,
    Message,
    MessageType,
    Role,
    Story,
    StoryType,
    User,
    Viewing,
)
from persistence.ports import Chats

AT = 1_700_000_000_000
"""A time, in milliseconds."""
DAY_MS = 86_400_000
new_id = Ids()


def text(
    chat_id: str, seq: int, rev: int | None = None, *, sender: str = "ann", client_id: str = "", **fields: Any
) -> Message:
    """A message at `seq`, and at a `rev` that is the same unless given."""
    made: dict[str, Any] = {
        "id": new_id(),
        "client_id": client_id or new_id(),
        "type": MessageType.TEXT,
        "content": {"text": f"number {seq}"},
        "created_at": AT + seq,
    }
    return Message(
        chat_id=chat_id, seq=seq, rev=seq if rev is None else rev, sender_id=sender, **(made | fields)
    )


def joins(chat_id: str, rev: int, user_id: str, role: Role = Role.MEMBER, at: int = AT) -> Change:
    """Somebody joins, or changes role."""
    return Change(
        chat_id=chat_id,
        rev=rev,
        kind=ChangeKind.MEMBER_SET,
        actor_id="ann",
        at=at,
        user_id=user_id,
        role=role,
    )


def leaves(chat_id: str, rev: int, user_id: str) -> Change:
    """Somebody leaves."""
    return Change(
        chat_id=chat_id, rev=rev, kind=ChangeKind.MEMBER_REMOVED, actor_id="ann", at=AT, user_id=user_id
    )


def renamed(chat_id: str, rev: int, title: str) -> Change:
    """The chat gets a title."""
    return Change(chat_id=chat_id, rev=rev, kind=ChangeKind.CHAT_UPDATED, actor_id="ann", at=AT, title=title)


def deleted(chat_id: str, rev: int) -> Change:
    """The chat is deleted."""
    return Change(chat_id=chat_id, rev=rev, kind=ChangeKind.CHAT_DELETED, actor_id="ann", at=AT)


def chat(chat_id: str = "", *, pair: str | None = None, title: str = "") -> Chat:
    """A group, or with `pair` a direct chat."""
    kind = ChatType.GROUP if pair is None else ChatType.DIRECT
    return Chat(id=chat_id or new_id(), type=kind, title=title, created_by="ann", pair=pair, created_at=AT)


def member(chat_id: str, user_id: str, role: Role = Role.MEMBER) -> Member:
    """A member from the beginning."""
    return Member(chat_id=chat_id, user_id=user_id, role=role, joined_at=AT, updated_at=AT)


def user(user_id: str = "", phone: str = "") -> User:
    """A person with a number of their own."""
    user_id = user_id or new_id()
    phone = phone or f"+{int(user_id[-13:], 16)}"
    return User(id=user_id, name="Ann", phone=phone, password_hash="hash", created_at=AT, updated_at=AT)


def device(user_id: str, refresh: bytes = b"first", *, device_id: str = "", created_at: int = AT) -> Device:
    """A device with the hash of its first refresh token."""
    return Device(
        id=device_id or new_id(),
        user_id=user_id,
        name="phone",
        platform="android",
        refresh_hash=refresh,
        refresh_expires_at=AT,
        created_at=created_at,
        last_used_at=created_at,
    )


def story(user_id: str = "ann", story_id: str = "", **fields: Any) -> Story:
    """A story of a day, for all contacts."""
    story_id = story_id or new_id()
    given: dict[str, Any] = {
        "client_id": story_id,
        "type": StoryType.TEXT,
        "content": {"text": "hello"},
        "created_at": AT,
        "expires_at": AT + DAY_MS,
        "moved_at": AT,
    }
    return Story(id=story_id, user_id=user_id, **(given | fields))


def viewing(story_id: str, user_id: str = "bob", at: int = AT) -> Viewing:
    """Somebody has seen a story of Ann's."""
    return Viewing(story_id=story_id, owner_id="ann", user_id=user_id, at=at, moved_at=at)


def media(owner_id: str = "ann", **fields: Any) -> Media:
    """A file that was never used."""
    made: dict[str, Any] = {
        "id": new_id(),
        "kind": MediaKind.IMAGE,
        "content_type": "image/png",
        "size": 7,
        "filename": "a.png",
        "created_at": AT,
        "stamp": new_id(),
        "review_at": AT + 100,
    }
    return Media(owner_id=owner_id, **(made | fields))


async def created(chats: Chats, *, users: Sequence[str] = ("ann", "bob"), count: int = 1) -> list[str]:
    """The ids of so many new groups with these members."""
    ids = [new_id() for _ in range(count)]
    for chat_id in ids:
        await chats.create(chat(chat_id), [member(chat_id, user_id) for user_id in users])
    return ids
