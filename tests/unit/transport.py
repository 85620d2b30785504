"""Connections over socket pairs, on the parts of a node that carry them, without the node.

Both ends of a Unix socket pair are in this process and the kernel hands bytes over in the call that sends them: nothing is ever on its way, so that the
virtual clock may jump whenever all tasks wait.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import trio
import trio.testing

from handlers.protocol import Prepared
from handlers.sessions.session import Rest
from server.flusher import Flusher
from server.poller import Poller
from server.websocket import Connection, Take
from supervisors import (
    Child,
    ChildExited,
    ChildSpec,
    Crash,
    DynamicSupervisor,
    Exit,
    Restart,
    Supervisor,
    Telemetry,
    open_supervisor,
)
from supervisors.telemetry import Event
from tests import client_frames as client
from tests.client_frames import CLOSE, Frame

PATIENCE_S = 60.0
KIB = 1024


class Peer:
    """The client's side: sends bytes as they are, and reads frames without any rules of its own."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.stream = trio.SocketStream(trio.socket.from_stdlib_socket(sock))
        self.data = bytearray()

    async def send(self, *frames: bytes) -> None:
        await self.stream.send_all(b"".join(frames))

    async def text(self, *texts: bytes) -> None:
        await self.send(*(client.frame(client.TEXT, text) for text in texts))

    async def receive(self, most: int = 65_536) -> bytes:
        """What comes next, as it is; nothing at the end."""
        with trio.fail_after(PATIENCE_S):
            try:
                return bytes(await self.stream.receive_some(most))
            except trio.BrokenResourceError:
                return b""

    async def frame(self, most: int = 65_536) -> Frame | None:
        """The next frame, or `None` when the server has closed its side after a whole one."""
        while (taken := client.take(bytes(self.data))) is None:
            piece = await self.receive(most)
            if not piece:
                assert not self.data, "the connection ended within a frame"
                return None
            self.data += piece
        found, size = taken
        del self.data[:size]
        return found

    async def texts(self, number: int) -> list[bytes]:
        """The payloads of the next text messages."""
        found = []
        for _ in range(number):
            frame = await self.frame()
            assert frame is not None
            assert frame.opcode == client.TEXT, frame
            found.append(frame.payload)
        return found

    async def rest(self) -> list[Frame]:
        """All frames until the server closes its side."""
        found = []
        while (frame := await self.frame()) is not None:
            found.append(frame)
        return found

    async def closed_with(self) -> int:
        """The code of the close frame that is next, and last."""
        frame, *more = await self.rest()
        assert frame.opcode == CLOSE, frame
        assert not more
        return code_of(frame)

    def close(self) -> None:
        self.stream.socket.close()

    def vanish(self) -> None:
        """Reset the connection."""
        if self.sock.family != socket.AF_UNIX:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()


def code_of(frame: Frame) -> int:
    """A close frame's code."""
    return int.from_bytes(frame.payload[:2], "big") if frame.payload else 1005


class Link:
    """A connection that is served as a child, and its client.

    Attributes:
        got: the messages that were taken.
        gone: set when the child's task is at its end.

    """

    def __init__(self, connection: Connection, sock: socket.socket, peer: Peer, child: Child) -> None:
        self.connection = connection
        self.sock = sock
        self.peer = peer
        self.child = child
        self.got: list[bytes] = []
        self.gone = trio.Event()

    def push(self, *texts: bytes) -> None:
        self.connection.push(Prepared(*texts))

    async def ended(self) -> None:
        """Wait until the connection's child is gone."""
        with trio.fail_after(PATIENCE_S):
            await self.child.done()


