"""A node among others, wired: what they tell and ask each other, and what heals when one of them is gone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from config.settings import Settings
from handlers.audit.audit import Audit
from handlers.auth.tokens import Tokens
from handlers.chats.views import ChatViews
from handlers.nodes.fanout import Fanout
from handlers.nodes.inbox import Inbox
from handlers.nodes.peers import Peers
from handlers.nodes.roll_call import RollCall
from handlers.notifications.notifier import Notifier
from handlers.operators.trace import Tracer
from handlers.sessions.hub import Hub
from handlers.workers.membership import Membership
from handlers.workers.recovery import Recovery
from server.parts.messages import MessageParts
from server.parts.presence import PresenceParts
from server.parts.sessions import SessionParts
from server.parts.stories import StoryParts
from server.stores import Stores


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterParts:
    """What a node has to be one of several."""

    inbox: Inbox
    peers: Peers
    roll_call: RollCall
    tracer: Tracer
    recovery: Recovery
    membership: Membership


def make_cluster(
    settings: Settings,
    stores: Stores,
    *,
    hub: Hub,
    fanout: Fanout,
    messages: MessageParts,
    sessions: SessionParts,
    presence: PresenceParts,
    stories: StoryParts,
    notifier: Notifier,
    views: ChatViews,
    tokens: Tokens,
    audit: Audit,
    clock: Callable[[], int],
) -> ClusterParts:
    """Wire it."""
    routers = messages.routers
    peers = Peers(stores.incarnation, fanout, stores.bus)
    roll_call = RollCall(peers, stores.cluster)
    recovery = Recovery(
        routers,
        hub,
        stores.chats,
        views,
        sessions.open_chats,
        presence.news,
        clock,
        every_s=settings.cluster.head_check_s,
        repairs=(stories.repair,),
    )
    return ClusterParts(
        inbox=Inbox(stores.bus, routers, hub, tokens, presence.news, stories.news, recovery, peers),
        peers=peers,
        roll_call=roll_call,
        tracer=Tracer(
            log=stores.log,
            chats=stores.chats,
            users=stores.users,
            tries=stores.tries,
            subscriptions=stores.subscriptions,
            routers=routers,
            hub=hub,
            trail=messages.trail,
            roll_call=roll_call,
            audit=audit,
        ),
        recovery=recovery,
        membership=Membership(
            stores.cluster,
            routers,
            sessions.sessions,
            sessions.open_chats,
            presence.tracker,
            recovery,
            peers,
            notifier,
            every_s=settings.cluster.heartbeat_s,
        ),
    )
