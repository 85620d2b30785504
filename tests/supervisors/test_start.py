"""Start: statements 1 to 8."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from supervisors import (
    BRUTAL_KILL,
    INFINITY,
    AutoShutdown,
    Child,
    ChildSpec,
    ChildType,
    Crash,
    DynamicSupervisor,
    InvalidSpec,
    Normal,
    Restart,
    Shutdown,
    StartError,
    Strategy,
    Supervisor,
    open_supervisor,
)
from supervisors.telemetry import Event
from tests.supervisors.workers import Boom, Journal, Opener


async def _never(child: Child) -> None:
    raise AssertionError("it was started")


async def test_01_children_start_in_list_order_each_after_the_one_before_is_ready(
    journal: Journal, open_static: Opener, autojump_clock: MockClock
) -> None:
    a, b, c = journal.worker("a", start_s=3), journal.worker("b", start_s=2), journal.worker("c")
    began: dict[str, float] = {}

    def note(event: Event) -> None:
        began.setdefault(event.path, trio.current_time())

    journal.telemetry.subscribe(note)
    zero = trio.current_time()
    async with open_static(a, b, c):
        assert journal.take() == ["start a", "start b", "start c"]
    assert [began[f"root/{name}"] - zero for name in "abc"] == [3, 5, 5]


async def test_02_start_returns_only_when_every_child_is_ready(
    journal: Journal, autojump_clock: MockClock
) -> None:
    slow = [journal.worker("a", start_s=1), journal.worker("b", start_s=4)]
    inner = Supervisor([journal.worker("c", start_s=7).spec], name="inner")
    root = Supervisor([*(worker.spec for worker in slow), inner.spec()])
    zero = trio.current_time()
    async with open_supervisor(root):
        assert trio.current_time() - zero == 12
        assert root.count_children().active == 3


async def test_02_start_child_returns_only_when_the_child_is_ready(
    journal: Journal, open_any: Opener, autojump_clock: MockClock
) -> None:
    worker = journal.worker("a", start_s=4, args=("given",))
    async with open_any() as supervisor:
        zero = trio.current_time()
        assert await supervisor.start_child(worker.spec) == ("given",)
        assert trio.current_time() - zero == 4


async def test_03_a_failed_start_stops_the_earlier_children_in_reverse_and_names_child_and_cause(
    journal: Journal, open_static: Opener, autojump_clock: MockClock
) -> None:
    a, b, c, d = journal.workers("abcd")
    c.failing = [Boom("no disk")]
    with pytest.raises(StartError, match=r"child 'c' did not start: Boom\('no disk'\)") as caught:
        async with open_static(a, b, c, d):
            raise AssertionError("the block was entered")
    assert journal.take() == ["start a", "start b", "start c", "stop b", "end b", "stop a", "end a"]
    assert caught.value.child_id == "c"
    assert isinstance(caught.value.cause, Crash)
    assert isinstance(caught.value.__cause__, Boom)


async def test_03_a_failed_start_below_names_every_step_of_the_way(
    journal: Journal, autojump_clock: MockClock
) -> None:
    worker = journal.worker("c")
    worker.failing = [Boom()]
    inner = Supervisor([worker.spec], name="inner")
    with pytest.raises(StartError) as caught:
        await Supervisor([inner.spec()]).run()
    assert caught.value.child_id == "inner"
    below = caught.value.__cause__
    assert isinstance(below, StartError)
    assert below.child_id == "c"


async def test_04_returning_before_ready_is_a_start_failure(
    open_any: Opener, autojump_clock: MockClock
) -> None:
    async def returns(child: Child) -> None:
        return

    async with open_any() as supervisor:
        with pytest.raises(StartError, match="before it was ready") as caught:
            await supervisor.start_child(ChildSpec("a", returns))
        assert caught.value.cause == Normal()
        assert supervisor.which_children() == []

    with pytest.raises(StartError, match="'a'"):
        await Supervisor([ChildSpec("a", returns)]).run()


@pytest.mark.parametrize("restart", list(Restart))
async def test_05_ignore_keeps_a_permanent_or_transient_spec_without_a_task_and_drops_a_temporary_one(
    restart: Restart, journal: Journal, open_static: Opener, autojump_clock: MockClock
) -> None:
    async def ignores(child: Child) -> None:
        child.ignore()

    kept = [] if restart is Restart.TEMPORARY else [("x", "stopped", ChildType.WORKER)]
    supervisor = Supervisor([ChildSpec("x", ignores, restart=restart)])
    async with open_supervisor(supervisor):
        assert supervisor.which_children() == kept
    async with open_static() as supervisor:
        assert await supervisor.start_child(ChildSpec("x", ignores, restart=restart)) is None
        assert supervisor.which_children() == kept


async def test_05_a_dynamic_supervisor_keeps_nothing_of_a_child_that_is_ignored(
    autojump_clock: MockClock,
) -> None:
    async def ignores(child: Child) -> None:
        child.ignore()

    async with open_supervisor(DynamicSupervisor()) as supervisor:
        assert await supervisor.start_child(ChildSpec("x", ignores)) is None
        assert len(supervisor) == 0


async def test_05_a_crash_after_ignore_is_a_crash(open_any: Opener, autojump_clock: MockClock) -> None:
    async def breaks(child: Child) -> None:
        child.ignore()
        raise Boom

    async with open_any() as supervisor:
        with pytest.raises(StartError):
            await supervisor.start_child(ChildSpec("x", breaks))


def test_06_duplicate_ids_are_refused_before_anything_starts() -> None:
    with pytest.raises(InvalidSpec, match="'a'"):
        Supervisor([ChildSpec("a", _never), ChildSpec("b", _never), ChildSpec("a", _never)])


@pytest.mark.parametrize("kind", [Supervisor, DynamicSupervisor])
@pytest.mark.parametrize(
    "flags",
    [
        {"intensity": -1},
        {"intensity": 1.5},
        {"intensity": True},
        {"period": 0},
        {"period": -1.0},
        {"period": math.nan},
        {"period": "5"},
    ],
)
def test_07_a_negative_intensity_and_a_period_that_is_not_positive_are_refused(
    kind: Callable[..., Any], flags: dict[str, Any]
) -> None:
    if kind is Supervisor:
        flags = {**flags, "children": []}
    with pytest.raises(InvalidSpec):
        kind(**flags)


def test_07_an_invalid_strategy_or_auto_shutdown_is_refused() -> None:
    with pytest.raises(InvalidSpec, match="one_for_two"):
        Supervisor([], strategy="one_for_two")  # type: ignore[arg-type]
    with pytest.raises(InvalidSpec, match="sometimes"):
        Supervisor([], auto_shutdown="sometimes")  # type: ignore[arg-type]


@pytest.mark.parametrize("shutdown", [-1, math.nan, "5", True, "brutal_kill"])
async def test_07_a_bad_shutdown_is_refused_before_anything_starts(
    shutdown: Any, open_any: Opener, autojump_clock: MockClock
) -> None:
    bad = ChildSpec("b", _never, shutdown=shutdown)
    with pytest.raises(InvalidSpec, match="'b'"):
        Supervisor([ChildSpec("a", _never), bad])
    async with open_any() as supervisor:
        with pytest.raises(InvalidSpec):
            await supervisor.start_child(bad)


def test_07_a_bad_restart_is_refused() -> None:
    with pytest.raises(InvalidSpec, match="always"):
        Supervisor([ChildSpec("a", _never, restart="always")])  # type: ignore[arg-type]


async def test_08_defaults_are_those_of_otp(autojump_clock: MockClock) -> None:
    spec = ChildSpec("a", _never)
    assert (spec.restart, spec.type, spec.budget) == (Restart.PERMANENT, ChildType.WORKER, 5.0)
    assert ChildSpec("a", _never, shutdown=BRUTAL_KILL).budget is BRUTAL_KILL
    supervisor = Supervisor([])
    assert supervisor.spec().type is ChildType.SUPERVISOR
    assert supervisor.spec().budget == INFINITY == DynamicSupervisor().spec().budget
    assert supervisor.flags.auto_shutdown is AutoShutdown.NEVER
    assert supervisor.flags.strategy is Strategy.ONE_FOR_ONE


async def test_08_a_worker_gets_five_seconds_and_a_supervisor_as_long_as_it_takes(
    journal: Journal, autojump_clock: MockClock
) -> None:
    worker = journal.worker("worker", stop_s=6)
    patient = journal.worker("patient", stop_s=100, shutdown=INFINITY)
    root = Supervisor(
        [Supervisor([patient.spec], name="inner").spec(), worker.spec], telemetry=journal.telemetry
    )
    async with open_supervisor(root):
        zero = trio.current_time()
    assert trio.current_time() - zero == 105
    assert journal.take()[2:] == ["stop worker", "cancel worker", "stop patient", "end patient"]
    assert journal.exits("inner") == [Shutdown("stop requested")]


async def test_a_supervisor_can_be_run_again_and_begins_from_its_list(
    journal: Journal, open_static: Opener, autojump_clock: MockClock
) -> None:
    a, b = journal.workers("ab")
    root = Supervisor([a.spec])
    for _ in range(2):
        async with open_supervisor(root):
            await root.start_child(b.spec)
            assert [child_id for child_id, _, _ in root.which_children()] == ["a", "b"]
    assert (a.starts, b.starts) == (2, 2)


async def test_an_error_in_the_block_of_open_supervisor_still_stops_the_children_in_order(
    journal: Journal, open_static: Opener, autojump_clock: MockClock
) -> None:
    a, b = journal.workers("ab", stop_s=1)
    with pytest.RaisesGroup(Boom):
        async with open_static(a, b):
            journal.take()
            raise Boom
    assert journal.take() == ["stop b", "end b", "stop a", "end a"]


async def test_open_supervisor_runs_a_root_of_either_kind(
    journal: Journal, open_any: Opener, autojump_clock: MockClock
) -> None:
    async with open_any(journal.worker("a")) as supervisor:
        assert supervisor.which_children() == [("a", "running", ChildType.WORKER)]
    assert journal.take() == ["start a", "stop a", "end a"]
