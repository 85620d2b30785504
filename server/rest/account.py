"""One's own account: everything in it as an archive, and deleting it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from handlers.accounts.deletion import DeleteBody
from handlers.accounts.exports import ExportView
from handlers.errors import Code
from server.rest.operation import Call, NoQuery, Operation
from server.services import Services

TAG: Final = "users"


def operations(services: Services) -> Sequence[Operation]:
    """The calls about one's account as a whole."""
    deletion = services.accounts.deletion

    async def delete(call: Call[DeleteBody, NoQuery]) -> None:
        """Delete one's account, for good; the password is asked for once more.

        From the answer on nobody signs in to it, all its devices are signed out, and the phone number is free. Within moments it leaves its groups and channels
        (what it owned is handed on as when an owner leaves), and its stories, picture, push subscriptions, blocks and invite links are gone. Messages stay in
        the chats they were sent to, and direct chats stay for the other, with a "Deleted account".
        """
        await deletion.request(call.principal, call.body, call.address)

    exports = services.accounts.exports

    async def export(call: Call[None, NoQuery]) -> ExportView:
        """Have an archive made of everything one has here: profile, devices, contacts, blocks, chats, one's own messages in them, files, stories.

        One at a time: asked again meanwhile, it is the same. Another can be made an hour after the last.
        """
        return await exports.request(call.principal, call.address)

    async def exported(call: Call[None, NoQuery]) -> ExportView:
        """How far the archive is, and, when it is ready, where it is: `url` is good for ten minutes, the archive for a week."""
        return await exports.get(call.principal)

    return (
        Operation(
            method="POST",
            path="/users/me/export",
            serve=export,
            tag=TAG,
            answers={202: ExportView},
            refuses=(Code.RATE_LIMITED,),
        ),
        Operation(
            method="GET",
            path="/users/me/export",
            serve=exported,
            tag=TAG,
            answers={200: ExportView},
            refuses=(Code.NOT_FOUND,),
        ),
        Operation(
            method="DELETE",
            path="/users/me",
            serve=delete,
            tag=TAG,
            body=DeleteBody,
            answers={204: None},
            refuses=(Code.BAD_CREDENTIALS, Code.RATE_LIMITED, Code.OVERLOADED),
        ),
    )
