"""People in MongoDB: collection `users`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from pymongo import ReturnDocument, UpdateOne
from pymongo.errors import DuplicateKeyError

from persistence.errors import AlreadyExists, NotFound
from persistence.models import Privacy, User, Visibility, erased
from persistence.mongo import Document, Mongo

_LIVING: Final[Document] = {"deleted_at": None}


class MongoUsers:
    """`Users` in MongoDB."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._users = mongo.db["users"]

    async def create(self, user: User) -> None:
        try:
            await self._mongo.call(self._users.insert_one, _document(user))
        except DuplicateKeyError as error:
            where = {"phone": user.phone}
            there = await self._mongo.call(self._users.find_one, where, {"_id": 1})
            if there is None or there["_id"] != user.id:
                raise AlreadyExists("phone") from error

    async def by_phone(self, phone: str) -> User | None:
        row = await self._mongo.call(self._users.find_one, {"phone": phone})
        return None if row is None else _user(row)

    async def get_many(self, user_ids: Sequence[str]) -> dict[str, User]:
        rows = await self._mongo.call(lambda: list(self._users.find({"_id": {"$in": list(user_ids)}})))
        return {row["_id"]: _user(row) for row in rows}

    async def update(
        self,
        user_id: str,
        *,
        at: int,
        name: str | None = None,
        status: str | None = None,
        avatar_media_id: str | None = None,
        clear_avatar: bool = False,
        privacy: Privacy | None = None,
    ) -> User:
        fields: Document = {"updated_at": at}
        given = {"name": name, "status": status, "avatar_media_id": avatar_media_id}
        fields |= {field: value for field, value in given.items() if value is not None}
        if clear_avatar:
            fields["avatar_media_id"] = None
        if privacy is not None:
            fields["privacy"] = _privacy(privacy)
        return await self._set(user_id, fields)

    async def erase(self, user_id: str, *, at: int) -> None:
        await self._mongo.call(self._erase, user_id, at)

    def _erase(self, user_id: str, at: int) -> None:
        row = self._users.find_one({"_id": user_id} | _LIVING)
        if row is not None:
            # Only what is read here is kept on: two at once make the same of it.
            self._users.replace_one({"_id": user_id} | _LIVING, _document(erased(_user(row), at)))

    async def seen(self, last_seen: Mapping[str, int]) -> None:
        updates = [
            UpdateOne({"_id": user_id} | _LIVING, {"$max": {"last_seen": at}})
            for user_id, at in last_seen.items()
        ]
        if updates:
            await self._mongo.call(lambda: self._users.bulk_write(updates, ordered=False))

    async def renew_hash(self, user_id: str, *, old: str, new: str) -> None:
        where = {"_id": user_id, "password_hash": old}
        await self._mongo.call(self._users.update_one, where, {"$set": {"password_hash": new}})

    async def set_operator(self, user_id: str, *, operator: bool) -> None:
        await self._set(user_id, {"operator": operator})

    async def _set(self, user_id: str, fields: Document) -> User:
        row = await self._mongo.call(
            lambda: self._users.find_one_and_update(
                {"_id": user_id} | _LIVING, {"$set": fields}, return_document=ReturnDocument.AFTER
            )
        )
        if row is None:
            raise NotFound("user")
        return _user(row)


def _privacy(p: Privacy) -> Document:
    return {"last_seen": p.last_seen.value, "read_receipts": p.read_receipts}


def _document(u: User) -> Document:
    return {
        "_id": u.id,
        "name": u.name,
        "phone": u.phone,
        "password_hash": u.password_hash,
        "status": u.status,
        "avatar_media_id": u.avatar_media_id,
        "privacy": _privacy(u.privacy),
        "operator": u.operator,
        "last_seen": u.last_seen,
        "created_at": u.created_at,
        "updated_at": u.updated_at,
    } | ({} if u.deleted_at is None else {"deleted_at": u.deleted_at})


def _user(row: Document) -> User:
    privacy = row["privacy"]
    return User(
        id=row["_id"],
        name=row["name"],
        phone=row["phone"],
        password_hash=row["password_hash"],
        status=row["status"],
        avatar_media_id=row["avatar_media_id"],
        privacy=Privacy(last_seen=Visibility(privacy["last_seen"]), read_receipts=privacy["read_receipts"]),
        operator=row["operator"],
        last_seen=row["last_seen"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        deleted_at=row.get("deleted_at"),
    )
