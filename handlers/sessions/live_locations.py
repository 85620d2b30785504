"""Live location: the last position of whoever shares it with a `location` message, streamed to those who have the chat open.

The record decides what is live: a message with `live_until` in the future, not deleted, of that sender. Positions in between are in Redis alone, and may be lost with it. When the
sharing ends, by itself or because its sender says so, the last position is written into the message as an edit, so that history shows where it ended.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
import trio
from msgspec import Meta

from handlers.alarm import Alarm
from handlers.bodies import Seq
from handlers.content import Accuracy, Latitude, Longitude
from handlers.errors import ChatError, Code, invalid, not_found, unavailable
from handlers.outage import Outage
from handlers.policy import Action
from handlers.protocol import CHAT_PREFIX, encode, event_text
from handlers.routing.router import Router
from handlers.routing.routers import Routers
from handlers.routing.writer import Writer
from handlers.wire import rfc3339
from persistence.errors import StoreUnavailable
from persistence.models import LivePosition, Message, MessageType
from persistence.ports import LivePositions, MessageLog

log: Final = logging.getLogger(__name__)


class LocationUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """The payload of `location:update`: where one is, for the live location that is message `seq`."""

    seq: Seq
    lat: Latitude
    lng: Longitude
    accuracy: Accuracy | None = None


class LocationStop(msgspec.Struct, frozen=True, kw_only=True):
    """The payload of `location:stop`."""

    seq: Seq


class LocationUpdated(msgspec.Struct, frozen=True, kw_only=True):
    """`LOCATION_UPDATED`: where whoever shares it with message `seq` is, at a time; one with an earlier `at` than another of the same message is out of date."""

    chat_id: str
    seq: int
    user_id: str
    lat: float
    lng: float
    accuracy: Annotated[float, Meta(ge=0)] | None
    at: str


def located(position: LivePosition) -> LocationUpdated:
    """The position as others see it."""
    return LocationUpdated(
        chat_id=position.chat_id,
        seq=position.seq,
        user_id=position.user_id,
        lat=position.lat,
        lng=position.lng,
        accuracy=position.accuracy,
        at=rfc3339(position.at),
    )


def live_until(message: Message) -> int | None:
    """Until when the message's location is live, in milliseconds; `None` for what never was."""
    given = message.content.get("live_until")
    if message.type is not MessageType.LOCATION or message.deleted or given is None:
        return None
    return round(datetime.fromisoformat(given).timestamp() * 1000)


def final_content(message: Message, last: LivePosition | None, ended_at: int) -> dict[str, Any]:
    """What the message says when the sharing is over: the last position, and when it ended."""
    content = dict(message.content)
    if last is not None:
        content |= {"lat": last.lat, "lng": last.lng}
        content.pop("accuracy", None)
        if last.accuracy is not None:
            content["accuracy"] = last.accuracy
    return content | {"live_until": rfc3339(ended_at)}


class Checked(msgspec.Struct, frozen=True):
    """That a message was the user's own live location when the chat's log had come as far as `rev`."""

    rev: int
    until: int


