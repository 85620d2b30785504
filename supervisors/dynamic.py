"""A supervisor of children that come and go: any number, started one by one, stopped side by side.

A temporary child costs its task and one `Child`: starting it goes through no queue, and its end is one dictionary operation. Restarts go side by side
too, each in its own task, so that a child that takes long to start again holds up no other.

Source: Elixir `DynamicSupervisor`.
"""

from __future__ import annotations

import random
from typing import Any

import trio

from supervisors.child import Child, not_started
from supervisors.exits import (
    ChildExists,
    ChildNotFound,
    Escalation,
    Exit,
    InvalidSpec,
    MaxChildren,
    NotRunning,
)
from supervisors.intensity import Window
from supervisors.plan import comes_back
from supervisors.spec import (
    AutoShutdown,
    Backoff,
    ChildSpec,
    ChildType,
    Flags,
    Restart,
    Strategy,
    check_child,
)
from supervisors.telemetry import ChildRestarted, IntensityBreached, Telemetry
from supervisors.tree import Branch, Counts, Node, leaf


class _Restarting:
    """A place whose child is to be started again: in its pause, or being started."""

    __slots__ = ("child", "last", "pause", "restarts", "spec")

    def __init__(self, spec: ChildSpec, restarts: int, last: Exit) -> None:
        self.spec = spec
        self.restarts = restarts
        self.last = last
        self.pause = trio.CancelScope()
        self.child: Child | None = None


