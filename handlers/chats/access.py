"""Whether a caller may do something in a chat, asked of the record."""

from __future__ import annotations

from handlers.errors import not_found
from handlers.policy import Action, check
from handlers.principal import Principal
from persistence.models import Chat, Member
from persistence.ports import Chats


class Access:
    """Looks up who the caller is in a chat, and asks the policy.

    For reading, and for what is the caller's alone. Whatever is written to a chat's log is judged by its router, at its place in the log.
    """

    def __init__(self, chats: Chats) -> None:
        self._chats = chats

    async def member(self, principal: Principal, chat_id: str, action: Action) -> tuple[Chat, Member]:
        """The chat and the caller's membership. Raises `ChatError` (`NOT_FOUND`, `FORBIDDEN`)."""
        row = await self._chats.member(chat_id, principal.user_id)
        chat = (await self._chats.get_many([chat_id])).get(chat_id) if row is not None else None
        if row is None or chat is None or chat.deleted:
            raise not_found("chat")
        check(action, chat_type=chat.type, role=row.role)
        return chat, row
