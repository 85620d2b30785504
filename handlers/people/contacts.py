"""Who knows whom: people who share a direct chat, unless one of them has blocked the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from handlers.loader import Loader
from persistence.ports import Blocks, Chats


class Contacts:
    """Looks up contacts. Whatever goes to a user's contacts (presence, stories) asks here, so that a block holds everywhere."""

    def __init__(self, chats: Chats, blocks: Blocks) -> None:
        self._blocks = blocks
        self._peers: Loader[str, list[str]] = Loader(chats.peers)

    async def of(self, user_id: str) -> list[str]:
        """The user's contacts, in order of their ids. Raises `StoreUnavailable`."""
        return (await self.of_many([user_id]))[user_id]

    async def of_many(self, user_ids: Sequence[str]) -> Mapping[str, list[str]]:
        """The contacts of each of these users. Raises `StoreUnavailable`."""
        peers = await self._peers.load(user_ids)
        pairs = [pair for one, others in peers.items() for other in others for pair in _both(one, other)]
        blocked = await self._blocks.among(pairs)
        return {
            one: [other for other in others if blocked.isdisjoint(_both(one, other))]
            for one, others in peers.items()
        }

    async def strangers(self, user_id: str, others: Sequence[str]) -> set[str]:
        """Those of the others between whom and the user there is a block, whoever made it. Raises `StoreUnavailable`."""
        blocked = await self._blocks.among([pair for other in others for pair in _both(user_id, other)])
        return {other for other in others if not blocked.isdisjoint(_both(user_id, other))}


def _both(one: str, other: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return (one, other), (other, one)
