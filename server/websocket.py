"""One WebSocket connection after its opening handshake: frames between a non-blocking socket and whoever takes its messages.

The socket is used directly, without a stream: what goes out is prepared bytes that many connections share, handed to the kernel by the flusher.

Source: RFC 6455, sections 5 to 7.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator
from typing import Final

import trio

from handlers.protocol import Prepared
from handlers.sessions.session import BadFrame, Rest
from handlers.signal import Signal
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
from server.linger import linger
from server.poller import Poller
from supervisors import Child

READ_BYTES: Final = 16_384
CLOSE_S: Final = 2.0
"""How long a connection that is being closed may take to send what waits, and the peer to close it."""

GONE: Final = 1006
UNSUPPORTED: Final = 1003
RESTART: Final = 1012
TRY_AGAIN: Final = 1013

Take = Callable[[bytes], Rest | None]

log: Final = logging.getLogger(__name__)


class Connection:
    """A connection. An `Outlet` for its session.

    Args:
        sock: connected and non-blocking; closed by `finish`.
        poller: reads for it.
        flusher: writes for it.
        max_message_bytes: a longer message closes it with 1009.
        outbox_bytes: what may wait to be sent behind one push of any size; with more it is closed with 1013, and its client reconnects and catches up.

    Attributes:
        quiet: rounds of the idle sweep since anything came from the peer; the sweep counts it up.
        closed_with: close code sent or received; `None` while it is open.

    """

    __slots__ = (
        "_bound", "_deaf", "_emptied", "_failure", "_fd", "_flusher", "_frames", "_out", "_partial", "_poller", "_reader", "_rest", "_scope", "_size", "_sock",
        "_take", "_take_binary", "_waiting", "_work", "closed_with", "quiet",
    )  # fmt: skip

    def __init__(
        self,
        sock: socket.socket,
        poller: Poller,
        flusher: Flusher,
        *,
        max_message_bytes: int,
        outbox_bytes: int,
    ) -> None:
        self._sock = sock
        self._fd = sock.fileno()
        self._poller = poller
        self._flusher = flusher
        self._reader = FrameReader(max_message_bytes)
        self._take: Take | None = None
        self._take_binary: Take | None = None
        self._frames: Iterator[tuple[int, bytes]] = iter(())
        self._rest: Rest | None = None
        self._failure: Exception | None = None
        self._waiting = False
        self._deaf = False
        self._work = Signal()
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
        if out:
            self._size += len(frames)
        else:
            # Not counted: a client that was never given one large answer, its join's, would come again for it for ever.
            self._flusher.mark(self)
        out.append(frames)
        if self._size > self._bound:
            self._overflow()

    def close(self, code: int, reason: str = "") -> None:
        """End the connection, after what was pushed. Only the first call counts."""
        if self.closed_with is None:
            self.closed_with = code
            self.send(close_frame(None if code == NO_CODE else code, reason))
            self._end()

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
        self._size = min(self._size, len(data) - sent)
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
        if not self._partial:
            self.flush()  # nothing has been offered to its socket yet: it may not be slow at all
        if self.closed_with is None and self._size > self._bound:
            # A frame that has been begun must be sent to its end: the close frame comes after it.
            self._out = self._out[:1]
            self._size = 0
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
        self._end()

    def _end(self) -> None:
        """Nothing more is taken in; the connection's task goes on to `finish`."""
        self._poller.ignore(self._fd)
        if self._scope is not None:
            self._scope.cancel()

    # -- in --------------------------------------------------------------------------------------------------------

    async def serve(
        self, child: Child, take: Take, early: bytes = b"", *, take_binary: Take | None = None
    ) -> None:
        """Hand over each message until the connection ends; then call `finish`.

        Args:
            child: when it is asked to stop, the connection is closed with 1012.
            take: called with each text message, whole and known to be UTF-8. What it returns is awaited in this task before the next message is taken.
                Raises `BadFrame` to close the connection.
            early: bytes that came together with the handshake.
            take_binary: the same for binary messages; without it they close the connection with 1003.

        """
        self._take = take
        self._take_binary = take_binary
        try:
            with child.cancel_on_stop() as scope:
                self._scope = scope
                if self.closed_with is None:
                    await self._converse(early)
        except (BadFrame, ProtocolError) as error:
            log.info("a connection broke the protocol", extra={"code": error.code, "reason": error.reason})
            self.close(error.code, error.reason)
        finally:
            self._scope = None
            self.close(RESTART, "the server restarts")  # only if nothing else has ended it
            self._take = self._take_binary = self._rest = None

    async def _converse(self, early: bytes) -> None:
        self._serve(self._reader.feed(early))
        while True:
            while self._rest is not None:
                rest, self._rest = self._rest, None
                await rest()
                self._serve(self._frames)
            if self._failure is not None:
                failure, self._failure = self._failure, None
                try:
                    raise failure
                finally:
                    del failure  # else it would hold its own traceback, and with it the connection
            self._waiting = False
            if self.closed_with is None and not self._deaf:
                self._poller.watch(self._fd, self)
            await self._work.wait()

    def stop_reading(self) -> None:
        """Take nothing more from the peer; what it has sent already is still served and answered."""
        self._deaf = True
        self._poller.ignore(self._fd)

    def readable(self) -> None:
        """Take in what has come. Never blocks and never raises. The poller's to call."""
        if self._waiting:
            self._poller.ignore(self._fd)  # only now: mostly nothing comes while a frame is being served
            return
        try:
            data = self._sock.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self.quiet = 0
            self._serve(self._reader.feed(data))
        else:
            self._lost()

    def _serve(self, frames: Iterator[tuple[int, bytes]]) -> None:
        """Serve frames up to the first that has to wait: that and the others are left to the task, and so is whatever goes wrong."""
        take = self._take
        assert take is not None
        try:
            for opcode, payload in frames:
                rest = take(payload) if opcode == TEXT else self._control(opcode, payload)
                if rest is not None:
                    self._rest = rest
                    self._frames = frames
                    self._leave_to_task()
                    return
                if self.closed_with is not None:
                    return
        except Exception as error:  # noqa: BLE001 - raised again in the task of this connection
            self._failure = error
            self._leave_to_task()

    def _leave_to_task(self) -> None:
        self._waiting = True
        self._work.set()

    def _control(self, opcode: int, payload: bytes) -> Rest | None:
        """Serve what is no text."""
        if opcode == CLOSE:
            self.close(close_code(payload))
        elif opcode == PING and self.closed_with is None:
            self.send(pong_frame(payload))
        elif opcode == BINARY:
            if self._take_binary is None:
                raise BadFrame(UNSUPPORTED, "only text is spoken here")
            return self._take_binary(payload)
        return None

    # -- the end ---------------------------------------------------------------------------------------------------

    async def finish(self) -> None:
        """Send what waits, give the peer a moment to close, and close the socket."""
        try:
            if self.closed_with != GONE:
                with trio.move_on_after(CLOSE_S):
                    await self._written()
                    await linger(self._sock)
        finally:
            self.closed_with = self.closed_with or GONE
            self._lost()
            trio.lowlevel.notify_closing(self._sock)
            self._sock.close()

    async def _written(self) -> None:
        while self._out:
            self._emptied = trio.Event()
            await self._emptied.wait()
