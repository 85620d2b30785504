"""What comes in on the port: which requests become connections, what the others are told, and what is beyond every limit."""

from __future__ import annotations

import errno
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, ClassVar, cast

import msgspec
import pytest
import trio
import trio.testing
from quart import request
from quart_trio import QuartTrio

from config.sections import LimitSettings
from config.settings import NodeRole
from handlers.auth.auth import Auth
from handlers.errors import ChatError, Code
from handlers.principal import Principal
from handlers.protocol import Prepared
from handlers.quotas import Quota, Quotas
from handlers.sessions.session import Rest
from persistence.memory import Broker, MemoryBuckets
from server import endpoint as module
from server.admission import Admission
from server.connections import Connections
from server.core import Core
from server.endpoint import HEAD_S, OUT_OF_FILES_S, Endpoint
from server.flusher import Flusher
from server.handshake import MAX_HEAD_BYTES
from server.http import Http
from server.linger import LINGER_S
from server.poller import Poller
from supervisors import (
    ChildExited,
    ChildSpec,
    Crash,
    DynamicSupervisor,
    Normal,
    NotRunning,
    StartError,
    Supervisor,
    Telemetry,
    open_supervisor,
)
from supervisors.telemetry import Event
from tests.client_frames import TEXT, frame
from tests.unit.transport import PATIENCE_S, Peer

Clock = trio.testing.MockClock
Lines = Callable[[], list[str]]

