"""Who has seen which story, in MongoDB: collection `story_views`."""

from __future__ import annotations

from collections.abc import Sequence

from persistence.models import Viewing
from persistence.mongo import Document, Mongo
from persistence.stories import claim_rows, first_due, moved_rows


class MongoStoryViews:
    """`StoryViews` in MongoDB. `due_at` is there as long as the owner is still to be told."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._views = mongo.db["story_views"]

    async def add(self, view: Viewing, *, due_at: int) -> bool:
        where = {"_id": _id(view.story_id, view.user_id), "story_id": view.story_id}
        fresh = {
            "owner_id": view.owner_id,
            "user_id": view.user_id,
            "at": view.at,
            "moved_at": view.moved_at,
            "due_at": due_at,
        }
        result = await self._mongo.call(
            lambda: self._views.update_one(where, {"$setOnInsert": fresh}, upsert=True)
        )
        return result.upserted_id is not None

    async def seen(self, user_id: str, story_ids: Sequence[str]) -> set[str]:
        where = {
            "story_id": {"$in": list(story_ids)},
            "_id": {"$in": [_id(story_id, user_id) for story_id in story_ids]},
        }
        rows = await self._mongo.call(lambda: list(self._views.find(where, {"story_id": 1})))
        return {row["story_id"] for row in rows}

    async def page(self, story_id: str, *, before: tuple[int, str] | None, limit: int) -> list[Viewing]:
        where: Document = {"story_id": story_id}
        if before is not None:
            at, last = before
            where |= {"at": {"$lte": at}, "$or": [{"at": {"$lt": at}}, {"user_id": {"$lt": last}}]}
        order = [("at", -1), ("user_id", -1)]
        rows = await self._mongo.call(lambda: list(self._views.find(where).sort(order).limit(limit)))
        return [_view(row) for row in rows]

    async def next_due(self) -> int | None:
        return await self._mongo.call(first_due, self._mongo, "story_views")

    async def claim(self, *, now: int, until: int, limit: int) -> list[Viewing]:
        return await self._mongo.call(self._claim, now, until, limit)

    def _claim(self, now: int, until: int, limit: int) -> list[Viewing]:
        taken = {"due_at": until, "moved_at": now}
        return [_view(row) for row in claim_rows(self._views, now, limit, taken, {})]

    async def told(self, views: Sequence[Viewing], *, at: int) -> None:
        if not views:
            return
        where = {
            "story_id": {"$in": list({view.story_id for view in views})},
            "_id": {"$in": [_id(view.story_id, view.user_id) for view in views]},
        }
        done = {"$set": {"moved_at": at}, "$unset": {"due_at": "", "claim": ""}}
        await self._mongo.call(self._views.update_many, where, done)

    async def moved(self, since: int, *, after: tuple[int, str] | None, limit: int) -> list[Viewing]:
        rows = await self._mongo.call(moved_rows, self._mongo, "story_views", since, after, limit)
        return [_view(row) for row in rows]


def _id(story_id: str, user_id: str) -> str:
    return f"{story_id}/{user_id}"


def _view(row: Document) -> Viewing:
    return Viewing(
        story_id=row["story_id"],
        owner_id=row["owner_id"],
        user_id=row["user_id"],
        at=row["at"],
        moved_at=row["moved_at"],
    )
