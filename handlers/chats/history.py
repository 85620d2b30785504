"""A chat's messages, read in pages, and how far one has read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Literal, NamedTuple

import msgspec
from msgspec import UNSET, Meta, UnsetType

from handlers.chats.access import Access
from handlers.errors import ChatError, Code, FieldError, not_found
from handlers.pages import MOST_CURSOR, CursorReader, to_cursor
from handlers.policy import Action
from handlers.principal import Principal
from handlers.receipts.receipts import Receipts
from handlers.routing.routers import Routers
from handlers.wire import MessageView, message_view
from persistence.models import LISTED, ChangesQuery, Listed, Message, MessageType
from persistence.ports import Chats, MessageLog, Users

_Place = Annotated[int, Meta(ge=0, le=2**53)]


class HistoryQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which messages: the newest, or those before or after a `seq`, or what changed after a `rev`; or a `cursor`. At most one of them."""

    before_seq: (
        Annotated[int, Meta(ge=1, le=2**53, description="Messages before this one: the newest of them.")]
        | UnsetType
    ) = UNSET
    after_seq: (
        Annotated[int, Meta(ge=0, le=2**53, description="Messages after this one: the oldest of them.")]
        | UnsetType
    ) = UNSET
    after_rev: (
        Annotated[int, Meta(ge=0, le=2**53, description="Messages that are new or changed since.")]
        | UnsetType
    ) = UNSET
    type: (
        Annotated[
            list[Listed],
            Meta(
                min_length=1,
                max_length=len(LISTED),
                description="Only messages of this type, and none that are deleted; may be given several times. Not with `after_seq` or `after_rev`.",
            ),
        ]
        | UnsetType
    ) = UNSET
    cursor: (
        Annotated[str, Meta(max_length=MOST_CURSOR, description="`next` of the page before.")] | UnsetType
    ) = UNSET
    limit: Annotated[int, Meta(ge=1, le=200, description="Messages in a page, at most.")] = 50


class MessagesPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of messages.

    By `seq` they are in ascending order, and `next` goes on in the direction asked for. By `rev` they are in the order of their latest change; `rev`
    is how far the page covers the chat's log: what to ask `after_rev` for next, and to tell as `known` when joining `me`. Such a page may be
    short, or empty, and still have a `next`: changes of membership and title take a `rev` too.
    """

    items: list[MessageView]
    next: str | None = None
    rev: int | None = None


_Types = Annotated[tuple[Listed, ...], Meta(max_length=len(LISTED))]


class _Cursor(NamedTuple):
    """In which direction a page goes on, from where, and which types alone."""

    way: Literal["before", "after", "rev"]
    place: _Place
    types: _Types = ()


_read_cursor: Final = CursorReader(_Cursor)


class History:
    """Reads chats."""

    def __init__(
        self,
        *,
        chats: Chats,
        users: Users,
        store: MessageLog,
        routers: Routers,
        receipts: Receipts,
    ) -> None:
        self._access = Access(chats)
        self._users = users
        self._store = store
        self._routers = routers
        self._receipts = receipts

    async def page(self, principal: Principal, chat_id: str, query: HistoryQuery) -> MessagesPage:
        """Messages of a chat. Raises `ChatError` (`NOT_FOUND`, `INVALID`), `StoreUnavailable`."""
        way, place, types = _where(query)
        await self._access.member(principal, chat_id, Action.READ_MESSAGES)
        if way == "rev":
            return await self._changed(chat_id, place or 0, query.limit)
        if way == "after":
            messages = await self._store.page(
                chat_id, before_seq=None, after_seq=place, limit=query.limit + 1
            )
            more, messages = len(messages) > query.limit, messages[: query.limit]
            following = ("after", messages[-1].seq) if more else None
        elif types:
            return await self._of_types(chat_id, types, place, query.limit)
        else:
            messages = await self._store.page(chat_id, before_seq=place, after_seq=None, limit=query.limit)
            following = ("before", messages[0].seq) if messages and messages[0].seq > 1 else None
        return MessagesPage(
            items=[message_view(m) for m in messages],
            next=None if following is None else to_cursor(following),
        )

    async def _of_types(
        self, chat_id: str, types: Sequence[Listed], before_seq: int | None, limit: int
    ) -> MessagesPage:
        kinds = [MessageType(name) for name in dict.fromkeys(types)]
        messages = await self._store.of_types(chat_id, kinds, before_seq=before_seq, limit=limit + 1)
        more, messages = len(messages) > limit, messages[-limit:]
        following = ("before", messages[0].seq, [kind.value for kind in kinds]) if more else None
        return MessagesPage(
            items=[message_view(m) for m in messages],
            next=None if following is None else to_cursor(following),
        )

    async def _changed(self, chat_id: str, after_rev: int, limit: int) -> MessagesPage:
        query = ChangesQuery(chat_id=chat_id, after_rev=after_rev, limit=limit + 1)
        (entries,) = await self._store.changes([query])
        more, entries = len(entries) > limit, entries[:limit]
        rev = entries[-1].rev if entries else after_rev
        return MessagesPage(
            items=[message_view(entry) for entry in entries if type(entry) is Message],
            next=to_cursor(("rev", rev)) if more else None,
            rev=rev,
        )

    async def read(self, principal: Principal, chat_id: str, seq: int) -> None:
        """Raise the caller's read cursor, and tell those who may know. Raises `ChatError` (`NOT_FOUND`), `StoreUnavailable`."""
        user_id = principal.user_id
        await self._access.member(principal, chat_id, Action.MARK_READ)
        router = await self._routers.router_for(chat_id, user_id)
        if seq > router.room.head.seq and seq > (await self._store.heads([chat_id]))[chat_id].seq:
            raise not_found("message")
        user = (await self._users.get_many([user_id])).get(user_id)
        hidden = user is not None and not user.privacy.read_receipts
        await self._receipts.mark_and_wait(chat_id, user_id, read=seq, hidden=hidden)


def _where(query: HistoryQuery) -> tuple[str, int | None, Sequence[Listed]]:
    """In which direction to read, from where, and which types alone; all of them if none is given."""
    if query.cursor is not UNSET:  # from the page before: it goes before what that page was asked for with
        return _read_cursor(query.cursor) or ("before", None, ())
    given = [name for name in ("before_seq", "after_seq", "after_rev") if getattr(query, name) is not UNSET]
    if len(given) > 1:
        raise _not_together("at most one of before_seq, after_seq and after_rev", given)
    types = () if query.type is UNSET else query.type
    if types and given and given != ["before_seq"]:
        raise _not_together("messages of a type are read from the newest on, or with before_seq", given)
    if query.after_seq is not UNSET:
        return "after", query.after_seq, ()
    if query.after_rev is not UNSET:
        return "rev", query.after_rev, ()
    return "before", None if query.before_seq is UNSET else query.before_seq, types


def _not_together(text: str, fields: Sequence[str]) -> ChatError:
    return ChatError(Code.INVALID, text, errors=tuple(FieldError(name, text) for name in fields))
