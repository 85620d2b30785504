"""Who has received and read messages, wired."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from config.settings import Settings
from handlers.chats.views import ChatViews
from handlers.nodes.fanout import Fanout
from handlers.receipts.receipts import Receipts
from handlers.receipts.sums import ReceiptSums
from handlers.receipts.views import ReceiptViews
from handlers.routing.routers import Routers
from server.stores import Stores


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptParts:
    """What a node has for receipts."""

    receipts: Receipts
    sums: ReceiptSums
    views: ReceiptViews


def make_receipts(
    settings: Settings,
    stores: Stores,
    *,
    routers: Routers,
    views: ChatViews,
    fanout: Fanout,
    clock: Callable[[], int],
) -> ReceiptParts:
    """Wire them."""
    most_named = settings.receipts.named_up_to
    sums = ReceiptSums(stores.chats, stores.log, routers, stores.attempts, most_named=most_named)
    return ReceiptParts(
        receipts=Receipts(stores.chats, routers, sums, fanout, clock),
        sums=sums,
        views=ReceiptViews(
            chats=stores.chats,
            users=stores.users,
            store=stores.log,
            views=views,
            sums=sums,
            most_named=most_named,
        ),
    )
