"""What is known of files, and the store that holds them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from persistence.models import Media, SignedUpload, StoredObject


class MediaRecords(Protocol):
    """Files, but for their bytes."""

    async def create(self, media: Media) -> None:
        """Remember a new file."""

    async def get(self, media_id: str) -> Media | None:
        """One file."""

    async def pending(self, owner_id: str, *, cap: int) -> int:
        """How many files of this owner have never been used, counted up to `cap`."""

    async def of_owner(self, owner_id: str, *, after_id: str | None, limit: int) -> list[Media]:
        """An owner's files, in order of their ids."""

    async def due(self, now: int, *, limit: int) -> list[Media]:
        """Files whose `review_at` has come, the longest due first."""

    async def swap(self, changes: Sequence[tuple[str, Media]]) -> list[bool]:
        """Put each record in the place of the one of its id, if that still has the stamp given; whether each is there now.

        Repeated, it says the same, as long as nobody else has changed the record since.
        """

    async def remove(self, media_ids: Sequence[str]) -> None:
        """Forget those of these files that are doomed."""


class Objects(Protocol):
    """The bytes. Clients fetch and store them directly, by URLs that a node signs; no node ever touches them.

    What it signs, it signs without asking the store: signing neither waits nor fails.
    """

    def sign_upload(self, key: str, *, content_type: str, size: int, ttl_s: int) -> SignedUpload:
        """A request that stores exactly so many bytes of this type there. The store refuses every other, and this one after `ttl_s`."""

    def sign_download(self, key: str, *, content_type: str, disposition: str, ttl_s: int) -> str:
        """A URL that gives the object, with these as its `Content-Type` and `Content-Disposition`, for `ttl_s`."""

    async def head(self, key: str) -> StoredObject | None:
        """What is there; `None` if nothing is."""

    async def copy(self, source: str, target: str, *, content_type: str) -> bool:
        """Copy an object within the store; `False` if it is not there."""

    async def put(self, key: str, body: bytes | Path, *, content_type: str) -> None:
        """Store what a node itself has made: bytes, or the content of a file."""

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove objects; those that are not there are no error."""
