"""Appending to the audit log: several nodes do, and none waits for another."""

from __future__ import annotations

from collections.abc import Sequence

from handlers.audit.chain import link
from persistence.models import AuditEntry, AuditNote
from persistence.ports import AuditLog


class AuditWriter:
    """Puts notes behind the head of the log, each once. For one caller at a time.

    Attributes:
        head: the last entry, as far as this writer knows.

    """

    def __init__(self, store: AuditLog) -> None:
        self._store = store
        self._sure = False
        self.head: AuditEntry | None = None

    async def append(self, notes: Sequence[AuditNote]) -> None:
        """Return when all of them are durable. Raises `StoreUnavailable`: then any number are; it may be repeated.

        Of writers that append at once, one is first at a place; the others read what it wrote and come again behind it.
        """
        left = list(notes)
        while left:
            if not self._sure:
                self.head = await self._store.head()
                known = await self._store.known([note.id for note in left])
                left = [note for note in left if note.id not in known]
                self._sure = True
                continue
            entries = link(left, self.head)
            self._sure = False  # until the answer is here
            stored = await self._store.append(entries)
            left = left[stored:]
            if not left:
                self.head = entries[-1]
                self._sure = True
