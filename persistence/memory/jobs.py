"""Queues of jobs that the workers of all nodes share, in memory."""

from __future__ import annotations

from collections.abc import Sequence

import trio

from persistence.memory.broker import Broker
from persistence.models import Job


class MemoryJobs:
    """`Jobs` in memory, for one worker."""

    def __init__(self, broker: Broker, queue: str, worker: str, *, lease_s: float) -> None:
        self._b = broker
        self._queue = queue
        self._worker = worker
        self._lease_s = lease_s

    async def add(self, jobs: Sequence[bytes], *, delay_s: float = 0) -> None:
        if not jobs:
            await trio.lowlevel.checkpoint()
            return
        await self._b.faults.before("add_jobs")
        queue = self._b.queue(self._queue)
        for data in jobs:
            queue.put(self._b.new_id(), data, delay_s=delay_s)
        await self._b.faults.after("add_jobs")

    async def take(self, *, most: int, wait_s: float) -> list[Job]:
        until = trio.current_time() + wait_s
        while True:
            await self._b.faults.before("take_jobs")
            queue = self._b.queue(self._queue)
            jobs = queue.take(self._worker, most, self._lease_s)
            await self._b.faults.after("take_jobs")
            if jobs or trio.current_time() >= until:
                return jobs
            with trio.move_on_at(min(until, queue.next_at())):
                await queue.changed.wait()

    async def renew(self, ids: Sequence[str]) -> list[str]:
        await self._b.faults.before("renew_jobs")
        own = self._b.queue(self._queue).renew(self._worker, ids, self._lease_s)
        await self._b.faults.after("renew_jobs")
        return own

    async def done(self, ids: Sequence[str]) -> None:
        await self._b.faults.before("finish_jobs")
        for job_id in ids:
            self._b.queue(self._queue).remove(job_id)
        await self._b.faults.after("finish_jobs")

    async def again(self, job: Job, *, delay_s: float) -> None:
        await self._b.faults.before("repeat_job")
        queue = self._b.queue(self._queue)
        if queue.remove(job.id):
            queue.put(self._b.new_id(), job.data, delay_s=delay_s, tries=job.tries)
        await self._b.faults.after("repeat_job")

    async def length(self) -> int:
        await self._b.faults.before("count_jobs")
        return len(self._b.queue(self._queue))
