"""What is particular to dynamic supervisors."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from supervisors import (
    Backoff,
    Child,
    ChildExists,
    ChildNotFound,
    ChildRestarted,
    ChildSpec,
    DynamicSupervisor,
    InvalidSpec,
    MaxChildren,
    Supervisor,
    open_supervisor,
)
from tests.supervisors.workers import TEMPORARY, Boom, Journal, escalates, settle


async def test_thousands_of_children_come_and_go(autojump_clock: MockClock) -> None:
    async def nap(child: Child, seconds: float) -> None:
        child.ready()
        await trio.sleep(seconds)

    async with open_supervisor(DynamicSupervisor()) as supervisor:
        for n in range(2000):
            await supervisor.start_child(ChildSpec(str(n), nap, (n % 10 + 1,), restart=TEMPORARY))
        assert len(supervisor) == 2000
        await trio.sleep(5.5)
        assert len(supervisor) == 1000
        await trio.sleep(5)
        assert len(supervisor) == 0


async def test_a_restart_that_hangs_holds_up_no_other(journal: Journal, autojump_clock: MockClock) -> None:
    a, b = journal.workers("ab")
    async with open_supervisor(DynamicSupervisor()) as supervisor:
        await supervisor.start_child(a.spec)
        await supervisor.start_child(b.spec)
        a.start_s = None
        await a.crash()
        await b.crash()
        assert supervisor.count_children().active == 1
        assert (a.starts, b.starts) == (2, 2)


async def test_a_child_that_becomes_ready_and_ends_during_its_restart_is_restarted_again(
    journal: Journal, autojump_clock: MockClock
) -> None:
    starts = 0

    async def start(child: Child) -> None:
        nonlocal starts
        starts += 1
        child.ready()
        if starts < 4:
            raise Boom
        await child.stop_requested()

    async with open_supervisor(DynamicSupervisor(telemetry=journal.telemetry)) as supervisor:
        await supervisor.start_child(ChildSpec("a", start))
        await settle()
        assert supervisor.count_children().active == 1
    assert [event.restarts for event in journal.of(ChildRestarted)] == [1, 2, 3]


async def test_children_in_back_off_do_not_delay_the_stop(
    journal: Journal, autojump_clock: MockClock
) -> None:
    a, b = journal.worker("a"), journal.worker("b", stop_s=2)
    curve = Backoff(1, 1, 1, 0)
    async with open_supervisor(DynamicSupervisor(backoff=curve)) as supervisor:
        await supervisor.start_child(a.spec)
        await supervisor.start_child(b.spec)
        await a.crash()
        zero = trio.current_time()
    assert trio.current_time() - zero == 2
    assert a.starts == 1


async def test_a_child_that_is_ignored_when_restarted_is_forgotten(autojump_clock: MockClock) -> None:
    async def once(child: Child) -> None:
        if child.restarts:
            child.ignore()
        else:
            child.ready()
            raise Boom

    async with open_supervisor(DynamicSupervisor()) as supervisor:
        await supervisor.start_child(ChildSpec("a", once))
        await settle()
        assert len(supervisor) == 0


async def test_a_dynamic_supervisor_begins_without_children_when_it_is_restarted(
    journal: Journal, autojump_clock: MockClock
) -> None:
    a, b = journal.workers("ab")
    dynamic = DynamicSupervisor(intensity=0)
    async with open_supervisor(Supervisor([dynamic.spec()], telemetry=journal.telemetry)):
        await dynamic.start_child(a.spec)
        await dynamic.start_child(b.spec)
        await a.crash()
        assert len(dynamic) == 0
        assert journal.take()[2:] == ["stop b", "end b"]
        assert await dynamic.start_child(a.spec) == "a"


async def test_of_two_who_start_the_same_id_one_is_told_that_it_exists(
    journal: Journal, autojump_clock: MockClock
) -> None:
    a = journal.worker("a", start_s=1)
    refused = 0

    async with open_supervisor(DynamicSupervisor()) as supervisor:

        async def start() -> None:
            nonlocal refused
            try:
                await supervisor.start_child(a.spec)
            except ChildExists:
                refused += 1

        async with trio.open_nursery() as nursery:
            nursery.start_soon(start)
            nursery.start_soon(start)
        assert (refused, a.starts) == (1, 1)


async def test_of_two_who_terminate_the_same_child_both_wait_for_its_end(
    journal: Journal, autojump_clock: MockClock
) -> None:
    a = journal.worker("a", stop_s=2)
    async with open_supervisor(DynamicSupervisor(telemetry=journal.telemetry)) as supervisor:
        await supervisor.start_child(a.spec)
        zero = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(supervisor.terminate_child, "a")
            nursery.start_soon(supervisor.terminate_child, "a")
        assert trio.current_time() - zero == 2
        assert len(journal.exits("a")) == 1
        with pytest.raises(ChildNotFound):
            await supervisor.terminate_child("a")


async def test_max_children_of_zero_allows_none_and_a_negative_one_is_refused(
    journal: Journal, autojump_clock: MockClock
) -> None:
    async with open_supervisor(DynamicSupervisor(max_children=0)) as supervisor:
        with pytest.raises(MaxChildren):
            await supervisor.start_child(journal.worker("a").spec)
    with pytest.raises(InvalidSpec):
        DynamicSupervisor(max_children=-1)


async def test_an_escalation_names_the_last_crash(journal: Journal, autojump_clock: MockClock) -> None:
    a = journal.worker("a")
    with escalates() as caught:
        async with open_supervisor(DynamicSupervisor(intensity=0)) as supervisor:
            await supervisor.start_child(a.spec)
            await a.crash(Boom("why"))
    assert "why" in str(caught.value.last)
