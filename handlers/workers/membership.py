"""This node's membership of the cluster: its lease, and burying nodes that have died."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Final

import trio

from handlers.nodes.peers import Peers
from handlers.notifications.notifier import Notifier
from handlers.outage import Outage
from handlers.presence.tracker import PresenceTracker
from handlers.routing.routers import Routers
from handlers.sessions.open_chats import OpenChatTracker
from handlers.sessions.sessions import Sessions
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
        presence: PresenceTracker,
        recovery: Recovery,
        peers: Peers,
        notifier: Notifier,
        *,
        every_s: float,
    ) -> None:
        self._cluster = cluster
        self._routers = routers
        self._sessions = sessions
        self._tracker = tracker
        self._presence = presence
        self._recovery = recovery
        self._peers = peers
        self._notifier = notifier
        self._every_s = every_s
        self._outage = Outage(
            log, "Redis is away: other nodes are served from the record alone", "Redis is back"
        )
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
            await self._quietly(self._leave)

    async def _leave(self) -> None:
        # In this order: a node that has not left is buried by another, which then does the same.
        await self._tracker.forget_own()
        await self._cluster.leave()

    async def _beat(self) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._do_without)
            await self._quietly(self._renew)
            nursery.cancel_scope.cancel()

    async def _do_without(self) -> None:
        """Redis lets a heartbeat wait, and so everything else: what other nodes have done is in the record."""
        while True:
            await trio.sleep(self._every_s)
            self._recovery.request()

    async def _quietly(self, step: Callable[[], Awaitable[None]]) -> None:
        try:
            await step()
        except StoreUnavailable as error:
            self._outage.failed(reason=error.reason)
            self._recovery.request()

    async def _renew(self) -> None:
        remembered = await self._cluster.heartbeat()
        if not remembered or self._outage.away:
            await self._peers.follow()
            await self._sessions.follow_all()
            await self._routers.follow_all()
            self._tracker.restore()
            self._presence.restore()
            if not remembered:
                self._notifier.again()
            self._outage.succeeded()
            self._recovery.request()
        for node in await self._cluster.bury():
            self.buried += 1
            self._estates[node] = None
            self._presence.bereaved()
            log.warning("a node has died", extra={"node": node})
        for node in list(self._estates):
            await self._tracker.forget_node(node)
            del self._estates[node]
