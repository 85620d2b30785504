"""Hashing passwords."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import trio

from handlers.auth import passwords as module
from handlers.auth.passwords import Passwords
from handlers.errors import ChatError, Code


async def on_the_spot(function: Callable[..., Any], *args: Any) -> Any:
    await trio.lowlevel.checkpoint()
    return function(*args)


def cheap(**changes: Any) -> Passwords:
    return Passwords(**{"memory_kib": 8, "iterations": 1, "lanes": 1, "run": on_the_spot, **changes})


async def test_the_right_password_and_no_other() -> None:
    passwords = cheap()
    phc = await passwords.hash("correct horse")
    assert await passwords.verify("correct horse", phc)
    assert not await passwords.verify("Correct horse", phc)
    assert not await passwords.verify("", phc)


async def test_a_hash_is_argon2id_with_the_cost_that_was_set_and_its_own_salt() -> None:
    passwords = cheap(memory_kib=64, iterations=3, lanes=2)
    one, other = await passwords.hash("same"), await passwords.hash("same")
    assert one.startswith("$argon2id$v=19$m=64,t=3,p=2$")
    assert one != other


async def test_a_hash_made_at_another_cost_still_verifies() -> None:
    phc = await cheap(iterations=3).hash("old")
    assert await cheap(iterations=1).verify("old", phc)


async def test_an_unknown_user_costs_the_same_work_and_is_wrong() -> None:
    calls: list[str] = []

    async def counting(function: Callable[..., Any], *args: Any) -> Any:
        await trio.lowlevel.checkpoint()
        calls.append(function.__name__)
        assert str(args[1]).startswith("$argon2id$v=19$m=8,t=1,p=1$")
        return function(*args)

    passwords = cheap(run=counting)
    phc = await cheap().hash("x")
    assert not await passwords.verify("wrong", phc)
    known, calls[:] = list(calls), []
    assert not await passwords.verify("wrong", None)
    assert calls == known


async def test_composed_and_decomposed_letters_are_one_password() -> None:
    passwords = cheap()
    assert await passwords.verify("Am\u00e9lie", await passwords.hash("Ame\u0301lie"))


async def test_hashing_runs_beside_the_node_and_only_so_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 1)
    monkeypatch.setattr(module, "MOST_WAITING", 2)
    passwords = cheap(run=None)
    refused: list[ChatError] = []
    done: list[str] = []

    async def hash_one() -> None:
        try:
            done.append(await passwords.hash("x"))
        except ChatError as error:
            refused.append(error)

    async with trio.open_nursery() as nursery:
        for _ in range(6):
            nursery.start_soon(hash_one)
    assert len(done) == 3
    assert [error.code for error in refused] == [Code.OVERLOADED] * 3
    assert all(error.retry_after_ms for error in refused)
    assert await passwords.verify("x", done[0])


@pytest.mark.parametrize("change", [{"memory_kib": 16}, {"iterations": 2}, {"lanes": 2, "memory_kib": 16}])
async def test_a_hash_of_another_cost_is_outdated(change: dict[str, int]) -> None:
    now = cheap()
    before = cheap(**change)
    assert not now.is_outdated(await now.hash("x"))
    assert now.is_outdated(await before.hash("x"))
    assert now.is_outdated("")
