"""The connections of this node, by user: who hears of what concerns them, and when they were last here."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import trio

from handlers.loader import Loader
from handlers.nodes.events import NODES_TOPIC, USER_TOPIC
from handlers.outage import Outage
from handlers.presence.tracker import PresenceTracker
from handlers.sessions.hub import Hub
from handlers.sessions.session import Session
from handlers.signal import Signal
from persistence.errors import StoreUnavailable
from persistence.ports import Bus, Users
from supervisors import Child

GATHER_S: Final = 1.0
"""How long departures are gathered. A user who is back by then was never away."""

log = logging.getLogger(__name__)


class Sessions:
    """Opens and closes connections for the hub; has the node follow a user's topic while the user is connected here."""

    def __init__(
        self, hub: Hub, bus: Bus, users: Users, presence: PresenceTracker, clock: Callable[[], int]
    ) -> None:
        self._hub = hub
        self._presence = presence
        self._bus = bus
        self._users = users
        self._clock = clock
        self._followed: set[str] = set()
        self._interest = trio.Lock()
        self._loader: Loader[str, bool] = Loader(self._follow)
        self._gone: dict[str, int] = {}
        self._work = Signal()
        self._following = Outage(log, "cannot follow users while the bus is away", "users are followed again")
        self._noting = Outage(
            log, "departures are noted later", "departures are noted again", level=logging.DEBUG
        )

    async def opened(self, session: Session) -> None:
        """A connection begins. From when this returns, whatever concerns the user reaches it."""
        self._hub.add(session)
        self._presence.opened(session)
        if session.user_id not in self._followed:
            await self._loader.load([session.user_id])

    def closed(self, session: Session) -> None:
        """A connection is over."""
        session.end()
        self._presence.closed(session)
        if self._hub.remove(session):
            self._gone[session.user_id] = self._clock()
            self._work.set()

    async def _follow(self, user_ids: Sequence[str]) -> Mapping[str, bool]:
        async with self._interest:
            try:
                await self._bus.follow([USER_TOPIC + user_id for user_id in user_ids])
                self._following.succeeded()
            except StoreUnavailable as error:
                self._following.failed(reason=error.reason)
            self._followed.update(user_ids)
            for user_id in user_ids:
                if user_id not in self._hub.users:  # gone again while this was under way
                    self._gone.setdefault(user_id, self._clock())
                    self._work.set()
        return dict.fromkeys(user_ids, True)

    async def follow_all(self) -> None:
        """The bus does not know this node, or has forgotten it: follow what concerns all nodes, and every user anew."""
        async with self._interest:
            await self._bus.follow([NODES_TOPIC, *(USER_TOPIC + user_id for user_id in self._followed)])
            self._following.succeeded()

    async def run(self, child: Child) -> None:
        """Lets go of users who have left, as a supervised child; asked to stop, it still notes when they were last seen."""
        self._work.set()
        child.ready()
        with child.cancel_on_stop():
            while True:
                await self._work.wait()
                await trio.sleep(GATHER_S)
                await self._let_go()
        await self._let_go()

    async def _let_go(self) -> None:
        gone, self._gone = self._gone, {}
        if not gone:
            return
        try:
            await self._users.seen(gone)
            async with self._interest:
                away = [user_id for user_id in gone if user_id not in self._hub.users]
                self._followed.difference_update(away)
                await self._bus.unfollow([USER_TOPIC + user_id for user_id in away])
            self._noting.succeeded()
        except StoreUnavailable as error:
            self._noting.failed(reason=error.reason)
            self._gone = gone | self._gone
            self._work.set()
