"""What comes in on the port: which requests become connections, what the others are told, and what is beyond every limit."""

from __future__ import annotations

import errno
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
import trio
import trio.testing
from quart import request
from quart_trio import QuartTrio

from config.sections import LimitSettings
from config.settings import NodeRole
from handlers.auth import Auth
from handlers.errors import ChatError, Code
from handlers.principal import Principal
from handlers.session import Rest
from server import endpoint as module
from server.connections import Connections
from server.core import Core
from server.endpoint import ACCEPT_AT_ONCE, HEAD_S, OUT_OF_FILES_S, Endpoint
from server.flusher import Flusher
from server.handshake import MAX_HEAD_BYTES
from server.http import Http
from server.poller import Poller
from supervisors import (
    ChildExited,
    ChildSpec,
    Crash,
    DynamicSupervisor,
    Supervisor,
    Telemetry,
    open_supervisor,
)
from supervisors.telemetry import Event
from tests import client_frames as client
from tests.client_frames import TEXT, frame
from tests.unit.transport import PATIENCE_S, Peer

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
        from handlers.protocol import Prepared

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
            tokens=SimpleNamespace(verify=self._verify),
            session=self._session,
            sessions=SimpleNamespace(opened=self._opened, closed=self.closed.append),
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
        )
        self.listeners = Supervisor(
            [self.endpoint.listener("shared", "127.0.0.1", 0, shared=True)], name="endpoint"
        )
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
        async def echo() -> bytes:
            return bytes(await request.get_data())

        @app.get("/slow")
        async def slow() -> str:
            await self.slow.wait()
            return "at last"

        return app

    def _verify(self, token: str) -> Principal:
        if token != "good":  # noqa: S105
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
                await trio.sleep(0.001)


@pytest.fixture
def clock() -> trio.testing.MockClock:
    """Goes like any clock, and can be put forward."""
    return trio.testing.MockClock(rate=1)


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    caplog.set_level(logging.INFO)
    return lambda: [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


@asynccontextmanager
async def running(
    *, roles: frozenset[NodeRole] = frozenset(NodeRole), **limits: Any
) -> AsyncIterator[Node]:
    node = Node(LimitSettings(**limits), roles)
    try:
        async with open_supervisor(node.tree):
            node.port = port_of(node)
            yield node
            for each in node.clients:
                each.close()
            await node.until(lambda: len(node.supervisor) == 0)
            assert node.poller.watched == node.flusher.stalled == node.http.open == 0
            assert not node.connections.open
            assert node.closed == [s for s in node.sessions if s in node.closed]
            assert len(node.closed) == len(node.sessions)
    finally:
        for each in node.clients:
            each.close()


def port_of(node: Node) -> int:
    """Where it listens: the one listener that this process has."""
    ((_, address),) = [
        (name, value) for name, value in node.endpoint.addresses.items()
    ]
    return int(address.rpartition(":")[2])


__all__: list[str] = []
_ = (ACCEPT_AT_ONCE, HEAD_S, OUT_OF_FILES_S, MAX_HEAD_BYTES, errno, os, socket, Iterator, client, TEXT, frame, module)
