"""Intensity and back-off: statements 19 to 28."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from supervisors import (
    AutoShutdown,
    Backoff,
    Child,
    ChildExited,
    ChildRestarted,
    ChildSpec,
    ChildType,
    Crash,
    DynamicSupervisor,
    IntensityBreached,
    InvalidSpec,
    Restart,
    Shutdown,
    Strategy,
    Supervisor,
    open_supervisor,
    run_root,
)
from supervisors.intensity import Window
from supervisors.root import EXIT_ESCALATED, EXIT_NOT_STARTED, EXIT_STOPPED
from tests.supervisors.workers import (
    PERMANENT,
    TEMPORARY,
    TRANSIENT,
    Boom,
    Journal,
    Opener,
    Worker,
    escalates,
)


async def _crash(worker: Worker, times: int) -> None:
    for _ in range(times):
        await worker.crash()


@pytest.mark.parametrize("intensity", [1, 3, 5])
async def test_19_exactly_intensity_restarts_within_the_period_are_tolerated(
    intensity: int, journal: Journal, open_any: Opener, autojump_clock: MockClock
) -> None:
    a = journal.worker("a")
    with escalates():
        async with open_any(a, intensity=intensity, period=10):
            await _crash(a, intensity)
            assert a.starts == intensity + 1
            assert journal.of(IntensityBreached) == []
            await a.crash()  # one more
    assert a.starts == intensity + 1
    assert journal.of(IntensityBreached) == [IntensityBreached("root", intensity, 10)]


async def test_20_the_window_is_the_supervisors_shared_by_its_children(
    journal: Journal, open_any: Opener, autojump_clock: MockClock
) -> None:
    a, b, c = journal.workers("abc")
    with escalates():
        async with open_any(a, b, c, intensity=2):
            await a.crash()
            await b.crash()
            await c.crash()


async def test_21_restarts_older_than_the_period_are_forgotten(
    journal: Journal, open_any: Opener, autojump_clock: MockClock
) -> None:
    a = journal.worker("a")
    async with open_any(a, intensity=2, period=5):
        for _ in range(10):
            await _crash(a, 2)
            await trio.sleep(5.1)
        assert a.starts == 21


@given(st.lists(st.floats(0, 10), max_size=30), st.integers(0, 5))
def test_21_the_window_agrees_with_counting(gaps: list[float], intensity: int) -> None:
    window = Window(intensity, 5.0)
    times: list[float] = []
    now = 0.0
    for gap in gaps:
        now += gap
        times.append(now)
        recent = sum(time >= now - 5.0 for time in times)
        assert window.add(now) is (recent <= intensity)
        assert window.recent == recent


async def test_22_a_failed_restart_attempt_counts(
    journal: Journal, open_any: Opener, autojump_clock: MockClock
) -> None:
    a = journal.worker("a")
    with escalates():
        async with open_any(a, intensity=3):
            a.failing = [Boom() for _ in range(100)]
            await a.crash()
    assert a.starts == 1 + 3
    assert len(a.failing) == 97


async def test_22_a_restart_that_succeeds_in_time_ends_the_attempts(
    journal: Journal, open_any: Opener, autojump_clock: MockClock
) -> None:
    a = journal.worker("a")
    async with open_any(a, intensity=3) as supervisor:
        a.failing = [Boom(), Boom()]
        await a.crash()
        assert a.starts == 4
        assert supervisor.which_children() == [("a", "running", ChildType.WORKER)]
        assert [event.restarts for event in journal.of(ChildRestarted)] == [1, 2, 3]


async def test_23_with_intensity_zero_the_first_restart_ends_it(
    journal: Journal, open_any: Opener, autojump_clock: MockClock
) -> None:
    a = journal.worker("a")
    with escalates():
        async with open_any(a, intensity=0):
            await a.crash()
    assert a.starts == 1
    assert journal.of(ChildRestarted) == []


async def test_24_a_group_restart_counts_once(
    journal: Journal, open_static: Opener, autojump_clock: MockClock
) -> None:
    workers = journal.workers("abcde")
    async with open_static(*workers, strategy=Strategy.ONE_FOR_ALL, intensity=2):
        await workers[0].crash()
        await workers[3].crash()
        assert [worker.starts for worker in workers] == [3] * 5
    assert len(journal.of(ChildRestarted)) == 2


async def test_25_on_breach_all_children_stop_in_reverse_and_the_supervisor_exits_with_reason_shutdown(
    journal: Journal, autojump_clock: MockClock
) -> None:
    a, b, c = journal.workers("abc")
    inner = Supervisor([w.spec for w in (a, b, c)], name="inner", intensity=0)
    root = Supervisor([inner.spec(restart=Restart.TEMPORARY)], telemetry=journal.telemetry)
    async with open_supervisor(root):
        journal.take()
        await b.crash()
        assert journal.take() == ["stop c", "end c", "stop a", "end a"]
        assert journal.exits("inner") == [Shutdown("restart intensity reached in supervisor/inner")]


@pytest.mark.parametrize("kind", [Supervisor, DynamicSupervisor])
@pytest.mark.parametrize(
    ("restart", "comes_back"), [(PERMANENT, True), (TRANSIENT, False), (TEMPORARY, False)]
)
async def test_26_only_a_permanent_slot_in_the_parent_restarts_the_breached_supervisor(
    kind: type, restart: Restart, comes_back: bool, journal: Journal, autojump_clock: MockClock
) -> None:
    a = journal.worker("a")
    if kind is Supervisor:
        inner: Supervisor | DynamicSupervisor = Supervisor([a.spec], name="inner", intensity=0)
    else:
        inner = DynamicSupervisor(name="inner", intensity=0)
    root = Supervisor([inner.spec(restart=restart)], telemetry=journal.telemetry)
    async with open_supervisor(root):
        if isinstance(inner, DynamicSupervisor):
            await inner.start_child(a.spec)
        await a.crash()
        assert [type(exit_) for exit_ in journal.exits("inner")] == [Shutdown]
        assert (root.count_children().active == 1) is comes_back
        assert a.starts == (2 if comes_back and kind is Supervisor else 1)


ROOT = """
import sys, trio
from supervisors import Child, ChildSpec, DynamicSupervisor, Supervisor, run_root

