"""Who has which chat open, in Redis. Keys: `open:<chat>` hash, `open-on:<node>` set of what to remove with the node."""

from __future__ import annotations

import secrets
from typing import Any

from persistence import scripts
from persistence.inbox import UNREGISTERED_LEASE_MS
from persistence.models import OpenChat
from persistence.redis import Redis


class RedisOpenChats:
    """`OpenChats` in Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._open = redis.client.register_script(scripts.OPEN)
        self._forget_node = redis.client.register_script(scripts.FORGET_OPEN)

    async def open(self, entry: OpenChat) -> None:
        args = [
            *(self._redis.prefix, entry.node, UNREGISTERED_LEASE_MS, secrets.token_hex(8)),
            *(entry.chat_id, _field(entry), entry.since),
        ]
        await self._redis.call(self._open, (), args)

    async def close(self, entry: OpenChat) -> None:
        await self._redis.call(self._close, entry)

    def _close(self, entry: OpenChat) -> None:
        with self._redis.client.pipeline(transaction=True) as pipe:
            pipe.hdel(f"{self._redis.prefix}open:{entry.chat_id}", _field(entry))
            pipe.srem(f"{self._redis.prefix}open-on:{entry.node}", f"{entry.chat_id} {_field(entry)}")
            pipe.execute()

    async def in_chat(self, chat_id: str) -> list[OpenChat]:
        fields: Any = await self._redis.call(
            self._redis.client.hgetall, f"{self._redis.prefix}open:{chat_id}"
        )
        return [_entry(chat_id, field.decode(), int(since)) for field, since in fields.items()]

    async def forget_node(self, node: str) -> list[OpenChat]:
        rows = await self._redis.call(self._forget_node, (), [self._redis.prefix, node])
        gone: list[OpenChat] = []
        for entry, since in zip(rows[::2], rows[1::2], strict=True):
            chat_id, _, field = entry.decode().partition(" ")
            gone.append(_entry(chat_id, field, int(since)))
        return gone


def _field(entry: OpenChat) -> str:
    return f"{entry.user_id} {entry.device_id} {entry.node}"


def _entry(chat_id: str, field: str, since: int) -> OpenChat:
    user_id, device_id, node = field.split(" ")
    return OpenChat(chat_id=chat_id, user_id=user_id, device_id=device_id, node=node, since=since)
