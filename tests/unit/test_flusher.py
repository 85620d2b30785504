"""Writing for everybody from one task, and what happens to it while sockets take no more, or the flusher itself does not run."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from server import flusher as module
from server.flusher import Flusher
from supervisors import ChildSpec, Supervisor, open_supervisor
from tests.unit.transport import KIB, settle, transport

pytestmark = pytest.mark.filterwarnings("error")

Clock = trio.testing.MockClock


class Sink:
    """A writable that takes what waits, in as many goes as it is told."""

    def __init__(self, flusher: Flusher, goes: int = 1) -> None:
        self.flusher = flusher
        self.goes = goes
        self.flushes = 0
        self.waiting = 0
        self.may = trio.Semaphore(0)

    def flush(self) -> None:
        self.flushes += 1
        self.goes -= 1
        if self.goes > 0:
            self.flusher.stall(self)

    async def room(self) -> bool:
        if self.goes > 0:
            self.waiting += 1
            try:
                await self.may.acquire()
            finally:
                self.waiting -= 1
        return self.goes > 0


def tree(flusher: Flusher) -> Supervisor:
    return Supervisor([ChildSpec("flusher", flusher.run)])


async def test_each_marked_connection_is_flushed_once(autojump_clock: Clock) -> None:
    flusher = Flusher()
    async with open_supervisor(tree(flusher)):
        sinks = [Sink(flusher) for _ in range(1000)]
        for sink in sinks:
            flusher.mark(sink)
        await settle()
        assert [sink.flushes for sink in sinks] == [1] * 1000
        assert flusher.rounds == -(-1000 // module.AT_ONCE)


async def test_other_tasks_get_their_turn_while_many_are_flushed(autojump_clock: Clock) -> None:
    flusher = Flusher()
    async with open_supervisor(tree(flusher)):
        # Trio runs every task once in each of its rounds, in any order: between two turns of one lie two of another at the most.
        sinks = [Sink(flusher) for _ in range(8 * module.AT_ONCE)]
        for sink in sinks:
            flusher.mark(sink)
        turns: list[int] = []
        while not sinks[-1].flushes:
            turns.append(sum(sink.flushes for sink in sinks))
            await trio.lowlevel.checkpoint()
        assert len(set(turns)) > 2


async def test_a_connection_whose_socket_takes_no_more_holds_up_nobody(autojump_clock: Clock) -> None:
    flusher = Flusher()
    async with open_supervisor(tree(flusher)):
        slow, quick = Sink(flusher, goes=3), Sink(flusher)
        flusher.mark(slow)
        flusher.mark(quick)
        await settle()
        assert (slow.flushes, quick.flushes, flusher.stalled) == (1, 1, 1)
        slow.may.release()
        await settle()
        assert (slow.flushes, flusher.stalled) == (2, 1)
        slow.may.release()
        await settle()
        assert (slow.flushes, flusher.stalled) == (3, 0)


async def test_a_stalled_connection_is_waited_for_once_however_often_it_stalls(autojump_clock: Clock) -> None:
    flusher = Flusher()
    async with open_supervisor(tree(flusher)):
        sink = Sink(flusher, goes=9)
        for _ in range(3):
            flusher.mark(sink)
            await settle()
        assert (sink.waiting, flusher.stalled) == (1, 1)


async def test_what_was_marked_before_the_flusher_runs_is_flushed_when_it_does(autojump_clock: Clock) -> None:
    flusher = Flusher()
    sink, stalled = Sink(flusher), Sink(flusher, goes=2)
    flusher.mark(sink)
    flusher.stall(stalled)
    async with open_supervisor(tree(flusher)):
        await settle()
        assert (sink.flushes, stalled.waiting, flusher.stalled) == (1, 1, 1)


async def test_a_flusher_that_crashed_goes_on_where_it_was(autojump_clock: Clock) -> None:
    async with transport() as here:
        stalled, quick = await here.connect(sndbuf=1), await here.connect()
        stalled.push(b"x" * 50 * KIB)
        await settle()
        assert here.flusher.stalled == 1
        await here.crash("flusher")
        assert here.flusher.stalled == 1
        quick.push(b"hello")
        assert await quick.peer.texts(1) == [b"hello"]
        assert await stalled.peer.texts(1) == [b"x" * 50 * KIB]
        await settle()
        assert here.flusher.stalled == 0
        stalled.push(b"and on")
        assert await stalled.peer.texts(1) == [b"and on"]


async def test_what_a_crash_of_the_flusher_left_unflushed_is_flushed_by_the_next(
    autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also what it had not come to in the round in which it crashed."""

    class Bomb(Sink):
        def flush(self) -> None:
            super().flush()
            if self.flushes == 1:
                raise RuntimeError("broken by the test")

    flusher = Flusher()
    async with open_supervisor(tree(flusher)):
        bomb, sink = Bomb(flusher), Sink(flusher)
        flusher.mark(bomb)
        flusher.mark(sink)
        await settle()
        assert (bomb.flushes, sink.flushes) == (2, 1)


async def test_the_flusher_stops_while_connections_are_stalled(autojump_clock: Clock) -> None:
    flusher = Flusher()
    sink = Sink(flusher, goes=2)
    async with open_supervisor(tree(flusher)):
        flusher.mark(sink)
        await settle()
        assert sink.waiting == 1
    assert sink.waiting == 0
    flusher.stall(Sink(flusher, goes=2))  # nobody is there to wait for it, and that is no error
