"""One connection: a stream of frames in, a stream of frames out, topics in between. Knows no transport.

Everything that a client can cause ends here as a reply, and whatever goes wrong in serving one topic ends that topic alone (`phx_error`).
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, Protocol

import msgspec
import trio

from handlers.errors import ChatError, Code
from handlers.limits import Bucket
from handlers.nodes.events import ContactsHidden, Event, Gone, ReadsHidden, Revoked
from handlers.principal import Principal
from handlers.protocol import (
    CHAT_PREFIX,
    ME,
    SYSTEM_TOPIC,
    Prepared,
    Push,
    channel_close,
    channel_error,
    decode_push,
    reply_error,
    reply_ok,
)
from handlers.quotas import Allowance
from handlers.routing.room import Room

log = logging.getLogger(__name__)

MOST_TOPICS: Final = 256
"""Topics that one connection may have joined at a time."""
MOST_TOPIC: Final = 128
"""Longest name of a topic, in characters; none is."""
OTHERS_PER_SECOND: Final = 100.0
"""Frames other than `message:send` that one connection may send, on average."""
OTHERS_BURST: Final = 1_000.0
_BY_ITSELF: Final = frozenset({"heartbeat", "phx_join", "phx_leave", "message:delivered"})
"""What a client sends without anybody's doing."""
SIGNED_OUT: Final = 4001
"""Close code: the device has been signed out."""


class Outlet(Protocol):
    """Where a session's frames go: a transport's outgoing side."""

    def push(self, prepared: Prepared) -> None:
        """Take frames to be sent, in order. Never blocks and never raises; a receiver too slow for its bound is disconnected."""

    def close(self, code: int, reason: str) -> None:
        """End the connection, after what was pushed."""


