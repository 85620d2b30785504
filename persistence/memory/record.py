"""What MongoDB keeps, in memory."""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import structs

from persistence.errors import AlreadyExists, NotFound
from persistence.memory.faults import Faults
from persistence.models import (
    Change,
    ChangeKind,
    ChangesQuery,
    Chat,
    Conflict,
    CursorWrite,
    DeadLetter,
    Deletion,
    Device,
    Edit,
    Head,
    LogEntry,
    LogWrite,
    Member,
    Message,
    Missing,
    Outcome,
    Privacy,
    Repeat,
    Skipped,
    Stored,
    User,
)


class Record:
    """One database, for all nodes of a simulation."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults("mongodb")
        self.users: dict[str, User] = {}
        self.devices: dict[str, Device] = {}
        self.chats: dict[str, Chat] = {}
        self.members: dict[tuple[str, str], Member] = {}
        self.messages: dict[str, dict[int, Message]] = {}
        self.changes: dict[str, dict[int, Change]] = {}
        self.revs: dict[str, list[int]] = {}
        self.client_ids: dict[tuple[str, str, str], int] = {}
        self.keys: dict[str, dict[str, Any]] = {}
        self.letters: dict[str, DeadLetter] = {}

    def head(self, chat_id: str) -> Head:
        """The end of a chat's log."""
        revs = self.revs.get(chat_id)
        return Head(seq=max(self.messages.get(chat_id, ()), default=0), rev=revs[-1] if revs else 0)

    def take_rev(self, chat_id: str, rev: int) -> None:
        """Every rev ever taken stays taken."""
        insort(self.revs.setdefault(chat_id, []), rev)


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
        return Stored(message=after)

    def _change(self, change: Change) -> Outcome:
        changes = self._r.changes.setdefault(change.chat_id, {})
        if changes.get(change.rev) == change:
            return Stored()
        if change.rev in self._r.revs.get(change.chat_id, ()):
            return Conflict()
        changes[change.rev] = change
        seq = self._r.head(change.chat_id).seq
        self._r.take_rev(change.chat_id, change.rev)
        self._apply(change, seq)
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
            case ChangeKind.CHAT_UPDATED:
                self._set_chat(change.chat_id, title=change.title or "")
            case ChangeKind.CHAT_DELETED:
                self._set_chat(change.chat_id, deleted=True)

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
        messages = [m for _, m in sorted(self._r.messages.get(chat_id, {}).items())]
        if after_seq is not None:
            return [m for m in messages if m.seq > after_seq][:limit]
        return [m for m in messages if before_seq is None or m.seq < before_seq][-limit:]

    async def get(self, chat_id: str, seq: int) -> Message | None:
        await self._r.faults.before("get")
        return self._r.messages.get(chat_id, {}).get(seq)

    async def find(self, chat_id: str, sender_id: str, client_id: str) -> Message | None:
        await self._r.faults.before("find")
        seq = self._r.client_ids.get((chat_id, sender_id, client_id))
        return None if seq is None else self._r.messages[chat_id][seq]

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


def new_member(change: Change, seq: int) -> Member:
    """Somebody who joins: what was written before counts as read."""
    assert change.user_id is not None
    assert change.role is not None
    return Member(
        chat_id=change.chat_id,
        user_id=change.user_id,
        role=change.role,
        joined_at=change.at,
        joined_seq=seq,
        delivered_seq=seq,
        read_seq=seq,
        updated_at=change.at,
    )


