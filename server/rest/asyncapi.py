"""The AsyncAPI 3 document for the socket, made from a table and the types that the code itself uses.

Source: AsyncAPI Specification 3.0.0. Frames are those of Phoenix Channels, serializer V2: `[join_ref, ref, topic, event, payload]`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from handlers.bodies import EditPush, SendBody, SeqPush
from handlers.content import SHAPES
from handlers.errors import FieldError
from handlers.people.blocking import BlockChange
from handlers.presence.news import Connected, Disconnected
from handlers.sessions.chat_topic import Typing, TypingPush
from handlers.sessions.feed import JoinAnswer, JoinBody
from handlers.sessions.live_locations import LocationStop, LocationUpdate, LocationUpdated
from handlers.stories.views import StoryCreated, StoryExpired, StoryViewed
from handlers.wire import (
    ChatChange,
    ChatView,
    CursorMoved,
    MemberChange,
    MessageFailed,
    MessageView,
    OwnUser,
    ReceiptsCounted,
)
from server.version import version

_REF: Final = "#/components/schemas/{name}"


class Nothing(msgspec.Struct, frozen=True):
    """An empty object."""


class MessagePayload(msgspec.Struct, frozen=True):
    """A message, as it is now."""

    message: MessageView


class SendPayload(msgspec.Struct, frozen=True):
    """The message, durable; or, without it, `queued`: it waits until it can be written, which is no acknowledgement. Then `MESSAGE_SENT` is."""

    message: MessageView | UnsetType = UNSET
    queued: bool | UnsetType = UNSET


class ChatPayload(msgspec.Struct, frozen=True):
    """A chat, as the receiver sees it."""

    chat: ChatView


class UserPayload(msgspec.Struct, frozen=True):
    """One's own profile."""

    user: OwnUser


class Draining(msgspec.Struct, frozen=True):
    """The node is going down: connect again after so many milliseconds."""

    reconnect_after_ms: int


class PresenceMeta(msgspec.Struct, frozen=True):
    """A device that has the chat open. `online_at`: milliseconds since the epoch."""

    phx_ref: str
    device_id: str
    online_at: int


class PresenceEntry(msgspec.Struct, frozen=True):
    """A user's devices."""

    metas: list[PresenceMeta]


class PresenceDiff(msgspec.Struct, frozen=True):
    """Who opened and who closed the chat, by user id."""

    joins: dict[str, PresenceEntry]
    leaves: dict[str, PresenceEntry]


class Refusal(msgspec.Struct, frozen=True):
    """The `response` of a reply with status "error". The codes are those of the REST side."""

    code: str
    message: str
    errors: list[FieldError] = []
    retry_after_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Pushed:
    """A push of the client's: what it carries and what it is answered."""

    channel: Literal["me", "chat"]
    event: str
    payload: Any
    answer: Any
    about: str


@dataclass(frozen=True, slots=True)
class Sent:
    """An event of the server's."""

    channel: Literal["me", "chat"]
    event: str
    payload: Any
    about: str


