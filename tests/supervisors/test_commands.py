"""Commands: statements 41 to 48."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from supervisors import (
    Backoff,
    Child,
    ChildExists,
    ChildNotFound,
    ChildSpec,
    ChildState,
    ChildType,
    Counts,
    DynamicSupervisor,
    MaxChildren,
    NotRunning,
    StartError,
    Supervisor,
    open_supervisor,
)
from tests.supervisors.workers import TEMPORARY, TRANSIENT, Boom, Journal, Opener, escalates, settle

WORKER = ChildType.WORKER
SLOW = Backoff(100, 1, 100, 0)


async def test_41_terminate_child_keeps_the_spec_and_uses_no_intensity(
    journal: Journal, open_static: Opener, autojump_clock: MockClock
) -> None:
    a = journal.worker("a")
    async with open_static(a, intensity=0) as supervisor:
        for _ in range(3):
            await supervisor.terminate_child("a")
            assert supervisor.which_children() == [("a", "stopped", WORKER)]
            await supervisor.restart_child("a")
        assert a.starts == 4


async def test_41_terminate_child_forgets_a_temporary_child(
    journal: Journal, open_any: Opener, autojump_clock: MockClock
) -> None:
    a = journal.worker("a", restart=TEMPORARY)
    async with open_any(a) as supervisor:
        await supervisor.terminate_child("a")
        assert supervisor.which_children() == []
        with pytest.raises(ChildNotFound, match="'a'"):
            await supervisor.terminate_child("a")


async def test_41_terminate_child_returns_when_the_child_is_gone_and_its_id_is_free(
    journal: Journal, open_any: Opener, autojump_clock: MockClock
) -> None:
    a, again = journal.worker("a", stop_s=3, restart=TEMPORARY), journal.worker("a")
    async with open_any(a, intensity=0) as supervisor:
        await supervisor.terminate_child("a")
        assert a.child is not None
        assert not a.child.alive
        await supervisor.start_child(again.spec)


async def test_41_an_id_is_taken_while_its_child_is_still_stopping(
    journal: Journal, autojump_clock: MockClock
) -> None:
    a = journal.worker("a", stop_s=3)
    async with open_supervisor(DynamicSupervisor()) as supervisor:
        await supervisor.start_child(a.spec)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(supervisor.terminate_child, "a")
            await settle()
            with pytest.raises(ChildExists):
                await supervisor.start_child(a.spec)
        await supervisor.start_child(a.spec)
        assert a.starts == 2


async def test_41_a_caller_that_gives_up_does_not_take_the_stop_back(
    journal: Journal, open_any: Opener, autojump_clock: MockClock
) -> None:
    a = journal.worker("a", stop_s=60, shutdown=5)
    async with open_any(a) as supervisor:
        with trio.move_on_after(1):
            await supervisor.terminate_child("a")
        await trio.sleep(4.5)
        assert journal.take() == ["start a", "stop a", "cancel a"]


async def test_42_restart_child_gives_running_restarting_and_not_found_errors(
    journal: Journal, open_static: Opener, autojump_clock: MockClock
) -> None:
    a, b = journal.workers("ab")
    async with open_static(a, b, backoff=SLOW, intensity=1, period=1000) as supervisor:
        with pytest.raises(ChildState) as running:
            await supervisor.restart_child("a")
        assert running.value.state == "running"
        await b.crash()
        with pytest.raises(ChildState) as restarting:
            await supervisor.restart_child("b")
        assert restarting.value.state == "restarting"
        with pytest.raises(ChildNotFound):
            await supervisor.restart_child("c")


async def test_42_restart_child_works_on_a_stopped_child_and_says_when_it_does_not_start(
    journal: Journal, open_static: Opener, autojump_clock: MockClock
) -> None:
    a = journal.worker("a")
    async with open_static(a) as supervisor:
        await supervisor.terminate_child("a")
        a.failing = [Boom()]
        with pytest.raises(StartError):
            await supervisor.restart_child("a")
        assert supervisor.which_children() == [("a", "stopped", WORKER)]
        assert await supervisor.restart_child("a") == "a"
        assert supervisor.which_children() == [("a", "running", WORKER)]


async def test_43_delete_child_refuses_a_running_child(
    journal: Journal, open_static: Opener, autojump_clock: MockClock
) -> None:
    a = journal.worker("a")
    async with open_static(a, backoff=SLOW, intensity=1, period=1000) as supervisor:
        with pytest.raises(ChildState, match="running"):
            await supervisor.delete_child("a")
        await a.crash()
        with pytest.raises(ChildState, match="restarting"):
            await supervisor.delete_child("a")
        await supervisor.terminate_child("a")
        await supervisor.delete_child("a")
        assert supervisor.which_children() == []
        with pytest.raises(ChildNotFound):
            await supervisor.delete_child("a")


async def test_44_start_child_on_an_existing_id_is_already_started_or_already_present(
    journal: Journal, open_static: Opener, autojump_clock: MockClock
) -> None:
    a = journal.worker("a")
    async with open_static(a, backoff=SLOW, intensity=1, period=1000) as supervisor:
        with pytest.raises(ChildExists, match="already started"):
            await supervisor.start_child(a.spec)
        await a.crash()
        with pytest.raises(ChildExists, match="already started"):  # restarting counts as started, as in OTP
            await supervisor.start_child(a.spec)
        await supervisor.terminate_child("a")
        with pytest.raises(ChildExists, match="already present") as present:
            await supervisor.start_child(a.spec)
        assert not present.value.running


async def test_44_start_child_on_the_id_of_a_dynamic_child_is_already_started(
    journal: Journal, autojump_clock: MockClock
) -> None:
    a = journal.worker("a")
    async with open_supervisor(DynamicSupervisor()) as supervisor:
        await supervisor.start_child(a.spec)
        with pytest.raises(ChildExists, match="already started"):
            await supervisor.start_child(a.spec)


async def test_44_a_child_that_does_not_start_leaves_no_spec_behind(
    journal: Journal, open_any: Opener, autojump_clock: MockClock
) -> None:
    a = journal.worker("a")
    a.failing = [Boom()]
    async with open_any() as supervisor:
        with pytest.raises(StartError):
            await supervisor.start_child(a.spec)
        assert supervisor.which_children() == []
        await supervisor.start_child(a.spec)


async def test_44_a_child_whose_starter_gave_up_and_that_does_not_start_leaves_no_spec_behind(
    open_any: Opener, autojump_clock: MockClock
) -> None:
    async def slow(child: Child) -> None:
        await trio.sleep(2)
        raise Boom

    async with open_any() as supervisor:
        with trio.move_on_after(1):
            await supervisor.start_child(ChildSpec("a", slow))
        await trio.sleep(2)
        assert supervisor.which_children() == []


async def test_45_max_children_counts_restarting_children_and_one_more_is_an_error(
    journal: Journal, autojump_clock: MockClock
) -> None:
    a, b, c = journal.workers("abc")
    supervisor = DynamicSupervisor(max_children=2, backoff=SLOW, intensity=1, period=1000)
    async with open_supervisor(supervisor):
        await supervisor.start_child(a.spec)
        await supervisor.start_child(b.spec)
        await a.crash()
        assert supervisor.count_children().restarting == 1
        with pytest.raises(MaxChildren) as caught:
            await supervisor.start_child(c.spec)
        assert caught.value.limit == 2
        await supervisor.terminate_child("b")
        await supervisor.start_child(c.spec)


async def test_45_max_children_counts_children_that_are_starting(
    journal: Journal, autojump_clock: MockClock
) -> None:
    async with (
        open_supervisor(DynamicSupervisor(max_children=1)) as supervisor,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(supervisor.start_child, journal.worker("a", start_s=5).spec)
        await settle()
        with pytest.raises(MaxChildren):
            await supervisor.start_child(journal.worker("b").spec)


async def test_46_commands_are_served_while_the_restart_of_a_child_keeps_failing(
    journal: Journal, open_any: Opener, autojump_clock: MockClock
) -> None:
    a, b = journal.workers("ab")
    async with open_any(a, intensity=10_000) as supervisor:
        a.failing = [Boom() for _ in range(5_000)]
        a.order(Boom())
        while a.starts < 3:
            await trio.lowlevel.checkpoint()
        await supervisor.start_child(b.spec)
        await supervisor.terminate_child("b")
        assert supervisor.which_children()[0] == ("a", "restarting", WORKER)
        assert a.starts < 100
        await supervisor.terminate_child("a")
        assert a.starts < 200


@pytest.mark.parametrize("backoff", [SLOW, None])
async def test_47_terminating_a_restarting_child_cancels_its_retry(
    backoff: Backoff | None, journal: Journal, open_any: Opener, autojump_clock: MockClock
) -> None:
    a = journal.worker("a")
    intensity, period = (1, 1000) if backoff else (10_000, 5)
    async with open_any(a, backoff=backoff, intensity=intensity, period=period) as supervisor:
        await settle()
        tasks = trio.lowlevel.current_statistics().tasks_living
        a.failing = [Boom() for _ in range(5_000)]
        a.order(Boom())
        while supervisor.count_children().restarting == 0:
            await trio.lowlevel.checkpoint()
        await supervisor.terminate_child("a")
        await settle()
        assert trio.lowlevel.current_statistics().tasks_living == tasks - 1  # nor does anybody sleep on
        starts = a.starts
        await trio.sleep(1000)
        assert a.starts == starts
        assert supervisor.count_children().restarting == 0


async def test_47_terminating_a_child_whose_restart_hangs_stops_it(
    journal: Journal, autojump_clock: MockClock
) -> None:
    a = journal.worker("a")
    async with open_supervisor(DynamicSupervisor(telemetry=journal.telemetry)) as supervisor:
        await supervisor.start_child(a.spec)
        a.start_s = None
        await a.crash()
        await supervisor.terminate_child("a")
        assert journal.take()[-2:] == ["stop a", "end a"]
        assert supervisor.which_children() == []


async def test_47_a_retry_that_was_given_up_does_not_come_back_with_a_later_one(
    journal: Journal, open_static: Opener, autojump_clock: MockClock
) -> None:
    a = journal.worker("a")
    curve = Backoff(10, 1, 10, 0)
    async with open_static(a, backoff=curve, intensity=3, period=1000) as supervisor:
        await a.crash()
        await trio.sleep(9)
        await supervisor.terminate_child("a")
        await supervisor.restart_child("a")
        await a.crash()
        await trio.sleep(5)
        assert a.starts == 2  # the first pause would have been over by now
        await trio.sleep(6)
        assert a.starts == 3


async def test_48_which_children_and_count_children_tell_running_restarting_and_stopped(
    journal: Journal, open_static: Opener, autojump_clock: MockClock
) -> None:
    a, b, c = journal.worker("a"), journal.worker("b"), journal.worker("c", restart=TRANSIENT)
    async with open_static(a, b, c, backoff=SLOW, intensity=1, period=1000) as supervisor:
        await supervisor.start_child(Supervisor([], name="d").spec())
        await b.crash()
        await c.end()
        assert supervisor.which_children() == [
            ("a", "running", WORKER),
            ("b", "restarting", WORKER),
            ("c", "stopped", WORKER),
            ("d", "running", ChildType.SUPERVISOR),
        ]
        counts = supervisor.count_children()
        assert counts == Counts(specs=4, active=2, restarting=1, supervisors=1, workers=3)
        assert counts.stopped == 1


async def test_48_a_dynamic_supervisor_tells_running_and_restarting(
    journal: Journal, autojump_clock: MockClock
) -> None:
    a, b = journal.workers("ab")
    supervisor = DynamicSupervisor(backoff=SLOW, intensity=1, period=1000)
    async with open_supervisor(supervisor):
        await supervisor.start_child(a.spec)
        await supervisor.start_child(b.spec)
        await a.crash()
        assert supervisor.which_children() == [("a", "restarting", WORKER), ("b", "running", WORKER)]
        assert supervisor.count_children() == Counts(2, 1, 1, 0, 2)
        assert len(supervisor) == 2


COMMANDS: list[tuple[str, list[Any]]] = [
    ("start_child", [ChildSpec("x", Supervisor([]).run_under)]),
    ("terminate_child", ["a"]),
    ("restart_child", ["a"]),
    ("delete_child", ["a"]),
]


@pytest.mark.parametrize(("command", "args"), COMMANDS)
async def test_a_command_before_during_and_after_the_stop_is_refused(
    command: str, args: list[Any], journal: Journal, open_static: Opener, autojump_clock: MockClock
) -> None:
    a = journal.worker("a", stop_s=3)
    with pytest.raises(NotRunning):
        await getattr(Supervisor([a.spec]), command)(*args)
    async with open_static(a) as supervisor:
        supervisor.request_stop()
        await trio.sleep(1)
        with pytest.raises(NotRunning):
            await getattr(supervisor, command)(*args)
    with pytest.raises(NotRunning):
        await getattr(supervisor, command)(*args)


@pytest.mark.parametrize(("command", "args"), COMMANDS[:2])
async def test_a_command_to_a_dynamic_supervisor_that_is_not_running_is_refused(
    command: str, args: list[Any], autojump_clock: MockClock
) -> None:
    supervisor = DynamicSupervisor()
    with pytest.raises(NotRunning):
        await getattr(supervisor, command)(*args)
    async with open_supervisor(supervisor):
        pass
    with pytest.raises(NotRunning):
        await getattr(supervisor, command)(*args)


async def test_a_command_that_waits_when_the_stop_begins_is_refused_at_once(
    journal: Journal, open_static: Opener, autojump_clock: MockClock
) -> None:
    """Otherwise a child that asks for something while it stops would wait for ever."""
    a, b = journal.worker("a", stop_s=100, shutdown=1000), journal.worker("b", stop_s=2)
    refused_at: list[float] = []
    async with open_static(a, b) as supervisor, trio.open_nursery() as nursery:

        async def ask(child_id: str) -> None:
            with pytest.raises(NotRunning):
                await supervisor.terminate_child(child_id)
            refused_at.append(trio.current_time())

        nursery.start_soon(supervisor.terminate_child, "b")  # under way
        await settle()
        nursery.start_soon(ask, "a")
        await settle()
        zero = trio.current_time()
        supervisor.request_stop()
        await settle()
        assert refused_at == [zero]


async def test_a_command_that_waits_when_the_supervisor_gives_up_is_refused_at_once(
    journal: Journal, open_static: Opener, autojump_clock: MockClock
) -> None:
    a, b, c = (
        journal.worker("a"),
        journal.worker("b", stop_s=2),
        journal.worker("c", stop_s=100, shutdown=1000),
    )
    zero = trio.current_time()
    refused_at: list[float] = []

    async with trio.open_nursery() as nursery:

        async def ask(supervisor: Supervisor) -> None:
            with pytest.raises(NotRunning):
                await supervisor.terminate_child("c")
            refused_at.append(trio.current_time() - zero)

        with escalates():
            async with open_static(a, b, c, intensity=0) as supervisor:
                nursery.start_soon(supervisor.terminate_child, "b")  # for two seconds nothing else is decided
                await settle()
                await a.crash()
                nursery.start_soon(ask, supervisor)
                await trio.sleep(200)
    assert refused_at == [2]


async def test_a_command_under_way_when_the_supervisor_is_cancelled_is_refused(
    journal: Journal, autojump_clock: MockClock
) -> None:
    supervisor = Supervisor([])
    refused = 0

    async def ask() -> None:
        nonlocal refused
        with pytest.raises(NotRunning):
            await supervisor.start_child(journal.worker("a", start_s=None).spec)
        refused += 1

    async with trio.open_nursery() as askers, trio.open_nursery() as nursery:
        await nursery.start(supervisor.run)
        askers.start_soon(ask)
        askers.start_soon(ask)
        await settle()
        nursery.cancel_scope.cancel()
    assert refused == 2


async def test_a_start_under_way_when_the_supervisor_stops_is_told_so(
    journal: Journal, open_any: Opener, autojump_clock: MockClock
) -> None:
    async with open_any() as supervisor, trio.open_nursery() as nursery:

        async def ask() -> None:
            with pytest.raises(StartError):
                await supervisor.start_child(journal.worker("a", start_s=None).spec)

        nursery.start_soon(ask)
        await settle()
        supervisor.request_stop()
    assert journal.take() == ["start a", "stop a", "end a"]


async def test_a_command_given_during_the_initial_start_is_carried_out_after_it(
    journal: Journal, autojump_clock: MockClock
) -> None:
    supervisor = Supervisor([journal.worker("a", start_s=5).spec])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(supervisor.run)
        await settle()
        await supervisor.start_child(journal.worker("b").spec)
        assert journal.take() == ["start a", "start b"]
        supervisor.request_stop()
