"""Group commit: whatever has gathered from all routers while one write was under way goes into the next.

One batch at a time, so a chat's entries are written in their order. Idle, nothing waits; busy, batches grow by themselves.
"""

from __future__ import annotations

import logging
import random
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

import trio

from handlers.operators.trail import Span, Trail, stored_span
from handlers.outage import Outage
from handlers.routing.router import Router
from handlers.signal import Signal
from persistence.errors import StoreUnavailable
from persistence.models import LogWrite
from persistence.ports import MessageLog
from supervisors import Child

FAIR_SHARE: Final = 64
"""Entries of one chat in a batch while others wait."""
FIRST_PAUSE_S: Final = 0.05
LONGEST_PAUSE_S: Final = 1.0

log = logging.getLogger(__name__)


class GroupCommit:
    """Writes what routers have planned.

    Args:
        store: the record.
        trail: told of what is durable.
        batch: entries in one write at most; larger ones were seen to take long in a busy mongod.
        jitter: a random factor between 0 and 1 for the pauses while the store is away.

    Attributes:
        pending: commands that wait to be written.
        writing: a batch is under way.
        written, batches, failures: since the start.

    """

    def __init__(
        self, store: MessageLog, trail: Trail, *, batch: int, jitter: Callable[[], float] = random.random
    ) -> None:
        self._store = store
        self._trail = trail
        self._batch = batch
        self._jitter = jitter
        self._queue: deque[Router] = deque()
        self._taken: list[Router] = []
        self._work = Signal()
        self._when_waiting: Callable[[], None] | None = None
        self._outage = Outage(
            log, "the message store does not answer; sends are held", "the message store answers again"
        )
        self._refused = 0
        self._singly = 0
        self.pending = 0
        self.writing = False
        self.written = 0
        self.batches = 0
        self.failures = 0

    def enqueue(self, router: Router) -> None:
        """The router has something to write."""
        if not router.queued:
            router.queued = True
            self._queue.append(router)
            self._work.set()
            self._say_so()

    def waiting(self) -> list[Router]:
        """Those that have something to write, and are not in a batch."""
        return list(self._queue)

    def when_waiting(self, tell: Callable[[], None]) -> None:
        """Have this called, once, as soon as anybody has something to write: at once if somebody has."""
        self._when_waiting = tell
        if self._queue:
            self._say_so()

    def _say_so(self) -> None:
        tell, self._when_waiting = self._when_waiting, None
        if tell is not None:
            tell()

    def accepted(self) -> None:
        """One more command waits somewhere. `pending` counts them up between batches, and counts them anew with each."""
        self.pending += 1

    def is_full(self, most: int) -> bool:
        """Whether so many commands wait that no more are taken."""
        if self.pending >= most and not self._queue and not self.writing:
            self.pending = (
                0  # what was counted has been settled without a batch, which would have counted anew
            )
        return self.pending >= most

    async def run(self, child: Child) -> None:
        """The writer, as a supervised child. When asked to stop, it first writes what waits, as long as the store answers."""
        self._resume()
        child.mailbox_length = lambda: self.pending
        child.ready()
        pause = FIRST_PAUSE_S
        with child.cancel_on_stop():
            while True:
                await self._work.wait()
                while self._queue:
                    if await self._write_batch():
                        pause = FIRST_PAUSE_S
                    else:
                        await trio.sleep(pause * (0.5 + self._jitter()))
                        pause = min(pause * 2, LONGEST_PAUSE_S)
        while self._queue and await self._write_batch():
            pass

    def _resume(self) -> None:
        """After a crash: what was in a batch then waits again."""
        taken, self._taken = self._taken, []
        for router in (*taken, *self._queue):
            router.unwritten(trio.current_time())
            if router.room.mailbox:
                self.enqueue(router)
        self._work.set()

    async def _write_batch(self) -> bool:
        """One write. `False` if the store did not answer; everything then waits again."""
        taken: list[tuple[Router, int]] = []
        writes: list[LogWrite] = []
        waiting = len(self._queue)
        most = 1 if self._singly else self._batch
        self._singly = max(0, self._singly - 1)
        share = FAIR_SHARE if waiting > 1 else most
        for _ in range(waiting):
            router = self._queue.popleft()
            router.queued = False
            planned = router.plan(min(share, most - len(writes)))
            if planned:
                taken.append((router, len(planned)))
                writes += planned
            if len(writes) >= most:
                break
        if not writes:
            return True
        self._taken = [router for router, _ in taken]
        try:
            with trio.CancelScope(
                shield=True
            ):  # a batch is never abandoned half-way: its outcome decides what is planned next
                self.writing = True
                outcomes = await self._store.append(writes)
        except StoreUnavailable as error:
            self._hold(taken, error)
            return False
        except Exception as error:  # noqa: BLE001 - becomes the crash of the router whose command it is
            self._reject(taken, error)
            return True
        finally:
            self.writing = False
        self._taken = []
        self._outage.succeeded(refused=self._refused)
        self._refused = 0
        self.batches += 1
        self.written += len(writes)
        start, at = 0, self._trail.now()
        spans: list[Span] = []
        for router, count in taken:
            settled = outcomes[start : start + count]
            span = stored_span(writes, start, settled)
            router.settle(settled)
            if span is not None:
                spans.append((*span, self._trail.queued()))
            start += count
        self._trail.wrote(at, spans)
        self._count()
        return True

    def _reject(self, taken: list[tuple[Router, int]], error: Exception) -> None:
        """The store will not write this batch, however often it is asked. One by one, it turns out which command is to blame."""
        self._taken = []
        (first, count), *others = taken
        if count == 1 and not others:
            first.rejected(error)
        else:
            log.warning("a batch is written one by one: %s", type(error).__name__)
            self._singly = sum(planned for _, planned in taken)
            for router, _ in taken:
                router.unwritten(trio.current_time())
        self._put_back(router for router, _ in taken)
        self._count()

    def _put_back(self, routers: Iterable[Router]) -> None:
        """Those of them that still have something to write are the next, in their order."""
        for router in reversed(list(routers)):
            if router.room.mailbox and not router.queued:
                router.queued = True
                self._queue.appendleft(router)
        if self._queue:
            self._say_so()

    def _count(self) -> None:
        self.pending = sum(len(router.room.mailbox) for router in self._queue)

    def _hold(self, taken: list[tuple[Router, int]], error: StoreUnavailable) -> None:
        self.failures += 1
        self._taken = []
        now = trio.current_time()
        for router, _ in taken:
            self._refused += router.unwritten(now)
        for router in self._queue:
            self._refused += router.unwritten(now)
        self._outage.failed(reason=error.reason, chats=len(taken) + len(self._queue))
        self._put_back(router for router, _ in taken)
        self._count()
