"""A cluster of simulated nodes over one record and one broker, with everything that can go wrong between them."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from tempfile import gettempdir
from typing import Any

import trio

from config.media import MediaSettings
from config.rates import RateSettings
from config.sections import ClusterSettings, CommitSettings, LimitSettings, StorySettings
from config.settings import NodeRole, Settings
from handlers.chats.conversations import NewChannel, NewDirect, NewGroup
from handlers.principal import Principal
from handlers.wire import ChatView
from persistence.memory import Broker, Record
from persistence.models import PresentDevice, PushSubscription, User
from supervisors.exits import Crash
from supervisors.telemetry import ChildExited, Event, IntensityBreached
from tests.simulation.client import Client
from tests.simulation.faults import Weather
from tests.simulation.node import START_MS, Disconnected, Node, signing_key
from tests.simulation.push_service import PushService
from tests.simulation.shelf import Shelf

HEARTBEAT_S = 2.0
LEASE_S = 8.0
HEAD_CHECK_S = 30.0
ROUTER_IDLE_S = 20.0
HOLD_S = 10.0
UPLOAD_TTL_S = 60
ORPHAN_S = 600
REVIEW_S = 60.0
STORY_TTL_S = 60
QUIET = frozenset(NodeRole) - {NodeRole.NOTIFICATIONS}
"""Nobody notifies but where that is what is tested: there would be twice as many steps at which to kill a node."""

Hook = Callable[[Node, str, str], Awaitable[None] | None]


def make_settings(
    *, rates: RateSettings | None = None, roles: frozenset[NodeRole] = QUIET, **limits: Any
) -> Settings:
    return Settings(
        var_dir=Path(gettempdir()) / "chat-tests",
        rates=rates or RateSettings(),
        roles=roles,
        limits=LimitSettings(**{"max_members_group": 64, **limits}),
        media=MediaSettings(upload_ttl_s=UPLOAD_TTL_S, orphan_s=ORPHAN_S, review_s=REVIEW_S),
        commit=CommitSettings(store_hold_s=HOLD_S),
        stories=StorySettings(ttl_s=STORY_TTL_S),
        cluster=ClusterSettings(
            heartbeat_s=HEARTBEAT_S, lease_s=LEASE_S, head_check_s=HEAD_CHECK_S, router_idle_s=ROUTER_IDLE_S
        ),
    )


_SETTINGS = make_settings()


class World:
    """The record, the broker, the nodes and the clients.

    Attributes:
        mongo, redis, s3: how the stores behave.
        push: the push service, of all devices.
        hook: called at each step of each node in a store; may kill it there, or give something to wait for.
        lose_rate, repeat_rate, earliest_s, latest_s: what happens to entries between nodes.
        wrong: what clients or nodes have found that must not be.
        crashes: of children of any node.
        expected: messages of error logs that are no complaint.

    """

    def __init__(self, seed: int = 0, settings: Settings | None = None) -> None:
        self.random = Random(seed)
        self.settings = settings or _SETTINGS
        self.record = Record()
        self.record.keys["k1"] = signing_key()
        self.record.bucket.objects = Shelf(self)
        self.broker = Broker(lease_s=LEASE_S)
        self.mongo = Weather("mongodb", self.random)
        self.redis = Weather("redis", self.random)
        self.s3 = Weather("s3", self.random)
        self.broker.faults = self.redis.faults
        self.broker.lose = lambda one, other: self.random.random() < self.lose_rate
        self.broker.repeat = lambda one, other: self.random.random() < self.repeat_rate
        self.broker.delay = lambda one, other: (
            self.random.uniform(self.earliest_s, self.latest_s) if self.latest_s else 0.0
        )
        self.lose_rate = self.repeat_rate = self.earliest_s = self.latest_s = 0.0
        self.push = PushService(self)
        self.hook: Hook | None = None
        self.nodes: dict[str, Node] = {}
        self.clients: list[Client] = []
        self.wrong: list[str] = []
        self.crashes: list[ChildExited] = []
        self.begun = False
        self.expected: set[str] = set()
        self._starts = 0
        self._nursery: trio.Nursery | None = None

    @asynccontextmanager
    async def running(self, nodes: int = 2) -> AsyncIterator[World]:
        """The cluster around a block; raises what clients found wrong."""
        handler = _Complaints(self)
        logging.getLogger("handlers").addHandler(handler)
        try:
            async with trio.open_nursery() as self._nursery:
                for number in range(nodes):
                    await self.start(f"n{number + 1}")
                yield self
                self._nursery.cancel_scope.cancel()
        finally:
            logging.getLogger("handlers").removeHandler(handler)
        assert not self.wrong, "\n".join(self.wrong)

    def complain(self, what: str) -> None:
        """Something is wrong: the run ends with it."""
        self.wrong.append(f"at {trio.current_time():.3f} s: {what}")
        if self._nursery is not None:
            self._nursery.cancel_scope.cancel()

    # -- nodes -----------------------------------------------------------------------------------------------------

    async def start(self, name: str, skew_ms: int = 0) -> Node:
        """A new incarnation of a node, ready to serve. Raises what kept it from starting."""
        assert self._nursery is not None
        self._starts += 1
        node = Node(
            name,
            f"{name}.{self._starts}",
            self.settings,
            self.record,
            self.broker,
            self.mongo,
            self.redis,
            self.s3,
            skew_ms=skew_ms,
            push=self.push,
            step=self._step,
            telemetry=self._told,
        )
        self.nodes[name] = node
        self._nursery.start_soon(node.run, name=node.incarnation)
        await node.ready.wait()
        if node.failure is not None:
            raise node.failure
        return node

    async def _step(self, node: Node, store: str, step: str) -> None:
        if self.hook is not None:
            waiting = self.hook(node, store, step)
            if waiting is not None:
                await waiting

    def _told(self, node: Node, event: Event) -> None:
        if isinstance(event, ChildExited) and isinstance(event.exit, Crash):
            self.crashes.append(event)
        elif isinstance(event, IntensityBreached):
            self.complain(f"{event}")

    def begin(self) -> None:
        """The scene is set: from here on, a node may die."""
        self.begun = True

    def __getitem__(self, name: str) -> Node:
        return self.nodes[name]

    def living(self) -> list[Node]:
        return [node for node in self.nodes.values() if node.alive and node.ready.is_set()]

    # -- people ----------------------------------------------------------------------------------------------------

    def user(self, user_id: str) -> str:
        """Sign somebody up."""
        self.record.users[user_id] = User(
            id=user_id,
            name=user_id,
            phone=f"+49{len(self.record.users):09}",
            password_hash="",
            created_at=START_MS,
            updated_at=START_MS,
        )
        return user_id

    def client(self, user_id: str, device: str = "phone") -> Client:
        """A device of a user, not connected yet."""
        if user_id not in self.record.users:
            self.user(user_id)
        client = Client(self, user_id, f"{user_id}-{device}")
        self.clients.append(client)
        return client

    async def online(self, user_id: str, node: str, device: str = "phone") -> Client:
        """A device of a user, connected to a node and caught up."""
        client = self.client(user_id, device)
        await client.connect(self[node])
        return client

    async def group(self, *user_ids: str, node: str = "n1", title: str = "Crew") -> str:
        """A group of which the first is the owner."""
        return (await self._chat(user_ids[0], NewGroup(title=title, member_ids=list(user_ids[1:])), node)).id

    async def channel(self, *user_ids: str, node: str = "n1") -> str:
        body = NewChannel(title="News", member_ids=list(user_ids[1:]))
        return (await self._chat(user_ids[0], body, node)).id

    async def direct(self, one: str, other: str, *, node: str = "n1") -> str:
        return (await self._chat(one, NewDirect(user_id=other), node)).id

    async def _chat(self, owner: str, body: NewDirect | NewGroup | NewChannel, node: str) -> ChatView:
        for user_id in (owner, *getattr(body, "member_ids", ()), getattr(body, "user_id", owner)):
            if user_id not in self.record.users:
                self.user(user_id)
        view, _ = await self[node].call(self[node].core.chats.conversations.create, principal(owner), body)
        return view

    def subscribe(
        self, user_id: str, device: str = "phone", service: str = "https://push"
    ) -> PushSubscription:
        """A device of a user is to be notified."""
        name = f"{user_id}-{device}"
        subscription = PushSubscription(
            id=name,
            user_id=user_id,
            device_id=name,
            endpoint=f"{service}/{name}",
            p256dh=b"",
            auth=name.encode().ljust(16, b"."),
            created_at=START_MS,
        )
        self.record.subscriptions[name] = subscription
        return subscription

    def present(self, user_id: str, device: str = "phone", *, node: str = "n1", idle_s: float = 0) -> None:
        """A device of a user is connected, and was last used so long ago."""
        now = self[node].clock()
        entry = PresentDevice(
            user_id=user_id,
            device_id=f"{user_id}-{device}",
            node=self[node].incarnation,
            since=START_MS,
            active_at=now - int(idle_s * 1000),
        )
        self.broker.presence.devices.setdefault(user_id, {})[entry.device_id, entry.node] = entry

    def absent(self, user_id: str) -> None:
        """No device of the user is connected any more."""
        self.broker.presence.devices.pop(user_id, None)

    # -- healing ---------------------------------------------------------------------------------------------------

    def clear_weather(self) -> None:
        """From now on nothing goes wrong any more."""
        self.mongo.clear()
        self.redis.clear()
        self.s3.clear()
        self.lose_rate = self.repeat_rate = self.earliest_s = self.latest_s = 0.0
        self.hook = None
        for node in self.nodes.values():
            node.mongo.down = node.redis.down = node.s3.down = False

    async def settle(self, seconds: float = 5.0) -> None:
        """Let everything happen that is under way."""
        await trio.sleep(seconds)

    async def heal(self) -> None:
        """Clear weather, every node up, every client connected, and time for what heals slowest."""
        self.clear_weather()
        for name, node in list(self.nodes.items()):
            if not node.alive:
                await node.over.wait()
                await self.start(name)
        await trio.sleep(1)
        for index, client in enumerate(self.clients):
            if client.signed_out:
                continue
            for node in _turned(self.living(), index):
                if client.connected:
                    break
                try:
                    await client.connect(node)
                except Disconnected:
                    continue
        await trio.sleep(LEASE_S + HEAD_CHECK_S + 2 * HEARTBEAT_S)
        for client in self.clients:
            await client.refresh()
        await trio.sleep(1)


def principal(user_id: str, device_id: str = "rest") -> Principal:
    return Principal(user_id, device_id, START_MS * 2)


def _turned(nodes: Sequence[Node], by: int) -> list[Node]:
    return [*nodes[by % len(nodes) :], *nodes[: by % len(nodes)]]


class _Complaints(logging.Handler):
    """Whatever the handlers log as an error that nobody expects is one."""

    def __init__(self, world: World) -> None:
        super().__init__(logging.ERROR)
        self._world = world

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage() not in self._world.expected:
            self._world.complain(self.format(record))