pytestmark = [
    pytest.mark.filterwarnings("error"),
    # Of Quart, which has no say in this.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

UPGRADE = (
    "Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


def opening(target: str = "/socket/websocket?vsn=2.0.0&token=good", headers: str = UPGRADE) -> bytes:
    return f"GET {target} HTTP/1.1\r\n{headers}\r\n".encode()


class Answer:
    """A whole HTTP answer."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def problem(self) -> Any:
        assert self.headers["content-type"] == "application/problem+json"
        return msgspec.json.decode(self.body)


class Client(Peer):
    """A connection to the port."""

    async def answer(self) -> Answer:
        """The next HTTP answer, with a body of known length."""
        while b"\r\n\r\n" not in self.data:
            self.data += await self._more()
        head, _, rest = bytes(self.data).partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        size = int(headers.get("content-length", 0))
        self.data = bytearray(rest)
        while len(self.data) < size:
            self.data += await self._more()
        body = bytes(self.data[:size])
        del self.data[:size]
        return Answer(int(first.split()[1]), headers, body)

    async def _more(self) -> bytes:
        data = await self.receive()
        assert data, f"the connection ended after {bytes(self.data)!r}"
        return data

    async def ended(self) -> bool:
        """Whether there is nothing more to come; waits for it."""
        assert not self.data
        return await self.receive() == b""


class Session:
    """In the place of a session: says back what it is told, and "crash" crashes it."""

    def __init__(self, node: Node, principal: Principal, outlet: Any, connection_id: str) -> None:
        self.node = node
        self.principal = principal
        self.outlet = outlet
        self.connection_id = connection_id
        self.topics: dict[str, Any] = {}

    def take(self, text: bytes) -> Rest | None:
        if text == b"crash":
            raise RuntimeError("broken by the test")
        self.outlet.push(Prepared(text))
        return None


class Node:
    """Everything about an endpoint but what is above and below it in the tree of a node."""

    def __init__(self, limits: LimitSettings, roles: frozenset[NodeRole]) -> None:
        self.sessions: list[Session] = []
        self.opening: Callable[[], Any] | None = None
        self.closed: list[Session] = []
        self.crashes: list[BaseException] = []
        self.slow = trio.Event()
        core = SimpleNamespace(
            stores=SimpleNamespace(incarnation="n1"),
            people=SimpleNamespace(tokens=SimpleNamespace(verify=self._verify)),
            sessions=SimpleNamespace(
                session=self._session,
                sessions=SimpleNamespace(opened=self._opened, closed=self.closed.append),
            ),
        )
        self.poller, self.flusher = Poller(), Flusher()
        self.supervisor = DynamicSupervisor(name="connections", max_children=limits.max_connections)
        self.connections = Connections(cast("Auth", None), lambda: 0, idle_s=60, token_ttl_s=900)
        self.http = Http(self._app())
        self.endpoint = Endpoint(
            cast("Core", core),
            supervisor=self.supervisor,
            connections=self.connections,
            poller=self.poller,
            flusher=self.flusher,
            http=self.http,
            limits=limits,
            roles=roles,
            admission=Admission(Quotas(MemoryBuckets(Broker()), {})),
        )
        self.listeners = Supervisor([], name="endpoint")
        self.tree = Supervisor(
            [
                ChildSpec("poller", self.poller.run),
                ChildSpec("flusher", self.flusher.run),
                self.supervisor.spec(),
                self.listeners.spec(),
            ],
            name="node",
            telemetry=Telemetry(self._note),
        )
        self.clients: list[Client] = []
        self.port = 0

    def _note(self, event: Event) -> None:
        if isinstance(event, ChildExited) and isinstance(event.exit, Crash):
            self.crashes += event.exit.leaves

    def _app(self) -> QuartTrio:
        app = QuartTrio(__name__, static_folder=None)

        @app.get("/")
        async def index() -> str:
            return "hello"

        @app.post("/echo")
        async def echo() -> str | bytes:
            return await request.get_data(as_text=False)

        @app.get("/slow")
        async def slow() -> str:
            await self.slow.wait()
            return "at last"

        return app

    def _verify(self, token: str) -> Principal:
        if token != "good":
            raise ChatError(Code.UNAUTHENTICATED, "no valid token")
        return Principal(user_id="u", device_id="d", expires_at=0)

    def _session(self, principal: Principal, outlet: Any, connection_id: str) -> Session:
        session = Session(self, principal, outlet, connection_id)
        self.sessions.append(session)
        return session

    async def _opened(self, session: Session) -> None:
        if self.opening is not None:
            await self.opening()

    async def call(self, *pieces: bytes) -> Client:
        """A new client, which has sent this."""
        with trio.fail_after(PATIENCE_S):
            stream = await trio.open_tcp_stream("127.0.0.1", self.port)
        found = Client(stream.socket._sock)  # type: ignore[attr-defined]
        self.clients.append(found)
        await found.send(*pieces)
        return found

    async def websocket(self) -> Client:
        """A new client that is connected."""
        it = await self.call(opening())
        assert (await it.answer()).status == 101
        return it

    async def until(self, done: Callable[[], Any]) -> None:
        """Wait for what other tasks do about what is on its way through the kernel."""
        with trio.fail_after(PATIENCE_S):
            while not done():
                await trio.testing.wait_all_tasks_blocked(0.001)


@pytest.fixture
def clock() -> trio.testing.MockClock:
    """Goes like any clock, and can be put forward."""
    return trio.testing.MockClock(rate=1)


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    caplog.set_level(logging.INFO)
    return lambda: [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


@asynccontextmanager
async def running(*, roles: frozenset[NodeRole] = frozenset(NodeRole), **limits: Any) -> AsyncIterator[Node]:
    node = Node(LimitSettings(**limits), roles)
    try:
        async with open_supervisor(node.tree):
            spec = node.endpoint.listener("shared", "127.0.0.1", 0, shared=True)
            address = await node.listeners.start_child(spec)
            node.port = int(address.rpartition(":")[2])
            yield node
            for each in node.clients:
                each.close()
            await node.until(lambda: len(node.supervisor) == 0)
            assert node.poller.watched == node.flusher.stalled == node.http.open == 0
            assert not node.connections.open
            assert len(node.closed) == len(node.sessions)
    finally:
        for each in node.clients:
            each.close()


# -- connections -------------------------------------------------------------------------------------------------------


async def test_an_upgrade_becomes_a_connection_with_a_session(clock: Clock) -> None:
    async with running() as node:
        it = await node.websocket()
        await it.text(b"hello")
        assert await it.texts(1) == [b"hello"]
        (session,) = node.sessions
        assert session.principal.user_id == "u"
        assert node.endpoint.accepted == 1
        assert node.endpoint.refused == 0


async def test_frames_that_come_with_the_request_are_served(clock: Clock) -> None:
    async with running() as node:
        it = await node.call(opening(), frame(TEXT, b"1"), frame(TEXT, b"2")[:3])
        assert (await it.answer()).status == 101
        await it.send(frame(TEXT, b"2")[3:])
        assert await it.texts(2) == [b"1", b"2"]


async def test_a_request_may_come_byte_by_byte(clock: Clock) -> None:
    async with running() as node:
        it = await node.call()
        for byte in opening():
            await it.send(bytes((byte,)))
        assert (await it.answer()).status == 101


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        (opening("/socket/elsewhere?vsn=2.0.0"), 404, "not_found"),
        (opening("/socket/websocket/"), 404, "not_found"),
        (opening(headers="Host: a\r\n"), 426, "malformed"),
        (opening(headers=UPGRADE.replace("13", "8")), 426, "malformed"),
        (opening("/socket/websocket"), 400, "malformed"),
        (opening("/socket/websocket?vsn=1.0.0&token=good"), 400, "malformed"),
        (opening(headers=UPGRADE.replace("Sec-WebSocket-Key", "X")), 400, "malformed"),
        (opening(headers=UPGRADE + "Content-Length: 5\r\n"), 400, "malformed"),
        (opening(headers="Host: a\r\nbad header\r\n"), 400, "malformed"),
        (opening("/socket/websocket?vsn=2.0.0&token=bad"), 403, "unauthenticated"),
        (opening("/socket/websocket?vsn=2.0.0"), 403, "unauthenticated"),
        (b"GET /socket/websocket HTTP/1.1\r\n" + b"X: y\r\n" * 3000 + b"\r\n", 431, "too_large"),
        (b"GET /" + b"x" * 2 * MAX_HEAD_BYTES, 431, "too_large"),
    ],
    ids=[
        "unknown path",
        "longer path",
        "no upgrade",
        "other version of WebSocket",
        "no vsn",
        "other vsn",
        "no key",
        "with a body",
        "no request",
        "bad token",
        "no token",
        "too many headers",
        "address without end",
    ],
)
async def test_what_cannot_be_a_connection_is_told_why_in_a_problem(
    asked: bytes, status: int, code: str, clock: Clock, lines: Lines
) -> None:
    async with running() as node:
        it = await node.call(asked)
        answer = await it.answer()
        assert (answer.status, answer.problem["code"]) == (status, code)
        assert answer.problem["status"] == status
        assert await it.ended()
        assert not node.crashes
        assert not node.sessions
        assert not lines()


async def test_a_node_that_drains_sends_connections_elsewhere(clock: Clock) -> None:
    async with running() as node:
        node.connections.draining = True
        answer = await (await node.call(opening())).answer()
        assert (answer.status, answer.problem["code"]) == (503, "draining")
        assert answer.headers["retry-after"] == "1"
        assert node.endpoint.refused == 1


async def test_a_node_without_the_role_has_no_socket(clock: Clock) -> None:
    async with running(roles=frozenset({NodeRole.API})) as node:
        assert (await (await node.call(opening())).answer()).status == 404


async def test_who_connects_too_often_is_told_when_to_come_again(clock: Clock) -> None:
    async with running() as node:
        rates = {Quota.CONNECTS_FROM: (0.01, 2.0)}
        node.endpoint._admission = Admission(Quotas(MemoryBuckets(Broker()), rates))
        for _ in range(2):
            assert (await (await node.call(opening())).answer()).status == 101
        answer = await (await node.call(opening())).answer()
        assert (answer.status, answer.problem["code"]) == (429, "rate_limited")
        assert answer.problem["retry_after_ms"] > 90_000
        assert 90 <= int(answer.headers["retry-after"]) <= 100


async def test_a_head_that_does_not_come_in_time_is_not_waited_for(clock: Clock) -> None:
    async with running() as node:
        clients = [await node.call(), await node.call(opening()[:-2])]
        await node.until(lambda: len(node.supervisor) == 2)
        clock.jump(HEAD_S)
        for it in clients:
            assert await it.ended()


async def test_a_client_that_was_refused_may_go_on_sending_for_a_moment_and_still_reads_why(
    clock: Clock,
) -> None:
    async with running() as node:
        it = await node.call(opening("/socket/x"), bytes(100_000))
        assert (await it.answer()).status == 404
        await node.until(lambda: len(node.supervisor) == 1)
        clock.jump(LINGER_S)
        await node.until(lambda: len(node.supervisor) == 0)


@pytest.mark.parametrize("said", [b"", b"GET / HT", opening("/socket/x"), opening(), opening()[:-2]])
async def test_a_client_that_resets_its_connection_at_any_moment_is_no_crash(
    said: bytes, clock: Clock, lines: Lines
) -> None:
    async with running() as node:
        it = await node.call(said)
        await node.until(lambda: node.endpoint.accepted)
        it.vanish()
        await node.until(lambda: len(node.supervisor) == 0)
        assert not node.crashes
        assert not lines()


# -- faults ------------------------------------------------------------------------------------------------------------


async def test_a_fault_in_serving_closes_with_1012_and_ends_that_connection_alone(clock: Clock) -> None:
    async with running() as node:
        it, other = await node.websocket(), await node.websocket()
        await it.text(b"crash")
        assert await it.closed_with() == 1012
        it.close()
        assert node.connections.closed == {1012: 1}
        await node.until(lambda: node.crashes)
        assert [str(error) for error in node.crashes] == ["broken by the test"]
        await other.text(b"hello")
        assert await other.texts(1) == [b"hello"]


async def test_a_fault_in_opening_closes_with_1012_and_is_counted_so(clock: Clock) -> None:
    async with running() as node:

        async def fail() -> None:
            await trio.lowlevel.checkpoint()
            raise KeyError("opening")

        node.opening = fail
        it = await node.call(opening())
        assert (await it.answer()).status == 101
        assert await it.closed_with() == 1012
        assert node.connections.closed == {1012: 1}
        it.close()
        await node.until(lambda: node.crashes)


async def test_a_connection_that_is_closed_while_it_opens_never_serves(clock: Clock) -> None:
    async with running() as node:
        opened = trio.Event()
        node.opening = opened.wait
        it = await node.websocket()
        await it.text(b"hello")
        await node.until(lambda: node.connections.open)
        (connection,) = node.connections.open
        connection.close(1012)
        opened.set()
        assert await it.closed_with() == 1012


# -- accepting ---------------------------------------------------------------------------------------------------------


async def test_beyond_the_limit_connections_are_closed_at_once_and_taken_again_later(
    clock: Clock, lines: Lines
) -> None:
    async with running(max_connections=2) as node:
        first, second = await node.websocket(), await node.websocket()
        assert await (await node.call()).ended()
        assert node.endpoint.refused == 1
        assert len(lines()) == 1
        await second.text(b"hello")
        assert await second.texts(1) == [b"hello"]
        first.close()
        await node.until(lambda: len(node.supervisor) == 1)
        await node.websocket()


@pytest.mark.parametrize("error", [NotRunning("connections"), StartError("1", Normal())], ids=repr)
async def test_while_connections_are_not_served_they_are_refused_and_the_listener_stays(
    error: Exception, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running() as node:

        async def refuse(spec: ChildSpec) -> None:
            await trio.lowlevel.checkpoint()
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(node.supervisor, "start_child", refuse)
            assert await (await node.call()).ended()
        assert node.endpoint.refused == 1
        await node.websocket()
        assert not node.crashes


class Failing(socket.socket):
    """A listener that fails before it accepts."""

    errors: ClassVar[list[int]] = []
    tries = 0

    def accept(self) -> tuple[socket.socket, Any]:
        type(self).tries += 1
        if self.errors:
            number = self.errors.pop(0)
            raise OSError(number, os.strerror(number))
        return super().accept()


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
async def test_out_of_descriptors_the_listener_pauses_says_so_once_and_goes_on(
    number: int, clock: Clock, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    listening = module._listening
    monkeypatch.setattr(
        module, "_listening", lambda *where, **how: Failing(fileno=listening(*where, **how).detach())
    )
    async with running() as node:
        Failing.errors, Failing.tries = [number] * 3, 0
        it = await node.call(opening())
        await node.until(lambda: Failing.tries == 1)
        for tries in (2, 3, 4):
            clock.jump(OUT_OF_FILES_S)
            await node.until(lambda tries=tries: Failing.tries >= tries)  # type: ignore[misc]
        assert (await it.answer()).status == 101
        assert lines() == ["no connection can be accepted"]


async def test_connections_that_are_gone_before_they_are_accepted_do_not_matter(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    listening = module._listening
    monkeypatch.setattr(
        module, "_listening", lambda *where, **how: Failing(fileno=listening(*where, **how).detach())
    )
    async with running() as node:
        Failing.errors = [errno.ECONNABORTED, errno.EPROTO, errno.ECONNABORTED]
        await node.websocket()


async def test_after_it_stopped_accepting_nobody_gets_in_and_those_inside_stay(clock: Clock) -> None:
    async with running() as node:
        inside = await node.websocket()
        node.endpoint.stop_accepting("shared")
        node.endpoint.stop_accepting("shared")
        node.endpoint.stop_accepting("unheard of")
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(OSError, match="connect"):
            await node.call()
        await inside.text(b"hello")
        assert await inside.texts(1) == [b"hello"]


async def test_an_address_that_is_taken_is_an_error_at_the_start(clock: Clock) -> None:
    async with running() as node:
        spec = node.endpoint.listener("own", "127.0.0.1", node.port, shared=False)
        with pytest.raises(StartError) as caught:
            await node.listeners.start_child(spec)
        assert isinstance(caught.value.__cause__, OSError)


async def test_several_processes_may_share_an_address(clock: Clock) -> None:
    async with running() as node:
        await node.listeners.start_child(node.endpoint.listener("again", "127.0.0.1", node.port, shared=True))


# -- being stopped, and killed -------------------------------------------------------------------------------------------

MOMENTS = {
    "before its request": b"",
    "within its request": opening()[:-2],
    "while its answer lingers": opening("/socket/x"),
    "while it opens": opening(),
    "while it is served": opening(),
    "while a request of it is served": b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n",
    "between two requests": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
}


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_connection_whose_child_is_ended_at_any_moment_leaves_nothing(
    moment: str, clock: Clock
) -> None:
    async with running() as node:
        if moment == "while it opens":
            node.opening = trio.sleep_forever
        it = await node.call(MOMENTS[moment])
        await node.until(lambda: len(node.supervisor) == 1)
        if moment in ("while it is served", "between two requests"):
            await it.answer()
        await trio.testing.wait_all_tasks_blocked()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(node.supervisor.terminate_child, "1")
            while len(node.supervisor):
                await trio.testing.wait_all_tasks_blocked(0.001)
                clock.jump(1)
        while await it.receive():
            pass
        assert not node.crashes


# -- requests ----------------------------------------------------------------------------------------------------------


def get(path: str, headers: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: a\r\n{headers}\r\n".encode()


def post(body: bytes) -> bytes:
    return b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body


async def test_requests_come_one_after_the_other_on_one_connection(clock: Clock) -> None:
    async with running() as node:
        it = await node.call()
        for number in range(3):
            await it.send(post(b"%d" % number))
            assert (await it.answer()).body == b"%d" % number
        assert node.endpoint.accepted == 1


async def test_an_upgrade_may_come_after_requests_as_proxies_send_it(clock: Clock) -> None:
    async with running() as node:
        it = await node.call(get("/"))
        assert (await it.answer()).body == b"hello"
        await it.send(post(b"once more"))
        assert (await it.answer()).body == b"once more"
        await it.send(opening() + frame(TEXT, b"1"))
        assert (await it.answer()).status == 101
        await it.send(frame(TEXT, b"2"))
        assert await it.texts(2) == [b"1", b"2"]
        assert node.http.open == 0
        refused = await node.call(get("/"))
        assert (await refused.answer()).body == b"hello"
        await refused.send(opening("/socket/websocket?vsn=2.0.0&token=bad"))
        assert (await refused.answer()).status == 403


async def test_what_looks_like_an_upgrade_within_a_body_is_a_body(clock: Clock) -> None:
    async with running() as node:
        inner = opening()
        it = await node.call(get("/"))
        assert (await it.answer()).body == b"hello"
        await it.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(inner))
        await trio.testing.wait_all_tasks_blocked()
        await it.send(inner)
        assert (await it.answer()).body == inner
        assert node.sessions == []


async def test_an_upgrade_waits_for_the_answer_to_the_request_before_it(clock: Clock) -> None:
    async with running() as node:
        it = await node.call(get("/slow"))
        await trio.testing.wait_all_tasks_blocked()
        await it.send(opening())
        await trio.testing.wait_all_tasks_blocked()
        assert node.sessions == []
        node.slow.set()
        assert (await it.answer()).body == b"at last"
        assert (await it.answer()).status == 101
        await it.send(frame(TEXT, b"1"))
        assert await it.texts(1) == [b"1"]


async def test_an_upgrade_in_one_piece_with_a_request_is_refused(clock: Clock) -> None:
    async with running() as node:
        it = await node.call(get("/") + opening())
        assert (await it.answer()).body == b"hello"
        assert (await it.answer()).status == 403
        assert node.sessions == []


async def test_pipelined_requests_are_answered_in_order(clock: Clock) -> None:
    async with running() as node:
        it = await node.call(*(post(b"%d" % number) for number in range(5)), get("/"))
        assert [(await it.answer()).body for _ in range(6)] == [b"0", b"1", b"2", b"3", b"4", b"hello"]


async def test_a_body_in_chunks_is_whole_wherever_it_is_cut(clock: Clock) -> None:
    wire = (
        b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
    )
    async with running() as node:
        for cut in range(1, len(wire), 7):
            it = await node.call(wire[:cut])
            await trio.testing.wait_all_tasks_blocked()
            await it.send(wire[cut:])
            assert (await it.answer()).body == b"hello world"
            it.close()


async def test_a_large_body_that_begins_with_its_head_is_whole(clock: Clock) -> None:
    async with running() as node:
        body = bytes(range(256)) * 1000
        it = await node.call(post(body))
        assert (await it.answer()).body == body


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (opening("/elsewhere"), 404),
        (opening().replace(b"GET", b"POST"), 404),
        (get("/socket"), 404),
        (get("/%ff"), 404),
        (b"\x16\x03\x01\x02\x00\r\n\r\n", 400),
        (b"\r\n\r\n\r\n\r\nnonsense\r\n\r\n", 400),
    ],
    ids=["upgrade elsewhere", "POST", "shorter path", "no text", "TLS", "empty lines"],
)
async def test_what_is_no_request_of_ours_gets_an_answer_and_is_no_crash(
    asked: bytes, status: int, clock: Clock, lines: Lines
) -> None:
    async with running() as node:
        answer = await (await node.call(asked)).answer()
        assert answer.status == status
        assert not node.crashes
        assert not lines()
