"""One connection: frames out in order and whole, messages in one after the other, and every way in which it can end."""

from __future__ import annotations

import socket
import tracemalloc
from collections.abc import Callable
from typing import Any, cast

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.principal import Principal
from handlers.protocol import Prepared
from handlers.sessions.session import BadFrame, Rest, Session
from server import websocket
from server.flusher import Flusher
from server.frames import seal
from server.linger import MOST_IGNORED
from server.poller import Poller
from server.websocket import GONE, RESTART, TRY_AGAIN, Connection
from supervisors import Killed
from tests import client_frames as client
from tests.client_frames import BINARY, CLOSE, PING, PONG, TEXT, Frame, frame
from tests.examples import examples
from tests.unit.transport import KIB, Link, code_of, settle, transport

pytestmark = pytest.mark.filterwarnings("error")

Clock = trio.testing.MockClock

HELLO = frame(TEXT, b"hello")


def text(payload: bytes) -> Frame:
    return Frame(TEXT, payload, fin=True)


# -- out: order and wholeness, against a socket that takes what it likes ----------------------------------------------


class Taker:
    """A socket that takes as many bytes of each `send` as it is told: -1 is "would block", -2 "connection reset"."""

    def __init__(self, takes: list[int]) -> None:
        self.takes = takes
        self.taken = bytearray()

    def fileno(self) -> int:
        return 1_000_000

    def send(self, data: bytes | memoryview) -> int:
        most = self.takes.pop(0) if self.takes else len(data)
        if most == -1:
            raise BlockingIOError
        if most == -2:
            raise ConnectionResetError
        size = min(most, len(data))
        self.taken += data[:size]
        return size


class Marks:
    """A flusher that only notes."""

    def __init__(self) -> None:
        self.marked = 0
        self.stalls = 0

    def mark(self, connection: object) -> None:
        self.marked += 1

    def stall(self, connection: object) -> None:
        self.stalls += 1


def unserved(takes: list[int], outbox_bytes: int = 1 << 20) -> tuple[Connection, Taker, Marks]:
    taker, marks = Taker(takes), Marks()
    connection = Connection(
        cast("socket.socket", taker),
        Poller(),
        cast("Flusher", marks),
        max_message_bytes=KIB,
        outbox_bytes=outbox_bytes,
    )
    return connection, taker, marks


steps = st.lists(
    st.one_of(
        st.just("flush"),
        st.lists(st.binary(max_size=300), min_size=1, max_size=3),
        st.integers(1, 5).map(lambda size: [b"x" * size * 20_000]),
    ),
    max_size=40,
)


@given(steps, st.lists(st.one_of(st.just(-1), st.integers(0, 400), st.integers(400, 100_000)), max_size=40))
def test_frames_leave_in_order_and_whole_whatever_the_socket_takes_at_a_time(
    script: list[str | list[bytes]], takes: list[int]
) -> None:
    connection, taker, _ = unserved(takes, outbox_bytes=1 << 30)
    pushed: list[bytes] = []
    for step in script:
        if isinstance(step, str):
            connection.flush()
        else:
            connection.push(Prepared(*step))
            pushed += step
    connection.close(1000, "bye")
    connection.push(Prepared(b"too late"))
    connection.close(1001)
    while connection._out:
        connection.flush()
    *messages, last = client.frames(bytes(taker.taken))
    assert messages == [text(payload) for payload in pushed]
    assert last == Frame(CLOSE, b"\x03\xe8bye", fin=True)


@given(
    st.lists(st.one_of(st.just("flush"), st.integers(0, 3000)), max_size=60),
    st.lists(st.one_of(st.just(-1), st.integers(0, 2000)), max_size=60),
)
def test_a_client_that_does_not_keep_up_gets_whole_frames_and_then_1013(
    script: list[str | int], takes: list[int]
) -> None:
    bound = 4 * KIB
    connection, taker, _ = unserved([*takes, *[-1] * 100], outbox_bytes=bound)
    pushed: list[bytes] = []
    for number, step in enumerate(script):
        if isinstance(step, str):
            connection.flush()
        else:
            pushed.append(b"%d" % number + b"x" * step)
            connection.push(Prepared(pushed[-1]))
        assert sum(map(len, connection._out)) <= bound + 2 * 3010 + 20
    overflowed = connection.closed_with is not None
    taker.takes.clear()
    connection.flush()
    found = client.frames(bytes(taker.taken))
    if not overflowed:
        assert found == [text(payload) for payload in pushed]
        return
    *messages, last = found
    assert connection.closed_with == TRY_AGAIN
    assert code_of(last) == TRY_AGAIN
    assert messages == [text(payload) for payload in pushed[: len(messages)]]


