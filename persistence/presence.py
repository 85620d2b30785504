"""Who is connected, in Redis: as scripts, so that each step is whole, and a call for many at once. The keys are described in `docs/between-nodes.md`."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeVar

from persistence import presence_scripts as scripts
from persistence.inbox import AT_ONCE, UNREGISTERED_LEASE_MS
from persistence.models import Online, PresentDevice, Turn
from persistence.redis import Redis

T = TypeVar("T")

CALM: Final = 3
"""Departures in a row that are awaited no longer than usual."""
FLAPS_S: Final = 120
"""A departure counts as one in a row if the one before is no longer ago than this."""
NEW_S: Final = 10
"""Of an era: nodes write their devices anew. Nobody has been told that those whom Redis does not know have gone."""
SETTLED_S: Final = NEW_S + 2
"""From now on whoever is not known to Redis is not there."""
LONGEST_GRACE_S: Final = 60
"""Nobody is awaited longer."""


class RedisPresence:
    """`Presence` in Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._arrived = redis.client.register_script(scripts.ARRIVED)
        self._left = redis.client.register_script(scripts.LEFT)
        self._turns = redis.client.register_script(scripts.TURNS)
        self._told = redis.client.register_script(scripts.TOLD)
        self._online = redis.client.register_script(scripts.ONLINE)

    async def arrived(self, devices: Sequence[PresentDevice], *, era: str = "") -> str:
        head = [self._redis.prefix, UNREGISTERED_LEASE_MS, secrets.token_hex(8), era, NEW_S * 1000]
        current = b""
        for some in _portions(devices):
            rows = [each for d in some for each in (d.user_id, d.device_id, d.node, d.since, d.active_at)]
            current = await self._redis.call(self._arrived, (), [*head, *rows])
        return current.decode()

    async def left(self, devices: Sequence[PresentDevice], *, at: int, grace_s: float, era: str = "") -> str:
        head = [self._redis.prefix, secrets.token_hex(8), era, NEW_S * 1000, at, *_grace(grace_s)]
        current = b""
        for some in _portions(devices):
            rows = [each for d in some for each in (d.user_id, d.device_id, d.node)]
            current = await self._redis.call(self._left, (), [*head, *rows])
        return current.decode()

    async def turns(self, *, at: int, grace_s: float, hold_s: float, most: int) -> list[Turn]:
        args = [self._redis.prefix, at, *_grace(grace_s), int(hold_s * 1000), most]
        rows: list[Any] = await self._redis.call(self._turns, (), args)
        return [
            Turn(user_id=user.decode(), online=online == 1, left_at=int(left_at))
            for user, online, left_at in zip(rows[::3], rows[1::3], rows[2::3], strict=True)
        ]

    async def told(self, turns: Sequence[Turn]) -> None:
        for some in _portions(turns):
            rows = [each for turn in some for each in (turn.user_id, int(turn.online))]
            await self._redis.call(self._told, (), [self._redis.prefix, *rows])

    async def of_users(self, user_ids: Sequence[str]) -> dict[str, list[PresentDevice]]:
        found: dict[str, list[PresentDevice]] = {}
        for some in _portions(user_ids):
            for user_id, fields in zip(some, await self._redis.call(self._read, some), strict=True):
                found[user_id] = [_device(user_id, field, times) for field, times in fields.items()]
        return found

    def _read(self, user_ids: Sequence[str]) -> list[dict[bytes, bytes]]:
        with self._redis.client.pipeline(transaction=False) as pipe:
            for user_id in user_ids:
                pipe.hgetall(f"{self._redis.prefix}present:{user_id}")
            return pipe.execute()

    async def online(self, user_ids: Sequence[str]) -> Online:
        age, since = 0, dict[str, int]()
        for some in _portions(user_ids) if user_ids else [user_ids]:
            age, *rows = await self._redis.call(self._online, (), [self._redis.prefix, *some])
            since |= {user.decode(): int(at) for user, at in zip(rows[::2], rows[1::2], strict=True)}
        return Online(since=since, settled=age >= SETTLED_S * 1000)


def _grace(grace_s: float) -> tuple[int, int, int, int]:
    return int(grace_s * 1000), LONGEST_GRACE_S * 1000, CALM, FLAPS_S * 1000


def _portions(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(rows), AT_ONCE):
        yield rows[start : start + AT_ONCE]


def _device(user_id: str, field: bytes, times: bytes) -> PresentDevice:
    device_id, node = field.decode().split(" ")
    since, active_at = times.split()
    return PresentDevice(
        user_id=user_id, device_id=device_id, node=node, since=int(since), active_at=int(active_at)
    )
