"""A node without its network: everything between the stores and the endpoint, and the part of the tree that runs it.

What there is for each subject is wired in `server.parts`. The simulation runs several of these over stores in memory; `server.node` runs one over
the real ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import trio

from config.rates import parse_rate
from config.settings import NodeRole, Settings
from handlers.accounts.exports import Run
from handlers.accounts.leavings import Leavings
from handlers.audit.audit import Audit
from handlers.audit.reader import AuditReader
from handlers.auth.passwords import Passwords
from handlers.chats.views import ChatViews
from handlers.nodes.fanout import Fanout
from handlers.notifications.sender import PushSender
from handlers.people.contacts import Contacts
from handlers.quotas import Quota, Quotas
from handlers.sessions.hub import Hub
from handlers.stories.media import STORY, StoryUses
from persistence.ids import Ids, wall_clock
from server.parts.accounts import AccountParts, make_accounts
from server.parts.chats import ChatParts, make_chats
from server.parts.cluster import ClusterParts, make_cluster
from server.parts.media import MediaParts, make_media
from server.parts.messages import MessageParts, make_messages
from server.parts.notifications import NotificationParts, make_notifications
from server.parts.people import PeopleParts, make_people
from server.parts.presence import PresenceParts, make_presence
from server.parts.receipts import ReceiptParts, make_receipts
from server.parts.sessions import SessionParts, make_sessions
from server.parts.stories import StoryParts, make_stories
from server.stores import Stores
from supervisors import ChildSpec, Supervisor

FLUSH_S: Final = 15.0
"""What the writers have on an orderly stop to write what waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """The handlers of a node, wired to each other and to its stores."""

    settings: Settings
    stores: Stores
    hub: Hub
    fanout: Fanout
    audit: Audit
    audit_reader: AuditReader
    quotas: Quotas
    messages: MessageParts
    receipts: ReceiptParts
    chats: ChatParts
    presence: PresenceParts
    people: PeopleParts
    accounts: AccountParts
    media: MediaParts
    stories: StoryParts
    notifications: NotificationParts
    sessions: SessionParts
    cluster: ClusterParts

    def children(self) -> Sequence[ChildSpec]:
        """The tree up to the sessions, in start order; for a `rest_for_one` supervisor."""
        return (
            Supervisor(
                (
                    *self.stores.children,
                    ChildSpec("tokens", self.people.tokens.run),
                    ChildSpec("audit", self.audit.run, shutdown=FLUSH_S),
                    ChildSpec("fanout", self.fanout.run, shutdown=FLUSH_S),
                    ChildSpec("notifier", self.notifications.notifier.run, shutdown=FLUSH_S),
                    ChildSpec("commit", self.messages.commit.run, shutdown=FLUSH_S),
                    ChildSpec("retry-queue", self.messages.retry.run),
                ),
                name="stores",
            ).spec(),
            Supervisor(
                (
                    ChildSpec("chats", self.messages.routers.run),
                    ChildSpec("users", self.sessions.sessions.run),
                ),
                name="registry",
            ).spec(),
            self.messages.partitions.spec(),
            ChildSpec("inbox", self.cluster.inbox.run),
            Supervisor(
                (
                    ChildSpec("receipts", self.receipts.receipts.run, shutdown=FLUSH_S),
                    ChildSpec("receipt-sums", self.receipts.sums.run),
                    ChildSpec("recovery", self.cluster.recovery.run),
                    ChildSpec("retries", self.messages.retries.run),
                    ChildSpec("membership", self.cluster.membership.run),
                    ChildSpec("open-chats", self.sessions.open_chats.run),
                    ChildSpec("presence", self.presence.tracker.run),
                    ChildSpec("feed", self.sessions.feed.run),
                    ChildSpec("peers", self.cluster.peers.run),
                    ChildSpec("quotas", self.quotas.run),
                    *self.accounts.children,
                    ChildSpec("live-ends", self.sessions.live_ends.run),
                    *self.stories.workers(self.settings.roles, FLUSH_S),
                    *self.notifications.workers(self.settings.roles),
                    *self._by_role(),
                ),
                name="workers",
            ).spec(),
        )

    def _by_role(self) -> Sequence[ChildSpec]:
        """The workers that only nodes with a certain role have."""
        return (ChildSpec("media", self.media.review.run),) if NodeRole.MEDIA in self.settings.roles else ()


