"""What a person's archive holds: everything that is theirs, read page by page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import msgspec

from handlers.people.blocking import BlockView
from handlers.stories.views import story_view
from handlers.wire import message_view, own_user, rfc3339, rfc3339_or_none
from persistence.models import ChatType, Device, Media, MediaKind, Member, Role, User
from persistence.pairs import other_of
from persistence.ports import Blocks, Chats, Devices, MediaRecords, MessageLog, Stories, Users

Add = Callable[[str, Sequence[Any]], Awaitable[None]]
"""Takes items of a file."""
PAGE: Final = 200
"""Records read, and written to the archive, at once."""


class ExportedDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A signed-in device."""

    id: str
    name: str
    platform: str
    created_at: str
    last_used_at: str


class ExportedContact(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody whom one shares a direct chat with."""

    user_id: str
    name: str


class ExportedChat(msgspec.Struct, frozen=True, kw_only=True):
    """A chat that one is in, with what one keeps of it for oneself."""

    id: str
    type: ChatType
    title: str
    peer_id: str | None
    role: Role
    joined_at: str
    delivered_seq: int
    read_seq: int
    pinned_at: str | None
    muted_until: str | None


class ExportedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that one has uploaded; `GET /media/{id}` gives it."""

    id: str
    kind: MediaKind
    content_type: str
    size: int
    filename: str | None
    created_at: str


class ExportContents:
    """Reads it."""

    def __init__(
        self,
        *,
        users: Users,
        devices: Devices,
        chats: Chats,
        log: MessageLog,
        blocks: Blocks,
        media: MediaRecords,
        stories: Stories,
        clock: Callable[[], int],
    ) -> None:
        self._users = users
        self._devices = devices
        self._chats = chats
        self._log = log
        self._blocks = blocks
        self._media = media
        self._stories = stories
        self._clock = clock

    async def write(self, user: User, add: Add) -> None:
        """Hand all of it to `add`, what is in one file one after the other. Raises `StoreUnavailable`."""
        await add("profile.json", [own_user(user)])
        await add("devices.json", [_device(device) for device in await self._devices.of_user(user.id)])
        await self._contacts(user.id, add)
        await self._blocked(user.id, add)
        await self._files(user.id, add)
        await self._own_stories(user.id, add)
        rows = (await self._chats.memberships([user.id]))[user.id]
        for start in range(0, len(rows), PAGE):
            await add("chats.json", await self._exported(rows[start : start + PAGE]))
        for row in rows:
            await self._messages(row.chat_id, user.id, add)

    async def _contacts(self, user_id: str, add: Add) -> None:
        ids = (await self._chats.peers([user_id]))[user_id]
        for start in range(0, len(ids), PAGE):
            users = await self._users.get_many(ids[start : start + PAGE])
            page = [ExportedContact(user_id=user.id, name=user.name) for user in users.values()]
            await add("contacts.json", page)

    async def _blocked(self, user_id: str, add: Add) -> None:
        after: str | None = None
        while rows := await self._blocks.of_user(user_id, after_id=after, limit=PAGE):
            page = [BlockView(user_id=row.blocked_id, blocked_at=rfc3339(row.at)) for row in rows]
            await add("blocks.json", page)
            after = rows[-1].blocked_id

    async def _files(self, user_id: str, add: Add) -> None:
        after: str | None = None
        while rows := await self._media.of_owner(user_id, after_id=after, limit=PAGE):
            await add("media.json", [_file(row) for row in rows if not row.doomed])
            after = rows[-1].id

    async def _own_stories(self, user_id: str, add: Add) -> None:
        """Those that have not ended; of others nothing is kept."""
        marks = await self._stories.shown([user_id], user_id, self._clock())
        stories = await self._stories.get_many([mark.id for mark in marks])
        await add("stories.json", [story_view(story, seen=True, own=True) for story in stories.values()])

    async def _messages(self, chat_id: str, user_id: str, add: Add) -> None:
        """What the user has sent there, in no particular order: `seq` tells it."""
        after: str | None = None
        while rows := await self._log.sent_by(chat_id, user_id, after_client_id=after, limit=PAGE):
            await add(f"messages/{chat_id}.json", [message_view(row) for row in rows])
            after = rows[-1].client_id

    async def _exported(self, rows: Sequence[Member]) -> list[ExportedChat]:
        chats = await self._chats.get_many([row.chat_id for row in rows])
        return [
            ExportedChat(
                id=chat.id,
                type=chat.type,
                title=chat.title,
                peer_id=None if chat.pair is None else other_of(chat.pair, row.user_id),
                role=row.role,
                joined_at=rfc3339(row.joined_at),
                delivered_seq=row.delivered_seq,
                read_seq=row.read_seq,
                pinned_at=rfc3339_or_none(row.pinned_at),
                muted_until=rfc3339_or_none(row.muted_until),
            )
            for row in rows
            if (chat := chats.get(row.chat_id)) is not None
        ]


def _device(device: Device) -> ExportedDevice:
    return ExportedDevice(
        id=device.id,
        name=device.name,
        platform=device.platform,
        created_at=rfc3339(device.created_at),
        last_used_at=rfc3339(device.last_used_at),
    )


def _file(media: Media) -> ExportedFile:
    return ExportedFile(
        id=media.id,
        kind=media.kind,
        content_type=media.content_type,
        size=media.size,
        filename=media.filename,
        created_at=rfc3339(media.created_at),
    )
