"""Notifies devices: takes pushes, hands them to push services, and does what follows from the answer.

A push is done with when its outcome is known and in the record: whoever dies before leaves it to another. One that is to be tried again becomes a new job
for later. Between job and push, things change: so it is asked first whether the message has been read, the chat muted or the device told meanwhile.
"""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import msgspec
import trio

from handlers.notifications.jobs import PUSHES, Push, unpack_push
from handlers.notifications.outcomes import Verdict, judge
from handlers.notifications.payload import MOST_UNREAD, Preview, payload, topic
from handlers.notifications.rules import worth_telling
from handlers.notifications.sender import PushOptions, PushSender
from handlers.notifications.services import Services
from handlers.outage import Outage
from handlers.workers.finished_pushes import Finished, FinishedPushes
from handlers.workers.job_loop import JobLoop
from persistence.errors import StoreUnavailable
from persistence.models import Job, Member, Message, PushResult, PushSubscription, PushTry
from persistence.ports import (
    Chats,
    DeadLetters,
    Jobs,
    MessageLog,
    PushSubscriptions,
    PushTries,
    Users,
)
from supervisors import Child

MOST_AT_ONCE: Final = 256
"""Pushes that a node has under way."""
MOST_TAKEN: Final = 64
UNDER_WAY_S: Final = 1.0
"""How long a push waits while the device is just being told of the same chat."""
SPREAD: Final = 0.3
"""Share by which pauses are made longer at random, so that those that wait for one service do not come back at once."""

log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Task:
    """A push with what it takes to make it."""

    job: Job
    push: Push
    subscription: PushSubscription
    text: bytes