def make_core(
    settings: Settings,
    stores: Stores,
    *,
    clock: Callable[[], int] = wall_clock,
    new_id: Callable[[], str] | None = None,
    passwords: Passwords | None = None,
    sender: PushSender | None = None,
    run: Run = trio.to_thread.run_sync,
) -> Core:
    """Wire a node.

    Args:
        settings: its limits and times.
        stores: what it is built on.
        clock: milliseconds since the epoch.
        new_id: makes ids, in the order of time.
        passwords: hashes passwords; by default in threads, at the cost that the settings ask for.
        sender: hands notifications over; by default Web Push.
        run: runs what may take long.

    """
    new_id = new_id or Ids(clock)
    audit = Audit(stores.audit, clock, stores.incarnation)
    hub = Hub()
    fanout = Fanout(stores.bus, hub)
    contacts = Contacts(stores.chats, stores.blocks)
    quotas = Quotas(stores.buckets, {each: parse_rate(getattr(settings.rates, each)) for each in Quota})
    views = ChatViews(stores.chats, stores.log, stores.users, clock)
    media = make_media(
        settings,
        stores,
        contacts,
        clock=clock,
        new_id=new_id,
        others={STORY: StoryUses(stores.stories, contacts, clock)},
    )
    notifications = make_notifications(settings, stores, clock=clock, new_id=new_id, sender=sender)
    messages = make_messages(
        settings,
        stores,
        fanout=fanout,
        notifier=notifications.notifier,
        audit=audit,
        library=media.library,
        clock=clock,
        new_id=new_id,
    )
    receipts = make_receipts(
        settings, stores, routers=messages.routers, views=views, fanout=fanout, clock=clock
    )
    chats = make_chats(
        settings,
        stores,
        messages=messages,
        receipts=receipts.receipts,
        views=views,
        fanout=fanout,
        audit=audit,
        clock=clock,
        new_id=new_id,
    )
    presence = make_presence(settings, stores, contacts=contacts, fanout=fanout, hub=hub, clock=clock)
    people = make_people(
        settings,
        stores,
        writer=messages.writer,
        presence=presence,
        library=media.library,
        fanout=fanout,
        audit=audit,
        passwords=passwords,
        clock=clock,
        new_id=new_id,
    )
    stories = make_stories(
        settings,
        stores,
        hub=hub,
        fanout=fanout,
        commit=messages.commit,
        contacts=contacts,
        library=media.library,
        clock=clock,
        new_id=new_id,
    )
    accounts = make_accounts(
        settings,
        stores,
        auth=people.auth,
        audit=audit,
        conversations=chats.conversations,
        blocking=people.blocking,
        subjects=(stories.stories.leave,),
        leavings=Leavings(library=media.library, subscriptions=stores.subscriptions),
        run=run,
        clock=clock,
        new_id=new_id,
    )
    sessions = make_sessions(
        settings,
        stores,
        hub=hub,
        messages=messages,
        receipts=receipts.receipts,
        presence=presence,
        views=views,
        quotas=quotas,
        clock=clock,
    )
    cluster = make_cluster(
        settings,
        stores,
        hub=hub,
        fanout=fanout,
        messages=messages,
        sessions=sessions,
        presence=presence,
        stories=stories,
        notifier=notifications.notifier,
        views=views,
        tokens=people.tokens,
        audit=audit,
        clock=clock,
    )
    return Core(
        settings=settings,
        stores=stores,
        hub=hub,
        fanout=fanout,
        audit=audit,
        audit_reader=AuditReader(stores.audit, audit, clock),
        quotas=quotas,
        messages=messages,
        receipts=receipts,
        chats=chats,
        presence=presence,
        people=people,
        accounts=accounts,
        media=media,
        stories=stories,
        notifications=notifications,
        sessions=sessions,
        cluster=cluster,
    )
