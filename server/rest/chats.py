"""Chats and their members."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from handlers.chats.conversations import ChatPatch, MemberBody, MuteBody, NewChat
from handlers.errors import Code
from handlers.pages import Page, PageQuery
from handlers.quotas import Quota
from handlers.wire import ChatView, MemberView
from server.rest.operation import Answer, Call, NoQuery, Operation
from server.services import Services

TAG: Final = "chats"
_REFUSED: Final = (Code.NOT_FOUND, Code.FORBIDDEN)


def operations(services: Services) -> Sequence[Operation]:
    """The calls below `/chats`, but for messages."""
    return (*_chats(services), *_members(services), *_own(services))


def _chats(services: Services) -> Sequence[Operation]:
    chats = services.conversations

    async def create(call: Call[Any, NoQuery]) -> Answer:
        """Make a chat.

        A direct chat that is there already is answered with 200. A new one is refused if one of the two has blocked the other; a group or channel, if one of
        the others has blocked the caller. Members of a new group or channel get `CHAT_CREATED` on their sockets.
        """
        view, created = await chats.create(call.principal, call.body)
        return Answer(201 if created else 200, view)

    async def page(call: Call[None, PageQuery]) -> Page[ChatView]:
        """The caller's chats: pinned first, then those with the newest activity."""
        return await chats.page(call.principal, call.query)

    async def get(call: Call[None, NoQuery]) -> ChatView:
        """A chat, as the caller sees it."""
        return await chats.get(call.principal, call.id("chat_id"))

    async def update(call: Call[ChatPatch, NoQuery]) -> ChatView:
        """Give a group or channel another title. For admins and the owner."""
        return await chats.update(call.principal, call.id("chat_id"), call.body)

    async def delete(call: Call[None, NoQuery]) -> None:
        """Close a group or channel for all. For the owner."""
        await chats.delete(call.principal, call.id("chat_id"))

    one = "/chats/{chat_id}"
    return (
        Operation(
            method="POST",
            path="/chats",
            serve=create,
            tag=TAG,
            body=NewChat,
            quotas=(Quota.CHATS,),
            answers={201: ChatView, 200: ChatView},
            refuses=(Code.FORBIDDEN,),
        ),
        Operation(
            method="GET",
            path="/chats",
            serve=page,
            tag=TAG,
            query=PageQuery,
            answers={200: Page[ChatView]},
        ),
        Operation(
            method="GET",
            path=one,
            serve=get,
            tag=TAG,
            answers={200: ChatView},
            refuses=(Code.NOT_FOUND,),
        ),
        Operation(
            method="PATCH",
            path=one,
            serve=update,
            tag=TAG,
            body=ChatPatch,
            answers={200: ChatView},
            refuses=_REFUSED,
        ),
        Operation(
            method="DELETE",
            path=one,
            serve=delete,
            tag=TAG,
            answers={204: None},
            refuses=_REFUSED,
        ),
    )


def _members(services: Services) -> Sequence[Operation]:
    chats = services.conversations

    async def page(call: Call[None, PageQuery]) -> Page[MemberView]:
        """Who is in a chat, in order of user id.

        A `read_seq` of 0 may also mean that somebody does not show it; in a channel nobody sees the others' cursors.
        """
        return await chats.members(call.principal, call.id("chat_id"), call.query)

    async def put(call: Call[MemberBody, NoQuery]) -> Answer:
        """Add somebody (201), or change what they are (200).

        Whoever has blocked the caller cannot be added. Admins add members; the owner also adds, makes and unmakes admins.
        """
        view, added = await chats.put_member(
            call.principal, call.id("chat_id"), call.id("user_id"), call.body
        )
        return Answer(201 if added else 200, view)

    async def remove(call: Call[None, NoQuery]) -> None:
        """Remove somebody; with one's own id, leave.

        An owner who leaves hands the chat to the oldest admin, else to the oldest member; a chat without others is closed.
        """
        await chats.remove_member(call.principal, call.id("chat_id"), call.id("user_id"))

    one = "/chats/{chat_id}/members/{user_id}"
    return (
        Operation(
            method="GET",
            path="/chats/{chat_id}/members",
            serve=page,
            tag=TAG,
            query=PageQuery,
            answers={200: Page[MemberView]},
            refuses=(Code.NOT_FOUND,),
        ),
        Operation(
            method="PUT",
            path=one,
            serve=put,
            tag=TAG,
            body=MemberBody,
            body_required=False,
            answers={200: MemberView, 201: MemberView},
            refuses=(*_REFUSED, Code.CONFLICT),
        ),
        Operation(
            method="DELETE",
            path=one,
            serve=remove,
            tag=TAG,
            answers={204: None},
            refuses=(*_REFUSED, Code.CONFLICT),
        ),
    )


def _own(services: Services) -> Sequence[Operation]:
    chats = services.conversations

    async def pin(call: Call[None, NoQuery]) -> None:
        """Pin a chat, for oneself."""
        await chats.pin(call.principal, call.id("chat_id"), pinned=True)

    async def unpin(call: Call[None, NoQuery]) -> None:
        """Unpin a chat."""
        await chats.pin(call.principal, call.id("chat_id"), pinned=False)

    async def mute(call: Call[MuteBody, NoQuery]) -> None:
        """Mute a chat, for oneself, until a time or for ever."""
        await chats.mute(call.principal, call.id("chat_id"), call.body)

    async def unmute(call: Call[None, NoQuery]) -> None:
        """Unmute a chat."""
        await chats.unmute(call.principal, call.id("chat_id"))

    def quiet(path: str, method: Any, serve: Any, body: Any = None) -> Operation:
        return Operation(
            method=method,
            path=f"/chats/{{chat_id}}/{path}",
            serve=serve,
            tag=TAG,
            body=body,
            body_required=False,
            answers={204: None},
            refuses=(Code.NOT_FOUND,),
        )

    return (
        quiet("pin", "PUT", pin),
        quiet("pin", "DELETE", unpin),
        quiet("mute", "PUT", mute, MuteBody),
        quiet("mute", "DELETE", unmute),
    )
