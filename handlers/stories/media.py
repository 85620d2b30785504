"""The files of stories: who sees a story may have its file, until the moment it ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from handlers.media.uses import REQUEST_S, Absent, Alive, Over, State
from handlers.people.contacts import Contacts
from handlers.stories.announcements import concerned, has_ended
from persistence.models import Media
from persistence.ports import Stories

STORY: Final = "story"


def story_use(story_id: str) -> str:
    """The name of the use of a file by a story."""
    return f"{STORY}:{story_id}"


class StoryUses:
    """Stories, as `handlers.media.uses.Uses` has it. The record and the clock decide; nothing waits for a worker."""

    patience_s: float = REQUEST_S

    def __init__(self, stories: Stories, contacts: Contacts, clock: Callable[[], int]) -> None:
        self._stories = stories
        self._contacts = contacts
        self._clock = clock

    async def state(self, media: Media, use: str) -> State:
        """Whether the story shows this file, and until when."""
        story = await self._stories.get(use)
        if story is None:
            return Absent()
        if story.media_id != media.id or has_ended(story, self._clock()):
            return Over()
        return Alive(story.expires_at)

    async def shown(self, user_id: str, media: Media, uses: Sequence[str]) -> Alive | None:
        """Whether the user sees one of these stories; until the last of them ends."""
        stories = await self._stories.get_many(uses)
        now = self._clock()
        live = [s for s in stories.values() if s.media_id == media.id and not has_ended(s, now)]
        if not live:
            return None
        contacts = await self._contacts.of(media.owner_id)
        ends = [s.expires_at for s in live if user_id in concerned(s, contacts)]
        return Alive(max(ends)) if ends else None
