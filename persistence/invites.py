"""Invitations to chats in MongoDB: collections `invites`, and `removals` for those who may not use one."""

from __future__ import annotations

from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from persistence.models import Change, Invite
from persistence.mongo import Document, Mongo


class MongoInvites:
    """`Invites` in MongoDB."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._invites = mongo.db["invites"]
        self._removals = mongo.db["removals"]

    async def create(self, invite: Invite) -> None:
        try:
            await self._mongo.call(self._invites.insert_one, _document(invite))
        except DuplicateKeyError:
            return  # the reply was lost, and this is the repetition

    async def get(self, invite_id: str) -> Invite | None:
        row = await self._mongo.call(self._invites.find_one, {"_id": invite_id})
        return None if row is None else _invite(row)

    async def of_chat(self, chat_id: str, *, after_id: str | None, limit: int) -> list[Invite]:
        where: Document = {"chat_id": chat_id}
        if after_id is not None:
            where["_id"] = {"$gt": after_id}
        rows = await self._mongo.call(lambda: list(self._invites.find(where).sort("_id", 1).limit(limit)))
        return [_invite(row) for row in rows]

    async def revoke(self, chat_id: str, invite_id: str) -> bool:
        where = {"_id": invite_id, "chat_id": chat_id}
        return (await self._mongo.call(self._invites.delete_one, where)).deleted_count == 1

    async def revoke_of(self, user_id: str) -> int:
        return (await self._mongo.call(self._invites.delete_many, {"created_by": user_id})).deleted_count

    async def drop_expired(self, chat_id: str, *, at: int) -> int:
        where = {"chat_id": chat_id, "expires_at": {"$lte": at}}
        return (await self._mongo.call(self._invites.delete_many, where)).deleted_count

    async def removed(self, chat_id: str, user_id: str) -> bool:
        where = {"_id": f"{chat_id}/{user_id}", "chat_id": chat_id}
        return await self._mongo.call(self._removals.find_one, where) is not None


class NotInvited(Exception):
    """The invite does not let this user in."""


class Doors:
    """What changes of membership do to invites and removals, inside their transaction."""

    def __init__(self, db: Database[Document]) -> None:
        self._invites = db["invites"]
        self._removals = db["removals"]

    def let_in(self, change: Change, session: ClientSession) -> None:
        """Somebody joins or gets another role. Raises `NotInvited`."""
        where = {"_id": f"{change.chat_id}/{change.user_id}", "chat_id": change.chat_id}
        if change.invite_id is None:
            self._removals.delete_one(where, session=session)
            return
        if self._removals.find_one(where, session=session) is not None:
            raise NotInvited
        good: Document = {
            "_id": change.invite_id,
            "chat_id": change.chat_id,
            "$and": [
                {"$or": [{"expires_at": None}, {"expires_at": {"$gt": change.at}}]},
                {"$or": [{"max_uses": None}, {"$expr": {"$lt": ["$uses", "$max_uses"]}}]},
            ],
        }
        if self._invites.update_one(good, {"$inc": {"uses": 1}}, session=session).matched_count == 0:
            raise NotInvited

    def show_out(self, change: Change, session: ClientSession) -> None:
        """Somebody leaves or is removed."""
        if change.user_id == change.actor_id:
            return
        where = {"_id": f"{change.chat_id}/{change.user_id}", "chat_id": change.chat_id}
        removal = {"user_id": change.user_id, "by": change.actor_id, "at": change.at}
        self._removals.update_one(where, {"$set": removal}, upsert=True, session=session)

    def close(self, change: Change, session: ClientSession) -> None:
        """The chat is closed."""
        self._invites.delete_many({"chat_id": change.chat_id}, session=session)


def _document(i: Invite) -> Document:
    return {
        "_id": i.id,
        "chat_id": i.chat_id,
        "created_by": i.created_by,
        "secret_hash": i.secret_hash,
        "created_at": i.created_at,
        "expires_at": i.expires_at,
        "max_uses": i.max_uses,
        "uses": i.uses,
    }


def _invite(row: Document) -> Invite:
    return Invite(
        id=row["_id"],
        chat_id=row["chat_id"],
        created_by=row["created_by"],
        secret_hash=row["secret_hash"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        max_uses=row["max_uses"],
        uses=row["uses"],
    )
