"""Invitations to chats, in memory."""

from __future__ import annotations

from msgspec import structs

from persistence.memory.record import Record
from persistence.models import Change, Invite


class MemoryInvites:
    """`Invites` in memory."""

    def __init__(self, record: Record) -> None:
        self._r = record

    async def create(self, invite: Invite) -> None:
        await self._r.faults.before("create_invite")
        self._r.invites.setdefault(invite.id, invite)
        await self._r.faults.after("create_invite")

    async def get(self, invite_id: str) -> Invite | None:
        await self._r.faults.before("get_invite")
        return self._r.invites.get(invite_id)

    async def of_chat(self, chat_id: str, *, after_id: str | None, limit: int) -> list[Invite]:
        await self._r.faults.before("invites")
        rows = sorted((i for i in self._r.invites.values() if i.chat_id == chat_id), key=lambda i: i.id)
        return [i for i in rows if after_id is None or i.id > after_id][:limit]

    async def revoke(self, chat_id: str, invite_id: str) -> bool:
        await self._r.faults.before("revoke_invite")
        there = self._r.invites.get(invite_id)
        found = there is not None and there.chat_id == chat_id
        if found:
            del self._r.invites[invite_id]
        await self._r.faults.after("revoke_invite")
        return found

    async def revoke_of(self, user_id: str) -> int:
        await self._r.faults.before("revoke_invites")
        count = _forget(self._r, [i for i in self._r.invites.values() if i.created_by == user_id])
        await self._r.faults.after("revoke_invites")
        return count

    async def drop_expired(self, chat_id: str, *, at: int) -> int:
        await self._r.faults.before("drop_invites")
        rows = [i for i in self._r.invites.values() if i.chat_id == chat_id]
        count = _forget(self._r, [i for i in rows if i.expires_at is not None and i.expires_at <= at])
        await self._r.faults.after("drop_invites")
        return count

    async def removed(self, chat_id: str, user_id: str) -> bool:
        await self._r.faults.before("removed")
        return (chat_id, user_id) in self._r.removals


def let_in(record: Record, change: Change) -> bool:
    """What somebody's joining does to invites and removals; `False` if the invite does not let them in."""
    assert change.user_id is not None
    key = (change.chat_id, change.user_id)
    if change.invite_id is None:
        record.removals.discard(key)
        return True
    invite = record.invites.get(change.invite_id)
    if key in record.removals or invite is None or invite.chat_id != change.chat_id:
        return False
    if invite.expires_at is not None and invite.expires_at <= change.at:
        return False
    if invite.max_uses is not None and invite.uses >= invite.max_uses:
        return False
    record.invites[invite.id] = structs.replace(invite, uses=invite.uses + 1)
    return True


def show_out(record: Record, change: Change) -> None:
    """What somebody's going does to removals."""
    assert change.user_id is not None
    if change.user_id != change.actor_id:
        record.removals.add((change.chat_id, change.user_id))


def close(record: Record, change: Change) -> None:
    """What closing a chat does to its invites."""
    _forget(record, [i for i in record.invites.values() if i.chat_id == change.chat_id])


def _forget(record: Record, invites: list[Invite]) -> int:
    for invite in invites:
        del record.invites[invite.id]
    return len(invites)
