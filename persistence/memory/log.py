"""The chats' logs in memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from msgspec import structs

from persistence.audited import audit_note
from persistence.joined import new_member
from persistence.memory.invites import close, let_in, show_out
from persistence.memory.record import Record
from persistence.models import (
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


class MemoryLog:
    """`MessageLog` in memory."""

    def __init__(self, record: Record) -> None:
        self._r = record

    async def append(self, writes: Sequence[LogWrite]) -> list[Outcome]:
        await self._r.faults.before("append")
        stopped: set[str] = set()
        outcomes: list[Outcome] = []
        for write in writes:
            outcome = Skipped() if write.chat_id in stopped else self._write(write)
            if type(outcome) is not Stored:
                stopped.add(write.chat_id)
            outcomes.append(outcome)
        await self._r.faults.after("append")
        return outcomes

    def _write(self, write: LogWrite) -> Outcome:
        if type(write) is Message:
            return self._message(write)
        if type(write) is Change:
            return self._change(write)
        assert isinstance(write, Edit | Deletion)
        return self._amend(write)

    def _message(self, m: Message) -> Outcome:
        chat = self._r.messages.setdefault(m.chat_id, {})
        key = (m.chat_id, m.sender_id, m.client_id)
        seq = self._r.client_ids.get(key)
        if seq is not None:
            there = chat[seq]
            return (
                Stored()
                if there.id == m.id and there.seq == m.seq and there.rev == m.rev
                else Repeat(message=there)
            )
        if m.seq in chat or m.rev in self._r.revs.get(m.chat_id, ()):
            return Conflict()
        chat[m.seq] = m
        self._r.client_ids[key] = m.seq
        self._r.take_rev(m.chat_id, m.rev)
        return Stored()

    def _amend(self, write: Edit | Deletion) -> Outcome:
        chat = self._r.messages.get(write.chat_id, {})
        there = chat.get(write.seq)
        after = None if there is None else amended(there, write)
        if after is not None and there == after:
            return Stored(message=there)
        if write.rev in self._r.revs.get(write.chat_id, ()):
            return Conflict()
        if there is None or there.deleted or after is None:
            return Missing()
        chat[write.seq] = after
        self._r.take_rev(write.chat_id, write.rev)
        self._leave_note(write, after)
        media = self._r.media.get(there.media_id or "") if type(write) is Deletion else None
        if media is not None:
            stamp = f"{write.chat_id}#{write.rev}"
            self._r.media[media.id] = structs.replace(media, review_at=write.at, stamp=stamp)
        return Stored(message=after)

    def _leave_note(self, write: LogWrite, entry: LogEntry) -> None:
        note = audit_note(write, entry)
        if note is not None:
            self._r.audit_pending[note.id] = note

    def _change(self, change: Change) -> Outcome:
        changes = self._r.changes.setdefault(change.chat_id, {})
        if changes.get(change.rev) == change:
            return Stored()
        if change.rev in self._r.revs.get(change.chat_id, ()):
            return Conflict()
        if change.kind is ChangeKind.MEMBER_SET and not let_in(self._r, change):
            return Missing()
        changes[change.rev] = change
        seq = self._r.head(change.chat_id).seq
        self._r.take_rev(change.chat_id, change.rev)
        self._apply(change, seq)
        self._leave_note(change, change)
        return Stored()

    def _apply(self, change: Change, seq: int) -> None:
        r = self._r
        key = (change.chat_id, change.user_id or "")
        match change.kind:
            case ChangeKind.MEMBER_SET:
                assert change.role is not None
                there = r.members.get(key)
                if there is not None:
                    r.members[key] = structs.replace(there, role=change.role, updated_at=change.at)
                else:
                    r.members[key] = new_member(change, seq)
            case ChangeKind.MEMBER_REMOVED:
                r.members.pop(key, None)
                show_out(r, change)
            case ChangeKind.BLOCKED:
                pair = (change.actor_id, change.user_id or "")
                r.blocks.setdefault(pair, Block(user_id=pair[0], blocked_id=pair[1], at=change.at))
            case ChangeKind.UNBLOCKED:
                r.blocks.pop((change.actor_id, change.user_id or ""), None)
            case ChangeKind.CHAT_UPDATED:
                self._set_chat(change.chat_id, title=change.title or "")
            case ChangeKind.CHAT_DELETED:
                self._set_chat(change.chat_id, deleted=True)
                close(r, change)

    def _set_chat(self, chat_id: str, **changes: Any) -> None:
        chat = self._r.chats.get(chat_id)
        if chat is not None:
            self._r.chats[chat_id] = structs.replace(chat, **changes)

    async def heads(self, chat_ids: Sequence[str]) -> dict[str, Head]:
        await self._r.faults.before("heads")
        return {chat_id: self._r.head(chat_id) for chat_id in chat_ids}

    async def changes(self, queries: Sequence[ChangesQuery]) -> list[list[LogEntry]]:
        await self._r.faults.before("changes")
        return [self._changes(query) for query in queries]

    def _changes(self, q: ChangesQuery) -> list[LogEntry]:
        upto = float("inf") if q.upto_seq is None else q.upto_seq
        entries: list[LogEntry] = [
            m for m in self._r.messages.get(q.chat_id, {}).values() if m.rev > q.after_rev and m.seq <= upto
        ]
        entries += [c for c in self._r.changes.get(q.chat_id, {}).values() if c.rev > q.after_rev]
        return sorted(entries, key=lambda e: e.rev)[: q.limit]

    async def page(
        self, chat_id: str, *, before_seq: int | None, after_seq: int | None, limit: int
    ) -> list[Message]:
        await self._r.faults.before("page")
        messages = self._in_order(chat_id)
        if after_seq is not None:
            return [m for m in messages if m.seq > after_seq][:limit]
        return [m for m in messages if before_seq is None or m.seq < before_seq][-limit:]

    async def of_types(
        self, chat_id: str, types: Collection[MessageType], *, before_seq: int | None, limit: int
    ) -> list[Message]:
        await self._r.faults.before("of_types")
        shown = [m for m in self._in_order(chat_id) if m.type in types and not m.deleted]
        return [m for m in shown if before_seq is None or m.seq < before_seq][-limit:]

    def _in_order(self, chat_id: str) -> list[Message]:
        return [m for _, m in sorted(self._r.messages.get(chat_id, {}).items())]

    async def get(self, chat_id: str, seq: int) -> Message | None:
        await self._r.faults.before("get")
        return self._r.messages.get(chat_id, {}).get(seq)

    async def find(self, chat_id: str, sender_id: str, client_id: str) -> Message | None:
        await self._r.faults.before("find")
        seq = self._r.client_ids.get((chat_id, sender_id, client_id))
        return None if seq is None else self._r.messages[chat_id][seq]

    async def sent_by(
        self, chat_id: str, sender_id: str, *, after_client_id: str | None, limit: int
    ) -> list[Message]:
        await self._r.faults.before("sent_by")
        rows = [m for m in self._r.messages.get(chat_id, {}).values() if m.sender_id == sender_id]
        rows.sort(key=lambda m: m.client_id)
        return [m for m in rows if after_client_id is None or m.client_id > after_client_id][:limit]

    async def last_messages(self, chat_ids: Sequence[str]) -> dict[str, Message]:
        await self._r.faults.before("last_messages")
        return {c: m[max(m)] for c in chat_ids if (m := self._r.messages.get(c))}

    async def unread(self, queries: Sequence[tuple[str, str, int]], *, cap: int) -> list[int]:
        await self._r.faults.before("unread")
        return [
            min(
                cap,
                sum(
                    1
                    for m in self._r.messages.get(chat_id, {}).values()
                    if m.seq > read_seq and m.sender_id != user_id and not m.deleted
                ),
            )
            for chat_id, user_id, read_seq in queries
        ]


def amended(message: Message, write: Edit | Deletion) -> Message:
    """The message after an edit or a deletion."""
    if type(write) is Edit:
        return structs.replace(message, content=write.content, edited_at=write.at, rev=write.rev)
    return structs.replace(
        message, content={}, media_id=None, deleted=True, edited_at=write.at, rev=write.rev
    )
