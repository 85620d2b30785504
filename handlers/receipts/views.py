"""Who has received and read one message, for those who may know."""

from __future__ import annotations

import msgspec

from handlers.chats.access import Access
from handlers.chats.views import ChatViews
from handlers.errors import not_found
from handlers.policy import Action, check
from handlers.principal import Principal
from handlers.receipts.sums import ReceiptSums
from persistence.models import ChatType, Member
from persistence.ports import Chats, MessageLog, Users


class MemberReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """How far one of the others has come with a message. Not `read` may also mean that it is not shown."""

    user_id: str
    delivered: bool
    read: bool


class MessageReceipts(msgspec.Struct, frozen=True, kw_only=True):
    """How many of the others, and of those who were in the chat when it was sent, have received and read a message.

    `read` is `null` for who does not show what they read; `items` are all of the others in a direct chat or a small group, else `null`.
    """

    chat_id: str
    seq: int
    of: int
    delivered: int
    read: int | None
    items: list[MemberReceipt] | None


class ReceiptViews:
    """Looks up the receipts of messages."""

    def __init__(
        self,
        *,
        chats: Chats,
        users: Users,
        store: MessageLog,
        views: ChatViews,
        sums: ReceiptSums,
        most_named: int,
    ) -> None:
        self._access = Access(chats)
        self._chats = chats
        self._users = users
        self._store = store
        self._views = views
        self._sums = sums
        self._most_named = most_named

    async def of_message(self, principal: Principal, chat_id: str, seq: int) -> MessageReceipts:
        """The receipts of a message. Raises `ChatError` (`NOT_FOUND`, `FORBIDDEN`), `StoreUnavailable`."""
        chat, row = await self._access.member(principal, chat_id, Action.READ_MESSAGES)
        message = await self._store.get(chat_id, seq)
        if message is None or message.deleted:
            raise not_found("message")
        own = message.sender_id == principal.user_id
        action = Action.RECEIPTS_OWN if own else Action.RECEIPTS_OTHER
        check(action, chat_type=chat.type, role=row.role)
        asker = (await self._users.get_many([principal.user_id])).get(principal.user_id)
        hides = asker is None or not asker.privacy.read_receipts
        rows = await self._named(chat_id) if chat.type is not ChatType.CHANNEL else None
        if rows is None:
            reach = await self._sums.reach(message)
            return MessageReceipts(
                chat_id=chat_id,
                seq=seq,
                of=reach.of,
                delivered=reach.delivered,
                read=None if hides else reach.read,
                items=None,
            )
        others = [each for each in rows if each.user_id != message.sender_id and each.joined_seq < seq]
        items = [
            MemberReceipt(
                user_id=each.user_id, delivered=each.delivered_seq >= seq, read=each.read_seq >= seq
            )
            for each in await self._views.without_hidden(others, principal.user_id)
        ]
        return MessageReceipts(
            chat_id=chat_id,
            seq=seq,
            of=len(items),
            delivered=sum(item.delivered for item in items),
            read=None if hides else sum(item.read for item in items),
            items=items,
        )

    async def _named(self, chat_id: str) -> list[Member] | None:
        """All members, if they are few."""
        rows = await self._chats.members(chat_id, after_user_id=None, limit=self._most_named + 1)
        return rows if len(rows) <= self._most_named else None
