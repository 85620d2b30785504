"""A socket that sends and receives without waiting for either."""

from __future__ import annotations

from socket import socket


class Device:
    """One connection.

    Attributes:
        data: what has come and is no whole frame yet.
        waiting: what the socket has not taken yet.
        seq: of the last message.

    """

    __slots__ = ("data", "seq", "sock", "waiting")

    def __init__(self, sock: socket, seq: int = 0) -> None:
        self.sock = sock
        self.seq = seq
        self.data = b""
        self.waiting = b""

    def send(self, frame: bytes) -> None:
        """Send this after what waits, as far as the socket takes it."""
        data = self.waiting + frame
        try:
            sent = self.sock.send(data)
        except BlockingIOError:
            sent = 0
        self.waiting = data[sent:]
