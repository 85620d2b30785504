"""The audit log in memory."""

from __future__ import annotations

from collections.abc import Sequence

from persistence.memory.record import Record
from persistence.models import AuditEntry, AuditNote, AuditQuery


class MemoryAuditLog:
    """`AuditLog` in memory."""

    def __init__(self, record: Record) -> None:
        self._r = record

    async def append(self, entries: Sequence[AuditEntry]) -> int:
        await self._r.faults.before("append_audit")
        stored = 0
        for entry in entries:
            if entry.seq in self._r.audit or entry.note.id in self._r.audit_notes:
                break
            self._r.audit[entry.seq] = entry
            self._r.audit_notes.add(entry.note.id)
            stored += 1
        await self._r.faults.after("append_audit")
        return stored

    async def head(self) -> AuditEntry | None:
        await self._r.faults.before("audit_head")
        return self._r.audit[max(self._r.audit)] if self._r.audit else None

    async def known(self, note_ids: Sequence[str]) -> set[str]:
        await self._r.faults.before("known_audit")
        return {note_id for note_id in note_ids if note_id in self._r.audit_notes}

    async def after(self, seq: int, limit: int) -> list[AuditEntry]:
        await self._r.faults.before("audit_after")
        return [entry for _, entry in sorted(self._r.audit.items()) if entry.seq > seq][:limit]

    async def page(self, query: AuditQuery) -> list[AuditEntry]:
        await self._r.faults.before("audit_page")
        found = [entry for entry in self._r.audit.values() if _matches(entry, query)]
        return sorted(found, key=_place, reverse=True)[: query.limit]

    async def pending(self, before: int, limit: int) -> list[AuditNote]:
        await self._r.faults.before("pending_audit")
        notes = [note for note in self._r.audit_pending.values() if note.at < before]
        return sorted(notes, key=lambda note: (note.at, note.id))[:limit]

    async def settled(self, note_ids: Sequence[str]) -> None:
        await self._r.faults.before("settled_audit")
        for note_id in note_ids:
            self._r.audit_pending.pop(note_id, None)
        await self._r.faults.after("settled_audit")


def _place(entry: AuditEntry) -> tuple[int, int]:
    return entry.note.at, entry.seq


def _matches(entry: AuditEntry, query: AuditQuery) -> bool:
    note = entry.note
    wanted = (
        (query.action, note.action),
        (query.actor_id, note.actor_id),
        (query.user_id, note.about.get("user_id")),
        (query.chat_id, note.about.get("chat_id")),
    )
    return (
        all(want is None or want == is_ for want, is_ in wanted)
        and (query.since is None or note.at >= query.since)
        and (query.until is None or note.at < query.until)
        and (query.before is None or _place(entry) < query.before)
    )
