"""News of stories that the bus has lost, told from the record."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final, TypeVar

from handlers.people.contacts import Contacts
from handlers.stories.announcements import Bulletin, of_stories, of_views, rank
from handlers.stories.news import StoryNews
from persistence.models import Story, Viewing
from persistence.ports import Stories, StoryViews

T = TypeVar("T", Story, Viewing)

AT_ONCE: Final = 200


class StoryRepair:
    """Tells those who are connected here whatever may have been announced since nothing was known to be missing, unless they know it.

    Whoever announces something writes to the record before and afterwards (`moved_at`): so what was lost on its way was written within `slack_ms` before the loss
    shows, or is written after it.

    Args:
        slack_ms: the longest time until a loss shows, and by how much clocks may differ.

    """

    def __init__(
        self,
        *,
        stories: Stories,
        views: StoryViews,
        contacts: Contacts,
        news: StoryNews,
        clock: Callable[[], int],
        slack_ms: int,
    ) -> None:
        self._stories = stories
        self._views = views
        self._contacts = contacts
        self._news = news
        self._clock = clock
        self._slack_ms = slack_ms
        self._whole_at = clock()
        self._looked: dict[tuple[str, int], int] = {}

    async def look(self, *, missed: bool) -> None:
        """One round. Raises `StoreUnavailable`."""
        began = self._clock()
        if missed:
            since = self._whole_at - self._slack_ms
            # Whoever has come since a former round looked at a story was not there when it happened.
            self._looked = {key: at for key, at in self._looked.items() if at >= since}
            async for stories in _pages(self._stories.moved, since, lambda story: story.id):
                await self._tell_stories(stories)
            async for views in _pages(self._views.moved, since, lambda v: f"{v.story_id}/{v.user_id}"):
                self._tell(of_views([(view, True) for view in views if self._news.is_here(view.owner_id)]))
        self._whole_at = began
        self._news.settle()

    async def _tell_stories(self, stories: Sequence[Story]) -> None:
        now = self._clock()
        fresh = [story for story in stories if (story.id, rank(story, now)) not in self._looked]
        if fresh:
            contacts = await self._contacts.of_many([story.user_id for story in fresh])
            self._tell(of_stories(contacts, [(story, True) for story in fresh], now))
        self._looked |= {(story.id, rank(story, now)): story.moved_at for story in fresh}

    def _tell(self, bulletin: Bulletin) -> None:
        for user_id, events in bulletin.items():
            for event in events:
                self._news.deliver(user_id, event)


async def _pages(
    read: Callable[..., Awaitable[list[T]]], since: int, name: Callable[[T], str]
) -> AsyncIterator[list[T]]:
    after: tuple[int, str] | None = None
    while True:
        page = await read(since, after=after, limit=AT_ONCE)
        yield page
        if len(page) < AT_ONCE:
            return
        after = (page[-1].moved_at, name(page[-1]))
