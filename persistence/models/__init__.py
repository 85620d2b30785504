"""The records that the stores keep, as frozen values.

Times are integer milliseconds since the Unix epoch, in UTC: cheap to compare and to store; the edges render RFC 3339.
"""

from persistence.models.account_jobs import AccountJob, AccountTask, TaskState
from persistence.models.audit import AuditAction, AuditEntry, AuditNote, AuditQuery
from persistence.models.backlog import Added, BacklogState, Waiting
from persistence.models.blocks import Block
from persistence.models.buckets import BucketUse
from persistence.models.chats import FOREVER, Chat, ChatType, CursorWrite, Member, Reach, Role
from persistence.models.dead_letters import DeadLetter
from persistence.models.invites import Invite
from persistence.models.jobs import Job
from persistence.models.live import LivePosition
from persistence.models.log import (
    LISTED,
    UNSEEN,
    Change,
    ChangeKind,
    ChangesQuery,
    Conflict,
    Deletion,
    Edit,
    Head,
    Listed,
    LogEntry,
    LogWrite,
    Message,
    MessageType,
    Missing,
    Outcome,
    Repeat,
    Skipped,
    Stored,
)
from persistence.models.media import Media, MediaKind, MediaUse, SignedUpload, StoredObject
from persistence.models.nodes import Delivery, Envelope, OpenChat
from persistence.models.people import Device, Privacy, User, Visibility, erased
from persistence.models.presence import Online, PresentDevice, Turn
from persistence.models.push import PushResult, PushSubscription, PushTry
from persistence.models.stories import Story, StoryMark, StoryType, Viewing

__all__ = [
    "FOREVER",
    "LISTED",
    "UNSEEN",
    "AccountJob",
    "AccountTask",
    "Added",
    "AuditAction",
    "AuditEntry",
    "AuditNote",
    "AuditQuery",
    "BacklogState",
    "Block",
    "BucketUse",
    "Change",
    "ChangeKind",
    "ChangesQuery",
    "Chat",
    "ChatType",
    "Conflict",
    "CursorWrite",
    "DeadLetter",
    "Deletion",
    "Delivery",
    "Device",
    "Edit",
    "Envelope",
    "Head",
    "Invite",
    "Job",
    "Listed",
    "LivePosition",
    "LogEntry",
    "LogWrite",
    "Media",
    "MediaKind",
    "MediaUse",
    "Member",
    "Message",
    "MessageType",
    "Missing",
    "Online",
    "OpenChat",
    "Outcome",
    "PresentDevice",
    "Privacy",
    "PushResult",
    "PushSubscription",
    "PushTry",
    "Reach",
    "Repeat",
    "Role",
    "SignedUpload",
    "Skipped",
    "Stored",
    "StoredObject",
    "Story",
    "StoryMark",
    "StoryType",
    "TaskState",
    "Turn",
    "User",
    "Viewing",
    "Visibility",
    "Waiting",
    "erased",
]
