"""What a log's entries are in MongoDB.

One collection, `messages`. Field names are short because they are in every document:

| field | is | of messages | of changes | of markers |
| --- | --- | --- | --- | --- |
| `_id` | identity | chat/sender/client_id | chat#rev | chat#rev |
| `c` | chat id | x | x | x |
| `r` | rev | x | x | x |
| `s` | seq | x | | |
| `i u k t b m p f a e d` | id, sender, client_id, type, content, media, reply_to, forwarded, created, edited, deleted | x | | |
| `g by at user role title invite` | kind of change, actor, time, whom, role, title, invite | | x | |
| `x` | this rev was taken by something that has moved on | | | x |
"""

from __future__ import annotations

from persistence.models import Change, ChangeKind, LogEntry, Message, MessageType, Role
from persistence.mongo import Document


def message_id(chat_id: str, sender_id: str, client_id: str) -> str:
    """The identity of a message: a `client_id` makes one only."""
    return f"{chat_id}/{sender_id}/{client_id}"


def rev_id(chat_id: str, rev: int) -> str:
    """The identity of whatever takes a rev, and is no message."""
    return f"{chat_id}#{rev}"


def message_document(m: Message) -> Document:
    """The document of a message that has just been written, never of one that has been changed."""
    document: Document = {
        "_id": message_id(m.chat_id, m.sender_id, m.client_id),
        "c": m.chat_id,
        "s": m.seq,
        "r": m.rev,
        "i": m.id,
        "u": m.sender_id,
        "k": m.client_id,
        "t": m.type.value,
        "b": m.content,
        "a": m.created_at,
    }
    if m.media_id is not None:
        document["m"] = m.media_id
    if m.reply_to is not None:
        document["p"] = m.reply_to
    if m.forwarded:
        document["f"] = True
    return document


def message_of(row: Document) -> Message:
    """The message of a whole document."""
    return Message(
        id=row["i"],
        chat_id=row["c"],
        seq=row["s"],
        rev=row["r"],
        sender_id=row["u"],
        client_id=row["k"],
        type=MessageType(row["t"]),
        content=row["b"],
        media_id=row.get("m"),
        reply_to=row.get("p"),
        forwarded=row.get("f", False),
        created_at=row["a"],
        edited_at=row.get("e"),
        deleted=row.get("d", False),
    )


def change_document(change: Change) -> Document:
    """The document of a change."""
    return {
        "_id": rev_id(change.chat_id, change.rev),
        "c": change.chat_id,
        "r": change.rev,
        "g": change.kind.value,
        "by": change.actor_id,
        "at": change.at,
        "user": change.user_id,
        "role": None if change.role is None else change.role.value,
        "title": change.title,
    } | ({} if change.invite_id is None else {"invite": change.invite_id})


def entry_of(row: Document) -> LogEntry:
    """The message or change of a whole document; a marker is neither."""
    if "s" in row:
        return message_of(row)
    return Change(
        chat_id=row["c"],
        rev=row["r"],
        kind=ChangeKind(row["g"]),
        actor_id=row["by"],
        at=row["at"],
        user_id=row["user"],
        role=None if row["role"] is None else Role(row["role"]),
        title=row["title"],
        invite_id=row.get("invite"),
    )
