"""Messages that MongoDB does not take in time go to a queue in Redis, from which any node takes them to the record when it can be written again.

Their senders are told `{"queued": true}`, which is not an acknowledgement: that is `MESSAGE_SENT`, as everybody else gets it.

While anything of a chat waits there, what its members send after it goes behind it, on every node that knows: the one that queued it, those that were
told (`Detoured`, on the chat's topic), and those that made the chat's room since, or missed events and looked. So of one sender's messages to a chat none
overtakes another. When the queue is being emptied and little is left, new messages are held back for the moment that this takes, and then go the
direct way again: else a busy chat would never come to the end of its queue.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Collection, Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final

import trio

from handlers.errors import overloaded, unavailable
from handlers.nodes.events import CHAT_TOPIC, Detoured, pack
from handlers.outage import Outage
from handlers.retry.detour import Detour
from handlers.retry.requeued import pack_send
from handlers.routing.commands import Send
from handlers.signal import Signal
from persistence.errors import StoreUnavailable
from persistence.models import Envelope
from persistence.ports import Backlog, Bus
from supervisors import Child

if TYPE_CHECKING:
    from handlers.routing.commit import GroupCommit
    from handlers.routing.router import Router

AT_ONCE: Final = 256
"""Messages queued in one step."""
OF_ONE_CHAT: Final = 64
"""Of which so many of one chat."""
LATE_LOOK_S: Final = 0.5
"""Between two looks for chats whose messages wait too long, while any wait for MongoDB."""
LOOK_S: Final = 0.25
"""Between two looks at how much of this node's chats still waits."""
CLOSING_LOOK_S: Final = 0.02
"""The same while messages are held back until nothing does."""
CLOSING_S: Final = 1.0
"""For so long they are, at most."""
LITTLE: Final = 512
"""So many of a chat are in the record soon after MongoDB is back."""
MOST_AT_A_LOOK: Final = 1000
CALM_S: Final = 5.0
"""For so long nothing has waited before the log says that nothing does: chats come and go while an outage ends."""

log: Final = logging.getLogger(__name__)


