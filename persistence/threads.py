"""Long-lived threads for the synchronous clients of MongoDB and Redis: one hop per batch.

A dedicated thread did better than `trio.to_thread.run_sync` per call: the same work, a steadier p99.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from queue import SimpleQueue
from typing import Any, Final, TypeVar

import trio
from trio.lowlevel import Abort

from persistence.errors import StoreUnavailable

T = TypeVar("T")
_STOP: Final = None
MOST_WAITING: Final = 2_000
"""Jobs that may wait. A store that hangs must not make a node remember everything that was ever asked of it."""


class _Job:
    __slots__ = ("args", "error", "function", "result", "task")

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...], task: trio.lowlevel.Task) -> None:
        self.function = function
        self.args = args
        self.task: trio.lowlevel.Task | None = task
        self.result: Any = None
        self.error: BaseException | None = None


class StoreThreads:
    """A few threads that take jobs from one queue; with one thread, jobs run in the order they were given.

    Args:
        name: of the store, for errors and for people who look at threads.
        count: how many.
        drops_abandoned: work that was not begun when its caller was cancelled is not begun at all.

    """

    def __init__(self, name: str, count: int = 1, *, drops_abandoned: bool = False) -> None:
        self.name = name
        self._drops_abandoned = drops_abandoned
        self._count = count
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._token: trio.lowlevel.TrioToken | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The threads live as long as the block: at its end they finish what was given to them. What the block raises comes out as it is."""
        self._token = token = trio.lowlevel.current_trio_token()
        limiter = trio.CapacityLimiter(self._count)
        failure: BaseException | None = None
        async with trio.open_nursery() as nursery:
            for _ in range(self._count):
                nursery.start_soon(self._thread, token, limiter)
            try:
                yield
            except BaseException as error:  # noqa: BLE001 - raised again outside of the nursery, which would wrap it in a group
                failure = error
            finally:
                self._token = None
                for _ in range(self._count):
                    self._jobs.put(_STOP)
        if failure is not None:
            raise failure

    async def _thread(self, token: trio.lowlevel.TrioToken, limiter: trio.CapacityLimiter) -> None:
        with trio.CancelScope(
            shield=True
        ):  # a write is never abandoned: the thread ends by itself once it is told to
            await trio.to_thread.run_sync(self._work, token, limiter=limiter)

    def _work(self, token: trio.lowlevel.TrioToken) -> None:
        while (job := self._jobs.get()) is not _STOP:
            if job.task is None and self._drops_abandoned:
                continue
            try:
                job.result = job.function(*job.args)
            except BaseException as error:  # noqa: BLE001 - raised again where the result is awaited
                job.error = error
            token.run_sync_soon(_finish, job)

    async def call(self, function: Callable[..., T], *args: Any) -> T:
        """Run `function(*args)` in a thread and return its result, or raise what it raised.

        Who is cancelled already starts nothing; who is cancelled while it waits leaves the work to be finished and its result unseen.

        Raises:
            StoreUnavailable: the threads are not running, or too much waits for them.

        """
        if self._token is None:
            raise StoreUnavailable(self.name, "not connected")
        await trio.lowlevel.checkpoint_if_cancelled()
        if self._jobs.qsize() >= MOST_WAITING:
            raise StoreUnavailable(self.name, "too much is waiting for it")
        job = _Job(function, args, trio.lowlevel.current_task())
        self._jobs.put(job)

        def abandon(_raise_cancel: Any) -> Abort:
            job.task = None
            return Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abandon)
        if job.error is not None:
            raise job.error
        result: T = job.result
        return result


def _finish(job: _Job) -> None:
    if job.task is not None:
        trio.lowlevel.reschedule(job.task)
