"""Leaving: clients are sent away a few at a time, so that they do not all come to the other nodes in the same instant."""

from __future__ import annotations

import logging
from typing import Final

import trio

from handlers.protocol import ME, event
from server.connections import Connections
from server.endpoint import Endpoint
from server.http import Http
from server.longpoll.requests import LongPoll
from server.websocket import RESTART
from supervisors import Child

PER_SECOND: Final = 500
"""Clients that are sent away in a second, unless the budget asks for more haste."""
TICK_S: Final = 0.05
GRACE_S: Final = 0.5
"""From the time at which a client was asked to reconnect until it is disconnected: what it sent before is answered by then."""
RESERVE: Final = 0.25
"""Part of the budget that is kept for what is still being written."""

log: Final = logging.getLogger(__name__)


class Drainer:
    """The last child to start, so the first that is stopped: its stop is the drain.

    Args:
        endpoint, listeners: what is closed first; the names of listeners that belong to this node alone are not among them, so that `/readyz` can still say why.
        connections: those who are sent away.
        http: whose idle connections are closed.
        long_poll: whose waiting polls are answered; those of sessions on other nodes are among them.
        budget_s: the time in which all of it has to be done.

    """

    def __init__(
        self,
        endpoint: Endpoint,
        connections: Connections,
        http: Http,
        long_poll: LongPoll,
        *,
        listeners: tuple[str, ...],
        budget_s: float,
    ) -> None:
        self._endpoint = endpoint
        self._connections = connections
        self._http = http
        self._long_poll = long_poll
        self._listeners = listeners
        self._budget_s = budget_s

    async def run(self, child: Child) -> None:
        """Wait for the stop, then drain. That stop need not be the node's: what comes before it in the tree may have to be started again, and so is this."""
        self._connections.draining = False
        self._http.start()
        self._long_poll.hold()
        child.ready()
        await child.stop_requested()
        began = trio.current_time()
        self._connections.draining = True
        self._http.wind_down()
        for name in self._listeners:
            self._endpoint.stop_accepting(name)
        count = len(self._connections.open)
        log.info("draining", extra={"connections": count, "budget_s": self._budget_s})
        with trio.move_on_after(self._budget_s * (1 - RESERVE)):
            await self._send_away()
        for connection in tuple(self._connections.open):
            connection.close(RESTART, "the server restarts")
        self._long_poll.release()
        await self._http.stop()
        with trio.move_on_at(began + self._budget_s):
            await self._connections.all_gone()
            await self._http.all_gone()
        log.info(
            "drained",
            extra={
                "connections": count,
                "left": len(self._connections.open),
                "seconds": round(trio.current_time() - began, 2),
            },
        )

    async def _send_away(self) -> None:
        """Tell each when to reconnect, the times spread evenly; then take nothing more from it, and disconnect it once what it had sent is answered."""
        told = tuple(self._connections.open.items())
        room_s = self._budget_s * (1 - RESERVE) - GRACE_S - TICK_S
        step_s = max(0.0, min(1 / PER_SECOND, room_s / max(1, len(told))))
        start = trio.current_time()
        for index, (connection, session) in enumerate(told):
            if ME in session.topics:
                after_ms = int(index * step_s * 1000)
                connection.push(event(ME, "SERVER_DRAINING", {"reconnect_after_ms": after_ms}))
        deaf = closed = 0
        while closed < len(told) and self._connections.open:
            await trio.sleep(TICK_S)
            waited_s = trio.current_time() - start
            while deaf < len(told) and deaf * step_s <= waited_s:
                told[deaf][0].stop_reading()
                deaf += 1
            while closed < len(told) and closed * step_s <= waited_s - GRACE_S:
                told[closed][0].close(RESTART, "the server restarts")
                closed += 1
