"""What waits until the record can be written again, in memory."""

from __future__ import annotations

from collections.abc import Sequence

from persistence.backlog import RETRIES
from persistence.memory.broker import Broker
from persistence.models import Added, BacklogState, Waiting


class MemoryBacklog:
    """`Backlog` in memory."""

    def __init__(self, broker: Broker) -> None:
        self._b = broker

    async def add(self, messages: Sequence[tuple[str, bytes]], *, most: int) -> Added:
        await self._b.faults.before("add_waiting")
        count, begun = 0, set()
        for chat_id, data in messages:
            if sum(map(len, self._b.backlog.values())) >= most:
                break
            waiting = self._b.backlog.setdefault(chat_id, {})
            waiting[self._b.new_id()] = data
            if len(waiting) == 1:
                self._b.queue(RETRIES).put(self._b.new_id(), chat_id.encode())
                begun.add(chat_id)
            count += 1
        await self._b.faults.after("add_waiting")
        return Added(count=count, begun=frozenset(begun))

    async def state(self, chat_ids: Sequence[str]) -> BacklogState:
        await self._b.faults.before("backlog")
        counts = {chat_id: len(w) for chat_id in chat_ids if (w := self._b.backlog.get(chat_id))}
        return BacklogState(counts=counts, removed=len(self._b.removed))

    async def read(self, chat_id: str, limit: int) -> list[Waiting]:
        await self._b.faults.before("read_waiting")
        rows = list(self._b.backlog.get(chat_id, {}).items())[:limit]
        return [Waiting(id=place, data=data) for place, data in rows]

    async def remove(self, chat_id: str, ids: Sequence[str]) -> int:
        await self._b.faults.before("remove_waiting")
        waiting = self._b.backlog.get(chat_id, {})
        self._b.removed.extend(place for place in ids if waiting.pop(place, None) is not None)
        if not waiting:
            self._b.backlog.pop(chat_id, None)
        await self._b.faults.after("remove_waiting")
        return len(waiting)
