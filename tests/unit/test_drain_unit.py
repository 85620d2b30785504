"""Leaving: who is told what and when, and that it never takes longer than it may."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import msgspec
import pytest
import trio
import trio.testing

from handlers.auth.auth import Auth
from handlers.protocol import ME, Prepared
from handlers.sessions.session import Session
from server.connections import Connections
from server.drain import GRACE_S, PER_SECOND, RESERVE, TICK_S, Drainer
from server.endpoint import Endpoint
from server.http import Http
from server.longpoll.requests import LongPoll
from server.websocket import RESTART, Connection
from supervisors import ChildSpec, Supervisor, open_supervisor

BUDGET_S = 10.0
Clock = trio.testing.MockClock


class Line:
    """A connection without a socket. One that obeys goes when it is closed, one that is eager goes when it is told to."""

    def __init__(self, node: Node, *, obeys: bool, eager: bool) -> None:
        self.node = node
        self.obeys = obeys
        self.eager = eager
        self.told: list[int] = []
        self.told_at = 0.0
        self.closed_with: int | None = None
        self.closed_at = 0.0
        self.deaf_at = float("inf")

    def stop_reading(self) -> None:
        assert self.closed_with is None or self.eager
        self.deaf_at = min(self.deaf_at, trio.current_time())

    def push(self, prepared: Prepared) -> None:
        (text,) = prepared.texts
        _, _, topic, name, payload = msgspec.json.decode(text)
        assert (topic, name) == (ME, "SERVER_DRAINING")
        assert self.closed_with is None
        self.told.append(payload["reconnect_after_ms"])
        self.told_at = trio.current_time()
        if self.eager:
            self.node.nursery.start_soon(self.hang_up, payload["reconnect_after_ms"] / 1000)

    async def hang_up(self, after_s: float) -> None:
        await trio.sleep(after_s)
        self.close(1000)

    def close(self, code: int, reason: str = "") -> None:
        if self.closed_with is None:
            self.closed_with = code
            self.closed_at = trio.current_time()
            if self.obeys:
                self.node.nursery.start_soon(self.gone)

    async def gone(self) -> None:
        await trio.lowlevel.checkpoint()
        if self in self.node.lines:
            self.node.lines.remove(self)
            self.node.connections.remove(cast("Connection", self))


class Requests:
    """`Http` with connections that are idle, and others that are at a request for some time."""

    def __init__(self) -> None:
        self.starts = 0
        self.winding_down = False
        self.stopped_at: float | None = None
        self.busy_until = 0.0

    def start(self) -> None:
        self.starts += 1

    def wind_down(self) -> None:
        self.winding_down = True

    async def stop(self) -> None:
        await trio.lowlevel.checkpoint()
        self.stopped_at = trio.current_time()

    async def all_gone(self) -> None:
        assert self.stopped_at is not None
        await trio.sleep_until(self.busy_until)


class Polls:
    """`LongPoll` without polls."""

    def __init__(self) -> None:
        self.held = 0
        self.released_at: float | None = None

    def hold(self) -> None:
        self.held += 1

    def release(self) -> None:
        self.released_at = trio.current_time()


class Node:
    def __init__(self, nursery: trio.Nursery, budget_s: float) -> None:
        self.nursery = nursery
        self.connections = Connections(cast("Auth", None), lambda: 0, idle_s=60, token_ttl_s=900)
        self.http = Requests()
        self.polls = Polls()
        self.stopped: list[tuple[str, int]] = []
        self.lines: list[Line] = []
        drainer = Drainer(
            cast("Endpoint", self),
            self.connections,
            cast("Http", self.http),
            cast("LongPoll", self.polls),
            listeners=("shared",),
            budget_s=budget_s,
        )
        self.tree = Supervisor([ChildSpec("drainer", drainer.run, shutdown=1000)])

    def stop_accepting(self, name: str) -> None:
        """The endpoint's."""
        self.stopped.append((name, sum(len(line.told) for line in self.lines)))
        assert self.connections.draining

    def connect(self, *, joined: bool = True, obeys: bool = True, eager: bool = False) -> Line:
        async def no_join(*_: Any) -> Any:
            raise AssertionError

        line = Line(self, obeys=obeys, eager=eager)
        session = Session(cast("Any", _Nobody), line, join_me=no_join, join_chat=no_join, connection_id="c")
        if joined:
            session.topics[ME] = cast("Any", object())
        self.lines.append(line)
        self.connections.add(cast("Connection", line), session)
        return line


class _Nobody:
    user_id = device_id = "u"


@asynccontextmanager
async def running(budget_s: float = BUDGET_S) -> AsyncIterator[Node]:
    async with trio.open_nursery() as nursery:
        yield Node(nursery, budget_s)
        nursery.cancel_scope.cancel()


async def drain(node: Node) -> float:
    """Start and stop; the time that it took."""
    async with open_supervisor(node.tree):
        assert not node.connections.draining
        began = trio.current_time()
    return trio.current_time() - began


async def test_accepting_stops_before_anybody_is_told(autojump_clock: Clock) -> None:
    async with running() as node:
        node.connect()
        await drain(node)
        assert node.stopped == [("shared", 0)]
        assert node.connections.draining
        assert node.http.winding_down


async def test_without_connections_it_is_over_at_once(autojump_clock: Clock) -> None:
    async with running() as node:
        assert await drain(node) == 0
        assert node.http.stopped_at == 0
        assert node.polls.released_at == 0


