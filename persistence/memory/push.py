"""Notifications, in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import structs

from persistence.errors import AlreadyExists
from persistence.memory.record import Record
from persistence.models import PushResult, PushSubscription, PushTry


class MemoryPushSubscriptions:
    """`PushSubscriptions` in memory."""

    def __init__(self, record: Record) -> None:
        self._r = record

    async def put(self, subscription: PushSubscription, *, most: int) -> bool:
        await self._r.faults.before("put_subscription")
        there = self._r.subscriptions.get(subscription.id)
        if there is not None and there.user_id != subscription.user_id and there.auth != subscription.auth:
            raise AlreadyExists("endpoint")
        known = there is not None and there.user_id == subscription.user_id
        if known and there is not None:
            subscription = structs.replace(subscription, created_at=there.created_at)
        self._r.subscriptions[subscription.id] = subscription
        for old in self._of(subscription.user_id)[:-most] if not known else ():
            del self._r.subscriptions[old.id]
        await self._r.faults.after("put_subscription")
        return not known

    async def remove(self, subscription_id: str, user_id: str) -> bool:
        await self._r.faults.before("remove_subscription")
        there = self._r.subscriptions.get(subscription_id)
        if there is None or there.user_id != user_id:
            return False
        del self._r.subscriptions[subscription_id]
        await self._r.faults.after("remove_subscription")
        return True

    async def remove_device(self, user_id: str, device_id: str) -> None:
        await self._r.faults.before("remove_device_subscriptions")
        for row in self._of(user_id):
            if row.device_id == device_id:
                del self._r.subscriptions[row.id]
        await self._r.faults.after("remove_device_subscriptions")

    async def remove_user(self, user_id: str) -> None:
        await self._r.faults.before("remove_user_subscriptions")
        for row in self._of(user_id):
            del self._r.subscriptions[row.id]
        await self._r.faults.after("remove_user_subscriptions")

    async def of_users(self, user_ids: Sequence[str]) -> dict[str, list[PushSubscription]]:
        await self._r.faults.before("subscriptions")
        return {user_id: self._of(user_id) for user_id in user_ids}

    def _of(self, user_id: str) -> list[PushSubscription]:
        rows = (row for row in self._r.subscriptions.values() if row.user_id == user_id)
        return sorted(rows, key=lambda row: (row.created_at, row.id))


class MemoryNotified:
    """`Notified` in memory."""

    def __init__(self, record: Record) -> None:
        self._r = record

    async def cursors(self, chat_ids: Sequence[str]) -> dict[str, int]:
        await self._r.faults.before("notified")
        return {chat_id: self._r.notified[chat_id] for chat_id in chat_ids if chat_id in self._r.notified}

    async def raise_cursors(self, seqs: Mapping[str, int]) -> None:
        await self._r.faults.before("raise_notified")
        for chat_id, seq in seqs.items():
            self._r.notified[chat_id] = max(seq, self._r.notified.get(chat_id, 0))
        await self._r.faults.after("raise_notified")


class MemoryPushTries:
    """`PushTries` in memory."""

    def __init__(self, record: Record) -> None:
        self._r = record

    async def note(self, tries: Sequence[PushTry]) -> None:
        await self._r.faults.before("note_tries")
        for each in tries:
            self._r.tries.setdefault(each.id, each)
        await self._r.faults.after("note_tries")

    async def pushed(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
        await self._r.faults.before("pushed")
        wanted, found = set(keys), dict[tuple[str, str], int]()
        for each in self._r.tries.values():
            key = (each.chat_id, each.subscription_id)
            if key in wanted and each.result is PushResult.DELIVERED:
                found[key] = max(each.seq, found.get(key, 0))
        return found

    async def tries(self, chat_id: str, seq: int, *, limit: int) -> list[PushTry]:
        await self._r.faults.before("tries")
        rows = [t for t in self._r.tries.values() if t.chat_id == chat_id and t.first_seq <= seq <= t.seq]
        return sorted(rows, key=lambda t: (t.at, t.id))[:limit]