def test_one_push_of_any_size_goes_to_a_client_that_has_taken_everything_before() -> None:
    """Else the answer to a join, if it is large, would never arrive, and the client come again for it for ever."""
    connection, taker, _ = unserved([200_000, 100_000], outbox_bytes=64 * KIB)
    connection.push(Prepared(b"a" * 1_000_000))
    connection.push(Prepared(b"b"))
    connection.flush()
    connection.push(Prepared(b"c" * 60_000))
    connection.flush()
    assert connection.closed_with is None
    connection.push(Prepared(b"d" * 60_000))
    assert connection.closed_with == TRY_AGAIN
    connection.flush()
    sizes = [len(found.payload) for found in client.frames(bytes(taker.taken))[:-1]]
    assert sizes == [1_000_000, 1, 60_000]


def test_what_the_socket_takes_at_once_is_no_overflow_however_much_it_is() -> None:
    connection, taker, _ = unserved([], outbox_bytes=4 * KIB)
    for number in range(100):
        connection.push(Prepared(b"%03d" % number + b"x" * KIB))
    connection.flush()
    assert connection.closed_with is None
    assert [found.payload[:3] for found in client.frames(bytes(taker.taken))] == [
        b"%03d" % number for number in range(100)
    ]


def test_a_connection_is_marked_once_for_all_that_gathers_before_a_flush() -> None:
    connection, _, marks = unserved([])
    for _ in range(5):
        connection.push(Prepared(b"x"))
    assert marks.marked == 1
    connection.flush()
    connection.push(Prepared(b"x"))
    assert (marks.marked, marks.stalls) == (2, 0)


def test_a_connection_stalls_once_until_everything_is_out() -> None:
    connection, _, marks = unserved([1, 1, -1])
    connection.push(Prepared(b"hello"))
    for _ in range(3):
        connection.flush()
        connection.push(Prepared(b"more"))
    assert (marks.marked, marks.stalls) == (1, 1)


def test_frames_are_sealed_once_for_many_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    sealed: list[Any] = []

    def counted(texts: tuple[bytes, ...]) -> bytes:
        sealed.append(texts)
        return seal(texts)

    monkeypatch.setattr(websocket, "seal", counted)
    prepared = Prepared(b"one", b"two")
    connections = [unserved([]) for _ in range(20)]
    for connection, _, _ in connections:
        connection.push(prepared)
        connection.flush()
    assert sealed == [(b"one", b"two")]
    assert {bytes(taker.taken) for _, taker, _ in connections} == {seal([b"one", b"two"])}


@pytest.mark.parametrize("takes", [[-2], [3, -2]], ids=["at once", "in the middle of a frame"])
def test_a_connection_whose_client_is_gone_drops_what_waits_and_what_comes(takes: list[int]) -> None:
    connection, taker, _ = unserved(takes)
    connection.push(Prepared(b"hello"))
    connection.flush()
    connection.flush()
    taker.taken.clear()
    connection.push(Prepared(b"more"))
    connection.close(1000)
    connection.flush()
    assert connection.closed_with == GONE
    assert not taker.taken


# -- out: real sockets -------------------------------------------------------------------------------------------------


