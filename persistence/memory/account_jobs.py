"""What takes a while to be done for an account, in memory."""

from __future__ import annotations

from msgspec import structs

from persistence.memory.record import Record
from persistence.models import AccountJob, AccountTask, TaskState


class MemoryAccountJobs:
    """`AccountJobs` in memory."""

    def __init__(self, record: Record) -> None:
        self._r = record

    async def add(self, job: AccountJob, *, instead_of: str | None = None) -> AccountJob:
        await self._r.faults.before("add_account_job")
        key = (job.user_id, job.task)
        there = self._r.account_jobs.get(key)
        over = there is not None and there.run_id == instead_of and there.state is not TaskState.WAITING
        if there is None or over:
            there = self._r.account_jobs[key] = job
        await self._r.faults.after("add_account_job")
        return there

    async def get(self, user_id: str, task: AccountTask) -> AccountJob | None:
        await self._r.faults.before("account_job")
        return self._r.account_jobs.get((user_id, task))

    async def claim(self, *, now: int, until: int) -> AccountJob | None:
        await self._r.faults.before("claim_account_job")
        due = [job for job in self._r.account_jobs.values() if job.due_at <= now]
        taken = None
        if due:
            first = min(due, key=lambda job: (job.due_at, job.user_id, job.task))
            taken = structs.replace(first, due_at=until, tries=first.tries + 1)
            self._r.account_jobs[taken.user_id, taken.task] = taken
        await self._r.faults.after("claim_account_job")
        return taken

    async def save(self, job: AccountJob, *, claimed: int) -> bool:
        await self._r.faults.before("save_account_job")
        there = self._r.account_jobs.get((job.user_id, job.task))
        current = (
            there is not None
            and there.run_id == job.run_id
            and (there.due_at == claimed or (there.due_at, there.state) == (job.due_at, job.state))
        )
        if current:
            self._r.account_jobs[job.user_id, job.task] = job
        await self._r.faults.after("save_account_job")
        return current

    async def remove(self, job: AccountJob) -> bool:
        await self._r.faults.before("remove_account_job")
        there = self._r.account_jobs.get((job.user_id, job.task))
        current = there is not None and (there.run_id, there.due_at) == (job.run_id, job.due_at)
        if current:
            del self._r.account_jobs[job.user_id, job.task]
        await self._r.faults.after("remove_account_job")
        return current