async def test_those_who_joined_are_told_spread_times_and_closed_with_1012_in_their_order(
    autojump_clock: Clock,
) -> None:
    async with running() as node:
        lines = [node.connect() for _ in range(1000)]
        took = await drain(node)
        times = [line.told for line in lines]
        assert all(len(told) == 1 for told in times)
        after_s = [told[0] / 1000 for told in times]
        assert after_s[0] == 0
        assert after_s == sorted(after_s)
        assert after_s[-1] == pytest.approx(1000 / PER_SECOND, rel=0.01)
        assert {line.told_at for line in lines} == {0}
        assert [line.closed_with for line in lines] == [RESTART] * 1000
        closed_s = [line.closed_at for line in lines]
        assert closed_s == sorted(closed_s)
        for told_s, gone_s, line in zip(after_s, closed_s, lines, strict=True):
            assert told_s + GRACE_S - 0.002 <= gone_s <= told_s + GRACE_S + 2 * TICK_S
            assert told_s - 0.002 <= line.deaf_at <= gone_s - GRACE_S + TICK_S + 0.002, (
                "what it had sent is answered by then"
            )
        assert took < 1000 / PER_SECOND + GRACE_S + 3 * TICK_S


async def test_more_than_leave_in_the_time_at_the_usual_pace_leave_faster(autojump_clock: Clock) -> None:
    async with running() as node:
        lines = [node.connect() for _ in range(20_000)]
        took = await drain(node)
        assert took <= BUDGET_S * (1 - RESERVE) + 0.01
        assert all(line.closed_with == RESTART for line in lines)
        last_s = max(line.told[0] for line in lines) / 1000
        assert last_s <= BUDGET_S * (1 - RESERVE) - GRACE_S
        most = max(
            sum(1 for line in lines if line.closed_at == at) for at in {line.closed_at for line in lines}
        )
        assert most < 300, "not all in the same instant"


async def test_those_who_have_joined_nothing_are_closed_without_a_word(autojump_clock: Clock) -> None:
    async with running() as node:
        silent, joined = node.connect(joined=False), node.connect()
        await drain(node)
        assert not silent.told
        assert joined.told
        assert silent.closed_with == joined.closed_with == RESTART


async def test_when_all_have_left_by_themselves_nobody_is_waited_for(autojump_clock: Clock) -> None:
    async with running() as node:
        lines = [node.connect(eager=True) for _ in range(10)]
        assert await drain(node) < GRACE_S
        assert {line.closed_with for line in lines} == {1000}


async def test_those_who_do_not_go_are_left_behind_when_the_time_is_over(autojump_clock: Clock) -> None:
    async with running() as node:
        line, stubborn = node.connect(), node.connect(obeys=False)
        assert await drain(node) == BUDGET_S
        assert line.closed_with == stubborn.closed_with == RESTART
        assert list(node.connections.open) == [cast("Connection", stubborn)]


async def test_one_that_comes_in_the_meantime_is_closed_too(autojump_clock: Clock) -> None:
    async with running() as node:
        node.connect()

        async def come() -> None:
            await trio.sleep(GRACE_S / 2)
            node.connect()

        async with open_supervisor(node.tree):
            node.nursery.start_soon(come)
            await trio.testing.wait_all_tasks_blocked()
        assert not node.connections.open
        assert node.connections.closed == {RESTART: 2}


async def test_requests_are_finished_within_the_time_and_no_longer(autojump_clock: Clock) -> None:
    async with running() as node:
        node.http.busy_until = 3.0
        assert await drain(node) == 3.0
    async with running() as node:
        node.http.busy_until = 1e6
        assert await drain(node) == BUDGET_S


async def test_without_a_budget_everybody_is_disconnected_at_once(autojump_clock: Clock) -> None:
    async with running(budget_s=0) as node:
        lines = [node.connect() for _ in range(100)]
        node.http.busy_until = 1e6
        assert await drain(node) == 0
        assert all(line.closed_with == RESTART for line in lines)
        assert all(line.told == [0] for line in lines)
        assert node.http.stopped_at == 0


@pytest.mark.parametrize("budget_s", [0.1, 0.5, 1.0])
async def test_a_small_budget_is_kept_too(budget_s: float, autojump_clock: Clock) -> None:
    async with running(budget_s) as node:
        lines = [node.connect(obeys=number % 2 == 0) for number in range(100)]
        assert await drain(node) == pytest.approx(budget_s)
        assert all(line.closed_with == RESTART for line in lines)


async def test_a_second_stop_changes_nothing(autojump_clock: Clock) -> None:
    async with running() as node:
        lines = [node.connect() for _ in range(10)]
        async with open_supervisor(node.tree) as root:
            root.request_stop()
            await trio.sleep(GRACE_S / 2)
            root.request_stop()
        assert all(len(line.told) == 1 for line in lines)
        assert node.stopped == [("shared", 0)]


async def test_after_a_stop_that_was_not_the_nodes_connections_are_taken_again(autojump_clock: Clock) -> None:
    """What comes before it in the tree failed: the drainer is stopped and started with all the others."""
    async with running() as node:
        await drain(node)
        assert node.connections.draining
        async with open_supervisor(node.tree):
            assert not node.connections.draining
            assert node.http.starts == 2
            assert node.polls.held == 2
