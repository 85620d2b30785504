"""Closing with patience: at once, it could reset the connection under a client that is still sending, and take the last answer with it."""

from __future__ import annotations

import socket
from typing import Final

import trio

LINGER_S: Final = 2.0
"""How long a client may take to close its side."""
MOST_IGNORED: Final = 1 << 20
"""Bytes that it may still send meanwhile."""
READ_BYTES: Final = 16_384


async def linger(sock: socket.socket) -> None:
    """End our side of a non-blocking socket, and throw away what comes until the client ends its own, or has sent too much. The caller limits the time."""
    ignored = 0
    try:
        sock.shutdown(socket.SHUT_WR)
        while ignored < MOST_IGNORED:
            await trio.lowlevel.wait_readable(sock)
            data = sock.recv(READ_BYTES)
            if not data:
                return
            ignored += len(data)
    except OSError:
        return  # it is gone