@settings(max_examples=examples(20), deadline=None)
@given(
    st.lists(st.integers(0, 10_000), min_size=1, max_size=8),
    st.lists(st.integers(50, 20_000), min_size=1, max_size=5),
)
def test_frames_arrive_in_order_and_whole_through_the_smallest_of_buffers(
    sizes: list[int], reads: list[int]
) -> None:
    async def main() -> None:
        async with transport(outbox_bytes=1 << 20) as here:
            link = await here.connect(sndbuf=1)
            payloads = [bytes([97 + number % 26]) * size for number, size in enumerate(sizes)]
            for payload in payloads:
                link.push(payload)
            link.connection.close(1000)
            found = [await link.peer.frame(reads[number % len(reads)]) for number in range(len(sizes) + 1)]
            assert found == [*map(text, payloads), Frame(CLOSE, b"\x03\xe8", fin=True)]
            link.peer.close()
            await link.ended()
            assert here.flusher.stalled == 0

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


async def test_a_client_that_stops_reading_costs_the_others_nothing_and_is_told_to_come_again(
    autojump_clock: Clock,
) -> None:
    async with transport(outbox_bytes=32 * KIB) as here:
        slow, quick = await here.connect(sndbuf=1), await here.connect()
        for number in range(40):
            prepared = Prepared(b"%02d" % number + b"x" * KIB)
            slow.connection.push(prepared)
            quick.connection.push(prepared)
            assert (await quick.peer.texts(1))[0][:2] == b"%02d" % number
        assert slow.connection.closed_with == TRY_AGAIN
        assert here.flusher.stalled == 1
        *messages, last = await slow.peer.rest()
        assert [message.payload[:2] for message in messages] == [b"%02d" % n for n in range(len(messages))]
        assert code_of(last) == TRY_AGAIN
        slow.peer.close()
        await slow.ended()
        assert here.flusher.stalled == 0
        quick.push(b"still here")
        assert await quick.peer.texts(1) == [b"still here"]


async def test_a_client_that_never_reads_again_is_given_up_and_nothing_of_it_stays(
    autojump_clock: Clock,
) -> None:
    async with transport(outbox_bytes=32 * KIB) as here:
        link = await here.connect(sndbuf=1)
        for _ in range(100):
            link.push(b"x" * KIB)
            await settle()
        assert here.flusher.stalled == 1
        await link.ended()
        assert link.sock.fileno() == -1
        await settle()
        assert here.flusher.stalled == 0


async def test_memory_for_a_client_that_does_not_read_is_bounded(autojump_clock: Clock) -> None:
    async with transport(outbox_bytes=256 * KIB) as here:
        link = await here.connect(sndbuf=1)
        tracemalloc.start()
        try:
            for _ in range(100):
                for _ in range(10):
                    link.push(bytes(4 * KIB))
                await trio.testing.wait_all_tasks_blocked()
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert link.connection.closed_with == TRY_AGAIN
        assert peak < 3 * 256 * KIB


# -- in ----------------------------------------------------------------------------------------------------------------


async def test_bytes_that_came_with_the_handshake_are_served_first(autojump_clock: Clock) -> None:
    async with transport() as here:
        half = frame(TEXT, b"third")
        link = await here.connect(early=HELLO + frame(TEXT, b"second") + half[:4])
        await link.peer.send(half[4:], frame(TEXT, b"fourth"))
        await settle()
        assert link.got == [b"hello", b"second", b"third", b"fourth"]


async def test_frames_may_come_byte_by_byte(autojump_clock: Clock) -> None:
    async with transport() as here:
        link = await here.connect()
        for byte in HELLO + b"".join(client.fragments(TEXT, [b"a", b"", b"bc"])):
            await link.peer.send(bytes((byte,)))
            await settle()
        assert link.got == [b"hello", b"abc"]


async def test_a_message_larger_than_one_read_is_whole(autojump_clock: Clock) -> None:
    async with transport(most=200 * KIB) as here:
        link = await here.connect()
        await link.peer.text(b"x" * 150 * KIB)
        await settle()
        assert link.got == [b"x" * 150 * KIB]


class Waits:
    """Takes messages; those that begin with `wait` are done only when they are let."""

    def __init__(self) -> None:
        self.begun: list[bytes] = []
        self.done: list[bytes] = []
        self.may: dict[bytes, trio.Event] = {}

    def __call__(self, link: Link, message: bytes) -> Rest | None:
        self.begun.append(message)
        if not message.startswith(b"wait"):
            self.done.append(message)
            return None
        event = self.may[message] = trio.Event()

        async def rest() -> None:
            await event.wait()
            self.done.append(message)

        return rest


