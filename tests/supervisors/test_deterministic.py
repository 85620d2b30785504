"""The one place that relies on how Trio shuffles tasks. If one of these fails after an update of Trio, mend `tests/deterministic.py`."""

from __future__ import annotations

import inspect
import random

import trio
import trio.testing
from trio._core import _run

from tests.deterministic import run


async def _interleaving() -> tuple[str, float]:
    """In which order ten tasks take their steps, and a number from the `random` module."""
    order: list[str] = []

    async def step(name: str) -> None:
        for _ in range(3):
            await trio.lowlevel.checkpoint()
            order.append(name)
        await trio.sleep(1)
        order.append(name)

    async with trio.open_nursery() as nursery:
        for name in "abcdefghij":
            nursery.start_soon(step, name)
    return "".join(order), random.random()


def test_the_same_seed_gives_the_same_interleaving() -> None:
    for seed in range(20):
        assert run(seed, _interleaving) == run(seed, _interleaving)


def test_different_seeds_give_different_interleavings() -> None:
    assert len({run(seed, _interleaving) for seed in range(20)}) == 20


def test_a_run_leaves_no_trace_in_others() -> None:
    before = (random.getstate(), _run._r.getstate(), _run._ALLOW_DETERMINISTIC_SCHEDULING)
    run(7, _interleaving)
    assert (random.getstate(), _run._r.getstate(), _run._ALLOW_DETERMINISTIC_SCHEDULING) == before


def test_what_it_touches_in_trio_is_still_there_and_used_as_it_was() -> None:
    assert isinstance(_run._r, random.Random)
    assert isinstance(_run._ALLOW_DETERMINISTIC_SCHEDULING, bool)
    source = inspect.getsource(_run.unrolled_run)
    assert "_ALLOW_DETERMINISTIC_SCHEDULING" in source
    assert "_r.shuffle(batch)" in source


def test_arguments_result_and_clock_are_passed_on() -> None:
    async def double(number: int) -> tuple[int, float]:
        await trio.sleep(5)
        return number * 2, trio.current_time()

    assert run(1, double, 21) == (42, 5.0)
    clock = trio.testing.MockClock(autojump_threshold=0)
    clock.jump(100)
    assert run(1, double, 4, clock=clock) == (8, 105.0)
