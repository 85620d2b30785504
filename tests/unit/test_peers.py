"""Questions between nodes: answered, or known to be hopeless soon, whatever the bus loses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
import trio
import trio.testing

from handlers.nodes.events import PEER_TOPIC
from handlers.nodes.fanout import Fanout
from handlers.nodes.peers import FORGET_S, PING_S, SILENT_S, NoAnswer, Peers, Reply
from persistence.ports import Bus
from supervisors import ChildSpec, Supervisor, open_supervisor

Clock = trio.testing.MockClock


class Wire:
    """In the place of the bus and what publishes on it: hands over at once, to those who are connected."""

    def __init__(self) -> None:
        self.nodes: dict[str, Peers] = {}
        self.sent: list[str] = []
        self.followed: list[str] = []

    def send(self, topic: str, data: bytes) -> None:
        name = topic.removeprefix(PEER_TOPIC)
        self.sent.append(name)
        if name in self.nodes:
            self.nodes[name].receive(data)

    async def follow(self, topics: list[str]) -> None:
        await trio.lowlevel.checkpoint()
        self.followed += topics

    def join(self, name: str) -> Peers:
        found = self.nodes[name] = Peers(name, cast("Fanout", self), cast("Bus", self))
        return found


@asynccontextmanager
async def running(*names: str) -> AsyncIterator[tuple[Wire, list[Peers]]]:
    wire = Wire()
    peers = [wire.join(name) for name in names]
    tree = Supervisor([ChildSpec(name, wire.nodes[name].run) for name in names])
    async with open_supervisor(tree):
        yield wire, peers
    for each in peers:
        assert not each._calls


async def test_a_question_is_answered(autojump_clock: Clock) -> None:
    async with running("a", "b") as (_, (a, b)):
        b.serve(lambda body, reply: reply(body.upper()))
        assert await a.ask("b", b"hello") == b"HELLO"
        assert (a.asked, a.given_up) == (1, 0)


async def test_questions_under_way_are_answered_in_any_order(autojump_clock: Clock) -> None:
    waiting: dict[bytes, Reply] = {}
    async with running("a", "b") as (_, (a, b)):
        b.serve(lambda body, reply: cast("Any", waiting.__setitem__(body, reply)))
        got: dict[bytes, bytes] = {}

        async def ask(body: bytes) -> None:
            got[body] = await a.ask("b", body)

        async with trio.open_nursery() as nursery:
            for number in range(5):
                nursery.start_soon(ask, b"%d" % number)
            await trio.testing.wait_all_tasks_blocked()
            for body in sorted(waiting, reverse=True):
                waiting[body](b"to " + body)
        assert got == {b"%d" % number: b"to %d" % number for number in range(5)}


async def test_an_answer_may_take_as_long_as_it_likes_while_the_node_lives(autojump_clock: Clock) -> None:
    waiting: list[Reply] = []
    async with running("a", "b") as (wire, (a, b)):
        b.serve(lambda body, reply: waiting.append(reply))

        async def answer_late() -> None:
            await trio.sleep(100)
            waiting[0](b"at last")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(answer_late)
            assert await a.ask("b", b"?") == b"at last"
        assert wire.sent.count("b") <= 1 + 100 / PING_S + 1, "no more than a look now and then"


async def test_a_dead_node_is_found_out_once_for_all_that_wait_for_it(autojump_clock: Clock) -> None:
    async with running("a", "b") as (wire, (a, b)):
        b.serve(lambda body, reply: None)
        ended: list[float] = []

        async def ask() -> None:
            with pytest.raises(NoAnswer):
                await a.ask("b", b"?")
            ended.append(trio.current_time())

        async with trio.open_nursery() as nursery:
            for _ in range(100):
                nursery.start_soon(ask)
            await trio.sleep(10)
            died = trio.current_time()
            del wire.nodes["b"]
        assert len(ended) == 100
        assert SILENT_S - PING_S <= ended[0] - died <= SILENT_S + 2 * PING_S
        assert a.given_up == 100
        with pytest.raises(NoAnswer):
            await a.ask("b", b"?")
        assert len(a._calls) == 0, "it is known"


async def test_one_that_was_never_there_too(autojump_clock: Clock) -> None:
    async with running("a") as (_, (a,)):
        began = trio.current_time()
        with pytest.raises(NoAnswer):
            await a.ask("nobody", b"?")
        assert trio.current_time() - began <= SILENT_S + PING_S


async def test_one_whose_questions_are_never_waited_for_long_enough_is_found_out_too(
    autojump_clock: Clock,
) -> None:
    async with running("a") as (_, (a,)):
        for _ in range(10):
            with trio.move_on_after(0.7) as scope:
                try:
                    await a.ask("nobody", b"?")
                except NoAnswer:
                    break
            assert scope.cancelled_caught
        assert trio.current_time() <= SILENT_S + 3 * PING_S


async def test_a_node_that_was_only_slow_is_asked_again(autojump_clock: Clock) -> None:
    async with running("a", "b") as (wire, (a, b)):
        b.serve(lambda body, reply: reply(b"yes"))
        del wire.nodes["b"]
        with pytest.raises(NoAnswer):
            await a.ask("b", b"?")
        wire.nodes["b"] = b
        with pytest.raises(NoAnswer):
            await a.ask("b", b"?")
        assert await a.ask("b", b"?") == b"yes", "it has answered the ping that went with the question"


async def test_a_dead_node_is_forgotten(autojump_clock: Clock) -> None:
    async with running("a", "b") as (_, (a, b)):
        b.serve(lambda body, reply: reply(b"yes"))
        with pytest.raises(NoAnswer):
            await a.ask("nobody", b"?")
        await trio.sleep(FORGET_S)
        assert await a.ask("b", b"?") == b"yes"
        await trio.sleep(2 * PING_S)
        assert not a._doubted


async def test_whoever_does_not_wait_any_longer_leaves_nothing_behind_and_late_answers_go_nowhere(
    autojump_clock: Clock,
) -> None:
    waiting: list[Reply] = []
    async with running("a", "b") as (_, (a, b)):
        b.serve(lambda body, reply: waiting.append(reply))
        with trio.move_on_after(1) as scope:
            await a.ask("b", b"?")
        assert scope.cancelled_caught
        assert not a._calls
        waiting[0](b"late")
        waiting[0](b"and again")


async def test_what_cannot_be_understood_is_passed_over(autojump_clock: Clock) -> None:
    async with running("a") as (_, (a,)):
        for data in (b"", b"\xc1", b"\x93\xa1z\x01\x02"):
            a.receive(data)


async def test_a_node_has_delivered_what_is_meant_for_it(autojump_clock: Clock) -> None:
    async with running("a") as (wire, (a,)):
        await a.follow()
        assert wire.followed == [PEER_TOPIC + "a"]