class BadFrame(Exception):
    """What came is not a frame; the connection ends with this WebSocket close code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


Rest = Callable[[], Awaitable[None]]
"""What is left to do for a frame, by awaiting."""


class Topic(Protocol):
    """A topic that this session has joined."""

    join_ref: str | None

    def handle(self, push: Push) -> Rest | None:
        """Serve a push; what is left to do, if anything. Both raise `ChatError` for what the client is to be told."""

    def leave(self) -> None:
        """The session leaves, or is gone."""

    def on_user_event(self, happened: Event) -> None:
        """Something that concerns the user."""

    def left_chat(self, chat_id: str) -> None:
        """The user is no longer in this chat."""

    def chats(self) -> set[str] | None:
        """The chats that it gets events of; `None` for a topic that is not about that, or not joined yet."""


Join = Callable[["Session", Push], Awaitable[Topic]]


class ErrorView(msgspec.Struct, frozen=True, omit_defaults=True):
    """The response of an error reply."""

    code: str
    message: str
    errors: tuple[Any, ...] = ()
    retry_after_ms: int | None = None


def error_view(error: ChatError) -> ErrorView:
    """What the client is told of an error."""
    return ErrorView(error.code.slug, error.message, error.errors, error.retry_after_ms)


class Session:
    """A verified user's connection.

    Args:
        principal: who it is.
        outlet: the way to the client.
        join_me: joins the topic `me`.
        join_chat: joins a topic `chat:<id>`.
        connection_id: for logs.
        joins: how often the user may join.

    Attributes:
        used: somebody has done something since it was last looked at.
        hides_reads: the user shows nobody what they have read.
        hides_contacts: the user shows nobody when they are online, and does not see it of others; so until it is known.

    """

    __slots__ = (
        "__weakref__", "_others", "connection_id", "device_id", "hides_contacts", "hides_reads", "join_chat", "join_me", "joins", "outlet", "principal", "push",
        "topics", "used", "user_id",
    )  # fmt: skip

    def __init__(
        self,
        principal: Principal,
        outlet: Outlet,
        *,
        join_me: Join,
        join_chat: Join,
        connection_id: str,
        joins: Allowance | None = None,
    ) -> None:
        self.principal = principal
        self.user_id = principal.user_id
        self.device_id = principal.device_id
        self.outlet = outlet
        self.push: Callable[[Prepared], None] = outlet.push
        self.join_me = join_me
        self.join_chat = join_chat
        self.connection_id = connection_id
        self.joins = joins
        self.topics: dict[str, Topic] = {}
        self.hides_reads = False
        self.hides_contacts = True
        self.used = False
        self._others = Bucket(OTHERS_PER_SECOND, OTHERS_BURST)

    async def receive(self, text: bytes) -> None:
        """Serve one frame, to its end. Raises `BadFrame` when it is none."""
        rest = self.take(text)
        if rest is not None:
            await rest()

    def take(self, text: bytes) -> Rest | None:
        """Serve one frame as far as that goes without waiting; the rest of it, if any, is to be done before the next frame is taken.

        What is sent most often never has a rest, so that it needs no task. Raises `BadFrame` when it is no frame.
        """
        try:
            push = decode_push(text)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            raise BadFrame(1003, "not a frame") from None
        topic = self.topics.get(push.topic)
        try:
            if push.event == "message:send":  # which has a limit of its own
                self.used = True
            else:
                self._others.take(trio.current_time())
                if push.event not in _BY_ITSELF:
                    self.used = True
            if topic is not None and push.event != "phx_join" and push.event != "phx_leave":
                rest = topic.handle(push)
            else:
                rest = self._system(push, topic)
        except Exception as error:  # noqa: BLE001 - becomes the answer; what was not foreseen is logged
            self._failed(push, error)
            return None
        return None if rest is None else partial(self._finish, push, rest)

    async def _finish(self, push: Push, rest: Rest) -> None:
        try:
            await rest()
        except Exception as error:  # noqa: BLE001 - becomes the answer; what was not foreseen is logged
            self._failed(push, error)

    def _failed(self, push: Push, error: Exception) -> None:
        if isinstance(error, ChatError):
            self.push(reply_error(push, error_view(error)))
        elif isinstance(error, RecursionError):
            # The frame was taken, but decoding its payload further down the stack has less room left.
            self.push(reply_error(push, error_view(ChatError(Code.INVALID, "nested too deeply"))))
        else:
            # The topic's failure is the topic's alone; the client is told and joins again.
            log.error(
                "a topic crashed",
                exc_info=error,
                extra={"topic": push.topic.partition(":")[0], "event": push.event},
            )
            self._crashed(push)

    def _system(self, push: Push, topic: Topic | None) -> Rest | None:
        if push.event == "phx_join":
            return partial(self._join, push, topic)
        if push.topic == SYSTEM_TOPIC and push.event == "heartbeat":
            self.push(reply_ok(push))
        elif push.event == "phx_leave":
            self._leave(push, topic)
        else:
            known = push.topic == ME or push.topic.startswith(CHAT_PREFIX)
            raise (
                ChatError(Code.NOT_JOINED, "join the topic first")
                if known
                else ChatError(Code.NOT_FOUND, "no such topic")
            )
        return None

    def _leave(self, push: Push, topic: Topic | None) -> None:
        # As in Phoenix: leaving what is not joined is done already (phoenix.js would wait for its `ok` for ever), and a late leave of a former join
        # does not end the present one.
        if topic is None or push.join_ref not in (None, topic.join_ref):
            self.push(reply_ok(push))
            return
        del self.topics[push.topic]
        topic.leave()
        self.push(reply_ok(push))
        self.push(channel_close(push.topic, topic.join_ref))

    async def _join(self, push: Push, topic: Topic | None) -> None:
        if self.joins is not None:
            self.joins.take(self.user_id)
        if topic is not None:
            # As in Phoenix: joining again closes the former channel of this connection.
            del self.topics[push.topic]
            topic.leave()
        if len(push.topic) > MOST_TOPIC:
            raise ChatError(Code.NOT_FOUND, "no such topic")
        if push.topic == ME:
            join = self.join_me
        elif push.topic.startswith(CHAT_PREFIX):
            join = self.join_chat
        else:
            raise ChatError(Code.NOT_FOUND, "no such topic")
        if len(self.topics) >= MOST_TOPICS:
            raise ChatError(
                Code.RATE_LIMITED, f"a connection has at most {MOST_TOPICS} topics", retry_after_ms=1000
            )
        await join(self, push)

    def _crashed(self, push: Push) -> None:
        topic = self.topics.pop(push.topic, None)
        if topic is not None:
            topic.leave()
            self.push(channel_error(push.topic, topic.join_ref))
        else:
            self.push(reply_error(push, error_view(ChatError(Code.INTERNAL, "this could not be served"))))

    def on_user_event(self, event: Event) -> None:
        """Something that concerns the user, on whichever device."""
        if type(event) is ReadsHidden:
            self.hides_reads = event.hidden
            return
        if type(event) is ContactsHidden:
            self.hides_contacts = event.hidden
            return
        if isinstance(event, Revoked | Gone):
            if isinstance(event, Gone) or event.device_id == self.device_id:
                self.outlet.close(SIGNED_OUT, "signed out")
            return
        me = self.topics.get(ME)
        if me is not None:
            me.on_user_event(event)

    def left_chat(self, room: Room) -> None:
        """The user is no longer in this chat: its events stop, and it is closed."""
        me = self.topics.get(ME)
        if me is not None:
            me.left_chat(room.chat.id)
        self.close_chat(room)

    def close_chat(self, room: Room) -> None:
        """If the user has the chat open, it is closed."""
        name = CHAT_PREFIX + room.chat.id
        opened = self.topics.pop(name, None)
        if opened is not None:
            opened.leave()
            self.push(channel_close(name, opened.join_ref))

    def end(self) -> None:
        """The connection is gone."""
        topics, self.topics = self.topics, {}
        for topic in topics.values():
            topic.leave()

    def chats(self) -> set[str] | None:
        """The chats whose events this connection gets; `None` while it has not joined `me`."""
        me = self.topics.get(ME)
        return None if me is None else me.chats()
