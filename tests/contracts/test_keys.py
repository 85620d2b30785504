"""`SigningKeys`: what `persistence.ports` promises, in memory and in MongoDB."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from persistence.errors import StoreUnavailable
from tests.contracts.world import World


def key(kid: str, created_at: int) -> dict[str, Any]:
    return {
        "kid": kid,
        "alg": "RS256",
        "private_pem": "----",
        "created_at": created_at,
        "retired_at": None,
    }


async def test_keys_are_loaded_by_every_node_newest_first_and_whole(world: World) -> None:
    assert await world.one.keys.load() == []
    older, newer, also_newer = key("m", 1), key("a", 2), key("b", 2)
    for each in (also_newer, older, newer):
        assert await world.one.keys.add(each)
    assert await world.one.keys.load() == [also_newer, newer, older]
    assert await world.two.keys.load() == [also_newer, newer, older]


async def test_a_key_that_is_there_is_not_replaced(world: World) -> None:
    assert await world.one.keys.add(key("a", 1))
    assert not await world.two.keys.add(key("a", 2))
    assert await world.one.keys.load() == [key("a", 1)]


async def test_of_two_nodes_that_add_one_key_at_once_one_is_told_so(world: World) -> None:
    answers: list[bool] = []

    async def add(n: int) -> None:
        answers.append(await (world.one, world.two)[n % 2].keys.add(key("a", n)))

    async with trio.open_nursery() as nursery:
        for n in range(6):
            nursery.start_soon(add, n)
    assert sorted(answers) == [False] * 5 + [True]
    assert len(await world.one.keys.load()) == 1


async def test_adding_a_key_can_be_repeated(world: World) -> None:
    async with world.losing_replies() as node:
        with pytest.raises(StoreUnavailable):
            await node.keys.add(key("a", 1))
    assert not await world.one.keys.add(key("a", 1))
    assert await world.one.keys.load() == [key("a", 1)]


async def test_what_is_loaded_is_the_callers_own(world: World) -> None:
    mine = key("a", 1)
    await world.one.keys.add(mine)
    mine["alg"] = "none"
    (loaded,) = await world.one.keys.load()
    loaded["alg"] = "none"
    assert await world.one.keys.load() == [key("a", 1)]