class DynamicSupervisor(Branch):
    """Children by id, with no order between them; the strategy is one-for-one.

    Args:
        name: its part of the path.
        max_children: more are refused; those being restarted count. `None` is no limit.
        intensity, period, backoff: see `Flags`.
        telemetry: for one that is a root.

    """

    def __init__(
        self,
        *,
        name: str = "dynamic",
        max_children: int | None = None,
        intensity: int = 3,
        period: float = 5.0,
        backoff: Backoff | None = None,
        telemetry: Telemetry | None = None,
    ) -> None:
        self.flags = Flags(Strategy.ONE_FOR_ONE, intensity, period, AutoShutdown.NEVER, backoff)
        if max_children is not None and max_children < 0:
            raise InvalidSpec(f"max_children {max_children!r} is not a number of children")
        self.name = name
        self.path = name
        self.max_children = max_children
        self._telemetry = telemetry or Telemetry()
        self._children: dict[str, Child | _Restarting] = {}
        self._stop_asked = trio.Event()
        self._window = Window(intensity, period)
        self._nursery: trio.Nursery | None = None
        self._stopping = False
        self._breach: Escalation | None = None

    def __len__(self) -> int:
        return len(self._children)

    def spec(
        self,
        id: str | None = None,  # noqa: A002 - the field's name
        *,
        restart: Restart = Restart.PERMANENT,
    ) -> ChildSpec:
        """The supervisor as a child of another. It begins without children at each start."""
        return ChildSpec(id or self.name, self.run_under, restart=restart, type=ChildType.SUPERVISOR)

    async def run_under(self, child: Child) -> None:
        """Run as the child of another supervisor."""
        self.path = child.path
        self._telemetry = child.telemetry
        child.branch = self
        await self._run(child)

    async def run(
        self, *, task_status: trio.TaskStatus[DynamicSupervisor] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Run as a root, until stopped. Raises `Escalation`."""
        self.path = self.name
        await self._run(None, task_status)

    async def _run(
        self, own: Child | None, task_status: trio.TaskStatus[DynamicSupervisor] = trio.TASK_STATUS_IGNORED
    ) -> None:
        self._children = {}
        self._window = Window(self.flags.intensity, self.flags.period)
        self._stop_asked = trio.Event()
        self._stopping = False
        self._breach = None
        try:
            async with trio.open_nursery(strict_exception_groups=True) as nursery:
                self._nursery = nursery
                if own is not None:
                    own.ready(self)
                    nursery.start_soon(self._relay_stop, own)
                task_status.started(self)
                await self._stop_asked.wait()
                await self._stop_all()
                nursery.cancel_scope.cancel()
        finally:
            self._nursery = None
            self._stopping = True
            self._children = {}
        if self._breach is not None:
            raise self._breach

    async def _relay_stop(self, own: Child) -> None:
        await own.stop_requested()
        self.request_stop()

    def request_stop(self) -> None:
        """Ask it to stop all children at the same time, and end."""
        self._stopping = True
        self._stop_asked.set()

    async def _stop_all(self) -> None:
        async with trio.open_nursery() as stopping:
            for place in self._children.values():
                child = place if isinstance(place, Child) else place.child
                if child is not None:
                    stopping.start_soon(child.stop)

    # -- children --------------------------------------------------------------------------------------------------

    async def start_child(self, spec: ChildSpec) -> Any:
        """Start a child; what it gave to `ready`, or `None` if it had nothing to do. Raises `ChildExists`, `MaxChildren`, `StartError`, `NotRunning`, `InvalidSpec`."""
        if self._nursery is None or self._stopping:
            raise NotRunning(self.path)
        check_child(spec, AutoShutdown.NEVER)
        present = self._children.get(spec.id)
        if present is not None:
            raise ChildExists(spec.id, running=True)
        if self.max_children is not None and len(self._children) >= self.max_children:
            raise MaxChildren(self.max_children)
        child = Child(spec, self.path, self._telemetry, self._ended)
        self._children[spec.id] = child
        self._nursery.start_soon(child.main, name=None)
        if await child.started():
            return child.value
        if child.is_ignored:
            return None
        raise not_started(child)

    async def terminate_child(self, child_id: str) -> None:
        """Stop a child, or its restarting, and forget it. Its id is free when this returns. Raises `ChildNotFound`, `NotRunning`.

        Cancelling the caller does not take the stop back.
        """
        if self._nursery is None:
            raise NotRunning(self.path)
        place = self._children.get(child_id)
        if place is None:
            raise ChildNotFound(child_id)
        child = place if isinstance(place, Child) else place.child
        if child is None:
            assert isinstance(place, _Restarting)
            del self._children[child_id]
            place.pause.cancel()
            await trio.lowlevel.checkpoint()
            return
        child.stopping = True  # at once: it may not have taken its first step yet
        self._nursery.start_soon(child.stop)
        await child.done()
        if self._children.get(child_id) is place:
            del self._children[child_id]

    def _ended(self, child: Child) -> None:
        if self._children.get(child.id) is not child:
            return  # a restart that did not succeed: `_restart` sees to it
        assert child.exit is not None
        if (
            self._stopping
            or child.stopping
            or not child.is_ready
            or not comes_back(child.spec.restart, child.exit)
        ):
            del self._children[child.id]
            return
        place = _Restarting(child.spec, child.restarts, child.exit)
        self._children[child.id] = place
        self._again(place)

    def _again(self, place: _Restarting) -> None:
        """Count a restart, and begin its pause."""
        assert self._nursery is not None
        place.restarts += 1
        if not self._window.add(trio.current_time()):
            self._telemetry.emit(IntensityBreached(self.path, self.flags.intensity, self.flags.period))
            self._breach = Escalation(self.path, place.last)
            self.request_stop()
            return
        pause = 0.0
        if self.flags.backoff is not None:
            pause = self.flags.backoff.pause(self._window.recent - 1, random.random())  # noqa: S311 - no secret
        self._telemetry.emit(ChildRestarted(f"{self.path}/{place.spec.id}", place.restarts, pause))
        place.pause = trio.CancelScope()
        self._nursery.start_soon(self._restart, place, pause)

    async def _restart(self, place: _Restarting, pause: float) -> None:
        assert self._nursery is not None
        with place.pause:
            await trio.sleep(pause)
        if self._stopping or self._children.get(place.spec.id) is not place:
            return
        child = place.child = Child(place.spec, self.path, self._telemetry, self._ended, place.restarts)
        self._nursery.start_soon(child.main, name=None)
        await child.started()
        if self._children.get(place.spec.id) is not place:
            return
        place.child = None
        if child.is_ready:
            self._children[child.id] = child
            if child.exit is not None:
                self._ended(child)
        elif child.is_ignored or child.stopping or self._stopping:
            del self._children[child.id]
        else:
            assert child.exit is not None
            place.last = child.exit
            self._again(place)

    # -- looking ---------------------------------------------------------------------------------------------------

    def which_children(self) -> list[tuple[str, str, ChildType]]:
        """`(id, "running" | "restarting", type)`."""
        return [
            (child_id, "running" if isinstance(place, Child) else "restarting", place.spec.type)
            for child_id, place in self._children.items()
        ]

    def count_children(self) -> Counts:
        """How many there are."""
        places = list(self._children.values())
        active = sum(1 for place in places if isinstance(place, Child))
        supervisors = sum(1 for place in places if place.spec.type is ChildType.SUPERVISOR)
        return Counts(len(places), active, len(places) - active, supervisors, len(places) - supervisors)

    def nodes(self) -> list[Node]:  # noqa: D102 - as in the base class
        return [
            leaf(
                place.spec,
                f"{self.path}/{place.spec.id}",
                place if isinstance(place, Child) else None,
                "running" if isinstance(place, Child) else "restarting",
                place.restarts,
                place.exit if isinstance(place, Child) else place.last,
            )
            for place in list(self._children.values())
        ]
