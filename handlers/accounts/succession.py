"""Who has a chat when its owner leaves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from handlers.errors import ChatError, Code
from handlers.principal import Principal
from handlers.routing.writer import Writer
from persistence.models import ChangeKind, Member, Role
from persistence.ports import Chats

_AT_ONCE: Final = 1000
_TRIES: Final = 3
_ORDER: Final = {Role.OWNER: 0, Role.ADMIN: 1, Role.MEMBER: 2}


async def pass_on(chats: Chats, writer: Writer, owner: Principal, chat_id: str) -> bool:
    """Make the heir of `owner` an owner too, unless there is another already; `False` when nobody else is in the chat.

    Between this and the owner's going the chat has two owners: were it the other way round, a crash would leave it with none.

    Raises:
        ChatError: `CONFLICT` when heirs leave faster than they can be named; others as `Writer.change`.

    """
    for _ in range(_TRIES):
        heir = await _heir(chats, chat_id, owner.user_id)
        if heir is None:
            return False
        if heir.role is Role.OWNER:
            return True
        try:
            await writer.change(owner, chat_id, ChangeKind.MEMBER_SET, user_id=heir.user_id, role=Role.OWNER)
        except ChatError as error:
            if error.code is not Code.FORBIDDEN:
                raise
            continue  # the heir has left meanwhile: an owner cannot be added, only made of a member
        return True
    raise ChatError(Code.CONFLICT, "the members are changing; try again")


async def _heir(chats: Chats, chat_id: str, owner_id: str) -> Member | None:
    best: Member | None = None
    async for row in _all(chats, chat_id):
        if row.user_id != owner_id and (best is None or _precedence(row) < _precedence(best)):
            best = row
    return best


async def _all(chats: Chats, chat_id: str) -> AsyncIterator[Member]:
    after: str | None = None
    while True:
        rows = await chats.members(chat_id, after_user_id=after, limit=_AT_ONCE)
        for row in rows:
            yield row
        if len(rows) < _AT_ONCE:
            return
        after = rows[-1].user_id


def _precedence(row: Member) -> tuple[int, int, str]:
    return _ORDER[row.role], row.joined_at, row.user_id
