"""The audit log in MongoDB: collections `audit`, and `audit_pending` for what the messages' log leaves for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from pymongo.errors import BulkWriteError

from persistence.models import AuditEntry, AuditNote, AuditQuery
from persistence.mongo import Document, Mongo, refused_at

NEWEST_FIRST: Final = [("at", -1), ("_id", -1)]


class MongoAuditLog:
    """`AuditLog` in MongoDB."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._entries = mongo.db["audit"]
        self._pending = mongo.db["audit_pending"]

    async def append(self, entries: Sequence[AuditEntry]) -> int:
        return await self._mongo.call(self._append, entries)

    def _append(self, entries: Sequence[AuditEntry]) -> int:
        if not entries:
            return 0
        try:
            self._entries.insert_many([_document(entry) for entry in entries], ordered=True)
        except BulkWriteError as error:
            return refused_at(error)
        return len(entries)

    async def head(self) -> AuditEntry | None:
        row = await self._mongo.call(lambda: self._entries.find_one(sort=[("_id", -1)]))
        return None if row is None else _entry(row)

    async def known(self, note_ids: Sequence[str]) -> set[str]:
        where = {"note": {"$in": list(note_ids)}}
        return await self._mongo.call(
            lambda: {row["note"] for row in self._entries.find(where, {"note": 1, "_id": 0})}
        )

    async def after(self, seq: int, limit: int) -> list[AuditEntry]:
        where = {"_id": {"$gt": seq}}
        return await self._mongo.call(
            lambda: [_entry(row) for row in self._entries.find(where).sort("_id", 1).limit(limit)]
        )

    async def page(self, query: AuditQuery) -> list[AuditEntry]:
        where = _where(query)
        return await self._mongo.call(
            lambda: [_entry(row) for row in self._entries.find(where).sort(NEWEST_FIRST).limit(query.limit)]
        )

    async def pending(self, before: int, limit: int) -> list[AuditNote]:
        where = {"at": {"$lt": before}}
        rows = await self._mongo.call(
            lambda: list(self._pending.find(where).sort([("at", 1), ("_id", 1)]).limit(limit))
        )
        return [_note(row, row["_id"]) for row in rows]

    async def settled(self, note_ids: Sequence[str]) -> None:
        await self._mongo.call(self._pending.delete_many, {"_id": {"$in": list(note_ids)}})


def pending_document(note: AuditNote) -> Document:
    """What `audit_pending` keeps of a note."""
    return {"_id": note.id, **_fields(note)}


def _fields(note: AuditNote) -> Document:
    return {
        "at": note.at,
        "action": str(note.action),
        "actor_id": note.actor_id,
        "device_id": note.device_id,
        "address": note.address,
        "about": dict(note.about),
    }


def _document(entry: AuditEntry) -> Document:
    return {
        "_id": entry.seq,
        "note": entry.note.id,
        **_fields(entry.note),
        "previous": entry.previous,
        "hash": entry.hash,
    }


def _note(row: Any, note_id: Any) -> AuditNote:
    """As it stands there, whatever that is: somebody may have changed it, and whoever checks the chain is to find out."""
    return AuditNote(
        id=note_id,
        at=row.get("at"),
        action=row.get("action"),
        actor_id=row.get("actor_id"),
        device_id=row.get("device_id"),
        address=row.get("address"),
        about=row.get("about"),
    )


def _entry(row: Any) -> AuditEntry:
    return AuditEntry(
        seq=row["_id"], note=_note(row, row.get("note")), previous=row.get("previous"), hash=row.get("hash")
    )


def _where(query: AuditQuery) -> Document:
    given = {
        "action": query.action,
        "actor_id": query.actor_id,
        "about.user_id": query.user_id,
        "about.chat_id": query.chat_id,
    }
    where: Document = {field: value for field, value in given.items() if value is not None}
    times: Document = {}
    if query.since is not None:
        times["$gte"] = query.since
    if query.until is not None:
        times["$lt"] = query.until
    if query.before is not None:
        at, seq = query.before
        times["$lte"] = at
        where["$or"] = [{"at": {"$lt": at}}, {"at": at, "_id": {"$lt": seq}}]
    if times:
        where["at"] = times
    return where
