"""A question to all nodes: whoever is there answers, and nobody is waited for long."""

from __future__ import annotations

from typing import Any, cast

import pytest
import trio
import trio.testing

from handlers.nodes.roll_call import PATIENCE_S, RollCall
from persistence.errors import StoreUnavailable
from persistence.ports import Cluster
from tests.unit.test_peers import Clock, Wire, running


class Members:
    """Stands for what Redis knows."""

    def __init__(self, *names: str) -> None:
        self.names = list(names)
        self.delay = 0.0
        self.away = False

    async def nodes(self) -> list[str]:
        await trio.sleep(self.delay)
        if self.away:
            raise StoreUnavailable("redis", "away")
        return self.names


def calls(wire: Wire, members: Members) -> dict[str, RollCall]:
    return {name: RollCall(peers, cast("Cluster", members)) for name, peers in wire.nodes.items()}


async def test_all_nodes_answer(autojump_clock: Clock) -> None:
    async with running("c", "a", "b") as (wire, _):
        every = calls(wire, Members("a", "b", "c"))
        for name, call in every.items():
            call.answer("who", lambda body, name=name: body + name.encode())
        roll = await every["b"].ask("who", b"I am \0")
        assert list(roll.answers.items()) == [("a", b"I am \0a"), ("b", b"I am \0b"), ("c", b"I am \0c")]
        assert roll.complete


async def test_whoever_does_not_answer_is_not_waited_for_long(autojump_clock: Clock) -> None:
    async with running("a", "b") as (wire, _):
        every = calls(wire, Members("a", "b", "dead"))
        for call in every.values():
            call.answer("who", lambda _: b"here")
        began = trio.current_time()
        roll = await every["a"].ask("who")
        assert roll.answers == {"a": b"here", "b": b"here", "dead": None}
        assert trio.current_time() - began == pytest.approx(PATIENCE_S)


async def test_a_node_of_another_version_says_nothing(autojump_clock: Clock) -> None:
    async with running("a", "b") as (wire, _):
        every = calls(wire, Members("a", "b"))
        every["a"].answer("new", lambda _: b"here")
        began = trio.current_time()
        assert (await every["a"].ask("new")).answers == {"a": b"here", "b": None}
        assert trio.current_time() == began


async def test_an_answer_that_crashes_is_that_nodes_alone(
    autojump_clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    def crash(_: bytes) -> bytes:
        raise ZeroDivisionError

    async with running("a", "b") as (wire, _):
        every = calls(wire, Members("a", "b"))
        every["a"].answer("who", lambda _: b"here")
        every["b"].answer("who", crash)
        assert (await every["a"].ask("who")).answers == {"a": b"here", "b": None}
    assert "could not be answered" in caplog.text


@pytest.mark.parametrize("how", ["away", "slow"])
async def test_without_redis_there_is_this_node_alone(autojump_clock: Clock, how: str) -> None:
    async with running("a", "b") as (wire, _):
        members = Members("a", "b")
        members.away, members.delay = how == "away", 60.0 if how == "slow" else 0.0
        every = calls(wire, members)
        every["a"].answer("who", lambda _: b"here")
        roll = await every["a"].ask("who")
        assert (roll.answers, roll.complete) == ({"a": b"here"}, False)


async def test_other_questions_are_left_to_others(autojump_clock: Clock) -> None:
    async with running("a", "b") as (wire, (a, b)):
        every = calls(wire, Members("a", "b"))
        every["b"].answer("who", lambda _: b"here")
        b.serve(lambda body, reply: cast("Any", reply(b"mine")))
        assert await a.ask("b", b"\x93 something else") == b"mine"
        assert (await every["a"].ask("who")).answers["b"] == b"here"