PUSHES: Final = (
    Pushed("me", "phx_join", JoinBody, JoinAnswer, "Begin the feed: the answer holds what was missed, the events follow it without a hole."),
    Pushed("me", "phx_leave", Nothing, Nothing, "End the feed."),
    Pushed("me", "message:send", SendBody, SendPayload, "Send a message; `ok` when it is durable, or, with `queued`, when it waits. Repeat it with the same `client_id` after any error or silence."),
    Pushed("me", "message:edit", EditPush, MessagePayload, "Replace the content of one's own message."),
    Pushed("me", "message:delete", SeqPush, MessagePayload, "Delete a message for everyone."),
    Pushed("me", "message:delivered", SeqPush, Nothing, "Everything up to `seq` has arrived on this device."),
    Pushed("me", "message:read", SeqPush, Nothing, "Everything up to `seq` has been read."),
    Pushed("chat", "phx_join", Nothing, Nothing, "Open a chat; for members. `presence_state` follows, and where people are who share it live."),
    Pushed("chat", "phx_leave", Nothing, Nothing, "Close the chat."),
    Pushed("chat", "typing", TypingPush, Nothing, "One begins or ceases to type."),
    Pushed("chat", "location:update", LocationUpdate, Nothing, "Where one is, for one's own message that is a live location."),
    Pushed("chat", "location:stop", LocationStop, MessagePayload, "End one's own live location now; the message with the last position, as everyone gets it by `MESSAGE_EDITED`."),
)  # fmt: skip
EVENTS: Final = (
    Sent("me", "MESSAGE_SENT", MessagePayload, "A new message; per chat in `seq` order, without a hole and without a repeat."),
    Sent("me", "MESSAGE_FAILED", MessageFailed, "A message that was answered with `queued` will not be written: its sender was removed meanwhile, say."),
    Sent("me", "MESSAGE_EDITED", MessagePayload, "A message has new content."),
    Sent("me", "MESSAGE_DELETED", MessagePayload, "A message has been deleted for everyone."),
    Sent("me", "MESSAGE_DELIVERED", CursorMoved, "A member has received everything up to `seq`."),
    Sent("me", "MESSAGE_READ", CursorMoved, "A member has read everything up to `seq`."),
    Sent("me", "MESSAGE_RECEIPTS", ReceiptsCounted, "In a large group or channel: how many have received and read its newest message, at most once a second."),
    Sent("me", "CHAT_CREATED", ChatPayload, "The user is now in this chat."),
    Sent("me", "CHAT_UPDATED", ChatChange, "The chat's title changed, or for the user alone, that it is pinned or muted."),
    Sent("me", "CHAT_DELETED", ChatChange, "The chat has been closed for all."),
    Sent("me", "MEMBER_CHANGED", MemberChange, "Somebody is in the chat in a new role, or, without `role`, no longer."),
    Sent("me", "USER_UPDATED", UserPayload, "One's own profile was changed on another device."),
    Sent("me", "BLOCK_CHANGED", BlockChange, "One has blocked or unblocked somebody, on whichever device. The other is not told."),
    Sent("me", "USER_CONNECTED", Connected, "Somebody with whom the user has a direct chat is online, with the first of their devices."),
    Sent("me", "USER_DISCONNECTED", Disconnected, "They are offline, with the last of their devices, since `last_seen`; `null`: it is not shown, or not any more."),
    Sent("me", "STORY_CREATED", StoryCreated, "A contact, or oneself on any device, has posted a story. Once on each connection that was there; `GET /stories` has what came before."),
    Sent("me", "STORY_VIEWED", StoryViewed, "Somebody has seen one's own story for the first time."),
    Sent("me", "STORY_EXPIRED", StoryExpired, "A story has ended, by itself or because it was deleted."),
    Sent("me", "SERVER_DRAINING", Draining, "The node is going down."),
    Sent("me", "phx_error", Nothing, "What served the feed has crashed: join again."),
    Sent("me", "phx_close", Nothing, "The feed is over, because it was left."),
    Sent("chat", "phx_error", Nothing, "What served the chat has crashed: join again."),
    Sent("chat", "phx_close", Nothing, "The chat is closed: it was left, the user is no longer in it, or one of its two has blocked the other."),
    Sent("chat", "presence_state", dict[str, PresenceEntry], "Who has the chat open, by user id."),
    Sent("chat", "presence_diff", PresenceDiff, "Who opened and closed it since."),
    Sent("chat", "LOCATION_UPDATED", LocationUpdated, "Where somebody is who shares it live; after joining, the last position of each."),
    Sent("chat", "TYPING", Typing, "Somebody begins or ceases to type."),
)  # fmt: skip

_CHANNELS: Final[dict[str, dict[str, Any]]] = {
    "me": {
        "address": "me",
        "title": "The user's feed",
        "description": "All chats of the user, for this device. The same topic name for everybody.",
    },
    "chat": {
        "address": "chat:{chat_id}",
        "title": "An open chat",
        "description": "Typing, presence and live locations of a chat that is on somebody's screen.",
        "parameters": {"chat_id": {"description": "The chat's id."}},
    },
}
_ABOUT: Final = """\
WebSocket at `/socket/websocket?vsn=2.0.0`, for any Phoenix client. The access token goes in
`Sec-WebSocket-Protocol: phoenix, base64url.bearer.phx.<token>`, `Authorization: Bearer <token>`, or `?token=`.

Frames are JSON text, `[join_ref, ref, topic, event, payload]`. The payloads are described here. Every push is answered on its `ref` by
`phx_reply` with `{"status": "ok" | "error", "response": ...}`; a `heartbeat` on the topic `phoenix` keeps a quiet socket open.

The same frames go over plain requests at `/socket/longpoll?vsn=2.0.0`, as Phoenix' long-polling does it: GET asks what is new and is answered
`{"status", "token", "messages"}`; POST of `application/x-ndjson` says something, a frame a line. The access token goes in `X-Phoenix-AuthToken`. phoenix.js
changes to it by itself (`longPollFallbackMs`). Any node takes any request."""


