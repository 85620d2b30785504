"""Members in MongoDB: the documents, and what changes of the log do to them."""

from __future__ import annotations

from pymongo.client_session import ClientSession
from pymongo.collection import Collection

from persistence.joined import new_member
from persistence.models import Change, Member, Role
from persistence.mongo import Document


def member_document(m: Member) -> Document:
    """A member as it is stored."""
    return {
        "_id": f"{m.chat_id}/{m.user_id}",
        "chat_id": m.chat_id,
        "user_id": m.user_id,
        "role": m.role.value,
        "joined_at": m.joined_at,
        "joined_seq": m.joined_seq,
        "delivered_seq": m.delivered_seq,
        "read_seq": m.read_seq,
        "shown_seq": m.shown_seq,
        "pinned_at": m.pinned_at,
        "muted_until": m.muted_until,
        "updated_at": m.updated_at,
    }


def member(row: Document) -> Member:
    """A stored member."""
    return Member(
        chat_id=row["chat_id"],
        user_id=row["user_id"],
        role=Role(row["role"]),
        joined_at=row["joined_at"],
        joined_seq=row["joined_seq"],
        delivered_seq=row["delivered_seq"],
        read_seq=row["read_seq"],
        shown_seq=row.get("shown_seq", 0),
        pinned_at=row["pinned_at"],
        muted_until=row["muted_until"],
        updated_at=row["updated_at"],
    )


def seq_at(messages: Collection[Document], chat_id: str, session: ClientSession) -> int:
    """The chat's last `seq`, inside a transaction."""
    last = messages.find_one({"c": chat_id, "s": {"$gt": 0}}, {"s": 1}, sort=[("s", -1)], session=session)
    return 0 if last is None else int(last["s"])


def insert_member(members: Collection[Document], change: Change, seq: int, session: ClientSession) -> None:
    """Add a member, for whom what was written before counts as read; of one who is there, only the role changes."""
    document = member_document(new_member(change, seq))
    moving = {"role": document.pop("role"), "updated_at": document.pop("updated_at")}
    where = {"_id": document.pop("_id"), "chat_id": document.pop("chat_id")}
    members.update_one(where, {"$set": moving, "$setOnInsert": document}, upsert=True, session=session)