class Transport:
    """Poller, flusher and connections, as in a node."""

    def __init__(
        self, *, busy: Callable[[], bool] = lambda: False, outbox_bytes: int = 64 * KIB, most: int = 64 * KIB
    ) -> None:
        self.poller = Poller(busy)
        self.flusher = Flusher()
        self.connections = DynamicSupervisor(name="connections")
        self.outbox_bytes = outbox_bytes
        self.most = most
        self.exits: dict[str, list[Exit]] = {}
        self.tree = Supervisor(
            (
                ChildSpec("poller", self._breakable, ("poller", self.poller.run)),
                ChildSpec("flusher", self._breakable, ("flusher", self.flusher.run)),
                self.connections.spec(),
            ),
            name="sessions",
        )
        self.root = Supervisor([self.tree.spec()], name="node", telemetry=Telemetry(self._note))
        self.sockets: list[socket.socket] = []
        self._faults: dict[str, trio.Event] = {}
        self._numbers = count(1)

    def _note(self, event: Event) -> None:
        if isinstance(event, ChildExited):
            self.exits.setdefault(event.path.rpartition("/")[2], []).append(event.exit)

    def crash_of(self, child_id: str) -> BaseException:
        """What the child's one run ended with."""
        (exit_,) = self.exits[child_id]
        assert isinstance(exit_, Crash), exit_
        return exit_.error

    @property
    def crashes(self) -> dict[str, Exit]:
        return {name: exit_ for name, exits in self.exits.items() for exit_ in exits if type(exit_) is Crash}

    async def _breakable(self, child: Child, name: str, run: Callable[[Child], Awaitable[None]]) -> None:
        fault = self._faults[name] = trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_fail_after, fault)
            await run(child)
            nursery.cancel_scope.cancel()

    async def crash(self, name: str) -> None:
        """Have the poller or the flusher crash; returns when it runs again."""
        broken = self._faults[name]
        broken.set()
        await settle()
        assert self._faults[name] is not broken, "it was not started again"

    async def give_up(self) -> None:
        """Have all three crash so often that they are stopped together and started again by what is above them."""
        while "sessions" not in self.exits:
            self._faults["poller"].set()
            await settle()

    async def connect(
        self,
        take: Callable[[Link, bytes], Rest | None] | None = None,
        *,
        early: bytes = b"",
        take_binary: Take | None = None,
        sndbuf: int | None = None,
        pair: tuple[socket.socket, socket.socket] | None = None,
    ) -> Link:
        """A served connection. By default what comes is noted in `got` and nothing else."""
        ours, theirs = pair or socket.socketpair()
        self.sockets += (ours, theirs)
        ours.setblocking(False)
        if sndbuf is not None:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, sndbuf)
        peer = Peer(theirs)

        async def serve(child: Child) -> None:
            connection = Connection(
                ours, self.poller, self.flusher, max_message_bytes=self.most, outbox_bytes=self.outbox_bytes
            )
            link = Link(connection, ours, peer, child)

            def taken(text: bytes) -> Rest | None:
                link.got.append(text)
                return None if take is None else take(link, text)

            child.ready(link)
            try:
                await connection.serve(child, taken, early, take_binary=take_binary)
            finally:
                await connection.finish()
                link.gone.set()

        number = str(next(self._numbers))
        link = await self.connections.start_child(ChildSpec(number, serve, restart=Restart.TEMPORARY))
        assert isinstance(link, Link)
        return link


async def _fail_after(fault: trio.Event) -> None:
    await fault.wait()
    raise RuntimeError("broken by the test")


@asynccontextmanager
async def transport(**options: Any) -> AsyncIterator[Transport]:
    """A running one; nothing may be left of its connections at the end."""
    it = Transport(**options)
    try:
        async with open_supervisor(it.root):
            yield it
        assert it.poller.watched == 0
    finally:
        for sock in it.sockets:
            sock.close()


async def settle() -> None:
    """Until nothing happens any more by itself."""
    await trio.testing.wait_all_tasks_blocked()


__all__ = ["KIB", "PATIENCE_S", "Frame", "Link", "Peer", "Transport", "code_of", "settle", "transport"]
