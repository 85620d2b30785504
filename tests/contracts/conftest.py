"""Each contract test runs twice: against the form in memory on the virtual clock, and, marked `real`, against the real server.

A suite of MongoDB's ports asks for `world`; the suites of other ports have `form`, `clock` and `servers` to build theirs from.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator

import pymongo
import pytest
import trio
import trio.testing

from persistence import inbox
from tests.contracts.nodes import Nodes, memory_nodes, redis_nodes
from tests.contracts.samples import new_id
from tests.contracts.world import Database, World, initialised, memory_world, real_world
from tests.servers import Servers


@pytest.fixture(params=["memory", pytest.param("real", marks=pytest.mark.real)])
def form(request: pytest.FixtureRequest) -> str:
    """Which form of the ports is tested."""
    name: str = request.param
    return name


@pytest.fixture
def clock(form: str) -> trio.testing.MockClock | None:
    """Virtual time for the forms in memory."""
    return trio.testing.MockClock(autojump_threshold=0) if form == "memory" else None


@pytest.fixture(scope="module")
def module_database(servers: Servers) -> Iterator[Database]:
    """A database of the test module's own, dropped afterwards."""
    database = Database(servers, f"contract-{new_id()}")
    trio.run(initialised, database)
    yield database
    with pymongo.MongoClient[dict[str, object]](database.uri) as client:
        client.drop_database(database.name)


@pytest.fixture
def database(module_database: Database) -> Database:
    """The module's database, emptied."""
    with pymongo.MongoClient[dict[str, object]](module_database.uri) as client:
        db = client[module_database.name]
        for name in db.list_collection_names():
            if name != "migrations":
                db[name].delete_many({})
    return module_database


@pytest.fixture
def form_database(form: str, request: pytest.FixtureRequest) -> Database | None:
    """The database, for the real form."""
    if form == "memory":
        return None
    database: Database = request.getfixturevalue("database")
    return database


@pytest.fixture
async def world(
    clock: trio.testing.MockClock | None,
    form_database: Database | None,
) -> AsyncIterator[World]:
    """The ports in memory, or MongoDB's."""
    if form_database is None:
        yield memory_world()
    else:
        async with real_world(form_database) as made:
            yield made


@pytest.fixture
def form_servers(form: str, request: pytest.FixtureRequest) -> Servers | None:
    """The servers, for the real form."""
    if form == "memory":
        return None
    servers: Servers = request.getfixturevalue("servers")
    return servers


@pytest.fixture
async def nodes(form_servers: Servers | None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Nodes]:
    """Nodes to be started, which talk in memory or through Redis."""
    if form_servers is None:
        async with memory_nodes() as made:
            yield made
    else:
        monkeypatch.setattr(inbox, "BLOCK_MS", 20)  # a node that stops waits so long
        async with redis_nodes(form_servers) as real:
            yield real


@pytest.fixture
def free_port() -> Iterator[int]:
    """A port that is taken, so that nobody else gets it, and on which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        yield port
