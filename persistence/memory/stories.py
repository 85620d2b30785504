"""Stories, and who has seen them, in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeVar

from msgspec import structs

from persistence.memory.record import Record
from persistence.models import Story, StoryMark, Viewing

T = TypeVar("T", Story, Viewing)

NEVER: Final = 2**62


@dataclass(slots=True)
class Kept:
    """A story, what is to be announced of it, and when; `over_at` is when its end was announced."""

    story: Story
    next: Literal["created", "ended"] | None
    due_at: int = NEVER
    over_at: int | None = None


class MemoryStories:
    """`Stories` in memory."""

    def __init__(self, record: Record) -> None:
        self._r = record

    async def add(self, story: Story, *, due_at: int) -> tuple[Story, bool]:
        await self._r.faults.before("add_story")
        same = (k.story for k in self._r.stories.values() if k.story.user_id == story.user_id)
        there = next((s for s in same if s.client_id == story.client_id), None)
        if there is None:
            self._r.stories[story.id] = Kept(story, "created", due_at)
        await self._r.faults.after("add_story")
        return (story, True) if there is None else (there, there.id == story.id)

    async def get(self, story_id: str) -> Story | None:
        await self._r.faults.before("get_story")
        kept = self._r.stories.get(story_id)
        return None if kept is None else kept.story

    async def get_many(self, story_ids: Sequence[str]) -> dict[str, Story]:
        await self._r.faults.before("get_stories")
        return {each: self._r.stories[each].story for each in story_ids if each in self._r.stories}

    async def shown(self, owner_ids: Sequence[str], viewer_id: str, now: int) -> list[StoryMark]:
        await self._r.faults.before("shown_stories")
        owners = set(owner_ids)
        return [
            StoryMark(s.id, s.user_id, s.created_at)
            for s in (kept.story for kept in self._r.stories.values())
            if s.user_id in owners
            and s.expires_at > now
            and (s.audience is None or viewer_id in s.audience or s.user_id == viewer_id)
        ]

    async def count(self, user_id: str, now: int) -> int:
        await self._r.faults.before("count_stories")
        stories = [kept.story for kept in self._r.stories.values()]
        return sum(1 for s in stories if s.user_id == user_id and s.expires_at > now)

    async def end(self, story_id: str, user_id: str, *, at: int, due_at: int) -> Story | None:
        await self._r.faults.before("end_story")
        kept = self._r.stories.get(story_id)
        if kept is None or kept.story.user_id != user_id or kept.story.expires_at <= at:
            return None
        before = kept.story
        kept.story = structs.replace(before, expires_at=at, deleted=True, content={}, moved_at=at, tries=0)
        kept.next, kept.due_at = "ended", due_at
        await self._r.faults.after("end_story")
        return before

    async def next_due(self) -> int | None:
        await self._r.faults.before("next_due_story")
        return _first(kept.due_at for kept in self._r.stories.values())

    async def claim(self, *, now: int, until: int, limit: int) -> list[Story]:
        await self._r.faults.before("claim_stories")
        due = sorted((k for k in self._r.stories.values() if k.due_at <= now), key=lambda k: k.due_at)[:limit]
        for kept in due:
            kept.due_at = until
            kept.story = structs.replace(kept.story, moved_at=now, tries=kept.story.tries + 1)
        await self._r.faults.after("claim_stories")
        return [kept.story for kept in due]

    async def told(self, *, created: Sequence[str], ended: Sequence[str], at: int) -> None:
        await self._r.faults.before("told_stories")
        stories = self._r.stories
        for kept in [stories[each] for each in created if each in stories]:
            if kept.next == "created":
                kept.next, kept.due_at = "ended", kept.story.expires_at
                kept.story = structs.replace(kept.story, moved_at=at, tries=0)
        for kept in [stories[each] for each in ended if each in stories]:
            if kept.story.expires_at <= at:
                kept.next, kept.due_at, kept.over_at = None, NEVER, at
                kept.story = structs.replace(kept.story, moved_at=at, content={}, media_id=None)
        await self._r.faults.after("told_stories")

    async def moved(self, since: int, *, after: tuple[int, str] | None, limit: int) -> list[Story]:
        await self._r.faults.before("moved_stories")
        placed = (((k.story.moved_at, k.story.id), k.story) for k in self._r.stories.values())
        return _following(placed, since, after, limit)

    async def purge(self, before: int, *, limit: int) -> int:
        await self._r.faults.before("purge_stories")
        over = [s for s, k in self._r.stories.items() if k.over_at is not None and k.over_at < before][:limit]
        for story_id in over:
            del self._r.stories[story_id]
        for key in [key for key in self._r.story_views if key[0] in over]:
            del self._r.story_views[key]
        await self._r.faults.after("purge_stories")
        return len(over)


class MemoryStoryViews:
    """`StoryViews` in memory. The record has each view with the time at which it is to be announced."""

    def __init__(self, record: Record) -> None:
        self._r = record

    async def add(self, view: Viewing, *, due_at: int) -> bool:
        await self._r.faults.before("add_view")
        key = (view.story_id, view.user_id)
        fresh = key not in self._r.story_views
        self._r.story_views.setdefault(key, (view, due_at))
        await self._r.faults.after("add_view")
        return fresh

    async def seen(self, user_id: str, story_ids: Sequence[str]) -> set[str]:
        await self._r.faults.before("seen_stories")
        return {story_id for story_id in story_ids if (story_id, user_id) in self._r.story_views}

    async def page(self, story_id: str, *, before: tuple[int, str] | None, limit: int) -> list[Viewing]:
        await self._r.faults.before("story_views")
        views = [view for view, _ in self._r.story_views.values() if view.story_id == story_id]
        views.sort(key=lambda view: (view.at, view.user_id), reverse=True)
        return [view for view in views if before is None or (view.at, view.user_id) < before][:limit]

    async def next_due(self) -> int | None:
        await self._r.faults.before("next_due_view")
        return _first(due_at for _, due_at in self._r.story_views.values())

    async def claim(self, *, now: int, until: int, limit: int) -> list[Viewing]:
        await self._r.faults.before("claim_views")
        due = [key for key, (_, due_at) in self._r.story_views.items() if due_at <= now][:limit]
        for key in due:
            self._r.story_views[key] = (structs.replace(self._r.story_views[key][0], moved_at=now), until)
        await self._r.faults.after("claim_views")
        return [self._r.story_views[key][0] for key in due]

    async def told(self, views: Sequence[Viewing], *, at: int) -> None:
        await self._r.faults.before("told_views")
        for key in [(view.story_id, view.user_id) for view in views]:
            if key in self._r.story_views:
                there = self._r.story_views[key][0]
                self._r.story_views[key] = (structs.replace(there, moved_at=at), NEVER)
        await self._r.faults.after("told_views")

    async def moved(self, since: int, *, after: tuple[int, str] | None, limit: int) -> list[Viewing]:
        await self._r.faults.before("moved_views")
        views = (view for view, _ in self._r.story_views.values())
        placed = (((view.moved_at, f"{view.story_id}/{view.user_id}"), view) for view in views)
        return _following(placed, since, after, limit)


def _first(due: Iterable[int]) -> int | None:
    first = min(due, default=NEVER)
    return None if first == NEVER else first


def _following(
    placed: Iterable[tuple[tuple[int, str], T]], since: int, after: tuple[int, str] | None, limit: int
) -> list[T]:
    rest = [(p, each) for p, each in placed if p[0] >= since and (after is None or p > after)]
    return [each for _, each in sorted(rest, key=lambda pair: pair[0])][:limit]
