"""Who is connected, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import trio

from persistence.memory.broker import Broker
from persistence.models import Online, PresentDevice, Turn
from persistence.presence import CALM, FLAPS_S, LONGEST_GRACE_S, NEW_S, SETTLED_S

_NEVER: Final = (0, 0.0)


class MemoryPresence:
    """`Presence` in memory."""

    def __init__(self, broker: Broker) -> None:
        self._b = broker
        self._p = broker.presence

    async def arrived(self, devices: Sequence[PresentDevice], *, era: str = "") -> str:
        await self._b.faults.before("arrived")
        p = self._p
        for device in devices:
            self._b.register(device.node)
            p.devices.setdefault(device.user_id, {})[device.device_id, device.node] = device
            if self._missed(era):
                p.online.setdefault(device.user_id, device.since)
            self._come(device.user_id)
        era = p.era
        await self._b.faults.after("arrived")
        return era

    async def left(self, devices: Sequence[PresentDevice], *, at: int, grace_s: float, era: str = "") -> str:
        await self._b.faults.before("left")
        for device in devices:
            if self._missed(era):
                self._p.online.setdefault(device.user_id, at)
            self._remove(device, at, grace_s)
        era = self._p.era
        await self._b.faults.after("left")
        return era

    async def turns(self, *, at: int, grace_s: float, hold_s: float, most: int) -> list[Turn]:
        await self._b.faults.before("turns")
        p = self._p
        for device in [d for devices in p.devices.values() for d in devices.values()]:
            if device.node not in self._b.leases:
                self._remove(device, at, grace_s)
        now = trio.current_time()
        found: list[Turn] = []
        for user_id in [user_id for user_id, due in p.turns.items() if due <= now][:most]:
            here = user_id in p.devices
            if here == (user_id in p.online) and user_id not in p.telling:
                del p.turns[user_id]
                continue
            if here:
                p.online.setdefault(user_id, at)
            else:
                p.online.pop(user_id, None)
            p.telling.add(user_id)
            p.turns[user_id] = now + hold_s
            left_at, _ = p.left.get(user_id, (at, 0))
            found.append(Turn(user_id=user_id, online=here, left_at=left_at))
        await self._b.faults.after("turns")
        return found

    async def told(self, turns: Sequence[Turn]) -> None:
        await self._b.faults.before("told")
        p = self._p
        for turn in turns:
            user_id = turn.user_id
            if user_id not in p.telling or (user_id in p.online) != turn.online:
                continue
            p.telling.discard(user_id)
            if (user_id in p.devices) == turn.online:
                p.turns.pop(user_id, None)
                p.left.pop(user_id, None)
            else:
                _, due = p.left.get(user_id, _NEVER)
                p.turns[user_id] = due
        await self._b.faults.after("told")

    async def of_users(self, user_ids: Sequence[str]) -> dict[str, list[PresentDevice]]:
        await self._b.faults.before("present_devices")
        return {user_id: list(self._p.devices.get(user_id, {}).values()) for user_id in user_ids}

    async def online(self, user_ids: Sequence[str]) -> Online:
        await self._b.faults.before("online")
        p = self._p
        told = {user_id: p.online[user_id] for user_id in user_ids if user_id in p.online}
        here = {
            user_id: max(device.since for device in p.devices[user_id].values())
            for user_id in user_ids
            if user_id in p.devices
        }
        return Online(since=here | told, settled=self._age() >= SETTLED_S)

    def _age(self) -> float:
        return 0.0 if self._p.begun_at is None else trio.current_time() - self._p.begun_at

    def _missed(self, era: str) -> bool:
        if self._p.begun_at is None:
            self._p.begun_at = trio.current_time()
        return era not in ("", self._p.era) and self._age() < NEW_S

    def _remove(self, device: PresentDevice, at: int, grace_s: float) -> None:
        devices = self._p.devices.get(device.user_id, {})
        devices.pop((device.device_id, device.node), None)
        if not devices:
            self._p.devices.pop(device.user_id, None)
        self._go(device.user_id, at, grace_s)

    def _come(self, user_id: str) -> None:
        p = self._p
        p.left.pop(user_id, None)
        if user_id in p.telling:
            return
        if user_id in p.online:
            p.turns.pop(user_id, None)
        else:
            p.turns[user_id] = trio.current_time()

    def _go(self, user_id: str, at: int, grace_s: float) -> None:
        p = self._p
        if user_id in p.devices or user_id in p.left:
            return
        if user_id not in p.online:
            if user_id not in p.telling:
                p.turns.pop(user_id, None)
            return
        now = trio.current_time()
        flaps, until = p.flaps.get(user_id, _NEVER)
        flaps = flaps + 1 if until > now else 1
        p.flaps[user_id] = (flaps, now + FLAPS_S)
        due = now + min(LONGEST_GRACE_S, grace_s * 2 ** min(30, max(0, flaps - CALM)))
        p.left[user_id] = (at, due)
        if user_id not in p.telling:
            p.turns[user_id] = due
