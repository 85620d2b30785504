"""Removes files that nothing shows any more.

Everything that may have ended a use of a file has made the file due for review: a deleted message, an expired story, another profile picture, an upload that
was never used, the first minutes of one that was. Whoever claims it looks at each of its uses. Is none left, it is doomed: from then on nobody can take it into
use. Its objects are removed at once, and once more when no upload or copy can be under way any more, and then its record: a crash in between leaves a record
that is due.

Each step replaces the record only as it was read. So what is taken into use meanwhile is looked at again, never removed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

import trio
from msgspec import structs

from handlers.media.library import MARGIN_MS, MediaLibrary
from handlers.media.uses import Alive, AllUses
from handlers.outage import Outage
from persistence.errors import StoreUnavailable
from persistence.models import Media, MediaUse
from persistence.ports import MediaRecords, Objects
from supervisors import Child

AT_ONCE: Final = 100
"""Files that one node looks at together."""
CLAIM_MS: Final = 60_000
"""After so long another node may look at what this one has claimed and not settled."""
AGAIN_MS: Final = 30 * 86_400_000
"""Even what is shown is looked at again: its chat, or its owner's account, may be gone, which says nothing of each file."""
RETRY_S: Final = 2.0

log: Final = logging.getLogger(__name__)


class MediaReview:
    """The worker.

    Args:
        orphan_s: how long an upload may be without a use.
        every_s: between two looks, unless something becomes due here.

    Attributes:
        removed: files, since the start.

    """

    def __init__(
        self,
        records: MediaRecords,
        objects: Objects,
        library: MediaLibrary,
        uses: AllUses,
        clock: Callable[[], int],
        new_id: Callable[[], str],
        *,
        orphan_s: int,
        every_s: float,
    ) -> None:
        self._records = records
        self._objects = objects
        self._library = library
        self._uses = uses
        self._clock = clock
        self._new_id = new_id
        self._orphan_ms = orphan_s * 1000
        self._every_s = every_s
        self._outage = Outage(
            log,
            "files that are not used any more stay for now",
            "files that are not used any more are removed again",
            level=logging.DEBUG,
        )
        self.removed = 0

    async def run(self, child: Child) -> None:
        """The worker, as a supervised child."""
        child.ready()
        with child.cancel_on_stop():
            while True:
                try:
                    while await self._round() == AT_ONCE:
                        pass
                    self._outage.succeeded()
                    pause = self._every_s
                except StoreUnavailable as error:
                    self._outage.failed(store=error.store, reason=error.reason)
                    pause = RETRY_S
                with trio.move_on_after(pause):
                    await self._library.due.wait()

    async def _round(self) -> int:
        """Look at some of what is due; how many that was. Raises `StoreUnavailable`."""
        now = self._clock()
        due = await self._records.due(now, limit=AT_ONCE)
        claims = [self._next(media, review_at=now + CLAIM_MS) for media in due]
        done = await self._records.swap([(was.stamp, claim) for was, claim in zip(due, claims, strict=True)])
        mine = [claim for claim, own in zip(claims, done, strict=True) if own]
        looked = [(media, await self._look(media, now)) for media in mine]
        condemned = [(was, after) for was, after in looked if after.doomed and not was.doomed]
        sure = await self._records.swap([(was.stamp, after) for was, after in condemned])
        doomed = [after for was, after in looked if was.doomed]
        doomed += [after for (_, after), own in zip(condemned, sure, strict=True) if own]
        kept = [(was, after) for was, after in looked if not after.doomed]
        await self._objects.delete(
            [key for media in doomed for key in (media.upload_key, *media.copies)]
            + [key for was, after in kept for key in self._litter(was, now)]
        )
        late = [media for media in doomed if now >= self._quiet_at(media)]
        await self._records.remove([media.id for media in late])
        self.removed += len(late)
        again = [
            (media, self._next(media, review_at=self._quiet_at(media)))
            for media in doomed
            if media not in late
        ]
        await self._records.swap([(was.stamp, after) for was, after in (*kept, *again)])
        return len(due)

    async def _look(self, media: Media, now: int) -> Media:
        """The file as it should be: without the uses that are over, and doomed if none is left. Raises `StoreUnavailable`."""
        if media.doomed:
            return media
        alive: list[MediaUse] = []
        times = [self._quiet_at(media)] if media.key is not None else [media.created_at + self._orphan_ms]
        for use in media.uses:
            state = await self._uses.state(media, use.name, use.at, now)
            if isinstance(state, Alive):
                alive.append(use)
                times += [state.until] if state.until is not None else []
        if not alive and (media.key is not None or now >= times[0]):
            return self._next(media, uses=(), doomed_at=now, review_at=now + CLAIM_MS)
        review_at = min((at for at in times if at > now), default=now + AGAIN_MS)
        copies = media.copies if self._litter(media, now) == [] else (media.key or "",)
        return self._next(media, uses=tuple(alive), copies=copies, review_at=review_at)

    def _litter(self, media: Media, now: int) -> list[str]:
        """Objects that nobody will be shown: what was uploaded, and copies that others were faster with; once nothing can be writing them any more."""
        if media.key is None or now < self._quiet_at(media):
            return []
        return [media.upload_key, *(key for key in media.copies if key != media.key)]

    def _quiet_at(self, media: Media) -> int:
        """When nothing that was begun with this file can be under way any more: an upload, or a copy for a first use."""
        began = [self._library.upload_end(media), *(use.at for use in media.uses)]
        return max(began if media.doomed_at is None else [*began, media.doomed_at]) + MARGIN_MS

    def _next(self, media: Media, **changes: Any) -> Media:
        return structs.replace(media, stamp=self._new_id(), **changes)
