"""Chats: making them, who is in them, and what each member keeps for themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from handlers.accounts.succession import pass_on
from handlers.audit.audit import Audit
from handlers.chats.access import Access
from handlers.chats.barriers import require_unblocked
from handlers.chats.views import ChatViews
from handlers.errors import ChatError, Code, FieldError, invalid, not_found
from handlers.nodes.fanout import Fanout
from handlers.pages import CursorReader, Page, PageQuery, to_cursor
from handlers.policy import Action, check
from handlers.principal import Principal
from handlers.routing.writer import Writer
from handlers.text_fields import one_line
from handlers.wire import ChatChange, ChatView, MemberView, rfc3339
from persistence.errors import NotFound
from persistence.models import FOREVER, AuditAction, ChangeKind, Chat, ChatType, Member, Message, Role
from persistence.models.audit import Fact
from persistence.pairs import pair_of
from persistence.ports import Blocks, Chats, MessageLog, Users

MAX_TITLE: Final = 128
MAX_INITIAL_MEMBERS: Final = 2_000
"""Members that a new channel can begin with; more are added later."""

_Id = Annotated[str, Meta(min_length=1, max_length=64)]
_Title = Annotated[str, Meta(max_length=4 * MAX_TITLE)]
_MemberIds = Annotated[list[_Id], Meta(max_length=MAX_INITIAL_MEMBERS)]


class NewDirect(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="direct"):
    """A conversation of two. The same pair always gives the same chat."""

    user_id: _Id


class NewGroup(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="group"):
    """A chat in which all may post. Its maker is the owner."""

    title: _Title
    member_ids: _MemberIds = []


class NewChannel(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="channel"):
    """A chat in which owner and admins post. Its maker is the owner."""

    title: _Title
    member_ids: _MemberIds = []


NewChat = NewDirect | NewGroup | NewChannel


class ChatPatch(msgspec.Struct, frozen=True, kw_only=True):
    """`PATCH /chats/{id}`."""

    title: _Title


class MemberBody(msgspec.Struct, frozen=True, kw_only=True):
    """`PUT /chats/{id}/members/{user_id}`: what the user is to be there."""

    role: Literal["admin", "member"] = "member"


class MuteBody(msgspec.Struct, frozen=True, kw_only=True):
    """`PUT /chats/{id}/mute`: until when, in RFC 3339; for ever when not given."""

    until: Annotated[datetime, Meta(tz=True)] | None = None


_read_place: Final = CursorReader(tuple[int, int, str])
_read_user_id: Final = CursorReader(tuple[str])


class Conversations:
    """The chats of users.

    Args:
        chats, blocks, users, store: the record.
        views: renders chats for their members.
        writer: writes what belongs to a chat's log.
        fanout: tells users.
        audit: notes who made a chat.
        clock: milliseconds since the epoch.
        new_id: makes ids.
        most_members: of a group; a channel has no limit.

    """

    def __init__(
        self,
        *,
        chats: Chats,
        blocks: Blocks,
        users: Users,
        store: MessageLog,
        views: ChatViews,
        writer: Writer,
        fanout: Fanout,
        audit: Audit,
        clock: Callable[[], int],
        new_id: Callable[[], str],
        most_members: int,
    ) -> None:
        self._access = Access(chats)
        self._chats = chats
        self._blocks = blocks
        self._users = users
        self._store = store
        self._views = views
        self._writer = writer
        self._fanout = fanout
        self._audit = audit
        self._clock = clock
        self._new_id = new_id
        self._most_members = most_members

    # -- making --------------------------------------------------------------------------------------------------

    async def create(self, principal: Principal, body: NewChat) -> tuple[ChatView, bool]:
        """A chat, and whether it is new. Raises `ChatError` (`INVALID`, `FORBIDDEN`)."""
        if isinstance(body, NewDirect):
            return await self._create_direct(principal, body.user_id)
        chat_type = ChatType.GROUP if isinstance(body, NewGroup) else ChatType.CHANNEL
        title = one_line(body.title, "title", most=MAX_TITLE)
        others = [user_id for user_id in dict.fromkeys(body.member_ids) if user_id != principal.user_id]
        if chat_type is ChatType.GROUP and len(others) + 1 > self._most_members:
            raise invalid("member_ids", f"a group has at most {self._most_members} members")
        await self._require_users(body.member_ids, others)
        await require_unblocked(self._blocks, principal.user_id, others)
        now = self._clock()
        chat = Chat(
            id=self._new_id(), type=chat_type, title=title, created_by=principal.user_id, created_at=now
        )
        roles = {principal.user_id: Role.OWNER} | dict.fromkeys(others, Role.MEMBER)
        return await self._store_chat(chat, roles, principal)

    async def _create_direct(self, principal: Principal, peer_id: str) -> tuple[ChatView, bool]:
        user_id = principal.user_id
        if peer_id == user_id:
            raise invalid("user_id", "must be somebody else")
        if not await _living(self._users, [peer_id]):
            raise invalid("user_id", "there is no such user")
        now = self._clock()
        pair = pair_of(user_id, peer_id)
        if await self._blocks.among([(user_id, peer_id), (peer_id, user_id)]):
            # What there is stays; there is no way to begin anew.
            there = await self._chats.by_pair(pair)
            if there is None:
                raise ChatError(Code.FORBIDDEN, "one of you has blocked the other")
            return await self._view(there.id, user_id), False
        chat = Chat(id=self._new_id(), type=ChatType.DIRECT, created_by=user_id, pair=pair, created_at=now)
        return await self._store_chat(chat, dict.fromkeys((user_id, peer_id), Role.MEMBER), principal)

    async def _require_users(self, given: Sequence[str], wanted: Sequence[str]) -> None:
        unknown = set(wanted) - await _living(self._users, wanted) if wanted else set()
        errors = tuple(
            FieldError(f"member_ids[{index}]", "there is no such user")
            for index, user_id in enumerate(given)
            if user_id in unknown
        )
        if errors:
            raise ChatError(Code.INVALID, "member_ids: some users do not exist", errors=errors)

    async def _store_chat(
        self, chat: Chat, roles: dict[str, Role], asker: Principal
    ) -> tuple[ChatView, bool]:
        at = chat.created_at
        members = [
            Member(chat_id=chat.id, user_id=user_id, role=role, joined_at=at, updated_at=at)
            for user_id, role in roles.items()
        ]
        stored, created = await self._chats.create(chat, members)
        # Also for a chat that was there: whoever made it may not have lived to tell, and who knows it already ignores this.
        self._fanout.chat_created(stored.id, roles)
        if created:
            self._note_created(stored, roles, asker)
        return await self._view(stored.id, asker.user_id), created

    def _note_created(self, chat: Chat, roles: dict[str, Role], asker: Principal) -> None:
        about: dict[str, Fact] = {"chat_id": chat.id, "type": chat.type.value, "members": len(roles)}
        if chat.type is ChatType.DIRECT:
            about["user_id"] = next((user_id for user_id in roles if user_id != asker.user_id), "")
        self._audit.note(
            AuditAction.CHAT_CREATED, actor_id=asker.user_id, device_id=asker.device_id, about=about
        )

    # -- looking -------------------------------------------------------------------------------------------------

    async def page(self, principal: Principal, query: PageQuery) -> Page[ChatView]:
        """The caller's chats: pinned first (the last pinned on top), then by newest activity.

        A cursor marks a place in that order. A chat that moves to the top while somebody pages is not shown again further down.
        """
        after = _read_place(query.cursor)
        rows = (await self._chats.memberships([principal.user_id]))[principal.user_id]
        last = await self._store.last_messages([row.chat_id for row in rows if row.pinned_at is None])
        places = sorted((_place(row, last.get(row.chat_id)), index) for index, row in enumerate(rows))
        rest = [(place, rows[index]) for place, index in places if after is None or place > after]
        shown = rest[: query.limit]
        views = await self._views.for_member([row for _, row in shown])
        more = len(rest) > query.limit
        return Page(items=views, next=to_cursor(shown[-1][0]) if more else None)

    async def get(self, principal: Principal, chat_id: str) -> ChatView:
        """One chat. Raises `ChatError` (`NOT_FOUND`)."""
        await self._access.member(principal, chat_id, Action.VIEW)
        return await self._view(chat_id, principal.user_id)

    async def _view(self, chat_id: str, user_id: str) -> ChatView:
        row = await self._chats.member(chat_id, user_id)
        views = await self._views.for_member([row]) if row is not None else []
        if not views:
            raise not_found("chat")
        return views[0]

    async def members(self, principal: Principal, chat_id: str, query: PageQuery) -> Page[MemberView]:
        """Who is in a chat, in order of user id. Raises `ChatError` (`NOT_FOUND`)."""
        after = _read_user_id(query.cursor)
        chat, _ = await self._access.member(principal, chat_id, Action.LIST_MEMBERS)
        rows = await self._chats.members(
            chat_id, after_user_id=None if after is None else after[0], limit=query.limit + 1
        )
        more, rows = len(rows) > query.limit, rows[: query.limit]
        views = await self._views.members(rows, principal.user_id, chat.type)
        return Page(items=views, next=to_cursor((rows[-1].user_id,)) if more else None)

    # -- changing a chat, in its log -----------------------------------------------------------------------------

    async def update(self, principal: Principal, chat_id: str, body: ChatPatch) -> ChatView:
        """Give a group or channel another title. Raises `ChatError` (`NOT_FOUND`, `FORBIDDEN`, `INVALID`)."""
        title = one_line(body.title, "title", most=MAX_TITLE)
        await self._access.member(principal, chat_id, Action.UPDATE_CHAT)
        await self._writer.change(principal, chat_id, ChangeKind.CHAT_UPDATED, title=title)
        return await self._view(chat_id, principal.user_id)

    async def delete(self, principal: Principal, chat_id: str) -> None:
        """Close a group or channel for all. Raises `ChatError` (`NOT_FOUND`, `FORBIDDEN`)."""
        await self._access.member(principal, chat_id, Action.DELETE_CHAT)
        await self._writer.change(principal, chat_id, ChangeKind.CHAT_DELETED)

    async def put_member(
        self, principal: Principal, chat_id: str, user_id: str, body: MemberBody
    ) -> tuple[MemberView, bool]:
        """Add somebody, or change what they are; the member, and whether they are new. Asking for what is so already changes nothing.

        Raises:
            ChatError: `NOT_FOUND` (the chat, the user), `FORBIDDEN`, `CONFLICT` when a group is full.

        """
        role = Role(body.role)
        chat, own = await self._access.member(principal, chat_id, Action.LIST_MEMBERS)
        there = await self._chats.member(chat_id, user_id)
        if there is None or there.role is role:
            check(Action.ADD_MEMBER, chat_type=chat.type, role=own.role, new_role=role)
        if there is None:
            await self._require_room(chat, user_id)
            await require_unblocked(self._blocks, principal.user_id, [user_id])
        if there is None or there.role is not role:
            kind = ChangeKind.MEMBER_SET
            await self._writer.change(principal, chat_id, kind, user_id=user_id, role=role)
        after = await self._chats.member(chat_id, user_id)
        if after is None:
            raise ChatError(Code.CONFLICT, "the member has just been removed again")
        (view,) = await self._views.members([after], principal.user_id, chat.type)
        return view, there is None

    async def _require_room(self, chat: Chat, user_id: str) -> None:
        if not await _living(self._users, [user_id]):
            raise not_found("user")
        if chat.type is ChatType.GROUP:
            count = (await self._chats.member_count([chat.id]))[chat.id]
            if count >= self._most_members:
                raise ChatError(Code.CONFLICT, f"a group has at most {self._most_members} members")

    async def remove_member(self, principal: Principal, chat_id: str, user_id: str) -> None:
        """Remove somebody, or leave. Raises `ChatError` (`NOT_FOUND`, `FORBIDDEN`).

        An owner who leaves hands the chat to the oldest admin, else the oldest member; a chat without others is closed.
        """
        leaving = user_id == principal.user_id
        action = Action.LEAVE if leaving else Action.LIST_MEMBERS
        _, own = await self._access.member(principal, chat_id, action)
        if (
            leaving
            and own.role is Role.OWNER
            and not await pass_on(self._chats, self._writer, principal, chat_id)
        ):
            await self._writer.change(principal, chat_id, ChangeKind.CHAT_DELETED)
            return
        await self._writer.change(principal, chat_id, ChangeKind.MEMBER_REMOVED, user_id=user_id)

    # -- what a member keeps for themselves ----------------------------------------------------------------------

    async def pin(self, principal: Principal, chat_id: str, *, pinned: bool) -> None:
        """Pin or unpin a chat, for the caller. Raises `ChatError` (`NOT_FOUND`)."""
        _, row = await self._access.member(principal, chat_id, Action.PIN)
        if (row.pinned_at is not None) == pinned:
            return
        now = self._clock()
        try:
            await self._chats.set_pinned(chat_id, principal.user_id, now if pinned else None, at=now)
        except NotFound:
            raise not_found("chat") from None
        self._tell(principal, ChatChange(chat_id=chat_id, pinned=pinned))

    async def mute(self, principal: Principal, chat_id: str, body: MuteBody) -> None:
        """Mute a chat, for the caller. Raises `ChatError` (`NOT_FOUND`, `INVALID`)."""
        until = FOREVER if body.until is None else min(FOREVER, int(body.until.timestamp() * 1000))
        if until <= self._clock():
            raise invalid("until", "must be in the future")
        await self._set_muted(principal, chat_id, until)
        change = ChatChange(chat_id=chat_id, muted=True, muted_until=rfc3339(until))
        self._tell(principal, change)

    async def unmute(self, principal: Principal, chat_id: str) -> None:
        """Unmute a chat, for the caller. Raises `ChatError` (`NOT_FOUND`)."""
        await self._set_muted(principal, chat_id, None)
        self._tell(principal, ChatChange(chat_id=chat_id, muted=False))

    async def _set_muted(self, principal: Principal, chat_id: str, until: int | None) -> None:
        await self._access.member(principal, chat_id, Action.MUTE)
        try:
            await self._chats.set_muted(chat_id, principal.user_id, until, at=self._clock())
        except NotFound:
            raise not_found("chat") from None

    def _tell(self, principal: Principal, change: ChatChange) -> None:
        self._fanout.tell_user(principal.user_id, "CHAT_UPDATED", change)


async def _living(users: Users, user_ids: Sequence[str]) -> set[str]:
    """Those among these who have an account."""
    return {user.id for user in (await users.get_many(user_ids)).values() if not user.deleted}


def _place(row: Member, last: Message | None) -> tuple[int, int, str]:
    if row.pinned_at is not None:
        return 0, -row.pinned_at, row.chat_id
    activity = row.joined_at if last is None else max(row.joined_at, last.created_at)
    return 1, -activity, row.chat_id
