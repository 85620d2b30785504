"""Requests: the web application, served by Hypercorn on connections that were accepted elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

import h11
import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.events import Event, Updated
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext

from server.linger import LINGER_S, MOST_IGNORED

KEEP_ALIVE_S: Final = 30
"""How long a connection may wait between two requests. A head that is begun does not count as a request."""
SEND_S: Final = 30.0
"""How long a client may take to take in a part of an answer."""
MAX_HEAD_BYTES: Final = 16 * 1024

Application = Callable[[Any, Any, Any], Awaitable[None]]

log: Final = logging.getLogger(__name__)


class Http:
    """Serves an application on any number of connections."""

    def __init__(self, app: Application) -> None:
        self._app = ASGIWrapper(self._undisturbed(app))
        self._config = Config()
        self._config.accesslog = None
        self._config.errorlog = log
        self._config.include_server_header = False
        self._config.keep_alive_timeout = KEEP_ALIVE_S
        self._config.h11_max_incomplete_size = MAX_HEAD_BYTES
        self._context = WorkerContext(None)
        self._stopped = False
        self._leaving = False
        self._gone: trio.Event | None = None
        self.open = 0

    def start(self) -> None:
        """Let connections be used for one request after another: so it is at first, and again after a `stop`."""
        self._leaving = False
        if self._stopped:
            self._stopped = False
            self._context = WorkerContext(None)

    def wind_down(self) -> None:
        """Have every answer from now on end its connection: a proxy that keeps connections does not find one of them closed just when it uses it."""
        self._leaving = True

    async def stop(self) -> None:
        """Close idle connections now, the others after the request that they are at. New ones are served one request."""
        self._stopped = True
        await self._context.terminated.set()
        self._context = WorkerContext(None)
        self._context.terminated = _OneRequest()

    async def all_gone(self) -> None:
        """Wait until no connection is open."""
        while self.open:
            self._gone = trio.Event()
            await self._gone.wait()

    async def serve(
        self, stream: trio.SocketStream, early: bytes, is_foreign: Callable[[bytes], bool]
    ) -> bytes | None:
        """Serve a connection until it ends, or until a request comes that is not for here.

        Args:
            stream: closed in the end, unless it is given back.
            early: what has been read from it already.
            is_foreign: whether a request that begins with these bytes is somebody else's.

        Returns:
            The beginning of the first request that is foreign: the connection, which is as if it were new, is the caller's again. Else `None`.

        """
        self.open += 1
        wrapped = _Stream(stream, early, is_foreign)
        try:
            server = _Server(self._app, self._config, self._context, cast("Any", {}), cast("Any", wrapped))
            wrapped.is_between = server.is_between
            await server.run()
        except* (
            h11.ProtocolError,
            trio.BrokenResourceError,
            trio.ClosedResourceError,
            OSError,
            UnicodeDecodeError,  # a path or method in HTTP/2 that is not ASCII
        ) as group:
            # The client's doing: bytes that are no request, or gone in the middle of an answer.
            log.info("a connection was cut off", extra={"reason": type(group.exceptions[0]).__name__})
        finally:
            if wrapped.foreign is None:
                stream.socket.close()
            self.open -= 1
            if self._gone is not None and not self.open:
                self._gone.set()
        return wrapped.foreign

    def _undisturbed(self, app: Application) -> Application:
        """The application, whose answers reach Hypercorn whole.

        With the last piece of an answer Hypercorn tells the application that the client is gone, upon which Quart-Trio cancels the very task that is handing
        that piece over: the connection would be neither closed nor given its keep-alive limit, and stay open for ever. (Not so in HTTP/2, where handing over may
        also wait for the client without a limit, and must not be shielded.)
        """

        async def served(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "websocket" and scope["path"].startswith("/socket/"):
                # In pieces, or behind another request in one: no client and no proxy sends an upgrade like that.
                await send({"type": "websocket.close"})
                return
            if scope["type"] != "http" or not scope["http_version"].startswith("1"):
                await app(scope, receive, send)
                return

            async def whole(message: Any) -> None:
                if self._leaving and message["type"] == "http.response.start":
                    headers = [each for each in message["headers"] if each[0].lower() != b"connection"]
                    message = {**message, "headers": [*headers, (b"connection", b"close")]}
                with trio.CancelScope(shield=True):
                    await send(message)

            await app(scope, receive, whole)

        return served


class _OneRequest:
    """In the place of the event that ends idle connections: for those that come after it, and have a request with them."""

    def is_set(self) -> bool:
        return True

    async def wait(self) -> None:
        await trio.sleep_forever()

    async def set(self) -> None: ...

    async def clear(self) -> None: ...


class _Server(TCPServer):
    """Hypercorn's, but for a connection whose client has gone: it is over then, and does not wait out its keep-alive limit."""

    _gone = False

    async def protocol_send(self, event: Event) -> None:
        await super().protocol_send(event)
        if isinstance(event, Updated):
            cast("_Stream", self.stream).note(is_idle=event.idle)

    def is_between(self) -> bool:
        """Whether what comes next begins a request: the one before, if any, is all there, though maybe not answered. Never so within a body, where anything may stand."""
        protocol = self.protocol.protocol
        connection = protocol.connection if isinstance(protocol, H11Protocol) else None
        return (
            isinstance(connection, h11.Connection)
            and connection.their_state in (h11.IDLE, h11.DONE)
            and not connection.trailing_data[0]
        )

    async def _read_data(self) -> None:
        await super()._read_data()
        self._gone = True
        await self.idle_task.stop()

    async def _idle_timeout(self) -> None:
        if not self._gone:
            await super()._idle_timeout()


