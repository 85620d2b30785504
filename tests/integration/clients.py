"""A device's socket with nothing of a client's own cleverness: it sends what it is told, right or wrong, and reads only when it is asked to.

Frames on the wire are `tests.client_frames`'s, channels as in phoenix.js 1.8. Reading has no task of its own: whoever does not read is a slow reader.
"""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, Final, NamedTuple

import trio

from tests import client_frames as wire
from tests.client_frames import CLOSE, PING, TEXT, Frame
from tests.integration.nodes import HOST, Account, Node

PATIENCE_S: Final = 60.0
"""For what a node should answer at once."""
READ_BYTES: Final = 65_536
NO_MASK: Final = bytes(4)
"""A mask that changes nothing, and so costs nothing to apply."""
GONE: Final = 1006
"""What `closed` says when the connection ended without a close frame."""


class Message(NamedTuple):
    """A frame of Phoenix Channels, serializer V2."""

    join_ref: str | None
    ref: str | None
    topic: str
    event: str
    payload: Any


class Refused(Exception):
    """The handshake was answered with another `status` than 101; `problem` is the body."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(status, problem)
        self.status = status
        self.problem = problem


def handshake(token: str, *, path: str = "/socket/websocket?vsn=2.0.0") -> bytes:
    """An opening handshake as a plain client sends it."""
    separator = "&" if "?" in path else "?"
    return (
        f"GET {path}{separator}token={token} HTTP/1.1\r\nHost: {HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ).encode()


def text_frame(text: bytes) -> bytes:
    """A whole text message as a client's frame, cheaply."""
    return wire.header(TEXT, len(text), key=NO_MASK) + text


class Device:
    """An open socket."""

    def __init__(self, stream: trio.SocketStream, early: bytes) -> None:
        self.stream = stream
        self._data = bytearray(early)
        self._refs = count(1)
        self._join_refs: dict[str, str] = {}
        self._waiting: list[Message] = []
        self.close_code: int | None = None
        self.close_reason = ""

    # -- frames -------------------------------------------------------------------------------------------------

    async def send_bytes(self, data: bytes) -> None:
        """Send bytes as they are. Raises `trio.BrokenResourceError` when the node has hung up."""
        await self.stream.send_all(data)

    async def send_text(self, text: str | bytes) -> None:
        """Send a text message, whatever it says."""
        await self.send_bytes(text_frame(text.encode() if isinstance(text, str) else text))

    async def frame(self) -> Frame | None:
        """The node's next frame; `None` when the connection is over."""
        with trio.fail_after(PATIENCE_S):
            while (taken := wire.take(bytes(self._data))) is None:
                try:
                    data = await self.stream.receive_some(READ_BYTES)
                except trio.BrokenResourceError:
                    data = b""
                if not data:
                    return None
                self._data += data
        found, size = taken
        del self._data[:size]
        return found

    async def _message(self) -> Message | None:
        """The node's next message; `None` when the connection is over, with `close_code` saying how."""
        while True:
            got = await self.frame()
            if got is None or got.opcode == CLOSE:
                self.close_code = int.from_bytes(got.payload[:2], "big") if got and got.payload else GONE
                self.close_reason = got.payload[2:].decode() if got else ""
                return None
            if got.opcode == TEXT:
                message = json.loads(got.payload)
                assert len(message) == 5, message
                return Message(*message)
            assert got.opcode != PING, "the node does not ping"

    async def closed(self) -> int:
        """Read until the node closes; its close code, or `GONE`. What came before is kept for `seen`."""
        while (message := await self._message()) is not None:
            self._waiting.append(message)
        assert self.close_code is not None
        return self.close_code

    async def closing(self) -> int:
        """The close code, when nothing may come before it."""
        code = await self.closed()
        assert not self._waiting, self._waiting
        return code

    # -- channels -----------------------------------------------------------------------------------------------

    async def take(self, wanted: Callable[[Message], bool]) -> Message:
        """The next message that is wanted; others wait for their turn."""
        for index, message in enumerate(self._waiting):
            if wanted(message):
                return self._waiting.pop(index)
        while True:
            found = await self._message()
            assert found is not None, (
                f"the connection ended with {self.close_code} {self.close_reason!r}; waiting: {self._waiting}"
            )
            if wanted(found):
                return found
            self._waiting.append(found)

    async def event(self, name: str, topic: str = "me") -> Any:
        """The payload of the next event of this name on the topic."""
        return (await self.take(lambda m: m.event == name and m.topic == topic)).payload

    def seen(self, name: str) -> list[Any]:
        """Payloads of the events of this name that were read and not asked for yet; they are not kept any longer."""
        found = [message.payload for message in self._waiting if message.event == name]
        self._waiting = [message for message in self._waiting if message.event != name]
        return found

    async def push(self, topic: str, event: str, payload: Any) -> str:
        """Push without waiting for the answer; the `ref` for `reply`."""
        ref = str(next(self._refs))
        if event == "phx_join":
            self._join_refs[topic] = ref
        await self.send_text(json.dumps([self._join_refs.get(topic), ref, topic, event, payload]))
        return ref

    async def reply(self, ref: str) -> tuple[str, Any]:
        """The status and response of the answer to `ref`."""
        answer = await self.take(lambda m: m.event == "phx_reply" and m.ref == ref)
        return answer.payload["status"], answer.payload["response"]

    async def ask(self, topic: str, event: str, payload: Any) -> tuple[str, Any]:
        """Push, and the status and response of its answer."""
        return await self.reply(await self.push(topic, event, payload))

    async def join(self, topic: str = "me", payload: Any = None) -> Any:
        """Join a topic, which has to be allowed; what it is answered."""
        status, response = await self.ask(topic, "phx_join", payload or {})
        assert status == "ok", response
        return response

    async def write(self, chat_id: str, text: str, client_id: str | None = None) -> dict[str, Any]:
        """Send a text, which has to be taken; the message, once it is acknowledged. `client_id` is a new one if not given."""
        client_id = client_id or secrets.token_hex(8)
        status, response = await self.ask("me", "message:send", text_message(chat_id, text, client_id))
        assert status == "ok", response
        if response == {"queued": True}:
            return await self._sent(chat_id, client_id)
        message: dict[str, Any] = response["message"]
        return message

    async def _sent(self, chat_id: str, client_id: str) -> dict[str, Any]:
        """The message of its own that was queued, when it comes; its event still waits for its turn."""

        def is_it(message: Message) -> bool:
            sent = message.payload["message"] if message.event == "MESSAGE_SENT" else {}
            return (sent.get("chat_id"), sent.get("client_id")) == (chat_id, client_id)

        while (found := next(filter(is_it, self._waiting), None)) is None:
            came = await self._message()
            assert came is not None, f"the connection ended with {self.close_code} {self.close_reason!r}"
            self._waiting.append(came)
        acknowledged: dict[str, Any] = found.payload["message"]
        return acknowledged

    async def alive(self) -> None:
        """See that the node answers."""
        assert await self.ask("phoenix", "heartbeat", {}) == ("ok", {})


