"""Every chat's log in MongoDB.

One collection, `messages`, of the documents of `log_documents.py`.

A rev that was ever taken stays taken: an edit moves its message to a new rev and leaves a marker at the old one. So an append at head + 1 succeeds
only for somebody who has seen everything before.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import takewhile
from typing import Final

from pymongo.client_session import ClientSession
from pymongo.errors import BulkWriteError, DuplicateKeyError

from persistence.audit import pending_document
from persistence.audited import audit_note
from persistence.blocks import put_block, remove_block
from persistence.invites import Doors, NotInvited
from persistence.log_documents import (
    change_document,
    entry_of,
    message_document,
    message_id,
    message_of,
    rev_id,
)
from persistence.members import insert_member, seq_at
from persistence.models import (
    LISTED,
    Block,
    Change,
    ChangeKind,
    ChangesQuery,
    Conflict,
    Deletion,
    Edit,
    Head,
    LogEntry,
    LogWrite,
    Message,
    MessageType,
    Missing,
    Outcome,
    Repeat,
    Skipped,
    Stored,
)
from persistence.mongo import Document, Mongo, refused_at

_FEW: Final = 2
"""Chats up to which single look-ups are cheaper than one aggregation."""


class MongoLog:
    """`MessageLog` in MongoDB."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._messages = mongo.db["messages"]
        self._chats = mongo.db["chats"]
        self._members = mongo.db["members"]
        self._blocks = mongo.db["blocks"]
        self._audit_pending = mongo.db["audit_pending"]
        self._doors = Doors(mongo.db)
        self._media = mongo.db["media"]

    async def append(self, writes: Sequence[LogWrite]) -> list[Outcome]:
        return await self._mongo.write(self._append, writes)

    def _append(self, writes: Sequence[LogWrite]) -> list[Outcome]:
        outcomes: list[Outcome] = [Skipped()] * len(writes)
        stopped: set[str] = set()
        plain: list[int] = []
        for index, write in enumerate(writes):
            if type(write) is Message:
                plain.append(index)
                continue
            self._insert(writes, plain, outcomes, stopped)
            plain = []
            if write.chat_id not in stopped:
                outcomes[index] = self._change(write) if type(write) is Change else self._amend(write)  # type: ignore[arg-type]
                if type(outcomes[index]) is not Stored:
                    stopped.add(write.chat_id)
        self._insert(writes, plain, outcomes, stopped)
        return outcomes

    def _insert(
        self, writes: Sequence[LogWrite], plain: list[int], outcomes: list[Outcome], stopped: set[str]
    ) -> None:
        """New messages, as few insertions as the conflicts among them allow."""
        documents = {index: message_document(writes[index]) for index in plain}  # type: ignore[arg-type]
        there: dict[str, Document] = {}
        while plain := [index for index in plain if documents[index]["c"] not in stopped]:
            rest = [documents[index] for index in plain]
            fresh = list(takewhile(lambda document: document["_id"] not in there, rest))  # noqa: B023 - used at once
            written = self._insert_many(fresh)
            for index in plain[:written]:
                outcomes[index] = Stored()
            if written == len(plain):
                return
            if written < len(fresh):
                # All of the rest may be there, as when a batch is repeated: one look tells, instead of a refusal each.
                there = self._there(rest[written:])
            refused = rest[written]
            outcome = outcomes[plain[written]] = _found(refused, there.get(refused["_id"]))
            if type(outcome) is not Stored:
                stopped.add(refused["c"])
            plain = plain[written + 1 :]

    def _insert_many(self, documents: list[Document]) -> int:
        """How many were written before a unique index refused one."""
        if not documents:
            return 0
        try:
            self._messages.insert_many(documents, ordered=True)
        except BulkWriteError as error:
            return refused_at(error)
        return len(documents)

    def _there(self, documents: list[Document]) -> dict[str, Document]:
        ids = [document["_id"] for document in documents]
        chat_ids = list({document["c"] for document in documents})
        where = {"_id": {"$in": ids}, "c": {"$in": chat_ids}}
        return {row["_id"]: row for row in self._messages.find(where)}

    def _amend(self, write: Edit | Deletion) -> Outcome:
        try:
            return self._mongo.transaction(lambda session: self._amend_in(session, write))
        except DuplicateKeyError:
            return Conflict()

    def _amend_in(self, session: ClientSession, write: Edit | Deletion) -> Outcome:
        fields: Document = {"r": write.rev, "e": write.at}
        if type(write) is Edit:
            fields["b"] = write.content
        else:
            fields |= {"b": {}, "m": None, "d": True}
        there = self._messages.find_one({"c": write.chat_id, "s": write.seq}, session=session)
        if there is not None and there | fields == there:
            return Stored(message=message_of(there))
        taken = self._messages.find_one({"c": write.chat_id, "r": write.rev}, {"_id": 1}, session=session)
        if taken is not None:
            return Conflict()
        if there is None or there.get("d"):
            return Missing()
        old_rev = there["r"]
        self._messages.update_one(
            {"_id": there["_id"], "c": write.chat_id}, {"$set": fields}, session=session
        )
        marker = {"_id": rev_id(write.chat_id, old_rev), "c": write.chat_id, "r": old_rev, "x": True}
        self._messages.insert_one(marker, session=session)
        if type(write) is Deletion and there.get("m"):
            # With the deletion or not at all: no file outlives its message, whatever dies in between.
            due = {"review_at": write.at, "stamp": rev_id(write.chat_id, write.rev)}
            self._media.update_one({"_id": there["m"]}, {"$set": due}, session=session)
        message = message_of(there | fields)
        self._leave_note(write, message, session)
        return Stored(message=message)

    def _leave_note(self, write: LogWrite, entry: LogEntry, session: ClientSession) -> None:
        note = audit_note(write, entry)
        if note is not None:
            self._audit_pending.insert_one(pending_document(note), session=session)

    def _change(self, change: Change) -> Outcome:
        try:
            self._mongo.transaction(lambda session: self._change_in(session, change))
        except NotInvited:
            return Missing()
        except DuplicateKeyError:
            where = {"c": change.chat_id, "r": change.rev}
            there = self._messages.find_one(where)
            return (
                Stored() if there is not None and "g" in there and entry_of(there) == change else Conflict()
            )
        return Stored()

    def _change_in(self, session: ClientSession, change: Change) -> None:
        self._messages.insert_one(change_document(change), session=session)
        self._leave_note(change, change, session)
        match change.kind:
            case ChangeKind.MEMBER_SET:
                seq = seq_at(self._messages, change.chat_id, session)
                self._doors.let_in(change, session)
                insert_member(self._members, change, seq, session)
            case ChangeKind.MEMBER_REMOVED:
                where = {"_id": f"{change.chat_id}/{change.user_id}", "chat_id": change.chat_id}
                self._members.delete_one(where, session=session)
                self._doors.show_out(change, session)
            case ChangeKind.BLOCKED:
                put_block(self._blocks, _block(change), session)
            case ChangeKind.UNBLOCKED:
                remove_block(self._blocks, _block(change), session)
            case ChangeKind.CHAT_UPDATED:
                self._chats.update_one(
                    {"_id": change.chat_id}, {"$set": {"title": change.title or ""}}, session=session
                )
            case ChangeKind.CHAT_DELETED:
                self._chats.update_one({"_id": change.chat_id}, {"$set": {"deleted": True}}, session=session)
                self._doors.close(change, session)

    # -- reading ---------------------------------------------------------------------------------------------------

    async def heads(self, chat_ids: Sequence[str]) -> dict[str, Head]:
        return await self._mongo.call(self._heads, chat_ids)

    def _heads(self, chat_ids: Sequence[str]) -> dict[str, Head]:
        heads = dict.fromkeys(chat_ids, Head())
        if len(chat_ids) <= _FEW:
            for chat_id in chat_ids:
                newest = self._messages.find_one({"c": chat_id}, {"r": 1, "s": 1}, sort=[("r", -1)])
                if newest is not None:
                    last = self._last(chat_id, {"s": 1})
                    heads[chat_id] = Head(seq=last["s"] if last else 0, rev=newest["r"])
            return heads
        pipeline = [
            {"$match": {"_id": {"$in": list(chat_ids)}}},
            _newest("r", {}, {"r": 1}),
            _newest("s", {"s": {"$gt": 0}}, {"s": 1}),
            {"$project": {"r.r": 1, "s.s": 1}},
        ]
        for row in self._chats.aggregate(pipeline):
            seq = row["s"][0]["s"] if row["s"] else 0
            heads[row["_id"]] = Head(seq=seq, rev=row["r"][0]["r"] if row["r"] else 0)
        return heads

    def _last(self, chat_id: str, fields: Document | None = None) -> Document | None:
        return self._messages.find_one({"c": chat_id, "s": {"$gt": 0}}, fields, sort=[("s", -1)])

    async def changes(self, queries: Sequence[ChangesQuery]) -> list[list[LogEntry]]:
        return await self._mongo.call(lambda: [self._changes(query) for query in queries])

    def _changes(self, query: ChangesQuery) -> list[LogEntry]:
        where: Document = {"c": query.chat_id, "r": {"$gt": query.after_rev}, "x": {"$exists": False}}
        if query.upto_seq is not None:
            where["$or"] = [{"s": {"$lte": query.upto_seq}}, {"s": {"$exists": False}}]
        return [entry_of(row) for row in self._messages.find(where).sort("r", 1).limit(query.limit)]

    async def page(
        self, chat_id: str, *, before_seq: int | None, after_seq: int | None, limit: int
    ) -> list[Message]:
        return await self._mongo.call(self._page, chat_id, before_seq, after_seq, limit)

    def _page(self, chat_id: str, before_seq: int | None, after_seq: int | None, limit: int) -> list[Message]:
        if after_seq is not None:
            rows = (
                self._messages.find({"c": chat_id, "s": {"$gt": max(0, after_seq)}}).sort("s", 1).limit(limit)
            )
            return [message_of(row) for row in rows]
        span: Document = {"$gt": 0} if before_seq is None else {"$gt": 0, "$lt": before_seq}
        rows = self._messages.find({"c": chat_id, "s": span}).sort("s", -1).limit(limit)
        return [message_of(row) for row in rows][::-1]

    async def of_types(
        self, chat_id: str, types: Collection[MessageType], *, before_seq: int | None, limit: int
    ) -> list[Message]:
        assert LISTED.issuperset(types), "no index has the others"
        span: Document = {"$gt": 0} if before_seq is None else {"$gt": 0, "$lt": before_seq}
        return await self._mongo.call(self._of_types, chat_id, types, span, limit)

    def _of_types(
        self, chat_id: str, types: Collection[MessageType], span: Document, limit: int
    ) -> list[Message]:
        found: list[Message] = []
        # One after the other, and by the index's name: for several at once, MongoDB 6 goes through the whole index; and where the newest messages happen
        # to be of a type, it would choose the way through all of them, and keep to it elsewhere.
        for kind in types:
            where = {"c": chat_id, "t": kind.value, "d": None, "s": span}
            rows = self._messages.find(where).sort("s", -1).limit(limit).hint("type")
            found += [message_of(row) for row in rows]
        return sorted(found, key=lambda message: message.seq)[-limit:]

    async def get(self, chat_id: str, seq: int) -> Message | None:
        if seq < 1:  # not in the index: it would be searched for in the whole chat
            return None
        row = await self._mongo.call(self._messages.find_one, {"c": chat_id, "s": seq})
        return None if row is None else message_of(row)

    async def find(self, chat_id: str, sender_id: str, client_id: str) -> Message | None:
        where = {"_id": message_id(chat_id, sender_id, client_id), "c": chat_id}
        row = await self._mongo.call(self._messages.find_one, where)
        return None if row is None else message_of(row)

    async def sent_by(
        self, chat_id: str, sender_id: str, *, after_client_id: str | None, limit: int
    ) -> list[Message]:
        first = message_id(chat_id, sender_id, "")
        # "0" comes right after "/": everything that begins with chat and sender.
        span = {"$gt": first + (after_client_id or ""), "$lt": f"{first.removesuffix('/')}0"}
        where = {"c": chat_id, "_id": span}
        rows = await self._mongo.call(lambda: list(self._messages.find(where).sort("_id", 1).limit(limit)))
        return [message_of(row) for row in rows]

    async def last_messages(self, chat_ids: Sequence[str]) -> dict[str, Message]:
        return await self._mongo.call(self._last_messages, chat_ids)

    def _last_messages(self, chat_ids: Sequence[str]) -> dict[str, Message]:
        if len(chat_ids) <= _FEW:
            rows = [row for chat_id in chat_ids if (row := self._last(chat_id)) is not None]
        else:
            pipeline = [
                {"$match": {"_id": {"$in": list(chat_ids)}}},
                _newest("s", {"s": {"$gt": 0}}, None),
                {"$project": {"s": 1}},
            ]
            rows = [row["s"][0] for row in self._chats.aggregate(pipeline) if row["s"]]
        return {row["c"]: message_of(row) for row in rows}

    async def unread(self, queries: Sequence[tuple[str, str, int]], *, cap: int) -> list[int]:
        return await self._mongo.call(lambda: [self._unread(*query, cap) for query in queries])

    def _unread(self, chat_id: str, user_id: str, read_seq: int, cap: int) -> int:
        where = {"c": chat_id, "s": {"$gt": max(0, read_seq)}, "u": {"$ne": user_id}, "d": {"$ne": True}}
        return self._messages.count_documents(where, limit=cap)


def _newest(field: str, where: Document, fields: Document | None) -> Document:
    """A stage that gives each chat its entry with the greatest `field`."""
    steps: list[Document] = [{"$match": where}] if where else []
    steps += [{"$sort": {field: -1}}, {"$limit": 1}]
    if fields is not None:
        steps.append({"$project": fields})
    return {
        "$lookup": {
            "from": "messages",
            "localField": "_id",
            "foreignField": "c",
            "as": field,
            "pipeline": steps,
        }
    }


def _found(document: Document, there: Document | None) -> Outcome:
    """What became of a message that a unique index refused, of which `there` is what its `client_id` made."""
    if there is None:
        return Conflict()
    if all(there[field] == document[field] for field in ("i", "s", "r")):
        return Stored()
    return Repeat(message=message_of(there))


def _block(change: Change) -> Block:
    assert change.user_id is not None
    return Block(user_id=change.actor_id, blocked_id=change.user_id, at=change.at)
