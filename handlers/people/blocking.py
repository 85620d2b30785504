"""Blocking people.

A block is kept by `Blocks`, where whatever goes to contacts asks for it. Between two who share a direct chat it is also an entry of that chat's log,
unseen by members: what is sent is judged at its place in the log, so nothing that comes after a block's entry can be written, on whichever node, and no
room asks anybody.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from handlers.errors import invalid, not_found
from handlers.nodes.fanout import Fanout
from handlers.pages import CursorReader, Page, PageQuery, to_cursor
from handlers.presence.news import PresenceNews
from handlers.principal import Principal
from handlers.routing.writer import Writer
from handlers.wire import rfc3339
from persistence.models import Block, ChangeKind
from persistence.pairs import pair_of
from persistence.ports import Blocks, Chats, Users

_read_user_id: Final = CursorReader(tuple[str])


class BlockView(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody whom one has blocked."""

    user_id: str
    blocked_at: str


class BlockChange(msgspec.Struct, frozen=True, kw_only=True):
    """`BLOCK_CHANGED`: whether the user, from now on, is blocked. For the devices of whoever blocks; the blocked is not told."""

    user_id: str
    blocked: bool


class Blocking:
    """Blocks and unblocks."""

    def __init__(
        self,
        *,
        blocks: Blocks,
        chats: Chats,
        users: Users,
        writer: Writer,
        fanout: Fanout,
        news: PresenceNews,
        clock: Callable[[], int],
    ) -> None:
        self._blocks = blocks
        self._chats = chats
        self._users = users
        self._writer = writer
        self._fanout = fanout
        self._news = news
        self._clock = clock

    async def block(self, principal: Principal, user_id: str) -> None:
        """From when this returns, neither of the two can write to the other. Raises `ChatError` (`INVALID`, `NOT_FOUND`, `UNAVAILABLE`)."""
        if user_id == principal.user_id:
            raise invalid("user_id", "must be somebody else")
        await self._require_user(user_id)
        if not await self._in_log(principal, user_id, ChangeKind.BLOCKED):
            block = Block(user_id=principal.user_id, blocked_id=user_id, at=self._clock())
            await self._blocks.put(block)
            # They may have begun a chat meanwhile, which did not find the block yet.
            await self._in_log(principal, user_id, ChangeKind.BLOCKED)
        await self._tell(principal, user_id, blocked=True)

    async def unblock(self, principal: Principal, user_id: str) -> None:
        """Take a block back, if there is one. Raises `ChatError` (`NOT_FOUND`, `UNAVAILABLE`)."""
        if not await self._blocks.among([(principal.user_id, user_id)]):
            await self._require_user(user_id)
        elif not await self._in_log(principal, user_id, ChangeKind.UNBLOCKED):
            await self._blocks.remove(principal.user_id, user_id)
            await self._in_log(principal, user_id, ChangeKind.UNBLOCKED)
        await self._tell(principal, user_id, blocked=False)

    async def page(self, principal: Principal, query: PageQuery) -> Page[BlockView]:
        """Whom the caller has blocked, in order of user id."""
        after = _read_user_id(query.cursor)
        rows = await self._blocks.of_user(
            principal.user_id, after_id=None if after is None else after[0], limit=query.limit + 1
        )
        more, rows = len(rows) > query.limit, rows[: query.limit]
        return Page(
            items=[BlockView(user_id=row.blocked_id, blocked_at=rfc3339(row.at)) for row in rows],
            next=to_cursor((rows[-1].blocked_id,)) if more else None,
        )

    async def _require_user(self, user_id: str) -> None:
        if user_id not in await self._users.get_many([user_id]):
            raise not_found("user")

    async def _in_log(self, principal: Principal, user_id: str, kind: ChangeKind) -> bool:
        """Append the change to the log of the two's chat; `False` if they have none."""
        chat = await self._chats.by_pair(pair_of(principal.user_id, user_id))
        if chat is not None:
            await self._writer.change(principal, chat.id, kind, user_id=user_id)
        return chat is not None

    async def _tell(self, principal: Principal, user_id: str, *, blocked: bool) -> None:
        change = BlockChange(user_id=user_id, blocked=blocked)
        self._fanout.tell_user(principal.user_id, "BLOCK_CHANGED", change)
        await self._news.contact_changed(principal.user_id, user_id)
