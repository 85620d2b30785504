"""A node without its network: everything between the stores and the endpoint, and the part of the tree that runs it.

The simulation runs several of these over stores in memory; `server.node` runs one over the real ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import trio

from config.rates import parse_rate
from config.settings import NodeRole, Settings
from handlers.attachments import Attachments
from handlers.audit import Audit
from handlers.audit_reader import AuditReader
from handlers.auth import Auth
from handlers.blocking import Blocking
from handlers.chat_topic import ChatJoiner
from handlers.chat_views import ChatViews
from handlers.chats import Conversations
from handlers.commit import GroupCommit
from handlers.contacts import Contacts
from handlers.exports import Run
from handlers.fanout import Fanout
from handlers.feed import Feed
from handlers.history import History
from handlers.hub import Hub
from handlers.inbox import Inbox
from handlers.invites import Invitations
from handlers.leavings import Leavings
from handlers.live_locations import LiveLocations
from handlers.notifications.sender import PushSender
from handlers.open_chats import OpenChatTracker
from handlers.passwords import Passwords
from handlers.peers import Peers
from handlers.presence import PresenceTracker
from handlers.presence_news import PresenceNews
from handlers.principal import Principal
from handlers.quotas import Quota, Quotas
from handlers.receipt_sums import ReceiptSums
from handlers.receipt_views import ReceiptViews
from handlers.receipts import Receipts
from handlers.retry_queue import RetryQueue
from handlers.roll_call import RollCall
from handlers.routers import Routers
from handlers.session import Outlet, Session
from handlers.sessions import Sessions
from handlers.sight import Sight
from handlers.story_media import STORY, StoryUses
from handlers.tokens import Tokens
from handlers.trace import Tracer
from handlers.trail import Trail
from handlers.users import Profiles
from handlers.workers.live_ends import LiveEnds
from handlers.workers.membership import Membership
from handlers.workers.recovery import Recovery
from handlers.workers.retries import Retries
from handlers.writer import Writer
from persistence.ids import Ids, wall_clock
from server.accounts import Accounts, make_accounts
from server.media import MediaParts, make_media
from server.notifications import Notifications, make_notifications
from server.stores import Stores
from server.story_parts import StoryParts, make_stories
from supervisors import ChildSpec, DynamicSupervisor, PartitionSupervisor, Supervisor

ROUTER_PARTITIONS: Final = 8
"""Of these, one bad chat can take down one."""
ROUTER_CRASHES: Final = 20
"""Crashes of routers within `ROUTER_PERIOD_S` that a partition bears."""
ROUTER_PERIOD_S: Final = 10.0
FLUSH_S: Final = 15.0
"""What the writers have on an orderly stop to write what waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """The handlers of a node, wired to each other and to its stores."""

    settings: Settings
    stores: Stores
    hub: Hub
    audit: Audit
    audit_reader: AuditReader
    fanout: Fanout
    commit: GroupCommit
    retry: RetryQueue
    partitions: PartitionSupervisor
    routers: Routers
    writer: Writer
    receipts: Receipts
    sums: ReceiptSums
    receipt_views: ReceiptViews
    tracker: OpenChatTracker
    contacts: Contacts
    presence: PresenceTracker
    news: PresenceNews
    stories: StoryParts
    sessions: Sessions
    quotas: Quotas
    feed: Feed
    joiner: ChatJoiner
    live_ends: LiveEnds
    recovery: Recovery
    retries: Retries
    membership: Membership
    inbox: Inbox
    peers: Peers
    roll_call: RollCall
    tracer: Tracer
    tokens: Tokens
    auth: Auth
    profiles: Profiles
    blocking: Blocking
    invitations: Invitations
    accounts: Accounts
    conversations: Conversations
    history: History
    notifications: Notifications
    media: MediaParts

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

    def children(self) -> Sequence[ChildSpec]:
        """The tree up to the sessions, in start order; for a `rest_for_one` supervisor."""
        return (
            Supervisor(
                (
                    *self.stores.children,
                    ChildSpec("tokens", self.tokens.run),
                    ChildSpec("audit", self.audit.run, shutdown=FLUSH_S),
                    ChildSpec("fanout", self.fanout.run, shutdown=FLUSH_S),
                    ChildSpec("notifier", self.notifications.notifier.run, shutdown=FLUSH_S),
                    ChildSpec("commit", self.commit.run, shutdown=FLUSH_S),
                    ChildSpec("retry-queue", self.retry.run),
                ),
                name="stores",
            ).spec(),
            Supervisor(
                (ChildSpec("chats", self.routers.run), ChildSpec("users", self.sessions.run)), name="registry"
            ).spec(),
            self.partitions.spec(),
            ChildSpec("inbox", self.inbox.run),
            Supervisor(
                (
                    ChildSpec("receipts", self.receipts.run, shutdown=FLUSH_S),
                    ChildSpec("receipt-sums", self.sums.run),
                    ChildSpec("recovery", self.recovery.run),
                    ChildSpec("retries", self.retries.run),
                    ChildSpec("membership", self.membership.run),
                    ChildSpec("open-chats", self.tracker.run),
                    ChildSpec("presence", self.presence.run),
                    ChildSpec("feed", self.feed.run),
                    ChildSpec("peers", self.peers.run),
                    ChildSpec("quotas", self.quotas.run),
                    *self.accounts.children,
                    ChildSpec("live-ends", self.live_ends.run),
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
    uses = {STORY: StoryUses(stores.stories, contacts, clock)}
    media = make_media(settings, stores, contacts, clock=clock, new_id=new_id, others=uses)
    trail = Trail(clock, fanout)
    commit = GroupCommit(stores.log, trail, batch=settings.commit.batch)
    retry = RetryQueue(
        stores.backlog,
        stores.bus,
        commit,
        most=settings.commit.queue_most,
        lead_s=settings.commit.queue_lead_s,
    )
    notifications = make_notifications(settings, stores, clock=clock, new_id=new_id, sender=sender)
    partitions = PartitionSupervisor(ROUTER_PARTITIONS, name="routers", make=_router_partition)
    routers = Routers(
        store=stores.log,
        chats=stores.chats,
        blocks=stores.blocks,
        bus=stores.bus,
        dead_letters=stores.dead_letters,
        fanout=fanout,
        notifier=notifications.notifier,
        commit=commit,
        audit=audit,
        retry=retry,
        partitions=partitions,
        clock=clock,
        new_id=new_id,
        idle_s=settings.cluster.router_idle_s,
    )
    writer = Writer(
        routers,
        store=stores.log,
        attachments=Attachments(media.library, stores.log),
        commit=commit,
        retry=retry,
        clock=clock,
        new_id=new_id,
        hold_s=settings.commit.store_hold_s,
        most_pending=settings.limits.max_pending,
        live_s=settings.limits.live_location_s,
    )
    most_named = settings.receipts.named_up_to
    sums = ReceiptSums(stores.chats, stores.log, routers, stores.attempts, most_named=most_named)
    receipts = Receipts(stores.chats, routers, sums, fanout, clock)
    locations = LiveLocations(stores.live_positions, stores.log, routers, writer, clock)
    tracker = OpenChatTracker(stores.incarnation, stores.open_chats, stores.cluster, routers, clock)
    peers = Peers(stores.incarnation, fanout, stores.bus)
    roll_call = RollCall(peers, stores.cluster)
    quotas = Quotas(stores.buckets, {each: parse_rate(getattr(settings.rates, each)) for each in Quota})
    sight = Sight(stores.users, stores.chats, stores.log, contacts)
    heartbeat_s, grace_s = settings.cluster.heartbeat_s, settings.presence.grace_s
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
        grace_s=grace_s + 2 * heartbeat_s,
    )
    presence = PresenceTracker(stores.incarnation, stores.presence, news, clock, grace_s=grace_s)
    sessions = Sessions(hub, stores.bus, stores.users, presence, clock)
    views = ChatViews(stores.chats, stores.log, stores.users, clock)
    stories = make_stories(settings, stores, hub, fanout, commit, contacts, media.library, clock, new_id)
    recovery = Recovery(
        routers,
        hub,
        stores.chats,
        views,
        tracker,
        news,
        clock,
        every_s=settings.cluster.head_check_s,
        repairs=(stories.repair,),
    )
    tokens = Tokens(
        stores.keys,
        clock,
        ttl_s=settings.auth.access_token_ttl_s,
        rotation_s=settings.auth.key_rotation_s,
        secret=settings.auth.key_secret.get_secret_value(),
    )
    auth = Auth(
        users=stores.users,
        devices=stores.devices,
        subscriptions=stores.subscriptions,
        attempts=stores.attempts,
        passwords=passwords or _passwords(settings),
        tokens=tokens,
        fanout=fanout,
        audit=audit,
        clock=clock,
        new_id=new_id,
        refresh_ttl_s=settings.auth.refresh_token_ttl_s,
        tries=settings.auth.login_tries,
        window_s=settings.auth.login_window_s,
    )
    blocking = Blocking(
        blocks=stores.blocks,
        chats=stores.chats,
        users=stores.users,
        writer=writer,
        fanout=fanout,
        news=news,
        clock=clock,
    )
    conversations = Conversations(
        chats=stores.chats,
        blocks=stores.blocks,
        users=stores.users,
        store=stores.log,
        views=views,
        writer=writer,
        fanout=fanout,
        audit=audit,
        clock=clock,
        new_id=new_id,
        most_members=settings.limits.max_members_group,
    )
    accounts = make_accounts(
        settings,
        stores,
        auth=auth,
        audit=audit,
        conversations=conversations,
        blocking=blocking,
        subjects=(stories.stories.leave,),
        leavings=Leavings(library=media.library, subscriptions=stores.subscriptions),
        run=run,
        clock=clock,
        new_id=new_id,
    )
    return Core(
        settings=settings,
        stores=stores,
        hub=hub,
        audit=audit,
        audit_reader=AuditReader(stores.audit, audit, clock),
        fanout=fanout,
        commit=commit,
        retry=retry,
        partitions=partitions,
        routers=routers,
        writer=writer,
        receipts=receipts,
        sums=sums,
        receipt_views=ReceiptViews(
            chats=stores.chats,
            users=stores.users,
            store=stores.log,
            views=views,
            sums=sums,
            most_named=most_named,
        ),
        tracker=tracker,
        contacts=contacts,
        presence=presence,
        news=news,
        stories=stories,
        sessions=sessions,
        quotas=quotas,
        feed=Feed(
            routers=routers,
            writer=writer,
            receipts=receipts,
            chats=stores.chats,
            users=stores.users,
            store=stores.log,
            views=views,
            news=news,
            clock=clock,
            sends_per_second=settings.limits.sends_per_second,
            sends_burst=settings.limits.sends_burst,
            sends=quotas.of(Quota.SENDS),
        ),
        joiner=ChatJoiner(routers, tracker, locations),
        live_ends=LiveEnds(stores.live_positions, locations, clock),
        recovery=recovery,
        retries=Retries(
            jobs=stores.retries,
            backlog=stores.backlog,
            routers=routers,
            store=stores.log,
            dead_letters=stores.dead_letters,
            fanout=fanout,
            queue=retry,
            clock=clock,
        ),
        membership=Membership(
            stores.cluster,
            routers,
            sessions,
            tracker,
            presence,
            recovery,
            peers,
            notifications.notifier,
            every_s=heartbeat_s,
        ),
        inbox=Inbox(stores.bus, routers, hub, tokens, news, stories.news, recovery, peers),
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
            trail=trail,
            roll_call=roll_call,
            audit=audit,
        ),
        tokens=tokens,
        auth=auth,
        profiles=Profiles(
            users=stores.users,
            devices=stores.devices,
            blocks=stores.blocks,
            sight=sight,
            news=news,
            media=media.library,
            fanout=fanout,
            clock=clock,
        ),
        accounts=accounts,
        blocking=blocking,
        conversations=conversations,
        invitations=Invitations(
            invites=stores.invites,
            chats=stores.chats,
            blocks=stores.blocks,
            views=views,
            writer=writer,
            clock=clock,
            new_id=new_id,
            most_members=settings.limits.max_members_group,
        ),
        history=History(
            chats=stores.chats, users=stores.users, store=stores.log, routers=routers, receipts=receipts
        ),
        notifications=notifications,
        media=media,
    )


def _router_partition(name: str) -> DynamicSupervisor:
    return DynamicSupervisor(name=name, intensity=ROUTER_CRASHES, period=ROUTER_PERIOD_S)


def _passwords(settings: Settings) -> Passwords:
    return Passwords(
        memory_kib=settings.auth.argon2_memory_kib,
        iterations=settings.auth.argon2_iterations,
        lanes=settings.auth.argon2_lanes,
    )
