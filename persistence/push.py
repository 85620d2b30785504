"""Notifications in MongoDB: collections `push_subscriptions`, `notified` and `push_tries`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pymongo import UpdateOne
from pymongo.errors import BulkWriteError, DuplicateKeyError

from persistence.errors import AlreadyExists
from persistence.models import PushResult, PushSubscription, PushTry
from persistence.mongo import Document, Mongo, refused_at

TRIES_KEPT: Final = timedelta(days=3)
"""How long tries are kept: longer than any push is tried."""


class MongoPushSubscriptions:
    """`PushSubscriptions` in MongoDB."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._rows = mongo.db["push_subscriptions"]

    async def put(self, subscription: PushSubscription, *, most: int) -> bool:
        while True:
            try:
                return await self._mongo.call(self._put, subscription, most)
            except DuplicateKeyError:
                continue  # it was given to two users at the same time: one of them is found now

    def _put(self, s: PushSubscription, most: int) -> bool:
        for other in self._rows.find({"_id": s.id, "user_id": {"$ne": s.user_id}}):
            if other["auth"] != s.auth:
                raise AlreadyExists("endpoint")
            self._rows.delete_one({"_id": s.id, "user_id": other["user_id"]})
        moving = {
            "device_id": s.device_id,
            "endpoint": s.endpoint,
            "p256dh": s.p256dh,
            "auth": s.auth,
            "expires_at": s.expires_at,
        }
        result = self._rows.update_one(
            {"_id": s.id, "user_id": s.user_id},
            {"$set": moving, "$setOnInsert": {"created_at": s.created_at}},
            upsert=True,
        )
        if result.upserted_id is None:
            return False
        newest = self._rows.find({"user_id": s.user_id}, {"_id": 1}).sort([("created_at", -1), ("_id", -1)])
        too_old = [row["_id"] for row in newest.skip(most)]
        if too_old:
            self._rows.delete_many({"user_id": s.user_id, "_id": {"$in": too_old}})
        return True

    async def remove(self, subscription_id: str, user_id: str) -> bool:
        where = {"_id": subscription_id, "user_id": user_id}
        return (await self._mongo.call(self._rows.delete_one, where)).deleted_count == 1

    async def remove_device(self, user_id: str, device_id: str) -> None:
        await self._mongo.call(self._rows.delete_many, {"user_id": user_id, "device_id": device_id})

    async def remove_user(self, user_id: str) -> None:
        await self._mongo.call(self._rows.delete_many, {"user_id": user_id})

    async def of_users(self, user_ids: Sequence[str]) -> dict[str, list[PushSubscription]]:
        found: dict[str, list[PushSubscription]] = {user_id: [] for user_id in user_ids}
        where = {"user_id": {"$in": list(found)}}
        order = [("user_id", 1), ("created_at", 1), ("_id", 1)]
        for row in await self._mongo.call(lambda: list(self._rows.find(where).sort(order))):
            found[row["user_id"]].append(_subscription(row))
        return found


class MongoNotified:
    """`Notified` in MongoDB."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._rows = mongo.db["notified"]

    async def cursors(self, chat_ids: Sequence[str]) -> dict[str, int]:
        where = {"_id": {"$in": list(chat_ids)}}
        return {
            row["_id"]: row["seq"] for row in await self._mongo.call(lambda: list(self._rows.find(where)))
        }

    async def raise_cursors(self, seqs: Mapping[str, int]) -> None:
        writes: list[Any] = [
            UpdateOne({"_id": chat_id}, {"$max": {"seq": seq}}, upsert=True) for chat_id, seq in seqs.items()
        ]
        if writes:
            await self._mongo.call(self._write, writes)

    def _write(self, writes: list[Any]) -> None:
        left = writes
        while left:
            try:
                self._rows.bulk_write(left, ordered=True)
            except BulkWriteError as error:
                # Two have made the same new document at once: the one that came too late finds it when it tries again.
                left = left[refused_at(error) :]
            else:
                return


class MongoPushTries:
    """`PushTries` in MongoDB."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._rows = mongo.db["push_tries"]

    async def note(self, tries: Sequence[PushTry]) -> None:
        if tries:
            await self._mongo.call(self._note, [_try_document(each) for each in tries])

    def _note(self, documents: list[Document]) -> None:
        left = documents
        while left:
            try:
                self._rows.insert_many(left, ordered=True)
            except BulkWriteError as error:
                left = left[refused_at(error) + 1 :]
            else:
                return

    async def pushed(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
        if not keys:
            return {}
        return await self._mongo.call(self._pushed, keys)

    def _pushed(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
        by_chat: dict[str, list[str]] = {}
        for chat_id, subscription_id in keys:
            by_chat.setdefault(chat_id, []).append(subscription_id)
        delivered = PushResult.DELIVERED.value
        where = {
            "$or": [
                {"chat_id": chat_id, "subscription_id": {"$in": ids}, "result": delivered}
                for chat_id, ids in by_chat.items()
            ]
        }
        newest = {
            "_id": {"chat_id": "$chat_id", "subscription_id": "$subscription_id"},
            "seq": {"$max": "$seq"},
        }
        rows = self._rows.aggregate([{"$match": where}, {"$group": newest}])
        return {(row["_id"]["chat_id"], row["_id"]["subscription_id"]): row["seq"] for row in rows}

    async def tries(self, chat_id: str, seq: int, *, limit: int) -> list[PushTry]:
        where = {"chat_id": chat_id, "seq": {"$gte": seq}, "first_seq": {"$lte": seq}}
        order = [("at", 1), ("_id", 1)]
        rows = await self._mongo.call(lambda: list(self._rows.find(where).sort(order).limit(limit)))
        return [_try(row) for row in rows]


def _subscription(row: Document) -> PushSubscription:
    return PushSubscription(
        id=row["_id"],
        user_id=row["user_id"],
        device_id=row["device_id"],
        endpoint=row["endpoint"],
        p256dh=bytes(row["p256dh"]),
        auth=bytes(row["auth"]),
        expires_at=row["expires_at"],
        created_at=row["created_at"],
    )


def _try_document(t: PushTry) -> Document:
    return {
        "_id": t.id,
        "chat_id": t.chat_id,
        "first_seq": t.first_seq,
        "seq": t.seq,
        "user_id": t.user_id,
        "device_id": t.device_id,
        "subscription_id": t.subscription_id,
        "attempt": t.attempt,
        "at": t.at,
        "result": t.result.value,
        "status": t.status,
        "reason": t.reason,
        "gone_at": datetime.fromtimestamp(t.at / 1000, UTC) + TRIES_KEPT,
    }


def _try(row: Document) -> PushTry:
    return PushTry(
        id=row["_id"],
        chat_id=row["chat_id"],
        first_seq=row["first_seq"],
        seq=row["seq"],
        user_id=row["user_id"],
        device_id=row["device_id"],
        subscription_id=row["subscription_id"],
        attempt=row["attempt"],
        at=row["at"],
        result=PushResult(row["result"]),
        status=row["status"],
        reason=row["reason"],
    )
