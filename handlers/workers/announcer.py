"""Announces what happens to stories: what this node has just written, and, on nodes with that role, whatever is due.

The record says when the next announcement is due, and nobody asks it again before: but for what is written meanwhile, which is due after a lease at the
earliest, so a look within each lease is early enough.

What is to be announced is in the record before anybody is told, and stays there until everybody has been: a crash at any step only means that it is announced again
by whoever finds it due. Receivers drop what they know (`handlers.stories.news`).
"""

from __future__ import annotations

import logging
import random
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

import trio

from handlers.errors import ChatError
from handlers.media.library import MediaLibrary
from handlers.nodes.fanout import Fanout
from handlers.outage import Outage
from handlers.people.contacts import Contacts
from handlers.signal import Signal
from handlers.stories.announcements import CREATED, ENDED, has_ended, of_stories, of_views, rank
from handlers.stories.media import story_use
from handlers.stories.news import StoryNews
from persistence.errors import StoreUnavailable
from persistence.models import Story, Viewing
from persistence.ports import Stories, StoryViews
from supervisors import Child

LEASE_MS: Final = 10_000
"""How long whoever is to announce something has for it, before it is due for others."""
BATCH: Final = 64
"""Stories, or views, claimed at once. Small, so that messages find their way into the record in between."""
AT_ONCE: Final = 16
"""Stories told of without letting others do something in between."""
LOOK_S: Final = 1.0
"""Between two looks for what is due, at least: however many stories end, and on however many nodes."""
LONGEST_LOOK_S: Final = 8.0
"""The same at most: what somebody else has written since the last look is not due before this node looks again."""
SPREAD_S: Final = 0.5
"""Not all nodes look at the same instant: each waits up to this longer than it has to."""
GIVE_WAY_S: Final = 0.01
"""Between two batches, and again while messages wait to be written."""
MOST_YIELDS: Final = 2
"""Under steady load they always do: 10,000 stories are to be announced within seconds nevertheless."""
MOST_WAITING: Final = 10_000
"""What this node has to announce, and has not yet. Beyond it, it is left to whoever finds it due."""
KEEP_MS: Final = 24 * 3_600_000
"""How long a story is kept after its end was announced, for nodes that have missed it."""
PURGE_S: Final = 60.0
"""Between two looks for stories to be forgotten."""

RETRY_S: Final = 1.0

T = TypeVar("T")
Due = tuple[T, bool, int]
"""What to announce, whether it may have been told already, and until when it is this node's to do."""

log: Final = logging.getLogger(__name__)


