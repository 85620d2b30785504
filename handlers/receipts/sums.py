"""In large groups and channels: how many have received and read a message, instead of who.

Whoever moves a cursor there tells nobody but their own devices. Once a second at most, a chat in which cursors have moved is counted, in the record, and
the count of its newest message is told to its owner and admins and, in a group, to whoever sent it (`MESSAGE_RECEIPTS`).
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from typing import Final

import trio

from handlers.outage import Outage
from handlers.protocol import ME, encode, event_text
from handlers.routing.router import Router
from handlers.routing.routers import Routers
from handlers.signal import Signal
from handlers.wire import ReceiptsCounted
from persistence.errors import StoreUnavailable
from persistence.models import ChatType, Message, Reach
from persistence.ports import Attempts, Chats, MessageLog
from supervisors import Child

EVERY_S: Final = 1.0
"""Between two counts of one chat."""
SIZE_LASTS_S: Final = 60.0
"""How long it is remembered how many members a group has."""
MOST_SIZES: Final = 10_000
"""Groups whose size is remembered."""

_UNKNOWN: Final = (sys.maxsize, 0.0)

log: Final = logging.getLogger(__name__)


class ReceiptSums:
    """Knows which chats are summed, and sums them.

    Args:
        chats, store: the record.
        routers: the chats in use here.
        attempts: counts for all nodes, so that one of them counts a chat at a time.
        most_named: members of a group up to which everybody is told who has received and read.

    """

    def __init__(
        self, chats: Chats, store: MessageLog, routers: Routers, attempts: Attempts, *, most_named: int
    ) -> None:
        self._chats = chats
        self._store = store
        self._routers = routers
        self._attempts = attempts
        self._most_named = most_named
        self._sizes: dict[str, tuple[int, float]] = {}
        self._moved: dict[str, None] = {}
        self._work = Signal()
        self._outage = Outage(
            log, "receipts are summed later", "receipts are summed again", level=logging.DEBUG
        )

    async def summed(self, routers: Sequence[Router]) -> set[str]:
        """Those of the chats in which nobody is told who has received and read; a group counts as large while its size cannot be read."""
        now = trio.current_time()
        channels = {r.room.chat.id for r in routers if r.room.chat.type is ChatType.CHANNEL}
        groups = [r.room.chat.id for r in routers if r.room.chat.type is ChatType.GROUP]
        unknown = [
            chat_id
            for chat_id in groups
            if chat_id not in self._sizes or self._sizes[chat_id][1] <= now - SIZE_LASTS_S
        ]
        if unknown:
            if len(self._sizes) + len(unknown) > MOST_SIZES:
                self._sizes.clear()
                unknown = groups
            try:
                counts = await self._chats.member_count(unknown)
            except StoreUnavailable as error:
                self._outage.failed(reason=error.reason)
                counts = {}
            self._sizes |= {chat_id: (count, now) for chat_id, count in counts.items()}
        small = {chat_id for chat_id in groups if self._sizes.get(chat_id, _UNKNOWN)[0] <= self._most_named}
        return channels | {chat_id for chat_id in groups if chat_id not in small}

    def moved(self, chat_id: str) -> None:
        """A cursor has moved in a chat that is summed."""
        self._moved[chat_id] = None
        self._work.set()

    async def run(self, child: Child) -> None:
        """The worker, as a supervised child."""
        self._work.set()
        child.ready()
        with child.cancel_on_stop():
            while True:
                await self._work.wait()
                await trio.sleep(EVERY_S)
                moved, self._moved = self._moved, {}
                for chat_id in moved:
                    with self._outage.met():
                        await self._tell(chat_id)
                    if self._outage.away:
                        self.moved(chat_id)

    async def _tell(self, chat_id: str) -> None:
        router = self._routers.get(chat_id)
        if router is None:
            return
        if not await self._has_turn(chat_id):
            self.moved(chat_id)  # another node has just counted it, perhaps without what has moved here
            return
        message = (await self._store.last_messages([chat_id])).get(chat_id)
        if message is None:
            return
        reach = await self.reach(message)
        counted = ReceiptsCounted(
            chat_id=chat_id, seq=message.seq, delivered=reach.delivered, read=reach.read, of=reach.of
        )
        sender_id = message.sender_id if router.room.chat.type is ChatType.GROUP else ""
        router.audience.tell_sum(event_text(ME, "MESSAGE_RECEIPTS", encode(counted)), sender_id)

    async def _has_turn(self, chat_id: str) -> bool:
        try:
            tries, _ = await self._attempts.count(f"receipts:{chat_id}", window_s=int(EVERY_S))
        except StoreUnavailable:
            return True  # without Redis each node counts for itself
        return tries == 1

    async def reach(self, message: Message) -> Reach:
        """How many of the others a message has reached. Raises `StoreUnavailable`."""
        reach = await self._chats.reach(message.chat_id, message.seq)
        sender = await self._chats.member(message.chat_id, message.sender_id)
        if sender is None or sender.joined_seq >= message.seq:
            return reach
        return Reach(
            of=reach.of - 1,
            delivered=reach.delivered - (sender.delivered_seq >= message.seq),
            read=reach.read - (sender.shown_seq >= message.seq),
        )