class LiveLocations:
    """Takes positions, keeps the last, ends what is over.

    Args:
        positions: the last ones.
        store: the record.
        routers: tell those who have a chat open.
        writer: writes edits.
        clock: milliseconds since the epoch.

    Attributes:
        ends: rings when the time of one is over that was shared here.

    """

    def __init__(
        self,
        positions: LivePositions,
        store: MessageLog,
        routers: Routers,
        writer: Writer,
        clock: Callable[[], int],
    ) -> None:
        self._positions = positions
        self._store = store
        self._routers = routers
        self._writer = writer
        self._clock = clock
        self.ends = Alarm()
        self._outage = Outage(
            log,
            "live positions are not kept while Redis is away",
            "live positions are kept",
            level=logging.DEBUG,
        )

    async def update(
        self, router: Router, user_id: str, body: LocationUpdate, known: Checked | None
    ) -> Checked:
        """Where the sharing user is: kept, and told to those who have the chat open. What was checked, for the next time.

        Raises:
            ChatError: `NOT_FOUND` (no such message), `FORBIDDEN` (another's, or one may not), `INVALID` (not a live location), `CONFLICT` (over).

        """
        room = router.room
        room.allow(Action.SHARE_LOCATION, user_id)
        # Whatever ends it is in the chat's log: as long as nothing has come there, what was found is so.
        if known is None or known.rev != room.head.rev:
            rev = room.head.rev
            _, until = await self._own(room.chat.id, user_id, body.seq)
            known = Checked(rev, until)
        now = self._clock()
        if now >= known.until:
            raise ChatError(Code.CONFLICT, "the location is no longer live")
        position = LivePosition(
            chat_id=room.chat.id,
            seq=body.seq,
            user_id=user_id,
            lat=body.lat,
            lng=body.lng,
            accuracy=body.accuracy,
            at=now,
            until=known.until,
        )
        with self._outage.met():
            await self._positions.put(position)
            self.ends.set(trio.current_time() + (position.until - now) / 1000)
        # Also when it could not be kept: the next position is kept again.
        router.audience.tell_open(_text(position))
        return known

    async def stop(self, router: Router, user_id: str, seq: int) -> Message:
        """End the sharing now; the message as it is then. Ending what is over changes nothing.

        Raises:
            ChatError: as `update`, but for `CONFLICT`.

        """
        router.room.allow(Action.SHARE_LOCATION, user_id)
        message, until = await self._own(router.room.chat.id, user_id, seq)
        now = self._clock()
        if until <= now:
            return message
        last = await self._last(message)
        ended = await self._writer.rewrite(router, user_id, seq, final_content(message, last, now))
        await self._forget(last)
        return ended

    async def _own(self, chat_id: str, user_id: str, seq: int) -> tuple[Message, int]:
        """The user's own message that is, or was, a live location, and until when."""
        try:
            message = await self._store.get(chat_id, seq)
        except StoreUnavailable as error:
            raise unavailable("the message store") from error
        if message is None or message.deleted:
            raise not_found("message")
        if message.sender_id != user_id:
            raise ChatError(Code.FORBIDDEN, "only its sender says where a live location is")
        until = live_until(message)
        if until is None:
            raise invalid("seq", "is not a live location")
        return message, until

    async def _last(self, message: Message) -> LivePosition | None:
        try:
            return await self._positions.get(message.chat_id, message.seq)
        except StoreUnavailable:
            return None  # it ends where it began

    async def _forget(self, position: LivePosition | None) -> None:
        if position is None:
            return
        try:
            await self._positions.forget([position])
        except StoreUnavailable as error:
            self._outage.failed(reason=error.reason)  # it goes when its time is over

    # -- for whoever opens the chat ----------------------------------------------------------------------------------

    async def in_chat(self, router: Router) -> list[bytes]:
        """Frames with the last position of each location that is live in the chat. While Redis is away, none. Raises `ChatError`."""
        chat_id = router.room.chat.id
        try:
            positions = await self._positions.in_chat(chat_id)
        except StoreUnavailable:
            return []
        now = self._clock()
        live = [position for position in positions if position.until > now]
        return [_text(position) for position in live if await self._is_live(router, position)]

    async def _is_live(self, router: Router, position: LivePosition) -> bool:
        """Whether the record has it so, and who shares it is still in the chat."""
        try:
            message = await self._store.get(position.chat_id, position.seq)
        except StoreUnavailable as error:
            raise unavailable("the message store") from error
        if message is None or message.sender_id != position.user_id:
            return False
        await self._routers.router_for(position.chat_id, position.user_id)
        return (live_until(message) or 0) > self._clock() and router.room.role(position.user_id) is not None

    # -- at the end --------------------------------------------------------------------------------------------------

    async def finish(self, position: LivePosition) -> None:
        """The time of this sharing is over: write its last position into the message. Raises `StoreUnavailable`, `ChatError` (`UNAVAILABLE`, `OVERLOADED`)."""
        message = await self._store.get(position.chat_id, position.seq)
        # If the message says another time, it was ended, and written, before.
        if message is not None and live_until(message) == position.until:
            content = final_content(message, position, position.until)
            if content != message.content:
                await self._write(message, content)
        await self._positions.forget([position])

    async def _write(self, message: Message, content: dict[str, Any]) -> None:
        try:
            router = await self._routers.router_for(message.chat_id, message.sender_id)
            await self._writer.rewrite(router, message.sender_id, message.seq, content)
        except ChatError as error:
            if error.code.retryable:
                raise
            # Who shared it is not in the chat any more, or may not write there: it ends as it is.
            log.info("a live location ends without its last position", extra={"reason": error.code.slug})


def _text(position: LivePosition) -> bytes:
    return event_text(CHAT_PREFIX + position.chat_id, "LOCATION_UPDATED", encode(located(position)))