class Announcer:
    """Tells those concerned of stories that begin, end and are seen.

    Args:
        stories, views: the record.
        contacts: whom stories concern.
        news, fanout: tell them.
        media: the files that stories show.
        busy: whether messages wait to be written: they go first.
        clock: milliseconds since the epoch.
        ttl_s: how long a story lasts.
        jitter: a random factor between 0 and 1.

    Attributes:
        announced: stories and views since the start.

    """

    def __init__(
        self,
        *,
        stories: Stories,
        views: StoryViews,
        contacts: Contacts,
        news: StoryNews,
        fanout: Fanout,
        media: MediaLibrary,
        busy: Callable[[], bool],
        clock: Callable[[], int],
        ttl_s: float,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._stories = stories
        self._views = views
        self._contacts = contacts
        self._news = news
        self._fanout = fanout
        self._media = media
        self._busy = busy
        self._clock = clock
        self._stories_due: deque[Due[Story]] = deque()
        self._views_due: deque[Due[Viewing]] = deque()
        self._longest_look_s = min(LONGEST_LOOK_S, ttl_s)
        self._jitter = jitter
        self._more = False
        self._look_at = 0.0
        self._work = Signal()
        self._purge_at = 0.0
        self._outage = Outage(
            log,
            "stories are announced later: the record does not answer",
            "stories are announced again",
            level=logging.DEBUG,
        )
        self.announced = 0

    def written(self, story: Story) -> None:
        """A story was written here: posted, or ended by its owner."""
        self._put(self._stories_due, (story, False, self._clock() + LEASE_MS))

    def viewed(self, view: Viewing) -> None:
        """A view was written here."""
        self._put(self._views_due, (view, False, self._clock() + LEASE_MS))

    def _put(self, waiting: deque[Due[T]], due: Due[T]) -> None:
        if len(waiting) < MOST_WAITING:
            waiting.append(due)
            self._work.set()

    # -- what this node has to announce ------------------------------------------------------------------------------

    async def run(self, child: Child) -> None:
        """Announces what this node has written or claimed, as a supervised child; asked to stop, it announces what waits."""
        self._work.set()
        child.ready()
        with child.cancel_on_stop():
            while True:
                await self._work.wait()
                if not await self._succeeds(self._announce_waiting):
                    await trio.sleep(RETRY_S)
        await self._succeeds(self._announce_waiting)

    async def _announce_waiting(self) -> None:
        while self._stories_due or self._views_due:
            await self._announce(_take(self._stories_due))
            await self._announce_views(_take(self._views_due))

    # -- what is due in the record -----------------------------------------------------------------------------------

    async def run_due(self, child: Child) -> None:
        """Announces whatever is due, and forgets what was over long ago; a supervised child, on as many nodes as wanted."""
        child.ready()
        with child.cancel_on_stop():
            while True:
                self._more = False
                self._look_at = trio.current_time() + LOOK_S
                await self._succeeds(self._look)
                if self._more:
                    await self._give_way()
                else:
                    await trio.sleep_until(self._look_at)

    async def _look(self) -> None:
        now = self._clock()
        await self._purge(now)
        due = [at for at in (await self._stories.next_due(), await self._views.next_due()) if at is not None]
        if due and min(due) <= now:
            await self._announce_due(now)
        else:
            wait_s = (min(due) - now) / 1000 + SPREAD_S * self._jitter() if due else self._longest_look_s
            wait_s = max(LOOK_S, min(wait_s, self._longest_look_s))
            self._look_at = min(trio.current_time() + wait_s, self._purge_at)

    async def _announce_due(self, now: int) -> None:
        """One batch of each."""
        until = now + LEASE_MS
        stories = await self._stories.claim(now=now, until=until, limit=BATCH)
        # A creation was announced by whoever posted it, or they died; the end of a story is announced here first.
        await self._announce(
            [
                (story, story.tries > 1 or story.deleted or not has_ended(story, now), until)
                for story in stories
            ]
        )
        views = await self._views.claim(now=now, until=until, limit=BATCH)
        await self._announce_views([(view, True, until) for view in views])
        self._more |= max(len(stories), len(views)) >= BATCH

    async def _purge(self, now: int) -> None:
        if trio.current_time() < self._purge_at:
            return
        if await self._stories.purge(now - KEEP_MS, limit=BATCH) < BATCH:
            self._purge_at = trio.current_time() + PURGE_S
        else:
            self._more = True

    async def _give_way(self) -> None:
        await trio.sleep(GIVE_WAY_S)
        for _ in range(MOST_YIELDS):
            if not self._busy():
                break
            await trio.sleep(GIVE_WAY_S)

    # -- both --------------------------------------------------------------------------------------------------------

    async def _announce(self, due: Sequence[Due[Story]]) -> None:
        now = self._clock()
        stories = [(story, again) for story, again, until in due if now < until]
        if not stories:
            return
        try:
            contacts = await self._contacts.of_many([story.user_id for story, _ in stories])
            for start in range(0, len(stories), AT_ONCE):
                self._news.tell(of_stories(contacts, stories[start : start + AT_ONCE], now))
                await trio.lowlevel.checkpoint()
            await self._fanout.settled()
            await self._let_go(stories, now)
            told = {kind: [s.id for s, _ in stories if rank(s, now) == kind] for kind in (CREATED, ENDED)}
            await self._stories.told(created=told[CREATED], ended=told[ENDED], at=self._clock())
        except StoreUnavailable:
            self._try_again(self._stories_due, due)
            raise
        self.announced += len(stories)

    async def _let_go(self, stories: Sequence[tuple[Story, bool]], now: int) -> None:
        """The files of deleted stories can go at once; those of others are looked at when their time is over, which is known beforehand."""
        for story, _ in stories:
            if story.deleted and story.media_id is not None and has_ended(story, now):
                try:
                    await self._media.let_go(story.media_id, story_use(story.id))
                except ChatError:
                    log.info("a file of a deleted story is removed later", extra={"story_id": story.id})

    async def _announce_views(self, due: Sequence[Due[Viewing]]) -> None:
        views = [(view, again) for view, again, until in due if self._clock() < until]
        if not views:
            return
        try:
            self._news.tell(of_views(views))
            await self._fanout.settled()
            await self._views.told([view for view, _ in views], at=self._clock())
        except StoreUnavailable:
            self._try_again(self._views_due, due)
            raise
        self.announced += len(views)

    def _try_again(self, waiting: deque[Due[T]], due: Sequence[Due[T]]) -> None:
        """As long as it is this node's to announce; it may have been told to some."""
        for each, _, until in due:
            self._put(waiting, (each, True, until))

    async def _succeeds(self, step: Callable[[], Awaitable[None]]) -> bool:
        """Whether the record answered. What could not be announced stays there, and becomes due again."""
        with self._outage.met():
            await step()
        return not self._outage.away


def _take(waiting: deque[Due[T]]) -> list[Due[T]]:
    return [waiting.popleft() for _ in range(min(BATCH, len(waiting)))]
