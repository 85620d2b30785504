"""The sweep: who has been silent for too long, and whose device has been signed out meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import trio
import trio.testing

from handlers.auth.auth import Auth
from handlers.principal import Principal
from handlers.sessions.session import SIGNED_OUT, Session
from persistence.errors import StoreUnavailable
from server.connections import ROUNDS, SILENT, Connections
from server.websocket import Connection
from supervisors import ChildExited, ChildSpec, Crash, Supervisor, Telemetry, open_supervisor
from supervisors.telemetry import Event

IDLE_S = 60.0
ROUND_S = IDLE_S / ROUNDS
TTL_S = 900.0

Clock = trio.testing.MockClock


class Line:
    """A connection without a socket."""

    def __init__(self) -> None:
        self.quiet = 0
        self.closed_with: int | None = None
        self.closed_at: float | None = None

    def push(self, prepared: Any) -> None: ...

    def close(self, code: int, reason: str = "") -> None:
        if self.closed_with is None:
            self.closed_with = code
            self.closed_at = trio.current_time()


class Devices:
    """Says of devices whether they are signed in."""

    def __init__(self) -> None:
        self.signed_out: set[str] = set()
        self.asked: list[str] = []
        self.away = False

    async def still_signed_in(self, principal: Principal) -> bool:
        await trio.lowlevel.checkpoint()
        if self.away:
            raise StoreUnavailable("mongodb", "away")
        self.asked.append(principal.device_id)
        return principal.device_id not in self.signed_out


class Node:
    def __init__(self) -> None:
        self.devices = Devices()
        self.connections = Connections(
            cast("Auth", self.devices),
            lambda: int(trio.current_time() * 1000),
            idle_s=IDLE_S,
            token_ttl_s=TTL_S,
        )

    def connect(self, device: str = "d", *, expires_in_s: float = 1e9) -> tuple[Line, Session]:
        async def no_join(*_: Any) -> Any:
            raise AssertionError

        line = Line()
        expires_at = int((trio.current_time() + expires_in_s) * 1000)
        principal = Principal(user_id="u", device_id=device, expires_at=expires_at)
        session = Session(principal, line, join_me=no_join, join_chat=no_join, connection_id=device)
        self.connections.add(cast("Connection", line), session)
        return line, session

    def remove(self, line: Line) -> None:
        self.connections.remove(cast("Connection", line))


@asynccontextmanager
async def running() -> AsyncIterator[Node]:
    node = Node()
    crashes: list[Event] = []

    def note(event: Event) -> None:
        if isinstance(event, ChildExited) and isinstance(event.exit, Crash):
            crashes.append(event)

    tree = Supervisor([ChildSpec("sweep", node.connections.run)], telemetry=Telemetry(note))
    async with open_supervisor(tree):
        yield node
    assert not crashes


async def test_a_connection_that_is_silent_is_closed_after_the_time_and_at_most_a_round_more(
    autojump_clock: Clock,
) -> None:
    async with running() as node:
        await trio.sleep(ROUND_S / 2)
        began = trio.current_time()
        line, _ = node.connect()
        await trio.sleep(IDLE_S)
        assert line.closed_with is None
        await trio.sleep(ROUND_S)
        assert line.closed_with == SILENT
        assert line.closed_at is not None
        assert IDLE_S <= line.closed_at - began <= IDLE_S + ROUND_S


async def test_whatever_comes_now_and_then_keeps_a_connection(autojump_clock: Clock) -> None:
    async with running() as node:
        line, _ = node.connect()
        for _ in range(20):
            await trio.sleep(IDLE_S - 1)
            line.quiet = 0  # as reading anything does
        assert line.closed_with is None


async def test_one_that_is_silent_is_closed_among_many_that_are_not(autojump_clock: Clock) -> None:
    async with running() as node:
        lines = [node.connect()[0] for _ in range(10)]
        for _ in range(2 * ROUNDS):
            await trio.sleep(ROUND_S)
            for line in lines[1:]:
                line.quiet = 0
        assert [line.closed_with for line in lines] == [SILENT] + [None] * 9


async def test_a_device_is_asked_for_when_its_token_runs_out_and_then_once_in_each_life_of_a_token(
    autojump_clock: Clock,
) -> None:
    async with running() as node:
        await trio.sleep(ROUND_S / 2)
        line, session = node.connect("phone", expires_in_s=TTL_S)
        for _ in range(int(3 * TTL_S / ROUND_S)):
            await trio.sleep(ROUND_S)
            line.quiet = 0
            if trio.current_time() < TTL_S:
                assert not node.devices.asked
        assert line.closed_with is None
        assert node.devices.asked == ["phone"] * 2
        assert session.principal.expires_at > trio.current_time() * 1000
        assert session.principal.device_id == "phone"


async def test_a_device_that_was_signed_out_is_disconnected_when_its_token_runs_out(
    autojump_clock: Clock,
) -> None:
    async with running() as node:
        node.devices.signed_out.add("lost")
        lost, _ = node.connect("lost", expires_in_s=10)
        kept, _ = node.connect("kept", expires_in_s=10)
        later, _ = node.connect("lost", expires_in_s=1000)
        await trio.sleep(10 + ROUND_S + 1)
        assert lost.closed_with == SIGNED_OUT
        assert kept.closed_with is None
        assert later.closed_with is None


async def test_while_the_store_is_away_nobody_is_disconnected_for_it_and_it_is_asked_later(
    autojump_clock: Clock,
) -> None:
    async with running() as node:
        node.devices.away = True
        node.devices.signed_out.add("lost")
        lost, _ = node.connect("lost", expires_in_s=0)
        silent, _ = node.connect("silent", expires_in_s=0)
        for _ in range(2 * ROUNDS):
            await trio.sleep(ROUND_S)
            lost.quiet = 0
        assert lost.closed_with is None
        assert silent.closed_with == SILENT, "the sweep goes on"
        node.devices.away = False
        await trio.sleep(ROUND_S + 1)
        assert lost.closed_with == SIGNED_OUT


async def test_a_connection_that_ends_while_its_device_is_asked_for_is_no_error(
    autojump_clock: Clock,
) -> None:
    async with running() as node:
        lines = [node.connect(str(number), expires_in_s=0)[0] for number in range(3)]
        ask = node.devices.still_signed_in

        async def hang_up(principal: Principal) -> bool:
            for line in lines:
                if line.closed_with is None:
                    line.close(1000)
                    node.remove(line)
            return await ask(principal)

        node.devices.still_signed_in = hang_up  # type: ignore[method-assign]
        await trio.sleep(ROUND_S + 1)
        assert not node.connections.open
        assert node.connections.closed == {1000: 3}


async def test_ended_connections_are_counted_by_close_code(autojump_clock: Clock) -> None:
    node = Node()
    for code in (1000, 1000, 1006):
        line, _ = node.connect()
        line.close(code)
        node.remove(line)
    assert node.connections.closed == {1000: 2, 1006: 1}


async def test_waiting_until_all_are_gone_ends_with_the_last(autojump_clock: Clock) -> None:
    node = Node()
    await node.connections.all_gone()
    lines = [node.connect()[0] for _ in range(3)]
    gone = trio.Event()

    async def wait() -> None:
        await node.connections.all_gone()
        gone.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        for line in lines:
            await trio.testing.wait_all_tasks_blocked()
            assert not gone.is_set()
            node.remove(line)
        await gone.wait()