class MemoryChats:
    """`Chats` in memory."""

    def __init__(self, record: Record) -> None:
        self._r = record

    async def create(self, chat: Chat, members: Sequence[Member]) -> tuple[Chat, bool]:
        await self._r.faults.before("create_chat")
        if chat.pair is not None:
            there = next((c for c in self._r.chats.values() if c.pair == chat.pair), None)
            if there is not None:
                return there, there.id == chat.id
        if chat.id in self._r.chats:
            return self._r.chats[chat.id], True
        self._r.chats[chat.id] = chat
        for member in members:
            self._r.members[member.chat_id, member.user_id] = member
        await self._r.faults.after("create_chat")
        return chat, True

    async def get_many(self, chat_ids: Sequence[str]) -> dict[str, Chat]:
        await self._r.faults.before("get_chats")
        return {c: self._r.chats[c] for c in chat_ids if c in self._r.chats}

    async def members(self, chat_id: str, *, after_user_id: str | None, limit: int) -> list[Member]:
        await self._r.faults.before("members")
        rows = sorted((m for m in self._r.members.values() if m.chat_id == chat_id), key=lambda m: m.user_id)
        return [m for m in rows if after_user_id is None or m.user_id > after_user_id][:limit]

    async def member_count(self, chat_ids: Sequence[str]) -> dict[str, int]:
        await self._r.faults.before("member_count")
        return {c: sum(1 for m in self._r.members.values() if m.chat_id == c) for c in chat_ids}

    async def member(self, chat_id: str, user_id: str) -> Member | None:
        await self._r.faults.before("member")
        return self._r.members.get((chat_id, user_id))

    async def members_at(self, keys: Sequence[tuple[str, str]]) -> list[Member | None]:
        await self._r.faults.before("members_at")
        return [self._r.members.get(key) for key in keys]

    async def memberships(self, user_ids: Sequence[str]) -> dict[str, list[Member]]:
        await self._r.faults.before("memberships")
        found: dict[str, list[Member]] = {user_id: [] for user_id in user_ids}
        for m in self._r.members.values():
            chat = self._r.chats.get(m.chat_id)
            if m.user_id in found and not (chat is not None and chat.deleted):
                found[m.user_id].append(m)
        return found

    async def raise_cursors(self, writes: Sequence[CursorWrite]) -> list[Member | None]:
        await self._r.faults.before("raise_cursors")
        for write in writes:
            self._raise(write)
        await self._r.faults.after("raise_cursors")
        return [self._r.members.get((write.chat_id, write.user_id)) for write in writes]

    def _raise(self, w: CursorWrite) -> None:
        there = self._r.members.get((w.chat_id, w.user_id))
        if there is None:
            return
        delivered = max(there.delivered_seq, w.delivered_seq, w.read_seq)
        read = max(there.read_seq, w.read_seq)
        if (delivered, read) != (there.delivered_seq, there.read_seq):
            there = structs.replace(there, delivered_seq=delivered, read_seq=read, updated_at=w.at)
            self._r.members[w.chat_id, w.user_id] = there

    async def set_pinned(self, chat_id: str, user_id: str, pinned_at: int | None, *, at: int) -> Member:
        return await self._set(chat_id, user_id, pinned_at=pinned_at, updated_at=at)

    async def set_muted(self, chat_id: str, user_id: str, muted_until: int | None, *, at: int) -> Member:
        return await self._set(chat_id, user_id, muted_until=muted_until, updated_at=at)

    async def _set(self, chat_id: str, user_id: str, **changes: Any) -> Member:
        await self._r.faults.before("set_member")
        there = self._r.members.get((chat_id, user_id))
        if there is None:
            raise NotFound("member")
        self._r.members[chat_id, user_id] = after = structs.replace(there, **changes)
        await self._r.faults.after("set_member")
        return after


