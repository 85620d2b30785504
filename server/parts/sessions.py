"""Connections of users, wired: what they join, and what is known of those who are there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from config.settings import Settings
from handlers.chats.views import ChatViews
from handlers.principal import Principal
from handlers.quotas import Quota, Quotas
from handlers.receipts.receipts import Receipts
from handlers.sessions.chat_topic import ChatJoiner
from handlers.sessions.feed import Feed
from handlers.sessions.hub import Hub
from handlers.sessions.live_locations import LiveLocations
from handlers.sessions.open_chats import OpenChatTracker
from handlers.sessions.session import Outlet, Session
from handlers.sessions.sessions import Sessions
from handlers.workers.live_ends import LiveEnds
from server.parts.messages import MessageParts
from server.parts.presence import PresenceParts
from server.stores import Stores


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionParts:
    """What a node has for connections: `feed` is what they join at `me`, `joiner` what they join at a chat."""

    sessions: Sessions
    feed: Feed
    joiner: ChatJoiner
    open_chats: OpenChatTracker
    live_ends: LiveEnds
    quotas: Quotas

    def session(self, principal: Principal, outlet: Outlet, connection_id: str) -> Session:
        """A session for a connection of a verified user. `sessions.opened` and `closed` say when it begins and ends."""
        return Session(
            principal,
            outlet,
            join_me=self.feed.join,
            join_chat=self.joiner.join,
            connection_id=connection_id,
            joins=self.quotas.of(Quota.JOINS),
        )


def make_sessions(
    settings: Settings,
    stores: Stores,
    *,
    hub: Hub,
    messages: MessageParts,
    receipts: Receipts,
    presence: PresenceParts,
    views: ChatViews,
    quotas: Quotas,
    clock: Callable[[], int],
) -> SessionParts:
    """Wire them."""
    routers = messages.routers
    open_chats = OpenChatTracker(stores.incarnation, stores.open_chats, stores.cluster, routers, clock)
    locations = LiveLocations(stores.live_positions, stores.log, routers, messages.writer, clock)
    return SessionParts(
        sessions=Sessions(hub, stores.bus, stores.users, presence.tracker, clock),
        feed=Feed(
            routers=routers,
            writer=messages.writer,
            receipts=receipts,
            chats=stores.chats,
            users=stores.users,
            store=stores.log,
            views=views,
            news=presence.news,
            clock=clock,
            sends_per_second=settings.limits.sends_per_second,
            sends_burst=settings.limits.sends_burst,
            sends=quotas.of(Quota.SENDS),
        ),
        joiner=ChatJoiner(routers, open_chats, locations),
        open_chats=open_chats,
        live_ends=LiveEnds(stores.live_positions, locations, clock),
        quotas=quotas,
    )
