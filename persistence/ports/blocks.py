"""Who wants nothing to do with whom."""

from collections.abc import Sequence
from typing import Protocol

from persistence.models import Block


class Blocks(Protocol):
    """Users whom users have blocked.

    Between two who share a direct chat, blocking is a change in that chat's log (`MessageLog.append`), which writes here in the same transaction.
    """

    async def put(self, block: Block) -> bool:
        """Remember it; `False` if it was there already (and keeps its time)."""

    async def remove(self, user_id: str, blocked_id: str) -> bool:
        """Forget it; `False` if there was none."""

    async def of_user(self, user_id: str, *, after_id: str | None, limit: int) -> list[Block]:
        """Whom the user has blocked, in order of their ids."""

    async def among(self, pairs: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
        """Those of these `(who, whom)` that are so."""
