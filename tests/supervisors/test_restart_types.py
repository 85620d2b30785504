"""Restart types: statements 9 to 13."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
from trio.testing import MockClock

from supervisors import (
    Child,
    ChildSpec,
    ChildType,
    Crash,
    Normal,
    Shutdown,
    Strategy,
    Supervisor,
    open_supervisor,
)
from tests.supervisors.workers import PERMANENT, TEMPORARY, TRANSIENT, Boom, Journal, Opener, Worker, settle

WAYS = ["end", "shut_down", "crash"]


async def _by(worker: Worker, way: str) -> None:
    await getattr(worker, way)()


@pytest.mark.parametrize("way", WAYS)
async def test_09_a_permanent_child_restarts_after_normal_exit_shutdown_and_crash(
    way: str, journal: Journal, open_any: Opener, autojump_clock: MockClock
) -> None:
    a = journal.worker("a", restart=PERMANENT)
    async with open_any(a) as supervisor:
        await _by(a, way)
        assert a.starts == 2
        assert supervisor.which_children() == [("a", "running", ChildType.WORKER)]
        expected = {"end": Normal, "shut_down": Shutdown, "crash": Crash}[way]
        assert [type(exit_) for exit_ in journal.exits("a")] == [expected]


@pytest.mark.parametrize(("way", "starts"), [("end", 1), ("shut_down", 1), ("crash", 2)])
async def test_10_a_transient_child_restarts_only_after_a_crash(
    way: str, starts: int, journal: Journal, open_any: Opener, autojump_clock: MockClock
) -> None:
    a = journal.worker("a", restart=TRANSIENT)
    async with open_any(a):
        await _by(a, way)
        assert a.starts == starts


async def test_10_the_spec_of_a_transient_child_that_ended_is_kept_by_a_static_supervisor(
    journal: Journal, open_static: Opener, autojump_clock: MockClock
) -> None:
    a = journal.worker("a", restart=TRANSIENT)
    async with open_static(a) as supervisor:
        await a.end()
        assert supervisor.which_children() == [("a", "stopped", ChildType.WORKER)]
        await supervisor.restart_child("a")
        assert a.starts == 2


async def test_10_a_dynamic_supervisor_forgets_a_transient_child_that_ended(
    journal: Journal, autojump_clock: MockClock, open_any: Opener
) -> None:
    a = journal.worker("a", restart=TRANSIENT)
    async with open_any() as supervisor:
        if isinstance(supervisor, Supervisor):
            return
        await supervisor.start_child(a.spec)
        await a.end()
        assert len(supervisor) == 0


@pytest.mark.parametrize("way", WAYS)
async def test_11_a_temporary_child_never_restarts_and_its_spec_is_forgotten(
    way: str, journal: Journal, open_any: Opener, autojump_clock: MockClock
) -> None:
    a = journal.worker("a", restart=TEMPORARY)
    async with open_any(a) as supervisor:
        await _by(a, way)
        assert a.starts == 1
        assert supervisor.which_children() == []


@pytest.mark.parametrize("crashes", [False, True])
async def test_11_the_arguments_of_a_temporary_child_are_not_kept_alive(
    crashes: bool, open_any: Opener, autojump_clock: MockClock
) -> None:
    class Argument:
        pass

    async def start(child: Child, argument: Argument) -> None:
        child.ready()
        if crashes:
            raise Boom

    async with open_any() as supervisor:
        supervisor._telemetry._listeners = ()  # the journal keeps reports, and these their tracebacks
        argument = Argument()
        alive = weakref.ref(argument)
        await supervisor.start_child(ChildSpec("a", start, (argument,), restart=TEMPORARY))
        del argument
        await settle()
        gc.collect()
        assert alive() is None


@pytest.mark.parametrize("strategy", [Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE])
async def test_12_a_temporary_sibling_stopped_by_the_strategy_is_not_brought_back(
    strategy: Strategy, journal: Journal, open_static: Opener, autojump_clock: MockClock
) -> None:
    a, b, c = journal.worker("a"), journal.worker("b", restart=TEMPORARY), journal.worker("c")
    async with open_static(a, b, c, strategy=strategy) as supervisor:
        journal.take()
        await a.crash()
        assert journal.take() == ["stop c", "end c", "stop b", "end b", "start a", "start c"]
        assert [child_id for child_id, _, _ in supervisor.which_children()] == ["a", "c"]


async def test_13_a_restart_uses_the_original_arguments(open_any: Opener, autojump_clock: MockClock) -> None:
    seen: list[tuple[Any, ...]] = []
    given = object()

    async def start(child: Child, *args: Any) -> None:
        seen.append(args)
        child.ready()
        if len(seen) < 3:
            raise Boom
        await child.stop_requested()

    async with open_any() as supervisor:
        await supervisor.start_child(ChildSpec("a", start, (given, 7)))
        await settle()
    assert seen == [(given, 7)] * 3


async def test_13_a_restarted_supervisor_begins_from_its_original_children(
    journal: Journal, autojump_clock: MockClock
) -> None:
    a, extra = journal.worker("a"), journal.worker("extra")
    inner = Supervisor([a.spec], name="inner", intensity=0)
    async with open_supervisor(Supervisor([inner.spec()])):
        await inner.start_child(extra.spec)
        await a.crash()
        assert inner.which_children() == [("a", "running", ChildType.WORKER)]
    assert (a.starts, extra.starts) == (2, 1)
