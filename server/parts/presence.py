"""Who is online, wired."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from config.settings import Settings
from handlers.nodes.fanout import Fanout
from handlers.people.contacts import Contacts
from handlers.presence.news import PresenceNews
from handlers.presence.sight import Sight
from handlers.presence.tracker import PresenceTracker
from handlers.sessions.hub import Hub
from server.stores import Stores


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceParts:
    """What a node has for presence. `sight` is who may see it of whom."""

    sight: Sight
    news: PresenceNews
    tracker: PresenceTracker


def make_presence(
    settings: Settings,
    stores: Stores,
    *,
    contacts: Contacts,
    fanout: Fanout,
    hub: Hub,
    clock: Callable[[], int],
) -> PresenceParts:
    """Wire it."""
    grace_s = settings.presence.grace_s
    sight = Sight(stores.users, stores.chats, stores.log, contacts)
    news = PresenceNews(
        presence=stores.presence,
        users=stores.users,
        contacts=contacts,
        sight=sight,
        bus=stores.bus,
        fanout=fanout,
        hub=hub,
        clock=clock,
        # A node that was buried in error learns so, and writes its devices anew, with its next heartbeat.
        grace_s=grace_s + 2 * settings.cluster.heartbeat_s,
    )
    tracker = PresenceTracker(stores.incarnation, stores.presence, news, clock, grace_s=grace_s)
    return PresenceParts(sight=sight, news=news, tracker=tracker)
