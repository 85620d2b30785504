"""What is told of stories, to whom: `STORY_CREATED`, `STORY_EXPIRED`, `STORY_VIEWED`. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from handlers.nodes.events import StoryEvent
from handlers.protocol import ME, encode, event_text
from handlers.stories.views import StoryCreated, StoryExpired, StoryViewed, story_view
from handlers.wire import rfc3339
from persistence.models import Story, Viewing

CREATED: Final = 1
ENDED: Final = 2
"""Ranks: of a story that has ended nobody is told any more that it was made."""

Bulletin = dict[str, list[StoryEvent]]
"""What to tell each user, in order."""


def has_ended(story: Story, now: int) -> bool:
    """Whether nobody may see the story any more."""
    return story.expires_at <= now


def rank(story: Story, now: int) -> int:
    """What there is to tell of the story now."""
    return ENDED if has_ended(story, now) else CREATED


def concerned(story: Story, contacts: Sequence[str]) -> Iterator[str]:
    """Who hears of a story: its owner, and those of the contacts that it is for."""
    yield story.user_id
    if story.audience is None:
        yield from contacts
    else:
        chosen = set(story.audience)
        yield from (user_id for user_id in contacts if user_id in chosen)


def of_stories(
    contacts: Mapping[str, Sequence[str]], stories: Sequence[tuple[Story, bool]], now: int
) -> Bulletin:
    """The news of these stories, given their owners' contacts; with `True`, it may have been told before."""
    news: Bulletin = {}
    for story, again in stories:
        own, others = _events(story, now, again=again)
        for user_id in concerned(story, contacts.get(story.user_id, ())):
            news.setdefault(user_id, []).append(own if user_id == story.user_id else others)
    return news


def of_views(views: Sequence[tuple[Viewing, bool]]) -> Bulletin:
    """The same of views, which only the owners of the stories hear of."""
    news: Bulletin = {}
    for view, again in views:
        told = StoryViewed(view.story_id, view.user_id, rfc3339(view.at))
        event = StoryEvent(
            f"v:{view.story_id}/{view.user_id}",
            1,
            event_text(ME, "STORY_VIEWED", encode(told)),
            view.at if again else 0,
        )
        news.setdefault(view.owner_id, []).append(event)
    return news


def _events(story: Story, now: int, *, again: bool) -> tuple[StoryEvent, StoryEvent]:
    """What the owner and what others are told."""
    subject = f"s:{story.id}"
    if has_ended(story, now):
        text = event_text(ME, "STORY_EXPIRED", encode(StoryExpired(story.id, story.user_id)))
        event = StoryEvent(subject, ENDED, text, story.expires_at if again else 0)
        return event, event
    before = story.created_at if again else 0
    own, others = (
        event_text(ME, "STORY_CREATED", encode(StoryCreated(story_view(story, seen=False, own=mine))))
        for mine in (True, False)
    )
    return StoryEvent(subject, CREATED, own, before), StoryEvent(subject, CREATED, others, before)