class Pushes:
    """The worker.

    Args:
        pushes: the queue.
        sender: hands over.
        tries: tries of one push, until it is a dead letter.
        per_service: pushes under way at one service.
        max_age_s: nobody is notified of older messages, and push services keep a notification no longer.
        preview: whether notifications say who wrote what.
        chance: a random number between 0 and 1.

    Attributes:
        results: pushes so far by what became of them; `skipped` had become needless.
        under_way: devices that are being told of a chat.

    """

    def __init__(
        self,
        *,
        pushes: Jobs,
        sender: PushSender,
        subscriptions: PushSubscriptions,
        record: PushTries,
        chats: Chats,
        store: MessageLog,
        users: Users,
        dead_letters: DeadLetters,
        clock: Callable[[], int],
        new_id: Callable[[], str],
        tries: int,
        per_service: int,
        max_age_s: float,
        preview: bool,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._sender = sender
        self._subscriptions = subscriptions
        self._record = record
        self._chats = chats
        self._store = store
        self._users = users
        self._clock = clock
        self._new_id = new_id
        self._most_tries = tries
        self._max_age_ms = int(max_age_s * 1000)
        self._preview = preview
        self._chance = chance
        self._changed = trio.Event()
        self._outage = Outage(log, "pushes wait while a store is away", "pushes go on", level=logging.DEBUG)
        self._loop = JobLoop(
            PUSHES, pushes, dead_letters=dead_letters, outage=self._outage, clock=clock, new_id=new_id
        )
        self._finished = FinishedPushes(
            pushes=pushes,
            record=record,
            subscriptions=subscriptions,
            dead_letters=dead_letters,
            outage=self._outage,
        )
        self.services = Services(per_service)
        self.under_way: set[tuple[str, str]] = set()
        self.results: Counter[str] = Counter()

    @property
    def resting(self) -> int:
        """Push services that are left alone at the moment."""
        return self.services.resting(trio.current_time()) if self.results else 0

    async def run(self, child: Child) -> None:
        """The worker, as a supervised child. When asked to stop, it waits for the answers to what it has sent."""
        self.under_way.clear()
        async with self._sender.running(), trio.open_nursery() as nursery:
            nursery.start_soon(self._finished.run)
            child.ready()
            with child.cancel_on_stop():
                await self._loop.run(partial(self._begin_all, nursery), most=MOST_TAKEN, room=self._room)
            while self.under_way:
                await self._changed.wait()
            nursery.cancel_scope.cancel()
        await self._finished.write()

    async def _room(self) -> int:
        while (room := MOST_AT_ONCE - len(self.under_way)) <= 0:
            await self._changed.wait()
        return room

    async def _begin_all(self, nursery: trio.Nursery, jobs: Sequence[Job]) -> None:
        for task in await self._prepared(jobs):
            self._begin(nursery, task)

    # -- before ----------------------------------------------------------------------------------------------------

    async def _prepared(self, jobs: Sequence[Job]) -> list[_Task]:
        """What of these has to be made, with all that it takes; the others are over."""
        newest = await self._newest(jobs)
        if not newest:
            return []
        users = list({push.user_id: None for _, push in newest.values()})
        owned = {
            (user_id, each.id): each
            for user_id, rows in (await self._subscriptions.of_users(users)).items()
            for each in rows
        }
        heads = await self._store.last_messages(list({push.chat_id: None for _, push in newest.values()}))
        wanted = [(job, _brought_up(push, heads.get(push.chat_id))) for job, push in newest.values()]
        members = await self._chats.members_at([(push.chat_id, push.user_id) for _, push in wanted])
        told = await self._record.pushed([push.key for _, push in wanted])
        now = self._clock()
        left: list[tuple[Job, Push, PushSubscription, Member]] = []
        for (job, push), member in zip(wanted, members, strict=True):
            subscription = owned.get((push.user_id, push.subscription_id))
            if (
                subscription is None
                or member is None
                or _needless(push, member, now)
                or told.get(push.key, 0) >= push.seq
            ):
                self._skip(job)
            elif subscription.expires_at is not None and subscription.expires_at <= now:
                self._finished.add(Finished(job, forget=subscription))
            elif push.at + self._max_age_ms <= now:
                verdict = Verdict(PushResult.FAILED, "it is too old")
                self._finished.add(self._outcome(job, push, subscription, verdict, None))
            else:
                left.append((job, push, subscription, member))
        counts = await self._store.unread(
            [(p.chat_id, p.user_id, m.read_seq) for _, p, _, m in left], cap=MOST_UNREAD
        )
        previews = await self._previews([push for _, push, _, _ in left])
        tasks: list[_Task] = []
        for (job, push, subscription, _), count, preview in zip(left, counts, previews, strict=True):
            if count:
                tasks.append(_Task(job, push, subscription, payload(push, count, preview)))
            else:
                self._skip(job)  # deleted for everyone
        return tasks

    async def _newest(self, jobs: Sequence[Job]) -> dict[tuple[str, str], tuple[Job, Push]]:
        """Of what a device is to be told of one chat, the newest: it covers what came before."""
        newest: dict[tuple[str, str], tuple[Job, Push]] = {}
        for job in jobs:
            try:
                push = unpack_push(job.data)
            except msgspec.DecodeError as error:
                await self._loop.set_aside(job, repr(error))
                self._finished.add(Finished(job))
                continue
            if push.key in self.under_way:
                self._finished.add(Finished(job, next=push, delay_s=UNDER_WAY_S))
                continue
            other = newest.get(push.key)
            if other is not None:
                kept, spare = ((job, push), other) if push.seq >= other[1].seq else (other, (job, push))
                first = min(push.first_seq, other[1].first_seq)
                newest[push.key] = (kept[0], msgspec.structs.replace(kept[1], first_seq=first))
                self._skip(spare[0])
            else:
                newest[push.key] = (job, push)
        return newest

    async def _previews(self, pushes: Sequence[Push]) -> Sequence[Preview | None]:
        if not self._preview:
            return [None] * len(pushes)
        places = dict.fromkeys((push.chat_id, push.seq) for push in pushes)
        messages = {place: await self._store.get(*place) for place in places}
        senders = await self._users.get_many(
            list({m.sender_id: None for m in messages.values() if m is not None})
        )
        found: list[Preview | None] = []
        for push in pushes:
            message = messages[push.chat_id, push.seq]
            sender = None if message is None else senders.get(message.sender_id)
            found.append(
                None
                if message is None or sender is None or message.deleted
                else Preview(sender.name, message)
            )
        return found

    # -- handing over ----------------------------------------------------------------------------------------------

    def _begin(self, nursery: trio.Nursery, task: _Task) -> None:
        service = self.services[self._sender.service(task.subscription)]
        wait_s = service.wait_s(trio.current_time())
        if wait_s:
            delay_s = wait_s * (1 + SPREAD * self._chance())
            self._finished.add(Finished(task.job, next=task.push, delay_s=delay_s))
            return
        service.under_way += 1
        self.under_way.add(task.push.key)
        nursery.start_soon(self._hand_over, task)

    async def _hand_over(self, task: _Task) -> None:
        push, subscription = task.push, task.subscription
        well = False
        try:
            now = self._clock()
            options = PushOptions(
                collapse=topic(push, subscription),
                ttl_s=max(1, (push.at + self._max_age_ms - now) // 1000),
                urgent=push.urgent,
            )
            answer = await self._sender.send(subscription, task.text, options)
            verdict = judge(
                answer,
                attempt=push.attempt,
                most=self._most_tries,
                now_ms=self._clock(),
                chance=self._chance(),
            )
            well = not verdict.ill
            self._finished.add(self._outcome(task.job, push, subscription, verdict, answer.status))
        except StoreUnavailable as error:
            well = True  # not the service's fault; the job is given out again when its lease is over
            self._outage.failed(reason=error.reason)
        except Exception as error:
            well = True
            log.exception("a push could not be made")
            verdict = Verdict(PushResult.FAILED, f"crashed: {error!r}"[:300])
            self._finished.add(self._outcome(task.job, push, subscription, verdict, None))
        finally:
            self.under_way.discard(push.key)
            self.services[self._sender.service(subscription)].ended(trio.current_time(), well=well)
            self._changed.set()
            self._changed = trio.Event()

    # -- after -----------------------------------------------------------------------------------------------------

    def _outcome(
        self, job: Job, push: Push, subscription: PushSubscription, verdict: Verdict, status: int | None
    ) -> Finished:
        tried = PushTry(
            id=self._new_id(),
            chat_id=push.chat_id,
            first_seq=push.first_seq,
            seq=push.seq,
            user_id=push.user_id,
            device_id=subscription.device_id,
            subscription_id=subscription.id,
            attempt=push.attempt,
            at=self._clock(),
            result=verdict.result,
            status=status,
            reason=verdict.reason,
        )
        self.results[verdict.result.value] += 1
        again = letter = None
        if verdict.result is PushResult.AGAIN:
            again = msgspec.structs.replace(push, attempt=push.attempt + 1)
        elif verdict.result is PushResult.FAILED:
            letter = self._loop.letter(
                verdict.reason, _described(push, subscription, self._sender.service(subscription))
            )
        forget = subscription if verdict.forget else None
        return Finished(job, again, verdict.delay_s, forget, letter, tried)

    def _skip(self, job: Job) -> None:
        self.results["skipped"] += 1
        self._finished.add(Finished(job))


def _brought_up(push: Push, head: Message | None) -> Push:
    """What was written since is told of at once, and then needs no push of its own."""
    if head is None or head.seq <= push.seq or head.sender_id == push.user_id or not worth_telling(head):
        return push
    return msgspec.structs.replace(push, seq=head.seq)


def _needless(push: Push, member: Member, now: int) -> bool:
    return member.read_seq >= push.seq or (member.muted_until is not None and member.muted_until > now)


def _described(push: Push, subscription: PushSubscription, service: str) -> dict[str, Any]:
    """For people. Without the endpoint: whoever knows it can send to it."""
    return {
        "chat_id": push.chat_id,
        "first_seq": push.first_seq,
        "seq": push.seq,
        "user_id": push.user_id,
        "device_id": subscription.device_id,
        "subscription_id": subscription.id,
        "service": service,
        "attempt": push.attempt,
    }
