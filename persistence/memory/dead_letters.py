"""What could not be carried out, in memory."""

from __future__ import annotations

from persistence.memory.record import Record
from persistence.models import DeadLetter


class MemoryDeadLetters:
    """`DeadLetters` in memory."""

    def __init__(self, record: Record) -> None:
        self._r = record

    async def add(self, letter: DeadLetter) -> None:
        await self._r.faults.before("add_letter")
        self._r.letters[letter.id] = letter
        await self._r.faults.after("add_letter")

    async def recent(self, limit: int) -> list[DeadLetter]:
        await self._r.faults.before("letters")
        return sorted(self._r.letters.values(), key=lambda letter: letter.id, reverse=True)[:limit]
