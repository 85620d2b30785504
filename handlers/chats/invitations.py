"""Invite links: making them, and coming in by one.

A link's token is `<invite id>.<192 random bits>`, of which only the SHA-256 is stored. Whoever comes in writes their own joining into the chat's log, and the use
is counted in the same transaction: no crash and no race lets in more than a link's limit, or uses up a place for nobody.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from handlers.chats.access import Access
from handlers.chats.views import ChatViews
from handlers.errors import ChatError, Code, not_found
from handlers.pages import CursorReader, Page, PageQuery, to_cursor
from handlers.policy import Action
from handlers.principal import Principal
from handlers.routing.writer import Writer
from handlers.wire import ChatView, rfc3339, rfc3339_or_none
from persistence.models import Chat, ChatType, Invite
from persistence.ports import Blocks, Chats, Invites

MOST_INVITES: Final = 100
"""Links that a chat may have at a time."""
_DAY_S: Final = 86_400


class InviteBody(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /chats/{id}/invites`. Without `max_uses` as many may come as will; with `expires_in_s: null` the link lasts until it is taken back."""

    expires_in_s: Annotated[int, Meta(ge=1, le=366 * _DAY_S)] | None = 7 * _DAY_S
    max_uses: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    role: Literal["member"] = "member"


class InviteView(msgspec.Struct, frozen=True, kw_only=True):
    """A link, to those who may make some."""

    id: str
    chat_id: str
    created_by: str
    created_at: str
    expires_at: str | None
    max_uses: int | None
    uses: int


class NewInvite(InviteView, frozen=True, kw_only=True):
    """A link just made. `token` is shown this once."""

    token: str


class InvitePreview(msgspec.Struct, frozen=True, kw_only=True):
    """What a link leads to. `chat_id` is told only to whoever is in the chat already."""

    type: ChatType
    title: str
    member_count: int
    expires_at: str | None
    chat_id: str | None


_read_id: Final = CursorReader(tuple[str])


