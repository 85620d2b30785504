"""The connection to Redis. Nothing in it is the only copy of anything: it may be lost and is rebuilt.

One primary (alone or behind Sentinel), not Redis Cluster: the scripts touch keys of several topics and nodes at once, which a cluster would spread over
slots.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from persistence.errors import StoreUnavailable
from persistence.threads import StoreThreads

T = TypeVar("T")

TIMEOUT_S: Final = 2.0
"""For connecting and for an answer. A command that fails is tried once more, on a new connection: everything sent here may be repeated."""


class Redis:
    """A client and its threads: one publishes, in order; one does everything else; one waits for the inbox.

    Args:
        url: as redis-py reads it.
        prefix: of every key, so that several installations can share a server.

    """

    name = "redis"

    def __init__(self, url: str, prefix: str = "chat:") -> None:
        self.prefix = prefix
        self.client: redis.Redis = redis.Redis.from_url(
            url,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            retry=Retry(NoBackoff(), 1),
            protocol=2,
            health_check_interval=15,
        )
        self._publisher = StoreThreads(self.name)
        self._others = StoreThreads(self.name)
        self._reader = StoreThreads(self.name)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Usable as long as the block. Whether the server answers shows at the first call."""
        try:
            async with self._others.running(), self._publisher.running(), self._reader.running():
                yield
        finally:
            self.client.close()

    async def publish(self, function: Callable[..., T], *args: Any) -> T:
        """Run in the thread that publishes."""
        return await self._publisher.call(_translated, function, *args)

    async def read(self, function: Callable[..., T], *args: Any) -> T:
        """Run in the thread that may wait for the inbox."""
        return await self._reader.call(_translated, function, *args)

    async def call(self, function: Callable[..., T], *args: Any) -> T:
        """Run in the thread for everything else."""
        return await self._others.call(_translated, function, *args)

    async def ping(self) -> None:
        """Whether the server answers. Raises `StoreUnavailable`."""
        await self.call(self.client.ping)


def _translated(function: Callable[..., T], *args: Any) -> T:
    try:
        return function(*args)
    except (RedisError, OSError) as error:
        raise StoreUnavailable("redis", f"{type(error).__name__}: {error}"[:300]) from error
