"""Work that any node may do."""

from collections.abc import Sequence
from typing import Protocol

from persistence.models import Job


class Jobs(Protocol):
    """A queue that the workers of all nodes share: a Redis Stream with a consumer group.

    Each job is given to one worker at a time, and at least once: one whose worker has neither finished nor renewed it for the queue's lease is given
    to another. So it has to do no harm that a job is done twice. Lost with Redis.
    """

    async def add(self, jobs: Sequence[bytes], *, delay_s: float = 0) -> None:
        """Queue jobs, in this order, in one step; with a delay, they are given out no earlier than that, by Redis' clock.

        After `StoreUnavailable` they may be queued all the same: to add them again may have them done twice.
        """

    async def take(self, *, most: int, wait_s: float) -> list[Job]:
        """Jobs for this worker: those abandoned by others first, then new ones, oldest first. Waits up to `wait_s` for at least one.

        Jobs whose taker is cancelled, or is told `StoreUnavailable`, may have been given to it: they count as abandoned after the lease.
        """

    async def renew(self, ids: Sequence[str]) -> list[str]:
        """This worker is still at these: their lease begins anew. Those of them that still are its own, the others are another's by now, or gone."""

    async def done(self, ids: Sequence[str]) -> None:
        """These are finished, and gone, whoever has them."""

    async def again(self, job: Job, *, delay_s: float) -> None:
        """Give the job out again, no earlier than after the delay; its tries go on counting. Nothing happens for one that is gone."""

    async def length(self) -> int:
        """How many jobs there are: waiting, delayed, and being worked on."""