async def child(child: Child) -> None:
    {body}

async def main() -> int:
    inner = Supervisor([ChildSpec("a", child)], name="inner", intensity=0)
    return await run_root(Supervisor([inner.spec()], intensity=0))

sys.exit(trio.run(main))
"""


def _status(body: str) -> int:
    return subprocess.run([sys.executable, "-c", ROOT.format(body=body)], check=False, timeout=60).returncode


def test_27_escalation_that_reaches_the_root_ends_the_process_with_a_non_zero_status() -> None:
    assert _status("child.ready(); raise ValueError('broken')") == EXIT_ESCALATED


def test_27_the_statuses_tell_an_escalation_and_a_failed_start_from_a_stop() -> None:
    assert len({0, EXIT_STOPPED, EXIT_ESCALATED, EXIT_NOT_STARTED}) == 3


def test_27_a_start_that_fails_has_a_status_of_its_own() -> None:
    assert _status("raise ValueError('broken')") == EXIT_NOT_STARTED


def test_27_a_signal_stops_the_tree_and_the_status_is_zero() -> None:
    body = "child.ready(); import os; os.kill(os.getpid(), 15); await child.stop_requested()"
    assert _status(body) == EXIT_STOPPED


def test_27_a_second_signal_ends_it_without_waiting() -> None:
    body = """child.ready(); import os, signal
    os.kill(os.getpid(), 2)
    await child.stop_requested()
    os.kill(os.getpid(), 15)
    await trio.sleep(3600)"""
    assert _status(body) == EXIT_STOPPED


async def test_27_an_auto_shutdown_of_the_root_has_the_status_zero() -> None:
    async def brief(child: Child) -> None:
        child.ready()

    root = Supervisor(
        [ChildSpec("a", brief, restart=TRANSIENT, significant=True)],
        auto_shutdown=AutoShutdown.ANY_SIGNIFICANT,
    )
    assert await run_root(root) == EXIT_STOPPED


async def test_28_back_off_follows_its_curve(
    journal: Journal, open_any: Opener, autojump_clock: MockClock
) -> None:
    a = journal.worker("a")
    async with open_any(a, intensity=5, period=100, backoff=Backoff(1, 2, 5, 0)) as supervisor:
        for pause in [1, 2, 4, 5, 5]:
            crashed_at = trio.current_time()
            await a.crash()
            assert supervisor.count_children().restarting == 1
            await trio.sleep(pause + 0.5)
            assert a.child is not None
            assert a.child.started_at == crashed_at + pause
    assert [event.pause_s for event in journal.of(ChildRestarted)] == [1, 2, 4, 5, 5]


async def test_28_failed_attempts_go_on_along_the_curve(
    journal: Journal, open_any: Opener, autojump_clock: MockClock
) -> None:
    a = journal.worker("a")
    async with open_any(a, intensity=5, period=100, backoff=Backoff(1, 2, 60, 0)):
        a.failing = [Boom() for _ in range(3)]
        zero = trio.current_time()
        await a.crash()
        await trio.sleep(50)
        assert [event.pause_s for event in journal.of(ChildRestarted)] == [1, 2, 4, 8]
        assert [event.uptime_s for event in journal.of(ChildExited)] == [0, 0, 0, 0]
        assert a.child is not None
        assert a.child.started_at - zero == 15


@given(st.integers(0, 2000), st.floats(0, 1))
def test_28_jitter_stays_within_its_bounds_and_never_overflows(restarts: int, random: float) -> None:
    curve = Backoff(first_s=0.5, factor=3, most_s=60, jitter=0.2)
    plain = Backoff(first_s=0.5, factor=3, most_s=60, jitter=0).pause(restarts, 0.5)
    assert 0.8 * plain <= curve.pause(restarts, random) <= 1.2 * plain + 1e-9
    assert plain <= 60


@pytest.mark.parametrize("kind", [Supervisor, DynamicSupervisor])
def test_28_a_back_off_that_makes_the_intensity_unreachable_is_refused(kind: type) -> None:
    first: dict[str, Any] = {} if kind is DynamicSupervisor else {"children": []}
    curve = Backoff(first_s=1, factor=1, most_s=1, jitter=0)
    kind(**first, intensity=4, period=5, backoff=curve)
    with pytest.raises(InvalidSpec, match="never be reached"):
        kind(**first, intensity=5, period=5, backoff=curve)


@pytest.mark.parametrize(
    "wrong",
    [
        {"first_s": -1},
        {"factor": 0.5},
        {"first_s": 2, "most_s": 1},
        {"jitter": 1},
        {"jitter": -0.1},
        {"first_s": float("nan")},
        {"most_s": float("inf")},
    ],
)
def test_28_a_back_off_that_is_no_growing_curve_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidSpec):
        Backoff(**wrong)


async def test_a_crash_report_names_how_often_the_child_was_restarted(
    journal: Journal, open_any: Opener, autojump_clock: MockClock
) -> None:
    a = journal.worker("a")
    async with open_any(a):
        await _crash(a, 2)
        crashes = [event for event in journal.of(ChildExited) if isinstance(event.exit, Crash)]
        assert [event.restarts for event in crashes] == [0, 1]
        assert "root/a ended after 0.0 s, restarts: 1: Boom: a" in crashes[1].report()
        assert "Traceback" in crashes[1].report()