class RetryQueue:
    """The way into the queue, and past it again.

    Args:
        backlog: the queue.
        bus: to tell other nodes.
        commit: where messages wait for MongoDB.
        most: messages that may wait in the queue, of all nodes together.
        lead_s: how long before its deadline a message goes to the queue; negative when none ever does.

    Attributes:
        queued: messages queued since the start.
        length: messages that wait in the queue, of the chats whose messages this node sends through it.

    """

    def __init__(self, backlog: Backlog, bus: Bus, commit: GroupCommit, *, most: int, lead_s: float) -> None:
        self._backlog = backlog
        self._bus = bus
        self._commit = commit
        self._most = most
        self._lead_s = lead_s
        self._routers: dict[str, Router] = {}
        self._work = Signal()
        self._removed: int | None = None
        self._empty_since = 0.0
        self._look_at = 0.0
        self._late_look_at = math.inf
        self._outage = Outage(
            log, "messages wait in the retry queue", "no messages wait in the retry queue any more"
        )
        self._redis = Outage(log, "messages cannot be queued", "messages can be queued again")
        self.queued = 0
        self.length = 0

    def __len__(self) -> int:
        """Messages here that are on their way to the queue, or held back until it is empty."""
        return sum(len(router.room.detour.waiting) for router in self._routers.values() if router.room.detour)

    # -- what routers and rooms do -----------------------------------------------------------------------------------

    def is_late(self, router: Router, now: float) -> bool:
        """Whether a message of the chat has waited so long that it goes to the queue."""
        first = next((command for command in router.room.mailbox if command.fresh), None)
        return first is not None and self._lead_s >= 0 and first.deadline - self._lead_s <= now

    def divert(self, router: Router) -> None:
        """The chat's messages, those that wait for MongoDB first, go through the queue from now on."""
        room = router.room
        if room.detour is None:
            room.detour = Detour()
            self._routers[room.chat.id] = router
        room.take_detour()
        self._work.set()

    def follow(self, router: Router) -> None:
        """Something of the chat is in the queue."""
        room = router.room
        if room.detour is None:
            room.detour = Detour(begun=True)
            self._routers[room.chat.id] = router
            room.take_detour()
        room.detour.begun = True
        room.detour.marks += 1
        self._work.set()

    async def waiting(self, chat_ids: Sequence[str]) -> set[str]:
        """Of which of these chats anything waits. Raises `StoreUnavailable`."""
        found: set[str] = set()
        for start in range(0, len(chat_ids), MOST_AT_A_LOOK):
            found |= (await self._backlog.state(chat_ids[start : start + MOST_AT_A_LOOK])).counts.keys()
        return found

    def emptied(self) -> None:
        """All that waited of a chat has been taken to the record."""
        self._look_at = 0.0
        self._work.set()

    # -- the process -------------------------------------------------------------------------------------------------

    async def run(self, child: Child) -> None:
        """Queue messages, and see when their chats are done with. A supervised child."""
        self._work.set()
        self._await_any()
        child.ready()
        with child.cancel_on_stop():
            while True:
                with trio.move_on_at(self._next_look()):
                    await self._work.wait()
                now = trio.current_time()
                if now >= self._late_look_at:
                    self._look_for_late(now)
                if self._routers:
                    await self._serve()
                elif self._outage.away and now >= self._empty_since + CALM_S:
                    self._outage.succeeded(queued=self.queued)

    def _look_for_late(self, now: float) -> None:
        waiting = self._commit.waiting()
        for router in waiting:
            router.tend(now)
        self._late_look_at = now + LATE_LOOK_S
        if not waiting:
            self._await_any()

    def _await_any(self) -> None:
        """Nothing waits for MongoDB, so nothing can wait too long."""
        self._late_look_at = math.inf
        self._commit.when_waiting(self._some_wait)

    def _some_wait(self) -> None:
        self._late_look_at = trio.current_time() + LATE_LOOK_S
        self._work.set()

    @property
    def active(self) -> bool:
        """Whether messages of any chat go through the queue at the moment."""
        return bool(self._routers)

    def _next_look(self) -> float:
        """When there is something to do, should nothing happen before."""
        if self._routers:
            closing = any(detour.closing is not None for _, detour in self._detours())
            return min(self._late_look_at, trio.current_time() + (CLOSING_LOOK_S if closing else LOOK_S))
        return min(self._late_look_at, self._empty_since + CALM_S if self._outage.away else math.inf)

    def _detours(self) -> Iterable[tuple[Router, Detour]]:
        for router in list(self._routers.values()):
            detour = router.room.detour
            if detour is not None:
                yield router, detour

    async def _serve(self) -> None:
        try:
            batch = self._batch()
            if batch:
                await self._queue(batch)
                self._work.set()  # there may be more; but looking has its turn
            if trio.current_time() >= self._look_at:
                await self._look()
            self._redis.succeeded()
        except StoreUnavailable as error:
            self._redis.failed(reason=error.reason)
            self._without_redis()
            await trio.sleep(LOOK_S)

    # -- into the queue ------------------------------------------------------------------------------------------------

    def _batch(self) -> list[tuple[Router, Send]]:
        """The next messages to queue. Not of chats of which something before them is still on the direct way."""
        batch: list[tuple[Router, Send]] = []
        for router, detour in self._detours():
            if len(batch) >= AT_ONCE:
                break
            if detour.closing is None and router.room.nothing_fresh:
                some = islice(detour.waiting, min(OF_ONE_CHAT, AT_ONCE - len(batch)))
                batch += [(router, command) for command in some]
        return batch

    async def _queue(self, batch: Sequence[tuple[Router, Send]]) -> None:
        packed = [(router.room.chat.id, pack_send(command)) for router, command in batch]
        added = await self._backlog.add(packed, most=self._most)
        self.queued += added.count
        for router, _ in batch[: added.count]:
            assert router.room.detour is not None
            router.room.detour.begun = True
        if added.count:
            self._outage.failed(chats=len(self._routers))
        await self._announce(added.begun)
        here = self._taken_out(batch)
        for number, (router, command) in enumerate(batch):
            if id(command) not in here:
                continue  # it turned out to be in the record meanwhile
            if number < added.count:
                router.room.defer(command)
            else:
                router.room.refuse(command, overloaded())

    def _taken_out(self, batch: Sequence[tuple[Router, Send]]) -> set[int]:
        """Take these out of what waits on their chats' detours; which of them were there."""
        ids = {id(command) for _, command in batch}
        here: set[int] = set()
        for router in dict.fromkeys(router for router, _ in batch):
            if router.room.detour is not None:
                here.update(map(id, router.room.detour.remove(ids)))
        return here

    async def _announce(self, chat_ids: Collection[str]) -> None:
        """Tell the other nodes that use these chats, before the senders are told: what those send next may go to another node."""
        if chat_ids:
            try:
                await self._bus.publish(
                    [Envelope(CHAT_TOPIC + chat_id, pack([Detoured()])) for chat_id in sorted(chat_ids)]
                )
            except StoreUnavailable as error:
                # The bus itself tells the others that something is missing; then they look.
                log.info("other nodes are told later", extra={"reason": error.reason})

    def _without_redis(self) -> None:
        """Nothing can be queued. What has waited too long is refused; a chat of which nothing is in the queue goes back to waiting for MongoDB."""
        now = trio.current_time()
        for router, detour in self._detours():
            for command in detour.expire(now):
                router.room.refuse(command, unavailable("the message store"))
            if not detour.begun:
                self._release(router, detour)

    # -- past it again ---------------------------------------------------------------------------------------------------

    async def _look(self) -> None:
        """Let go of the chats of which nothing waits any more."""
        chat_ids = list(self._routers)
        self.length = 0
        for start in range(0, len(chat_ids), MOST_AT_A_LOOK):
            some = chat_ids[start : start + MOST_AT_A_LOOK]
            marks = [self._marks(chat_id) for chat_id in some]
            state = await self._backlog.state(some)
            moving = self._removed not in (None, state.removed)
            for chat_id, before in zip(some, marks, strict=True):
                if self._marks(chat_id) == before:  # else it was said meanwhile that there is more
                    self._judge(self._routers[chat_id], state.counts.get(chat_id, 0), moving=moving)
            self.length += sum(state.counts.values())
        self._removed = state.removed
        closing = any(detour.closing is not None for _, detour in self._detours())
        self._look_at = trio.current_time() + (CLOSING_LOOK_S if closing else LOOK_S)
        if not self._routers:
            self._removed = None
            self._empty_since = trio.current_time()

    def _marks(self, chat_id: str) -> int:
        detour = self._routers[chat_id].room.detour
        assert detour is not None
        return detour.marks

    def _judge(self, router: Router, count: int, *, moving: bool) -> None:
        detour, now = router.room.detour, trio.current_time()
        assert detour is not None
        if count == 0 and (detour.begun or not detour.waiting):
            self._release(router, detour)
        elif detour.closing is not None and now - detour.closing > CLOSING_S:
            detour.closing = None
        elif detour.closing is None and detour.begun and moving and count <= LITTLE:
            detour.closing = now

    def _release(self, router: Router, detour: Detour) -> None:
        """From now on the chat's messages go the direct way; first those held back."""
        del self._routers[router.room.chat.id]
        router.room.detour = None
        router.room.mailbox.extend(detour.waiting)
        router.go_on()
