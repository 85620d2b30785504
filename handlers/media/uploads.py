"""Uploads: a client says what it is going to upload, and is told where."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from config.media import KindSettings, MediaSettings
from handlers.errors import ChatError, Code, invalid
from handlers.media.filenames import MOST_CHARS, clean_filename
from handlers.principal import Principal
from handlers.wire import rfc3339
from persistence.models import Media, MediaKind
from persistence.ports import MediaRecords, Objects

ANY: Final = "*/*"
RETRY_AFTER_MS: Final = 60_000
"""For somebody who has begun too many uploads: some may have been used or removed by then."""
_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")
"""RFC 6838, section 4.2."""


class UploadBody(msgspec.Struct, frozen=True, kw_only=True):
    """What is going to be uploaded: the body of `POST /media/uploads`. Exactly this size and type is what the object store then takes."""

    kind: MediaKind
    content_type: Annotated[str, Meta(min_length=3, max_length=255)]
    size: Annotated[int, Meta(ge=1, le=2**53)]
    filename: Annotated[str, Meta(max_length=MOST_CHARS)] | None = None


class UploadTarget(msgspec.Struct, frozen=True, kw_only=True):
    """The request that uploads it, directly to the object store: with these headers, without a token, until `expires_at`."""

    method: str
    url: str
    headers: dict[str, str]
    expires_at: str


class UploadAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An upload that can begin. What is not used within a day or so is removed."""

    media_id: str
    upload: UploadTarget


class Uploads:
    """Begins uploads."""

    def __init__(
        self,
        records: MediaRecords,
        objects: Objects,
        clock: Callable[[], int],
        new_id: Callable[[], str],
        settings: MediaSettings,
    ) -> None:
        self._records = records
        self._objects = objects
        self._clock = clock
        self._new_id = new_id
        self._limits: dict[MediaKind, KindSettings] = {
            kind: getattr(settings, kind.value) for kind in MediaKind
        }
        self._upload_ttl_s = settings.upload_ttl_s
        self._orphan_s = settings.orphan_s
        self._most_unused = settings.max_unused

    async def begin(self, principal: Principal, body: UploadBody) -> UploadAnswer:
        """Sign an upload. Raises `ChatError` (`INVALID`, `RATE_LIMITED`), `StoreUnavailable`."""
        content_type = check_upload(body, self._limits[body.kind])
        owner_id = principal.user_id
        if await self._records.pending(owner_id, cap=self._most_unused) >= self._most_unused:
            raise ChatError(
                Code.RATE_LIMITED,
                "too many files uploaded and not used; use some, or try again later",
                retry_after_ms=RETRY_AFTER_MS,
            )
        now = self._clock()
        media = Media(
            id=self._new_id(),
            owner_id=owner_id,
            kind=body.kind,
            content_type=content_type,
            size=body.size,
            filename=None if body.filename is None else clean_filename(body.filename),
            created_at=now,
            stamp=self._new_id(),
            review_at=now + self._orphan_s * 1000,
        )
        # Remembered before anybody can upload it: what nobody knows of, nobody would remove.
        await self._records.create(media)
        signed = self._objects.sign_upload(
            media.upload_key, content_type=content_type, size=media.size, ttl_s=self._upload_ttl_s
        )
        target = UploadTarget(
            method=signed.method,
            url=signed.url,
            headers=signed.headers,
            expires_at=rfc3339(now + self._upload_ttl_s * 1000),
        )
        return UploadAnswer(media_id=media.id, upload=target)


def check_upload(body: UploadBody, limit: KindSettings) -> str:
    """The type, without parameters and in lower case. Raises `ChatError` (`INVALID`) for what its kind may not be."""
    content_type = body.content_type.partition(";")[0].strip().lower()
    if not _TYPE.fullmatch(content_type):
        raise invalid("content_type", 'must be a type like "image/png"')
    if ANY not in limit.types and content_type not in limit.types:
        raise invalid("content_type", f"is not a type of {body.kind.value} that is taken here")
    if body.size > limit.most_bytes:
        raise invalid("size", f"must be at most {limit.most_bytes} for this kind")
    return content_type
