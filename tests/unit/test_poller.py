"""Who is read when: everybody gets a turn, nothing that came is lost, and nobody is taken for somebody else."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import trio
import trio.testing

from server import poller as module
from server.poller import GATHER_S, Poller
from supervisors import ChildSpec, Supervisor, open_supervisor
from tests.client_frames import TEXT, frame
from tests.unit.transport import settle, transport

pytestmark = pytest.mark.filterwarnings("error")

Clock = trio.testing.MockClock


class Reader:
    """A readable that notes its turns and takes one byte in each."""

    def __init__(self, name: str, sockets: ExitStack, turns: list[str]) -> None:
        self.name = name
        self.turns = turns
        self.ours, self.theirs = map(sockets.enter_context, socket.socketpair())
        self.got = b""

    def readable(self) -> None:
        self.turns.append(self.name)
        self.got += self.ours.recv(1)


@pytest.fixture
def sockets() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def tree(poller: Poller) -> Supervisor:
    return Supervisor([ChildSpec("poller", poller.run)])


async def test_one_that_floods_does_not_keep_the_others_from_their_turn(
    autojump_clock: Clock, sockets: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 2)
    turns: list[str] = []
    poller = Poller()
    flood, *others = [Reader(name, sockets, turns) for name in ("flood", "b", "c", "d")]
    flood.theirs.send(b"x" * 100)
    for other in others:
        other.theirs.send(b"xx")
    for each in (flood, *others):
        poller.watch(each.ours.fileno(), each)
    async with open_supervisor(tree(poller)):
        await settle()
    assert flood.got == b"x" * 100
    assert all(other.got == b"xx" for other in others)
    assert max(at for at, name in enumerate(turns) if name != "flood") < 12


async def test_a_flood_leaves_other_tasks_their_turn(autojump_clock: Clock) -> None:
    async with transport() as here:
        link = await here.connect()
        link.peer.sock.setblocking(False)
        message = frame(TEXT, b"x" * 200)
        link.peer.sock.send(message * 500)
        turns = 0
        while len(link.got) < 400:
            await trio.lowlevel.checkpoint()
            turns += 1
        assert turns > 3


async def test_what_is_not_read_at_once_is_asked_for_again(autojump_clock: Clock, sockets: ExitStack) -> None:
    poller, reader = Poller(), Reader("a", sockets, [])
    reader.theirs.send(b"1234")
    poller.watch(reader.ours.fileno(), reader)
    async with open_supervisor(tree(poller)):
        await settle()
        reader.theirs.send(b"5")
        await settle()
    assert reader.got == b"12345"


async def test_what_comes_while_nobody_watches_is_there_afterwards(
    autojump_clock: Clock, sockets: ExitStack
) -> None:
    poller, reader = Poller(), Reader("a", sockets, [])
    fd = reader.ours.fileno()
    async with open_supervisor(tree(poller)):
        poller.watch(fd, reader)
        poller.ignore(fd)
        reader.theirs.send(b"12")
        await settle()
        assert reader.got == b""
        poller.watch(fd, reader)
        await settle()
        assert reader.got == b"12"


def test_watching_and_ignoring_twice_is_the_same_as_once(sockets: ExitStack) -> None:
    poller, reader = Poller(), Reader("a", sockets, [])
    fd = reader.ours.fileno()
    poller.ignore(fd)
    poller.watch(fd, reader)
    poller.watch(fd, reader)
    assert poller.watched == 1
    poller.ignore(fd)
    poller.ignore(fd)
    assert poller.watched == 0


def test_a_descriptor_that_cannot_be_watched_is_not_taken_for_watched(sockets: ExitStack) -> None:
    poller, reader = Poller(), Reader("a", sockets, [])
    fd = reader.ours.fileno()
    reader.ours.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        poller.watch(fd, reader)
    assert poller.watched == 0
    poller.ignore(fd)


async def test_one_that_is_ignored_in_the_same_round_gets_no_turn_in_it(
    autojump_clock: Clock, sockets: ExitStack
) -> None:
    poller = Poller()
    turns: list[str] = []
    readers = [Reader(name, sockets, turns) for name in "ab"]

    class Rude(Reader):
        def readable(self) -> None:
            super().readable()
            for each in readers:
                poller.ignore(each.ours.fileno())

    readers = [Rude(name, sockets, turns) for name in "ab"]
    for each in readers:
        each.theirs.send(b"x")
        poller.watch(each.ours.fileno(), each)
    async with open_supervisor(tree(poller)):
        await settle()
    assert len(turns) == 1


async def test_a_descriptor_that_is_used_again_is_its_new_owners(
    autojump_clock: Clock, sockets: ExitStack
) -> None:
    poller = Poller()
    async with open_supervisor(tree(poller)):
        old = Reader("old", sockets, [])
        fd = old.ours.fileno()
        poller.watch(fd, old)
        old.theirs.send(b"x")  # unread: readable in the very moment in which it is closed
        poller.ignore(fd)
        old.ours.close()
        new = Reader("new", sockets, [])
        assert new.ours.fileno() == fd
        poller.watch(fd, new)
        await settle()
        assert (old.got, new.got) == (b"", b"")
        new.theirs.send(b"y")
        await settle()
        assert (old.got, new.got) == (b"", b"y")


@pytest.mark.parametrize("busy", [False, True])
async def test_input_gathers_only_while_the_node_is_busy_writing(
    busy: bool, autojump_clock: Clock, sockets: ExitStack
) -> None:
    poller, reader = Poller(lambda: busy), Reader("a", sockets, [])
    poller.watch(reader.ours.fileno(), reader)
    async with open_supervisor(tree(poller)):
        began = trio.current_time()
        reader.theirs.send(b"x")
        while not reader.got:
            await trio.testing.wait_all_tasks_blocked()
            if not reader.got:
                await trio.sleep(GATHER_S / 4)
        assert (trio.current_time() - began > 0) == busy


async def test_messages_that_gather_are_taken_in_one_round(autojump_clock: Clock) -> None:
    busy = True
    async with transport(busy=lambda: busy) as here:
        links = [await here.connect() for _ in range(5)]
        rounds = here.poller.rounds
        for link in links:
            await link.peer.text(b"hello")
            await settle()
        await trio.sleep(GATHER_S)
        await settle()
        assert all(link.got == [b"hello"] for link in links)
        assert here.poller.rounds == rounds + 1


async def test_a_poller_that_crashed_goes_on_with_the_connections_that_it_had(autojump_clock: Clock) -> None:
    async with transport() as here:
        links = [await here.connect() for _ in range(3)]
        await here.crash("poller")
        for link in links:
            await link.peer.text(b"hello")
        await settle()
        assert [link.got for link in links] == [[b"hello"]] * 3
        late = await here.connect()
        await late.peer.text(b"hello")
        await settle()
        assert late.got == [b"hello"]


async def test_a_restart_of_all_that_carries_connections_closes_them_and_serves_new_ones(
    autojump_clock: Clock,
) -> None:
    async with transport() as here:
        old = await here.connect()
        await old.peer.text(b"hello")
        await settle()
        assert old.got == [b"hello"]
        for _ in range(3):
            await here.crash("poller")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(here.give_up)
            assert await old.peer.closed_with() == 1012
            old.peer.close()
        await old.ended()
        assert here.poller.watched == 0
        new = await here.connect()
        await new.peer.text(b"again")
        await settle()
        assert new.got == [b"again"]
        new.push(b"out")
        assert await new.peer.texts(1) == [b"out"]
