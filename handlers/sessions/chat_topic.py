"""The topic `chat:<id>`: a chat that is open on somebody's screen. Typing, who else is there, and where people are who share it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, Final, Literal

import msgspec
import trio

from handlers.errors import ChatError
from handlers.limits import Bucket
from handlers.policy import Action
from handlers.protocol import CHAT_PREFIX, Prepared, Push, encode, event_text, reply_ok
from handlers.routing.router import Router
from handlers.routing.routers import Routers
from handlers.sessions.live_locations import Checked, LiveLocations, LocationStop, LocationUpdate
from handlers.sessions.open_chats import OpenChatTracker
from handlers.sessions.pushes import Served
from handlers.sessions.session import Rest, Session
from handlers.wire import message_view

TYPING_PER_SECOND: Final = 5.0
TYPING_BURST: Final = 20.0
POSITIONS_PER_SECOND: Final = 2.0
POSITIONS_BURST: Final = 10.0
MOST_SHARED: Final = 16
"""Live locations that one connection is remembered to share; beyond it, each position of theirs costs a look at the record."""
MOST_LOOKS: Final = 3
"""How often positions are read anew for somebody who opens a chat while others arrive."""


class TypingPush(msgspec.Struct, frozen=True):
    """The payload of `typing`."""

    state: Literal["start", "stop"]


class Typing(msgspec.Struct, frozen=True):
    """`TYPING`: somebody has begun or ceased to type."""

    user_id: str
    state: Literal["start", "stop"]


_decode_typing: Final = msgspec.json.Decoder(TypingPush).decode
_decode_update: Final = msgspec.json.Decoder(LocationUpdate).decode
_decode_stop: Final = msgspec.json.Decoder(LocationStop).decode


class OpenChatTopic(Served):
    """A chat that one connection has open."""

    __slots__ = (
        "_bucket", "_left", "_locations", "_positions", "_router", "_session", "_shared", "_tracker", "join_ref",
    )  # fmt: skip

    def __init__(
        self,
        session: Session,
        router: Router,
        tracker: OpenChatTracker,
        locations: LiveLocations,
        join_ref: str | None,
    ) -> None:
        self.join_ref = join_ref
        self._session = session
        self._router = router
        self._tracker = tracker
        self._left = False
        self._locations = locations
        self._bucket = Bucket(TYPING_PER_SECOND, TYPING_BURST)
        self._positions = Bucket(POSITIONS_PER_SECOND, POSITIONS_BURST)
        self._shared: dict[int, Checked] = {}
        room = router.room
        room.openers[session] = None
        tracker.opened(room.chat.id, session.user_id, session.device_id)

    def leave(self) -> None:
        """The chat is closed here."""
        if not self._left:
            self._left = True
            room = self._router.room
            room.openers.pop(self._session, None)
            self._tracker.closed(room.chat.id, self._session.user_id, self._session.device_id)

    def on_user_event(self, happened: object) -> None:
        """Nothing here concerns the user as such."""

    def left_chat(self, chat_id: str) -> None:
        """The session ends this topic itself."""

    def chats(self) -> set[str] | None:
        """Not what this topic is about."""
        return None

    def typing(self, push: Push) -> None:
        """`typing`."""
        body = _decode_typing(push.payload)
        room = self._router.room
        room.allow(Action.TYPING, self._session.user_id)
        self._bucket.take(trio.current_time())
        payload = encode(Typing(self._session.user_id, body.state))
        self._router.audience.tell_open(event_text(CHAT_PREFIX + room.chat.id, "TYPING", payload))
        self._session.push(reply_ok(push))

    def update(self, push: Push) -> Rest:
        """`location:update`."""
        body = _decode_update(push.payload)
        self._positions.take(trio.current_time())
        return partial(self._update, push, body)

    async def _update(self, push: Push, body: LocationUpdate) -> None:
        known = self._shared.pop(body.seq, None)
        known = await self._locations.update(self._router, self._session.user_id, body, known)
        self._shared[body.seq] = known
        if len(self._shared) > MOST_SHARED:
            del self._shared[next(iter(self._shared))]
        self._session.push(reply_ok(push))

    def stop(self, push: Push) -> Rest:
        """`location:stop`."""
        body = _decode_stop(push.payload)
        self._positions.take(trio.current_time())
        return partial(self._stop, push, body)

    async def _stop(self, push: Push, body: LocationStop) -> None:
        message = await self._locations.stop(self._router, self._session.user_id, body.seq)
        self._session.push(reply_ok(push, encode({"message": message_view(message)})))

    pushes: ClassVar[dict[str, Callable[[Any, Push], Rest | None]]] = {
        "typing": typing,
        "location:update": update,
        "location:stop": stop,
    }


class ChatJoiner:
    """Joins connections to `chat:<id>`."""

    def __init__(self, routers: Routers, tracker: OpenChatTracker, locations: LiveLocations) -> None:
        self._routers = routers
        self._tracker = tracker
        self._locations = locations

    async def join(self, session: Session, push: Push) -> OpenChatTopic:
        """Serve `phx_join` on `chat:<id>`: members only. The answer is followed by `presence_state` and the last position of whoever shares it."""
        chat_id = push.topic.removeprefix(CHAT_PREFIX)
        router = await self._routers.router_for(chat_id, session.user_id)
        await self._routers.allow(router, Action.OPEN_CHAT, session.user_id)
        topic = OpenChatTopic(session, router, self._tracker, self._locations, push.join_ref)
        session.topics[push.topic] = topic
        session.push(reply_ok(push))
        state = await self._tracker.state(chat_id)
        if session.topics.get(push.topic) is topic:
            session.push(state)
        for frame in await self._positions(router):
            if session.topics.get(push.topic) is topic:
                session.push(Prepared(frame))
        return topic

    async def _positions(self, router: Router) -> list[bytes]:
        """Where people are; read again when something was told meanwhile, which may be newer."""
        frames: list[bytes] = []
        for _ in range(MOST_LOOKS):
            told = router.room.diffs
            try:
                frames = await self._locations.in_chat(router)
            except ChatError:
                return []  # the record does not answer: the chat is open, and the next positions come
            if not frames or router.room.diffs == told:
                break
        return frames
