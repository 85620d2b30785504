"""Where clients come in: one port for sockets and REST.

The head of a request decides: an upgrade at `/socket/websocket` becomes a session, everything else is Hypercorn's, with the bytes that have been read: REST,
and long polls (`server.longpoll`), which browsers and proxies send over the same connections. A connection comes back from Hypercorn when, between two
requests, an upgrade arrives on it: a proxy that keeps connections open uses them for whatever comes next.
"""

from __future__ import annotations

import errno
import logging
import socket
from itertools import count
from typing import Final

import trio

from config.logging import connection_id
from config.sections import LimitSettings
from config.settings import NodeRole
from handlers.errors import ChatError, Code
from handlers.principal import Principal
from server.admission import Admission
from server.connections import Connections, converse
from server.core import Core
from server.flusher import Flusher
from server.handshake import (
    MAX_HEAD_BYTES,
    BadRequest,
    Request,
    accept,
    head_end,
    is_upgrade,
    parse,
    refusal,
    token,
    vsn,
)
from server.http import Http
from server.linger import LINGER_S, linger
from server.poller import Poller
from server.websocket import Connection
from supervisors import Child, ChildSpec, DynamicSupervisor, MaxChildren, NotRunning, Restart, StartError

BACKLOG: Final = 4096
ACCEPT_AT_ONCE: Final = 64
HEAD_S: Final = 15.0
"""How long the head of the first request may take to arrive."""
OUT_OF_FILES_S: Final = 0.2
"""Pause in accepting when the process has no file descriptor left."""
SOCKET_PREFIX: Final = b"GET /socket/"
LONGPOLL_PREFIXES: Final = (b"GET /socket/longpoll?", b"GET /socket/longpoll ")
WEBSOCKET_PATH: Final = "/socket/websocket"
VSN: Final = "2.0.0"

_OUT_OF_FILES: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

log: Final = logging.getLogger(__name__)


class Endpoint:
    """Accepts connections and serves each as a temporary child of `supervisor`.

    Attributes:
        accepted, refused: connections since the start.

    """

    def __init__(
        self,
        core: Core,
        *,
        supervisor: DynamicSupervisor,
        connections: Connections,
        poller: Poller,
        flusher: Flusher,
        http: Http,
        limits: LimitSettings,
        roles: frozenset[NodeRole],
        admission: Admission,
    ) -> None:
        self._core = core
        self._supervisor = supervisor
        self._connections = connections
        self._poller = poller
        self._flusher = flusher
        self._http = http
        self._limits = limits
        self._roles = roles
        self._admission = admission
        self._numbers = count(1)
        self._listening: dict[str, trio.CancelScope] = {}
        self.accepted = 0
        self.refused = 0

    # -- accepting -------------------------------------------------------------------------------------------------

    def listener(self, name: str, host: str, port: int, *, shared: bool) -> ChildSpec:
        """A child that accepts connections on an address. Its start raises `OSError` if that cannot be had.

        Args:
            name: of the child.
            host: address to listen on.
            port: 0 is any free one.
            shared: whether several processes may listen there, and the kernel spreads connections over them.

        """
        return ChildSpec(name, self._listen, (name, host, port, shared))

    def stop_accepting(self, name: str) -> None:
        """Close a listener for good; connections that wait in its queue are still taken."""
        if name in self._listening:
            self._listening[name].cancel()

    async def _listen(self, child: Child, name: str, host: str, port: int, shared: bool) -> None:
        with _listening(host, port, shared=shared) as listener:
            address = "{}:{}".format(*listener.getsockname()[:2])
            log.info("listening on %s", address, extra={"address": address})
            child.ready(address)
            with child.cancel_on_stop() as scope:
                self._listening[name] = scope
                while True:
                    await trio.lowlevel.wait_readable(listener)
                    await self._accept(listener)
            while await self._accept(listener):
                pass
            trio.lowlevel.notify_closing(listener)
        await child.stop_requested()

    async def _accept(self, listener: socket.socket) -> bool:
        """Start a child for each connection that waits, at most `ACCEPT_AT_ONCE`; whether there may be more."""
        told = False
        for _ in range(ACCEPT_AT_ONCE):
            try:
                sock, _address = listener.accept()
            except BlockingIOError:
                return False
            except OSError as error:
                if error.errno in _OUT_OF_FILES:
                    if not told:
                        log.error("no connection can be accepted", extra={"reason": error.strerror})
                    told = True
                    await trio.sleep(OUT_OF_FILES_S)
                continue  # else it was gone before it was accepted
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            number = f"{next(self._numbers):x}"
            self.accepted += 1
            try:
                await self._supervisor.start_child(
                    ChildSpec(number, self._serve, (sock,), restart=Restart.TEMPORARY)
                )
            except (MaxChildren, NotRunning, StartError) as error:
                self.refused += 1
                sock.close()
                log.warning("a connection was refused: %s", error)
                if not isinstance(error, MaxChildren):
                    return False
        return not told

    # -- one connection --------------------------------------------------------------------------------------------

    async def _serve(self, child: Child, sock: socket.socket) -> None:
        child.ready()
        connection_id.set(f"{self._core.stores.incarnation}.{child.id}")  # in this task's own context
        try:
            data = await _read_head(child, sock, _receive(sock))
            if data is None:
                return
            if not _is_socket(data):
                stream = trio.SocketStream(trio.socket.from_stdlib_socket(sock))
                data = await _read_head(child, sock, await self._http.serve(stream, data, _is_socket))
                if data is None:
                    return
            principal, data = await self._admit(child, sock, data)
            if principal is not None:
                await self._serve_socket(child, sock, principal, data)
        finally:
            if sock.fileno() >= 0:
                trio.lowlevel.notify_closing(sock)
                sock.close()

    async def _serve_socket(
        self, child: Child, sock: socket.socket, principal: Principal, early: bytes
    ) -> None:
        connection = Connection(
            sock,
            self._poller,
            self._flusher,
            max_message_bytes=self._limits.max_frame_bytes,
            outbox_bytes=self._limits.outbox_bytes,
        )
        await converse(self._core, self._connections, connection, principal, child, early)

    async def _admit(self, child: Child, sock: socket.socket, data: bytes) -> tuple[Principal | None, bytes]:
        """Answer the opening handshake; whose connection it is and what came after it, or `None` when it was refused."""
        end = head_end(data)
        try:
            request = parse(data[:end])
            principal = self._authenticate(request, _peer(sock))
            _send(sock, accept(request))
            return principal, data[end:]
        except BadRequest as error:
            answer = refusal(error.status, Code.MALFORMED.slug, error.reason)
        except ChatError as error:
            # A bad token is a 403 here, as Phoenix answers a connection that its socket does not take.
            status = 403 if error.code.status == 401 else error.code.status
            answer = refusal(status, error.code.slug, error.message, retry_after_ms=error.retry_after_ms)
        self.refused += 1
        _send(sock, answer)
        await _linger(child, sock)
        return None, b""

    def _authenticate(self, request: Request, peer: str) -> Principal:
        """Raises `BadRequest`, `ChatError`."""
        if request.path != WEBSOCKET_PATH or NodeRole.REALTIME not in self._roles:
            raise ChatError(Code.NOT_FOUND, "there is nothing here")
        if not is_upgrade(request):
            raise BadRequest(426, "a WebSocket is spoken here")
        if vsn(request) != VSN:
            raise BadRequest(400, f"vsn must be {VSN}")
        if self._connections.draining:
            raise ChatError(Code.DRAINING, "this node is on its way down", retry_after_ms=1000)
        self._admission.check(request.headers, peer)
        return self._core.people.tokens.verify(token(request) or "")


