"""What is known of files, in memory."""

from __future__ import annotations

from collections.abc import Sequence

from persistence.memory.record import Record
from persistence.models import Media


class MemoryMedia:
    """`MediaRecords` in memory."""

    def __init__(self, record: Record) -> None:
        self._r = record

    async def create(self, media: Media) -> None:
        await self._r.faults.before("create_media")
        self._r.media.setdefault(media.id, media)
        await self._r.faults.after("create_media")

    async def get(self, media_id: str) -> Media | None:
        await self._r.faults.before("get_media")
        return self._r.media.get(media_id)

    async def pending(self, owner_id: str, *, cap: int) -> int:
        await self._r.faults.before("pending_media")
        return min(cap, sum(m.owner_id == owner_id and m.key is None for m in self._r.media.values()))

    async def of_owner(self, owner_id: str, *, after_id: str | None, limit: int) -> list[Media]:
        await self._r.faults.before("media_of_owner")
        found = sorted((m for m in self._r.media.values() if m.owner_id == owner_id), key=lambda m: m.id)
        return [m for m in found if after_id is None or m.id > after_id][:limit]

    async def due(self, now: int, *, limit: int) -> list[Media]:
        await self._r.faults.before("due_media")
        due = [(m.review_at, m.id, m) for m in self._r.media.values() if m.review_at is not None]
        return [m for at, _, m in sorted(due, key=lambda each: each[:2]) if at <= now][:limit]

    async def swap(self, changes: Sequence[tuple[str, Media]]) -> list[bool]:
        if not changes:
            return []
        await self._r.faults.before("swap_media")
        for was, after in changes:
            there = self._r.media.get(after.id)
            if there is not None and there.stamp == was:
                self._r.media[after.id] = after
        done = [
            (there := self._r.media.get(after.id)) is not None and there.stamp == after.stamp
            for _, after in changes
        ]
        await self._r.faults.after("swap_media")
        return done

    async def remove(self, media_ids: Sequence[str]) -> None:
        await self._r.faults.before("remove_media")
        for media_id in media_ids:
            there = self._r.media.get(media_id)
            if there is not None and there.doomed:
                del self._r.media[media_id]
        await self._r.faults.after("remove_media")
