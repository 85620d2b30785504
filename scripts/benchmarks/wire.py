"""What the load generator sends and receives, at as little cost as Python allows.

Source: RFC 6455, section 5 (frames); phoenix.js 1.8 (what is in them).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, Final

import msgspec


class Content(msgspec.Struct, frozen=True, gc=False):
    """Of a text."""

    text: str = ""


class Message(msgspec.Struct, frozen=True, gc=False):
    """A message, as far as it is checked."""

    chat_id: str
    seq: int
    client_id: str
    content: Content


class Response(msgspec.Struct, frozen=True, gc=False):
    """Of a reply."""

    message: Message | str | None = None
    code: str = ""


class Payload(msgspec.Struct, frozen=True, gc=False):
    """Of an event (`message`) or a reply (`status`, `response`)."""

    message: Message | None = None
    status: str = ""
    response: Response | None = None


class Frame(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A frame of the node's."""

    join_ref: str | None
    ref: str | None
    topic: str
    event: str
    payload: Payload


decode: Final = msgspec.json.Decoder(Frame).decode


def client_frame(value: Any) -> bytes:
    """A masked text frame around this JSON, under a mask of its own."""
    text = msgspec.json.encode(value)
    size = len(text)
    mask = os.urandom(4)
    pad = int.from_bytes((mask * (size // 4 + 1))[:size], "little")
    masked = (int.from_bytes(text, "little") ^ pad).to_bytes(size, "little")
    if size < 126:
        return bytes((0x81, 0x80 | size)) + mask + masked
    return b"\x81\xfe" + size.to_bytes(2, "big") + mask + masked


def send_frame(chat_id: str, client_id: str, text: str, ref: int) -> bytes:
    """A `message:send`."""
    payload = {"chat_id": chat_id, "client_id": client_id, "type": "text", "content": {"text": text}}
    return client_frame(("1", str(ref), "me", "message:send", payload))


JOIN: Final = client_frame(("1", "1", "me", "phx_join", {"limit": 0}))


def handshake(port: int, token: str) -> bytes:
    """An opening handshake."""
    return (
        f"GET /socket/websocket?vsn=2.0.0&token={token} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ).encode()


class _Chat(msgspec.Struct, frozen=True):
    last_seq: int


class _JoinResponse(msgspec.Struct, frozen=True):
    chats: list[_Chat]


class _JoinPayload(msgspec.Struct, frozen=True):
    response: _JoinResponse


class _JoinFrame(msgspec.Struct, array_like=True, frozen=True):
    join_ref: str
    ref: str
    topic: str
    event: str
    payload: _JoinPayload


_decode_join: Final = msgspec.json.Decoder(_JoinFrame).decode


def last_seq(data: bytes) -> int:
    """That of the first chat in the answer to a join, which is the first frame of `data`; 0 without a chat."""
    body, end = next(frames(data, 0))
    chats = _decode_join(data[body:end]).payload.response.chats
    return chats[0].last_seq if chats else 0


class Closed(Exception):
    """The node has closed a connection."""


def frames(data: bytes | bytearray, start: int) -> Iterator[tuple[int, int]]:
    """Where the payloads of the whole text frames from `start` on lie; the last end is where what is left begins. Raises `Closed`."""
    end = len(data)
    while start + 2 <= end:
        first, size = data[start], data[start + 1]
        body = start + 2
        if size == 126:
            if body + 2 > end:
                return
            size = data[body] << 8 | data[body + 1]
            body += 2
        elif size == 127:
            if body + 8 > end:
                return
            size = int.from_bytes(data[body : body + 8], "big")
            body += 8
        if body + size > end:
            return
        if first != 0x81:
            raise Closed(f"a frame that begins with {first:#x}: {bytes(data[body : body + size])!r}")
        yield body, body + size
        start = body + size
