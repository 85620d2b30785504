"""Chats as their members see them, made for many at once with a fixed number of reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from handlers.loader import Loader
from handlers.wire import ChatView, Cursors, message_view, rfc3339, rfc3339_or_none
from persistence.models import Chat, ChatType, Head, Member, Message
from persistence.ports import Chats, MessageLog

MOST_UNREAD: Final = 10_000
"""Unread messages are counted up to this."""


class ChatViews:
    """Builds `ChatView`s."""

    def __init__(self, chats: Chats, store: MessageLog, clock: Callable[[], int]) -> None:
        self._chats = chats
        self._store = store
        self._clock = clock
        self._docs: Loader[str, Chat] = Loader(chats.get_many)
        self._last: Loader[str, Message] = Loader(store.last_messages)
        self._counts: Loader[str, int] = Loader(chats.member_count)
        self._heads: Loader[str, Head] = Loader(store.heads)

    async def for_member(
        self, rows: Sequence[Member], heads: Mapping[str, Head] | None = None
    ) -> list[ChatView]:
        """The chats of these memberships, in their order; those that are gone are left out.

        Args:
            rows: memberships, of one user.
            heads: where each log stands for the asker; read when not given.

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
            if (chat := chats.get(row.chat_id)) is not None and not chat.deleted
        ]

    async def _unread(self, rows: Sequence[Member], heads: Mapping[str, Head]) -> dict[str, int]:
        behind = [row for row in rows if row.read_seq < heads.get(row.chat_id, Head()).seq]
        if not behind:
            return {}
        queries = [(row.chat_id, row.user_id, row.read_seq) for row in behind]
        counts = await self._store.unread(queries, cap=MOST_UNREAD)
        return {row.chat_id: count for row, count in zip(behind, counts, strict=True)}

    async def _peers(self, rows: Sequence[Member], chats: Mapping[str, Chat]) -> dict[str, Member]:
        """The other member of each direct chat."""
        peers: dict[str, Member] = {}
        for row in rows:
            chat = chats.get(row.chat_id)
            if chat is not None and chat.type is ChatType.DIRECT and chat.pair is not None:
                other = await self._chats.member(chat.id, _other(chat.pair, row.user_id))
                if other is not None:
                    peers[chat.id] = other
        return peers

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
            peer_id=None if chat.pair is None else _other(chat.pair, row.user_id),
            created_by=chat.created_by,
            created_at=rfc3339(chat.created_at),
            member_count=counts.get(chat.id, 0),
            last_seq=head.seq,
            rev=head.rev,
            last_message=None if last is None else message_view(last),
            unread=unread.get(chat.id, 0),
            pinned=row.pinned_at is not None,
            muted=row.muted_until is not None and row.muted_until > now,
            muted_until=rfc3339_or_none(row.muted_until),
            my_role=row.role,
            delivered_seq=row.delivered_seq,
            read_seq=row.read_seq,
            cursors=[_cursors(row), *([] if peer is None else [_cursors(peer)])],
        )


def _other(pair: str, user_id: str) -> str:
    one, _, other = pair.partition(":")
    return other if one == user_id else one


def _cursors(m: Member) -> Cursors:
    return Cursors(user_id=m.user_id, delivered_seq=m.delivered_seq, read_seq=m.read_seq)
