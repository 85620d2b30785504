"""Files that people send: what is known of each beside its bytes, which are in the object store."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class MediaKind(StrEnum):
    """What a file is for; each kind has limits of its own."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    DOCUMENT = "document"
    AVATAR = "avatar"


class MediaUse(msgspec.Struct, frozen=True):
    """Something that shows a file: `message:<chat>/<sender>/<client_id>`, `avatar:<user>`, `story:<id>`. `at`: when it was asked for last."""

    name: str
    at: int


class Media(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a user's.

    `key` is the object that others are shown; `None` until the file is used for the first time. `copies` are all objects that were ever to become it.
    `review_at` is when somebody has to look whether its uses still are. What is doomed has no use, cannot get one, and is being removed.
    `stamp` is another after each change: what was read may be replaced only as long as it is the same.
    """

    id: str
    owner_id: str
    kind: MediaKind
    content_type: str
    size: int
    filename: str | None = None
    created_at: int
    stamp: str
    key: str | None = None
    copies: tuple[str, ...] = ()
    uses: tuple[MediaUse, ...] = ()
    review_at: int | None = None
    doomed_at: int | None = None

    @property
    def upload_key(self) -> str:
        """The object that its owner uploads. Never the one that others are shown: its owner may upload again as long as the URL is good."""
        return f"uploads/{self.id}"

    @property
    def doomed(self) -> bool:
        """It is being removed."""
        return self.doomed_at is not None

    def use(self, name: str) -> MediaUse | None:
        """The use of this name."""
        return next((use for use in self.uses if use.name == name), None)


class StoredObject(msgspec.Struct, frozen=True):
    """An object in the object store, as the store says."""

    size: int
    content_type: str


class SignedUpload(msgspec.Struct, frozen=True):
    """A request that uploads one object: whoever has it can send it, as it is, until it expires."""

    method: str
    url: str
    headers: dict[str, str]
