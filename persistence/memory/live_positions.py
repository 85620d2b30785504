"""Where people are, in memory."""

from __future__ import annotations

from collections.abc import Sequence

from persistence.memory.broker import Broker
from persistence.models import LivePosition


class MemoryLivePositions:
    """`LivePositions` in memory. The broker has each with the time at which it is to be ended."""

    def __init__(self, broker: Broker) -> None:
        self._b = broker

    async def put(self, position: LivePosition) -> None:
        await self._b.faults.before("put_position")
        key = (position.chat_id, position.seq)
        known, due_at = self._b.live.get(key, (position, position.until))
        if position.at >= known.at:
            self._b.live[key] = (position, due_at)
        await self._b.faults.after("put_position")

    async def get(self, chat_id: str, seq: int) -> LivePosition | None:
        await self._b.faults.before("get_position")
        found = self._b.live.get((chat_id, seq))
        return None if found is None else found[0]

    async def in_chat(self, chat_id: str) -> list[LivePosition]:
        await self._b.faults.before("positions_in_chat")
        found = [position for position, _ in self._b.live.values() if position.chat_id == chat_id]
        return sorted(found, key=lambda position: position.seq)

    async def next_end(self) -> int | None:
        await self._b.faults.before("next_end")
        return min((due_at for _, due_at in self._b.live.values()), default=None)

    async def claim(self, *, now: int, until: int, limit: int) -> list[LivePosition]:
        await self._b.faults.before("claim_positions")
        due = sorted((due_at, key) for key, (_, due_at) in self._b.live.items() if due_at <= now)[:limit]
        found = [self._b.live[key][0] for _, key in due]
        for position in found:
            self._b.live[position.chat_id, position.seq] = (position, until)
        await self._b.faults.after("claim_positions")
        return found

    async def forget(self, ended: Sequence[LivePosition]) -> None:
        await self._b.faults.before("forget_positions")
        for position in ended:
            self._b.live.pop((position.chat_id, position.seq), None)
        await self._b.faults.after("forget_positions")
