"""The long-polled sessions of this node, each a supervised child, and what they are asked from here and from other nodes."""

from __future__ import annotations

import logging
import secrets
from typing import Final

import msgspec

from config.logging import connection_id
from config.sections import LimitSettings
from handlers.errors import ChatError, Code
from handlers.nodes import peers
from handlers.principal import Principal
from server.connections import Connections, converse
from server.core import Core
from server.flusher import Flusher
from server.longpoll import wire
from server.longpoll.connection import PolledConnection
from server.longpoll.wire import GONE_ANSWER, Asked, Left, Poll, Post, Reply
from supervisors import Child, ChildSpec, DynamicSupervisor, MaxChildren, NotRunning, Restart, StartError

log: Final = logging.getLogger(__name__)


class LongPollSessions:
    """Begins sessions, and hands on what their clients ask.

    Attributes:
        begun: sessions since the start.

    """

    def __init__(
        self,
        core: Core,
        *,
        supervisor: DynamicSupervisor,
        connections: Connections,
        flusher: Flusher,
        limits: LimitSettings,
    ) -> None:
        self._core = core
        self._supervisor = supervisor
        self._connections = connections
        self._flusher = flusher
        self._limits = limits
        self._open: dict[str, tuple[PolledConnection, Principal]] = {}
        self.begun = 0
        core.cluster.peers.serve(self._from_peer)

    def __len__(self) -> int:
        return len(self._open)

    async def begin(self, principal: Principal) -> str:
        """A new session; its name. Raises `ChatError` (`OVERLOADED`, `DRAINING`)."""
        if self._connections.draining:
            raise ChatError(Code.DRAINING, "this node is on its way down", retry_after_ms=1000)
        name = f"poll-{secrets.token_urlsafe(12)}"
        try:
            await self._supervisor.start_child(
                ChildSpec(name, self._serve, (principal,), restart=Restart.TEMPORARY)
            )
        except (MaxChildren, NotRunning, StartError) as error:
            log.warning("a connection was refused: %s", error)
            raise ChatError(
                Code.OVERLOADED, "no more connections are taken here", retry_after_ms=1000
            ) from None
        self.begun += 1
        return name

    async def _serve(self, child: Child, principal: Principal) -> None:
        connection_id.set(f"{self._core.stores.incarnation}.{child.id}")  # in this task's own context
        connection = PolledConnection(
            self._flusher,
            window_s=self._limits.longpoll_window_s,
            max_message_bytes=self._limits.max_frame_bytes,
            outbox_bytes=self._limits.outbox_bytes,
        )
        self._open[child.id] = connection, principal
        child.ready()
        try:
            with child.cancel_on_stop():
                if not await connection.wanted():
                    return
            await converse(self._core, self._connections, connection, principal, child)
        finally:
            del self._open[child.id]
            connection.give_up()

    def ask(self, asked: Asked, reply: Reply) -> None:
        """Hand on what a client of a session here asks. The reply is called at once or later, once, if the question has one."""
        found = self._open.get(asked.session)
        if found is None or (found[1].user_id, found[1].device_id) != (asked.user_id, asked.device_id):
            reply(GONE_ANSWER)
            return
        connection = found[0]
        match asked:
            case Poll():
                connection.poll(asked.number, reply, asked.holder)
            case Post():
                connection.post(asked.frames, reply)
            case Left():
                connection.left(asked.holder)

    def _from_peer(self, body: bytes, reply: peers.Reply) -> None:
        try:
            asked = wire.decode_asked(body)
        except msgspec.DecodeError:
            log.info("a request from another node was not understood")
            return
        self.ask(asked, lambda answer: reply(wire.encode(answer)))
