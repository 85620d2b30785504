"""From the retry queue to the record: messages that MongoDB did not take in time, in their order, once it does.

Any node does it, and several may be at the same chat (one that hung, and the one that was given its job): each carries out a message only when those
before it are in the record or set aside, and what is in the record already is left as it is. So neither the order nor the number suffers.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence
from typing import Final
from zlib import crc32

import msgspec
import trio

from handlers.errors import ChatError, Code
from handlers.nodes.fanout import Fanout
from handlers.retry.queue import RetryQueue
from handlers.retry.requeued import Requeued, unpack_send
from handlers.routing.awaited import QUEUED
from handlers.routing.router import Router
from handlers.routing.routers import Routers
from handlers.wire import MessageFailed
from persistence.errors import StoreUnavailable
from persistence.models import DeadLetter, Job, Waiting
from persistence.ports import Backlog, DeadLetters, Jobs, MessageLog
from supervisors import Child

CHATS: Final = 8
"""Chats that this node takes to the record side by side."""
AT_ONCE: Final = 64
"""Messages of one chat that are under way at a time: a share of a batch, so that others have theirs."""
WAIT_S: Final = 10.0
PAUSE_S: Final = 0.5
"""Before a chat whose messages could not be written is tried again, by whichever node."""
CRASH_PAUSE_S: Final = 15.0
"""The same after a fault that nobody has thought of."""
PATIENCE_S: Final = 5.0
"""How long messages may wait for MongoDB here, before their chat goes back."""
CRASHES: Final = 3
"""How often a message may fail for no reason that is known."""

log: Final = logging.getLogger(__name__)


class _Later(Exception):
    """Not now: the record does not take it."""


class Retries:
    """Carries out what waits in the retry queue.

    Attributes:
        applied: messages that this node has taken to the record.
        dead_lettered: messages that could not be carried out.

    """

    def __init__(
        self,
        *,
        jobs: Jobs,
        backlog: Backlog,
        routers: Routers,
        store: MessageLog,
        dead_letters: DeadLetters,
        fanout: Fanout,
        queue: RetryQueue,
        clock: Callable[[], int],
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._jobs = jobs
        self._backlog = backlog
        self._routers = routers
        self._store = store
        self._dead_letters = dead_letters
        self._fanout = fanout
        self._queue = queue
        self._clock = clock
        self._jitter = jitter
        self._crashes: dict[str, int] = {}
        self._away = False
        self.applied = 0
        self.dead_lettered = 0

    async def run(self, child: Child) -> None:
        """The worker, as a supervised child."""
        child.ready()
        places = trio.Semaphore(CHATS)
        with child.cancel_on_stop():
            async with trio.open_nursery() as nursery:
                while True:
                    # While MongoDB is away, one chat at a time finds out when it is back.
                    most = 1 if self._away else max(1, places.value)
                    await places.acquire()
                    jobs = await self._take(most)
                    places.release()
                    for job in jobs:
                        await places.acquire()
                        nursery.start_soon(self._serve, job, places)
                    if self._away:
                        await trio.sleep(PAUSE_S * (0.5 + self._jitter()))

    async def _take(self, most: int) -> list[Job]:
        try:
            return await self._jobs.take(most=most, wait_s=WAIT_S)
        except StoreUnavailable:
            # That Redis is away is said by whoever renews this node's lease.
            await trio.sleep(PAUSE_S)
            return []

    async def _serve(self, job: Job, places: trio.Semaphore) -> None:
        """Take all that waits of a chat to the record, or as much as can be."""
        chat_id = job.data.decode()
        try:
            while await self._some(chat_id):
                await self._jobs.renew([job.id])
            await self._jobs.done([job.id])
            self._queue.emptied()
        except (StoreUnavailable, _Later) as error:
            self._away = not (isinstance(error, StoreUnavailable) and error.store == "redis")
            await self._give_back(job, PAUSE_S)
        except Exception as error:
            log.error("a chat's queued messages crashed", exc_info=error, extra={"chat_id": chat_id})
            await self._give_back(job, CRASH_PAUSE_S)
        finally:
            places.release()

    async def _give_back(self, job: Job, pause_s: float) -> None:
        try:
            await self._jobs.again(job, delay_s=pause_s * (0.5 + self._jitter()))
        except StoreUnavailable as error:
            # It counts as abandoned after its lease.
            log.info("a job is given back by its lease running out", extra={"reason": error.reason})

    async def _some(self, chat_id: str) -> bool:
        """The oldest messages of a chat; whether there are more. Raises `StoreUnavailable`, `_Later`."""
        waiting = await self._backlog.read(chat_id, AT_ONCE)
        if not waiting:
            return False
        settled = await self._carry_out(chat_id, waiting)
        self._away = False
        left = await self._backlog.remove(chat_id, settled) if settled else len(waiting)
        if len(settled) < len(waiting):
            raise _Later
        return left > 0

    async def _carry_out(self, chat_id: str, waiting: Sequence[Waiting]) -> list[str]:
        """The places of those that are done with, from the first on; the others have to wait. Raises `StoreUnavailable`."""
        deadline = trio.current_time() + PATIENCE_S
        commands: list[tuple[Waiting, Requeued | ChatError]] = []
        for each in waiting:
            try:
                commands.append((each, unpack_send(each.data, deadline)))
            except msgspec.DecodeError as error:
                commands.append((each, ChatError(Code.INTERNAL, f"not understood: {error}")))
        sends = [command for _, command in commands if isinstance(command, Requeued)]
        router = await self._router(chat_id, list(dict.fromkeys(send.actor_id for send in sends)))
        if router is not None:
            for send in sends:
                router.resubmit(send)
        settled: list[str] = []
        for each, command in commands:
            if isinstance(command, Requeued):
                if not await self._settled(chat_id, router, command):
                    break
            else:
                await self._set_aside(chat_id, _letter_id(chat_id, each.id), {}, command.message)
            settled.append(each.id)
        return settled

    async def _router(self, chat_id: str, user_ids: Sequence[str]) -> Router | None:
        """The chat's router, as far as the record is; `None` for a chat that does not exist."""
        try:
            router = await self._routers.router_for(chat_id, *user_ids)
        except ChatError as error:
            if error.code is Code.NOT_FOUND:
                return None
            raise _Later from error
        head = (await self._store.heads([chat_id]))[chat_id]
        with trio.move_on_after(PATIENCE_S) as scope:
            await router.reach(head.rev)
        if scope.cancelled_caught:
            raise _Later
        return router

    async def _settled(self, chat_id: str, router: Router | None, command: Requeued) -> bool:
        """Whether the message is in the record, or set aside."""
        try:
            if router is None:
                raise ChatError(Code.NOT_FOUND, "chat not found")
            with trio.move_on_after(2 * PATIENCE_S) as scope:
                outcome = await command.outcome.get()
            if scope.cancelled_caught:
                return False  # its router is not running; that it is carried out later does no harm
            assert outcome != QUEUED, "it would go in circles"
            _, created = outcome
            self.applied += created
            self._crashes.pop(command.id, None)
            return True
        except ChatError as error:
            return await self._failed(chat_id, router, command, error)

    async def _failed(self, chat_id: str, router: Router | None, command: Requeued, error: ChatError) -> bool:
        if error.code is Code.INTERNAL:
            self._crashes[command.id] = self._crashes.get(command.id, 0) + 1
            if self._crashes[command.id] < CRASHES:
                return False
        elif error.code.retryable:
            return False
        if await self._store.find(chat_id, command.actor_id, command.client_id) is not None:
            return True  # from before
        if router is not None:
            head = (await self._store.heads([chat_id]))[chat_id]
            if head.rev > router.room.head.rev:
                return False  # it was judged by what is not so any more
        self._crashes.pop(command.id, None)
        if error.code is not Code.DEAD_LETTERED:  # which the router has set aside itself
            about = {"chat_id": chat_id, "client_id": command.client_id, **command.describe()}
            await self._set_aside(chat_id, command.id, about, f"{error.code.slug}: {error.message}")
        failed = MessageFailed(
            chat_id=chat_id, client_id=command.client_id, code=error.code.slug, reason=error.message
        )
        self._fanout.tell_user(command.actor_id, "MESSAGE_FAILED", failed)
        return True

    async def _set_aside(self, chat_id: str, letter_id: str, about: dict[str, object], reason: str) -> None:
        """Keep it for an operator. Done again, it is the same letter."""
        letter = DeadLetter(
            id=letter_id,
            source="retry-queue",
            reason=reason,
            command={"chat_id": chat_id, **about},
            at=self._clock(),
        )
        await self._dead_letters.add(letter)
        self.dead_lettered += 1
        log.warning("a queued message could not be carried out", extra={"chat_id": chat_id, "reason": reason})


def _letter_id(chat_id: str, place: str) -> str:
    """An id in the order of time, for something that has none of its own: the same each time."""
    milliseconds, _, number = place.partition("-")
    return f"{int(milliseconds) << 64 | int(number or 0) << 32 | crc32(chat_id.encode()):028x}"
