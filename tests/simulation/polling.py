"""Long-polling in the simulation: a front before the nodes as nginx is one, and a client's end that asks as phoenix.js does (`longpoll.js`).

`Front` stands in the place of a node: `client.connect(front)`. Each request of such a client goes to any node.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import trio

from handlers.auth.auth import Auth
from handlers.principal import Principal
from server.admission import Admission
from server.connections import Connections
from server.flusher import Flusher
from server.longpoll.requests import LongPoll, Request, Response
from server.longpoll.sessions import LongPollSessions
from server.longpoll.tickets import Tickets
from supervisors import ChildSpec, DynamicSupervisor, Strategy, Supervisor
from tests.simulation.node import Disconnected, Node, Peer
from tests.simulation.world import World

BATCH = 100
TIMEOUT_S = 20.0
TTL_S = 900


class Poller:
    """A node's side: what `server.node` makes of it."""

    def __init__(self, node: Node, auth: Auth, limits: Any, roles: Any) -> None:
        self.flusher = Flusher()
        self.connections = Connections(
            auth, node.clock, idle_s=limits.socket_idle_s, token_ttl_s=float(TTL_S)
        )
        self.supervisor = DynamicSupervisor(name="connections", max_children=limits.max_connections)
        self.sessions = LongPollSessions(
            node.core,
            supervisor=self.supervisor,
            connections=self.connections,
            flusher=self.flusher,
            limits=limits,
        )
        self.requests = LongPoll(
            self.sessions,
            peers=node.core.cluster.peers,
            tickets=Tickets(node.core.people.tokens, node.clock, ttl_s=TTL_S),
            tokens=node.core.people.tokens,
            admission=Admission(node.core.quotas),
            roles=roles,
            window_s=limits.longpoll_window_s,
            max_message_bytes=limits.max_frame_bytes,
        )
        self.root = Supervisor(
            [
                ChildSpec("flusher", self.flusher.run),
                ChildSpec("sweep", self.connections.run),
                self.supervisor.spec(),
            ],
            name="sessions",
            strategy=Strategy.REST_FOR_ONE,
        )


class Front:
    """Any of the nodes that live, for each request. A GET whose node dies meanwhile is asked of the next; a POST is not, unless it was never sent.

    Attributes:
        calls: (node, method, status in the body), for each request that was answered.
        before, after: called around each request at a node; may raise `Disconnected`: the request, or its answer, is lost.

    """

    def __init__(self, world: World, *names: str) -> None:
        self.world = world
        self.names = names
        self.calls: list[tuple[str, str, int]] = []
        self.before: Callable[[Node, Request], Awaitable[None] | None] = lambda node, request: None
        self.after: Callable[[Node, Request, Response], Awaitable[None] | None] = (
            lambda node, request, response: None
        )
        self._pollers: dict[Node, Poller] = {}

    async def poller(self, node: Node) -> Poller:
        """Of a node; made at its first request."""
        found = self._pollers.get(node)
        if found is None:
            settings = self.world.settings
            found = self._pollers[node] = Poller(node, node.core.people.auth, settings.limits, settings.roles)
            assert node._nursery is not None
            await node._nursery.start(_run, found.root)
        return found

    def living(self) -> list[Node]:
        return [node for node in self.world.living() if not self.names or node.name in self.names]

    def next_node(self) -> Node:
        """Raises `Disconnected`."""
        living = self.living()
        if not living:
            raise Disconnected
        return self.world.random.choice(living)

    async def request(self, request: Request) -> Response:
        """Raises `Disconnected`."""
        while True:
            node = self.next_node()
            try:
                return await self.at(node, request)
            except Disconnected:
                if request.method != "GET" or not self.living():
                    raise

    async def at(self, node: Node, request: Request) -> Response:
        """A request at this node. Raises `Disconnected`."""
        await _maybe(self.before(node, request))
        poller = await self.poller(node)
        response: Response = await node.call(poller.requests.respond, request)
        self.calls.append((node.name, request.method, status(response)))
        await _maybe(self.after(node, request, response))
        return response

    # -- in the place of a node --------------------------------------------------------------------------------------

    @property
    def incarnation(self) -> str:
        return "the front"

    @property
    def core(self) -> Any:
        return self.next_node().core

    async def call(self, function: Any, *args: Any, **options: Any) -> Any:
        """A request of another kind, at the node whose function it is."""
        for node in self.world.living():
            if getattr(function, "__self__", None) in (
                node.core.chats.history,
                node.core.chats.conversations,
            ):
                return await node.call(function, *args, **options)
        raise Disconnected

    def connect(self, peer: Peer, principal: Principal) -> Link:
        """A client's end, in the place of a connection."""
        link = Link(self, peer, principal)
        assert self.world._nursery is not None
        self.world._nursery.start_soon(link.run)
        return link


