"""What clients may send about stories, and what they see."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from handlers.bodies import Token, clean_content
from handlers.content import PictureContent, TextContent
from handlers.errors import invalid
from handlers.wire import rfc3339
from persistence.models import MessageType, Story, StoryType

MAX_STORY_CHARS: Final = 1_000
"""Longest text or caption of a story, in Unicode code points."""
MAX_AUDIENCE: Final = 1_000
"""Users that can be chosen to see a story."""
ALL_CONTACTS: Final = "contacts"

_Id = Annotated[str, Meta(min_length=1, max_length=64)]
Audience = Literal["contacts"] | Annotated[list[_Id], Meta(min_length=1, max_length=MAX_AUDIENCE)]
StoryContent = Annotated[
    dict[str, Any],
    Meta(
        description="By the type of the story.",
        extra_json_schema={
            "anyOf": [
                *(
                    {"$ref": f"#/components/schemas/{kind.__name__}"}
                    for kind in (TextContent, PictureContent)
                ),
                {"maxProperties": 0},
            ]
        },
    ),
]


class NewStory(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /stories`.

    `audience` are all contacts, or chosen users; of these too only contacts see it. `client_id`, if given, is the user's own name for the story: posting it
    again gives the first answer again.
    """

    type: StoryType
    content: StoryContent
    media_id: Token | None = None
    audience: Audience = ALL_CONTACTS
    client_id: Token | None = None


class StoryView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A story. `seen` says whether the receiver has seen it; `audience` is shown to its owner alone."""

    id: str
    user_id: str
    type: StoryType
    content: StoryContent
    media_id: str | None
    created_at: str
    expires_at: str
    seen: bool
    audience: Audience | None = None


class StoryGroup(msgspec.Struct, frozen=True, kw_only=True):
    """One person's stories, oldest first; `unseen` is how many of them the receiver has not seen."""

    user_id: str
    name: str
    avatar_media_id: str | None
    stories: list[StoryView]
    unseen: int


class ViewerView(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who has seen a story, and when."""

    user_id: str
    name: str
    at: str


class StoryCreated(msgspec.Struct, frozen=True):
    """`STORY_CREATED`."""

    story: StoryView


class StoryExpired(msgspec.Struct, frozen=True):
    """`STORY_EXPIRED`: the story has ended, by itself or because it was deleted."""

    story_id: str
    user_id: str


class StoryViewed(msgspec.Struct, frozen=True):
    """`STORY_VIEWED`, to the story's owner: `user_id` has seen it."""

    story_id: str
    user_id: str
    at: str


def story_view(s: Story, *, seen: bool, own: bool) -> StoryView:
    """The story as others see it, or with `own` as its owner does."""
    chosen: Audience = ALL_CONTACTS if s.audience is None else list(s.audience)
    return StoryView(
        id=s.id,
        user_id=s.user_id,
        type=s.type,
        content=s.content,
        media_id=s.media_id,
        created_at=rfc3339(s.created_at),
        expires_at=rfc3339(s.expires_at),
        seen=seen or own,
        audience=chosen if own else None,
    )


def clean_story(body: NewStory) -> dict[str, Any]:
    """The content with only what its type has, checked. Raises `ChatError` (`INVALID`)."""
    content = clean_content(MessageType(body.type.value), body.content, body.media_id)
    for name in ("text", "caption"):
        if len(content.get(name) or "") > MAX_STORY_CHARS:
            raise invalid(f"content.{name}", f"must be at most {MAX_STORY_CHARS} characters long")
    return content
