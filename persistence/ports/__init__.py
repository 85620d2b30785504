"""What each store promises. Most have a form in MongoDB or Redis, in the module of their name, and all have one in `memory`.

Every method may raise `StoreUnavailable`, is safe to repeat after it, and honours Trio cancellation at its await (a write under way
then still completes: it is never abandoned half-way, and nobody learns its result).
"""

from persistence.ports.account_jobs import AccountJobs
from persistence.ports.attempts import Attempts
from persistence.ports.audit import AuditLog
from persistence.ports.backlog import Backlog
from persistence.ports.blocks import Blocks
from persistence.ports.buckets import Buckets
from persistence.ports.chats import Chats
from persistence.ports.dead_letters import DeadLetters
from persistence.ports.invites import Invites
from persistence.ports.jobs import Jobs
from persistence.ports.live import LivePositions
from persistence.ports.log import MessageLog
from persistence.ports.media import MediaRecords, Objects
from persistence.ports.nodes import Bus, Cluster, OpenChats
from persistence.ports.people import Devices, SigningKeys, Users
from persistence.ports.presence import Presence
from persistence.ports.probe import Probe
from persistence.ports.push import Notified, PushSubscriptions, PushTries
from persistence.ports.stories import Stories, StoryViews

__all__ = [
    "AccountJobs",
    "Attempts",
    "AuditLog",
    "Backlog",
    "Blocks",
    "Buckets",
    "Bus",
    "Chats",
    "Cluster",
    "DeadLetters",
    "Devices",
    "Invites",
    "Jobs",
    "LivePositions",
    "MediaRecords",
    "MessageLog",
    "Notified",
    "Objects",
    "OpenChats",
    "Presence",
    "Probe",
    "PushSubscriptions",
    "PushTries",
    "SigningKeys",
    "Stories",
    "StoryViews",
    "Users",
]
