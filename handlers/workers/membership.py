"""This node's membership of the cluster: its lease, and burying nodes that have died."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Final

import trio

from handlers.open_chats import OpenChatTracker
from handlers.routers import Routers
from handlers.sessions import Sessions
from handlers.workers.recovery import Recovery
from persistence.errors import StoreUnavailable
from persistence.ports import Cluster
from supervisors import Child

log: Final = logging.getLogger(__name__)


class Membership:
    """Renews the lease. A node that had been forgotten follows everything anew, then catches up.

    Args:
        every_s: time between heartbeats; a few of them must fit into the lease.

    """

    def __init__(
        self,
        cluster: Cluster,
        routers: Routers,
        sessions: Sessions,
        tracker: OpenChatTracker,
        recovery: Recovery,
        *,
        every_s: float,
    ) -> None:
        self._cluster = cluster
        self._routers = routers
        self._sessions = sessions
        self._tracker = tracker
        self._recovery = recovery
        self._every_s = every_s
        self._away = False
        self._estates: dict[str, None] = {}
        self.buried = 0

    async def run(self, child: Child) -> None:
        """The worker, as a supervised child. It is ready when the node is registered, or at once when Redis is away."""
        await self._beat()
        child.ready()
        with child.cancel_on_stop():
            while True:
                await trio.sleep(self._every_s)
                await self._beat()
        with trio.move_on_after(1):
            await self._quietly(self._cluster.leave)

    async def _beat(self) -> None:
        await self._quietly(self._renew)

    async def _quietly(self, step: Callable[[], Awaitable[None]]) -> None:
        try:
            await step()
        except StoreUnavailable as error:
            if not self._away:
                log.warning(
                    "Redis is away: other nodes are served from the record alone",
                    extra={"reason": error.reason},
                )
            self._away = True
            self._recovery.request()

    async def _renew(self) -> None:
        remembered = await self._cluster.heartbeat()
        if not remembered or self._away:
            await self._sessions.follow_all()
            await self._routers.follow_all()
            self._tracker.restore()
            self._away = False
            self._recovery.request()
        for node in await self._cluster.bury():
            self.buried += 1
            self._estates[node] = None
            log.warning("a node has died", extra={"node": node})
        for node in list(self._estates):
            await self._tracker.forget_node(node)
            del self._estates[node]
