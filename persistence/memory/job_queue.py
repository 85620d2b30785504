"""A queue of jobs as the broker in memory keeps it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import trio

from persistence.models import Job


@dataclass(slots=True)
class _Entry:
    """A job: `due` is when it may be given out, `worker` who has it, `until` when that counts as abandoned."""

    data: bytes
    tries: int
    due: float
    worker: str | None = None
    until: float = 0.0


class JobQueue:
    """Jobs in the order in which they are given out.

    Attributes:
        changed: set when there may be something to take; a new one from then on.

    """

    def __init__(self) -> None:
        self.changed = trio.Event()
        self._jobs: dict[str, _Entry] = {}

    def __len__(self) -> int:
        return len(self._jobs)

    def put(self, job_id: str, data: bytes, *, delay_s: float = 0, tries: int = 0) -> None:
        """Queue a job."""
        self._jobs[job_id] = _Entry(data, tries, trio.current_time() + delay_s)
        self.wake()

    def wake(self) -> None:
        """Whoever waits looks again."""
        self.changed.set()
        self.changed = trio.Event()

    def take(self, worker: str, most: int, lease_s: float) -> list[Job]:
        """Give jobs to a worker: abandoned ones, then those that nobody had yet."""
        now = trio.current_time()
        abandoned = [(i, e) for i, e in self._jobs.items() if e.worker is not None and e.until <= now]
        fresh = [(i, e) for i, e in self._jobs.items() if e.worker is None and e.due <= now]
        # By when they became due: a delayed job goes behind what has been waiting since before.
        fresh.sort(key=lambda item: item[1].due)
        taken = (abandoned + fresh)[:most]
        for _, entry in taken:
            entry.worker, entry.until = worker, now + lease_s
            entry.tries += 1
        return [Job(id=job_id, data=entry.data, tries=entry.tries) for job_id, entry in taken]

    def next_at(self) -> float:
        """When there is something to take, should nothing be added before."""
        times = (entry.due if entry.worker is None else entry.until for entry in self._jobs.values())
        return min(times, default=math.inf)

    def renew(self, worker: str, ids: Sequence[str], lease_s: float) -> list[str]:
        """Which of these are the worker's; their lease begins anew."""
        own = [job_id for job_id in ids if (e := self._jobs.get(job_id)) is not None and e.worker == worker]
        for job_id in own:
            self._jobs[job_id].until = trio.current_time() + lease_s
        return own

    def remove(self, job_id: str) -> bool:
        """Whether it was there."""
        return self._jobs.pop(job_id, None) is not None

    def forget_workers(self) -> None:
        """Who has what is forgotten, and how often it was given out since it was queued: everything is given out again."""
        for entry in self._jobs.values():
            entry.worker = None
        self.wake()
