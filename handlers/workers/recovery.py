"""Repairs from the record: after anything may have been missed, and every now and then in any case.

Redis only wakes nodes up. A node that lost its way in the streams compares the chats and users that it serves with MongoDB.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

import trio

from handlers.events import Joined, Left
from handlers.hub import Hub
from handlers.routers import Routers
from handlers.session import Session
from handlers.signal import Signal
from persistence.errors import StoreUnavailable
from persistence.models import Member
from persistence.ports import Chats
from supervisors import Child

USERS_AT_ONCE: Final = 500
RETRY_S: Final = 1.0

log: Final = logging.getLogger(__name__)


class Recovery:
    """Brings rooms and memberships up to the record.

    Args:
        every_s: the longest time that anything missed without a trace stays unnoticed (the slow head check).

    """

    def __init__(self, routers: Routers, hub: Hub, chats: Chats, *, every_s: float) -> None:
        self._routers = routers
        self._hub = hub
        self._chats = chats
        self._every_s = every_s
        self._wanted = Signal()
        self.rounds = 0

    def request(self) -> None:
        """Something may have been missed."""
        self._wanted.set()

    async def run(self, child: Child) -> None:
        """The worker, as a supervised child."""
        child.ready()
        with child.cancel_on_stop():
            while True:
                with trio.move_on_after(self._every_s):
                    await self._wanted.wait()
                try:
                    behind = await self._routers.catch_up_all()
                    moved = await self._check_memberships()
                except StoreUnavailable:
                    await trio.sleep(RETRY_S)
                    self._wanted.set()
                    continue
                self.rounds += 1
                if behind or moved:
                    log.info("caught up with the record", extra={"chats": behind, "memberships": moved})

    async def _check_memberships(self) -> int:
        moved = 0
        users = list(self._hub.users)
        for start in range(0, len(users), USERS_AT_ONCE):
            rows = await self._chats.memberships(users[start : start + USERS_AT_ONCE])
            for user_id, members in rows.items():
                moved += self._compare(user_id, members)
        return moved

    def _compare(self, user_id: str, members: Sequence[Member]) -> int:
        should = {member.chat_id for member in members}
        moved = 0
        for session in tuple(self._hub.users.get(user_id, ())):
            if not isinstance(session, Session):
                continue
            has = session.chats()
            if has is None:
                continue
            for chat_id in should - has:
                session.on_user_event(Joined(chat_id))
            for chat_id in has - should:
                session.on_user_event(Left(chat_id))
            moved += len(should ^ has)
        return moved
