"""`scripts/websocket-echo`: the node's connections without the node. Sends back each text and each binary message."""

import argparse
import errno
import logging
import socket
import sys
from dataclasses import dataclass
from itertools import count
from typing import Final

import trio

from handlers.protocol import Prepared
from server.flusher import Flusher
from server.frames import binary_frame
from server.handshake import MAX_HEAD_BYTES, BadRequest, accept, head_end, is_upgrade, parse, refusal
from server.linger import linger
from server.poller import Poller
from server.websocket import Connection
from supervisors import Child, ChildSpec, DynamicSupervisor, Restart, Supervisor, Telemetry, run_root, to_log

HEAD_S: Final = 10.0
"""How long a client may take to send its request."""
BACKLOG: Final = 1024
PAUSE_S: Final = 0.1
"""How long nobody is accepted after the process ran out of file descriptors."""


@dataclass(frozen=True, slots=True)
class Echo:
    """What serves the connections of one port."""

    listener: socket.socket
    max_message_bytes: int
    outbox_bytes: int
    poller: Poller
    flusher: Flusher
    connections: DynamicSupervisor

    async def listen(self, child: Child) -> None:
        """Start a child for each connection."""
        child.ready()
        numbers = count(1)
        with child.cancel_on_stop():
            while True:
                await trio.lowlevel.wait_readable(self.listener)
                try:
                    sock, _ = self.listener.accept()
                except (BlockingIOError, ConnectionAbortedError):
                    continue
                except OSError as error:
                    if error.errno not in (errno.EMFILE, errno.ENFILE):
                        raise
                    await trio.sleep(PAUSE_S)
                    continue
                sock.setblocking(False)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                await self.connections.start_child(
                    ChildSpec(str(next(numbers)), self.serve, (sock,), restart=Restart.TEMPORARY)
                )

    async def serve(self, child: Child, sock: socket.socket) -> None:
        """One connection: its handshake, then its messages, until it ends."""
        child.ready()
        with sock:
            early = b""
            answer = b""
            with child.cancel_on_stop(), trio.move_on_after(HEAD_S):
                try:
                    answer, early = await shake_hands(sock)
                except BadRequest as error:
                    await refuse(sock, refusal(error.status, "malformed", error.reason))
                except OSError:
                    return
            if not answer:
                return
            connection = Connection(
                sock,
                self.poller,
                self.flusher,
                max_message_bytes=self.max_message_bytes,
                outbox_bytes=self.outbox_bytes,
            )

            def echo_text(payload: bytes) -> None:
                connection.push(Prepared(payload))

            def echo_binary(payload: bytes) -> None:
                if connection.closed_with is None:
                    connection.send(binary_frame(payload))

            connection.send(answer)
            try:
                await connection.serve(child, echo_text, early, take_binary=echo_binary)
            finally:
                await connection.finish()


async def shake_hands(sock: socket.socket) -> tuple[bytes, bytes]:
    """The answer to an opening handshake, and what came after it. Raises `BadRequest` and `OSError`."""
    data = bytearray()
    end = -1
    while end < 0:
        seen = len(data)
        if seen > MAX_HEAD_BYTES:
            raise BadRequest(431, "the request's head is too large")
        await trio.lowlevel.wait_readable(sock)
        try:
            piece = sock.recv(MAX_HEAD_BYTES)
        except BlockingIOError:
            continue
        if not piece:
            raise ConnectionResetError
        data += piece
        end = head_end(data, seen)
    request = parse(data[:end])
    if not is_upgrade(request):
        raise BadRequest(426, "only WebSocket is spoken here")
    return accept(request), bytes(data[end:])


async def refuse(sock: socket.socket, answer: bytes) -> None:
    """Send a refusal, and take what the client still sends: closing a socket with unread bytes would take the answer back."""
    try:
        while answer:
            await trio.lowlevel.wait_writable(sock)
            answer = answer[sock.send(answer) :]
        await linger(sock)
    except OSError:
        return  # it has gone


async def run(listener: socket.socket, max_message_bytes: int, outbox_bytes: int) -> int:
    """Serve until a signal; the exit status."""
    connections = DynamicSupervisor(name="connections")
    poller = Poller()
    flusher = Flusher()
    echo = Echo(listener, max_message_bytes, outbox_bytes, poller, flusher, connections)
    tree = Supervisor(
        [
            ChildSpec("poller", poller.run),
            ChildSpec("flusher", flusher.run),
            connections.spec(),
            ChildSpec("listener", echo.listen),
        ],
        name="echo",
        telemetry=Telemetry(to_log),
    )
    return await run_root(tree)


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/websocket-echo", description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--max-message-bytes", type=int, default=16 << 20)
    parser.add_argument("--outbox-bytes", type=int, default=64 << 20)
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", options.port))
        except (OSError, OverflowError) as error:
            sys.exit(f"error: PORT: cannot listen on 127.0.0.1:{options.port}: {error}")
        listener.listen(BACKLOG)
        listener.setblocking(False)
        print(f"listening on 127.0.0.1:{listener.getsockname()[1]}", flush=True)
        sys.exit(trio.run(run, listener, options.max_message_bytes, options.outbox_bytes))


if __name__ == "__main__":
    main()