async def test_a_message_that_waits_holds_back_those_after_it_on_its_connection_and_no_other(
    autojump_clock: Clock,
) -> None:
    async with transport() as here:
        waits = Waits()
        link, other = await here.connect(waits), await here.connect()
        await link.peer.text(b"1", b"wait 2", b"3", b"wait 4", b"5")
        await settle()
        await link.peer.text(b"6")
        await other.peer.text(b"meanwhile")
        await settle()
        assert waits.begun == [b"1", b"wait 2"]
        assert other.got == [b"meanwhile"]
        waits.may[b"wait 2"].set()
        await settle()
        assert waits.begun == [b"1", b"wait 2", b"3", b"wait 4"]
        waits.may[b"wait 4"].set()
        await settle()
        assert waits.begun == waits.done == [b"1", b"wait 2", b"3", b"wait 4", b"5", b"6"]


async def test_nothing_is_read_from_a_client_while_a_message_of_its_waits(autojump_clock: Clock) -> None:
    async with transport() as here:
        waits = Waits()
        link = await here.connect(waits)
        await link.peer.text(b"wait")
        await settle()
        with trio.move_on_after(1) as blocked:
            await link.peer.send(bytes(16 << 20))
        assert blocked.cancelled_caught
        assert here.poller.watched == 0


async def test_one_that_is_to_be_sent_away_has_what_it_sent_served_and_nothing_more_taken(
    autojump_clock: Clock,
) -> None:
    async with transport() as here:
        waits = Waits()
        link = await here.connect(waits)
        await link.peer.text(b"wait 1", b"2")
        await settle()
        link.connection.stop_reading()
        await link.peer.text(b"3")
        waits.may[b"wait 1"].set()
        await settle()
        assert waits.done == [b"wait 1", b"2"]
        link.connection.push(Prepared(b"answer"))
        link.connection.close(1012)
        assert await link.peer.texts(1) == [b"answer"]
        assert await link.peer.closed_with() == 1012


async def test_messages_that_wait_and_come_with_the_handshake_keep_their_order(autojump_clock: Clock) -> None:
    async with transport() as here:
        waits = Waits()
        link = await here.connect(waits, early=frame(TEXT, b"wait 1") + frame(TEXT, b"2"))
        await link.peer.text(b"3")
        await settle()
        assert waits.begun == [b"wait 1"]
        waits.may[b"wait 1"].set()
        await settle()
        assert waits.done == [b"wait 1", b"2", b"3"]


async def test_what_a_message_still_waits_for_is_cancelled_when_its_connection_ends(
    autojump_clock: Clock,
) -> None:
    async with transport() as here:
        waits = Waits()
        link = await here.connect(waits)
        await link.peer.text(b"wait", b"never")
        await settle()
        link.connection.close(4001, "signed out")
        assert await link.peer.closed_with() == 4001
        link.peer.close()
        await link.ended()
        assert (waits.begun, waits.done) == ([b"wait"], [])


async def test_no_message_is_taken_after_one_that_closed_the_connection(autojump_clock: Clock) -> None:
    async with transport() as here:

        def take(link: Link, message: bytes) -> Rest | None:
            link.connection.close(4001, "signed out")
            return trio.sleep_forever if message == b"wait" else None

        for first in (b"hello", b"wait"):
            link = await here.connect(take, early=frame(TEXT, first) + HELLO)
            assert await link.peer.closed_with() == 4001
            await link.peer.send(HELLO)
            link.peer.close()
            await link.ended()
            assert link.got == [first]


@pytest.mark.parametrize("late", [False, True], ids=["in taking", "in what is left to do"])
async def test_a_fault_in_serving_ends_its_connection_alone_and_is_a_crash_of_its_child(
    late: bool, autojump_clock: Clock
) -> None:
    async with transport() as here:

        async def fail() -> None:
            await trio.lowlevel.checkpoint()
            raise KeyError("a fault")

        def take(link: Link, message: bytes) -> Rest | None:
            if late:
                return fail
            raise KeyError("a fault")

        link, other = await here.connect(take), await here.connect()
        await link.peer.text(b"x", b"y")
        assert await link.peer.closed_with() == RESTART
        link.peer.close()
        await link.ended()
        assert link.got == [b"x"]
        assert isinstance(here.crash_of(link.child.id), KeyError)
        await other.peer.text(b"hello")
        await settle()
        assert other.got == [b"hello"]
        assert list(here.crashes) == [link.child.id]


