"""The way of a message into the record, wired: routers, the group commit, the retry queue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from config.settings import Settings
from handlers.audit.audit import Audit
from handlers.media.attachments import Attachments
from handlers.media.library import MediaLibrary
from handlers.nodes.fanout import Fanout
from handlers.notifications.notifier import Notifier
from handlers.operators.trail import Trail
from handlers.retry.queue import RetryQueue
from handlers.routing.commit import GroupCommit
from handlers.routing.routers import Routers
from handlers.routing.writer import Writer
from handlers.workers.retries import Retries
from server.stores import Stores
from supervisors import DynamicSupervisor, PartitionSupervisor

ROUTER_PARTITIONS: Final = 8
"""Of these, one bad chat can take down one."""
ROUTER_CRASHES: Final = 20
"""Crashes of routers within `ROUTER_PERIOD_S` that a partition bears."""
ROUTER_PERIOD_S: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageParts:
    """What a node has to write messages with. `partitions` is where the tasks of chats run."""

    trail: Trail
    commit: GroupCommit
    retry: RetryQueue
    retries: Retries
    partitions: PartitionSupervisor
    routers: Routers
    writer: Writer


def make_messages(
    settings: Settings,
    stores: Stores,
    *,
    fanout: Fanout,
    notifier: Notifier,
    audit: Audit,
    library: MediaLibrary,
    clock: Callable[[], int],
    new_id: Callable[[], str],
) -> MessageParts:
    """Wire it."""
    trail = Trail(clock, fanout)
    commit = GroupCommit(stores.log, trail, batch=settings.commit.batch)
    retry = RetryQueue(
        stores.backlog,
        stores.bus,
        commit,
        most=settings.commit.queue_most,
        lead_s=settings.commit.queue_lead_s,
    )
    partitions = PartitionSupervisor(ROUTER_PARTITIONS, name="routers", make=_partition)
    routers = Routers(
        store=stores.log,
        chats=stores.chats,
        blocks=stores.blocks,
        bus=stores.bus,
        dead_letters=stores.dead_letters,
        fanout=fanout,
        notifier=notifier,
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
        attachments=Attachments(library, stores.log),
        commit=commit,
        retry=retry,
        clock=clock,
        new_id=new_id,
        hold_s=settings.commit.store_hold_s,
        most_pending=settings.limits.max_pending,
        live_s=settings.limits.live_location_s,
    )
    retries = Retries(
        jobs=stores.retries,
        backlog=stores.backlog,
        routers=routers,
        store=stores.log,
        dead_letters=stores.dead_letters,
        fanout=fanout,
        queue=retry,
        clock=clock,
    )
    return MessageParts(
        trail=trail,
        commit=commit,
        retry=retry,
        retries=retries,
        partitions=partitions,
        routers=routers,
        writer=writer,
    )


def _partition(name: str) -> DynamicSupervisor:
    return DynamicSupervisor(name=name, intensity=ROUTER_CRASHES, period=ROUTER_PERIOD_S)
