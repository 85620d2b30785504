"""Pushes that are over: what became of them goes to the record, and only then are their jobs done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import trio

from handlers.notifications.jobs import Push, pack_push
from handlers.outage import Outage
from handlers.signal import Signal
from persistence.errors import StoreUnavailable
from persistence.models import DeadLetter, Job, PushSubscription, PushTry
from persistence.ports import DeadLetters, Jobs, PushSubscriptions, PushTries

RETRY_S: Final = 2.0
"""Pause after a store did not take what was to be written."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A job that is over, and what follows: another job after a pause, a subscription to forget, a dead letter, a try for the record."""

    job: Job
    next: Push | None = None
    delay_s: float = 0.0
    forget: PushSubscription | None = None
    letter: DeadLetter | None = None
    tried: PushTry | None = None


class FinishedPushes:
    """Gathers them, and writes all that has gathered at once.

    Args:
        outage: is told when a store is away.

    """

    def __init__(
        self,
        *,
        pushes: Jobs,
        record: PushTries,
        subscriptions: PushSubscriptions,
        dead_letters: DeadLetters,
        outage: Outage,
    ) -> None:
        self._pushes = pushes
        self._record = record
        self._subscriptions = subscriptions
        self._dead_letters = dead_letters
        self._outage = outage
        self._gathered: list[Finished] = []
        self._work = Signal()

    def add(self, finished: Finished) -> None:
        """Have it written."""
        self._gathered.append(finished)
        self._work.set()

    async def run(self) -> None:
        """Write for ever; what a store did not take, again."""
        while True:
            await self._work.wait()
            if not await self.write():
                await trio.sleep(RETRY_S)
                self._work.set()

    async def write(self) -> bool:
        """Write what has gathered; `False` when a store is away, which leaves the jobs as they are."""
        try:
            await self._write()
        except StoreUnavailable as error:
            self._outage.failed(reason=error.reason)
            return False
        return True

    async def _write(self) -> None:
        """The record first, then the next tries, and only then are the jobs done. What a store did not take is written again."""
        while self._gathered:
            batch = self._gathered[:]
            await self._record.note([each.tried for each in batch if each.tried is not None])
            for place, each in enumerate(batch):
                if each.forget is not None:
                    await self._subscriptions.remove(each.forget.id, each.forget.user_id)
                if each.letter is not None:
                    await self._dead_letters.add(each.letter)
                if each.next is not None:
                    await self._pushes.add([pack_push(each.next)], delay_s=each.delay_s)
                self._gathered[place] = Finished(each.job)
            await self._pushes.done([each.job.id for each in batch])
            del self._gathered[: len(batch)]
