"""Chats and their members in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import structs

from persistence.errors import NotFound
from persistence.memory.record import Record
from persistence.models import Chat, CursorWrite, Member, Reach
from persistence.pairs import other_of


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

    async def by_pair(self, pair: str) -> Chat | None:
        await self._r.faults.before("by_pair")
        return next((c for c in self._r.chats.values() if c.pair == pair), None)

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

    async def peers(self, user_ids: Sequence[str]) -> dict[str, list[str]]:
        await self._r.faults.before("peers")
        found: dict[str, list[str]] = {user_id: [] for user_id in user_ids}
        for m in self._r.members.values():
            chat = self._r.chats.get(m.chat_id)
            if m.user_id in found and chat is not None and chat.pair is not None:
                found[m.user_id].append(other_of(chat.pair, m.user_id))
        return {user_id: sorted(peers) for user_id, peers in found.items()}

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
        shown = there.shown_seq if w.hidden else max(there.shown_seq, w.read_seq)
        if (delivered, read, shown) != (there.delivered_seq, there.read_seq, there.shown_seq):
            there = structs.replace(
                there, delivered_seq=delivered, read_seq=read, shown_seq=shown, updated_at=w.at
            )
            self._r.members[w.chat_id, w.user_id] = there

    async def reach(self, chat_id: str, seq: int) -> Reach:
        await self._r.faults.before("reach")
        rows = [m for m in self._r.members.values() if m.chat_id == chat_id and m.joined_seq < seq]
        return Reach(
            of=len(rows),
            delivered=sum(m.delivered_seq >= seq for m in rows),
            read=sum(m.shown_seq >= seq for m in rows),
        )

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
