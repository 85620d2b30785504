"""Structured concurrency: statements 53 to 60."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
import trio
from trio.testing import MockClock

from supervisors import (
    Backoff,
    Child,
    ChildExited,
    ChildRestarted,
    ChildSpec,
    ChildStarted,
    Crash,
    DynamicSupervisor,
    Escalation,
    IntensityBreached,
    NotRunning,
    PartitionSupervisor,
    Registry,
    Restart,
    Shutdown,
    ShutdownExit,
    StartError,
    Strategy,
    Supervisor,
    Telemetry,
    open_supervisor,
)
from tests.deterministic import run
from tests.supervisors.workers import ASKED, Boom, Journal, Opener, escalates, opener, settle


async def test_53_a_crash_never_cancels_siblings_outside_the_strategy(
    journal: Journal, open_any: Opener, autojump_clock: MockClock
) -> None:
    a, b, c = journal.workers("abc")
    async with open_any(a, b, c):
        journal.take()
        await b.crash(ExceptionGroup("several", [Boom(), ValueError()]))
        assert journal.take() == ["start b"]


async def test_53_an_escalation_leaves_the_siblings_of_its_supervisor_alone(
    journal: Journal, autojump_clock: MockClock
) -> None:
    a, b = journal.workers("ab")
    inner = Supervisor([b.spec], name="inner", intensity=0)
    async with open_supervisor(Supervisor([a.spec, inner.spec()])):
        journal.take()
        await b.crash()
        assert journal.take() == ["start b"]


async def test_54_outer_cancellation_ends_every_child_without_restart_or_crash_report(
    journal: Journal, open_any: Opener, autojump_clock: MockClock
) -> None:
    workers = journal.workers("abc")
    with trio.CancelScope() as scope:
        async with open_any(*workers):
            await settle()
            scope.cancel()
            await trio.sleep_forever()
    assert scope.cancelled_caught
    assert [worker.starts for worker in workers] == [1, 1, 1]
    assert sorted(journal.take()[3:]) == ["cancel a", "cancel b", "cancel c"]
    assert journal.reports() == []
    assert [journal.exits(name) for name in "abc"] == [[Shutdown("cancelled")]] * 3
    assert journal.of(ChildRestarted) == []


async def test_54_a_child_whose_clean_up_fails_under_outer_cancellation_is_reported_and_not_restarted(
    journal: Journal, open_any: Opener, autojump_clock: MockClock
) -> None:
    starts = 0

    async def breaks(child: Child) -> None:
        nonlocal starts
        starts += 1
        child.ready()
        try:
            await trio.sleep_forever()
        finally:
            raise Boom("clean-up")

    with trio.CancelScope() as scope:
        async with open_any() as supervisor:
            await supervisor.start_child(ChildSpec("a", breaks))
            scope.cancel()
            await trio.sleep_forever()
    assert starts == 1
    assert journal.reports() == ["a"]
    assert journal.of(ChildRestarted) == []


async def test_54_a_crash_at_the_moment_of_outer_cancellation_starts_nothing(
    journal: Journal, open_any: Opener, autojump_clock: MockClock
) -> None:
    a = journal.worker("a")
    with trio.CancelScope() as scope:
        async with open_any(a):
            a.order(Boom())
            scope.cancel()
            await trio.sleep_forever()
    assert a.starts == 1
    assert journal.of(ChildRestarted) == []


async def test_54_nothing_begins_in_a_supervisor_that_is_being_cancelled(
    journal: Journal, open_any: Opener, autojump_clock: MockClock
) -> None:
    a = journal.worker("a")
    with trio.CancelScope() as scope:
        async with open_any() as supervisor:
            scope.cancel()
            with trio.CancelScope(shield=True), pytest.raises((StartError, NotRunning)):
                await supervisor.start_child(a.spec)
    assert a.starts == 0


@pytest.mark.parametrize("kind", ["static", "dynamic"])
@pytest.mark.parametrize("seed", range(10))
def test_54_a_crash_just_before_outer_cancellation_is_not_followed_by_a_restart(seed: int, kind: str) -> None:
    journal = Journal()
    a = journal.worker("a")
    restarts_when_cancelled = -1

    async def main() -> None:
        nonlocal restarts_when_cancelled
        with trio.CancelScope() as scope:
            async with opener(journal, kind)(a):
                a.order(Boom())
                assert a.child is not None
                await a.child.done()
                scope.cancel()
                restarts_when_cancelled = len(journal.of(ChildRestarted))
                await trio.sleep_forever()

    run(seed, main)
    assert len(journal.of(ChildRestarted)) == restarts_when_cancelled


PROGRAM_ENDS: list[Callable[[], BaseException]] = [
    lambda: KeyboardInterrupt(),
    lambda: SystemExit(3),
    lambda: BaseExceptionGroup("group", [ValueError("x"), BaseExceptionGroup("deeper", [SystemExit(3)])]),
    lambda: BaseExceptionGroup("group", [KeyboardInterrupt()]),
]


@pytest.mark.parametrize("make", PROGRAM_ENDS)
@pytest.mark.parametrize("kind", ["static", "dynamic"])
def test_55_keyboard_interrupt_and_system_exit_propagate_and_are_never_restarted(
    kind: str, make: Callable[[], BaseException]
) -> None:
    journal = Journal()
    a, b = journal.workers("ab")

    async def main() -> None:
        async with opener(journal, kind)(a, b, intensity=100):
            await a.crash(make())
            raise AssertionError("it goes on")

    with pytest.raises((KeyboardInterrupt, SystemExit, BaseExceptionGroup)) as caught:
        trio.run(main, clock=MockClock(autojump_threshold=0))
    leaves = Crash(caught.value).leaves
    assert {type(leaf) for leaf in leaves} <= {KeyboardInterrupt, SystemExit}
    assert (a.starts, b.starts) == (1, 1)
    assert journal.of(ChildRestarted) == []
    assert journal.exits("b") == [Shutdown("cancelled")]
    assert len(journal.exits("a")) == 1


async def test_56_an_exception_group_gives_one_crash_report_with_all_its_leaves(
    journal: Journal, open_any: Opener, autojump_clock: MockClock
) -> None:
    a = journal.worker("a")
    errors = [Boom("one"), ValueError("two"), OSError("three")]
    async with open_any(a):
        await a.crash(ExceptionGroup("outer", [errors[0], ExceptionGroup("inner", errors[1:])]))
        reports = [event for event in journal.of(ChildExited) if isinstance(event.exit, Crash)]
        assert len(reports) == 1
        assert isinstance(reports[0].exit, Crash)
        assert reports[0].exit.leaves == tuple(errors)
        assert all(part in reports[0].report() for part in ("Boom: one", "ValueError: two", "OSError: three"))


async def test_56_a_group_of_orderly_ends_is_an_orderly_end(
    journal: Journal, open_any: Opener, autojump_clock: MockClock
) -> None:
    a = journal.worker("a", restart=Restart.TRANSIENT)
    async with open_any(a):
        await a.crash(ExceptionGroup("outer", [ShutdownExit("enough"), ShutdownExit("enough")]))
        assert journal.exits("a") == [Shutdown("enough")]


async def test_57_a_registered_name_vanishes_before_its_replacement_starts(
    open_any: Opener, autojump_clock: MockClock
) -> None:
    registry: Registry[int] = Registry()
    free_at_start: list[bool] = []

    async def start(child: Child) -> None:
        free_at_start.append(registry.lookup("name") is None)
        with registry.register("name", child.restarts):
            child.ready()
            try:
                await trio.sleep(1)
                if child.restarts < 3:
                    raise Boom
                await child.stop_requested()
            finally:
                with trio.CancelScope(shield=True):
                    await trio.sleep(1)

    async with open_any(intensity=10) as supervisor:
        await supervisor.start_child(ChildSpec("a", start))
        await trio.sleep(10)
        assert registry.lookup("name") == 3
    assert free_at_start == [True] * 4
    assert registry.names() == []


async def test_58_exactly_one_event_for_each_start_exit_restart_and_breach(
    journal: Journal, open_any: Opener, autojump_clock: MockClock
) -> None:
    a, b = journal.workers("ab")
    with escalates():
        async with open_any(a, b, intensity=3):
            await a.crash()
            a.failing = [Boom()]
            await a.end()
            await a.crash()
    seen = Counter((type(event), event.path) for event in journal.events)
    assert seen == {
        (ChildStarted, "root/a"): 3,
        (ChildStarted, "root/b"): 1,
        (ChildExited, "root/a"): 4,
        (ChildExited, "root/b"): 1,
        (ChildRestarted, "root/a"): 3,
        (IntensityBreached, "root"): 1,
    }


async def test_58_a_child_that_calls_ready_twice_starts_once(
    journal: Journal, open_any: Opener, autojump_clock: MockClock
) -> None:
    async def eager(child: Child) -> None:
        child.ready(1)
        child.ready(2)
        await child.stop_requested()

    async with open_any() as supervisor:
        assert await supervisor.start_child(ChildSpec("a", eager)) == 1
    assert journal.of(ChildStarted) == [ChildStarted("root/a")]


async def _busy_tree(journal: Journal, seed: int) -> None:
    """A tree of every kind, in which much goes on at the same time when it is stopped or cancelled."""
    a, b, c, d, e = journal.workers("abcde", stop_s=1)
    e.failing = [Boom(), Boom()]
    dynamic = DynamicSupervisor(name="dynamic", intensity=50, backoff=Backoff(0.01, 1.5, 0.05))
    partitions = PartitionSupervisor(3, intensity=50)
    group = Supervisor(
        [b.spec, c.spec],
        name="group",
        strategy=list(Strategy)[seed % 3],
        intensity=50,
        backoff=Backoff(0.01, 1, 0.01),
    )
    root = Supervisor([a.spec, dynamic.spec(), partitions.spec(), group.spec()], telemetry=journal.telemetry)
    with trio.move_on_after(2 if seed % 2 else 100):
        async with open_supervisor(root):
            await dynamic.start_child(d.spec)
            await partitions.start_child("e", ChildSpec("e", _flaky, restart=Restart.TRANSIENT))
            for worker in (a, b, c, d):
                worker.order(Boom())
            if seed % 4 == 1:
                await trio.sleep_forever()
            if seed % 4 == 2:
                await trio.sleep(0.005)
            root.request_stop()


async def _flaky(child: Child) -> None:
    child.ready()
    await trio.sleep(0.01)
    raise Boom


@pytest.mark.parametrize("seed", range(60))
def test_59_no_task_remains_after_exit_for_any_scheduler_seed(seed: int) -> None:
    journal = Journal()

    async def main() -> tuple[int, int]:
        before = trio.lowlevel.current_statistics().tasks_living
        await _busy_tree(journal, seed)
        return before, trio.lowlevel.current_statistics().tasks_living

    before, after = run(seed, main)
    assert after == before
    starts = Counter(note.removeprefix("start ") for note in journal.notes if note.startswith("start"))
    for name, count in starts.items():
        assert len(journal.exits(name)) == count


async def test_60_exceptions_of_children_never_leave_the_supervisor_except_as_escalation(
    journal: Journal, open_any: Opener, autojump_clock: MockClock
) -> None:
    a, b, c = journal.worker("a"), journal.worker("b", restart=Restart.TRANSIENT), journal.worker("c")
    c.on_stop = Boom("while stopping")
    async with open_any(a, b, c, intensity=10):
        for error in (
            Boom(),
            ExceptionGroup("g", [Boom()]),
            ShutdownExit("x"),
            Escalation("elsewhere", None),
        ):
            await a.crash(error)
        await b.crash(RuntimeError())
    assert journal.exits("c") != [ASKED]

    d = journal.worker("d")
    with escalates() as caught:
        async with open_any(d, intensity=0):
            await d.crash(Boom("the cause"))
    assert caught.value.path == "root"
    assert isinstance(caught.value.last, Crash)
    assert str(caught.value.last.error) == "the cause"


async def test_60_a_start_that_is_no_coroutine_function_is_a_start_failure(
    open_any: Opener, autojump_clock: MockClock
) -> None:
    def not_async(child: Child) -> None:
        return None

    spec = ChildSpec("a", not_async)  # type: ignore[arg-type]

    async with open_any() as supervisor:
        with pytest.raises(StartError, match="TypeError"):
            await supervisor.start_child(spec)


async def test_60_a_telemetry_listener_that_raises_harms_nobody(
    journal: Journal, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(event: object) -> None:
        raise Boom("listener")

    heard: list[object] = []
    a = journal.worker("a")
    async with open_supervisor(Supervisor([a.spec], telemetry=Telemetry(broken, heard.append))):
        await a.crash()
    assert len(heard) == 5
    assert caplog.text.count("telemetry listener failed") == 1
