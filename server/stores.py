"""The stores of a node: every port that the handlers are given, and the children that keep the connections behind them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final

from config.settings import Settings
from persistence.account_jobs import MongoAccountJobs
from persistence.attempts import RedisAttempts
from persistence.audit import MongoAuditLog
from persistence.backlog import RETRIES, RedisBacklog
from persistence.blocks import MongoBlocks
from persistence.buckets import RedisBuckets
from persistence.chats import MongoChats
from persistence.dead_letters import MongoDeadLetters
from persistence.devices import MongoDevices
from persistence.inbox import RedisBus, RedisCluster
from persistence.indexes import init_db
from persistence.invites import MongoInvites
from persistence.jobs import OWN_PAUSE_S, RedisJobs
from persistence.keys import MongoSigningKeys
from persistence.live_positions import RedisLivePositions
from persistence.media import MongoMedia
from persistence.messages import MongoLog
from persistence.mongo import Mongo
from persistence.objects import ObjectStore
from persistence.open_chats import RedisOpenChats
from persistence.ports import (
    AccountJobs,
    Attempts,
    AuditLog,
    Backlog,
    Blocks,
    Buckets,
    Bus,
    Chats,
    Cluster,
    DeadLetters,
    Devices,
    Invites,
    Jobs,
    LivePositions,
    MediaRecords,
    MessageLog,
    Notified,
    Objects,
    OpenChats,
    Presence,
    Probe,
    PushSubscriptions,
    PushTries,
    SigningKeys,
    Stories,
    StoryViews,
    Users,
)
from persistence.presence import RedisPresence
from persistence.push import MongoNotified, MongoPushSubscriptions, MongoPushTries
from persistence.redis import Redis
from persistence.stories import MongoStories
from persistence.story_views import MongoStoryViews
from persistence.users import MongoUsers
from supervisors import Child, ChildSpec

RETRY_LEASE_S: Final = 10.0
"""A chat whose queued messages somebody takes to the record, who says nothing for so long, is given to another. Two at one chat do no harm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """What a node is built on.

    Attributes:
        incarnation: this node's name among the others, different at each start.
        retries: the queue of the chats of which anything waits in `backlog`.
        jobs: gives the queue of that name, with this node as a worker; the second is the lease of its jobs in seconds.
        probes: what `/readyz` asks.
        children: keep the connections, as long as they run.

    """

    incarnation: str
    log: MessageLog
    chats: Chats
    users: Users
    blocks: Blocks
    invites: Invites
    account_jobs: AccountJobs
    media: MediaRecords
    objects: Objects
    devices: Devices
    keys: SigningKeys
    dead_letters: DeadLetters
    audit: AuditLog
    stories: Stories
    story_views: StoryViews
    bus: Bus
    cluster: Cluster
    open_chats: OpenChats
    presence: Presence
    attempts: Attempts
    buckets: Buckets
    backlog: Backlog
    retries: Jobs
    live_positions: LivePositions
    jobs: Callable[[str, float], Jobs]
    subscriptions: PushSubscriptions
    notified: Notified
    tries: PushTries
    probes: tuple[Probe, ...] = ()
    children: tuple[ChildSpec, ...] = ()


def real_stores(settings: Settings, incarnation: str) -> Stores:
    """The stores that the settings name."""
    mongo = Mongo(
        settings.mongodb.uri.get_secret_value(),
        settings.mongodb.database,
        timeout_ms=settings.mongodb.timeout_ms,
    )
    redis = Redis(settings.redis.url.get_secret_value(), prefix=settings.redis.prefix)
    objects = ObjectStore.from_settings(settings.s3)
    bus = RedisBus(redis, incarnation)
    retries = RedisJobs(redis, RETRIES, incarnation, lease_s=RETRY_LEASE_S, longest_pause_s=OWN_PAUSE_S)
    return Stores(
        incarnation=incarnation,
        log=MongoLog(mongo),
        chats=MongoChats(mongo),
        users=MongoUsers(mongo),
        blocks=MongoBlocks(mongo),
        invites=MongoInvites(mongo),
        account_jobs=MongoAccountJobs(mongo),
        media=MongoMedia(mongo),
        objects=objects,
        devices=MongoDevices(mongo),
        keys=MongoSigningKeys(mongo),
        dead_letters=MongoDeadLetters(mongo),
        audit=MongoAuditLog(mongo),
        stories=MongoStories(mongo),
        story_views=MongoStoryViews(mongo),
        bus=bus,
        cluster=RedisCluster(redis, incarnation, bus, lease_s=settings.cluster.lease_s),
        open_chats=RedisOpenChats(redis),
        presence=RedisPresence(redis),
        attempts=RedisAttempts(redis),
        buckets=RedisBuckets(redis),
        backlog=RedisBacklog(redis, retries),
        retries=retries,
        live_positions=RedisLivePositions(redis),
        jobs=lambda queue, lease_s: RedisJobs(redis, queue, incarnation, lease_s=lease_s),
        subscriptions=MongoPushSubscriptions(mongo),
        notified=MongoNotified(mongo),
        tries=MongoPushTries(mongo),
        probes=(mongo, redis, objects),
        children=(
            ChildSpec("mongodb", _keep_mongodb, (mongo,)),
            ChildSpec("redis", _keep, (redis.running,)),
            ChildSpec("s3", _keep, (objects.running,)),
        ),
    )


async def _keep(child: Child, running: Callable[[], AbstractAsyncContextManager[None]]) -> None:
    async with running():
        child.ready()
        await child.stop_requested()


async def _keep_mongodb(child: Child, mongo: Mongo) -> None:
    """Uniqueness of `seq` and `client_id` is the indexes' doing: there is no node without them. Raises `StoreUnavailable`."""
    async with mongo.running():
        await init_db(mongo)
        child.ready()
        await child.stop_requested()
