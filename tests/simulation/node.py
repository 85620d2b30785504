"""A simulated node: the real one's tree without its network, over the stores in memory; it can be stopped, and it can die at any await."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from copy import copy
from functools import cache
from random import Random
from typing import Any, Protocol, TypeVar

import msgspec
import trio
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from config.settings import Settings
from handlers.auth.passwords import Passwords
from handlers.auth.tokens import ALGORITHM
from handlers.errors import ChatError
from handlers.principal import Principal
from handlers.protocol import Prepared
from handlers.sessions.session import BadFrame
from persistence.errors import StoreUnavailable
from persistence.ids import Ids
from persistence.memory import (
    Broker,
    MemoryBus,
    Record,
)
from server.core import make_core
from supervisors import Strategy, Supervisor, Telemetry
from supervisors.telemetry import Event
from tests.memory_stores import memory_stores
from tests.simulation.faults import Dead, NodeFaults, Weather
from tests.simulation.push_service import PushService

T = TypeVar("T")

START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z


class Disconnected(Exception):
    """The connection, or the node, is gone; nobody knows what became of what was asked."""


class Peer(Protocol):
    """The client's end of a connection."""

    def on_frame(self, connection: Connection, frame: list[Any]) -> None:
        """A frame has come."""

    def on_close(self, connection: Connection, code: int) -> None:
        """The connection is over."""


class Connection:
    """A connection with its session on the node: an `Outlet` there, a way to send frames here."""

    def __init__(self, node: Node, peer: Peer, principal: Principal) -> None:
        self.node = node
        self.principal = principal
        self.open = True
        self.scope = trio.CancelScope()
        self._peer = peer
        self._frames: deque[bytes] = deque()
        self._arrived = trio.Event()

    def push(self, prepared: Prepared) -> None:
        for text in prepared.texts:
            if self.open:
                self._peer.on_frame(self, msgspec.json.decode(text))

    def close(self, code: int, reason: str) -> None:
        self.end(code)

    def send(self, frame: list[Any]) -> None:
        """A frame from the client."""
        self._frames.append(msgspec.json.encode(frame))
        self._arrived.set()

    def end(self, code: int = 1006) -> None:
        """The connection breaks."""
        if self.open:
            self.open = False
            self.scope.cancel()
            self._peer.on_close(self, code)

    async def serve(self) -> None:
        """As the endpoint serves it."""
        core = self.node.core
        session = core.sessions.session(self.principal, self, "sim")
        try:
            with self.scope:
                await core.sessions.sessions.opened(session)
                while True:
                    await self._arrived.wait()
                    self._arrived = trio.Event()
                    while self._frames:
                        await session.receive(self._frames.popleft())
        except BadFrame as error:
            self.end(error.code)
        finally:
            core.sessions.sessions.closed(session)


class _Answer:
    """The outcome of a call; the first counts."""

    def __init__(self) -> None:
        self._done = trio.Event()
        self._value: Any = None
        self._error: Exception | None = None

    def set(self, value: Any = None, error: Exception | None = None) -> None:
        if not self._done.is_set():
            self._value, self._error = value, error
            self._done.set()

    async def get(self) -> Any:
        await self._done.wait()
        if self._error is not None:
            raise self._error
        return self._value


