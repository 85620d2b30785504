"""Invite links."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from handlers.chats.invitations import InviteBody, InvitePreview, InviteView, NewInvite
from handlers.errors import Code
from handlers.pages import Page, PageQuery
from handlers.quotas import Quota
from handlers.wire import ChatView
from server.rest.operation import Answer, Call, NoQuery, Operation
from server.services import Services

TAG: Final = "invites"
_OF_CHAT: Final = "/chats/{chat_id}/invites"
_REFUSED: Final = (Code.NOT_FOUND, Code.FORBIDDEN)


def operations(services: Services) -> Sequence[Operation]:
    """The calls about invites."""
    invites = services.invitations

    async def create(call: Call[InviteBody, NoQuery]) -> NewInvite:
        """Make a link by which people come into a group or channel by themselves. For admins and the owner.

        `token` is shown this once. By default a link runs out after 7 days.
        """
        return await invites.create(call.principal, call.id("chat_id"), call.body)

    async def page(call: Call[None, PageQuery]) -> Page[InviteView]:
        """The chat's links, oldest first. For admins and the owner."""
        return await invites.page(call.principal, call.id("chat_id"), call.query)

    async def revoke(call: Call[None, NoQuery]) -> None:
        """Take a link back. For admins and the owner."""
        await invites.revoke(call.principal, call.id("chat_id"), call.id("invite_id"))

    async def preview(call: Call[None, NoQuery]) -> InvitePreview:
        """What a link leads to. Whoever is in the chat already is told its `chat_id`, even when the link lets nobody in any more."""
        return await invites.preview(call.principal, call.id("token"))

    async def join(call: Call[None, NoQuery]) -> Answer:
        """Come into the chat (201); 200 for whoever is in it already.

        Whom an admin has removed is let in by no link, until an admin adds them again.
        """
        view, joined = await invites.join(call.principal, call.id("token"))
        return Answer(201 if joined else 200, view)

    return (
        Operation(
            method="POST",
            path=_OF_CHAT,
            serve=create,
            tag=TAG,
            body=InviteBody,
            body_required=False,
            quotas=(Quota.INVITES,),
            answers={201: NewInvite},
            refuses=(*_REFUSED, Code.CONFLICT),
        ),
        Operation(
            method="GET",
            path=_OF_CHAT,
            serve=page,
            tag=TAG,
            query=PageQuery,
            answers={200: Page[InviteView]},
            refuses=_REFUSED,
        ),
        Operation(
            method="DELETE",
            path=_OF_CHAT + "/{invite_id}",
            serve=revoke,
            tag=TAG,
            answers={204: None},
            refuses=_REFUSED,
        ),
        Operation(
            method="GET",
            path="/invites/{token}",
            serve=preview,
            tag=TAG,
            quotas=(Quota.INVITES,),
            answers={200: InvitePreview},
            refuses=(Code.NOT_FOUND,),
        ),
        Operation(
            method="POST",
            path="/invites/{token}/join",
            serve=join,
            tag=TAG,
            quotas=(Quota.INVITES,),
            answers={201: ChatView, 200: ChatView},
            refuses=(*_REFUSED, Code.CONFLICT),
        ),
    )
