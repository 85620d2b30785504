"""Notifications, wired."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from config.settings import NodeRole, Settings
from handlers.notifications.endpoints import Reach
from handlers.notifications.jobs import LEASE_S, LOOKS, PUSHES
from handlers.notifications.notifier import Notifier
from handlers.notifications.sender import PushSender
from handlers.notifications.subscriptions import PushSubscriptions
from handlers.notifications.vapid import Vapid
from handlers.notifications.web_push import WebPushSender
from handlers.workers.estates import Estates
from handlers.workers.looks import Looks
from handlers.workers.pushes import Pushes
from server.stores import Stores
from supervisors import ChildSpec

IDLE_ROUNDS: Final = 1.5
"""A connection that is dead is noticed after `SOCKET_IDLE_S`, or somewhat later. Then its user is looked at again."""
STOP_S: Final = 15.0
"""What pushes that are under way have on an orderly stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationParts:
    """What a node has to notify people with. The workers run on nodes with the role for it."""

    vapid: Vapid
    subscriptions: PushSubscriptions
    notifier: Notifier
    looks: Looks
    pushes: Pushes
    estates: Estates

    def workers(self, roles: frozenset[NodeRole]) -> Iterator[ChildSpec]:
        """Those that these roles ask for."""
        if NodeRole.NOTIFICATIONS in roles:
            yield ChildSpec("looks", self.looks.run)
            yield ChildSpec("pushes", self.pushes.run, shutdown=STOP_S)
            yield ChildSpec("estates", self.estates.run)


def make_notifications(
    settings: Settings,
    stores: Stores,
    *,
    clock: Callable[[], int],
    new_id: Callable[[], str],
    sender: PushSender | None = None,
) -> NotificationParts:
    """Wire them. `sender` stands in for Web Push."""
    push = settings.push
    vapid = Vapid(
        stores.keys,
        clock,
        private_key=push.vapid_private_key.get_secret_value(),
        subject=push.vapid_subject,
        secret=settings.auth.key_secret.get_secret_value(),
    )
    reach = Reach(push.networks)
    looks, pushes = stores.jobs(LOOKS, LEASE_S), stores.jobs(PUSHES, max(LEASE_S, 3 * push.timeout_s))
    return NotificationParts(
        vapid=vapid,
        subscriptions=PushSubscriptions(stores.subscriptions, stores.devices, vapid, reach, clock),
        notifier=Notifier(looks),
        looks=Looks(
            looks=looks,
            pushes=pushes,
            store=stores.log,
            chats=stores.chats,
            blocks=stores.blocks,
            presence=stores.presence,
            cluster=stores.cluster,
            subscriptions=stores.subscriptions,
            notified=stores.notified,
            dead_letters=stores.dead_letters,
            clock=clock,
            new_id=new_id,
            active_s=push.active_s,
            again_s=max(push.active_s, IDLE_ROUNDS * settings.limits.socket_idle_s),
            max_age_s=push.max_age_s,
        ),
        pushes=Pushes(
            pushes=pushes,
            sender=sender or WebPushSender(vapid, reach, timeout_s=push.timeout_s),
            subscriptions=stores.subscriptions,
            record=stores.tries,
            chats=stores.chats,
            store=stores.log,
            users=stores.users,
            dead_letters=stores.dead_letters,
            clock=clock,
            new_id=new_id,
            tries=push.tries,
            per_service=push.per_service,
            max_age_s=push.max_age_s,
            preview=push.preview,
        ),
        estates=Estates(stores.cluster, looks=looks, pushes=pushes, every_s=settings.cluster.lease_s / 2),
    )