class Node:
    """One incarnation of a node.

    Args:
        name: for people; `incarnation` is its name among the nodes.
        skew_ms: how far its clock is ahead.
        push: who takes notifications.
        step: told of each step that it takes in a store.

    Attributes:
        alive: it has neither been killed nor stopped, nor ended by itself.
        ready: it has started (or ended).
        over: nothing of it runs any more.
        failure: what it ended with, when that was nobody's wish.

    """

    def __init__(
        self,
        name: str,
        incarnation: str,
        settings: Settings,
        record: Record,
        broker: Broker,
        mongo: Weather,
        redis: Weather,
        s3: Weather,
        *,
        skew_ms: int = 0,
        push: PushService,
        step: Callable[[Node, str, str], Awaitable[None]],
        telemetry: Callable[[Node, Event], None],
    ) -> None:
        self.name = name
        self.incarnation = incarnation
        self.skew_ms = skew_ms
        self.alive = True
        self.ready = trio.Event()
        self.over = trio.Event()
        self.failure: BaseException | None = None
        self.connections: dict[Connection, None] = {}
        self._calls: dict[_Answer, None] = {}
        self._step = step
        self._scope = trio.CancelScope()
        self._nursery: trio.Nursery | None = None
        record, broker = copy(record), copy(broker)
        record.bucket = copy(record.bucket)
        record.faults = self.mongo = NodeFaults(mongo, incarnation, self._touch)
        record.bucket.faults = self.s3 = NodeFaults(s3, incarnation, self._touch)
        broker.faults = self.redis = NodeFaults(redis, incarnation, self._touch)
        self.bus = MemoryBus(broker, incarnation)
        self.core = make_core(
            settings,
            memory_stores(incarnation, record, broker, bus=self.bus),
            clock=self.clock,
            new_id=Ids(self.clock, Random(incarnation)),
            passwords=_NO_PASSWORDS,
            sender=push.sender(self._touch),
            run=_on_the_spot,
        )
        self.core.people.tokens._open = _opened  # type: ignore[method-assign]
        self.root = Supervisor(
            self.core.children(),
            name=incarnation,
            strategy=Strategy.REST_FOR_ONE,
            telemetry=Telemetry(lambda event: telemetry(self, event)),
        )

    def clock(self) -> int:
        return START_MS + round(trio.current_time() * 1000) + self.skew_ms

    async def _touch(self, store: str, step: str) -> None:
        if self.alive or not self.over.is_set():
            await self._step(self, store, step)
        if self._scope.cancel_called:
            raise Dead

    # -- life ------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        try:
            with self._scope:
                async with trio.open_nursery() as self._nursery:
                    await self._nursery.start(self._run_root)
                    self.ready.set()
                    await trio.sleep_forever()
        except BaseException as error:
            if not self._scope.cancel_called or not _only(error, Dead):
                self.failure = error
                if not isinstance(error, Exception):
                    raise
        finally:
            self.alive = False
            self._cut_off()
            self.ready.set()
            self.over.set()

    async def _run_root(self, *, task_status: trio.TaskStatus[Any]) -> None:
        await self.root.run(task_status=task_status)
        assert self._nursery is not None
        self._nursery.cancel_scope.cancel()

    def kill(self) -> None:
        """`kill -9`: nothing is cleaned up, and what it had under way has or has not reached the stores."""
        self.alive = False
        self._cut_off()
        self._scope.cancel()

    async def stop(self) -> None:
        """SIGTERM: clients first, then the tree, last child first."""
        self.alive = False
        self._cut_off()
        self.root.request_stop()
        await self.over.wait()

    def _cut_off(self) -> None:
        for connection in tuple(self.connections):
            connection.end(1012)
        for answer in tuple(self._calls):
            answer.set(error=Disconnected())

    # -- what clients do -------------------------------------------------------------------------------------------

    def connect(self, peer: Peer, principal: Principal) -> Connection:
        """Raises `Disconnected`."""
        if not self.alive or self._nursery is None or not self.ready.is_set():
            raise Disconnected
        connection = Connection(self, peer, principal)
        self.connections[connection] = None
        self._nursery.start_soon(self._serve, connection)
        return connection

    async def _serve(self, connection: Connection) -> None:
        try:
            await connection.serve()
        except RuntimeError:
            connection.end(1011)  # a temporary child of the real node, that nobody starts again
        finally:
            self.connections.pop(connection, None)
            connection.end()

    async def call(self, function: Callable[..., Awaitable[T]], *args: Any, **options: Any) -> T:
        """A request. Raises `ChatError`, `StoreUnavailable`, `Disconnected`."""
        if not self.alive or self._nursery is None or not self.ready.is_set():
            raise Disconnected
        answer = _Answer()
        self._calls[answer] = None
        self._nursery.start_soon(self._carry_out, answer, function, args, options)
        result: T = await answer.get()
        return result

    async def _carry_out(
        self, answer: _Answer, function: Callable[..., Awaitable[T]], args: Any, options: dict[str, Any]
    ) -> None:
        try:
            answer.set(await function(*args, **options))
        except (ChatError, StoreUnavailable, RuntimeError) as error:
            answer.set(error=error)
        finally:
            self._calls.pop(answer, None)
            answer.set(error=Disconnected())


@cache
def signing_key() -> dict[str, Any]:
    """One for all runs: to make one takes longer than many a run."""
    private = rsa.generate_private_key(65537, 2048)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return {"kid": "k1", "alg": ALGORITHM, "private_pem": pem, "encrypted": False, "created_at": START_MS}


@cache
def _private_key(pem: str) -> Any:
    return load_pem_private_key(pem.encode(), None)


def _opened(row: Mapping[str, Any]) -> Any:
    return _private_key(row["private_pem"])


async def _on_the_spot(function: Callable[..., Any], *args: Any) -> Any:
    await trio.lowlevel.checkpoint()
    return function(*args)


_NO_PASSWORDS = Passwords(memory_kib=8, iterations=1, lanes=1, run=_on_the_spot)


def _only(error: BaseException, kind: type[BaseException]) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(_only(part, kind) for part in error.exceptions)
    return isinstance(error, kind | trio.Cancelled)
