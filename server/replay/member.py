"""A user's device: one socket, kept up whatever happens to nodes; sends lines and checks what arrives.

Source: phoenix.js 1.8 for the frames, and how it joins and rejoins.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from typing import Any, Final

import msgspec
import trio
from trio_websocket import (
    ConnectionClosed,
    ConnectionRejected,
    HandshakeError,
    WebSocketConnection,
    open_websocket_url,
)

from handlers.base64url import to_base64url
from handlers.protocol import ME, SYSTEM_TOPIC
from server.replay.people import Account
from server.replay.rest import Api, ApiError, NodeAway
from server.replay.stage import Chat, Message, Sending, Stage

JOIN_S: Final = 30.0
CONNECT_S: Final = 10.0
HEARTBEAT_S: Final = 20.0
"""Time between two heartbeats; a socket on which nothing came since the last but one is given up."""
FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 5.0
PAGE: Final = 200
QUEUED_S: Final = 10.0
"""A line that was queued and has not come after so long is sent again."""
_MOST_BYTES: Final = 16 * 2**20
_TRY_AGAIN: Final = frozenset(
    {"rate_limited", "overloaded", "unavailable", "draining", "internal", "not_joined"}
)
_MESSAGE_SENT: Final = '[null,null,"me","MESSAGE_SENT",'


class _Frame(msgspec.Struct, array_like=True, frozen=True):
    join_ref: str | None
    ref: str | None
    topic: str
    event: str
    payload: msgspec.Raw


class _Reply(msgspec.Struct, frozen=True):
    status: str
    response: msgspec.Raw


class _Error(msgspec.Struct, frozen=True):
    code: str = ""
    message: str = ""
    retry_after_ms: int | None = None


class _Sent(msgspec.Struct, frozen=True):
    """Without `message`, it is queued: no acknowledgement, which is the event."""

    message: Message | None = None


class ChatHead(msgspec.Struct, frozen=True):
    """The end of a chat's log, as a join's answer tells it."""

    id: str
    last_seq: int
    rev: int


class _Joined(msgspec.Struct, frozen=True):
    chats: list[ChatHead]
    messages: list[Message]
    more: list[str]
    server_time: str


class _Page(msgspec.Struct, frozen=True):
    items: list[Message]
    next: str | None
    rev: int


class _Draining(msgspec.Struct, frozen=True):
    reconnect_after_ms: int = 0


class _Broken(Exception):
    """The connection cannot be used any more: join on a new one."""


_decode_frame: Final = msgspec.json.Decoder(_Frame).decode
_LOST: Final = (
    _Broken,
    ConnectionClosed,
    HandshakeError,
    OSError,
    trio.TooSlowError,
    trio.BrokenResourceError,
    NodeAway,
    ApiError,
    msgspec.DecodeError,
)


def _text(message: str | bytes) -> str:
    if isinstance(message, bytes):
        raise _Broken("the node sent a binary frame, of which the protocol has none")
    return message


class Member:
    """A user on one device.

    Args:
        index: of the user in the cast.
        account: who it is.
        api: for further pages of what was missed.
        stage: what all users share.

    Attributes:
        joined: set once the user's feed has been joined for the first time.
        trouble: why the last connection was lost, or could not be made.

    """

    def __init__(self, index: int, account: Account, api: Api, stage: Stage) -> None:
        self.account = account
        self.joined = trio.Event()
        self.trouble = ""
        self._api = api
        self._stage = stage
        self._receptions = {
            chat.id: chat.receptions[index] for chat in stage.chats.values() if index in chat.receptions
        }
        self._node = account.home
        self._since: str | None = None
        self._socket: WebSocketConnection | None = None
        self._ref = 0
        self._refs: dict[str, tuple[Chat, Sending]] = {}
        self._under_way: dict[str, Sending] = {}
        self._queued: dict[str, Sending] = {}
        self._reading = trio.CancelScope()
        self._heard = 0
        self._heard_before = -1
        self._resend: trio.Nursery | None = None

    async def run(self) -> None:
        """Keep a connection up, for ever. On one node after the other, with pauses that grow while none can be used."""
        failures = 0
        async with trio.open_nursery() as self._resend:
            while True:
                try:
                    await self._connection()
                except _LOST as error:
                    self.trouble = f"{self._api.nodes[self._node].url}: {str(error) or type(error).__name__}"
                if self._socket is not None:
                    self._stage.reconnects += 1
                    failures = 0
                self._socket = None
                self._refs.clear()
                self._node = (self._node + 1) % len(self._api.nodes)
                pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**failures)
                failures += 1
                # Spread: all users of a node lose it at the same moment.
                await trio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311

    @property
    def connected(self) -> bool:
        """Whether there is a connection now."""
        return self._socket is not None

    async def send(self, chat: Chat, sending: Sending) -> None:
        """Send a line, and again on the next connection until it is answered. A user has one at a time under way in a chat."""
        sending.sent_at = trio.current_time()
        self._stage.under_way += 1
        self._under_way[chat.id] = sending
        await self._push_message(chat, sending)

    async def beat(self) -> None:
        """Send a heartbeat; a connection on which nothing has come since the last one is left."""
        socket = self._socket
        if socket is None:
            return
        if self._heard == self._heard_before:
            self._reading.cancel()
            return
        self._heard_before = self._heard
        await self._push(socket, None, SYSTEM_TOPIC, "heartbeat", {})

    # -- a connection ----------------------------------------------------------------------------------------------

    async def _connection(self) -> None:
        """Connect, join, and read until the node sends its clients away. Raises one of `_LOST` when the connection is lost."""
        token = await self.account.token()
        bearer = to_base64url(token.encode())
        opened = open_websocket_url(
            self._api.nodes[self._node].socket_url,
            subprotocols=["phoenix", f"base64url.bearer.phx.{bearer}"],
            max_message_size=_MOST_BYTES,
            message_queue_size=64,
            receive_buffer_size=65_536,
            connect_timeout=CONNECT_S,
            disconnect_timeout=1,
        )
        async with AsyncExitStack() as stack:
            async with self._stage.connecting:
                try:
                    socket = await stack.enter_async_context(opened)
                except ConnectionRejected as error:
                    if error.status_code in (401, 403):
                        await self.account.token(refused=token)
                    raise
                with trio.fail_after(JOIN_S):
                    await self._join(socket)
            self._socket = socket
            self.joined.set()
            self._heard_before = -1
            # What is added from here on is pushed by `send`; there is no await in between.
            for chat_id, sending in list(self._under_way.items()):
                await self._push_message(self._stage.chats[chat_id], sending)
            with trio.CancelScope() as self._reading:
                while True:
                    await self._take(_text(await socket.get_message()))

    async def _join(self, socket: WebSocketConnection) -> None:
        known = {chat_id: reception.rev for chat_id, reception in self._receptions.items()}
        ref = await self._push(socket, "join", ME, "phx_join", {"known": known, "since": self._since})
        while True:
            frame = _decode_frame(await socket.get_message())
            if frame.event == "phx_reply" and frame.ref == ref:
                break
        reply = msgspec.json.decode(frame.payload, type=_Reply)
        if reply.status != "ok":
            error = msgspec.json.decode(reply.response, type=_Error)
            raise _Broken(f"joining is answered {error.code}: {error.message}")
        answer = msgspec.json.decode(reply.response, type=_Joined)
        await self._catch_up(answer)
        self._since = answer.server_time

    async def _catch_up(self, answer: _Joined) -> None:
        """Take in what the join's answer holds. What it has no room for is read before anything else is taken from the socket."""
        heads = {head.id: head for head in answer.chats}
        messages: dict[str, list[Message]] = {}
        for message in answer.messages:
            messages.setdefault(message.chat_id, []).append(message)
        for chat_id, reception in self._receptions.items():
            head = heads.get(chat_id)
            if head is None:  # nothing has changed
                head = ChatHead(chat_id, reception.upto, reception.rev)
            got = messages.get(chat_id, [])
            if chat_id in answer.more:
                got += await self._further(chat_id, max([reception.rev, *(m.rev for m in got)]), head)
            chat = self._stage.chats[chat_id]
            by_seq = {message.seq: message for message in got}
            for seq in reception.read([message.seq for message in got], head.last_seq, head.rev):
                chat.caught_up += 1
                self._stage.deliver(chat.find(by_seq[seq]))

    async def _further(self, chat_id: str, rev: int, head: ChatHead) -> list[Message]:
        got: list[Message] = []
        while rev < head.rev:
            path = f"/chats/{chat_id}/messages?after_rev={rev}&limit={PAGE}"
            token = await self.account.token()
            page = await self._api.call("GET", path, _Page, token=token, first=self._node)
            got += page.items
            if page.rev <= rev:
                break
            rev = page.rev
        return got

    async def _take(self, frame: str) -> None:
        """A frame that came."""
        self._heard += 1
        if frame.startswith(_MESSAGE_SENT):
            delivery = self._stage.meaning(frame)
            if delivery is not None:
                message = delivery.message
                if self._receptions[message.chat_id].push(message.seq, message.rev):
                    self._stage.deliver(delivery.sending)
                sending = self._under_way.get(message.chat_id)
                if sending is not None and sending is delivery.sending:
                    sending.came = message.seq
                    if self._queued.get(message.chat_id) is sending:
                        self._acknowledged(delivery.chat, sending, message.seq)
            return
        other = _decode_frame(frame)
        if other.event == "phx_reply":
            self._answered(other)
        elif other.event in ("phx_error", "phx_close") and other.topic == ME:
            raise _Broken(f"the node says {other.event}")
        elif other.event == "SERVER_DRAINING":
            draining = msgspec.json.decode(other.payload, type=_Draining)
            self._reading.deadline = trio.current_time() + draining.reconnect_after_ms / 1000

    def _answered(self, frame: _Frame) -> None:
        chat, sending = self._refs.pop(frame.ref or "", (None, None))
        if chat is None or sending is None:
            return  # a heartbeat's
        reply = msgspec.json.decode(frame.payload, type=_Reply)
        if reply.status == "ok":
            message = msgspec.json.decode(reply.response, type=_Sent).message
            if message is not None:
                self._acknowledged(chat, sending, message.seq)
            elif self._under_way.get(chat.id) is sending:
                self._stage.queued += 1
                if sending.came:
                    self._acknowledged(chat, sending, sending.came)
                    return
                self._queued[chat.id] = sending
                assert self._resend is not None, "frames are read while the member runs"
                self._resend.start_soon(self._again, chat, sending, QUEUED_S)
            return
        error = msgspec.json.decode(reply.response, type=_Error)
        if error.code in _TRY_AGAIN:
            assert self._resend is not None, "frames are read while the member runs"
            self._resend.start_soon(self._again, chat, sending, (error.retry_after_ms or 1000) / 1000)
        else:
            self._stage.refuse(sending, f"{error.code}: {error.message}")
            self._forget(chat, sending)

    def _acknowledged(self, chat: Chat, sending: Sending, seq: int) -> None:
        self._stage.acknowledge(chat, sending, seq)
        self._forget(chat, sending)

    def _forget(self, chat: Chat, sending: Sending) -> None:
        if self._queued.get(chat.id) is sending:
            del self._queued[chat.id]
        if self._under_way.get(chat.id) is sending:
            del self._under_way[chat.id]

    async def _again(self, chat: Chat, sending: Sending, pause: float) -> None:
        await trio.sleep(pause)
        if self._under_way.get(chat.id) is sending:
            await self._push_message(chat, sending)

    async def _push_message(self, chat: Chat, sending: Sending) -> None:
        """Send the line if there is a connection; without, the next one begins with it."""
        socket = self._socket
        if socket is None:
            return
        payload = {
            "chat_id": chat.id,
            "client_id": sending.client_id,
            "type": "text",
            "content": {"text": sending.part.text},
        }
        self._ref += 1
        self._refs[str(self._ref)] = chat, sending
        await self._push(socket, "join", ME, "message:send", payload, ref=str(self._ref))

    async def _push(
        self,
        socket: WebSocketConnection,
        join_ref: str | None,
        topic: str,
        event: str,
        payload: Mapping[str, Any],
        *,
        ref: str | None = None,
    ) -> str:
        """Send a frame; its `ref`. On a connection that is lost nothing happens: whoever reads from it finds out."""
        if ref is None:
            self._ref += 1
            ref = str(self._ref)
        text = msgspec.json.encode((join_ref, ref, topic, event, payload)).decode()
        with suppress(ConnectionClosed, trio.BrokenResourceError, trio.ClosedResourceError, OSError):
            await socket.send_message(text)
        return ref