def _listening(host: str, port: int, *, shared: bool) -> socket.socket:
    """A non-blocking listener. Raises `OSError`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def _is_socket(data: bytes) -> bool:
    """Whether a request that begins with this is meant for a socket."""
    return data.startswith(SOCKET_PREFIX) and not data.startswith(LONGPOLL_PREFIXES)


async def _read_head(child: Child, sock: socket.socket, data: bytes | None) -> bytes | None:
    """What has come, and more up to at least the end of the request's head; `None` when nothing came that is worth an answer."""
    if data is None or head_end(data) >= 0:  # mostly it is there by now
        return data
    with child.cancel_on_stop(), trio.move_on_after(HEAD_S):
        while len(data) < MAX_HEAD_BYTES:
            await trio.lowlevel.wait_readable(sock)
            chunk = _receive(sock)
            if chunk is None:
                return None
            data += chunk
            if head_end(data, len(data) - len(chunk)) >= 0:
                return data
        _send(sock, refusal(431, Code.TOO_LARGE.slug, "the head of the request is too large"))
        await _linger(child, sock)
    return None


def _peer(sock: socket.socket) -> str:
    """The address of the other end; empty when it has gone."""
    try:
        name = sock.getpeername()
    except OSError:
        return ""
    return str(name[0]) if isinstance(name, tuple) else ""


def _receive(sock: socket.socket) -> bytes | None:
    """What has come; empty when that is nothing yet, `None` when the client has gone."""
    try:
        return sock.recv(MAX_HEAD_BYTES) or None
    except BlockingIOError:
        return b""
    except OSError:
        return None


def _send(sock: socket.socket, answer: bytes) -> None:
    """Send a short answer to a client that has not been sent anything yet: there is room for it."""
    try:
        sock.send(answer)
    except OSError:
        return  # gone; reading will tell


async def _linger(child: Child, sock: socket.socket) -> None:
    """Let the client read its answer."""
    with child.cancel_on_stop(), trio.move_on_after(LINGER_S):
        await linger(sock)
