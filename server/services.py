"""What the REST side needs of a node, handed over by whoever builds the node."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry

from config.settings import Settings
from handlers.audit.reader import AuditReader
from handlers.auth.auth import Auth
from handlers.auth.tokens import Tokens
from handlers.chats.conversations import Conversations
from handlers.chats.history import History
from handlers.chats.invitations import Invitations
from handlers.notifications.subscriptions import PushSubscriptions
from handlers.operators.live_tree import LiveTree
from handlers.operators.trace import Tracer
from handlers.people.blocking import Blocking
from handlers.people.profiles import Profiles
from handlers.quotas import Quotas
from handlers.receipts.views import ReceiptViews
from handlers.routing.writer import Writer
from handlers.stories.stories import UserStories
from persistence.ports import Probe
from server.core import Core
from server.parts.accounts import AccountParts
from server.parts.media import MediaParts
from server.web.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The parts of a node that requests reach.

    Attributes:
        settings: limits on bodies and on the rate of messages; where load balancers may be.
        tokens, auth, audit, profiles, blocking, conversations, history, receipt_views, writer, invitations, accounts, stories, push, media: what the routes call.
        quotas: how often callers may ask.
        tree: what runs in this process at the moment, for operators.
        tracer: where a message is, for operators.
        probes: the dependencies that `/readyz` asks.
        required: names of those without which the node cannot serve; without the others it serves less.
        site: the web client; `None` for the API alone.
        draining: whether the node is on its way down.
        metrics: what `/metrics` shows.

    """

    settings: Settings
    tokens: Tokens
    auth: Auth
    audit: AuditReader
    profiles: Profiles
    blocking: Blocking
    invitations: Invitations
    accounts: AccountParts
    conversations: Conversations
    history: History
    receipt_views: ReceiptViews
    writer: Writer
    quotas: Quotas
    stories: UserStories
    push: PushSubscriptions
    media: MediaParts
    tree: LiveTree
    tracer: Tracer
    probes: Sequence[Probe]
    required: frozenset[str] = frozenset({"mongodb"})
    site: Site | None = None
    draining: Callable[[], bool] = lambda: False
    metrics: CollectorRegistry = field(default_factory=CollectorRegistry)


def make_services(
    core: Core,
    *,
    tree: LiveTree,
    probes: Sequence[Probe],
    draining: Callable[[], bool],
    site: Site | None = None,
    metrics: CollectorRegistry | None = None,
) -> Services:
    """Those of a node."""
    return Services(
        settings=core.settings,
        tokens=core.people.tokens,
        auth=core.people.auth,
        audit=core.audit_reader,
        profiles=core.people.profiles,
        blocking=core.people.blocking,
        invitations=core.chats.invitations,
        accounts=core.accounts,
        conversations=core.chats.conversations,
        history=core.chats.history,
        receipt_views=core.receipts.views,
        writer=core.messages.writer,
        quotas=core.quotas,
        stories=core.stories.stories,
        push=core.notifications.subscriptions,
        media=core.media,
        tree=tree,
        tracer=core.cluster.tracer,
        probes=probes,
        site=site,
        draining=draining,
        metrics=metrics or CollectorRegistry(),
    )
