"""Opening sockets, checking in and joining `me`: many at a time, without blocking."""

from __future__ import annotations

import contextlib
import errno
import resource
import select
import socket
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from scripts.benchmarks.people import Person
from scripts.benchmarks.stack import HOST
from scripts.benchmarks.wire import JOIN, frames, handshake, last_seq

IN_FLIGHT = 64
RECEIVE_BUFFER = 1 << 20
PATIENCE_S = 60.0


@dataclass(slots=True)
class _Opening:
    index: int
    sock: socket.socket
    scheduled: float
    request: bytes
    sent: bool = False
    switched: bool = False
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Opened:
    """Sockets that have joined `me`, in the order of the people; `None` where it failed. `reasons` says why.

    `last_seqs` are those of each one's first chat, `seconds` from the scheduled connect to the join's answer.
    """

    sockets: list[socket.socket | None]
    last_seqs: list[int]
    seconds: list[float]
    took: float
    reasons: Counter[str]

    def all(self) -> list[socket.socket]:
        """The sockets. Ends the program if one is missing."""
        if self.failed:
            reason, _ = self.reasons.most_common(1)[0]
            sys.exit(f"error: {self.failed} of {len(self.sockets)} sockets could not be opened: {reason}")
        return [sock for sock in self.sockets if sock is not None]

    @property
    def failed(self) -> int:
        """How many could not be opened."""
        return sum(sock is None for sock in self.sockets)


def allow_files(count: int) -> None:
    """Allow this process, and those that it starts, so many open files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < count:
        if hard != resource.RLIM_INFINITY and hard < count:
            sys.exit(f"error: ulimit -n: {count} open files are needed, and {hard} are allowed")
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


def open_all(targets: Sequence[tuple[int, Person]], *, rate: float = 0.0, source: str = HOST) -> Opened:
    """Open a socket for each `(port, person)`: at this rate a second, or as fast as answers come.

    Args:
        targets: whom to connect where.
        rate: connects a second, each at its scheduled time whatever became of those before; 0 for `IN_FLIGHT` at a time.
        source: address to connect from; another for each round keeps the kernel from running out of ports.

    """
    requests = [handshake(port, person.token) for port, person in targets]
    sockets: list[socket.socket | None] = [None] * len(targets)
    last_seqs = [0] * len(targets)
    seconds: list[float] = []
    opening: dict[int, _Opening] = {}
    reasons: Counter[str] = Counter()
    epoll = select.epoll()
    began = last = time.perf_counter()
    started = 0
    try:
        while started < len(targets) or opening:
            now = time.perf_counter()
            if now - last > PATIENCE_S:
                break
            due = (
                min(len(targets), int((now - began) * rate) + 1)
                if rate
                else started + IN_FLIGHT - len(opening)
            )
            while started < min(due, len(targets)):
                scheduled = began + started / rate if rate else time.perf_counter()
                one = _Opening(started, _connect(targets[started][0], source), scheduled, requests[started])
                started += 1
                opening[one.sock.fileno()] = one
                epoll.register(one.sock.fileno(), select.EPOLLOUT)
            for fd, event in epoll.poll(0.001 if rate else 0.01, 256):
                one = opening[fd]
                try:
                    done = _go_on(one, epoll, event)
                except OSError as error:
                    done = True
                    one.data = str(error).encode()
                if done:
                    epoll.unregister(fd)
                    del opening[fd]
                    last = time.perf_counter()
                    if b'"status":"ok"' in one.data:
                        sockets[one.index] = one.sock
                        last_seqs[one.index] = last_seq(one.data)
                        seconds.append(last - one.scheduled)
                    else:
                        one.sock.close()
                        reasons[one.data[-300:].decode(errors="replace") or "closed without a word"] += 1
    finally:
        for one in opening.values():
            one.sock.close()
            reasons["no answer"] += 1
        epoll.close()
    return Opened(sockets, last_seqs, seconds, last - began, reasons)


def _connect(port: int, source: str) -> socket.socket:
    sock = socket.socket()
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    if source != HOST:
        sock.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT: the port is chosen by connect
        sock.bind((source, 0))
    error = sock.connect_ex((HOST, port))
    if error not in (0, errno.EINPROGRESS):
        raise OSError(error, "connect")
    return sock


def _go_on(one: _Opening, epoll: select.epoll, event: int) -> bool:
    """The next step of an opening; whether it was the last. `data` then holds the join's answer, or something else."""
    if not one.sent:
        one.sock.send(one.request)
        one.sent = True
        epoll.modify(one.sock.fileno(), select.EPOLLIN)
        return False
    data = one.sock.recv(65_536)
    if not data:
        return True
    one.data += data
    if not one.switched:
        head, found, rest = one.data.partition(b"\r\n\r\n")
        if not found:
            return False
        if not head.startswith(b"HTTP/1.1 101 "):
            return True
        one.switched = True
        one.data = rest
        one.sock.send(JOIN)
        return False
    return any(True for _ in frames(one.data, 0))


def close_all(sockets: Sequence[socket.socket | None]) -> None:
    """Close them, as programs do that end."""
    for sock in sockets:
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.close()