async def test_a_message_that_is_refused_closes_with_the_code_of_the_refusal_and_is_no_crash(
    autojump_clock: Clock,
) -> None:
    async with transport() as here:

        def take(link: Link, message: bytes) -> Rest | None:
            link.push(b"before")
            raise BadFrame(1003, "not a frame")

        link = await here.connect(take)
        await link.peer.text(b"x", b"y")
        assert await link.peer.texts(1) == [b"before"]
        assert await link.peer.closed_with() == 1003
        link.peer.close()
        await link.ended()
        assert not here.crashes


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        (frame(TEXT, b"x", key=None), 1002),
        (frame(TEXT, b"\xff"), 1007),
        (client.header(TEXT, 1 << 40), 1009),
        (frame(BINARY, b"x"), 1003),
        (client.close(1005), 1002),
        (frame(3), 1002),
    ],
    ids=["not masked", "not UTF-8", "too large", "binary", "a code that is never sent", "unknown opcode"],
)
@pytest.mark.parametrize("early", [False, True], ids=["later", "with the handshake"])
async def test_a_breach_of_the_protocol_closes_with_its_code(
    wire: bytes, code: int, early: bool, autojump_clock: Clock
) -> None:
    async with transport() as here:
        link = await here.connect(early=HELLO + wire if early else b"")
        if not early:
            await link.peer.send(HELLO, wire)
        assert await link.peer.closed_with() == code
        link.peer.close()
        await link.ended()
        assert link.connection.closed_with == code
        assert link.got == [b"hello"]
        assert not here.crashes


async def test_binary_messages_go_to_who_takes_them(autojump_clock: Clock) -> None:
    async with transport() as here:
        got: list[bytes] = []
        link = await here.connect(take_binary=got.append)
        await link.peer.send(frame(BINARY, b"\xff"), HELLO)
        await settle()
        assert (got, link.got) == ([b"\xff"], [b"hello"])


async def test_pings_are_answered_in_order_with_what_else_is_sent(autojump_clock: Clock) -> None:
    async with transport() as here:

        def echo(link: Link, message: bytes) -> None:
            link.push(message)

        link = await here.connect(echo)
        await link.peer.send(HELLO, frame(PING, b"1"), HELLO, frame(PONG, b"?"), frame(PING))
        assert [await link.peer.frame() for _ in range(4)] == [
            text(b"hello"),
            Frame(PONG, b"1", fin=True),
            text(b"hello"),
            Frame(PONG, b"", fin=True),
        ]


async def test_a_client_that_only_pings_and_never_reads_is_disconnected(autojump_clock: Clock) -> None:
    async with transport(outbox_bytes=32 * KIB) as here:
        link = await here.connect(sndbuf=1)
        while link.connection.closed_with is None:
            await link.peer.send(frame(PING, b"x" * 125) * 50)
            await settle()
        assert link.connection.closed_with == TRY_AGAIN
        await link.ended()


# -- the end -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [None, 1000, 1001, 3000, 4999])
async def test_the_clients_close_is_answered_with_its_code_after_what_was_pushed(
    code: int | None, autojump_clock: Clock
) -> None:
    async with transport() as here:

        def echo(link: Link, message: bytes) -> None:
            link.push(message)

        link = await here.connect(echo)
        bye = frame(CLOSE) if code is None else client.close(code, b"bye")
        await link.peer.send(HELLO, bye, HELLO)
        assert await link.peer.texts(1) == [b"hello"]
        assert await link.peer.closed_with() == (code or 1005)
        link.peer.close()
        await link.ended()
        assert link.connection.closed_with == (code or 1005)
        assert link.got == [b"hello"]


