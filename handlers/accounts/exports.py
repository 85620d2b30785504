"""Everything that a person has here, in one archive.

A worker (`handlers/workers/account_tasks.py`) reads it page by page into a temporary file, and puts that into the object store. Whoever asked fetches it from
there, by a URL that is good for minutes, until the archive runs out.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import trio
from msgspec import structs

from handlers.accounts.archive import Archive, forget_old
from handlers.accounts.export_contents import ExportContents
from handlers.audit.audit import Audit
from handlers.errors import ChatError, Code, not_found
from handlers.principal import Principal
from handlers.wire import rfc3339, rfc3339_or_none
from handlers.workers.account_tasks import Keep
from persistence.models import AccountJob, AccountTask, AuditAction, TaskState
from persistence.ports import AccountJobs, Objects, Users

EVERY_MS: Final = 3_600_000
"""Between two archives of one user."""
KEPT_MS: Final = 7 * 86_400_000
URL_TTL_S: Final = 600
MOST_TRIES: Final = 12
"""How often a worker takes up an archive that cannot be made, or a node does not live to make."""
LEFT_OVER_S: Final = 3_600
"""Temporary files that are older than this are nobody's."""
CONTENT_TYPE: Final = "application/zip"

_STATUS: Final[dict[TaskState, Literal["preparing", "ready", "failed"]]] = {
    TaskState.WAITING: "preparing",
    TaskState.READY: "ready",
    TaskState.FAILED: "failed",
}

Run = Callable[..., Awaitable[Any]]
"""Runs a function where it may take long."""


class ExportView(msgspec.Struct, frozen=True, kw_only=True):
    """An archive. `url` is there when it is `ready`, and good until `url_expires_at`; another is given with each answer until `expires_at`."""

    id: str
    status: Literal["preparing", "ready", "failed"]
    requested_at: str
    ready_at: str | None
    expires_at: str | None
    size: int | None
    url: str | None
    url_expires_at: str | None


class Exports:
    """Makes archives.

    Args:
        jobs, users: the record.
        contents: what goes into an archive.
        objects: where archives are kept.
        audit: has its entry before anything is read.
        folder: for temporary files.
        run: runs a function where it may take long; a test on a virtual clock, where threads cannot be, runs it on the spot.
        wake: called when a worker has something to do.
        clock: milliseconds since the epoch.
        new_id: makes ids.

    """

    def __init__(
        self,
        *,
        jobs: AccountJobs,
        users: Users,
        contents: ExportContents,
        objects: Objects,
        audit: Audit,
        folder: Path,
        run: Run,
        wake: Callable[[], None],
        clock: Callable[[], int],
        new_id: Callable[[], str],
    ) -> None:
        self._jobs = jobs
        self._users = users
        self._contents = contents
        self._objects = objects
        self._audit = audit
        self._folder = folder
        self._run = run
        self._wake = wake
        self._clock = clock
        self._new_id = new_id

    async def request(self, principal: Principal, address: str) -> ExportView:
        """Have an archive made; the one that is being made, if there is one. Raises `ChatError` (`RATE_LIMITED`), `StoreUnavailable`."""
        there = await self._jobs.get(principal.user_id, AccountTask.EXPORT)
        now = self._clock()
        if there is not None:
            left = (now if there.done_at is None else there.done_at) + EVERY_MS - now
            if there.state is TaskState.READY and left > 0:
                raise ChatError(Code.RATE_LIMITED, "an archive was made just now", retry_after_ms=left)
            if there.state is TaskState.WAITING:
                return self._view(there)
            await self._objects.delete([_key(there)])  # nothing will name it any more
        await self._audit.record(
            AuditAction.ACCOUNT_EXPORTED,
            actor_id=principal.user_id,
            device_id=principal.device_id,
            address=address,
            about={"user_id": principal.user_id},
        )
        job = AccountJob(
            user_id=principal.user_id,
            task=AccountTask.EXPORT,
            run_id=self._new_id(),
            asked_at=now,
            due_at=now,
        )
        kept = await self._jobs.add(job, instead_of=None if there is None else there.run_id)
        self._wake()
        return self._view(kept)

    async def get(self, principal: Principal) -> ExportView:
        """The archive asked for last. Raises `ChatError` (`NOT_FOUND`)."""
        job = await self._jobs.get(principal.user_id, AccountTask.EXPORT)
        if job is None or (job.expires_at is not None and job.expires_at <= self._clock()):
            raise not_found("export")
        return self._view(job)

    def _view(self, job: AccountJob) -> ExportView:
        now = self._clock()
        url = None
        if job.state is TaskState.READY:
            disposition = f'attachment; filename="export-{rfc3339(job.asked_at)[:10]}.zip"'
            url = self._objects.sign_download(
                _key(job), content_type=CONTENT_TYPE, disposition=disposition, ttl_s=URL_TTL_S
            )
        return ExportView(
            id=job.run_id,
            status=_STATUS[job.state],
            requested_at=rfc3339(job.asked_at),
            ready_at=rfc3339_or_none(job.done_at),
            expires_at=rfc3339_or_none(job.expires_at),
            size=job.size if job.state is TaskState.READY else None,
            url=url,
            url_expires_at=None if url is None else rfc3339(now + URL_TTL_S * 1000),
        )

    # -- what the worker does --------------------------------------------------------------------------------------

    async def carry_out(self, job: AccountJob, keep: Keep) -> AccountJob | None:
        """Make it; or, when it has run out, remove it."""
        user = (await self._users.get_many([job.user_id])).get(job.user_id)
        if job.state is not TaskState.WAITING or user is None or user.deleted:
            await self._objects.delete([_key(job)])
            return None
        now = self._clock()
        if job.tries > MOST_TRIES:
            return structs.replace(
                job, state=TaskState.FAILED, due_at=now + KEPT_MS, expires_at=now + KEPT_MS
            )
        await self._run(lambda: forget_old(self._folder, older_than_s=LEFT_OVER_S))
        path = self._folder / f"{job.run_id}.{self._new_id()}.zip"
        archive: Archive = await self._run(Archive, path)

        async def add(name: str, items: Sequence[Any]) -> None:
            await keep()
            await self._run(archive.add, name, items)

        try:
            await self._contents.write(user, add)
            size: int = await self._run(archive.close)
            await keep()
            await self._objects.put(_key(job), path, content_type=CONTENT_TYPE)
        finally:
            with trio.CancelScope(shield=True):
                await self._run(archive.discard)
        done = self._clock()
        return structs.replace(
            job,
            state=TaskState.READY,
            size=size,
            done_at=done,
            due_at=done + KEPT_MS,
            expires_at=done + KEPT_MS,
        )

    async def forget(self, deletion: AccountJob) -> None:
        """The account is being deleted: no archive of it stays. Raises `StoreUnavailable`."""
        job = await self._jobs.get(deletion.user_id, AccountTask.EXPORT)
        if job is not None:
            await self._objects.delete([_key(job)])
            await self._jobs.remove(job)


def _key(job: AccountJob) -> str:
    return f"exports/{job.user_id}/{job.run_id}.zip"
