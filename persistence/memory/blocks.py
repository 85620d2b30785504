"""Who has blocked whom, in memory."""

from __future__ import annotations

from collections.abc import Sequence

from persistence.memory.record import Record
from persistence.models import Block


class MemoryBlocks:
    """`Blocks` in memory."""

    def __init__(self, record: Record) -> None:
        self._r = record

    async def put(self, block: Block) -> bool:
        await self._r.faults.before("put_block")
        key = (block.user_id, block.blocked_id)
        fresh = key not in self._r.blocks
        self._r.blocks.setdefault(key, block)
        await self._r.faults.after("put_block")
        return fresh

    async def remove(self, user_id: str, blocked_id: str) -> bool:
        await self._r.faults.before("remove_block")
        gone = self._r.blocks.pop((user_id, blocked_id), None)
        await self._r.faults.after("remove_block")
        return gone is not None

    async def of_user(self, user_id: str, *, after_id: str | None, limit: int) -> list[Block]:
        await self._r.faults.before("blocks")
        rows = sorted(
            (b for b in self._r.blocks.values() if b.user_id == user_id), key=lambda b: b.blocked_id
        )
        return [b for b in rows if after_id is None or b.blocked_id > after_id][:limit]

    async def among(self, pairs: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
        await self._r.faults.before("blocks_among")
        return {pair for pair in pairs if pair in self._r.blocks}
