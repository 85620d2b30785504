"""Looks through chats for whom to notify of what is new in them: takes looks, makes pushes.

A chat is looked through from where it was last (`Notified`) to its newest message. The pushes are queued, then the cursor is raised, then the job is
done: whoever dies in between leaves the job to another, who does it again, and what a device was told already it is not told again.

What does not depend on the number of a chat's members is read for all chats of a batch at once. A direct chat needs nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from handlers.notifications.jobs import LOOKS, Look, Push, pack_looks, pack_push, unpack_looks
from handlers.notifications.rules import call, call_again, news_for, worth_telling
from handlers.outage import Outage
from handlers.workers.job_loop import JobLoop
from persistence.errors import StoreUnavailable
from persistence.models import Chat, ChatType, Job, Member, Message
from persistence.ports import (
    Blocks,
    Chats,
    Cluster,
    DeadLetters,
    Jobs,
    MessageLog,
    Notified,
    Presence,
    PushSubscriptions,
)
from supervisors import Child

MOST_JOBS: Final = 20
PAGE: Final = 500
"""Messages, or members, that are read at once."""
FIRST_LOOK: Final = 100
"""Messages of a chat that was never looked at: the newest."""

log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _News:
    """What is new in a chat, from `first` on: `messages` in order of `seq`, the last ones at least; `more` if there is more after these."""

    chat: Chat
    look: Look
    first: int
    messages: list[Message]
    more: bool = False

    @property
    def last(self) -> Message:
        return self.messages[-1]


class Looks:
    """The worker.

    Args:
        looks, pushes: the queues.
        active_s: a device that was used so lately is in use.
        again_s: when to look again at those who have a device in use; by then a connection that is dead has been noticed.
        max_age_s: nobody is notified of older messages.

    Attributes:
        looked, called: chats looked through, and pushes that were queued.

    """

    def __init__(
        self,
        *,
        looks: Jobs,
        pushes: Jobs,
        store: MessageLog,
        chats: Chats,
        blocks: Blocks,
        presence: Presence,
        cluster: Cluster,
        subscriptions: PushSubscriptions,
        notified: Notified,
        dead_letters: DeadLetters,
        clock: Callable[[], int],
        new_id: Callable[[], str],
        active_s: float,
        again_s: float,
        max_age_s: float,
    ) -> None:
        self._looks = looks
        self._pushes = pushes
        self._store = store
        self._chats = chats
        self._blocks = blocks
        self._presence = presence
        self._cluster = cluster
        self._subscriptions = subscriptions
        self._notified = notified
        self._clock = clock
        self._active_ms = int(active_s * 1000)
        self._again_s = again_s
        self._max_age_ms = int(max_age_s * 1000)
        self._loop = JobLoop(
            LOOKS,
            looks,
            dead_letters=dead_letters,
            outage=Outage(
                log,
                "nobody is notified while a store is away",
                "people are notified again",
                level=logging.DEBUG,
            ),
            clock=clock,
            new_id=new_id,
        )
        self.looked = 0
        self.called = 0

    async def run(self, child: Child) -> None:
        """The worker, as a supervised child."""
        child.ready()
        with child.cancel_on_stop():
            await self._loop.run(self._attend, most=MOST_JOBS)

    async def _attend(self, jobs: Sequence[Job]) -> None:
        self._loop.hold(jobs)
        try:
            looks = [look for job in jobs for look in unpack_looks(job.data)]
            await self._look(_merged(looks))
        except StoreUnavailable:
            raise
        except Exception as error:
            if len(jobs) > 1:
                for job in jobs:
                    await self._attend([job])
                return
            log.exception("a job could not be carried out", extra={"queue": LOOKS})
            await self._loop.set_aside(jobs[0], repr(error))
        await self._looks.done([job.id for job in jobs])

    # -- what is new -----------------------------------------------------------------------------------------------

    async def _look(self, looks: Sequence[Look]) -> None:
        self.looked += len(looks)
        ids = list(dict.fromkeys(look.chat_id for look in looks))
        chats = {
            chat_id: chat for chat_id, chat in (await self._chats.get_many(ids)).items() if not chat.deleted
        }
        newest = await self._store.last_messages(list(chats))
        cursors = await self._notified.cursors(list(newest))
        news: list[_News] = []
        for look in looks:
            if look.chat_id in newest:
                await self._loop.renew()
                found = await self._news(chats[look.chat_id], look, newest[look.chat_id], cursors)
                if found is not None:
                    news.append(found)
        await self._call_all(news)
        await self._notified.raise_cursors(_reached(news))
        rest = [
            Look(each.chat.id, after=-1 if each.look.after < 0 else each.last.seq)
            for each in news
            if each.more
        ]
        if rest:
            await self._looks.add([pack_looks(rest)])

    async def _news(self, chat: Chat, look: Look, newest: Message, cursors: dict[str, int]) -> _News | None:
        if look.upto:
            # Whatever was written since is looked at by itself, and finds the same people, unless nobody is told of it.
            covered = newest.seq > look.upto and worth_telling(newest) and newest.sender_id not in look.users
            if covered:
                return None
            page = await self._store.page(chat.id, before_seq=look.upto + 1, after_seq=None, limit=1)
            return _News(chat, look, look.after + 1, page) if page else None
        after = cursors.get(chat.id, 0) if look.after < 0 else look.after
        if newest.seq <= after:
            return None
        if newest.seq == after + 1 or (chat.type is ChatType.DIRECT and worth_telling(newest)):
            # In a direct chat, whoever wrote last has seen what the other wrote before.
            return _News(chat, look, after + 1, [newest])
        if not after:
            messages = await self._store.page(chat.id, before_seq=None, after_seq=None, limit=FIRST_LOOK)
            return _News(chat, look, 1, messages) if messages else None
        messages = await self._store.page(chat.id, before_seq=None, after_seq=after, limit=PAGE)
        return _News(chat, look, after + 1, messages, more=len(messages) == PAGE) if messages else None

    # -- whom it concerns ------------------------------------------------------------------------------------------

    async def _call_all(self, news: Sequence[_News]) -> None:
        await self._call_direct([each for each in news if each.chat.pair is not None])
        for each in news:
            if each.chat.pair is None:
                await self._call_members(each)
                await self._loop.renew()

    async def _call_direct(self, news: Sequence[_News]) -> None:
        asked = [(each, user_id) for each in news for user_id in each.look.users or _both(each.chat)]
        if not asked:
            return
        rows = await self._chats.members_at([(each.chat.id, user_id) for each, user_id in asked])
        found = [(each, row) for (each, _), row in zip(asked, rows, strict=True) if row is not None]
        concerned = self._concerned(found)
        pairs = [pair for each, _, _ in concerned for pair in _each_way(*_both(each.chat))]
        blocked = await self._blocks.among(pairs)
        await self._queue([each for each in concerned if blocked.isdisjoint(_each_way(*_both(each[0].chat)))])

    async def _call_members(self, news: _News) -> None:
        if news.look.users:
            keys = [(news.chat.id, user_id) for user_id in news.look.users]
            rows = [row for row in await self._chats.members_at(keys) if row is not None]
            await self._queue(self._concerned((news, row) for row in rows))
            return
        after: str | None = None
        while True:
            page = await self._chats.members(news.chat.id, after_user_id=after, limit=PAGE)
            await self._queue(self._concerned((news, row) for row in page))
            if len(page) < PAGE:
                return
            after = page[-1].user_id
            await self._loop.renew()

    def _concerned(self, rows: Iterable[tuple[_News, Member]]) -> list[tuple[_News, Member, Message]]:
        now = self._clock()
        oldest = now - self._max_age_ms
        return [
            (news, member, message)
            for news, member in rows
            if (message := news_for(member, news.messages, now=now, oldest=oldest)) is not None
        ]

    # -- where they are --------------------------------------------------------------------------------------------

    async def _queue(self, concerned: Sequence[tuple[_News, Member, Message]]) -> None:
        """Queue a push for each device that is to be notified of a message, and second looks at those who may have seen it."""
        if not concerned:
            return
        users = list(dict.fromkeys(member.user_id for _, member, _ in concerned))
        subscriptions = {u: rows for u, rows in (await self._subscriptions.of_users(users)).items() if rows}
        if not subscriptions:
            return
        devices = await self._presence.of_users(list(subscriptions))
        living = set(await self._cluster.nodes()) if any(devices.values()) else set[str]()
        pushes: list[bytes] = []
        later: dict[tuple[str, int, int], list[str]] = {}
        for news, member, message in concerned:
            own = subscriptions.get(member.user_id)
            if own is None:
                continue
            there = devices[member.user_id]
            if news.look.upto:
                targets = call_again(own, there, living=living, written_at=message.created_at)
            else:
                called = call(own, there, living=living, now=self._clock(), active_ms=self._active_ms)
                targets = called.subscriptions
                if called.later:
                    users = later.setdefault((news.chat.id, news.first, message.seq), [])
                    users.append(member.user_id)
            pushes += [pack_push(_push(news, member, message, target.id)) for target in targets]
        if pushes:
            await self._pushes.add(pushes)
            self.called += len(pushes)
        if later:
            again = [
                Look(chat, after=first - 1, upto=seq, users=who) for (chat, first, seq), who in later.items()
            ]
            await self._looks.add([pack_looks(again)], delay_s=self._again_s)


def _merged(looks: Sequence[Look]) -> list[Look]:
    """A chat that is to be looked through from where it was last is looked through once."""
    usual = dict.fromkeys(look.chat_id for look in looks if look.after < 0)
    return [Look(chat_id) for chat_id in usual] + [look for look in looks if look.after >= 0]


def _reached(news: Sequence[_News]) -> dict[str, int]:
    reached: dict[str, int] = {}
    for each in news:
        if not each.look.upto:
            reached[each.chat.id] = max(each.last.seq, reached.get(each.chat.id, 0))
    return reached


def _push(news: _News, member: Member, message: Message, subscription_id: str) -> Push:
    return Push(
        chat_id=news.chat.id,
        first_seq=min(message.seq, max(news.first, member.read_seq + 1)),
        seq=message.seq,
        user_id=member.user_id,
        subscription_id=subscription_id,
        at=message.created_at,
        urgent=news.chat.type is not ChatType.CHANNEL,
    )


def _both(chat: Chat) -> list[str]:
    one, _, other = (chat.pair or "").partition(":")
    return [one, other]


def _each_way(one: str, other: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return (one, other), (other, one)
