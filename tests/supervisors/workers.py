"""Children that do what a test tells them, and a journal of what they and their supervisors did."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any, TypeVar

import trio
from trio.testing import wait_all_tasks_blocked as settle

from supervisors import (
    Child,
    ChildExited,
    ChildRestarted,
    ChildSpec,
    ChildStarted,
    Crash,
    DynamicSupervisor,
    Escalation,
    Exit,
    IntensityBreached,
    Restart,
    Shutdown,
    ShutdownExit,
    ShutdownOverrun,
    Supervisor,
    Telemetry,
    open_supervisor,
)
from supervisors.telemetry import Event

__all__ = ["AnySupervisor", "Boom", "Journal", "Opener", "Worker", "escalates", "opener", "settle"]

E = TypeVar("E", ChildStarted, ChildExited, ChildRestarted, IntensityBreached, ShutdownOverrun)
AnySupervisor = Supervisor | DynamicSupervisor


class Boom(Exception):
    """What a worker crashes with unless told otherwise."""


class Journal:
    """Notes of workers and events of supervisors, in order."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.events: list[Event] = []
        self.telemetry = Telemetry(self.events.append)

    def take(self) -> list[str]:
        """The notes since the last time."""
        notes, self.notes = self.notes, []
        return notes

    def of(self, kind: type[E]) -> list[E]:
        """The events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def exits(self, name: str) -> list[Exit]:
        """How a child ended, each time."""
        return [event.exit for event in self.of(ChildExited) if event.path.split("/")[-1] == name]

    def reports(self) -> list[str]:
        """The ids of crashed children."""
        return [e.path.split("/")[-1] for e in self.of(ChildExited) if isinstance(e.exit, Crash)]

    def worker(self, name: str, **how: Any) -> Worker:
        """A worker that notes here."""
        return Worker(name, self, **how)

    def workers(self, names: str, **how: Any) -> list[Worker]:
        """One for each letter."""
        return [Worker(name, self, **how) for name in names]


class Worker:
    """A child that serves until it is told to end.

    Args:
        start_s: seconds until it is ready; `None` is never.
        stop_s: seconds that it takes to stop once asked.
        spec: further fields of its `ChildSpec`.

    """

    def __init__(
        self,
        name: str,
        journal: Journal,
        *,
        start_s: float | None = 0.0,
        stop_s: float = 0.0,
        **spec: Any,
    ) -> None:
        self.name = name
        self.start_s = start_s
        self.stop_s = stop_s
        self.starts = 0
        self.failing: list[BaseException] = []
        """What its next starts raise before it is ready."""
        self.on_stop: BaseException | None = None
        """What it raises when asked to stop."""
        self.child: Child | None = None
        self.task: trio.lowlevel.Task | None = None
        self.spec = ChildSpec(name, self._run, **spec)
        self._journal = journal
        self._tell: trio.MemorySendChannel[BaseException | None] | None = None

    async def crash(self, error: BaseException | None = None) -> None:
        """Have it raise, and wait until nothing moves any more."""
        self.order(error or Boom(self.name))
        await settle()

    async def end(self) -> None:
        """Have it return, and wait until nothing moves any more."""
        self.order(None)
        await settle()

    async def shut_down(self, reason: str = "done") -> None:
        """Have it end in an orderly way of its own accord."""
        await self.crash(ShutdownExit(reason))

    def order(self, error: BaseException | None) -> None:
        """Have it raise or return, without waiting."""
        assert self._tell is not None
        self._tell.send_nowait(error)

    async def _run(self, child: Child, *args: Any) -> None:
        self.child, self.task = child, trio.lowlevel.current_task()
        self.starts += 1
        self._note("start")
        self._tell, told = trio.open_memory_channel[BaseException | None](1)
        try:
            if self.failing:
                raise self.failing.pop(0)
            with child.cancel_on_stop() as until_stop:
                if self.start_s is None:
                    await trio.sleep_forever()
                await trio.sleep(self.start_s or 0)
                child.ready(args or self.name)
                error = await told.receive()
            if until_stop.cancelled_caught:
                self._note("stop")
                await trio.sleep(self.stop_s)
                if self.on_stop is not None:
                    raise self.on_stop
                self._note("end")
            elif error is not None:
                raise error
        except trio.Cancelled:
            self._note("cancel")
            raise

    def _note(self, what: str) -> None:
        self._journal.notes.append(f"{what} {self.name}")


class Escalated:
    """The escalation that ended a block of `escalates`."""

    value: Escalation


@contextmanager
def escalates() -> Iterator[Escalated]:
    """A block that an escalation ends."""
    escalated = Escalated()
    try:
        yield escalated
    except Escalation as error:
        escalated.value = error
    else:
        raise AssertionError("the supervisor goes on")


Opener = Callable[..., AbstractAsyncContextManager[Any]]


def opener(journal: Journal, kind: str) -> Opener:
    """`open(*workers, **flags)`: a running supervisor of that kind with the workers as its children."""

    @asynccontextmanager
    async def open_static(*workers: Worker, **flags: Any) -> AsyncIterator[Supervisor]:
        supervisor = Supervisor(
            [worker.spec for worker in workers], name="root", telemetry=journal.telemetry, **flags
        )
        async with open_supervisor(supervisor):
            yield supervisor

    @asynccontextmanager
    async def open_dynamic(*workers: Worker, **flags: Any) -> AsyncIterator[DynamicSupervisor]:
        supervisor = DynamicSupervisor(name="root", telemetry=journal.telemetry, **flags)
        async with open_supervisor(supervisor):
            for worker in workers:
                await supervisor.start_child(worker.spec)
            yield supervisor

    return open_static if kind == "static" else open_dynamic


PERMANENT, TRANSIENT, TEMPORARY = Restart.PERMANENT, Restart.TRANSIENT, Restart.TEMPORARY
ASKED = Shutdown("stop requested")
