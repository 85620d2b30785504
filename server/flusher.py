"""Writes what connections have to send: all at once, when whatever produced it has had its turn.

A push only marks its connection. The flusher then gives each marked connection one `send` for everything that has gathered: no task, queue or cancel
scope per delivery. Only a connection whose socket takes no more gets a task, until it does.
"""

from __future__ import annotations

from typing import Final, Protocol

import trio

from handlers.signal import Signal
from supervisors import Child

AT_ONCE: Final = 256
"""Connections written to before other tasks get a turn."""


class Writable(Protocol):
    """A connection, as far as the flusher needs to know it."""

    def flush(self) -> None:
        """Send what waits, as much as the socket takes. Never blocks and never raises."""

    async def room(self) -> bool:
        """Wait until the socket takes more; `False` when nothing waits (any more)."""


class Flusher:
    """Flushes connections; one per node."""

    def __init__(self) -> None:
        self._marked: list[Writable] = []
        self._work = Signal()
        self._stalled: set[Writable] = set()
        self._nursery: trio.Nursery | None = None
        self.rounds = 0

    @property
    def stalled(self) -> int:
        """Connections whose socket takes no more at the moment."""
        return len(self._stalled)

    def mark(self, connection: Writable) -> None:
        """The connection, which had nothing to send, has something."""
        self._marked.append(connection)
        self._work.set()

    def stall(self, connection: Writable) -> None:
        """The connection's socket takes no more for now."""
        if connection in self._stalled:
            return  # its task will see
        self._stalled.add(connection)
        if self._nursery is not None:
            self._nursery.start_soon(self._write_on, connection, name="write on")

    async def run(self, child: Child) -> None:
        """The flusher, as a supervised child. It goes on with what an earlier run has left."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            for connection in self._stalled:
                nursery.start_soon(self._write_on, connection, name="write on")
            child.ready()
            try:
                with child.cancel_on_stop():
                    while True:
                        await self._flush()
                        await self._work.wait()
            finally:
                self._nursery = None
                nursery.cancel_scope.cancel()

    async def _flush(self) -> None:
        marked = self._marked
        while marked:
            self.rounds += 1
            for connection in marked[:AT_ONCE]:
                connection.flush()
            del marked[:AT_ONCE]
            if marked:
                await trio.lowlevel.checkpoint()

    async def _write_on(self, connection: Writable) -> None:
        while await connection.room():
            connection.flush()
        self._stalled.discard(connection)
