"""Repairs from the record: after anything may have been missed, and every now and then in any case.

Redis only wakes nodes up. A node that lost its way in the streams compares the chats and users that it serves with MongoDB.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol

import trio

from handlers.chats.views import ChatViews
from handlers.nodes.events import Joined, Left, UserEvent
from handlers.presence.news import PresenceNews
from handlers.protocol import ME, encode, event_text
from handlers.routing.router import Router
from handlers.routing.routers import Routers
from handlers.sessions.hub import Hub
from handlers.sessions.open_chats import OpenChatTracker
from handlers.sessions.session import Session
from handlers.signal import Signal
from handlers.wire import ChatChange, CursorMoved, rfc3339_or_none
from persistence.errors import StoreUnavailable
from persistence.models import Member
from persistence.pairs import other_of
from persistence.ports import Chats
from supervisors import Child

AT_ONCE: Final = 500
"""Users, or members, in one read."""
RETRY_S: Final = 1.0
SLACK_MS: Final = 20_000
"""How far the clocks of nodes may differ, and how long a write may have been under way."""

log: Final = logging.getLogger(__name__)


class Repair(Protocol):
    """What else is told from the record."""

    async def look(self, *, missed: bool) -> None:
        """One round; `missed` says that something may have been missed. Raises `StoreUnavailable`."""


class Recovery:
    """Brings rooms, memberships, cursors and presence up to the record.

    Only what is in a chat's log is compared every now and then. Cursors, pins, who has a chat open and which contacts are online are told anew, as far as they have
    changed since they were last, when something is known to have been missed (however long ago that was).

    Args:
        every_s: the longest time that anything missed without a trace stays unnoticed (the slow head check).
        repairs: what else looks at the record in each round.

    """

    def __init__(
        self,
        routers: Routers,
        hub: Hub,
        chats: Chats,
        views: ChatViews,
        tracker: OpenChatTracker,
        news: PresenceNews,
        clock: Callable[[], int],
        *,
        every_s: float,
        repairs: Sequence[Repair] = (),
    ) -> None:
        self._routers = routers
        self._hub = hub
        self._chats = chats
        self._views = views
        self._tracker = tracker
        self._news = news
        self._clock = clock
        self._every_s = every_s
        self._repairs = repairs
        self._wanted = Signal()
        self._requested = False
        self._told_at = clock()
        self._was_behind = False
        self.rounds = 0

    def request(self) -> None:
        """Something may have been missed."""
        self._requested = True
        self._wanted.set()

    async def run(self, child: Child) -> None:
        """The worker, as a supervised child."""
        child.ready()
        with child.cancel_on_stop():
            while True:
                with trio.move_on_after(self._every_s):
                    await self._wanted.wait()
                requested, self._requested = self._requested, False
                try:
                    await self._round(requested=requested)
                except StoreUnavailable:
                    self._requested |= requested
                    await trio.sleep(RETRY_S)
                    self._wanted.set()

    async def _round(self, *, requested: bool) -> None:
        began = self._clock()
        since = self._told_at - SLACK_MS if requested else None
        if requested:
            await self._routers.look_for_queued()
        behind = await self._routers.catch_up_all()
        moved = await self._check_memberships(since)
        if since is not None:
            await self._tell_peers(since)
            await self._tracker.refresh()
            await self._news.refresh(since)
            self._told_at = began
        for repair in self._repairs:
            await repair.look(missed=requested)
        self.rounds += 1
        # While Redis is away every round finds something: that is one line.
        if (behind or moved) and not self._was_behind:
            log.info("caught up with the record", extra={"chats": behind, "memberships": moved})
        self._was_behind = bool(behind or moved)

    # -- memberships, and what members keep for themselves ---------------------------------------------------------

    async def _check_memberships(self, since: int | None) -> int:
        moved = 0
        users = list(self._hub.users)
        for start in range(0, len(users), AT_ONCE):
            rows = await self._chats.memberships(users[start : start + AT_ONCE])
            for user_id, members in rows.items():
                moved += self._compare(user_id, members)
                if since is not None:
                    for member in members:
                        if member.updated_at >= since:
                            self._tell_own(member)
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
            for chat_id in sorted(should - has):
                session.on_user_event(Joined(chat_id))
            for chat_id in sorted(has - should):
                session.on_user_event(Left(chat_id))
            moved += len(should ^ has)
        return moved

    def _tell_own(self, member: Member) -> None:
        """Everything that another device of the user may have changed."""
        muted = member.muted_until is not None and member.muted_until > self._clock()
        change = ChatChange(
            chat_id=member.chat_id,
            pinned=member.pinned_at is not None,
            muted=muted,
            muted_until=rfc3339_or_none(member.muted_until) if muted else None,
        )
        for text in (event_text(ME, "CHAT_UPDATED", encode(change)), *_cursors(member)):
            self._hub.user_event(member.user_id, UserEvent(text))

    # -- the other's cursors in direct chats -------------------------------------------------------------------------

    async def _tell_peers(self, since: int) -> None:
        """In groups, who wants to know who has read reads the list of members."""
        wanted: list[tuple[Router, str, str]] = [
            (router, router.room.chat.id, other_of(router.room.chat.pair, user_id))
            for router in self._routers.all()
            if router.room.chat.pair is not None
            for user_id in dict.fromkeys(subscriber.user_id for subscriber in router.room.subscribers)
        ]
        for start in range(0, len(wanted), AT_ONCE):
            some = wanted[start : start + AT_ONCE]
            rows = await self._chats.members_at([(chat_id, user_id) for _, chat_id, user_id in some])
            for (router, _, _), row in zip(some, rows, strict=True):
                if row is not None and row.updated_at >= since:
                    await self._tell_peer(router, row)

    async def _tell_peer(self, router: Router, row: Member) -> None:
        chat = router.room.chat
        assert chat.pair is not None
        peer_id = other_of(chat.pair, row.user_id)
        shown = await self._views.without_hidden([row], peer_id)
        for text in _cursors(shown[0]):
            self._hub.user_event(peer_id, UserEvent(text))


def _cursors(member: Member) -> Iterator[bytes]:
    for name, seq in (("MESSAGE_DELIVERED", member.delivered_seq), ("MESSAGE_READ", member.read_seq)):
        if seq:
            moved = CursorMoved(chat_id=member.chat_id, user_id=member.user_id, seq=seq)
            yield event_text(ME, name, encode(moved))
