"""What can show a file: each kind of use knows whether a use of it still is, and who may see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import msgspec

from handlers.people.contacts import Contacts
from persistence.models import Media
from persistence.ports import Chats, MessageLog, Users

MESSAGE: Final = "message"
AVATAR: Final = "avatar"
REQUEST_S: Final = 300
"""Longer than any request takes between saying that it will use a file and doing so."""


class Over(msgspec.Struct, frozen=True):
    """It is not, and never will be again."""


class Absent(msgspec.Struct, frozen=True):
    """It is not there: it never came to be, or not yet."""


class Alive(msgspec.Struct, frozen=True):
    """It shows the file; with `until`, up to then (milliseconds since the epoch)."""

    until: int | None = None


State = Over | Absent | Alive


class Uses(Protocol):
    """One kind of use: those whose names begin with its own and a colon. The rest of the name comes here as `use`."""

    patience_s: float
    """How long after a use was asked for it may still come to be: an absent one keeps the file for so long."""

    async def state(self, media: Media, use: str) -> State:
        """Whether this use still is. Raises `StoreUnavailable`."""

    async def shown(self, user_id: str, media: Media, uses: Sequence[str]) -> Alive | None:
        """Whether somebody who does not own the file may see it in one of these uses. Raises `StoreUnavailable`."""


def message_use(chat_id: str, sender_id: str, client_id: str) -> str:
    """The name of the use of a file by a message."""
    return f"{MESSAGE}:{chat_id}/{sender_id}/{client_id}"


def avatar_use(user_id: str) -> str:
    """The name of the use of a file by a profile."""
    return f"{AVATAR}:{user_id}"


class MessageUses:
    """Messages: members of a chat see the files of its messages, as long as those are not deleted.

    Args:
        patience_s: how long a message may be held somewhere between being accepted and being stored.

    """

    def __init__(self, chats: Chats, log: MessageLog, *, patience_s: float) -> None:
        self.patience_s = patience_s
        self._chats = chats
        self._log = log

    async def state(self, media: Media, use: str) -> State:
        """Whether the message is there, not deleted, and with this file."""
        chat_id, sender_id, client_id = use.split("/", 2)
        message = await self._log.find(chat_id, sender_id, client_id)
        if message is None:
            return Absent()
        if message.media_id != media.id:  # deleted, or made with another file
            return Over()
        chat = (await self._chats.get_many([chat_id])).get(chat_id)
        return Over() if chat is None or chat.deleted else Alive()

    async def shown(self, user_id: str, media: Media, uses: Sequence[str]) -> Alive | None:
        """Whether one of these messages is in a chat that the user is in."""
        chat_ids = list(dict.fromkeys(use.partition("/")[0] for use in uses))
        rows = await self._chats.members_at([(chat_id, user_id) for chat_id in chat_ids])
        inside = {row.chat_id for row in rows if row is not None}
        for use in uses:
            if use.partition("/")[0] in inside:
                state = await self.state(media, use)
                if isinstance(state, Alive):
                    return state
        return None


class AvatarUses:
    """Profile pictures: everybody sees them but those whom their owner has blocked, or who have blocked the owner."""

    patience_s: float = REQUEST_S

    def __init__(self, users: Users, contacts: Contacts) -> None:
        self._users = users
        self._contacts = contacts

    async def state(self, media: Media, use: str) -> State:
        """Whether it is the user's picture."""
        user = (await self._users.get_many([use])).get(use)
        if user is None:
            return Over()
        # Absent, not over: the same user may take the same picture again.
        return Alive() if user.avatar_media_id == media.id else Absent()

    async def shown(self, user_id: str, media: Media, uses: Sequence[str]) -> Alive | None:
        """Whether it is the picture of somebody who is no stranger."""
        for use in uses:
            state = await self.state(media, use)
            if isinstance(state, Alive):
                return None if await self._contacts.strangers(user_id, [use]) else state
        return None


class AllUses:
    """All kinds together."""

    def __init__(self, kinds: Mapping[str, Uses]) -> None:
        self._kinds = kinds

    async def state(self, media: Media, name: str, at: int, now: int) -> State:
        """Whether a use still is; one that is absent and may still come to be is alive until it no longer may. Raises `StoreUnavailable`."""
        kind, _, use = name.partition(":")
        uses = self._kinds.get(kind)
        if uses is None:
            return Alive()  # of a newer version of this software, which will look itself
        state = await uses.state(media, use)
        patience_ms = int(uses.patience_s * 1000)
        if isinstance(state, Absent) and now < at + patience_ms:
            return Alive(at + patience_ms)
        return state

    async def shown(self, user_id: str, media: Media) -> Alive | None:
        """Whether somebody who does not own the file may see it. Raises `StoreUnavailable`."""
        found: Alive | None = None
        for kind, uses in self._kinds.items():
            names = [
                use.name.removeprefix(f"{kind}:") for use in media.uses if use.name.startswith(f"{kind}:")
            ]
            state = await uses.shown(user_id, media, names) if names else None
            if state is not None:
                found = state if found is None else _longer(found, state)
                if found.until is None:
                    break
        return found


def _longer(one: Alive, other: Alive) -> Alive:
    if one.until is None or other.until is None:
        return Alive()
    return Alive(max(one.until, other.until))
