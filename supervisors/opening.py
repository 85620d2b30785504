"""A tree for as long as a block runs: for tests, scripts, and programs that have a main function of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar

import trio

from supervisors.exits import Escalation, StartError


class Root(Protocol):
    """What `open_supervisor` can run: a `Supervisor`, a `DynamicSupervisor`."""

    async def run(self, *, task_status: trio.TaskStatus[Any] = trio.TASK_STATUS_IGNORED) -> None:
        """Run until stopped."""

    def request_stop(self) -> None:
        """Ask for the end."""


R = TypeVar("R", bound=Root)


@asynccontextmanager
async def open_supervisor(supervisor: R) -> AsyncIterator[R]:
    """Run a root supervisor around a block, which begins when every child is ready.

    However the block ends, the children are stopped in order, last first. Only a cancellation from outside cancels them all at once.

    Raises:
        StartError: a child did not start; the block was not entered.
        Escalation: the restart intensity was reached; the block was cancelled.
        ExceptionGroup: of what the block raised, as from any nursery.

    """
    escalation: Escalation | None = None
    start_error: StartError | None = None
    over = trio.Event()

    async def run(*, task_status: trio.TaskStatus[Any]) -> None:
        nonlocal escalation
        try:
            await supervisor.run(task_status=task_status)
        except Escalation as error:
            escalation = error
            nursery.cancel_scope.cancel()
        over.set()

    async with trio.open_nursery() as nursery:
        try:
            await nursery.start(run)
        except StartError as error:
            start_error = error
        else:
            try:
                yield supervisor
            finally:
                supervisor.request_stop()
                await over.wait()
    if start_error is not None:
        raise start_error
    if escalation is not None:
        raise escalation
