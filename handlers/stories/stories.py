"""Stories: posting them, who sees them, and who has seen them.

A story is there until `expires_at`: everything that reads asks the clock, and nothing waits for a worker to remove it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from msgspec import structs

from handlers.errors import ChatError, Code, FieldError, invalid, not_found
from handlers.media.library import MediaLibrary
from handlers.pages import CursorReader, Page, PageQuery, to_cursor
from handlers.people.contacts import Contacts
from handlers.principal import Principal
from handlers.stories.announcements import concerned, has_ended
from handlers.stories.media import story_use
from handlers.stories.views import (
    ALL_CONTACTS,
    NewStory,
    StoryGroup,
    StoryView,
    ViewerView,
    clean_story,
    story_view,
)
from handlers.wire import rfc3339
from handlers.workers.announcer import LEASE_MS, Announcer
from persistence.models import AccountJob, MediaKind, Story, StoryMark, Viewing
from persistence.ports import Stories, StoryViews, Users

_read_group: Final = CursorReader(tuple[bool, int, str])
_read_viewer: Final = CursorReader(tuple[int, str])


class UserStories:
    """The stories of users.

    Args:
        stories, views, users: the record.
        contacts: who may see whose.
        announcer: tells those concerned.
        media: the files that stories show.
        clock: milliseconds since the epoch.
        new_id: makes ids.
        ttl_s: how long a story is there.
        most: stories that a user may have at a time.

    """

    def __init__(
        self,
        *,
        stories: Stories,
        views: StoryViews,
        users: Users,
        contacts: Contacts,
        announcer: Announcer,
        media: MediaLibrary,
        clock: Callable[[], int],
        new_id: Callable[[], str],
        ttl_s: int,
        most: int,
    ) -> None:
        self._stories = stories
        self._views = views
        self._users = users
        self._contacts = contacts
        self._announcer = announcer
        self._media = media
        self._clock = clock
        self._new_id = new_id
        self._ttl_s = ttl_s
        self._most = most

    async def post(self, principal: Principal, body: NewStory) -> tuple[StoryView, bool]:
        """A story, and whether it is new. Raises `ChatError` (`INVALID`; `CONFLICT` for one too many, or a `client_id` whose story has ended)."""
        content = clean_story(body)
        audience = await self._audience(principal, body)
        now = self._clock()
        story_id = self._new_id()
        story = Story(
            id=story_id,
            user_id=principal.user_id,
            client_id=body.client_id or story_id,
            type=body.type,
            content=content,
            media_id=body.media_id,
            audience=audience,
            created_at=now,
            expires_at=now + self._ttl_s * 1000,
            moved_at=now,
        )
        # Two that post at the same time may both be the last one that fits: the limit is there to keep lists short.
        if await self._stories.count(principal.user_id, now) >= self._most:
            raise ChatError(Code.CONFLICT, f"one can have {self._most} stories at a time")
        if body.media_id is not None:
            # If the story does not come to be, or was there already, this use ends by itself.
            kinds = (MediaKind(body.type.value),)
            await self._media.use(principal.user_id, body.media_id, kinds, story_use(story_id))
        stored, created = await self._stories.add(story, due_at=now + LEASE_MS)
        if created:
            self._announcer.written(stored)
        elif has_ended(stored, now):
            raise ChatError(Code.CONFLICT, "the story with this client_id has ended")
        return story_view(stored, seen=True, own=True), created

    async def _audience(self, principal: Principal, body: NewStory) -> tuple[str, ...] | None:
        if body.audience == ALL_CONTACTS:
            return None
        chosen = tuple(dict.fromkeys(user_id for user_id in body.audience if user_id != principal.user_id))
        if not chosen:
            raise invalid("audience", "must name somebody else")
        known = await self._users.get_many(chosen)
        errors = tuple(
            FieldError(f"audience[{index}]", "there is no such user")
            for index, user_id in enumerate(body.audience)
            if user_id not in known and user_id != principal.user_id
        )
        if errors:
            raise ChatError(Code.INVALID, "audience: some users do not exist", errors=errors)
        return chosen

    async def page(self, principal: Principal, query: PageQuery) -> Page[StoryGroup]:
        """Whose stories the caller sees, their own among them: first those with something not seen yet, then by the newest story.

        Raises:
            ChatError: `INVALID` for a cursor that is none.

        """
        after = _read_group(query.cursor)
        me, now = principal.user_id, self._clock()
        marks = await self._stories.shown([me, *await self._contacts.of(me)], me, now)
        seen = await self._views.seen(me, [mark.id for mark in marks if mark.user_id != me])
        groups: dict[str, list[StoryMark]] = {}
        for mark in marks:
            groups.setdefault(mark.user_id, []).append(mark)
        places = sorted(_place(me, user_id, group, seen) for user_id, group in groups.items())
        rest = [place for place in places if after is None or place > after]
        shown = [user_id for _, _, user_id in rest[: query.limit]]
        items = await self._groups(me, {user_id: groups[user_id] for user_id in shown}, seen, now)
        more = len(rest) > query.limit
        return Page(items=items, next=to_cursor(rest[query.limit - 1]) if more else None)

    async def _groups(
        self, me: str, groups: dict[str, list[StoryMark]], seen: set[str], now: int
    ) -> list[StoryGroup]:
        stories = await self._stories.get_many([mark.id for group in groups.values() for mark in group])
        users = await self._users.get_many(list(groups))
        items: list[StoryGroup] = []
        for user_id, group in groups.items():
            ordered = sorted(group, key=lambda mark: (mark.created_at, mark.id))
            there = [stories[mark.id] for mark in ordered if mark.id in stories]
            views = [
                story_view(story, seen=story.id in seen, own=user_id == me)
                for story in there
                if not has_ended(story, now)  # deleted in between
            ]
            user = users.get(user_id)
            if views and user is not None:
                unseen = sum(not view.seen for view in views)
                items.append(
                    StoryGroup(
                        user_id=user_id,
                        name=user.name,
                        avatar_media_id=user.avatar_media_id,
                        stories=views,
                        unseen=unseen,
                    )
                )
        return items

    async def visible(self, user_id: str, story_id: str) -> Story:
        """The story, if the user may see it now. Raises `ChatError` (`NOT_FOUND`)."""
        story = await self._stories.get(story_id)
        if story is None or has_ended(story, self._clock()):
            raise not_found("story")
        if user_id != story.user_id and user_id not in concerned(
            story, await self._contacts.of(story.user_id)
        ):
            raise not_found("story")
        return story

    async def view(self, principal: Principal, story_id: str) -> None:
        """The caller has seen the story, which its owner is told the first time. Raises `ChatError` (`NOT_FOUND`)."""
        story = await self.visible(principal.user_id, story_id)
        if story.user_id == principal.user_id:
            return
        now = self._clock()
        view = Viewing(
            story_id=story.id, owner_id=story.user_id, user_id=principal.user_id, at=now, moved_at=now
        )
        if await self._views.add(view, due_at=now + LEASE_MS):
            self._announcer.viewed(view)

    async def viewers(self, principal: Principal, story_id: str, query: PageQuery) -> Page[ViewerView]:
        """Who has seen one's own story, newest first, without those between whom and oneself there is a block by now.

        Raises:
            ChatError: `NOT_FOUND`, `FORBIDDEN` for the story of another, `INVALID`.

        """
        before = _read_viewer(query.cursor)
        await self._own(principal, story_id)
        views = await self._views.page(story_id, before=before, limit=query.limit + 1)
        more, views = len(views) > query.limit, views[: query.limit]
        user_ids = [view.user_id for view in views]
        strangers = await self._contacts.strangers(principal.user_id, user_ids) if user_ids else set()
        users = await self._users.get_many(user_ids)
        items = [
            ViewerView(user_id=view.user_id, name=users[view.user_id].name, at=rfc3339(view.at))
            for view in views
            if view.user_id in users and view.user_id not in strangers
        ]
        return Page(items=items, next=to_cursor((views[-1].at, views[-1].user_id)) if more else None)

    async def delete(self, principal: Principal, story_id: str) -> None:
        """End one's own story now. Raises `ChatError` (`NOT_FOUND`, `FORBIDDEN` for the story of another)."""
        await self._own(principal, story_id)
        if not await self._end(principal.user_id, story_id):
            raise not_found("story")

    async def _end(self, user_id: str, story_id: str) -> bool:
        now = self._clock()
        before = await self._stories.end(story_id, user_id, at=now, due_at=now + LEASE_MS)
        if before is not None:
            self._announcer.written(structs.replace(before, expires_at=now, deleted=True))
        return before is not None

    async def leave(self, job: AccountJob) -> None:
        """The account is deleted: end all of its stories. What it has seen goes with the others' stories, within two days. Raises `StoreUnavailable`."""
        for mark in await self._stories.shown([job.user_id], job.user_id, self._clock()):
            await self._end(job.user_id, mark.id)

    async def _own(self, principal: Principal, story_id: str) -> Story:
        story = await self.visible(principal.user_id, story_id)
        if story.user_id != principal.user_id:
            raise ChatError(Code.FORBIDDEN, "this is for the story's owner only")
        return story


def _place(me: str, user_id: str, group: Sequence[StoryMark], seen: set[str]) -> tuple[bool, int, str]:
    """Where a person's stories stand in the list."""
    nothing_new = user_id == me or all(mark.id in seen for mark in group)
    return nothing_new, -max(mark.created_at for mark in group), user_id
