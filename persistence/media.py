"""What is known of files, in MongoDB: collection `media`."""

from __future__ import annotations

from collections.abc import Sequence

from pymongo import ReplaceOne

from persistence.models import Media, MediaKind, MediaUse
from persistence.mongo import Document, Mongo


class MongoMedia:
    """`MediaRecords` in MongoDB."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._media = mongo.db["media"]

    async def create(self, media: Media) -> None:
        fresh = _document(media)
        del fresh["_id"]
        await self._mongo.call(
            lambda: self._media.update_one({"_id": media.id}, {"$setOnInsert": fresh}, upsert=True)
        )

    async def get(self, media_id: str) -> Media | None:
        row = await self._mongo.call(self._media.find_one, {"_id": media_id})
        return None if row is None else _media(row)

    async def pending(self, owner_id: str, *, cap: int) -> int:
        where = {"owner_id": owner_id, "pending": True}
        return await self._mongo.call(lambda: self._media.count_documents(where, limit=cap))

    async def of_owner(self, owner_id: str, *, after_id: str | None, limit: int) -> list[Media]:
        where: Document = {"owner_id": owner_id}
        if after_id is not None:
            where["_id"] = {"$gt": after_id}
        rows = await self._mongo.call(lambda: list(self._media.find(where).sort("_id", 1).limit(limit)))
        return [_media(row) for row in rows]

    async def due(self, now: int, *, limit: int) -> list[Media]:
        where = {"review_at": {"$lte": now}}
        rows = await self._mongo.call(lambda: list(self._media.find(where).sort("review_at", 1).limit(limit)))
        return [_media(row) for row in rows]

    async def swap(self, changes: Sequence[tuple[str, Media]]) -> list[bool]:
        return await self._mongo.call(self._swap, changes) if changes else []

    def _swap(self, changes: Sequence[tuple[str, Media]]) -> list[bool]:
        self._media.bulk_write(
            [ReplaceOne({"_id": after.id, "stamp": was}, _document(after)) for was, after in changes],
            ordered=False,
        )
        # Asked, not counted: so a repetition after a lost reply says the same.
        where = {"_id": {"$in": [after.id for _, after in changes]}}
        stamps = {row["_id"]: row["stamp"] for row in self._media.find(where, {"stamp": 1})}
        return [stamps.get(after.id) == after.stamp for _, after in changes]

    async def remove(self, media_ids: Sequence[str]) -> None:
        where = {"_id": {"$in": list(media_ids)}, "doomed_at": {"$exists": True}}
        await self._mongo.call(self._media.delete_many, where)


def _document(m: Media) -> Document:
    document: Document = {
        "_id": m.id,
        "owner_id": m.owner_id,
        "kind": m.kind.value,
        "content_type": m.content_type,
        "size": m.size,
        "filename": m.filename,
        "created_at": m.created_at,
        "stamp": m.stamp,
        "copies": list(m.copies),
        "uses": [{"n": use.name, "a": use.at} for use in m.uses],
    }
    # Those that an index is about are left out rather than null: so it holds only what it is for.
    if m.key is None:
        document["pending"] = True
    else:
        document["key"] = m.key
    if m.review_at is not None:
        document["review_at"] = m.review_at
    if m.doomed_at is not None:
        document["doomed_at"] = m.doomed_at
    return document


def _media(row: Document) -> Media:
    return Media(
        id=row["_id"],
        owner_id=row["owner_id"],
        kind=MediaKind(row["kind"]),
        content_type=row["content_type"],
        size=row["size"],
        filename=row["filename"],
        created_at=row["created_at"],
        stamp=row["stamp"],
        key=row.get("key"),
        copies=tuple(row["copies"]),
        uses=tuple(MediaUse(use["n"], use["a"]) for use in row["uses"]),
        review_at=row.get("review_at"),
        doomed_at=row.get("doomed_at"),
    )
