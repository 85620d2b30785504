"""Shutdown: statements 29 to 40."""

from __future__ import annotations

import threading

import pytest
import trio
from trio.testing import MockClock

from supervisors import (
    BRUTAL_KILL,
    INFINITY,
    Backoff,
    Child,
    ChildExited,
    ChildNotFound,
    ChildSpec,
    Crash,
    DynamicSupervisor,
    Killed,
    NotRunning,
    Shutdown,
    ShutdownOverrun,
    StartError,
    Strategy,
    Supervisor,
    open_supervisor,
)
from supervisors.child import OVERRUN_S
from tests.deterministic import run
from tests.supervisors.workers import ASKED, Boom, Journal, Opener, escalates, opener, settle


async def test_29_the_stop_order_is_exactly_the_reverse_of_the_start_order(
    journal: Journal, open_static: Opener, autojump_clock: MockClock
) -> None:
    names = "abcdefgh"
    async with open_static(*journal.workers(names[:6])) as supervisor:
        await supervisor.start_child(journal.worker("g").spec)
        await supervisor.start_child(journal.worker("h").spec)
        started = journal.take()
    assert started == [f"start {name}" for name in names]
    assert [note for note in journal.take() if note.startswith("stop")] == [
        f"stop {name}" for name in reversed(names)
    ]


async def test_30_a_child_that_finishes_inside_its_budget_is_never_cancelled(
    journal: Journal, open_any: Opener, autojump_clock: MockClock
) -> None:
    a = journal.worker("a", stop_s=4.999, shutdown=5)
    async with open_any(a):
        pass
    assert journal.take() == ["start a", "stop a", "end a"]
    assert journal.exits("a") == [ASKED]


async def test_31_past_its_budget_a_child_is_cancelled_and_reported_killed(
    journal: Journal, open_any: Opener, autojump_clock: MockClock
) -> None:
    a = journal.worker("a", stop_s=60, shutdown=2)
    async with open_any(a):
        zero = trio.current_time()
    assert trio.current_time() - zero == 2
    assert journal.take() == ["start a", "stop a", "cancel a"]
    assert journal.exits("a") == [Killed()]


async def test_31_a_child_that_finishes_just_as_its_budget_ends_is_reported_as_it_ended(
    open_any: Opener, journal: Journal, autojump_clock: MockClock
) -> None:
    async def punctual(child: Child) -> None:
        child.ready()
        await child.stop_requested()
        with trio.CancelScope(shield=True):
            await trio.sleep(2)

    async def with_a_last_step(child: Child) -> None:
        child.ready()
        await child.stop_requested()
        await trio.sleep(2)
        await trio.lowlevel.checkpoint()

    async with open_any() as supervisor:
        await supervisor.start_child(ChildSpec("a", punctual, shutdown=2))
        await supervisor.start_child(ChildSpec("b", with_a_last_step, shutdown=2))
    assert journal.exits("a") == [ASKED]
    assert journal.exits("b") in ([ASKED], [Killed()])
    assert len(journal.of(ChildExited)) == 2
    assert journal.of(ShutdownOverrun) == []


async def test_32_brutal_kill_cancels_without_a_stop_request(
    open_any: Opener, journal: Journal, autojump_clock: MockClock
) -> None:
    asked: list[str] = []

    async def start(child: Child) -> None:
        async def listen() -> None:
            await child.stop_requested()
            asked.append("listener")

        child.ready()
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(listen)
                await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True), trio.move_on_after(1):
                await child.stop_requested()
                asked.append("clean-up")

    async with open_any() as supervisor:
        await supervisor.start_child(ChildSpec("a", start, shutdown=BRUTAL_KILL))
        await settle()
    assert asked == []
    assert journal.exits("a") == [Killed()]


async def test_33_infinity_waits(journal: Journal, open_any: Opener, autojump_clock: MockClock) -> None:
    a = journal.worker("a", stop_s=1_000_000, shutdown=INFINITY)
    async with open_any(a):
        zero = trio.current_time()
    assert trio.current_time() - zero == 1_000_000
    assert journal.exits("a") == [ASKED]


async def test_34_an_earlier_child_gets_no_stop_request_until_the_later_one_is_done(
    journal: Journal, open_static: Opener, autojump_clock: MockClock
) -> None:
    a, b, c = (
        journal.worker("a", stop_s=1),
        journal.worker("b", stop_s=60, shutdown=3),
        journal.worker("c", stop_s=2),
    )
    async with open_static(a, b, c):
        journal.take()
        zero = trio.current_time()
    assert journal.take() == ["stop c", "end c", "stop b", "cancel b", "stop a", "end a"]
    assert trio.current_time() - zero == 2 + 3 + 1


async def test_35_dynamic_children_stop_side_by_side_in_the_time_of_the_longest(
    journal: Journal, autojump_clock: MockClock
) -> None:
    supervisor = DynamicSupervisor()
    async with open_supervisor(supervisor):
        for seconds in range(1, 5):
            await supervisor.start_child(journal.worker(str(seconds), stop_s=seconds).spec)
        zero = trio.current_time()
    assert trio.current_time() - zero == 4
    assert journal.take()[-4:] == ["end 1", "end 2", "end 3", "end 4"]