def asyncapi() -> dict[str, Any]:
    """The document, ready to be encoded."""
    types = list({repr(kind): kind for kind in (*_types(), *SHAPES.values(), Refusal)}.values())
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    by_type = dict(zip(map(repr, types), schemas, strict=True))
    messages = {name: _message(name, kind, about, by_type) for name, kind, about in _messages()}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Chat platform: the socket",
            "version": version(),
            "description": _ABOUT,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "node": {
                "host": "{host}",
                "pathname": "/socket/websocket",
                "protocol": "ws",
                "description": "Any node serves any client; `wss` behind a proxy that ends TLS.",
                "variables": {"host": {"default": "127.0.0.1:8000"}},
                "security": [{"$ref": "#/components/securitySchemes/bearer"}],
            },
            "longpoll": {
                "host": "{host}",
                "pathname": "/socket/longpoll",
                "protocol": "http",
                "description": "The same by long-polling; `https` behind a proxy that ends TLS.",
                "variables": {"host": {"default": "127.0.0.1:8000"}},
                "security": [{"$ref": "#/components/securitySchemes/bearer"}],
            },
        },
        "channels": {name: _channel(name) for name in _CHANNELS},
        "operations": dict(_operations()),
        "components": {
            "messages": messages,
            "schemas": components,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _types() -> Iterator[Any]:
    for pushed in PUSHES:
        yield pushed.payload
        yield pushed.answer
    for sent in EVENTS:
        yield sent.payload


def _messages() -> Iterator[tuple[str, Any, str]]:
    for pushed in PUSHES:
        name = _name(pushed)
        yield name, pushed.payload, pushed.about
        yield f"{name}.ok", pushed.answer, f"The response of the reply to `{pushed.event}`."
    for sent in EVENTS:
        yield _name(sent), sent.payload, sent.about
    yield "refused", Refusal, 'The response of a reply with status "error".'


def _name(entry: Pushed | Sent) -> str:
    return f"{entry.channel}.{entry.event.replace(':', '_')}"


def _message(name: str, kind: Any, about: str, by_type: dict[str, Any]) -> dict[str, Any]:
    event = (
        name.removeprefix("me.")
        .removeprefix("chat.")
        .replace("message_", "message:")
        .replace("location_", "location:")
    )
    shown = "phx_reply" if name.endswith(".ok") or name == "refused" else event
    return {"name": shown, "summary": about, "payload": by_type[repr(kind)]}


def _channel(channel: str) -> dict[str, Any]:
    names = [name for name, _, _ in _messages() if name.startswith(f"{channel}.") or name == "refused"]
    refs = {name: {"$ref": f"#/components/messages/{name}"} for name in names}
    return {**_CHANNELS[channel], "messages": refs}


def _operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for pushed in PUSHES:
        name = _name(pushed)
        replies = [_in_channel(pushed.channel, f"{name}.ok"), _in_channel(pushed.channel, "refused")]
        yield (
            name,
            {
                "action": "receive",
                "channel": {"$ref": f"#/channels/{pushed.channel}"},
                "summary": pushed.about,
                "messages": [_in_channel(pushed.channel, name)],
                "reply": {"channel": {"$ref": f"#/channels/{pushed.channel}"}, "messages": replies},
            },
        )
    for sent in EVENTS:
        name = _name(sent)
        yield (
            name,
            {
                "action": "send",
                "channel": {"$ref": f"#/channels/{sent.channel}"},
                "summary": sent.about,
                "messages": [_in_channel(sent.channel, name)],
            },
        )


def _in_channel(channel: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/channels/{channel}/messages/{name}"}
