"""One WebSocket connection after its opening handshake: frames between a non-blocking socket and whoever takes its messages.

The socket is used directly, without a stream: what goes out is prepared bytes that many connections share, handed to the kernel by the flusher.

Source: RFC 6455, sections 5 to 7.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Awaitable, Callable
from typing import Final

import trio

from handlers.protocol import Prepared
from handlers.session import BadFrame
from server.flusher import Flusher
from server.frames import (
    BINARY,
    CLOSE,
    NO_CODE,
    PING,
    TEXT,
    FrameReader,
    ProtocolError,
    close_code,
    close_frame,
    pong_frame,
    seal,
)
from supervisors import Child

READ_BYTES: Final = 16_384
CLOSE_S: Final = 2.0
"""How long a connection that is being closed may take to send what waits, and the peer to close it."""
MOST_IGNORED: Final = 1 << 20
"""Bytes that a peer may still send to a connection that is closed."""

GONE: Final = 1006
UNSUPPORTED: Final = 1003
RESTART: Final = 1012
TRY_AGAIN: Final = 1013

Receive = Callable[[bytes], Awaitable[None]]

log: Final = logging.getLogger(__name__)


class Connection:
    """A connection. An `Outlet` for its session.

    Args:
        sock: connected and non-blocking; closed by `finish`.
        flusher: writes for it.
        max_message_bytes: a longer message closes it with 1009.
        outbox_bytes: what may wait to be sent; with more it is closed with 1013, and its client reconnects and catches up.

    Attributes:
        quiet: rounds of the idle sweep since anything came from the peer; the sweep counts it up.
        closed_with: close code sent or received; `None` while it is open.

    """

    __slots__ = (
        "_bound",
        "_emptied",
        "_flusher",
        "_limit",
        "_out",
        "_partial",
        "_scope",
        "_size",
        "_sock",
        "closed_with",
        "quiet",
    )

    def __init__(
        self, sock: socket.socket, flusher: Flusher, *, max_message_bytes: int, outbox_bytes: int
    ) -> None:
        self._sock = sock
        self._flusher = flusher
        self._limit = max_message_bytes
        self._bound = outbox_bytes
        self._out: list[bytes | memoryview] = []
        self._size = 0
        self._partial = False
        self._emptied: trio.Event | None = None
        self._scope: trio.CancelScope | None = None
        self.closed_with: int | None = None
        self.quiet = 0

    # -- out -------------------------------------------------------------------------------------------------------

    def push(self, prepared: Prepared) -> None:
        """Send frames, after what was pushed before. Never blocks and never raises."""
        if self.closed_with is None:
            sealed = prepared.sealed
            if sealed is None:
                sealed = prepared.sealed = seal(prepared.texts)
            self.send(sealed)

    def send(self, frames: bytes) -> None:
        """Send whole frames. Never blocks and never raises."""
        out = self._out
        if not out:
            self._flusher.mark(self)
        out.append(frames)
        self._size += len(frames)
        if self._size > self._bound:
            self._overflow()

    def close(self, code: int, reason: str = "") -> None:
        """End the connection, after what was pushed. Only the first call counts."""
        if self.closed_with is None:
            self.closed_with = code
            self.send(close_frame(None if code == NO_CODE else code, reason))
            if self._scope is not None:
                self._scope.cancel()

    def flush(self) -> None:
        """Send what waits, as much as the socket takes. Never blocks and never raises. The flusher's to call."""
        out = self._out
        if not out:
            return
        data = out[0] if len(out) == 1 else b"".join(out)
        try:
            sent = self._sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._lost()
            return
        if sent == len(data):
            out.clear()
            self._size = 0
            self._partial = False
            if self._emptied is not None:
                self._emptied.set()
            return
        # A remainder in `_out` also keeps `send` from marking the connection.
        self._out = [memoryview(data)[sent:]]
        self._size = len(data) - sent
        if not self._partial:
            self._partial = True
            self._flusher.stall(self)

    async def room(self) -> bool:
        """Wait until the socket takes more; `False` when nothing waits (any more). The flusher's to call."""
        if self._partial:
            try:
                await trio.lowlevel.wait_writable(self._sock)
            except (trio.ClosedResourceError, OSError):
                return False
        return self._partial

    def _overflow(self) -> None:
        if self.closed_with is None:
            # A frame that has been begun must be sent to its end: the close frame comes after it.
            self._out = self._out[:1] if self._partial else []
            self._size = len(self._out[0]) if self._out else 0
            log.info("a client reads too slowly and is disconnected")
            self.close(TRY_AGAIN, "reads too slowly")

    def _lost(self) -> None:
        self._out = []
        self._size = 0
        self._partial = False
        if self.closed_with is None:
            self.closed_with = GONE
        if self._emptied is not None:
            self._emptied.set()
        if self._scope is not None:
            self._scope.cancel()

    # -- in --------------------------------------------------------------------------------------------------------

    async def serve(
        self, child: Child, receive: Receive, early: bytes = b"", *, receive_binary: Receive | None = None
    ) -> None:
        """Hand each message to `receive` until the connection ends; then call `finish`.

        Args:
            child: when it is asked to stop, the connection is closed with 1012.
            receive: called with each text message, whole and known to be UTF-8. Raises `BadFrame` to close the connection.
            early: bytes that came together with the handshake.
            receive_binary: the same for binary messages; without it they close the connection with 1003.

        """
        try:
            with child.cancel_on_stop() as scope:
                self._scope = scope
                if self.closed_with is None:
                    await self._read(receive, receive_binary, early)
        except (BadFrame, ProtocolError) as error:
            log.info("a connection broke the protocol", extra={"code": error.code, "reason": error.reason})
            self.close(error.code, error.reason)
        finally:
            self._scope = None
            self.close(RESTART, "the server restarts")  # only if nothing else has ended it

    async def _read(self, receive: Receive, receive_binary: Receive | None, data: bytes) -> None:
        reader = FrameReader(self._limit)
        sock = self._sock
        while True:
            for opcode, payload in reader.feed(data):
                if opcode == TEXT:
                    await receive(payload)
                elif not await self._take(opcode, payload, receive_binary):
                    return
            while True:
                await trio.lowlevel.wait_readable(sock)
                try:
                    data = sock.recv(READ_BYTES)
                    break
                except BlockingIOError:
                    continue
                except OSError:
                    data = b""
                    break
            if not data:
                self._lost()
                return
            self.quiet = 0

    async def _take(self, opcode: int, payload: bytes, receive_binary: Receive | None) -> bool:
        """Serve what is no text; `False` when that ends the connection."""
        if opcode == CLOSE:
            self.close(close_code(payload))
            return False
        if opcode == PING and self.closed_with is None:
            self.send(pong_frame(payload))
        elif opcode == BINARY:
            if receive_binary is None:
                raise BadFrame(UNSUPPORTED, "only text is spoken here")
            await receive_binary(payload)
        return True

    # -- the end ---------------------------------------------------------------------------------------------------

    async def finish(self) -> None:
        """Send what waits, give the peer a moment to close, and close the socket."""
        try:
            if self.closed_with != GONE:
                with trio.move_on_after(CLOSE_S):
                    await self._written()
                    await self._peer_closed()
        finally:
            self.closed_with = self.closed_with or GONE
            self._lost()
            trio.lowlevel.notify_closing(self._sock)
            self._sock.close()

    async def _written(self) -> None:
        while self._out:
            self._emptied = trio.Event()
            await self._emptied.wait()

    async def _peer_closed(self) -> None:
        ignored = 0
        try:
            self._sock.shutdown(socket.SHUT_WR)
            while ignored < MOST_IGNORED:
                await trio.lowlevel.wait_readable(self._sock)
                data = self._sock.recv(READ_BYTES)
                if not data:
                    return
                ignored += len(data)
        except OSError:
            return  # it is gone
