"""Stories in MongoDB: collection `stories`."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Final

from pymongo import ReturnDocument, UpdateMany
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from persistence.models import Story, StoryMark, StoryType
from persistence.mongo import Document, Mongo

_CREATED: Final = "created"
_ENDED: Final = "ended"


class MongoStories:
    """`Stories` in MongoDB. `next` is what is to be announced, `due_at` when; without them nothing is left to announce."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._stories = mongo.db["stories"]
        self._views = mongo.db["story_views"]

    async def add(self, story: Story, *, due_at: int) -> tuple[Story, bool]:
        return await self._mongo.call(self._add, story, due_at)

    def _add(self, story: Story, due_at: int) -> tuple[Story, bool]:
        document = _document(story) | {"next": _CREATED, "due_at": due_at}
        try:
            self._stories.insert_one(document)
        except DuplicateKeyError:
            there = self._stories.find_one({"user_id": story.user_id, "client_id": story.client_id})
            if there is None:
                raise
            return _story(there), there["_id"] == story.id
        return story, True

    async def get(self, story_id: str) -> Story | None:
        row = await self._mongo.call(self._stories.find_one, {"_id": story_id})
        return None if row is None else _story(row)

    async def get_many(self, story_ids: Sequence[str]) -> dict[str, Story]:
        where = {"_id": {"$in": list(story_ids)}}
        rows = await self._mongo.call(lambda: list(self._stories.find(where)))
        return {row["_id"]: _story(row) for row in rows}

    async def shown(self, owner_ids: Sequence[str], viewer_id: str, now: int) -> list[StoryMark]:
        where = {
            "user_id": {"$in": list(owner_ids)},
            "expires_at": {"$gt": now},
            "$or": [{"audience": None}, {"audience": viewer_id}, {"user_id": viewer_id}],
        }
        fields = {"user_id": 1, "created_at": 1}
        rows = await self._mongo.call(lambda: list(self._stories.find(where, fields)))
        return [StoryMark(row["_id"], row["user_id"], row["created_at"]) for row in rows]

    async def count(self, user_id: str, now: int) -> int:
        where = {"user_id": user_id, "expires_at": {"$gt": now}}
        return await self._mongo.call(self._stories.count_documents, where)

    async def end(self, story_id: str, user_id: str, *, at: int, due_at: int) -> Story | None:
        where = {"_id": story_id, "user_id": user_id, "expires_at": {"$gt": at}}
        ended = {
            "expires_at": at,
            "deleted": True,
            "content": {},
            "moved_at": at,
            "next": _ENDED,
            "due_at": due_at,
            "tries": 0,
        }
        row = await self._mongo.call(
            lambda: self._stories.find_one_and_update(
                where, {"$set": ended}, return_document=ReturnDocument.BEFORE
            )
        )
        return None if row is None else _story(row)

    async def next_due(self) -> int | None:
        return await self._mongo.call(first_due, self._mongo, "stories")

    async def claim(self, *, now: int, until: int, limit: int) -> list[Story]:
        return await self._mongo.call(self._claim, now, until, limit)

    def _claim(self, now: int, until: int, limit: int) -> list[Story]:
        taken = {"due_at": until, "moved_at": now}
        return [_story(row) for row in claim_rows(self._stories, now, limit, taken, {"tries": 1})]

    async def told(self, *, created: Sequence[str], ended: Sequence[str], at: int) -> None:
        alive = {"next": _ENDED, "due_at": "$expires_at", "moved_at": at, "tries": 0}
        over = {"$set": {"content": {}, "moved_at": at, "over_at": at}, "$unset": dict.fromkeys(_PENDING, "")}
        updates = [
            *([UpdateMany(_ids(created) | {"next": _CREATED}, [{"$set": alive}])] if created else []),
            *([UpdateMany(_ids(ended) | {"expires_at": {"$lte": at}}, over)] if ended else []),
        ]
        if updates:
            await self._mongo.call(self._stories.bulk_write, updates)

    async def moved(self, since: int, *, after: tuple[int, str] | None, limit: int) -> list[Story]:
        rows = await self._mongo.call(moved_rows, self._mongo, "stories", since, after, limit)
        return [_story(row) for row in rows]

    async def purge(self, before: int, *, limit: int) -> int:
        return await self._mongo.call(self._purge, before, limit)

    def _purge(self, before: int, limit: int) -> int:
        where = {"over_at": {"$lt": before}}
        ids = [row["_id"] for row in self._stories.find(where, {"_id": 1}).limit(limit)]
        if not ids:
            return 0
        self._views.delete_many({"story_id": {"$in": ids}})
        return self._stories.delete_many(_ids(ids)).deleted_count


_PENDING: Final = ("next", "due_at", "media_id")


def first_due(mongo: Mongo, collection: str) -> int | None:
    """The smallest `due_at` of these documents, by its index."""
    row = mongo.db[collection].find_one({"due_at": {"$gte": 0}}, {"due_at": 1}, sort=[("due_at", 1)])
    return None if row is None else int(row["due_at"])


def claim_rows(
    collection: Collection[Document], now: int, limit: int, taken: Document, counted: Mapping[str, int]
) -> list[Document]:
    """Rows that are due, the longest first, which are the caller's from now on: as they are with `taken` set and `counted` added."""
    due = {"due_at": {"$lte": now}}
    rows = list(collection.find(due).sort("due_at", 1).limit(limit))
    if not rows:
        return []
    ids = {"$in": [row["_id"] for row in rows]}
    claim = taken | {"claim": secrets.token_hex(8)}
    changes = {"$set": claim} | ({"$inc": counted} if counted else {})
    if collection.update_many({"_id": ids, **due}, changes).modified_count == len(rows):
        return [row | claim | {name: row[name] + more for name, more in counted.items()} for row in rows]
    # Somebody else was faster with some of them: those are no longer due.
    return list(collection.find({"_id": ids, "claim": claim["claim"]}))


def moved_rows(
    mongo: Mongo, collection: str, since: int, after: tuple[int, str] | None, limit: int
) -> list[Document]:
    """Documents by `(moved_at, _id)`, from `since` on and after that place."""
    where: Document = {"moved_at": {"$gte": since}}
    if after is not None:
        at, last = after
        where = {"moved_at": {"$gte": at}, "$or": [{"moved_at": {"$gt": at}}, {"_id": {"$gt": last}}]}
    return list(mongo.db[collection].find(where).sort([("moved_at", 1), ("_id", 1)]).limit(limit))


def _ids(story_ids: Sequence[str]) -> Document:
    return {"_id": {"$in": list(story_ids)}}


def _document(s: Story) -> Document:
    return {
        "_id": s.id,
        "user_id": s.user_id,
        "client_id": s.client_id,
        "type": s.type.value,
        "content": s.content,
        "media_id": s.media_id,
        "audience": None if s.audience is None else list(s.audience),
        "created_at": s.created_at,
        "expires_at": s.expires_at,
        "deleted": s.deleted,
        "moved_at": s.moved_at,
        "tries": s.tries,
    }


def _story(row: Document) -> Story:
    audience = row["audience"]
    return Story(
        id=row["_id"],
        user_id=row["user_id"],
        client_id=row["client_id"],
        type=StoryType(row["type"]),
        content=row["content"],
        media_id=row.get("media_id"),
        audience=None if audience is None else tuple(audience),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        deleted=row["deleted"],
        moved_at=row["moved_at"],
        tries=row["tries"],
    )
