"""The loop of a worker at a queue that the workers of all nodes share: take some jobs, have them carried out, take the next.

What is taken when a store goes away is not given back: it counts as abandoned when its lease is over, and somebody has it then.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import trio

from handlers.notifications.jobs import LEASE_S
from handlers.outage import Outage
from persistence.models import DeadLetter, Job
from persistence.ports import DeadLetters, Jobs

WAIT_S: Final = 10.0
"""For a job, until asked again."""
RETRY_S: Final = 2.0
"""Pause after a store did not answer."""


class JobLoop:
    """Of one worker.

    Args:
        name: of the queue, in dead letters.
        jobs: the queue.
        dead_letters: where jobs are kept that nobody can carry out.
        outage: told when a store does not answer, and when all of them do.
        clock: milliseconds since the epoch.
        new_id: makes ids.

    """

    def __init__(
        self,
        name: str,
        jobs: Jobs,
        *,
        dead_letters: DeadLetters,
        outage: Outage,
        clock: Callable[[], int],
        new_id: Callable[[], str],
    ) -> None:
        self._name = name
        self._jobs = jobs
        self._dead_letters = dead_letters
        self._outage = outage
        self._clock = clock
        self._new_id = new_id
        self._held: list[str] = []
        self._renewed_at = 0.0

    async def run(
        self,
        carry_out: Callable[[Sequence[Job]], Awaitable[None]],
        *,
        most: int,
        room: Callable[[], Awaitable[int]] | None = None,
    ) -> None:
        """Until cancelled.

        Args:
            carry_out: is given what was taken. Whatever it raises but `StoreUnavailable` ends the loop.
            most: jobs taken at once.
            room: for a worker that has many under way: waits until there is room for more, and says for how many.

        """
        while True:
            fit = most if room is None else min(most, await room())
            with self._outage.met():
                taken = await self._jobs.take(most=fit, wait_s=WAIT_S)
                if taken:
                    await carry_out(taken)
            if self._outage.away:
                await trio.sleep(RETRY_S)

    def hold(self, jobs: Sequence[Job]) -> None:
        """These, just taken, are what this worker is at: `renew` is about them."""
        self._held = [job.id for job in jobs]
        self._renewed_at = trio.current_time()

    async def renew(self) -> None:
        """To be called every now and then by whoever takes a while: the jobs stay this worker's. Raises `StoreUnavailable`."""
        if trio.current_time() - self._renewed_at > LEASE_S / 3:
            self._renewed_at = trio.current_time()
            await self._jobs.renew(self._held)

    async def set_aside(self, job: Job, reason: str) -> None:
        """Keep a job that cannot be carried out, for an operator. Raises `StoreUnavailable`."""
        await self._dead_letters.add(self.letter(reason, {"data": job.data}))

    def letter(self, reason: str, command: dict[str, object]) -> DeadLetter:
        """What could not be done, for an operator."""
        return DeadLetter(
            id=self._new_id(), source=self._name, reason=reason, command=command, at=self._clock()
        )