async def test_36_a_crash_during_shutdown_is_reported_and_does_not_stop_it(
    journal: Journal, open_any: Opener, autojump_clock: MockClock
) -> None:
    a, b, c = journal.workers("abc")
    b.on_stop = Boom("while stopping")
    async with open_any(a, b, c):
        pass
    assert journal.reports() == ["b"]
    assert journal.exits("a") == journal.exits("c") == [ASKED]


async def test_37_a_permanent_child_that_exits_normally_under_a_stop_request_is_no_error(
    journal: Journal, open_any: Opener, autojump_clock: MockClock
) -> None:
    a = journal.worker("a")
    async with open_any(a):
        pass
    assert journal.exits("a") == [ASKED]
    assert journal.reports() == []
    assert a.starts == 1


async def test_38_stopping_during_the_initial_start_starts_nothing_later(
    journal: Journal, autojump_clock: MockClock
) -> None:
    a, b, c = journal.worker("a"), journal.worker("b", start_s=10), journal.worker("c")
    root = Supervisor([w.spec for w in (a, b, c)], telemetry=journal.telemetry)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(root.run)
        await trio.sleep(1)
        root.request_stop()
    assert journal.take() == ["start a", "start b", "stop b", "end b", "stop a", "end a"]


async def test_38_stopping_during_the_initial_start_reaches_nested_supervisors(
    journal: Journal, autojump_clock: MockClock
) -> None:
    a, b, c, d = (
        journal.worker("a"),
        journal.worker("b", start_s=None),
        journal.worker("c"),
        journal.worker("d"),
    )
    inner = Supervisor([a.spec, b.spec, c.spec], name="inner")
    root = Supervisor([inner.spec(), d.spec], telemetry=journal.telemetry)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(root.run)
        await trio.sleep(1)
        root.request_stop()
    assert journal.take() == ["start a", "start b", "stop b", "end b", "stop a", "end a"]
    assert journal.reports() == []


async def test_38_a_child_asked_to_stop_before_its_first_step_does_not_begin(
    journal: Journal, autojump_clock: MockClock
) -> None:
    b = journal.worker("b")

    async def stops_all(child: Child) -> None:
        child.ready()
        root.request_stop()

    root = Supervisor([ChildSpec("a", stops_all), b.spec], telemetry=journal.telemetry)
    await root.run()
    assert b.starts == 0


def _started_and_stopped_side_by_side(seed: int, kind: str) -> str:
    """What becomes of a child that is started and stopped in the same few steps, in an order that depends on the seed."""
    outcome = "did not begin"
    asked = False

    async def start(child: Child) -> None:
        nonlocal outcome
        outcome = "began although it was to stop" if asked else "began"
        child.ready()
        await child.stop_requested()

    async def main() -> None:
        nonlocal outcome
        async with opener(Journal(), kind)() as supervisor, trio.open_nursery() as nursery:

            async def start_child() -> None:
                nonlocal outcome
                try:
                    await supervisor.start_child(ChildSpec("a", start))
                except NotRunning:
                    outcome = "refused"
                except StartError:
                    pass

            async def stop() -> None:
                nonlocal asked
                for _ in range(seed % 3):
                    await trio.lowlevel.checkpoint()
                asked = outcome != "began"
                if kind == "static":
                    supervisor.request_stop()
                else:
                    try:
                        await supervisor.terminate_child("a")
                    except ChildNotFound:
                        asked = False

            nursery.start_soon(start_child)
            nursery.start_soon(stop)

    run(seed, main)
    return outcome


@pytest.mark.parametrize("kind", ["static", "dynamic"])
def test_38_a_child_asked_to_stop_before_its_first_step_does_not_begin_in_any_order_of_tasks(
    kind: str,
) -> None:
    outcomes = {_started_and_stopped_side_by_side(seed, kind) for seed in range(100)}
    assert outcomes - {"refused"} == {"began", "did not begin"}


async def test_38_stopping_during_back_off_starts_nothing_new(
    journal: Journal, open_any: Opener, autojump_clock: MockClock
) -> None:
    a = journal.worker("a")
    async with open_any(a, backoff=Backoff(1, 1, 1, 0)):
        await a.crash()
        zero = trio.current_time()
    assert a.starts == 1
    assert trio.current_time() == zero


async def test_38_stopping_while_a_restart_hangs_stops_that_one_and_starts_nothing_new(
    journal: Journal, open_any: Opener, autojump_clock: MockClock
) -> None:
    a, b = journal.workers("ab")
    async with open_any(a, b):
        a.start_s = None
        await a.crash()
        assert a.starts == 2
        zero = trio.current_time()
    assert a.starts == 2
    assert trio.current_time() == zero
    assert journal.exits("a")[1:] == [ASKED]


