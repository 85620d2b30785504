"""The stores of a node, all in memory."""

from persistence.backlog import RETRIES
from persistence.memory import (
    Broker,
    MemoryAccountJobs,
    MemoryAttempts,
    MemoryAuditLog,
    MemoryBacklog,
    MemoryBlocks,
    MemoryBuckets,
    MemoryBus,
    MemoryChats,
    MemoryCluster,
    MemoryDeadLetters,
    MemoryDevices,
    MemoryInvites,
    MemoryJobs,
    MemoryLivePositions,
    MemoryLog,
    MemoryMedia,
    MemoryNotified,
    MemoryObjects,
    MemoryOpenChats,
    MemoryPresence,
    MemoryPushSubscriptions,
    MemoryPushTries,
    MemorySigningKeys,
    MemoryStories,
    MemoryStoryViews,
    MemoryUsers,
    Record,
)
from server.stores import RETRY_LEASE_S, Stores


def memory_stores(
    incarnation: str,
    record: Record | None = None,
    broker: Broker | None = None,
    *,
    bus: MemoryBus | None = None,
) -> Stores:
    """Stores for one node; nodes of a cluster are given the same `record` and `broker`. On its own it never misses a heartbeat."""
    record, broker = record or Record(), broker or Broker(lease_s=1e9)
    bus = bus or MemoryBus(broker, incarnation)
    return Stores(
        incarnation=incarnation,
        log=MemoryLog(record),
        chats=MemoryChats(record),
        users=MemoryUsers(record),
        blocks=MemoryBlocks(record),
        invites=MemoryInvites(record),
        account_jobs=MemoryAccountJobs(record),
        media=MemoryMedia(record),
        objects=MemoryObjects(record.bucket),
        devices=MemoryDevices(record),
        keys=MemorySigningKeys(record),
        dead_letters=MemoryDeadLetters(record),
        audit=MemoryAuditLog(record),
        stories=MemoryStories(record),
        story_views=MemoryStoryViews(record),
        bus=bus,
        cluster=MemoryCluster(broker, incarnation, bus),
        open_chats=MemoryOpenChats(broker),
        presence=MemoryPresence(broker),
        attempts=MemoryAttempts(broker),
        buckets=MemoryBuckets(broker),
        backlog=MemoryBacklog(broker),
        retries=MemoryJobs(broker, RETRIES, incarnation, lease_s=RETRY_LEASE_S),
        live_positions=MemoryLivePositions(broker),
        jobs=lambda queue, lease_s: MemoryJobs(broker, queue, incarnation, lease_s=lease_s),
        subscriptions=MemoryPushSubscriptions(record),
        notified=MemoryNotified(record),
        tries=MemoryPushTries(record),
    )
