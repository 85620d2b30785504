"""Random lists of operations on a supervisor, compared step by step with a simple model of what must come of them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from supervisors import (
    ChildExists,
    ChildNotFound,
    ChildState,
    DynamicSupervisor,
    Escalation,
    Restart,
    Strategy,
    SupervisionError,
    Supervisor,
    open_supervisor,
)
from tests.deterministic import run
from tests.examples import examples
from tests.supervisors.workers import PERMANENT, TEMPORARY, TRANSIENT, Journal, Worker, settle

INTENSITY, PERIOD = 3, 5.0
NAMES = "abcd"

OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "start",
                "start",
                "start",
                "crash",
                "crash",
                "end",
                "shut_down",
                "terminate",
                "restart",
                "delete",
                "wait",
            ]
        ),
        st.sampled_from(NAMES),
        st.sampled_from([PERMANENT, PERMANENT, TRANSIENT, TEMPORARY]),
    ),
    max_size=25,
)


class Breach(Exception):
    """The model says that the supervisor gives up."""


@dataclass
class Model:
    """Children by id in start order, each with its restart type and whether it runs; and what is noted."""

    strategy: Strategy
    dynamic: bool
    children: dict[str, tuple[Restart, bool]] = field(default_factory=dict)
    restarts: deque[float] = field(default_factory=deque)
    notes: list[str] = field(default_factory=list)

    def start(self, name: str, restart: Restart) -> None:
        if name in self.children:
            raise ChildExists(name, running=self.children[name][1])
        self._start(name, restart)

    def ended(self, name: str, *, crashed: bool, now: float) -> None:
        restart, _ = self.children[name]
        if restart is PERMANENT or (restart is TRANSIENT and crashed):
            self.restarts.append(now)
            self.children[name] = (restart, False)
            if sum(time >= now - PERIOD for time in self.restarts) > INTENSITY:
                raise Breach
            self._restart_group(name)
        elif restart is TEMPORARY or self.dynamic:
            del self.children[name]
        else:
            self.children[name] = (restart, False)

    def terminate(self, name: str) -> None:
        restart = self._find(name)[0]
        self._stop(name)
        if restart is TEMPORARY or self.dynamic:
            del self.children[name]

    def restart(self, name: str) -> None:
        restart, running = self._find(name)
        if running:
            raise ChildState(name, "running")
        self._start(name, restart)

    def delete(self, name: str) -> None:
        if self._find(name)[1]:
            raise ChildState(name, "running")
        del self.children[name]

    def stop_all(self) -> None:
        for name in reversed(self.children):
            self._stop(name)

    def _restart_group(self, name: str) -> None:
        names = list(self.children)
        group = {
            Strategy.ONE_FOR_ONE: [name],
            Strategy.ONE_FOR_ALL: names,
            Strategy.REST_FOR_ONE: names[names.index(name) :],
        }[self.strategy]
        for other in reversed(group):
            self._stop(other)
            if other != name and self.children[other][0] is TEMPORARY:
                del self.children[other]
        for other in group:
            if other in self.children:
                self._start(other, self.children[other][0])

    def _find(self, name: str) -> tuple[Restart, bool]:
        if name not in self.children:
            raise ChildNotFound(name)
        return self.children[name]

    def _start(self, name: str, restart: Restart) -> None:
        self.children[name] = (restart, True)
        self.notes.append(f"start {name}")

    def _stop(self, name: str) -> None:
        restart, running = self.children[name]
        if running:
            self.notes += [f"stop {name}", f"end {name}"]
            self.children[name] = (restart, False)


class Real:
    """A supervisor that is driven in step with the model."""

    def __init__(self, strategy: Strategy, *, dynamic: bool) -> None:
        self.journal = Journal()
        self.workers: dict[str, Worker] = {}
        flags = {"intensity": INTENSITY, "period": PERIOD, "telemetry": self.journal.telemetry}
        self.supervisor: Supervisor | DynamicSupervisor = (
            DynamicSupervisor(**flags) if dynamic else Supervisor([], strategy=strategy, **flags)  # type: ignore[arg-type]
        )

    async def carry_out(self, operation: str, name: str, restart: Restart) -> None:
        if operation == "start":
            worker = self.journal.worker(name, restart=restart)
            await self.supervisor.start_child(worker.spec)
            self.workers[name] = worker
        elif operation in ("crash", "end", "shut_down"):
            await getattr(self.workers[name], operation)()
        else:
            await getattr(self.supervisor, f"{operation}_child")(name)
        await settle()


def _same_in_model(model: Model, operation: str, name: str, restart: Restart, now: float) -> None:
    if operation == "start":
        model.start(name, restart)
    elif operation in ("crash", "end", "shut_down"):
        model.ended(name, crashed=operation == "crash", now=now)
    else:
        getattr(model, operation)(name)


async def _compare(operations: list[tuple[str, str, Restart]], strategy: Strategy, *, dynamic: bool) -> None:
    real, model = Real(strategy, dynamic=dynamic), Model(strategy, dynamic)

    def check() -> None:
        assert real.journal.notes == model.notes
        assert [
            (child_id, state == "running") for child_id, state, _ in real.supervisor.which_children()
        ] == [(name, running) for name, (_, running) in model.children.items()]

    tasks = trio.lowlevel.current_statistics().tasks_living
    breached = False
    try:
        async with open_supervisor(real.supervisor):
            for operation, name, restart in operations:
                if operation == "wait":
                    await trio.sleep(2)
                    continue
                alive = model.children.get(name, (restart, False))[1]
                if operation in ("crash", "end", "shut_down") and not alive:
                    continue
                if dynamic and operation in ("restart", "delete"):
                    continue
                expected: type[SupervisionError] | None = None
                try:
                    _same_in_model(model, operation, name, restart, trio.current_time())
                except SupervisionError as error:
                    expected = type(error)
                except Breach:
                    breached = True
                if expected is not None:
                    with pytest.raises(expected):
                        await real.carry_out(operation, name, restart)
                else:
                    await real.carry_out(operation, name, restart)
                assert not breached, "the supervisor goes on"
                check()
    except Escalation:
        assert breached
    model.stop_all()
    if dynamic:  # they stop side by side, in any order
        real.journal.notes.sort()
        model.notes.sort()
    assert real.journal.notes == model.notes
    assert trio.lowlevel.current_statistics().tasks_living == tasks


@settings(max_examples=examples(60), deadline=None)
@given(OPERATIONS, st.sampled_from(Strategy), st.integers(0, 1000))
def test_a_static_supervisor_does_what_the_model_does(
    operations: list[tuple[str, str, Restart]], strategy: Strategy, seed: int
) -> None:
    async def main() -> None:
        await _compare(operations, strategy, dynamic=False)

    run(seed, main)


@settings(max_examples=examples(60), deadline=None)
@given(OPERATIONS, st.integers(0, 1000))
def test_a_dynamic_supervisor_does_what_the_model_does(
    operations: list[tuple[str, str, Restart]], seed: int
) -> None:
    async def main() -> None:
        await _compare(operations, Strategy.ONE_FOR_ONE, dynamic=True)

    run(seed, main)