class Invitations:
    """Makes links, and lets people in by them.

    Args:
        most_members: of a group; a channel has no limit.

    """

    def __init__(
        self,
        *,
        invites: Invites,
        chats: Chats,
        blocks: Blocks,
        views: ChatViews,
        writer: Writer,
        clock: Callable[[], int],
        new_id: Callable[[], str],
        most_members: int,
    ) -> None:
        self._access = Access(chats)
        self._invites = invites
        self._chats = chats
        self._blocks = blocks
        self._views = views
        self._writer = writer
        self._clock = clock
        self._new_id = new_id
        self._most_members = most_members

    # -- making --------------------------------------------------------------------------------------------------

    async def create(self, principal: Principal, chat_id: str, body: InviteBody) -> NewInvite:
        """A new link into a group or channel. Raises `ChatError` (`NOT_FOUND`, `FORBIDDEN`, `CONFLICT`)."""
        await self._access.member(principal, chat_id, Action.INVITE)
        now = self._clock()
        await self._invites.drop_expired(chat_id, at=now)
        if len(await self._invites.of_chat(chat_id, after_id=None, limit=MOST_INVITES)) >= MOST_INVITES:
            raise ChatError(Code.CONFLICT, f"a chat has at most {MOST_INVITES} invites; take one back first")
        invite_id = self._new_id()
        token = f"{invite_id}.{secrets.token_urlsafe(24)}"
        invite = Invite(
            id=invite_id,
            chat_id=chat_id,
            created_by=principal.user_id,
            secret_hash=_hash(token),
            created_at=now,
            expires_at=None if body.expires_in_s is None else now + body.expires_in_s * 1000,
            max_uses=body.max_uses,
        )
        await self._invites.create(invite)
        return NewInvite(token=token, **msgspec.structs.asdict(_view(invite)))

    async def page(self, principal: Principal, chat_id: str, query: PageQuery) -> Page[InviteView]:
        """The chat's links, oldest first, without those that have run out. Raises `ChatError` (`NOT_FOUND`, `FORBIDDEN`)."""
        after = _read_id(query.cursor)
        await self._access.member(principal, chat_id, Action.INVITE)
        rows = await self._invites.of_chat(
            chat_id, after_id=None if after is None else after[0], limit=query.limit + 1
        )
        more, rows = len(rows) > query.limit, rows[: query.limit]
        now = self._clock()
        return Page(
            items=[_view(row) for row in rows if row.expires_at is None or row.expires_at > now],
            next=to_cursor((rows[-1].id,)) if more else None,
        )

    async def revoke(self, principal: Principal, chat_id: str, invite_id: str) -> None:
        """Take a link back: from when this returns nobody comes in by it. Raises `ChatError` (`NOT_FOUND`, `FORBIDDEN`)."""
        await self._access.member(principal, chat_id, Action.INVITE)
        if not await self._invites.revoke(chat_id, invite_id):
            raise not_found("invite")

    # -- coming in -----------------------------------------------------------------------------------------------

    async def preview(self, principal: Principal, token: str) -> InvitePreview:
        """What the link leads to. Raises `ChatError` (`NOT_FOUND`, also for a link that does not let anybody in any more)."""
        invite, chat = await self._find(token)
        inside = await self._chats.member(chat.id, principal.user_id) is not None
        if not inside:
            self._require_good(invite)
        return InvitePreview(
            type=chat.type,
            title=chat.title,
            member_count=(await self._chats.member_count([chat.id]))[chat.id],
            expires_at=rfc3339_or_none(invite.expires_at),
            chat_id=chat.id if inside else None,
        )

    async def join(self, principal: Principal, token: str) -> tuple[ChatView, bool]:
        """Come in; the chat, and whether the caller was not in it before.

        Raises:
            ChatError: `NOT_FOUND` for a link that lets nobody in, `FORBIDDEN` for somebody who has been removed from the chat or whom the link's maker has
                blocked, `CONFLICT` when a group is full.

        """
        invite, chat = await self._find(token)
        user_id = principal.user_id
        if await self._chats.member(chat.id, user_id) is not None:
            return await self._view(chat.id, user_id), False
        self._require_good(invite)
        if await self._blocks.among([(invite.created_by, user_id)]):
            raise ChatError(Code.FORBIDDEN, "whoever made this invite has blocked you")
        await self._require_not_removed(chat.id, user_id)
        if chat.type is ChatType.GROUP:
            count = (await self._chats.member_count([chat.id]))[chat.id]
            if count >= self._most_members:
                raise ChatError(Code.CONFLICT, f"a group has at most {self._most_members} members")
        joined = await self._join(principal, chat.id, invite)
        return await self._view(chat.id, user_id), joined

    async def _join(self, principal: Principal, chat_id: str, invite: Invite) -> bool:
        try:
            await self._writer.join(principal, chat_id, invite.id)
        except ChatError as error:
            if error.code is Code.CONFLICT:
                return False  # another device of theirs was faster
            if error.code is Code.NOT_FOUND:
                # Since it was looked at here: used up, taken back, or they were let in and removed again.
                await self._require_not_removed(chat_id, principal.user_id)
                raise _no_good() from None
            raise
        return True

    async def _find(self, token: str) -> tuple[Invite, Chat]:
        invite = await self._invites.get(token.partition(".")[0])
        if invite is None or not hmac.compare_digest(_hash(token), invite.secret_hash):
            raise _no_good()
        chat = (await self._chats.get_many([invite.chat_id])).get(invite.chat_id)
        if chat is None or chat.deleted:
            raise _no_good()
        return invite, chat

    def _require_good(self, invite: Invite) -> None:
        late = invite.expires_at is not None and invite.expires_at <= self._clock()
        if late or (invite.max_uses is not None and invite.uses >= invite.max_uses):
            raise _no_good()

    async def _require_not_removed(self, chat_id: str, user_id: str) -> None:
        if await self._invites.removed(chat_id, user_id):
            raise ChatError(
                Code.FORBIDDEN, "you have been removed from this chat; an admin can add you again"
            )

    async def _view(self, chat_id: str, user_id: str) -> ChatView:
        row = await self._chats.member(chat_id, user_id)
        views = await self._views.for_member([row]) if row is not None else []
        if not views:
            raise not_found("chat")
        return views[0]


def _no_good() -> ChatError:
    return ChatError(
        Code.NOT_FOUND, "this invite does not exist, has run out, is used up or has been taken back"
    )


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()


def _view(invite: Invite) -> InviteView:
    return InviteView(
        id=invite.id,
        chat_id=invite.chat_id,
        created_by=invite.created_by,
        created_at=rfc3339(invite.created_at),
        expires_at=rfc3339_or_none(invite.expires_at),
        max_uses=invite.max_uses,
        uses=invite.uses,
    )
