"""What MongoDB keeps, in memory: one record for all nodes of a simulation."""

from __future__ import annotations

from bisect import insort
from typing import TYPE_CHECKING, Any

from persistence.memory.faults import Faults
from persistence.memory.objects import Bucket
from persistence.models import (
    AccountJob,
    AccountTask,
    AuditEntry,
    AuditNote,
    Block,
    Change,
    Chat,
    DeadLetter,
    Device,
    Head,
    Invite,
    Media,
    Member,
    Message,
    PushSubscription,
    PushTry,
    User,
    Viewing,
)

if TYPE_CHECKING:
    from persistence.memory.stories import Kept


class Record:
    """One database, for all nodes of a simulation, and the bucket that goes with it."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults("mongodb")
        self.users: dict[str, User] = {}
        self.devices: dict[str, Device] = {}
        self.chats: dict[str, Chat] = {}
        self.members: dict[tuple[str, str], Member] = {}
        self.blocks: dict[tuple[str, str], Block] = {}
        self.invites: dict[str, Invite] = {}
        self.removals: set[tuple[str, str]] = set()
        self.account_jobs: dict[tuple[str, AccountTask], AccountJob] = {}
        self.messages: dict[str, dict[int, Message]] = {}
        self.changes: dict[str, dict[int, Change]] = {}
        self.revs: dict[str, list[int]] = {}
        self.client_ids: dict[tuple[str, str, str], int] = {}
        self.keys: dict[str, dict[str, Any]] = {}
        self.letters: dict[str, DeadLetter] = {}
        self.audit: dict[int, AuditEntry] = {}
        self.audit_notes: set[str] = set()
        self.audit_pending: dict[str, AuditNote] = {}
        self.stories: dict[str, Kept] = {}
        self.story_views: dict[tuple[str, str], tuple[Viewing, int]] = {}
        self.subscriptions: dict[str, PushSubscription] = {}
        self.notified: dict[str, int] = {}
        self.tries: dict[str, PushTry] = {}
        self.media: dict[str, Media] = {}
        self.bucket = Bucket()

    def head(self, chat_id: str) -> Head:
        """The end of a chat's log."""
        revs = self.revs.get(chat_id)
        return Head(seq=max(self.messages.get(chat_id, ()), default=0), rev=revs[-1] if revs else 0)

    def take_rev(self, chat_id: str, rev: int) -> None:
        """Every rev ever taken stays taken."""
        insort(self.revs.setdefault(chat_id, []), rev)
