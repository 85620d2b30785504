"""What takes a while to be done for an account, and survives whoever does it."""

from enum import StrEnum

import msgspec


class AccountTask(StrEnum):
    """What is to be done."""

    DELETION = "deletion"
    EXPORT = "export"


class TaskState(StrEnum):
    """How far it is."""

    WAITING = "waiting"  # to be done, or being done, by whoever claims it
    READY = "ready"  # an archive is there until it runs out
    FAILED = "failed"


class AccountJob(msgspec.Struct, frozen=True, kw_only=True):
    """One task for one user; there is at most one of each kind at a time.

    Attributes:
        run_id: different each time that the task is asked for.
        due_at: when somebody may next take it up; who does moves this on, and so is the only one until then.
        tries: how often it has been taken up.
        media_id: of an account that is deleted, the picture of its profile.
        size: of an archive, in bytes.
        done_at, expires_at: since when and until when it is there.

    """

    user_id: str
    task: AccountTask
    run_id: str
    state: TaskState = TaskState.WAITING
    asked_at: int
    due_at: int
    tries: int = 0
    media_id: str | None = None
    size: int = 0
    done_at: int | None = None
    expires_at: int | None = None
