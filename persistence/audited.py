"""What of a chat's log belongs into the audit log: who came, went, got another role, closed the chat, deleted a message.

The record keeps such a note as pending, in the same transaction as the change, until it is in the audit log. It follows from the change alone, so that
whoever brings it there brings the same.
"""

from __future__ import annotations

from persistence.models import (
    AuditAction,
    AuditNote,
    Change,
    ChangeKind,
    Deletion,
    LogEntry,
    LogWrite,
    Message,
)
from persistence.models.audit import Fact


def audit_note(write: LogWrite, entry: LogEntry) -> AuditNote | None:
    """The note for something that is written to a chat's log; `None` if there is none.

    Args:
        write: what is written.
        entry: the message that is deleted; for others, anything.

    """
    if type(write) is Deletion:
        sender_id = entry.sender_id if type(entry) is Message else ""
        return AuditNote(
            id=_note_id(write),
            at=write.at,
            action=AuditAction.MESSAGE_DELETED,
            actor_id=write.actor_id,
            device_id=write.device_id,
            about={"chat_id": write.chat_id, "seq": write.seq, "user_id": sender_id},
        )
    return _of_change(write) if type(write) is Change else None


def _of_change(change: Change) -> AuditNote | None:
    about: dict[str, Fact] = {"chat_id": change.chat_id}
    match change.kind:
        case ChangeKind.MEMBER_SET:
            action = AuditAction.MEMBER_SET
            about["role"] = "" if change.role is None else change.role.value
        case ChangeKind.MEMBER_REMOVED:
            action = AuditAction.MEMBER_REMOVED
        case ChangeKind.CHAT_DELETED:
            action = AuditAction.CHAT_DELETED
        case _:
            return None
    if change.user_id is not None:
        about["user_id"] = change.user_id
    return AuditNote(id=_note_id(change), at=change.at, action=action, actor_id=change.actor_id, about=about)


def _note_id(write: Change | Deletion) -> str:
    return f"{write.chat_id}#{write.rev}"
