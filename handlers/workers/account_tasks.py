"""What takes a while to be done for accounts, by whichever node takes it up; another goes on with what one did not live to finish."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol

import trio
from msgspec import structs

from handlers.errors import ChatError
from handlers.outage import Outage
from handlers.signal import Signal
from persistence.errors import StoreUnavailable
from persistence.models import AccountJob, AccountTask
from persistence.ports import AccountJobs
from supervisors import Child

POLL_S: Final = 30.0
"""Seconds between looks for what other nodes have left undone. What is asked of this node is taken up at once."""
LEASE_MS: Final = 60_000
"""For how long whoever has taken up a task has it to themselves; renewed while it is being done."""
FIRST_PAUSE_MS: Final = 1_000
LONGEST_PAUSE_MS: Final = 600_000
"""Before a task that could not be done is taken up again; twice as long each time."""

log: Final = logging.getLogger(__name__)


class TakenOver(Exception):
    """Somebody else is at the task by now."""


Keep = Callable[[], Awaitable[None]]
"""To be called every now and then by whoever is at a task: it stays theirs. Raises `TakenOver`."""


class Task(Protocol):
    """How tasks of one kind are done."""

    async def carry_out(self, job: AccountJob, keep: Keep) -> AccountJob | None:
        """Do it, from the start; what is to be kept of it, or `None` for nothing. What has been done before it does no harm to do again.

        Raises:
            ChatError, StoreUnavailable: it is to be done again later.

        """


class AccountTasks:
    """The worker.

    Args:
        jobs: what is to be done.
        tasks: how.
        wake: given when there is something to do.
        clock: milliseconds since the epoch.

    """

    def __init__(
        self,
        jobs: AccountJobs,
        tasks: Mapping[AccountTask, Task],
        wake: Signal,
        clock: Callable[[], int],
    ) -> None:
        self._jobs = jobs
        self._tasks = tasks
        self._work = wake
        self._clock = clock
        self._outage = Outage(
            log, "accounts wait while the record is away", "accounts are seen to again", level=logging.DEBUG
        )

    async def run(self, child: Child) -> None:
        """The worker, as a supervised child."""
        child.ready()
        with child.cancel_on_stop():
            while True:
                with trio.move_on_after(POLL_S):
                    await self._work.wait()
                await self._take_up()

    async def _take_up(self) -> None:
        """What is due, one after the other."""
        with self._outage.met():
            while True:
                now = self._clock()
                job = await self._jobs.claim(now=now, until=now + LEASE_MS)
                if job is None:
                    break
                await self._see_to(job)

    async def _see_to(self, job: AccountJob) -> None:
        held = _Held(self._jobs, job, self._clock)
        try:
            after = await self._tasks[job.task].carry_out(job, held.keep)
            await held.finish(after)
        except TakenOver:
            return
        except (ChatError, StoreUnavailable) as error:
            fields = {"task": job.task.value, "user_id": job.user_id, "reason": str(error)}
            log.info("a task for an account is done later", extra=fields)
            pause = min(FIRST_PAUSE_MS * 2 ** min(job.tries, 20), LONGEST_PAUSE_MS)
            await held.finish(structs.replace(job, due_at=self._clock() + pause))


class _Held:
    """A task that this node is at."""

    def __init__(self, jobs: AccountJobs, job: AccountJob, clock: Callable[[], int]) -> None:
        self._jobs = jobs
        self._job = job
        self._clock = clock

    async def keep(self) -> None:
        """Renew the claim, when half of it is over. Raises `TakenOver`, `StoreUnavailable`."""
        until = self._clock() + LEASE_MS
        if until - self._job.due_at < LEASE_MS // 2:
            return
        renewed = structs.replace(self._job, due_at=until)
        if not await self._jobs.save(renewed, claimed=self._job.due_at):
            raise TakenOver
        self._job = renewed

    async def finish(self, after: AccountJob | None) -> None:
        """What is left of the task. Where somebody else has it by now, that is theirs."""
        if after is None:
            await self._jobs.remove(self._job)
        else:
            await self._jobs.save(after, claimed=self._job.due_at)
