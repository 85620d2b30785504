"""Blocking people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from handlers.errors import Code
from handlers.pages import Page, PageQuery
from handlers.people.blocking import BlockView
from server.rest.operation import Call, NoQuery, Operation
from server.services import Services

TAG: Final = "users"
_PATH: Final = "/users/{user_id}/block"


def operations(services: Services) -> Sequence[Operation]:
    """The calls about blocks."""
    blocking = services.blocking

    async def put(call: Call[None, NoQuery]) -> None:
        """Block somebody; again changes nothing.

        From the answer on, neither of the two can write to the other in their direct chat, or begin one; the blocked sees neither presence nor stories, and
        of the profile the name alone. What there is stays, and in groups both go on as ever.
        """
        await blocking.block(call.principal, call.id("user_id"))

    async def delete(call: Call[None, NoQuery]) -> None:
        """Take a block back; again changes nothing."""
        await blocking.unblock(call.principal, call.id("user_id"))

    async def page(call: Call[None, PageQuery]) -> Page[BlockView]:
        """Whom the caller has blocked, in order of user id."""
        return await blocking.page(call.principal, call.query)

    return (
        Operation(
            method="PUT",
            path=_PATH,
            serve=put,
            tag=TAG,
            answers={204: None},
            refuses=(Code.NOT_FOUND, Code.INVALID),
        ),
        Operation(
            method="DELETE",
            path=_PATH,
            serve=delete,
            tag=TAG,
            answers={204: None},
            refuses=(Code.NOT_FOUND,),
        ),
        Operation(
            method="GET",
            path="/users/me/blocks",
            serve=page,
            tag=TAG,
            query=PageQuery,
            answers={200: Page[BlockView]},
        ),
    )
