"""The clients' connections to this node, over whichever transport: their directory, and the sweep that ends those that have no business here any more."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from typing import Final, Protocol

import msgspec
import trio

from handlers.auth.auth import Auth
from handlers.principal import Principal
from handlers.sessions.session import SIGNED_OUT, Outlet, Session
from persistence.errors import StoreUnavailable
from server.core import Core
from server.websocket import RESTART, Take
from supervisors import Child

ROUNDS: Final = 12
"""Rounds of the sweep in the time that a connection may be silent."""
SILENT: Final = 4408
"""Close code: nothing came for too long. Not 1000, after which some clients would not come back."""

log: Final = logging.getLogger(__name__)


class Connection(Outlet, Protocol):
    """A transport: a way for frames between a client and its session.

    Attributes:
        quiet: rounds of the idle sweep since anything came from the client; the sweep counts it up.
        closed_with: close code sent or received; `None` while it is open.

    """

    quiet: int
    closed_with: int | None

    def stop_reading(self) -> None:
        """Take nothing more from the client; what it has sent already is still served and answered."""

    async def serve(self, child: Child, take: Take, early: bytes = b"") -> None:
        """Hand over each frame until the connection ends; then call `finish`.

        Args:
            child: when it is asked to stop, the connection is closed.
            take: called with each frame. What it returns is awaited in this task before the next one is taken. Raises `BadFrame` to close the connection.
            early: bytes that came together with the handshake.

        """

    async def finish(self) -> None:
        """Give the client a moment to take what was pushed, and let go of it."""


class Connections:
    """Every open connection with its session.

    Args:
        auth: says whether a device is still signed in when its token has run out.
        clock: milliseconds since the epoch.
        idle_s: a connection that is silent for so long is closed.
        token_ttl_s: time between two questions of whether the device is signed in.

    Attributes:
        open: in the order in which they came.
        draining: new ones are not taken any more.
        closed: how many have ended, by close code.

    """

    def __init__(self, auth: Auth, clock: Callable[[], int], *, idle_s: float, token_ttl_s: float) -> None:
        self._auth = auth
        self._clock = clock
        self._every_s = idle_s / ROUNDS
        self._token_ttl_ms = int(token_ttl_s * 1000)
        self._gone: trio.Event | None = None
        self.open: dict[Connection, Session] = {}
        self.draining = False
        self.closed: Counter[int] = Counter()

    def add(self, connection: Connection, session: Session) -> None:
        """A connection has opened."""
        self.open[connection] = session

    def remove(self, connection: Connection) -> None:
        """A connection has ended."""
        del self.open[connection]
        self.closed[connection.closed_with or 0] += 1
        if self._gone is not None and not self.open:
            self._gone.set()

    async def all_gone(self) -> None:
        """Wait until no connection is open."""
        while self.open:
            self._gone = trio.Event()
            await self._gone.wait()

    async def run(self, child: Child) -> None:
        """The sweep, as a supervised child: one look at all of them now and then, instead of a timer for each."""
        child.ready()
        with child.cancel_on_stop():
            while True:
                await trio.sleep(self._every_s)
                for connection in tuple(self.open):
                    connection.quiet += 1
                    if connection.quiet > ROUNDS:
                        connection.close(SILENT, "silent for too long")
                await self._check_devices()

    async def _check_devices(self) -> None:
        now = self._clock()
        expired = [session for session in self.open.values() if session.principal.expires_at <= now]
        for session in expired:
            try:
                stays = await self._auth.still_signed_in(session.principal)
            except StoreUnavailable:
                log.info("expired tokens are checked later", extra={"tokens": len(expired)})
                return
            if stays:
                session.principal = msgspec.structs.replace(
                    session.principal, expires_at=now + self._token_ttl_ms
                )
            else:
                session.outlet.close(SIGNED_OUT, "signed out")


async def converse(
    core: Core,
    connections: Connections,
    connection: Connection,
    principal: Principal,
    child: Child,
    early: bytes = b"",
) -> None:
    """A connection's whole life: its session begins, is served, and ends with it, whatever it ends with."""
    session = core.sessions.session(principal, connection, child.id)
    connections.add(connection, session)
    try:
        try:
            await core.sessions.sessions.opened(session)
            await connection.serve(child, session.take, early)
        finally:
            connection.close(RESTART, "the server restarts")  # only if nothing else has ended it
            connections.remove(connection)
            core.sessions.sessions.closed(session)
    finally:
        await connection.finish()
