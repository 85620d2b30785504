"""Requests on a connection that was accepted elsewhere: one after the other, for as long as that may go on, until the server leaves."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
import trio
import trio.testing
from quart import request
from quart_trio import QuartTrio

from server.http import KEEP_ALIVE_S, SEND_S, Http
from server.linger import LINGER_S
from tests.unit.transport import KIB, Peer, settle

pytestmark = [
    pytest.mark.filterwarnings("error"),
    # Of Quart, which has no say in this.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

Clock = trio.testing.MockClock
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
SLOW = b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"


class Server:
    """`Http` on socket pairs."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self.nursery = nursery
        self.may = trio.Event()
        self.sockets: list[socket.socket] = []
        app = QuartTrio(__name__, static_folder=None)

        @app.get("/")
        async def index() -> str:
            return "hello"

        @app.get("/slow")
        async def slow() -> str:
            await self.may.wait()
            return "at last"

        @app.get("/large")
        async def large() -> bytes:
            return bytes(4 << 20)

        @app.get("/fault")
        async def fault() -> bytes:
            raise RuntimeError("broken by the test")

        @app.post("/refuse")
        async def refuse() -> tuple[str, int]:
            return "no", 413

        @app.post("/echo")
        async def echo() -> str | bytes:
            return await request.get_data(as_text=False)

        self.http = Http(app)

    async def call(self, early: bytes = GET) -> Client:
        """A new connection, of which this has been read."""
        ours, theirs = socket.socketpair()
        self.sockets += (ours, theirs)
        ours.setblocking(False)
        stream = trio.SocketStream(trio.socket.from_stdlib_socket(ours))
        self.nursery.start_soon(self.http.serve, stream, early, lambda data: False)
        await settle()
        return Client(theirs)


class Client(Peer):
    async def answer(self) -> tuple[int, bytes]:
        """Status and body of the next answer."""
        head, body = await self.head()
        size = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        while len(body) < size:
            piece = await self.receive()
            assert piece
            body += piece
        self.data = bytearray(body[size:])
        return int(head.split()[1]), body[:size]

    async def head(self) -> tuple[bytes, bytes]:
        while b"\r\n\r\n" not in self.data:
            piece = await self.receive()
            assert piece, "the connection ended before an answer"
            self.data += piece
        head, _, body = bytes(self.data).partition(b"\r\n\r\n")
        self.data.clear()
        return head, body

    async def end(self) -> float:
        """When the server's side ends; there must be nothing before that."""
        assert not self.data
        assert await self.receive() == b""
        return trio.current_time()


@asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    async with trio.open_nursery() as nursery:
        server = Server(nursery)
        yield server
        for sock in server.sockets[1::2]:
            sock.close()
        with trio.fail_after(60):
            await server.http.all_gone()
        assert server.http.open == 0
        assert all(sock.fileno() == -1 for sock in server.sockets[::2])


async def test_what_was_read_already_is_the_beginning(autojump_clock: Clock) -> None:
    async with serving() as server:
        for cut in range(1, len(GET), 5):
            it = await server.call(GET[:cut])
            await it.send(GET[cut:])
            assert await it.answer() == (200, b"hello")


async def test_a_connection_is_used_again_until_nothing_comes_for_too_long(autojump_clock: Clock) -> None:
    async with serving() as server:
        it = await server.call()
        assert await it.answer() == (200, b"hello")
        for _ in range(3):
            await trio.sleep(KEEP_ALIVE_S - 1)
            await it.send(GET)
            assert await it.answer() == (200, b"hello")
        began = trio.current_time()
        assert KEEP_ALIVE_S <= await it.end() - began <= KEEP_ALIVE_S + LINGER_S


async def test_a_second_head_that_comes_drop_by_drop_does_not_keep_the_connection(
    autojump_clock: Clock,
) -> None:
    async with serving() as server:
        it = await server.call()
        await it.answer()
        began = trio.current_time()

        async def drip() -> None:
            for byte in b"GET / HTTP/1.1\r\nX: " + b"y" * 1000:
                try:
                    await it.send(bytes((byte,)))
                except trio.BrokenResourceError:
                    return
                await trio.sleep(1)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(drip)
            assert await it.end() - began <= KEEP_ALIVE_S + LINGER_S


