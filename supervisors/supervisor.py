"""A supervisor of a fixed list of children.

One task decides: it takes exits, commands and due restarts from one queue, one at a time, as OTP's supervisor takes messages. Children are tasks of
the supervisor's nursery, so none can outlive it. Nothing that a child raises reaches that nursery except what must end the whole program.

Source: OTP `supervisor`, Elixir `Supervisor`. Where this differs, `docs/supervisors.md` gives the reason.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import trio

from supervisors.child import Child, not_started
from supervisors.exits import (
    ChildExists,
    ChildNotFound,
    ChildState,
    Escalation,
    NotRunning,
    ShutdownExit,
    StartError,
)
from supervisors.intensity import Window
from supervisors.opening import open_supervisor
from supervisors.plan import affected, comes_back, ends_supervisor
from supervisors.queue import Command, Queue
from supervisors.slots import Retry, Slot
from supervisors.spec import (
    AutoShutdown,
    Backoff,
    ChildSpec,
    ChildType,
    Flags,
    Restart,
    Strategy,
    check_child,
    check_children,
)
from supervisors.telemetry import ChildRestarted, IntensityBreached, Telemetry
from supervisors.tree import Branch, Counts, Node, leaf

__all__ = ["Supervisor", "open_supervisor"]


class Supervisor(Branch):
    """Starts children in order, restarts them by strategy, stops them in reverse order.

    Args:
        children: in start order.
        name: the first part of every path, when this is the root.
        strategy, intensity, period, auto_shutdown, backoff: see `Flags`.
        telemetry: for a root; a supervisor below another uses its parent's.

    Raises:
        InvalidSpec: before anything is started.

    """

    def __init__(
        self,
        children: Sequence[ChildSpec],
        *,
        name: str = "supervisor",
        strategy: Strategy = Strategy.ONE_FOR_ONE,
        intensity: int = 3,
        period: float = 5.0,
        auto_shutdown: AutoShutdown = AutoShutdown.NEVER,
        backoff: Backoff | None = None,
        telemetry: Telemetry | None = None,
    ) -> None:
        self.flags = Flags(strategy, intensity, period, auto_shutdown, backoff)
        check_children(children, auto_shutdown)
        self.name = name
        self.path = name
        self._children = tuple(children)
        self._telemetry = telemetry or Telemetry()
        self._slots: dict[str, Slot] = {}
        self._queue = Queue()
        self._window = Window(intensity, period)
        self._nursery: trio.Nursery | None = None
        self._starting: Child | None = None
        self._stopping = False

    # -- running ---------------------------------------------------------------------------------------------------

    def spec(
        self,
        id: str | None = None,  # noqa: A002 - the field's name
        *,
        restart: Restart = Restart.PERMANENT,
        significant: bool = False,
    ) -> ChildSpec:
        """The supervisor as a child of another; each start begins from the list given at first."""
        return ChildSpec(
            id or self.name,
            self.run_under,
            restart=restart,
            type=ChildType.SUPERVISOR,
            significant=significant,
        )

    async def run_under(self, child: Child) -> None:
        """Run as the child of another supervisor."""
        self.path = child.path
        self._telemetry = child.telemetry
        child.branch = self
        await self._run(child)

    async def run(self, *, task_status: trio.TaskStatus[Supervisor] = trio.TASK_STATUS_IGNORED) -> None:
        """Run as the root, until stopped or, by auto-shutdown, at its own end.

        Raises:
            StartError: a child did not start; the others have been stopped.
            Escalation: the restart intensity was reached.

        """
        self.path = self.name
        try:
            await self._run(None, task_status)
        except ShutdownExit as error:
            if isinstance(error, Escalation):
                raise

    async def _run(
        self, own: Child | None, task_status: trio.TaskStatus[Supervisor] = trio.TASK_STATUS_IGNORED
    ) -> None:
        self._slots = {spec.id: Slot(spec) for spec in self._children}
        self._queue = Queue()
        self._window = Window(self.flags.intensity, self.flags.period)
        self._stopping = own is not None and own.stopping
        failure: StartError | ShutdownExit | None = None
        try:
            async with trio.open_nursery(strict_exception_groups=True) as nursery:
                self._nursery = nursery
                try:
                    if own is not None:
                        nursery.start_soon(self._relay_stop, own)
                    await self._start_all()
                    if not self._stopping:
                        if own is not None:
                            own.ready(self)
                        task_status.started(self)
                        await self._serve()
                except StartError as error:
                    failure = None if self._stopping else error
                except ShutdownExit as error:
                    failure = error
                await self._stop_all()
                nursery.cancel_scope.cancel()
        finally:
            self._nursery = None
            self._queue.void(self.path)
        if failure is not None:
            raise failure

    async def _relay_stop(self, own: Child) -> None:
        await own.stop_requested()
        self.request_stop()

    def request_stop(self) -> None:
        """Ask the supervisor to stop its children, last first, and end. One that is just starting is stopped too."""
        self._stopping = True
        self._queue.void(self.path)
        if self._starting is not None and self._nursery is not None:
            self._starting.stopping = True  # at once: it may not have taken its first step yet
            self._nursery.start_soon(self._starting.stop)
        self._queue.wake()

    async def _serve(self) -> None:
        while not self._stopping:
            await trio.lowlevel.checkpoint_if_cancelled()
            item = self._queue.take()
            if item is None:
                await self._queue.wait()
            else:
                await self._take(item)

    async def _take(self, item: Child | Command | Retry) -> None:
        if isinstance(item, Child):
            await self._ended(item)
        elif isinstance(item, Command):
            await item.carry_out(self.path)
        elif item.slot.retry is item:
            if item.counted:
                await self._restart(item.slot)
            else:
                await self._schedule(item.slot)

    # -- starting and stopping -------------------------------------------------------------------------------------

    async def _start_all(self) -> None:
        for slot in list(self._slots.values()):
            if not self._stopping:
                await self._start(slot)

    async def _start(self, slot: Slot) -> Any:
        """Start one child and wait until it is ready. Raises `StartError`."""
        assert self._nursery is not None
        child = Child(slot.spec, self.path, self._telemetry, self._queue.post, slot.restarts)
        self._starting = child
        self._nursery.start_soon(child.main, name=child.path)
        try:
            is_ready = await child.started()
        finally:
            self._starting = None
        if is_ready:
            slot.child = child
            slot.retry = None
            return child.value
        slot.last = child.exit
        if not child.is_ignored:
            raise not_started(child)
        slot.retry = None
        if slot.spec.restart is Restart.TEMPORARY:
            del self._slots[slot.spec.id]
        return None

    async def _stop_all(self) -> None:
        self._stopping = True
        self._queue.void(self.path)  # before the first child stops: it may wait for one of the commands
        for slot in reversed(list(self._slots.values())):
            await self._stop(slot)

    async def _stop(self, slot: Slot) -> None:
        """Stop a child, or give up restarting it."""
        slot.give_up()
        if slot.child is not None:
            child, slot.child = slot.child, None
            await child.stop()
            slot.last = child.exit

    # -- exits and restarts ----------------------------------------------------------------------------------------

    async def _ended(self, child: Child) -> None:
        slot = self._slots.get(child.id)
        if slot is None or slot.child is not child:
            return  # it was stopped on purpose: whoever did that has seen its end
        slot.child = None
        assert child.exit is not None
        slot.last = child.exit
        if comes_back(slot.spec.restart, child.exit):
            await self._schedule(slot)
            return
        if slot.spec.restart is Restart.TEMPORARY:
            del self._slots[child.id]
        left = sum(1 for other in self._slots.values() if other.spec.significant and other.state != "stopped")
        if ends_supervisor(self.flags.auto_shutdown, slot.spec, child.exit, left):
            raise ShutdownExit("auto-shutdown")

    async def _schedule(self, slot: Slot) -> None:
        """Count a restart, and make it: at once, or after the pause that the back-off asks for. Raises `Escalation`."""
        slot.restarts += 1
        retry = slot.retry = Retry(slot, counted=True)
        if not self._window.add(trio.current_time()):
            self._telemetry.emit(IntensityBreached(self.path, self.flags.intensity, self.flags.period))
            raise Escalation(self.path, slot.last)
        pause = 0.0
        if self.flags.backoff is not None:
            pause = self.flags.backoff.pause(self._window.recent - 1, random.random())  # noqa: S311 - no secret
        self._telemetry.emit(ChildRestarted(f"{self.path}/{slot.spec.id}", slot.restarts, pause))
        if pause:
            assert self._nursery is not None
            retry.pause = trio.CancelScope()
            self._nursery.start_soon(self._post_after, pause, retry.pause, retry)
        else:
            await self._restart(slot)

    async def _post_after(self, pause: float, scope: trio.CancelScope, retry: Retry) -> None:
        with scope:
            await trio.sleep(pause)
            self._queue.post(retry)

    async def _restart(self, slot: Slot) -> None:
        """Stop the others that the strategy names, then start them all in order."""
        ids = affected(self.flags.strategy, list(self._slots), slot.spec.id)
        group = [self._slots[child_id] for child_id in ids]
        for other in reversed(group):
            if other is not slot:
                await self._stop(other)
                if other.spec.restart is Restart.TEMPORARY:
                    self._slots.pop(other.spec.id, None)
        for other in group:
            if self._stopping:
                return
            if self._slots.get(other.spec.id) is not other:
                continue
            try:
                await self._start(other)
            except StartError:
                # It is this one now that is tried again, after whatever else waits in the queue, and counts then.
                slot.retry = None
                other.retry = Retry(other, counted=False)
                self._queue.post(other.retry)
                return

    # -- commands --------------------------------------------------------------------------------------------------

    async def _ask(self, run: Callable[[], Awaitable[Any]]) -> Any:
        if self._nursery is None or self._stopping:
            raise NotRunning(self.path)
        return await self._queue.ask(run)

    async def start_child(self, spec: ChildSpec) -> Any:
        """Add a child after the others and start it; what it gave to `ready`. Raises `ChildExists`, `StartError`, `InvalidSpec`."""
        check_child(spec, self.flags.auto_shutdown)

        async def run() -> Any:
            present = self._slots.get(spec.id)
            if present is not None:
                raise ChildExists(spec.id, running=present.state != "stopped")
            slot = self._slots[spec.id] = Slot(spec)
            try:
                return await self._start(slot)
            except StartError:
                del self._slots[spec.id]
                raise

        return await self._ask(run)

    async def terminate_child(self, child_id: str) -> None:
        """Stop a child, or its restarting, and keep its specification (a temporary one's is forgotten). Raises `ChildNotFound`."""

        async def run() -> None:
            slot = self._slot(child_id)
            await self._stop(slot)
            if slot.spec.restart is Restart.TEMPORARY:
                del self._slots[child_id]

        await self._ask(run)

    async def restart_child(self, child_id: str) -> Any:
        """Start a stopped child. Raises `ChildState` for one that runs or is restarting, `ChildNotFound`, `StartError`."""

        async def run() -> Any:
            slot = self._slot(child_id)
            if slot.state != "stopped":
                raise ChildState(child_id, slot.state)
            return await self._start(slot)

        return await self._ask(run)

    async def delete_child(self, child_id: str) -> None:
        """Forget a stopped child. Raises `ChildState` for one that runs or is restarting, `ChildNotFound`."""

        async def run() -> None:
            slot = self._slot(child_id)
            if slot.state != "stopped":
                raise ChildState(child_id, slot.state)
            del self._slots[child_id]

        await self._ask(run)

    def _slot(self, child_id: str) -> Slot:
        slot = self._slots.get(child_id)
        if slot is None:
            raise ChildNotFound(child_id)
        return slot

    # -- looking ---------------------------------------------------------------------------------------------------

    def which_children(self) -> list[tuple[str, str, ChildType]]:
        """`(id, "running" | "restarting" | "stopped", type)`, in start order."""
        return [(slot.spec.id, slot.state, slot.spec.type) for slot in self._slots.values()]

    def count_children(self) -> Counts:
        """How many there are."""
        slots = self._slots.values()
        states = [slot.state for slot in slots]
        supervisors = sum(1 for slot in slots if slot.spec.type is ChildType.SUPERVISOR)
        return Counts(
            specs=len(slots),
            active=states.count("running"),
            restarting=states.count("restarting"),
            supervisors=supervisors,
            workers=len(slots) - supervisors,
        )

    def nodes(self) -> list[Node]:  # noqa: D102 - as in the base class
        return [
            leaf(slot.spec, f"{self.path}/{slot.spec.id}", slot.child, slot.state, slot.restarts, slot.last)
            for slot in self._slots.values()
        ]
