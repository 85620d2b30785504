"""Scenarios as tests: each runs in a world of its own, with the order of tasks from several seeds."""

from __future__ import annotations

import inspect
import os
from collections.abc import Awaitable, Callable, Collection
from itertools import count
from typing import Any

from config.settings import NodeRole, Settings
from tests import deterministic
from tests.simulation.invariants import check_log
from tests.simulation.node import Node
from tests.simulation.world import QUIET, World, make_settings

SEEDS = 3
ORDERS = os.environ.get("SIMULATION_ORDERS")
"""If set: how many orders of tasks every scenario is tried in that is tried in several."""
EVERYTHING = frozenset(NodeRole)


def simulated(
    *,
    nodes: int = 2,
    seeds: int = SEEDS,
    crashes: bool = False,
    notifies: bool = False,
    settings: Settings | None = None,
    **limits: Any,
) -> Callable[[Callable[..., Awaitable[None]]], Callable[..., None]]:
    """Make a test of `async def test(world, ...)`; what else it takes are parameters.

    Args:
        nodes: n1, n2, ...
        seeds: how many orders of tasks to try, unless `SIMULATION_ORDERS` says so.
        crashes: a child of a node may crash, by intent.
        notifies: nodes notify those who are not connected.
        settings: of the nodes, instead of the usual ones with these
        limits.

    """

    def decorate(scenario: Callable[..., Awaitable[None]]) -> Callable[..., None]:
        chosen = settings or make_settings(roles=EVERYTHING if notifies else QUIET, **limits)
        orders = int(ORDERS) if ORDERS and seeds > 1 else seeds

        def test(**parameters: Any) -> None:
            for seed in range(orders):
                world = World(seed, chosen)

                async def run(world: World = world) -> None:
                    async with world.running(nodes):
                        await scenario(world, **parameters)
                        check_log(world)

                try:
                    deterministic.run(seed, run)
                    assert crashes or not world.crashes, world.crashes
                except BaseException as error:
                    error.add_note(f"with seed {seed}")
                    raise

        test.__name__ = scenario.__name__
        test.__doc__ = scenario.__doc__
        test.__module__ = scenario.__module__
        _, *others = inspect.signature(scenario).parameters.values()
        test.__signature__ = inspect.Signature(others)  # type: ignore[attr-defined]
        return test

    return decorate


def at_every_step(
    story: Callable[[World], Awaitable[None]],
    dies: str,
    *,
    nodes: int = 2,
    seed: int = 0,
    crash: bool = False,
    notifies: bool = False,
    settings: Settings | None = None,
    only: Collection[str] = (),
) -> list[str]:
    """Run the story again and again, each time killing a node one step later in its way through the stores, until it gets through; the steps.

    With `crash`, the node goes on, and only what has taken the step crashes.

    Args may say which operations of the stores count as steps (`only`): else all do.

    The story sets the scene, calls `world.begin()`, and checks the end.
    """
    steps: list[str] = []
    for nth in count(1):
        world = World(seed, settings or make_settings(roles=EVERYTHING if notifies else QUIET))
        killed = _kill_at(world, dies, nth, crash=crash, only=only)
        if crash:
            world.expected.add("a topic crashed")

        async def run(world: World = world) -> None:
            async with world.running(nodes):
                await story(world)
                check_log(world)

        try:
            deterministic.run(seed, run)
        except BaseException as error:
            error.add_note(f"with {dies} killed at {killed}, its step {nth}")
            raise
        if not killed:
            return steps
        steps += killed
    raise AssertionError


def _kill_at(world: World, dies: str, nth: int, *, crash: bool, only: Collection[str]) -> list[str]:
    killed: list[str] = []
    steps = 0

    def hook(node: Node, store: str, step: str) -> None:
        nonlocal steps
        counts = not only or step.partition(":")[0] in only
        if counts and node.name == dies and world.begun and node.alive and not killed:
            steps += 1
            if steps == nth:
                killed.append(step)
                if crash:
                    raise RuntimeError("made to crash")
                node.kill()

    world.hook = hook
    return killed
