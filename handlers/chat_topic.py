"""The topic `chat:<id>`: a chat that is open on somebody's screen. Typing and who else is there."""

from __future__ import annotations

from typing import Final, Literal

import msgspec
import trio

from handlers.bodies import from_validation
from handlers.errors import ChatError, Code
from handlers.limits import Bucket
from handlers.open_chats import OpenChatTracker
from handlers.policy import Action
from handlers.protocol import CHAT_PREFIX, Push, encode, event_text, reply_ok
from handlers.router import Router
from handlers.routers import Routers
from handlers.session import Session

TYPING_PER_SECOND: Final = 5.0
TYPING_BURST: Final = 20.0


class TypingPush(msgspec.Struct, frozen=True):
    """The payload of `typing`."""

    state: Literal["start", "stop"]


class Typing(msgspec.Struct, frozen=True):
    """`TYPING`: somebody has begun or ceased to type."""

    user_id: str
    state: Literal["start", "stop"]


_decode_typing: Final = msgspec.json.Decoder(TypingPush).decode


class OpenChatTopic:
    """A chat that one connection has open."""

    __slots__ = ("_bucket", "_left", "_router", "_session", "_tracker", "join_ref")

    def __init__(
        self, session: Session, router: Router, tracker: OpenChatTracker, join_ref: str | None
    ) -> None:
        self.join_ref = join_ref
        self._session = session
        self._router = router
        self._tracker = tracker
        self._left = False
        self._bucket = Bucket(TYPING_PER_SECOND, TYPING_BURST)
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

    def handle(self, push: Push) -> None:
        """Serve a push."""
        if push.event != "typing":
            raise ChatError(Code.UNKNOWN_EVENT, "unknown event")
        try:
            body = _decode_typing(push.payload)
        except msgspec.ValidationError as error:
            raise from_validation(error) from None
        room = self._router.room
        room.allow(Action.TYPING, self._session.user_id)
        self._bucket.take(trio.current_time())
        payload = encode(Typing(self._session.user_id, body.state))
        self._router.tell_open(event_text(CHAT_PREFIX + room.chat.id, "TYPING", payload))
        self._session.push(reply_ok(push))


class ChatJoiner:
    """Joins connections to `chat:<id>`."""

    def __init__(self, routers: Routers, tracker: OpenChatTracker) -> None:
        self._routers = routers
        self._tracker = tracker

    async def join(self, session: Session, push: Push) -> OpenChatTopic:
        """Serve `phx_join` on `chat:<id>`: members only. The answer is followed by `presence_state`."""
        chat_id = push.topic.removeprefix(CHAT_PREFIX)
        router = await self._routers.router_for(chat_id, session.user_id)
        await self._routers.allow(router, Action.OPEN_CHAT, session.user_id)
        topic = OpenChatTopic(session, router, self._tracker, push.join_ref)
        session.topics[push.topic] = topic
        session.push(reply_ok(push))
        state = await self._tracker.state(chat_id)
        if session.topics.get(push.topic) is topic:
            session.push(state)
        return topic
