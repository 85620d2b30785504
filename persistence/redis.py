"""The connection to Redis. Nothing in it is the only copy of anything: it may be lost and is rebuilt.

One primary (alone or behind Sentinel), not Redis Cluster: the scripts touch keys of several topics and nodes at once, which a cluster would spread over
slots.
"""

from __future__ import annotations

import math
import time
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
HANGS_S: Final = 10.0
"""After a time-out what does not look for the server itself fails at once for so long, or until something is answered: in a thread of its own, each would
wait for all time-outs before it."""


class Redis:
    """A client and its threads: one publishes, in order; one waits for the inbox; one asks whether the server answers; one does everything else.

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
        self._prober = StoreThreads(self.name)
        self._timed_out_at = -math.inf

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Usable as long as the block. Whether the server answers shows at the first call."""
        try:
            async with (
                self._others.running(), self._publisher.running(), self._reader.running(), self._prober.running(),
            ):  # fmt: skip
                yield
        finally:
            self.client.close()

    async def publish(self, function: Callable[..., T], *args: Any) -> T:
        """Run in the thread that publishes."""
        return await self._publisher.call(self._run, function, *args)

    async def read(self, function: Callable[..., T], *args: Any) -> T:
        """Run in the thread that may wait for the inbox."""
        return await self._reader.call(self._run, function, *args)

    async def call(self, function: Callable[..., T], *args: Any) -> T:
        """Run in the thread for everything else. Fails at once while the server hangs."""
        return await self._others.call(self._run_unless_hanging, function, *args)

    async def ping(self) -> None:
        """Whether the server answers. Raises `StoreUnavailable`."""
        await self._prober.call(self._run, self.client.ping)

    def require(self) -> None:
        """Raise `StoreUnavailable` if the server has let somebody wait in vain of late, and has not answered since."""
        if time.monotonic() - self._timed_out_at < HANGS_S:
            raise StoreUnavailable("redis", "timed out a moment ago")

    def _run_unless_hanging(self, function: Callable[..., T], *args: Any) -> T:
        self.require()
        return self._run(function, *args)

    def _run(self, function: Callable[..., T], *args: Any) -> T:
        try:
            result = function(*args)
        except (RedisError, OSError) as error:
            if isinstance(error, TimeoutError | redis.TimeoutError):
                self._timed_out_at = time.monotonic()
            raise StoreUnavailable("redis", f"{type(error).__name__}: {error}"[:300]) from error
        self._timed_out_at = -math.inf
        return result
