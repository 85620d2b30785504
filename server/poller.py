"""Reads from all sockets: one epoll and one task, instead of a wake-up and a registration for each message.

A connection that is readable takes in what has come, at once and without a task; what it cannot serve without waiting it leaves to its own
task, and is not asked again until that is done. Epoll is level-triggered: nothing is lost by not being read.

While a batch of messages is being written, input gathers in the kernel for a moment: what came would only wait for that write, and
is cheaper to take in together.
"""

from __future__ import annotations

import select
from collections.abc import Callable
from typing import Final, Protocol

import trio

from supervisors import Child

AT_ONCE: Final = 256
"""Sockets that are read before other tasks get a turn."""
GATHER_S: Final = 0.002
"""How long input may gather while the node is busy writing."""


class Readable(Protocol):
    """A connection, as far as the poller needs to know it."""

    def readable(self) -> None:
        """Take in what has come. Never blocks and never raises."""


class Poller:
    """Watches sockets; one per node. Linux only.

    Args:
        busy: whether a write is under way for which new input would have to wait anyway.

    """

    def __init__(self, busy: Callable[[], bool] = lambda: False) -> None:
        self._busy = busy
        self._epoll = select.epoll()
        self._watched: dict[int, Readable] = {}
        self.rounds = 0

    @property
    def watched(self) -> int:
        """How many sockets are watched."""
        return len(self._watched)

    def watch(self, fd: int, connection: Readable) -> None:
        """Have `connection.readable` called whenever the socket has something to read, until `ignore`. Nothing happens if it is watched."""
        if fd not in self._watched:
            self._epoll.register(fd, select.EPOLLIN)
            self._watched[fd] = connection

    def ignore(self, fd: int) -> None:
        """Stop watching; nothing happens if it is not watched."""
        if self._watched.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    async def run(self, child: Child) -> None:
        """The poller, as a supervised child."""
        child.ready()
        fd = self._epoll.fileno()
        with child.cancel_on_stop():
            while True:
                await trio.lowlevel.wait_readable(fd)
                if self._busy():
                    await trio.sleep(GATHER_S)
                self.rounds += 1
                watched = self._watched
                for ready, _ in self._epoll.poll(0, AT_ONCE):
                    connection = watched.get(ready)
                    if connection is not None:
                        connection.readable()
