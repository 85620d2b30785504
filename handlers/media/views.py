"""Who may have a file, and the short-lived URL under which they get it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from handlers.errors import ChatError, not_found
from handlers.media.filenames import disposition, served_type
from handlers.media.uses import Alive, AllUses
from handlers.principal import Principal
from handlers.wire import rfc3339
from persistence.models import Media, MediaKind
from persistence.ports import MediaRecords, Objects


class MediaView(msgspec.Struct, frozen=True, kw_only=True):
    """A file. `url` is good until `expires_at`, for whoever has it; ask again for another."""

    id: str
    media_id: str
    owner_id: str
    kind: MediaKind
    content_type: str
    size: int
    filename: str | None
    created_at: str
    url: str
    expires_at: str


class MediaViews:
    """Hands out URLs of files."""

    def __init__(
        self,
        records: MediaRecords,
        objects: Objects,
        uses: AllUses,
        clock: Callable[[], int],
        *,
        ttl_s: int,
    ) -> None:
        self._records = records
        self._objects = objects
        self._uses = uses
        self._clock = clock
        self._ttl_s = ttl_s

    async def get(self, principal: Principal, media_id: str) -> MediaView:
        """The file and its URL. Raises `ChatError` (`NOT_FOUND`), `StoreUnavailable`."""
        media = await self._records.get(media_id)
        if media is None or media.doomed:
            raise _hidden()
        if media.owner_id == principal.user_id:
            shown = await self._for_owner(media)
        else:
            shown = None if media.key is None else await self._uses.shown(principal.user_id, media)
        if shown is None:
            raise _hidden()
        return self._view(media, media.key or media.upload_key, shown)

    async def _for_owner(self, media: Media) -> Alive | None:
        """What they have uploaded, and then as long as anything shows it: what is deleted is gone for them too."""
        if media.key is None:
            return Alive() if await self._objects.head(media.upload_key) else None
        now = self._clock()
        for use in reversed(media.uses):
            state = await self._uses.state(media, use.name, use.at, now)
            if isinstance(state, Alive):
                return state
        return None

    def _view(self, media: Media, key: str, shown: Alive) -> MediaView:
        now = self._clock()
        ttl_s = self._ttl_s if shown.until is None else min(self._ttl_s, (shown.until - now) // 1000)
        if ttl_s < 1:
            raise _hidden()
        url = self._objects.sign_download(
            key,
            content_type=served_type(media.content_type),
            disposition=disposition(media.content_type, media.filename),
            ttl_s=ttl_s,
        )
        return MediaView(
            id=media.id,
            media_id=media.id,
            owner_id=media.owner_id,
            kind=media.kind,
            content_type=media.content_type,
            size=media.size,
            filename=media.filename,
            created_at=rfc3339(media.created_at),
            url=url,
            expires_at=rfc3339(now + ttl_s * 1000),
        )


def _hidden() -> ChatError:
    return not_found("file")
