"""Files that people send, as everything that shows them needs them: taken into use, let go of.

A file is uploaded to one place and shown from another. When it is used for the first time it is copied there, within the object store, and only what has
arrived is looked at: its owner can upload once more, as long as the URL for that is good, but cannot change what others see.

Nothing is removed here. Whatever may have become superfluous is made due for review (`review_at`), and a worker looks whether a use of it is left
(`handlers/workers/media_review.py`): so a crash at any step leaves behind nothing but a record that somebody will look at.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Final

from msgspec import structs

from handlers.errors import ChatError, Code, invalid
from handlers.signal import Signal
from persistence.models import Media, MediaKind, MediaUse, StoredObject
from persistence.ports import MediaRecords, Objects

TRIES: Final = 20
"""How often a change may be overtaken by others."""
MOST_USES: Final = 200
"""Of one file: all are looked at to see who may have it."""
FRESH_MS: Final = 60_000
"""A use that is asked for again so soon is not written again."""
MARGIN_MS: Final = 300_000
"""After the end of an upload's time, or a first use, until what is left of it is cleared away: an upload, or a copy, that has begun may go on."""


class MediaLibrary:
    """Files in use.

    Args:
        clock: milliseconds since the epoch.
        new_id: makes ids.
        upload_ttl_s: how long an upload may take to begin.

    Attributes:
        due: set when something is due for review.

    """

    def __init__(
        self,
        records: MediaRecords,
        objects: Objects,
        clock: Callable[[], int],
        new_id: Callable[[], str],
        *,
        upload_ttl_s: int,
    ) -> None:
        self._records = records
        self._objects = objects
        self._clock = clock
        self._new_id = new_id
        self._upload_ttl_s = upload_ttl_s
        self.due = Signal()

    async def use(
        self,
        owner_id: str,
        media_id: str,
        kinds: Collection[MediaKind],
        use: str,
        *,
        field: str = "media_id",
    ) -> Media:
        """Take a file into use, before whatever shows it is written. The same use again changes nothing.

        If what was to show it does not come to be after all, the use ends by itself.

        Args:
            owner_id: who uses it.
            media_id: it; it has to be theirs.
            kinds: which it may be of.
            use: its name: one of `handlers.media.uses`.
            field: named in errors.

        Raises:
            ChatError: `INVALID`: there is no such file of theirs, it is of another kind, or it was not uploaded as promised.
            StoreUnavailable: the record or the object store does not answer.

        """
        for _ in range(TRIES):
            media = await self._records.get(media_id)
            if media is None or media.doomed or media.owner_id != owner_id:
                raise invalid(field, "there is no such file of yours")
            if media.kind not in kinds:
                wanted = " or ".join(sorted(kind.value for kind in kinds))
                raise invalid(field, f"is of kind {media.kind.value}, not {wanted}")
            now = self._clock()
            there = media.use(use)
            if there is not None and now < there.at + FRESH_MS:
                return media
            if there is None and len(media.uses) >= MOST_USES:
                raise invalid(field, "is used too often; upload it again")
            if media.key is None:
                published = await self._publish(media, field)
                if published is None:
                    continue
                media = published
            kept = tuple(each for each in media.uses if each.name != use)
            if await self._change(
                media,
                key=media.key,
                uses=(*kept, MediaUse(use, now)),
                review_at=_sooner(media.review_at, max(now, self.upload_end(media)) + MARGIN_MS),
            ):
                return media
        raise _overtaken()

    async def _publish(self, media: Media, field: str) -> Media | None:
        """Copy what was uploaded to where others are to see it; the file with that as its key, or `None` if its record has changed meanwhile."""
        _check(media, await self._objects.head(media.upload_key), field)
        key = f"media/{media.id}/{self._new_id()}"
        # Noted first: so that it will be removed, whatever dies and whoever is faster.
        noted = self._next(media, copies=(*media.copies, key))
        if not await self._put(media, noted):
            return None
        there = await self._objects.copy(media.upload_key, key, content_type=media.content_type)
        _check(media, await self._objects.head(key) if there else None, field)
        return structs.replace(noted, key=key)

    async def let_go(self, media_id: str, use: str) -> None:
        """This use is over, and will not be again under this name. Raises `StoreUnavailable`."""
        for _ in range(TRIES):
            media = await self._records.get(media_id)
            if media is None or media.use(use) is None:
                return
            kept = tuple(each for each in media.uses if each.name != use)
            if await self._change(media, uses=kept, review_at=self._clock()):
                self.due.set()
                return
        raise _overtaken()

    async def reconsider(self, media_id: str, *, after_s: float = 0) -> None:
        """Have somebody look, soon or `after_s`, whether this file is still used. Raises `StoreUnavailable`."""
        for _ in range(TRIES):
            media = await self._records.get(media_id)
            if media is None or media.key is None:
                return
            at = self._clock() + int(after_s * 1000)
            if await self._change(media, review_at=_sooner(media.review_at, at)):
                self.due.set()
                return
        raise _overtaken()

    def upload_end(self, media: Media) -> int:
        """Until when its owner can upload it."""
        return media.created_at + self._upload_ttl_s * 1000

    def _next(self, media: Media, **changes: Any) -> Media:
        return structs.replace(media, stamp=self._new_id(), **changes)

    async def _change(self, media: Media, **changes: Any) -> bool:
        return await self._put(media, self._next(media, **changes))

    async def _put(self, media: Media, after: Media) -> bool:
        (done,) = await self._records.swap([(media.stamp, after)])
        return done


def _check(media: Media, there: StoredObject | None, field: str) -> None:
    """Raise `ChatError` unless this is what its owner promised."""
    if there is None:
        raise invalid(field, "has not been uploaded")
    if there.size != media.size:
        raise invalid(field, f"is not as it was promised: {there.size} bytes instead of {media.size}")
    if there.content_type.partition(";")[0].strip().lower() != media.content_type:
        raise invalid(field, f"is not of the promised type {media.content_type}")


def _sooner(one: int | None, other: int) -> int:
    return other if one is None else min(one, other)


def _overtaken() -> ChatError:
    return ChatError(Code.OVERLOADED, "too much happens to this file at once", retry_after_ms=1000)