async def _maybe(waiting: Awaitable[None] | None) -> None:
    if waiting is not None:
        await waiting


async def _run(root: Supervisor, *, task_status: trio.TaskStatus[Any]) -> None:
    await root.run(task_status=task_status)


def status(response: Response) -> int:
    """What phoenix.js sees; 0 for an answer that is no JSON."""
    return int(msgspec.json.decode(response.body)["status"]) if response.body else 0


def get(token: str | None, auth: str = "", **more: str) -> Request:
    """A poll."""
    query = [("vsn", "2.0.0"), ("token", "null" if token is None else token), *more.items()]
    return Request(
        method="GET", query=query, headers={"x-phoenix-authtoken": auth} if auth else {}, body=_body(b"")
    )


def post(token: str | None, *frames: bytes, kind: str = "application/x-ndjson") -> Request:
    """A post."""
    query = [("vsn", "2.0.0"), ("token", "null" if token is None else token)]
    return Request(method="POST", query=query, headers={"content-type": kind}, body=_body(b"\n".join(frames)))


def _body(content: bytes) -> Callable[[int], Awaitable[bytes]]:
    async def body(most: int) -> bytes:
        await trio.lowlevel.checkpoint()
        return content

    return body


class Link:
    """What phoenix.js makes of a connection, over requests."""

    def __init__(self, front: Front, peer: Peer, principal: Principal) -> None:
        self.front = front
        self.principal = principal
        self.open = True
        self.token: str | None = None
        self._peer = peer
        self._frames: deque[bytes] = deque()
        self._work = trio.Event()
        self._opened = trio.Event()
        self._scope = trio.CancelScope()

    @property
    def node(self) -> Front:
        return self.front

    def send(self, frame: list[Any]) -> None:
        self._frames.append(msgspec.json.encode(frame))
        self._work.set()

    def end(self, code: int = 1006) -> None:
        if self.open:
            self.open = False
            self._scope.cancel()
            self._peer.on_close(self, code)  # type: ignore[arg-type]

    async def run(self) -> None:
        with self._scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.poll_on)
                nursery.start_soon(self.post_on)

    async def poll_on(self) -> None:
        """`LongPoll.poll`."""
        while self.open:
            response = await self._request(lambda: get(self.token, self._auth()))
            if response is None:
                self.end(1011)
                return
            body = msgspec.json.decode(response.body)
            if body["status"] == 410 and self.token is not None:
                self.end(3410)
                return
            self.token = body.get("token")
            match body["status"]:
                case 200:
                    for message in body["messages"]:
                        if self.open:
                            self._peer.on_frame(self, msgspec.json.decode(message))  # type: ignore[arg-type]
                case 204:
                    assert body["messages"] == []
                case 410:
                    self._opened.set()
                case 403:
                    self.end(1008)
                case 500:
                    self.end(1011)
                case other:
                    raise AssertionError(f"unhandled poll status {other}")

    async def post_on(self) -> None:
        """`LongPoll.batchSend`."""
        await self._opened.wait()
        while self.open:
            if not self._frames:
                await self._work.wait()
                self._work = trio.Event()
            batch = [self._frames.popleft() for _ in range(min(BATCH, len(self._frames)))]
            response = await self._request(lambda batch=batch: post(self.token, *batch))
            if response is None or status(response) != 200:
                self.end(1011)

    def _auth(self) -> str:
        user = self.front.world.record.users[self.principal.user_id]
        for node in self.front.world.living():
            return node.core.people.tokens.issue(user, self.principal.device_id)[0]
        return ""

    async def _request(self, make: Callable[[], Request]) -> Response | None:
        with trio.move_on_after(TIMEOUT_S):
            try:
                return await self.front.request(make())
            except Disconnected:
                return None
        return None