class MemoryUsers:
    """`Users` in memory."""

    def __init__(self, record: Record) -> None:
        self._r = record

    async def create(self, user: User) -> None:
        await self._r.faults.before("create_user")
        if any(u.phone == user.phone and u.id != user.id for u in self._r.users.values()):
            raise AlreadyExists("phone")
        self._r.users.setdefault(user.id, user)
        await self._r.faults.after("create_user")

    async def by_phone(self, phone: str) -> User | None:
        await self._r.faults.before("by_phone")
        return next((u for u in self._r.users.values() if u.phone == phone), None)

    async def get_many(self, user_ids: Sequence[str]) -> dict[str, User]:
        await self._r.faults.before("get_users")
        return {u: self._r.users[u] for u in user_ids if u in self._r.users}

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
        changes: dict[str, Any] = {"updated_at": at}
        given = {"name": name, "status": status, "avatar_media_id": avatar_media_id, "privacy": privacy}
        changes |= {field: value for field, value in given.items() if value is not None}
        if clear_avatar:
            changes["avatar_media_id"] = None
        return await self._set(user_id, **changes)

    async def seen(self, last_seen: Mapping[str, int]) -> None:
        await self._r.faults.before("seen")
        for user_id, at in last_seen.items():
            user = self._r.users.get(user_id)
            if user is not None and (user.last_seen is None or at > user.last_seen):
                self._r.users[user_id] = structs.replace(user, last_seen=at)
        await self._r.faults.after("seen")

    async def set_operator(self, user_id: str, *, operator: bool) -> None:
        await self._set(user_id, operator=operator)

    async def _set(self, user_id: str, **changes: Any) -> User:
        await self._r.faults.before("update_user")
        user = self._r.users.get(user_id)
        if user is None:
            raise NotFound("user")
        self._r.users[user_id] = after = structs.replace(user, **changes)
        await self._r.faults.after("update_user")
        return after


class MemoryDevices:
    """`Devices` in memory."""

    def __init__(self, record: Record) -> None:
        self._r = record

    async def create(self, device: Device) -> None:
        await self._r.faults.before("create_device")
        self._r.devices[device.id] = device
        await self._r.faults.after("create_device")

    async def get(self, device_id: str) -> Device | None:
        await self._r.faults.before("get_device")
        return self._r.devices.get(device_id)

    async def of_user(self, user_id: str) -> list[Device]:
        await self._r.faults.before("devices")
        rows = [d for d in self._r.devices.values() if d.user_id == user_id]
        return sorted(rows, key=lambda d: (d.created_at, d.id), reverse=True)

    async def rotate(self, device_id: str, *, spent: bytes, fresh: bytes, expires_at: int, at: int) -> bool:
        await self._r.faults.before("rotate")
        there = self._r.devices.get(device_id)
        # The second is what the winner finds who repeats, because the answer was lost.
        if there is None or (
            there.refresh_hash != spent and (there.refresh_hash, there.previous_hash) != (fresh, spent)
        ):
            return False
        self._r.devices[device_id] = structs.replace(
            there, refresh_hash=fresh, previous_hash=spent, refresh_expires_at=expires_at, last_used_at=at
        )
        await self._r.faults.after("rotate")
        return True

    async def revoke(self, device_id: str, user_id: str) -> bool:
        await self._r.faults.before("revoke")
        there = self._r.devices.get(device_id)
        if there is None or there.user_id != user_id:
            return False
        del self._r.devices[device_id]
        await self._r.faults.after("revoke")
        return True


class MemorySigningKeys:
    """`SigningKeys` in memory."""

    def __init__(self, record: Record) -> None:
        self._r = record

    async def load(self) -> list[dict[str, Any]]:
        await self._r.faults.before("load_keys")
        newest = sorted(self._r.keys.values(), key=lambda key: (key["created_at"], key["kid"]), reverse=True)
        return [dict(key) for key in newest]

    async def add(self, key: Mapping[str, Any]) -> bool:
        await self._r.faults.before("add_key")
        if key["kid"] in self._r.keys:
            return False
        self._r.keys[key["kid"]] = dict(key)
        await self._r.faults.after("add_key")
        return True


class MemoryDeadLetters:
    """`DeadLetters` in memory."""

    def __init__(self, record: Record) -> None:
        self._r = record

    async def add(self, letter: DeadLetter) -> None:
        await self._r.faults.before("add_letter")
        self._r.letters[letter.id] = letter
        await self._r.faults.after("add_letter")

    async def recent(self, limit: int) -> list[DeadLetter]:
        await self._r.faults.before("letters")
        return sorted(self._r.letters.values(), key=lambda letter: letter.id, reverse=True)[:limit]
