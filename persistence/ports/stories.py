"""Stories, who has seen them, and what is still to be announced of both."""

from collections.abc import Sequence
from typing import Protocol

from persistence.models import Story, StoryMark, Viewing


class Stories(Protocol):
    """Stories. What is to be announced of one is written with it, so that no crash forgets it: its creation, and then its end.

    An announcement is due at a time. Whoever makes it claims it first, which moves that time on, and says so afterwards (`told`). If nobody says so by then,
    it is due again: it is made at least once, and those who are told drop what they know.
    """

    async def add(self, story: Story, *, due_at: int) -> tuple[Story, bool]:
        """Store it, its creation to be announced at `due_at` by whoever claims it. `(story, True)`, or `(the one that its client_id made before, False)`."""

    async def get(self, story_id: str) -> Story | None:
        """One story, also after its end, as long as it is kept."""

    async def get_many(self, story_ids: Sequence[str]) -> dict[str, Story]:
        """Those among these that are kept."""

    async def shown(self, owner_ids: Sequence[str], viewer_id: str, now: int) -> list[StoryMark]:
        """The stories of these users that have not ended and have the viewer (or all contacts) in their audience, or are the viewer's own."""

    async def count(self, user_id: str, now: int) -> int:
        """How many stories of the user have not ended."""

    async def end(self, story_id: str, user_id: str, *, at: int, due_at: int) -> Story | None:
        """Delete the user's story, its end to be announced at `due_at` by whoever claims it; the story as it was, or `None` if there is none that has not ended."""

    async def next_due(self) -> int | None:
        """When the next announcement is due that anybody may claim; `None` when there is nothing to announce, ever."""

    async def claim(self, *, now: int, until: int, limit: int) -> list[Story]:
        """Announcements that are due, each to one caller until `until`. A story that has ended has its end announced, whether or not its creation was."""

    async def told(self, *, created: Sequence[str], ended: Sequence[str], at: int) -> None:
        """The creation of these, and the end of those, has been announced. What has ended keeps neither content nor media."""

    async def moved(self, since: int, *, after: tuple[int, str] | None, limit: int) -> list[Story]:
        """Stories with `moved_at` from `since` on, by `(moved_at, id)`, after that place: those whose announcement was made, or may have been."""

    async def purge(self, before: int, *, limit: int) -> int:
        """Forget stories whose end was announced before then, with their views; how many."""


class StoryViews(Protocol):
    """Who has seen which story; the owner is to be told, in the same way as `Stories` has it."""

    async def add(self, view: Viewing, *, due_at: int) -> bool:
        """Remember it; `False` if it was there already (and keeps its time)."""

    async def seen(self, user_id: str, story_ids: Sequence[str]) -> set[str]:
        """Those of these stories that the user has seen."""

    async def page(self, story_id: str, *, before: tuple[int, str] | None, limit: int) -> list[Viewing]:
        """Who has seen the story, newest first by `(at, user_id)`, before that place."""

    async def next_due(self) -> int | None:
        """When the next view is to be announced by whoever claims it; `None` when none is."""

    async def claim(self, *, now: int, until: int, limit: int) -> list[Viewing]:
        """Views that are to be announced, each to one caller until `until`."""

    async def told(self, views: Sequence[Viewing], *, at: int) -> None:
        """These have been announced."""

    async def moved(self, since: int, *, after: tuple[int, str] | None, limit: int) -> list[Viewing]:
        """Views with `moved_at` from `since` on, by `(moved_at, story/user)`, after that place."""