async def test_the_servers_close_comes_once_after_what_was_pushed_and_the_client_may_answer(
    autojump_clock: Clock,
) -> None:
    async with transport() as here:
        link = await here.connect()
        link.push(b"last")
        link.connection.close(1012, "the server restarts")
        link.connection.close(1000)
        link.push(b"too late")
        assert await link.peer.texts(1) == [b"last"]
        assert await link.peer.closed_with() == 1012
        await link.peer.send(client.close(1012))
        link.peer.close()
        await link.ended()
        assert link.connection.closed_with == 1012


async def test_a_client_that_does_not_close_its_side_is_waited_for_only_so_long(
    autojump_clock: Clock,
) -> None:
    async with transport() as here:
        link = await here.connect()
        began = trio.current_time()
        link.connection.close(1000)
        await link.ended()
        assert trio.current_time() - began == pytest.approx(websocket.CLOSE_S)
        assert await link.peer.closed_with() == 1000


async def test_a_client_that_goes_on_sending_after_the_close_is_cut_off(autojump_clock: Clock) -> None:
    async with transport() as here:
        link = await here.connect()
        link.connection.close(1000)
        began = trio.current_time()
        with pytest.raises(trio.BrokenResourceError):
            await link.peer.send(bytes(2 * MOST_IGNORED))
        await link.ended()
        assert trio.current_time() == began
        assert not link.got


async def test_a_child_that_is_asked_to_stop_closes_with_1012(autojump_clock: Clock) -> None:
    async with transport() as here:
        link = await here.connect()
        link.push(b"last")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(here.connections.terminate_child, link.child.id)
            assert await link.peer.texts(1) == [b"last"]
            assert await link.peer.closed_with() == RESTART
            link.peer.close()


async def test_a_client_that_hangs_up_is_gone(autojump_clock: Clock) -> None:
    async with transport() as here:
        link = await here.connect()
        await link.peer.send(HELLO)
        link.peer.close()
        await link.ended()
        assert link.got == [b"hello"]
        assert link.connection.closed_with == GONE
        assert not here.crashes


async def at_rest(link: Link) -> None:
    await settle()


async def within_a_frame(link: Link) -> None:
    await link.peer.send(HELLO[:5])
    await settle()


async def with_a_push_unread(link: Link) -> None:
    link.push(b"unread")
    await settle()


async def with_a_push_unsent(link: Link) -> None:
    link.push(b"unsent")


async def while_stalled(link: Link) -> None:
    link.push(b"x" * 40 * KIB)
    await settle()


async def while_a_message_waits(link: Link) -> None:
    await link.peer.text(b"wait")
    await settle()


async def while_a_message_waits_and_pushes_stall(link: Link) -> None:
    await link.peer.text(b"wait")
    await settle()
    link.push(b"x" * 40 * KIB)
    await settle()


async def after_the_servers_close(link: Link) -> None:
    link.connection.close(1000)
    await settle()


async def after_a_close_that_stalls(link: Link) -> None:
    link.push(b"x" * 40 * KIB)
    link.connection.close(1000)
    await settle()


async def after_its_own_close(link: Link) -> None:
    await link.peer.send(client.close(1000))


MOMENTS = [
    at_rest,
    within_a_frame,
    with_a_push_unread,
    with_a_push_unsent,
    while_stalled,
    while_a_message_waits,
    while_a_message_waits_and_pushes_stall,
    after_the_servers_close,
    after_a_close_that_stalls,
    after_its_own_close,
]


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.__name__)
@pytest.mark.parametrize("tcp", [False, True], ids=["unix", "tcp"])
async def test_a_client_may_vanish_at_any_moment(
    moment: Callable[[Link], Any],
    tcp: bool,
    tcp_pair: Callable[[], tuple[socket.socket, socket.socket]],
    autojump_clock: Clock,
) -> None:
    async with transport() as here:
        waits = Waits()
        link = await here.connect(waits, sndbuf=1, pair=tcp_pair() if tcp else None)
        await moment(link)
        link.peer.vanish()
        await settle()
        for event in waits.may.values():
            event.set()
        await link.ended()
        assert link.sock.fileno() == -1
        await settle()
        assert here.flusher.stalled == here.poller.watched == 0
        assert not here.crashes
        # Whatever comes later for a connection that has ended goes nowhere.
        link.push(b"late")
        link.connection.close(1000)
        await settle()


