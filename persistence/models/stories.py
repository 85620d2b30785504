"""Stories, and who has seen them."""

from enum import StrEnum
from typing import Any

import msgspec


class StoryType(StrEnum):
    """The kinds of content a story can have."""

    TEXT = "text"
    IMAGE = "image"
    VIDEO = "video"


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """Something a user shows to others until `expires_at`, at most.

    `client_id` is the user's own name for it; `audience` the chosen users, `None` for all contacts. One that was `deleted` expired at that moment, and keeps no
    content. `moved_at` is when it was last written, and `tries` how often what is to be announced of it next has been claimed.
    """

    id: str
    user_id: str
    client_id: str
    type: StoryType
    content: dict[str, Any]
    media_id: str | None = None
    audience: tuple[str, ...] | None = None
    created_at: int
    expires_at: int
    deleted: bool = False
    moved_at: int = 0
    tries: int = 0


class StoryMark(msgspec.Struct, frozen=True, array_like=True):
    """That there is a story, for those who put many in order."""

    id: str
    user_id: str
    created_at: int


class Viewing(msgspec.Struct, frozen=True, kw_only=True):
    """A user has seen a story of somebody else (`owner_id`)."""

    story_id: str
    owner_id: str
    user_id: str
    at: int
    moved_at: int = 0
