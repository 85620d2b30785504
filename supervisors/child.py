"""A running child: the handle that it is given, and the task around it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import trio

from supervisors.exits import Crash, Exit, Killed, Normal, Shutdown, ShutdownExit, StartError
from supervisors.spec import BRUTAL_KILL, ChildSpec
from supervisors.telemetry import ChildExited, ChildStarted, ShutdownOverrun, Telemetry

if TYPE_CHECKING:
    from supervisors.tree import Branch

OVERRUN_S = 1.0
"""Seconds after a cancellation until a child that still lives is reported."""


class Child:
    """What a running child knows of itself and can ask of its supervisor. Passed to its `start` as the first argument.

    Events are made only when somebody waits: thousands of children may be parked at a time.
    """

    __slots__ = (
        "__weakref__", "_asked", "_being_stopped", "_done", "_ignored", "_on_exit", "_path", "_ready", "_scope", "_scopes", "_started", "_stop", "_telemetry", "branch", "exit",
        "mailbox_length", "restarts", "spec", "started_at", "stopping", "value",
    )  # fmt: skip

    def __init__(
        self,
        spec: ChildSpec,
        parent_path: str,
        telemetry: Telemetry,
        on_exit: Callable[[Child], None],
        restarts: int = 0,
    ) -> None:
        self.spec = spec
        self._path = parent_path
        self._telemetry = telemetry
        self._on_exit = on_exit
        self.restarts = restarts
        self.started_at = trio.current_time()
        self.stopping = False
        """Whether its end is wanted: it was asked to stop, cancelled, or everything around it ends."""
        self.exit: Exit | None = None
        self.value: Any = None
        self.branch: Branch | None = None
        self.mailbox_length: Callable[[], int] | None = None
        self._ready = False
        self._ignored = False
        self._asked = False
        self._being_stopped = False
        self._scope = trio.CancelScope()
        self._started: trio.Event | None = None
        self._stop: trio.Event | None = None
        self._done: trio.Event | None = None
        self._scopes: tuple[trio.CancelScope, ...] = ()

    # -- for the child itself --------------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """The id in its specification."""
        return self.spec.id

    @property
    def path(self) -> str:
        """Where it stands in the tree: "node/routers/3/chat"."""
        return f"{self._path}/{self.spec.id}"

    @property
    def telemetry(self) -> Telemetry:
        """The tree's telemetry, for supervisors below."""
        return self._telemetry

    def ready(self, value: Any = None) -> None:
        """Report that the child serves. The next sibling starts only after this; `value` goes to whoever started a dynamic child."""
        if not self._ready:
            self._ready = True
            self.value = value
            self._telemetry.emit(ChildStarted(self.path))
            if self._started is not None:
                self._started.set()

    def ignore(self) -> None:
        """Report that there is nothing to do: the child returns after this, and that is no failure (OTP's `ignore`)."""
        self._ignored = True

    async def stop_requested(self) -> None:
        """Wait until the supervisor asks the child to stop."""
        if self._stop is None:
            self._stop = trio.Event()
            if self._asked:
                self._stop.set()
        await self._stop.wait()

    @contextmanager
    def cancel_on_stop(self) -> Iterator[trio.CancelScope]:
        """A scope that is cancelled as soon as the child is asked to stop: for what has nothing to finish."""
        with trio.CancelScope() as scope:
            self._scopes = (*self._scopes, scope)
            if self._asked:
                scope.cancel()
            try:
                yield scope
            finally:
                self._scopes = tuple(other for other in self._scopes if other is not scope)

    # -- for its supervisor ----------------------------------------------------------------------------------------

    @property
    def is_ready(self) -> bool:
        """Whether it has reported ready."""
        return self._ready

    @property
    def is_ignored(self) -> bool:
        """Whether it ended with nothing to do."""
        return self._ignored and not self._ready and not isinstance(self.exit, Crash)

    @property
    def alive(self) -> bool:
        """Whether its task still runs."""
        return self.exit is None

    async def started(self) -> bool:
        """Wait until the child is ready (`True`) or has ended before (`False`)."""
        if not self._ready and self.exit is None:
            self._started = trio.Event()
            await self._started.wait()
            self._started = None
        return self._ready

    def request_stop(self) -> None:
        """Ask the child to stop."""
        self.stopping = self._asked = True
        if self._stop is not None:
            self._stop.set()
        for scope in self._scopes:
            scope.cancel()

    def kill(self) -> None:
        """Cancel the child."""
        self.stopping = True
        self._scope.cancel()

    async def done(self) -> None:
        """Wait until the child's task is gone."""
        if self.exit is None:
            if self._done is None:
                self._done = trio.Event()
            await self._done.wait()

    async def stop(self) -> None:
        """Ask, wait for the child's budget, cancel, wait. Returns only when the child is gone; says so when that takes long.

        Called again meanwhile it only waits. To be run where nobody but the supervisor's own end cancels it.
        """
        if self._being_stopped:
            await self.done()
            return
        self._being_stopped = True
        budget = self.spec.budget
        if budget is not BRUTAL_KILL:
            assert isinstance(budget, int | float)
            self.request_stop()
            with trio.move_on_after(budget):
                await self.done()
                return
        self.kill()
        with trio.move_on_after(OVERRUN_S):
            await self.done()
            return
        self._telemetry.emit(ShutdownOverrun(self.path, OVERRUN_S))
        await self.done()

    async def main(self) -> None:
        """The child's task: run it, and turn whatever it ends with into an `Exit`."""
        exit_: Exit
        try:
            with self._scope:
                await trio.lowlevel.checkpoint_if_cancelled()
                if not self.stopping:  # asked to stop before its first step: nothing new begins
                    await self.spec.start(self, *self.spec.args)
            if self._scope.cancelled_caught:
                exit_ = Killed()
            else:
                exit_ = Shutdown("stop requested") if self.stopping else Normal()
        except ShutdownExit as error:
            exit_ = Shutdown(error.reason)
        except Exception as error:  # noqa: BLE001 - the purpose of a supervisor: it becomes the child's exit
            exit_ = _exit_of(error)
        except BaseExceptionGroup as group:
            # Trio joins what the tasks of a nursery raised. What must not be stopped here (cancellation from outside, Ctrl-C) goes on.
            crash, onward = group.split(Exception)
            assert onward is not None
            self.stopping = True
            self._finish(_ended_with(onward) if crash is None else _exit_of(crash))
            raise onward from None
        except BaseException as error:
            self.stopping = True
            self._finish(_ended_with(error))
            raise
        if trio.current_effective_deadline() == -math.inf:
            self.stopping = True  # cancelled from outside, and it raised something else than `Cancelled`
        self._finish(exit_)

    def _finish(self, exit_: Exit) -> None:
        self.exit = exit_
        self.branch = None
        self._telemetry.emit(
            ChildExited(self.path, exit_, trio.current_time() - self.started_at, self.restarts)
        )
        if self._started is not None:
            self._started.set()
        if self._done is not None:
            self._done.set()
        self._on_exit(self)


def _exit_of(error: Exception) -> Exit:
    leaves = Crash(error).leaves
    if all(isinstance(leaf, ShutdownExit) for leaf in leaves):
        first = leaves[0]
        assert isinstance(first, ShutdownExit)
        return Shutdown(first.reason)
    return Crash(error)


def _ended_with(error: BaseException) -> Exit:
    """The exit of a child that ends because the program does, or what is around it: that is no crash."""
    others = [leaf for leaf in Crash(error).leaves if not isinstance(leaf, trio.Cancelled)]
    return Shutdown(type(others[0]).__name__ if others else "cancelled")


def not_started(child: Child) -> StartError:
    """What is raised for a child that ended before it was ready."""
    assert child.exit is not None
    error = StartError(child.id, child.exit)
    error.__cause__ = child.exit.error if isinstance(child.exit, Crash) else None
    return error
