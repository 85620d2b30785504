"""One's own account: deleting it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from handlers.deletion import DeleteBody
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

    return (
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
