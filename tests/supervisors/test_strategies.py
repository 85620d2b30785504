"""Strategies: statements 14 to 18."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from supervisors import ChildRestarted, Strategy
from tests.supervisors.workers import TRANSIENT, Boom, Journal, Opener, settle

ALL, REST = Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE


async def test_14_one_for_one_leaves_the_tasks_of_siblings_untouched(
    journal: Journal, open_any: Opener, autojump_clock: MockClock
) -> None:
    a, b, c = journal.workers("abc")
    async with open_any(a, b, c):
        tasks = (a.task, c.task)
        journal.take()
        await b.crash()
        assert journal.take() == ["start b"]
        assert (a.task, c.task) == tasks


async def test_15_one_for_all_stops_the_survivors_in_reverse_then_starts_all_in_order(
    journal: Journal, open_static: Opener, autojump_clock: MockClock
) -> None:
    a, b, c = journal.workers("abc")
    async with open_static(a, b, c, strategy=ALL):
        journal.take()
        await b.crash()
        assert journal.take() == [
            *("stop c", "end c", "stop a", "end a"),
            *("start a", "start b", "start c"),
        ]


async def test_15_one_for_all_starts_children_that_were_stopped_too(
    journal: Journal, open_static: Opener, autojump_clock: MockClock
) -> None:
    a, b = journal.workers("ab")
    async with open_static(a, b, strategy=ALL) as supervisor:
        await supervisor.terminate_child("a")
        await b.crash()
        assert (a.starts, b.starts) == (2, 2)


async def test_16_rest_for_one_touches_only_the_failed_child_and_later_ones(
    journal: Journal, open_static: Opener, autojump_clock: MockClock
) -> None:
    a, b, c, d = journal.workers("abcd")
    async with open_static(a, b, c, d, strategy=REST):
        task = a.task
        journal.take()
        await b.crash()
        assert journal.take() == [
            *("stop d", "end d", "stop c", "end c"),
            *("start b", "start c", "start d"),
        ]
        assert a.task is task


@pytest.mark.parametrize("strategy", [ALL, REST])
@pytest.mark.parametrize("way", ["end", "shut_down"])
async def test_17_the_normal_exit_of_a_transient_child_triggers_no_strategy(
    way: str, strategy: Strategy, journal: Journal, open_static: Opener, autojump_clock: MockClock
) -> None:
    a, b, c = journal.worker("a", restart=TRANSIENT), journal.worker("b"), journal.worker("c")
    async with open_static(a, b, c, strategy=strategy):
        journal.take()
        await getattr(a, way)()
        assert journal.take() == []


async def test_18_when_another_child_fails_in_a_rest_for_one_restart_the_retry_resumes_from_it_and_counts(
    journal: Journal, open_static: Opener, autojump_clock: MockClock
) -> None:
    a, b, c, d = journal.workers("abcd")
    async with open_static(a, b, c, d, strategy=REST, intensity=2):
        journal.take()
        c.failing = [Boom("again")]
        await b.crash()
        assert journal.take() == [
            *("stop d", "end d", "stop c", "end c"),
            *("start b", "start c"),
            *("start c", "start d"),  # b, which had started, is not touched
        ]
        assert [event.path for event in journal.of(ChildRestarted)] == ["root/b", "root/c"]


async def test_18_when_another_child_fails_in_a_one_for_all_restart_all_are_tried_again(
    journal: Journal, open_static: Opener, autojump_clock: MockClock
) -> None:
    a, b, c = journal.workers("abc")
    async with open_static(a, b, c, strategy=ALL, intensity=2):
        journal.take()
        b.failing = [Boom("again")]
        await a.crash()
        assert journal.take() == [
            *("stop c", "end c", "stop b", "end b"),
            *("start a", "start b"),
            *("stop a", "end a", "start a", "start b", "start c"),
        ]


async def test_18_only_the_child_that_failed_last_is_said_to_be_restarting(
    journal: Journal, open_static: Opener, autojump_clock: MockClock
) -> None:
    a, b = journal.workers("ab")
    async with open_static(a, b, strategy=ALL, intensity=1000, period=1) as supervisor:

        async def look() -> list[tuple[str, str]]:
            await trio.lowlevel.checkpoint()
            return [(child_id, state) for child_id, state, _ in supervisor.which_children()]

        a.failing = [Boom() for _ in range(50)]
        b.order(Boom())
        states = [await look() for _ in range(40)]
        assert [("a", "restarting"), ("b", "stopped")] in states
        await supervisor.terminate_child("a")
        assert await look() == [("a", "stopped"), ("b", "stopped")]
        await settle()
        assert a.failing


async def test_children_that_crash_together_cause_one_restart_of_the_group(
    journal: Journal, open_static: Opener, autojump_clock: MockClock
) -> None:
    a, b, c = journal.workers("abc")
    async with open_static(a, b, c, strategy=ALL, intensity=1) as supervisor:
        for worker in (a, b, c):
            worker.order(Boom())
        await settle()
        assert len(journal.of(ChildRestarted)) == 1
        assert [worker.starts for worker in (a, b, c)] == [2, 2, 2]
        assert supervisor.count_children().active == 3
        assert sorted(journal.reports()) == ["a", "b", "c"]
