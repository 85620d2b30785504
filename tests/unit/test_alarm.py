"""Waking when the next thing is due."""

from __future__ import annotations

import math

import trio
import trio.testing

from handlers.alarm import Alarm


async def rings(alarm: Alarm, *, earliest: float = 0, latest: float = math.inf) -> float:
    await alarm.wait(earliest=earliest, latest=latest)
    return trio.current_time()


async def test_the_earliest_of_what_was_set_counts(autojump_clock: trio.testing.MockClock) -> None:
    alarm = Alarm()
    for at in (30, 10, 20):
        alarm.set(at)
    assert await rings(alarm) == 10
    assert await rings(alarm, latest=50) == 50, "what was set before is forgotten"


async def test_what_is_set_while_somebody_waits_counts_too(autojump_clock: trio.testing.MockClock) -> None:
    alarm = Alarm()
    async with trio.open_nursery() as nursery:

        async def later() -> None:
            for at in (40, 15, 35):
                await trio.sleep(1)
                alarm.set(at)

        nursery.start_soon(later)
        assert await rings(alarm, latest=100) == 15


async def test_it_rings_neither_too_early_nor_too_late(autojump_clock: trio.testing.MockClock) -> None:
    alarm = Alarm()
    alarm.set(3)
    assert await rings(alarm, earliest=5, latest=20) == 5
    alarm.set(30)
    assert await rings(alarm, earliest=5, latest=20) == 20
    assert await rings(alarm, earliest=5, latest=10) == 20