async def test_a_client_that_takes_in_no_answer_is_given_up(autojump_clock: Clock) -> None:
    async with serving() as server:
        await server.call(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        assert server.http.open == 1
        await trio.sleep(SEND_S + LINGER_S + 1)
        await settle()
        assert server.http.open == 0


async def test_a_client_that_takes_in_a_large_answer_slowly_gets_all_of_it(autojump_clock: Clock) -> None:
    async with serving() as server:
        it = await server.call(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        _, body = await it.head()
        size = len(body)
        while size < 4 << 20:
            await trio.sleep(0.1)
            size += len(await it.receive(64 * KIB))


async def test_an_answer_before_the_body_is_in_reaches_a_client_that_goes_on_sending(
    autojump_clock: Clock,
) -> None:
    async with serving() as server:
        body = 500_000
        it = await server.call(
            b"POST /refuse HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % body
        )
        await it.send(bytes(100_000))
        assert await it.answer() == (413, b"no")
        it.close()


async def test_a_fault_in_the_application_is_a_500_and_the_connection_goes_on(
    autojump_clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving() as server:
        it = await server.call(b"GET /fault HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await it.answer())[0] == 500
        await it.send(GET)
        assert await it.answer() == (200, b"hello")


@pytest.mark.parametrize(
    "said", [GET[:10], SLOW, b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n", b"nonsense\r\n\r\n", GET]
)
@pytest.mark.parametrize("unread", [False, True])
async def test_a_client_may_vanish_at_any_moment(said: bytes, unread: bool, autojump_clock: Clock) -> None:
    async with serving() as server:
        it = await server.call(said)
        if not unread:
            it.sock.setblocking(False)
            with suppress(BlockingIOError):
                it.sock.recv(1 << 16)
        it.close()
        await settle()
        server.may.set()
        with trio.fail_after(SEND_S + LINGER_S + 1):
            await server.http.all_gone()


# -- leaving -----------------------------------------------------------------------------------------------------------


async def test_on_a_stop_idle_connections_close_at_once_and_others_after_their_request(
    autojump_clock: Clock,
) -> None:
    async with serving() as server:
        idle, busy = await server.call(), await server.call(SLOW)
        await idle.answer()
        began = trio.current_time()
        await server.http.stop()
        assert await idle.end() == began
        idle.close()
        await settle()
        assert server.http.open == 1
        server.may.set()
        assert await busy.answer() == (200, b"at last")
        assert await busy.end() == began
        busy.close()
        await server.http.all_gone()
        assert trio.current_time() == began


async def test_a_server_that_leaves_ends_each_connection_with_its_next_answer(autojump_clock: Clock) -> None:
    async with serving() as server:
        it = await server.call()
        await it.answer()
        server.http.wind_down()
        assert server.http.open == 1, "an idle one is not closed under a proxy that is about to use it"
        await it.send(GET)
        assert await it.answer() == (200, b"hello")
        assert await it.end() == trio.current_time() == 0
        it.close()
        server.http.start()
        again = await server.call()
        for _ in range(2):
            assert await again.answer() == (200, b"hello")
            await again.send(GET)
        await again.answer()


@pytest.mark.parametrize("attempt", range(10))
async def test_who_comes_after_a_stop_is_served_one_request(attempt: int, autojump_clock: Clock) -> None:
    """The load balancer, that asks a node that leaves whether it is ready. Several attempts: which task goes first is chance."""
    async with serving() as server:
        await server.http.stop()
        it = await server.call()
        assert await it.answer() == (200, b"hello")
        assert await it.end() == trio.current_time() == 0
        it.close()
        half = await server.call(GET[:9])
        await half.send(GET[9:])
        assert await half.answer() == (200, b"hello")


async def test_after_a_new_start_connections_are_used_again(autojump_clock: Clock) -> None:
    async with serving() as server:
        await server.http.stop()
        server.http.start()
        it = await server.call()
        for _ in range(2):
            assert await it.answer() == (200, b"hello")
            await it.send(GET)
        await it.answer()
        await server.http.stop()
        assert await it.end() == trio.current_time() == 0


async def test_waiting_until_all_are_gone_ends_with_the_last(autojump_clock: Clock) -> None:
    async with serving() as server:
        await server.http.all_gone()
        clients = [await server.call(SLOW) for _ in range(3)]
        gone = trio.Event()

        async def wait() -> None:
            await server.http.all_gone()
            gone.set()

        server.nursery.start_soon(wait)
        for it in clients:
            await settle()
            assert not gone.is_set()
            it.close()
            await settle()
        server.may.set()
        await gone.wait()
