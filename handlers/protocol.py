"""Phoenix Channels, serializer V2: frames `[join_ref, ref, topic, event, payload]` as JSON text.

Source: phoenix.js 1.8 (`serializer.js`, `channel.js`) and Phoenix's `Phoenix.Socket.V2.JSONSerializer`.
"""

from typing import Any, Final

import msgspec

ME: Final = "me"
CHAT_PREFIX: Final = "chat:"
SYSTEM_TOPIC: Final = "phoenix"


class Push(msgspec.Struct, array_like=True, forbid_unknown_fields=True, frozen=True, gc=False):
    """A frame from a client. `payload` is still JSON: what it must look like depends on the event."""

    join_ref: str | None
    ref: str | None
    topic: str
    event: str
    payload: msgspec.Raw


class Prepared:
    """One or several frames, encoded once for however many receivers.

    `sealed` is for the transport: the bytes it made of `texts`, the same for each of its connections.
    """

    __slots__ = ("sealed", "texts")

    def __init__(self, *texts: bytes) -> None:
        self.texts = texts
        self.sealed: bytes | None = None


decode_push: Final = msgspec.json.Decoder(Push).decode
_encode: Final = msgspec.json.Encoder().encode


def encode(value: Any) -> bytes:
    """JSON of a wire value."""
    return _encode(value)


def together(parts: list[Prepared]) -> Prepared:
    """Several prepared frames as one, to be handed over in one go."""
    if len(parts) == 1:
        return parts[0]
    return Prepared(*[text for part in parts for text in part.texts])


def event_text(topic: str, event: str, payload: bytes) -> bytes:
    """A broadcast frame around a payload that is JSON already; the same bytes for every receiver."""
    return b'[null,null,"%b","%b",%b]' % (topic.encode(), event.encode(), payload)


def event(topic: str, name: str, payload: Any) -> Prepared:
    """A broadcast frame. `topic` and `name` are ours: they need no JSON escapes."""
    return Prepared(event_text(topic, name, _encode(payload)))


def _head(join_ref: str | None, ref: str | None, topic: str) -> bytes:
    return b"[%b,%b,%b," % (_encode(join_ref), _encode(ref), _encode(topic))


def reply_ok(push: Push, response: bytes = b"{}") -> Prepared:
    """`phx_reply` with status "ok"; `response` is JSON."""
    head = _head(push.join_ref, push.ref, push.topic)
    return Prepared(b'%b"phx_reply",{"status":"ok","response":%b}]' % (head, response))


def reply_error(push: Push, response: Any) -> Prepared:
    """`phx_reply` with status "error"."""
    head = _head(push.join_ref, push.ref, push.topic)
    return Prepared(b'%b"phx_reply",{"status":"error","response":%b}]' % (head, _encode(response)))


def channel_error(topic: str, join_ref: str | None) -> Prepared:
    """`phx_error`: what served the topic has crashed; the client joins again."""
    return Prepared(_head(join_ref, join_ref, topic) + b'"phx_error",{}]')


def channel_close(topic: str, join_ref: str | None) -> Prepared:
    """`phx_close`: the topic is over for this client."""
    return Prepared(_head(join_ref, join_ref, topic) + b'"phx_close",{}]')