async def test_38_stopping_during_a_group_restart_starts_nothing_new(
    journal: Journal, open_static: Opener, autojump_clock: MockClock
) -> None:
    a, b, c = journal.worker("a"), journal.worker("b"), journal.worker("c", stop_s=3)
    async with open_static(a, b, c, strategy=Strategy.ONE_FOR_ALL) as supervisor:
        await a.crash()
        assert "stop c" in journal.take()
        supervisor.request_stop()
    assert journal.take() == ["end c", "stop b", "end b"]


async def test_38_stopping_while_restarts_keep_failing_ends_them(
    journal: Journal, open_any: Opener, autojump_clock: MockClock
) -> None:
    a = journal.worker("a")
    async with open_any(a, intensity=1_000_000):
        a.failing = [Boom() for _ in range(10_000)]
        a.order(Boom())
        while a.starts < 5:
            await trio.lowlevel.checkpoint()
    assert a.starts < 10


async def test_39_a_child_that_dies_while_being_stopped_is_reaped_once(
    journal: Journal, open_any: Opener, autojump_clock: MockClock
) -> None:
    a, b = journal.worker("a"), journal.worker("b", stop_s=3)
    b.on_stop = Boom()
    async with open_any(a, b) as supervisor, trio.open_nursery() as nursery:
        nursery.start_soon(supervisor.terminate_child, "b")
        await trio.sleep(1)
        supervisor.request_stop()
    assert len(journal.exits("b")) == len(journal.exits("a")) == 1
    assert b.starts == 1


async def test_39_a_child_that_dies_before_its_stop_request_is_reaped_once(
    journal: Journal, open_any: Opener, autojump_clock: MockClock
) -> None:
    a, b = journal.workers("ab")
    async with open_any(a, b) as supervisor:
        a.order(Boom())
        b.order(None)
        supervisor.request_stop()
    assert len(journal.exits("a")) == len(journal.exits("b")) == 1
    assert (a.starts, b.starts) == (1, 1)


async def stubborn(child: Child) -> None:
    """Takes its time, whatever it is told."""
    child.ready()
    with trio.CancelScope(shield=True):
        await trio.sleep(100)


async def test_40_a_shielded_child_gives_one_shutdown_overrun_report_and_is_waited_for(
    open_any: Opener, journal: Journal, autojump_clock: MockClock
) -> None:
    async with open_any() as supervisor:
        await supervisor.start_child(ChildSpec("a", stubborn, shutdown=2))
        zero = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(supervisor.terminate_child, "a")
            await settle()
            supervisor.request_stop()
    assert trio.current_time() - zero == 100
    assert journal.of(ShutdownOverrun) == [ShutdownOverrun("root/a", OVERRUN_S)]
    assert len(journal.exits("a")) == 1


async def test_40_terminate_child_does_not_return_while_a_shielded_child_lives(
    open_any: Opener, autojump_clock: MockClock
) -> None:
    async with open_any() as supervisor:
        await supervisor.start_child(ChildSpec("a", stubborn, shutdown=2))
        zero = trio.current_time()
        await supervisor.terminate_child("a")
        assert trio.current_time() - zero == 100


async def test_40_a_child_in_a_thread_gives_a_shutdown_overrun_report_and_is_waited_for(
    open_any: Opener, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("supervisors.child.OVERRUN_S", 0.01)
    release, thread_over = threading.Event(), False
    journal.telemetry.subscribe(lambda event: release.set() if isinstance(event, ShutdownOverrun) else None)

    def block() -> None:
        nonlocal thread_over
        release.wait()
        thread_over = True

    async def in_thread(child: Child) -> None:
        child.ready()
        await trio.to_thread.run_sync(block)

    async with open_any() as supervisor:
        await supervisor.start_child(ChildSpec("a", in_thread, shutdown=BRUTAL_KILL))
    assert thread_over
    assert journal.of(ShutdownOverrun) == [ShutdownOverrun("root/a", 0.01)]


async def test_a_supervisor_that_escalates_stops_children_that_crash_meanwhile_without_a_second_breach(
    journal: Journal, open_any: Opener, autojump_clock: MockClock
) -> None:
    a, b = journal.worker("a"), journal.worker("b", stop_s=1)
    b.on_stop = Boom()
    with escalates():
        async with open_any(a, b, intensity=0):
            await a.crash()
    assert [type(exit_) for exit_ in journal.exits("b")] == [Crash]
    assert (a.starts, b.starts) == (1, 1)


async def test_cancel_on_stop_ends_a_scope_that_is_entered_after_the_request(
    open_any: Opener, journal: Journal, autojump_clock: MockClock
) -> None:
    async def start(child: Child) -> None:
        child.ready()
        await child.stop_requested()
        with child.cancel_on_stop():
            await trio.sleep_forever()

    async with open_any() as supervisor:
        await supervisor.start_child(ChildSpec("a", start))
    assert journal.exits("a") == [Shutdown("stop requested")]
