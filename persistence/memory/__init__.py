"""The ports in memory, for deterministic tests: no threads, one shared world for any number of simulated nodes, faults on demand."""

from persistence.memory.account_jobs import MemoryAccountJobs
from persistence.memory.audit import MemoryAuditLog
from persistence.memory.backlog import MemoryBacklog
from persistence.memory.blocks import MemoryBlocks
from persistence.memory.broker import Broker, MemoryAttempts, MemoryBus, MemoryCluster, MemoryOpenChats
from persistence.memory.buckets import MemoryBuckets
from persistence.memory.chats import MemoryChats
from persistence.memory.dead_letters import MemoryDeadLetters
from persistence.memory.faults import Faults
from persistence.memory.invites import MemoryInvites
from persistence.memory.jobs import MemoryJobs
from persistence.memory.live_positions import MemoryLivePositions
from persistence.memory.log import MemoryLog
from persistence.memory.media import MemoryMedia
from persistence.memory.objects import Bucket, MemoryObjects
from persistence.memory.people import MemoryDevices, MemorySigningKeys, MemoryUsers
from persistence.memory.presence import MemoryPresence
from persistence.memory.push import MemoryNotified, MemoryPushSubscriptions, MemoryPushTries
from persistence.memory.record import Record
from persistence.memory.stories import MemoryStories, MemoryStoryViews

__all__ = [
    "Broker",
    "Bucket",
    "Faults",
    "MemoryAccountJobs",
    "MemoryAttempts",
    "MemoryAuditLog",
    "MemoryBacklog",
    "MemoryBlocks",
    "MemoryBuckets",
    "MemoryBus",
    "MemoryChats",
    "MemoryCluster",
    "MemoryDeadLetters",
    "MemoryDevices",
    "MemoryInvites",
    "MemoryJobs",
    "MemoryLivePositions",
    "MemoryLog",
    "MemoryMedia",
    "MemoryNotified",
    "MemoryObjects",
    "MemoryOpenChats",
    "MemoryPresence",
    "MemoryPushSubscriptions",
    "MemoryPushTries",
    "MemorySigningKeys",
    "MemoryStories",
    "MemoryStoryViews",
    "MemoryUsers",
    "Record",
]
