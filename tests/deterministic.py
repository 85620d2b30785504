"""Runs of Trio in which the order of tasks depends on a seed alone.

Trio shuffles the tasks that are ready in each step, so that nobody comes to rely on an order. Here the shuffling comes from a seed: the same seed gives
the same interleaving, and many seeds try many. What it takes is private to Trio; it is touched here only, and `test_deterministic.py` fails when a new
Trio changes it.

What else must hold for a run to repeat: a virtual clock (the default), no threads, no real input or output, no iteration over sets whose order depends
on hashes or addresses.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import trio
import trio.testing
from trio._core import _run

T = TypeVar("T")


def run(
    seed: int, async_fn: Callable[..., Awaitable[T]], *args: Any, clock: trio.abc.Clock | None = None
) -> T:
    """`trio.run` with the order of tasks, and the `random` module, from `seed`; on a clock that jumps to the next deadline unless another is given."""
    if clock is None:
        clock = trio.testing.MockClock(autojump_threshold=0)
    with _seeded(seed):
        return trio.run(async_fn, *args, clock=clock)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    before = (_run._ALLOW_DETERMINISTIC_SCHEDULING, _run._r.getstate(), random.getstate())
    _run._ALLOW_DETERMINISTIC_SCHEDULING = True  # type: ignore[misc]
    _run._r.seed(seed)
    random.seed(seed)
    try:
        yield
    finally:
        _run._ALLOW_DETERMINISTIC_SCHEDULING = before[0]  # type: ignore[misc]
        _run._r.setstate(before[1])
        random.setstate(before[2])
