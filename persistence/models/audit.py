"""The audit log: who did what that somebody may have to answer for."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

Fact = str | int | bool


class AuditAction(StrEnum):
    """What can be in the audit log."""

    SIGNED_UP = "signed_up"
    SIGNED_IN = "signed_in"
    SIGN_IN_FAILED = "sign_in_failed"
    REFRESH_REUSED = "refresh_reused"
    SIGNED_OUT = "signed_out"
    CHAT_CREATED = "chat_created"
    CHAT_DELETED = "chat_deleted"
    MEMBER_SET = "member_set"  # user_id came in, or got another role: `role`
    MEMBER_REMOVED = "member_removed"  # user_id left, or was removed
    MESSAGE_DELETED = "message_deleted"
    ACCOUNT_DELETED = "account_deleted"
    ACCOUNT_EXPORTED = "account_exported"
    OPERATOR_MADE = "operator_made"
    OPERATOR_READ = "operator_read"
    NOTES_LOST = "notes_lost"  # `count` notes were more than a node could keep while the record was away


class AuditNote(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is to be in the audit log, once.

    Attributes:
        id: of this note, chosen by whoever makes it: the same one is never in the log twice.
        at: when it happened.
        action: an `AuditAction`, or what a newer version of the software has noted.
        actor_id, device_id, address: who did it, and from where; empty where nobody knows.
        about: what else there is to say. `user_id` and `chat_id` can be searched for.

    """

    id: str
    at: int
    action: str
    actor_id: str = ""
    device_id: str = ""
    address: str = ""
    about: Mapping[str, Fact] = {}


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A note at its place in the log.

    Attributes:
        seq: 1, 2, 3 and so on, without a hole.
        previous: the hash of the entry before.
        hash: of this entry, `previous` included.

    """

    seq: int
    note: AuditNote
    previous: str
    hash: str


class AuditQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries: all that is given must hold. Newest first, at most `limit`.

    Attributes:
        user_id, chat_id: whom and what an entry is about.
        since, until: times; from the first on, before the second.
        before: `(at, seq)` of the last entry of the page before.

    """

    limit: int
    action: str | None = None
    actor_id: str | None = None
    user_id: str | None = None
    chat_id: str | None = None
    since: int | None = None
    until: int | None = None
    before: tuple[int, int] | None = None