class _Stream:
    """A socket as Hypercorn wants to see it: its first bytes have been read already, it ends where a request begins that is not Hypercorn's, and is closed with patience.

    Closing at once, when an answer is out before its request is in, would reset the connection under a client that is still sending, and take the answer
    with it. So our side ends, the one who reads throws away what still comes, for a moment, and only then is told of the end.
    """

    def __init__(self, stream: trio.SocketStream, early: bytes, is_foreign: Callable[[bytes], bool]) -> None:
        self._stream = stream
        self._early = early
        self._is_foreign = is_foreign
        self.foreign: bytes | None = None
        self.is_between: Callable[[], bool] = lambda: False
        self._idle = trio.Event()
        self._ended = False
        self._lingers = False
        self._reading: trio.CancelScope | None = None
        self.socket = stream.socket

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        if self._early:
            early, self._early = self._early, b""
            return early
        if not self._ended:
            with trio.CancelScope() as self._reading:
                data = bytes(await self._stream.receive_some(max_bytes))
                if self._is_foreign(data) and self.is_between():
                    await self._idle.wait()
                    self.foreign = data
                    return b""
                return data
        if self._lingers:
            await self._linger()
        raise trio.ClosedResourceError("the connection has been ended here")

    def note(self, *, is_idle: bool) -> None:
        """Every request has been answered, or one has begun."""
        if is_idle:
            self._idle.set()
        else:
            self._idle = trio.Event()

    async def _linger(self) -> None:
        ignored = 0
        with trio.move_on_after(LINGER_S):
            while ignored < MOST_IGNORED and (data := await self._stream.receive_some(MAX_HEAD_BYTES)):
                ignored += len(data)

    async def send_all(self, data: bytes) -> None:
        # Hypercorn shields this: without a limit of its own, a client that stops reading would keep it for ever.
        with trio.move_on_after(SEND_S) as limit:
            await self._stream.send_all(data)
        if limit.cancelled_caught:
            # Hypercorn would drop the request only, and go on waiting for the client's next one, without a limit.
            await self.aclose()
            raise trio.BrokenResourceError("the client does not read")

    async def send_eof(self) -> None:
        if self.foreign is not None:
            return
        self._lingers = True
        await self._stream.send_eof()

    async def aclose(self) -> None:
        if self.foreign is not None:
            return
        self._ended = True
        if self._reading is not None:
            self._reading.cancel()