def text_message(chat_id: str, text: str, client_id: str) -> dict[str, Any]:
    """The payload of `message:send` for a text."""
    return {"chat_id": chat_id, "client_id": client_id, "type": "text", "content": {"text": text}}


async def connect(port: int, *, receive_buffer: int | None = None) -> trio.SocketStream:
    """A plain connection to a node.

    Args:
        port: of the node.
        receive_buffer: bytes that the kernel keeps for this side; as it likes if not given.

    """
    sock = trio.socket.socket()
    if receive_buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    await sock.connect((HOST, port))
    return trio.SocketStream(sock)


async def read_head(stream: trio.SocketStream) -> tuple[bytes, bytes]:
    """The head of an HTTP answer, and what came after it."""
    data = b""
    with trio.fail_after(PATIENCE_S):
        while b"\r\n\r\n" not in data:
            more = await stream.receive_some(READ_BYTES)
            assert more, f"the connection ended within an answer: {data!r}"
            data += more
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest


async def read_all(stream: trio.SocketStream) -> bytes:
    """Everything until the node closes, which it must."""
    data = b""
    with trio.fail_after(PATIENCE_S):
        while True:
            try:
                more = await stream.receive_some(READ_BYTES)
            except trio.BrokenResourceError:
                return data
            if not more:
                return data
            data += more


@asynccontextmanager
async def opened(
    who: Account | str, at: Node | int | None = None, *, receive_buffer: int | None = None
) -> AsyncIterator[Device]:
    """A socket of this account (or with this token) at a node or port: the account's own if not given.

    Raises:
        Refused: the node did not switch protocols.

    """
    token = who if isinstance(who, str) else who.token
    if at is None:
        assert isinstance(who, Account)
        at = who.node
    stream = await connect(at if isinstance(at, int) else at.port, receive_buffer=receive_buffer)
    async with stream:
        await stream.send_all(handshake(token))
        head, rest = await read_head(stream)
        status = int(head.split(b" ", 2)[1])
        if status != 101:
            raise Refused(status, json.loads(rest + await read_all(stream)))
        yield Device(stream, rest)


@asynccontextmanager
async def joined(who: Account, at: Node | int | None = None, **options: Any) -> AsyncIterator[Device]:
    """An open socket that has joined `me`."""
    async with opened(who, at, **options) as device:
        await device.join()
        yield device
