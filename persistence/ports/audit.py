"""The audit log."""

from collections.abc import Sequence
from typing import Protocol

from persistence.models import AuditEntry, AuditNote, AuditQuery


class AuditLog(Protocol):
    """An append-only log for all nodes. Whoever appends links the entries; here nobody can write at a place that is taken."""

    async def append(self, entries: Sequence[AuditEntry]) -> int:
        """Add entries, which are numbered and linked one after the other; how many are stored, from the first on.

        It stops at the first whose `seq` is taken, or whose note is there already: the caller reads what is new and appends the rest behind it. After
        `StoreUnavailable` any number of them, from the first on, may be stored.
        """

    async def head(self) -> AuditEntry | None:
        """The last entry."""

    async def known(self, note_ids: Sequence[str]) -> set[str]:
        """Those of these notes that are in the log."""

    async def after(self, seq: int, limit: int) -> list[AuditEntry]:
        """Entries behind `seq`, in their order."""

    async def page(self, query: AuditQuery) -> list[AuditEntry]:
        """Entries by what they are about, newest first."""

    async def pending(self, before: int, limit: int) -> list[AuditNote]:
        """Notes that the messages' log has left, with a change, and that nobody has reported as settled; from before this time, oldest first."""

    async def settled(self, note_ids: Sequence[str]) -> None:
        """These notes are in the log: they are pending no more. Unknown ones are ignored."""
