"""Chats and their members in MongoDB: collections `chats` and `members`."""

from __future__ import annotations

from collections.abc import Sequence

from pymongo import ReturnDocument, UpdateOne
from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from persistence.errors import NotFound
from persistence.members import member, member_document
from persistence.models import Chat, ChatType, CursorWrite, Member, Reach
from persistence.mongo import Document, Mongo
from persistence.pairs import other_of


class MongoChats:
    """`Chats` in MongoDB."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._chats = mongo.db["chats"]
        self._members = mongo.db["members"]

    async def create(self, chat: Chat, members: Sequence[Member]) -> tuple[Chat, bool]:
        return await self._mongo.call(self._create, chat, members)

    def _create(self, chat: Chat, members: Sequence[Member]) -> tuple[Chat, bool]:
        def insert(session: ClientSession) -> None:
            self._chats.insert_one(_document(chat), session=session)
            self._members.insert_many([member_document(m) for m in members], session=session)

        try:
            self._mongo.transaction(insert)
        except DuplicateKeyError:
            where = {"pair": chat.pair} if chat.pair is not None else {"_id": chat.id}
            there = self._chats.find_one(where)
            if there is None:
                raise
            return _chat(there), there["_id"] == chat.id
        return chat, True

    async def get_many(self, chat_ids: Sequence[str]) -> dict[str, Chat]:
        rows = await self._mongo.call(lambda: list(self._chats.find({"_id": {"$in": list(chat_ids)}})))
        return {row["_id"]: _chat(row) for row in rows}

    async def by_pair(self, pair: str) -> Chat | None:
        row = await self._mongo.call(self._chats.find_one, {"pair": pair})
        return None if row is None else _chat(row)

    async def members(self, chat_id: str, *, after_user_id: str | None, limit: int) -> list[Member]:
        where: Document = {"chat_id": chat_id}
        if after_user_id is not None:
            where["user_id"] = {"$gt": after_user_id}
        rows = await self._mongo.call(lambda: list(self._members.find(where).sort("user_id", 1).limit(limit)))
        return [member(row) for row in rows]

    async def member_count(self, chat_ids: Sequence[str]) -> dict[str, int]:
        pipeline: list[Document] = [
            {"$match": {"chat_id": {"$in": list(chat_ids)}}},
            {"$group": {"_id": "$chat_id", "n": {"$sum": 1}}},
        ]
        rows = await self._mongo.call(lambda: list(self._members.aggregate(pipeline)))
        return dict.fromkeys(chat_ids, 0) | {row["_id"]: row["n"] for row in rows}

    async def member(self, chat_id: str, user_id: str) -> Member | None:
        row = await self._mongo.call(self._members.find_one, _where(chat_id, user_id))
        return None if row is None else member(row)

    async def members_at(self, keys: Sequence[tuple[str, str]]) -> list[Member | None]:
        ids = [f"{chat_id}/{user_id}" for chat_id, user_id in keys]
        where: Document = {"chat_id": {"$in": list({chat_id for chat_id, _ in keys})}, "_id": {"$in": ids}}
        rows = await self._mongo.call(lambda: list(self._members.find(where)))
        found = {row["_id"]: member(row) for row in rows}
        return [found.get(member_id) for member_id in ids]

    async def memberships(self, user_ids: Sequence[str]) -> dict[str, list[Member]]:
        return await self._mongo.call(self._memberships, user_ids)

    def _memberships(self, user_ids: Sequence[str]) -> dict[str, list[Member]]:
        found: dict[str, list[Member]] = {user_id: [] for user_id in user_ids}
        rows = list(self._members.find({"user_id": {"$in": list(user_ids)}}))
        ids = list({row["chat_id"] for row in rows})
        deleted = {row["_id"] for row in self._chats.find({"_id": {"$in": ids}, "deleted": True}, {"_id": 1})}
        for row in rows:
            if row["chat_id"] not in deleted:
                found[row["user_id"]].append(member(row))
        return found

    async def peers(self, user_ids: Sequence[str]) -> dict[str, list[str]]:
        return await self._mongo.call(self._peers, user_ids)

    def _peers(self, user_ids: Sequence[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {user_id: [] for user_id in user_ids}
        rows = list(
            self._members.find({"user_id": {"$in": list(user_ids)}}, {"_id": 0, "user_id": 1, "chat_id": 1})
        )
        ids = list({row["chat_id"] for row in rows})
        pairs = {
            c["_id"]: c["pair"]
            for c in self._chats.find({"_id": {"$in": ids}, "pair": {"$gt": ""}}, {"pair": 1})
        }
        for row in rows:
            if (pair := pairs.get(row["chat_id"])) is not None:
                found[row["user_id"]].append(other_of(pair, row["user_id"]))
        return {user_id: sorted(peers) for user_id, peers in found.items()}

    async def raise_cursors(self, writes: Sequence[CursorWrite]) -> list[Member | None]:
        return await self._mongo.call(self._raise_cursors, writes)

    def _raise_cursors(self, writes: Sequence[CursorWrite]) -> list[Member | None]:
        updates = [_cursor_update(write) for write in writes]
        if updates:
            self._members.bulk_write(updates, ordered=False)
        ids = [f"{w.chat_id}/{w.user_id}" for w in writes]
        where = {"chat_id": {"$in": list({w.chat_id for w in writes})}, "_id": {"$in": ids}}
        rows = {row["_id"]: member(row) for row in self._members.find(where)}
        return [rows.get(member_id) for member_id in ids]

    async def reach(self, chat_id: str, seq: int) -> Reach:
        return await self._mongo.call(self._reach, chat_id, seq)

    def _reach(self, chat_id: str, seq: int) -> Reach:
        # From the index alone: no member is read.
        counted: Document = {
            "_id": None,
            "of": {"$sum": 1},
            "delivered": {"$sum": {"$cond": [{"$gte": ["$delivered_seq", seq]}, 1, 0]}},
            "read": {"$sum": {"$cond": [{"$gte": ["$shown_seq", seq]}, 1, 0]}},
        }
        pipeline: list[Document] = [
            {"$match": {"chat_id": chat_id, "joined_seq": {"$lt": seq}}},
            {"$project": {"_id": 0, "delivered_seq": 1, "shown_seq": 1}},
            {"$group": counted},
        ]
        rows = list(self._members.aggregate(pipeline, hint="reach"))
        if not rows:
            return Reach(of=0, delivered=0, read=0)
        return Reach(of=rows[0]["of"], delivered=rows[0]["delivered"], read=rows[0]["read"])

    async def set_pinned(self, chat_id: str, user_id: str, pinned_at: int | None, *, at: int) -> Member:
        return await self._set(chat_id, user_id, {"pinned_at": pinned_at, "updated_at": at})

    async def set_muted(self, chat_id: str, user_id: str, muted_until: int | None, *, at: int) -> Member:
        return await self._set(chat_id, user_id, {"muted_until": muted_until, "updated_at": at})

    async def _set(self, chat_id: str, user_id: str, fields: Document) -> Member:
        row = await self._mongo.call(
            lambda: self._members.find_one_and_update(
                _where(chat_id, user_id), {"$set": fields}, return_document=ReturnDocument.AFTER
            )
        )
        if row is None:
            raise NotFound("member")
        return member(row)


def _cursor_update(w: CursorWrite) -> UpdateOne:
    delivered = max(w.delivered_seq, w.read_seq)
    cursors = {"delivered_seq": delivered, "read_seq": w.read_seq}
    if w.read_seq and not w.hidden:
        cursors["shown_seq"] = w.read_seq
    behind = {"$or": [{name: {"$not": {"$gte": seq}}} for name, seq in cursors.items()]}
    raised = {"$max": cursors, "$set": {"updated_at": w.at}}
    return UpdateOne(_where(w.chat_id, w.user_id) | behind, raised)


def _where(chat_id: str, user_id: str) -> Document:
    return {"_id": f"{chat_id}/{user_id}", "chat_id": chat_id}


def _document(c: Chat) -> Document:
    document: Document = {
        "_id": c.id,
        "type": c.type.value,
        "title": c.title,
        "created_by": c.created_by,
        "created_at": c.created_at,
        "deleted": c.deleted,
    }
    if c.pair is not None:
        document["pair"] = c.pair
    return document


def _chat(row: Document) -> Chat:
    return Chat(
        id=row["_id"],
        type=ChatType(row["type"]),
        title=row["title"],
        created_by=row["created_by"],
        pair=row.get("pair"),
        created_at=row["created_at"],
        deleted=row["deleted"],
    )
