"""Chats as their members see them, made for many at once with a fixed number of reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec import structs

from handlers.loader import Loader
from handlers.wire import (
    ChatView,
    Cursors,
    MemberView,
    member_view,
    message_view,
    rfc3339,
    rfc3339_or_none,
)
from persistence.models import Chat, ChatType, Head, Member, Message, User
from persistence.pairs import other_of
from persistence.ports import Chats, MessageLog, Users

MOST_UNREAD: Final = 10_000
"""Unread messages are counted up to this."""


class ChatViews:
    """Builds `ChatView`s and `MemberView`s.

    Whoever hides what they read is shown with a `read_seq` of 0, and sees the others' so.
    """

    def __init__(self, chats: Chats, store: MessageLog, users: Users, clock: Callable[[], int]) -> None:
        self._chats = chats
        self._store = store
        self._clock = clock
        self._docs: Loader[str, Chat] = Loader(chats.get_many)
        self._last: Loader[str, Message] = Loader(store.last_messages)
        self._counts: Loader[str, int] = Loader(chats.member_count)
        self._heads: Loader[str, Head] = Loader(store.heads)
        self._members: Loader[tuple[str, str], Member] = Loader(self._members_at)
        self._users: Loader[str, User] = Loader(users.get_many)

    async def for_member(
        self, rows: Sequence[Member], heads: Mapping[str, Head] | None = None, *, closed: bool = False
    ) -> list[ChatView]:
        """The chats of these memberships, in their order; those that are gone are left out.

        Args:
            rows: memberships, of one user.
            heads: where each log stands for the asker; read when not given.
            closed: also those that have just been closed: whoever follows their log is about to be told.

        """
        if not rows:
            return []
        ids = [row.chat_id for row in rows]
        chats = await self._docs.load(ids)
        heads = heads if heads is not None else await self._heads.load(ids)
        last = await self._last.load(ids)
        counts = await self._counts.load(ids)
        unread = await self._unread(rows, heads)
        peers = await self._peers(rows, chats)
        now = self._clock()
        return [
            self._view(
                row, chat, heads.get(row.chat_id, Head()), last.get(row.chat_id), counts, unread, peers, now
            )
            for row in rows
            if (chat := chats.get(row.chat_id)) is not None and (closed or not chat.deleted)
        ]

    async def _unread(self, rows: Sequence[Member], heads: Mapping[str, Head]) -> dict[str, int]:
        behind = [row for row in rows if row.read_seq < heads.get(row.chat_id, Head()).seq]
        if not behind:
            return {}
        queries = [(row.chat_id, row.user_id, row.read_seq) for row in behind]
        counts = await self._store.unread(queries, cap=MOST_UNREAD)
        return {row.chat_id: count for row, count in zip(behind, counts, strict=True)}

    async def _peers(self, rows: Sequence[Member], chats: Mapping[str, Chat]) -> dict[str, Member]:
        """The other member of each direct chat, as far as the asker may see."""
        pairs = [
            (row.chat_id, other_of(chat.pair, row.user_id))
            for row in rows
            if (chat := chats.get(row.chat_id)) is not None and chat.pair is not None
        ]
        if not pairs:
            return {}
        members = await self._members.load(pairs)
        shown = await self.without_hidden(list(members.values()), rows[0].user_id)
        return {member.chat_id: member for member in shown}

    async def rows(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Member]:
        """The memberships with these `(chat_id, user_id)`, those that there are."""
        return await self._members.load(keys)

    async def _members_at(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Member]:
        members = await self._chats.members_at(keys)
        return {key: member for key, member in zip(keys, members, strict=True) if member is not None}

    async def members(self, rows: Sequence[Member], asker_id: str, chat_type: ChatType) -> list[MemberView]:
        """Members as one of them sees them. In a channel nobody sees how far the others have come."""
        if chat_type is ChatType.CHANNEL:
            shown = [
                row if row.user_id == asker_id else structs.replace(row, delivered_seq=0, read_seq=0)
                for row in rows
            ]
        else:
            shown = await self.without_hidden(rows, asker_id)
        return [member_view(row) for row in shown]

    async def without_hidden(self, rows: Sequence[Member], asker_id: str) -> list[Member]:
        """The members, with the `read_seq` of those who hide it, or hide their own from them, at 0."""
        users = await self._users.load([asker_id, *(row.user_id for row in rows)])
        open_ = {user_id for user_id, user in users.items() if user.privacy.read_receipts}
        return [
            row
            if row.user_id == asker_id or {row.user_id, asker_id} <= open_
            else structs.replace(row, read_seq=0)
            for row in rows
        ]

    def _view(
        self,
        row: Member,
        chat: Chat,
        head: Head,
        last: Message | None,
        counts: Mapping[str, int],
        unread: Mapping[str, int],
        peers: Mapping[str, Member],
        now: int,
    ) -> ChatView:
        peer = peers.get(chat.id)
        return ChatView(
            id=chat.id,
            type=chat.type,
            title=chat.title,
            peer_id=None if chat.pair is None else other_of(chat.pair, row.user_id),
            created_by=chat.created_by,
            created_at=rfc3339(chat.created_at),
            member_count=counts.get(chat.id, 0),
            last_seq=head.seq,
            rev=head.rev,
            last_message=None if last is None else message_view(last),
            unread=unread.get(chat.id, 0),
            pinned=row.pinned_at is not None,
            muted=_future(row.muted_until, now) is not None,
            muted_until=rfc3339_or_none(_future(row.muted_until, now)),
            my_role=row.role,
            delivered_seq=row.delivered_seq,
            read_seq=row.read_seq,
            cursors=[_cursors(row), *([] if peer is None else [_cursors(peer)])],
        )


def _future(at: int | None, now: int) -> int | None:
    return at if at is not None and at > now else None


def _cursors(m: Member) -> Cursors:
    return Cursors(user_id=m.user_id, delivered_seq=m.delivered_seq, read_seq=m.read_seq)
