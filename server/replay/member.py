"""A user's device: one socket, kept up whatever happens to nodes; sends lines and checks what arrives.

Source: phoenix.js 1.8 for the frames, and how it joins and rejoins.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Mapping, Sequence
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
_MOST_BYTES: Final = 16 * 2**20
_TRY_AGAIN: Final = frozenset(
    {"rate_limited", "overloaded", "unavailable", "draining", "internal", "not_joined", "unmatched topic"}
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
    message: Message


class _ChatHead(msgspec.Struct, frozen=True):
    id: str
    last_seq: int
    rev: int


class _Joined(msgspec.Struct, frozen=True):
    chats: list[_ChatHead]
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
        self._reading = trio.CancelScope()
        self._heard = 0
        self._heard_before = -1
        self._resend: trio.Nursery | None = None

    async def run(self) -> None:
        """Keep a connection up, for ever. On one node after the other, with pauses that grow while none can be used."""
        failures = 0
        async with trio.open_nursery() as self._resend:
            while True:
                had_joined = False
                try:
                    had_joined = await self._connection()
                except _LOST as error:
                    self.trouble = f"{self._api.nodes[self._node].url}: {error or type(error).__name__}"
                had_joined = had_joined or self._socket is not None
                self._socket = None
                self._refs.clear()
                if had_joined:
                    self._stage.reconnects += 1
                    failures = 0
                self._node = (self._node + 1) % len(self._api.nodes)
                pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**failures)
                failures += 1
                # Spread: all users of a node lose it at the same moment.
                await trio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311

    async def send(self, chat: Chat, sending: Sending) -> None:
        """Send a line, and again on the next connection until it is answered. A user has one at a time under way in a chat."""
        sending.sent_at = trio.current_time()
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
        await self._push(socket, None, "phoenix", "heartbeat", {})

    # -- a connection ----------------------------------------------------------------------------------------------

    async def _connection(self) -> bool:
        """Connect, join, and read until the connection ends; whether it did so in order."""
        token = await self.account.token()
        bearer = base64.urlsafe_b64encode(token.encode()).rstrip(b"=").decode()
        opened = open_websocket_url(
            self._api.nodes[self._node].socket_url,
            subprotocols=["phoenix", f"base64url.bearer.phx.{bearer}"],
            max_message_size=_MOST_BYTES,
            message_queue_size=64,
            receive_buffer_size=65536,
            connect_timeout=CONNECT_S,
            disconnect_timeout=1,
        )
        try:
            async with self._stage.connecting:
                socket = await opened.__aenter__()
        except ConnectionRejected as error:
            if error.status_code in (401, 403):
                await self.account.token(refused=token)
            raise
        return False
