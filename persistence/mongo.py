"""The connection to MongoDB: one client, a thread that writes messages, a few for everything else.

Writes are acknowledged by a majority and journaled; reads see only what a majority has, so nothing that was read can be rolled back.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, TypeVar

from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import (
    ConnectionFailure,
    ExecutionTimeout,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
    WTimeoutError,
)

from persistence.errors import StoreUnavailable
from persistence.threads import StoreThreads

T = TypeVar("T")
Document = dict[str, Any]

READ_THREADS: Final = 3
TRANSACTION_TRIES: Final = 20
_NOT_THE_DOCUMENTS_FAULT: Final = frozenset(
    # interrupted, not primary, shutting down, stepping down, exceeded time, write concern not met
    {6, 7, 50, 64, 89, 91, 100, 189, 262, 9001, 10058, 10107, 11600, 11602, 13435, 13436}
)


class Mongo:
    """A database and the threads that talk to it.

    Args:
        uri: a MongoDB connection string; a replica set, since transactions need one.
        database: its name.
        timeout_ms: after which a server that does not answer counts as away.

    """

    name = "mongodb"

    def __init__(self, uri: str, database: str, *, timeout_ms: int = 5000) -> None:
        self.client: MongoClient[Document] = MongoClient(
            uri,
            w="majority",
            readConcernLevel="majority",
            serverSelectionTimeoutMS=timeout_ms,
            connectTimeoutMS=timeout_ms,
            socketTimeoutMS=timeout_ms * 2,
            wTimeoutMS=timeout_ms,
            retryWrites=True,
            connect=False,
            tz_aware=True,
            appname="chat-platform",
        )
        self.db: Database[Document] = self.client[database]
        self._writer = StoreThreads(self.name)
        self._readers = StoreThreads(self.name, READ_THREADS)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Connected as long as the block."""
        async with self._readers.running(), self._writer.running():
            yield
        self.client.close()

    async def write(self, function: Callable[..., T], *args: Any) -> T:
        """Run in the thread that writes messages, one batch after the other."""
        return await self._writer.call(_translated, function, *args)

    async def call(self, function: Callable[..., T], *args: Any) -> T:
        """Run in any of the other threads."""
        return await self._readers.call(_translated, function, *args)

    async def ping(self) -> None:
        """Whether a primary answers. Raises `StoreUnavailable`."""
        await self.call(self.db.command, "ping")

    def transaction(self, body: Callable[[ClientSession], T]) -> T:
        """Run `body` in a transaction, again when it meets another one. Raises what `body` raises."""
        with self.client.start_session() as session:
            for attempt in range(TRANSACTION_TRIES):
                try:
                    with session.start_transaction():
                        return body(session)
                except PyMongoError as error:
                    last = attempt == TRANSACTION_TRIES - 1
                    if last or not error.has_error_label("TransientTransactionError"):
                        raise
        raise AssertionError("unreachable")


@contextmanager
def translating() -> Iterator[None]:
    """Turns what pymongo raises for a server that is away, or cannot serve now, into `StoreUnavailable`."""
    try:
        yield
    except (ConnectionFailure, NetworkTimeout, ExecutionTimeout, WTimeoutError) as error:
        raise StoreUnavailable("mongodb", _short(error)) from error
    except OperationFailure as error:
        if error.code in _NOT_THE_DOCUMENTS_FAULT or error.has_error_label("TransientTransactionError"):
            raise StoreUnavailable("mongodb", _short(error)) from error
        raise


def _translated(function: Callable[..., T], *args: Any) -> T:
    with translating():
        return function(*args)


def _short(error: PyMongoError) -> str:
    return str(error).split(", Timeout", maxsplit=1)[0][:300]
