"""A supervisor of children that come and go: any number, started one by one, stopped side by side.

A temporary child costs its task and one `Child`: starting it goes through no queue, and its end is one dictionary operation.

Source: Elixir `DynamicSupervisor`.
"""

from __future__ import annotations

import random
from collections import deque
from typing import Any

import trio

from supervisors.child import Child
from supervisors.exits import (
    ChildExists,
    ChildNotFound,
    Escalation,
    Exit,
    InvalidSpec,
    MaxChildren,
    NotRunning,
    StartError,
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
from supervisors.supervisor import Counts
from supervisors.telemetry import ChildRestarted, IntensityBreached, Telemetry
from supervisors.tree import Branch, Node, leaf


class _Restarting:
    """A place whose child is to be started again."""

    __slots__ = ("last", "restarts", "scope", "spec")

    def __init__(self, spec: ChildSpec, restarts: int, last: Exit) -> None:
        self.spec = spec
        self.restarts = restarts
        self.last = last
        self.scope: trio.CancelScope | None = None


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
        self._due: deque[_Restarting] = deque()
        self._wake = trio.Event()
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
        self._due.clear()
        self._window = Window(self.flags.intensity, self.flags.period)
        self._stopping = False
        self._breach = None
        try:
            async with trio.open_nursery(strict_exception_groups=True) as nursery:
                self._nursery = nursery
                if own is not None:
                    own.ready(self)
                    nursery.start_soon(self._relay_stop, own)
                task_status.started(self)
                await self._serve()
                await self._stop_all(nursery)
                nursery.cancel_scope.cancel()
        finally:
            self._nursery = None
        if self._breach is not None:
            raise self._breach

    async def _relay_stop(self, own: Child) -> None:
        await own.stop_requested()
        self.request_stop()

    def request_stop(self) -> None:
        """Ask it to stop all children at the same time, and end."""
        self._stopping = True
        self._wake.set()

    async def _serve(self) -> None:
        while not self._stopping:
            if not self._due:
                self._wake = trio.Event()
                await self._wake.wait()
                continue
            place = self._due.popleft()
            if self._children.get(place.spec.id) is place:
                await self._restart(place)

    async def _stop_all(self, nursery: trio.Nursery) -> None:
        self._stopping = True
        children = [child for child in self._children.values() if isinstance(child, Child)]
        for place in self._children.values():
            if isinstance(place, _Restarting) and place.scope is not None:
                place.scope.cancel()
        async with trio.open_nursery() as stopping:
            for child in children:
                stopping.start_soon(child.stop)
        self._children = {}

    # -- children --------------------------------------------------------------------------------------------------

    async def start_child(self, spec: ChildSpec) -> Any:
        """Start a child; what it gave to `ready`. Raises `ChildExists`, `MaxChildren`, `StartError`, `NotRunning`, `InvalidSpec`."""
        if self._nursery is None or self._stopping:
            raise NotRunning(self.path)
        check_child(spec, AutoShutdown.NEVER)
        present = self._children.get(spec.id)
        if present is not None:
            raise ChildExists(spec.id, running=isinstance(present, Child))
        if self.max_children is not None and len(self._children) >= self.max_children:
            raise MaxChildren(self.max_children)
        child = Child(spec, self.path, self._telemetry, self._ended)
        self._children[spec.id] = child
        self._nursery.start_soon(child.main, name=None)
        if await child.started():
            return child.value
        self._children.pop(spec.id, None)
        assert child.exit is not None
        if child.is_ignored:
            return None
        raise StartError(spec.id, child.exit)

    async def terminate_child(self, child_id: str) -> None:
        """Stop a child, or its restarting, and forget it. Raises `ChildNotFound`."""
        place = self._children.pop(child_id, None)
        if place is None:
            raise ChildNotFound(child_id)
        if isinstance(place, Child):
            await place.stop()
        elif place.scope is not None:
            place.scope.cancel()

    def _ended(self, child: Child) -> None:
        if self._children.get(child.id) is not child:
            return
        assert child.exit is not None
        if not child.is_ready:
            return  # whoever starts it sees that it did not
        if self._stopping or child.stopping or not comes_back(child.spec.restart, child.exit):
            del self._children[child.id]
            return
        place = _Restarting(child.spec, child.restarts, child.exit)
        self._children[child.id] = place
        self._again(place)

    def _again(self, place: _Restarting) -> None:
        place.restarts += 1
        if not self._window.add(trio.current_time()):
            if self._breach is None:
                self._telemetry.emit(IntensityBreached(self.path, self.flags.intensity, self.flags.period))
                self._breach = Escalation(self.path, place.last)
            self.request_stop()
            return
        backoff = self.flags.backoff
        if backoff is None:
            self._due.append(place)
            self._wake.set()
            return
        assert self._nursery is not None
        scope = place.scope = trio.CancelScope()
        pause = backoff.pause(self._window.recent - 1, random.random())  # noqa: S311 - no secret

        async def wait() -> None:
            with scope:
                await trio.sleep(pause)
                self._due.append(place)
                self._wake.set()

        self._nursery.start_soon(wait)

    async def _restart(self, place: _Restarting) -> None:
        assert self._nursery is not None
        spec = place.spec
        self._telemetry.emit(ChildRestarted(f"{self.path}/{spec.id}", place.restarts, 0.0))
        child = Child(spec, self.path, self._telemetry, self._ended, place.restarts)
        self._nursery.start_soon(child.main, name=None)
        started = await child.started()
        current = self._children.get(spec.id) is place
        if started:
            if current and child.exit is None:
                self._children[spec.id] = child
            elif current:
                self._children[spec.id] = child
                self._ended(child)
            else:
                await child.stop()
            return
        if not current:
            return
        assert child.exit is not None
        if child.is_ignored:
            del self._children[spec.id]
            return
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
        return Counts(len(places), active, supervisors, len(places) - supervisors)

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
