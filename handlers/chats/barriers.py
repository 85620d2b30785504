"""Who of two has blocked the other, asked of the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from handlers.errors import ChatError, Code
from persistence.models import Chat
from persistence.pairs import two_of
from persistence.ports import Blocks


async def blockers_of(blocks: Blocks, chats: Mapping[str, Chat]) -> dict[str, frozenset[str]]:
    """Who has blocked the other, in each of those chats that are direct. Raises `StoreUnavailable`."""
    pairs = {chat_id: two_of(chat.pair) for chat_id, chat in chats.items() if chat.pair is not None}
    found = await blocks.among([way for pair in pairs.values() for way in _both(pair)]) if pairs else set()
    return {
        chat_id: frozenset(who for who, whom in _both(pair) if (who, whom) in found)
        for chat_id, pair in pairs.items()
    }


async def require_unblocked(blocks: Blocks, user_id: str, others: Sequence[str]) -> None:
    """Raise `ChatError` (`FORBIDDEN`) if one of the others has blocked the user: they are not to be drawn into anything. Raises `StoreUnavailable`."""
    if others and await blocks.among([(other, user_id) for other in others]):
        raise ChatError(Code.FORBIDDEN, "somebody who has blocked you cannot be added by you")


def _both(pair: tuple[str, str]) -> tuple[tuple[str, str], tuple[str, str]]:
    one, other = pair
    return (one, other), (other, one)
