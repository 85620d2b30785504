"""The connection to MongoDB: one client, a thread that writes messages, a few for everything else.

Writes are acknowledged by a majority and journaled; reads see only what a majority has, so nothing that was read can be rolled back.

A unique index knows entries before a majority has them. Whoever was refused by one finds the other entry nevertheless: a refused insertion, and the end of
a refused transaction, are acknowledged only when a majority has everything that was written before.
"""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, TypeVar

import pymongo
import trio
from bson.codec_options import TypeDecoder, TypeRegistry
from bson.int64 import Int64
from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import (
    BulkWriteError,
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
FIRST_PAUSE_S: Final = 0.001
LONGEST_PAUSE_S: Final = 0.05
_DUPLICATE_KEY: Final = 11000
_THE_DOCUMENTS_FAULT: Final = frozenset(
    # bad value, does not parse, wrong type, immutable field, validation, too large (three times), duplicate key (twice)
    {2, 9, 14, 66, 121, 10334, 17280, 17419, 11000, 11001}
)
"""Errors that come again however often the operation is repeated. All others are the server's state: fail-over, a full disk, rights, load."""


class _PlainInt(TypeDecoder):
    """Numbers of 64 bits as plain `int`: the driver's own kind of int is not what the rest of the program can encode."""

    bson_type = Int64

    def transform_bson(self, value: Int64) -> int:
        return int(value)


class Mongo:
    """A database and the threads that talk to it.

    Args:
        uri: a MongoDB connection string; a replica set, since transactions need one.
        database: its name.
        timeout_ms: for each job, its repetitions included; a server that does not answer until then counts as away.

    """

    name = "mongodb"

    def __init__(self, uri: str, database: str, *, timeout_ms: int = 5000) -> None:
        self.client: MongoClient[Document] = MongoClient(
            uri,
            w="majority",
            journal=True,
            readConcernLevel="majority",
            serverSelectionTimeoutMS=timeout_ms,
            connectTimeoutMS=timeout_ms,
            retryWrites=True,
            connect=False,
            tz_aware=True,
            type_registry=TypeRegistry([_PlainInt()]),
            appname="chat-platform",
        )
        self.db: Database[Document] = self.client[database]
        self._timeout_s = timeout_ms / 1000
        self._sessions = threading.local()
        self._writer = StoreThreads(self.name)
        self._readers = StoreThreads(self.name, READ_THREADS, drops_abandoned=True)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Connected as long as the block."""
        try:
            async with self._readers.running(), self._writer.running():
                yield
        finally:
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(self._close)

    def _close(self) -> None:
        with pymongo.timeout(self._timeout_s):  # it says goodbye to the server, which may be away
            self.client.close()

    async def write(self, function: Callable[..., T], *args: Any) -> T:
        """Run in the thread that writes messages, one batch after the other."""
        return await self._writer.call(self._job, function, *args)

    async def call(self, function: Callable[..., T], *args: Any) -> T:
        """Run in any of the other threads."""
        return await self._readers.call(self._job, function, *args)

    async def administer(self, function: Callable[..., T], *args: Any) -> T:
        """Run in any of the other threads, for as long as it takes: an index on what is there already may need hours."""
        return await self._readers.call(_translated, function, *args)

    def _job(self, function: Callable[..., T], *args: Any) -> T:
        with pymongo.timeout(self._timeout_s):
            return _translated(function, *args)

    async def ping(self) -> None:
        """Whether a primary answers. Raises `StoreUnavailable`."""
        await self.call(self.db.command, "ping")

    def transaction(self, body: Callable[[ClientSession], T]) -> T:
        """Run `body` in a transaction, again when it meets another one. Raises what `body` raises."""
        session = self._session()
        for attempt in range(TRANSACTION_TRIES):
            try:
                with session.start_transaction():
                    return body(session)
            # A lost connection is not for here: to wait for the server is up to the caller.
            except OperationFailure as error:
                last = attempt == TRANSACTION_TRIES - 1
                if last or not error.has_error_label("TransientTransactionError"):
                    raise
            time.sleep(min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**attempt))
        raise AssertionError("unreachable")

    def _session(self) -> ClientSession:
        """This thread's own session, always the same.

        A transaction whose end the server was not told, because the connection broke, stays open there and holds what it wrote. The next one of the same
        session ends it at once.
        """
        session: ClientSession | None = getattr(self._sessions, "own", None)
        if session is None:
            session = self._sessions.own = self.client.start_session()
        return session


@contextmanager
def translating() -> Iterator[None]:
    """Turns what pymongo raises for a server that is away, or cannot serve now, into `StoreUnavailable`."""
    try:
        yield
    except (ConnectionFailure, NetworkTimeout, ExecutionTimeout, WTimeoutError) as error:
        raise StoreUnavailable("mongodb", _short(error)) from error
    except OperationFailure as error:
        if _is_away(error):
            raise StoreUnavailable("mongodb", _short(error)) from error
        raise


def refused_at(error: BulkWriteError) -> int:
    """The position of the first document that a unique index refused; everything before it is written. Raises `error` if it is for another reason."""
    refused = (error.details or {}).get("writeErrors") or []
    if _is_away(error) or not refused or refused[0].get("code") != _DUPLICATE_KEY:
        raise error
    position: int = refused[0]["index"]
    return position


def _is_away(error: OperationFailure) -> bool:
    if error.timeout or error.has_error_label("TransientTransactionError"):
        return True
    if not isinstance(error, BulkWriteError):
        return error.code not in _THE_DOCUMENTS_FAULT
    details = error.details or {}
    refused = {each.get("code") for each in details.get("writeErrors", ())}
    return bool(details.get("writeConcernErrors")) or not refused <= _THE_DOCUMENTS_FAULT


def _translated(function: Callable[..., T], *args: Any) -> T:
    with translating():
        return function(*args)


def _short(error: PyMongoError) -> str:
    return str(error).split(", Timeout", maxsplit=1)[0][:300]
