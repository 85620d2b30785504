"""From a message that is durable to a job for those who notify.

A message costs the hot path an entry in a dictionary, and only if its chat has none yet. What has gathered becomes one job, in one command to Redis. The
job only says in which chats there is something new; what it is, and who is to be told, the worker reads from the record.

Nothing is lost:

* A node that dies before it has queued a chat followed the chat's topic: whoever buries it has the chat looked at (`handlers.workers.estates`).
* While Redis is away, chats wait here.
* When Redis has lost its data, and with it what was queued, everything that was written of late is looked at once more (`again`).
"""

from __future__ import annotations

import logging
from typing import Final

import trio

from handlers.notifications.jobs import Look, pack_looks
from handlers.outage import Outage
from handlers.signal import Signal
from persistence.errors import StoreUnavailable
from persistence.ports import Jobs
from supervisors import Child

GATHER_S: Final = 0.5
"""After a job, the next one gathers for so long. The first goes at once."""
MOST_WAITING: Final = 100_000
"""Chats that may wait here."""
MOST_IN_JOB: Final = 500
MOST_QUEUED: Final = 10_000
"""With so many jobs queued, nobody takes any: chats wait here instead."""
COUNT_S: Final = 10.0
RETRY_S: Final = 1.0
RECENT_S: Final = 900.0
"""For so long it is remembered what was queued: should Redis lose its data, this is looked at once more."""

log: Final = logging.getLogger(__name__)


class Notifier:
    """Gathers the chats in which something was written on this node, and queues them.

    Args:
        looks: the queue.

    Attributes:
        queued: chats so far, as often as they were.
        dropped: chats that found no room.

    """

    def __init__(self, looks: Jobs) -> None:
        self._looks = looks
        self._waiting: dict[str, int] = {}
        self._again: dict[str, int] = {}
        # Chat -> the first message that was queued of late. In two generations: the older is forgotten whole.
        self._recent: dict[str, int] = {}
        self._before: dict[str, int] = {}
        self._turned_at = 0.0
        self._counted_at = 0.0
        self._full = False
        self._work = Signal()
        self._outage = Outage(log, "notifications wait while Redis is away", "notifications are queued again")
        self.queued = 0
        self.dropped = 0

    def wrote(self, chat_id: str, seq: int) -> None:
        """A message is durable. Never blocks."""
        if chat_id in self._waiting:
            return
        if len(self._waiting) >= MOST_WAITING:
            self.dropped += 1
            return
        self._waiting[chat_id] = seq
        self._work.set()

    def again(self) -> None:
        """Redis may have lost what was queued: look once more at what was written of late, whoever has been told of it."""
        for recent in (self._before, self._recent):
            for chat_id, seq in recent.items():
                self._again.setdefault(chat_id, seq)
        if self._again:
            self._work.set()

    async def run(self, child: Child) -> None:
        """Queues what gathers, as a supervised child. When asked to stop, it first queues what waits."""
        self._work.set()
        child.ready()
        with child.cancel_on_stop():
            while True:
                await self._work.wait()
                await trio.sleep(GATHER_S if await self._flush() else RETRY_S)
                if self._waiting or self._again:
                    self._work.set()
        await self._flush()

    async def _flush(self) -> bool:
        """Queue what waits; `False` if it has to go on waiting."""
        if not (self._waiting or self._again):
            return True
        taken, self._waiting = self._waiting, {}
        again, self._again = self._again, {}
        looks = [Look(chat_id) for chat_id in taken]
        looks += [Look(chat_id, after=seq - 1) for chat_id, seq in again.items()]
        jobs = [pack_looks(looks[i : i + MOST_IN_JOB]) for i in range(0, len(looks), MOST_IN_JOB)]
        queued = False
        try:
            # A stop lets it finish: whether it was queued decides whether it waits on.
            with trio.CancelScope(shield=True):
                queued = await self._queue(jobs)
        except StoreUnavailable as error:
            self._outage.failed(reason=error.reason)
        finally:
            if not queued:
                self._waiting |= taken
                self._again |= again
        if queued:
            self._outage.succeeded()
            self.queued += len(looks)
            self._remember(taken)
        return queued

    async def _queue(self, jobs: list[bytes]) -> bool:
        now = trio.current_time()
        if self._full or now - self._counted_at >= COUNT_S:
            self._counted_at = now
            full, self._full = self._full, await self._looks.length() >= MOST_QUEUED
            if self._full and not full:
                log.error(
                    "nobody looks for whom to notify: no node has the role `notifications`, or none keeps up"
                )
        if not self._full:
            await self._looks.add(jobs)
        return not self._full

    def _remember(self, taken: dict[str, int]) -> None:
        now = trio.current_time()
        if now - self._turned_at > RECENT_S or len(self._recent) >= MOST_WAITING:
            self._turned_at = now
            self._before, self._recent = self._recent, {}
        for chat_id, seq in taken.items():
            self._recent.setdefault(chat_id, seq)
