"""People, their devices, and the key ring, in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import structs

from persistence.errors import AlreadyExists, NotFound
from persistence.memory.record import Record
from persistence.models import Device, Privacy, User, erased


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

    async def erase(self, user_id: str, *, at: int) -> None:
        await self._r.faults.before("erase_user")
        user = self._r.users.get(user_id)
        if user is not None and not user.deleted:
            self._r.users[user_id] = erased(user, at)
        await self._r.faults.after("erase_user")

    async def seen(self, last_seen: Mapping[str, int]) -> None:
        await self._r.faults.before("seen")
        for user_id, at in last_seen.items():
            user = self._r.users.get(user_id)
            if user is not None and not user.deleted and (user.last_seen is None or at > user.last_seen):
                self._r.users[user_id] = structs.replace(user, last_seen=at)
        await self._r.faults.after("seen")

    async def renew_hash(self, user_id: str, *, old: str, new: str) -> None:
        await self._r.faults.before("renew_hash")
        user = self._r.users.get(user_id)
        if user is not None and user.password_hash == old:
            self._r.users[user_id] = structs.replace(user, password_hash=new)
        await self._r.faults.after("renew_hash")

    async def set_operator(self, user_id: str, *, operator: bool) -> None:
        await self._set(user_id, operator=operator)

    async def _set(self, user_id: str, **changes: Any) -> User:
        await self._r.faults.before("update_user")
        user = self._r.users.get(user_id)
        if user is None or user.deleted:
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
