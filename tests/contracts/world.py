"""Two nodes over one record, in memory or in MongoDB: what the suites of MongoDB's ports run against."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import trio

from persistence.account_jobs import MongoAccountJobs
from persistence.audit import MongoAuditLog
from persistence.blocks import MongoBlocks
from persistence.chats import MongoChats
from persistence.dead_letters import MongoDeadLetters
from persistence.devices import MongoDevices
from persistence.indexes import init_db
from persistence.invites import MongoInvites
from persistence.keys import MongoSigningKeys
from persistence.media import MongoMedia
from persistence.memory import (
    MemoryAccountJobs,
    MemoryAuditLog,
    MemoryBlocks,
    MemoryChats,
    MemoryDeadLetters,
    MemoryDevices,
    MemoryInvites,
    MemoryLog,
    MemoryMedia,
    MemoryNotified,
    MemoryPushSubscriptions,
    MemoryPushTries,
    MemorySigningKeys,
    MemoryStories,
    MemoryStoryViews,
    MemoryUsers,
    Record,
)
from persistence.messages import MongoLog
from persistence.mongo import Mongo
from persistence.ports import (
    AccountJobs,
    AuditLog,
    Blocks,
    Chats,
    DeadLetters,
    Devices,
    Invites,
    MediaRecords,
    MessageLog,
    Notified,
    PushSubscriptions,
    PushTries,
    SigningKeys,
    Stories,
    StoryViews,
    Users,
)
from persistence.push import MongoNotified, MongoPushSubscriptions, MongoPushTries
from persistence.stories import MongoStories
from persistence.story_views import MongoStoryViews
from persistence.users import MongoUsers
from tests.contracts.lossy import LossyProxy
from tests.servers import Servers


@dataclass(frozen=True)
class Node:
    """One node's ports to the record."""

    log: MessageLog
    chats: Chats
    users: Users
    devices: Devices
    keys: SigningKeys
    letters: DeadLetters
    blocks: Blocks
    media: MediaRecords
    audit: AuditLog
    invites: Invites
    account_jobs: AccountJobs
    stories: Stories
    story_views: StoryViews
    subscriptions: PushSubscriptions
    notified: Notified
    tries: PushTries


@dataclass(frozen=True)
class World:
    """Two nodes over one record.

    Attributes:
        one, two: they.
        losing_replies: a block with a third node, whose writes take effect before it is told that the store is unavailable.

    """

    one: Node
    two: Node
    losing_replies: Callable[[], AbstractAsyncContextManager[Node]]


@dataclass(frozen=True)
class Database:
    """A database with its collections and indexes, and nothing in them."""

    servers: Servers
    name: str

    @property
    def uri(self) -> str:
        """Where the server is."""
        return self.servers.mongodb_uri

    @property
    def port(self) -> int:
        """Where the server listens."""
        return int(self.uri.partition("/?")[0].rpartition(":")[2])

    def mongo(self, **options: int) -> Mongo:
        """A connection, as a node has one."""
        return Mongo(self.uri, self.name, **options)


async def initialised(database: Database) -> None:
    """Bring a database up to date."""
    mongo = database.mongo()
    async with mongo.running():
        await init_db(mongo)


def memory_world() -> World:
    """Nodes over one record in memory."""
    record = Record()

    @asynccontextmanager
    async def losing_replies() -> AsyncIterator[Node]:
        record.faults.fail_after = 1_000_000
        try:
            yield memory_node(record)
        finally:
            record.faults.fail_after = 0

    return World(memory_node(record), memory_node(record), losing_replies)


@asynccontextmanager
async def real_world(database: Database) -> AsyncIterator[World]:
    """Nodes over one database, each with a connection of its own."""

    @asynccontextmanager
    async def losing_replies() -> AsyncIterator[Node]:
        proxy = LossyProxy(database.port)
        async with trio.open_nursery() as nursery:
            port: int = await nursery.start(proxy.run)
            mongo = Mongo(through(port), database.name, timeout_ms=500)
            async with mongo.running():
                await mongo.ping()
                proxy.losing = True
                yield mongo_node(mongo)
            assert proxy.lost > 0, "no reply was lost: the test tests nothing"
            nursery.cancel_scope.cancel()

    one, two = database.mongo(), database.mongo()
    async with one.running(), two.running():
        yield World(mongo_node(one), mongo_node(two), losing_replies)


def through(port: int) -> str:
    """The connection string that leads to a proxy: without asking the replica set where else it is."""
    return f"mongodb://127.0.0.1:{port}/?directConnection=true"


def memory_node(record: Record) -> Node:
    """A node over a record in memory."""
    return Node(
        MemoryLog(record),
        MemoryChats(record),
        MemoryUsers(record),
        MemoryDevices(record),
        MemorySigningKeys(record),
        MemoryDeadLetters(record),
        MemoryBlocks(record),
        MemoryMedia(record),
        MemoryAuditLog(record),
        MemoryInvites(record),
        MemoryAccountJobs(record),
        MemoryStories(record),
        MemoryStoryViews(record),
        MemoryPushSubscriptions(record),
        MemoryNotified(record),
        MemoryPushTries(record),
    )


def mongo_node(mongo: Mongo) -> Node:
    """A node over a connection."""
    return Node(
        MongoLog(mongo),
        MongoChats(mongo),
        MongoUsers(mongo),
        MongoDevices(mongo),
        MongoSigningKeys(mongo),
        MongoDeadLetters(mongo),
        MongoBlocks(mongo),
        MongoMedia(mongo),
        MongoAuditLog(mongo),
        MongoInvites(mongo),
        MongoAccountJobs(mongo),
        MongoStories(mongo),
        MongoStoryViews(mongo),
        MongoPushSubscriptions(mongo),
        MongoNotified(mongo),
        MongoPushTries(mongo),
    )