@pytest.fixture
def tcp_pair() -> Callable[[], tuple[socket.socket, socket.socket]]:
    def make() -> tuple[socket.socket, socket.socket]:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            theirs = socket.create_connection(listener.getsockname())
            ours, _ = listener.accept()
        return ours, theirs

    return make


class KillAtBlock(trio.abc.Instrument):
    """Kills a child when its task waits for the n-th time."""

    def __init__(self, number: int) -> None:
        self.left = number
        self.link: Link | None = None
        self.killed = False
        self.task: trio.lowlevel.Task | None = None

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        if self.link is not None and task is self.task:
            self.left -= 1
            if self.left == 0 and not self.link.gone.is_set():
                self.killed = True
                self.link.child.kill()


@pytest.mark.parametrize("number", range(1, 9))
async def test_a_connection_that_is_killed_wherever_it_waits_leaves_nothing(
    number: int, autojump_clock: Clock
) -> None:
    async with transport() as here:
        killer = KillAtBlock(number)

        def take(link: Link, message: bytes) -> Rest:
            killer.task = trio.lowlevel.current_task()

            async def rest() -> None:
                link.push(b"x" * 10 * KIB)
                await trio.sleep(1)

            return rest

        link = await here.connect(take, early=HELLO, sndbuf=1)
        killer.link = link
        trio.lowlevel.add_instrument(killer)
        await link.peer.text(b"2", b"3")
        await settle()
        await link.peer.send(client.close(1000))
        for _ in range(20):
            await link.peer.receive(KIB)
            await trio.sleep(0.5)
        await link.ended()
        trio.lowlevel.remove_instrument(killer)
        assert link.sock.fileno() == -1
        await settle()
        assert here.flusher.stalled == here.poller.watched == len(here.connections) == 0
        assert isinstance(here.exits[link.child.id][0], Killed) == killer.killed
        assert not here.crashes


async def test_a_descriptor_that_is_used_again_belongs_to_the_new_connection_alone(
    autojump_clock: Clock,
) -> None:
    async with transport() as here:
        seen: set[int] = set()
        for number in range(20):
            link = await here.connect(sndbuf=1)
            seen.add(link.sock.fileno())
            link.push(b"x" * 20 * KIB)
            await link.peer.text(b"%d" % number)
            await settle()
            assert link.got == [b"%d" % number]
            assert here.flusher.stalled == 1
            link.peer.vanish()
            await link.ended()
            link.push(b"for nobody")
            link.connection.close(1000)
            link.connection.flush()
            for sock in here.sockets:
                sock.close()
        assert len(seen) < 5, "no descriptor was used again"
        await settle()
        assert here.flusher.stalled == 0


# -- memory ------------------------------------------------------------------------------------------------------------


async def test_an_idle_connection_with_its_session_costs_little_memory(autojump_clock: Clock) -> None:
    async def no_join(session: Session, push: Any) -> Any:
        raise AssertionError

    sessions: list[Session] = []

    def take(link: Link, message: bytes) -> Rest | None:
        if len(sessions) < int(link.child.id):
            sessions.append(
                Session(
                    Principal(user_id="u", device_id="d", operator=False, expires_at=0),
                    link.connection,
                    join_me=no_join,
                    join_chat=no_join,
                    connection_id=link.child.id,
                )
            )
        return sessions[int(link.child.id) - 1].take(message)

    heartbeat = b'[null,"1","phoenix","heartbeat",{}]'
    count = 200
    async with transport() as here:
        pairs = [socket.socketpair() for _ in range(count + 10)]

        async def one() -> None:
            link = await here.connect(take, pair=pairs.pop())
            await link.peer.text(heartbeat)
            await link.peer.texts(1)

        for _ in range(10):
            await one()
        tracemalloc.start()
        try:
            for _ in range(count):
                await one()
            used, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        for sock in here.sockets[1::2]:
            sock.close()
        assert used / count < 12 * KIB
