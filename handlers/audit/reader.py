"""Reading the audit log, and that it was read. For operators; who is one, the caller has checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from handlers.audit.audit import Audit
from handlers.errors import invalid
from handlers.pages import MOST_CURSOR, CursorReader, Page, to_cursor
from handlers.principal import Principal
from handlers.wire import rfc3339
from persistence.models import AuditAction, AuditEntry, AuditQuery
from persistence.models.audit import Fact
from persistence.ports import AuditLog

AGAIN_MS: Final = 600_000
"""An operator who goes on looking at the same thing is noted so often: a page that asks every two seconds would fill the log."""
MOST_REMEMBERED: Final = 1_000

_Id = Annotated[str, Meta(min_length=1, max_length=64)]
_Time = Annotated[datetime, Meta(tz=True)]


class AuditFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries: all that is given must hold. `since` and `until` are RFC 3339; `user_id` and `chat_id` whom and what an entry is about."""

    action: AuditAction | None = None
    actor_id: _Id | None = None
    user_id: _Id | None = None
    chat_id: _Id | None = None
    since: _Time | None = None
    until: _Time | None = None
    limit: Annotated[int, Meta(ge=1, le=200, description="Items in a page, at most.")] = 50
    cursor: Annotated[str, Meta(max_length=MOST_CURSOR, description="`next` of the page before.")] | None = (
        None
    )


class AuditView(msgspec.Struct, frozen=True, kw_only=True):
    """An entry. `hash` is that of the entry with `previous`, the hash of the one before (docs/operating.md)."""

    seq: int
    id: str
    at: str
    action: str
    actor_id: str | None
    device_id: str | None
    address: str | None
    about: dict[str, str | int | bool]
    previous: str
    hash: str


_read_place: Final = CursorReader(tuple[int, int])


class AuditReader:
    """What operators read, noted.

    Args:
        store: the audit log.
        audit: notes that it was read.
        clock: milliseconds since the epoch.

    """

    def __init__(self, store: AuditLog, audit: Audit, clock: Callable[[], int]) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._looked: dict[tuple[str, str], int] = {}

    async def page(self, principal: Principal, wanted: AuditFilter, address: str) -> Page[AuditView]:
        """Entries, the newest first. That they were asked for is durable before they are given. Raises `ChatError` (`INVALID`), `StoreUnavailable`."""
        query = AuditQuery(
            limit=wanted.limit + 1,
            action=wanted.action,
            actor_id=wanted.actor_id,
            user_id=wanted.user_id,
            chat_id=wanted.chat_id,
            since=_ms(wanted.since, "since"),
            until=_ms(wanted.until, "until"),
            before=_read_place(wanted.cursor),
        )
        await self._audit.record(
            AuditAction.OPERATOR_READ,
            actor_id=principal.user_id,
            device_id=principal.device_id,
            address=address,
            about={"what": "audit", **_given(wanted)},
        )
        entries = await self._store.page(query)
        more, entries = len(entries) > wanted.limit, entries[: wanted.limit]
        place = (entries[-1].note.at, entries[-1].seq) if more else None
        return Page(items=[_view(entry) for entry in entries], next=to_cursor(place) if more else None)

    def looked(self, principal: Principal, what: str, address: str, about: Mapping[str, Fact] = {}) -> None:
        """An operator looks at something that changes all the time. Noted at once, but not again for a while if they go on; never waits, as what they look for may be the outage."""
        key = (principal.user_id, what)
        now = self._clock()
        if self._looked.get(key, 0) > now:
            return
        self._looked.pop(key, None)
        self._looked[key] = now + AGAIN_MS
        if len(self._looked) > MOST_REMEMBERED:
            del self._looked[next(iter(self._looked))]
        self._audit.note(
            AuditAction.OPERATOR_READ,
            actor_id=principal.user_id,
            device_id=principal.device_id,
            address=address,
            about={"what": what, **about},
        )


def _ms(at: datetime | None, field: str) -> int | None:
    if at is None:
        return None
    try:
        return int(at.timestamp() * 1000)
    except (OverflowError, ValueError):
        raise invalid(field, "is no time that a clock shows") from None


def _given(wanted: AuditFilter) -> dict[str, Fact]:
    """What was asked for, as far as it says about whom: so that somebody's entries also tell who looked for them."""
    given: dict[str, Any] = {
        "of_action": wanted.action and wanted.action.value,
        "of_actor_id": wanted.actor_id,
        "user_id": wanted.user_id,
        "chat_id": wanted.chat_id,
    }
    return {name: value for name, value in given.items() if value is not None}


def _view(entry: AuditEntry) -> AuditView:
    note = entry.note
    return AuditView(
        seq=entry.seq,
        id=note.id,
        at=rfc3339(note.at),
        action=note.action,
        actor_id=note.actor_id or None,
        device_id=note.device_id or None,
        address=note.address or None,
        about=dict(note.about),
        previous=entry.previous,
        hash=entry.hash,
    )
