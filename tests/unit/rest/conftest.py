"""A node's REST side over the stores in memory, on the virtual clock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from inspect import iscoroutinefunction
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
import trio.testing
from quart.wrappers import Response

from config.sections import LimitSettings
from config.settings import Settings
from handlers.auth import Auth
from handlers.chat_views import ChatViews
from handlers.chats import Conversations
from handlers.commit import GroupCommit
from handlers.events import Event
from handlers.fanout import Fanout
from handlers.history import History
from handlers.hub import Hub
from handlers.passwords import Passwords
from handlers.receipts import Receipts
from handlers.routers import Routers
from handlers.tokens import Tokens
from handlers.users import Profiles
from persistence.errors import StoreUnavailable
from persistence.ids import Ids
from persistence.memory import (
    Broker,
    MemoryAttempts,
    MemoryBus,
    MemoryChats,
    MemoryDeadLetters,
    MemoryDevices,
    MemoryLog,
    MemorySigningKeys,
    MemoryUsers,
    Record,
)
from server.rest.app import create_app
from server.services import Services
from supervisors import ChildSpec, PartitionSupervisor, Supervisor, open_supervisor

START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z


def clock() -> int:
    return START_MS + int(trio.current_time() * 1000)


async def on_the_spot(function: Callable[..., Any], *args: Any) -> Any:
    await trio.lowlevel.checkpoint()
    return function(*args)


class Listener:
    """A session of a user, as the hub sees it: keeps what it is told."""

    def __init__(self, hub: Hub, user_id: str, device_id: str) -> None:
        self.user_id = user_id
        self.device_id = device_id
        self.events: list[Event] = []
        hub.add(self)

    def on_user_event(self, event: Event) -> None:
        self.events.append(event)


class Dependency:
    def __init__(self, name: str) -> None:
        self.name = name
        self.reason = ""
        self.delay = 0.0
        self.pings = 0

    async def ping(self) -> None:
        self.pings += 1
        await trio.sleep(self.delay)
        if self.reason:
            raise StoreUnavailable(self.name, self.reason)


class Reply:
    """An answer, read."""

    def __init__(self, response: Response, raw: bytes) -> None:
        self.status = response.status_code
        self.headers = response.headers
        self.raw = raw
        self.content_type = response.headers.get("Content-Type", "")

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.raw)


class Account:
    """A signed-up user, and requests in their name."""

    def __init__(self, world: World, session: dict[str, Any]) -> None:
        self.world = world
        self.session = session
        self.id: str = session["user"]["id"]
        self.device_id: str = session["device_id"]
        self.token: str = session["access_token"]

    async def __call__(self, method: str, path: str, json: Any = msgspec.UNSET, **options: Any) -> Reply:
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return await self.world.request(method, path, json, headers=headers, **options)


class World:
    """Everything below the routes, real, over memory."""

    def __init__(self, **limits: Any) -> None:
        self.record = Record()
        self.broker = Broker()
        self.hub = Hub()
        self.probes = [Dependency("mongodb"), Dependency("redis"), Dependency("s3")]
        self.draining = False
        self._phones = count(1)
        ids = Ids(clock)
        chats, users, devices = MemoryChats(self.record), MemoryUsers(self.record), MemoryDevices(self.record)
        store, bus = MemoryLog(self.record), MemoryBus(self.broker, "n1")
        self.bus = bus
        self.fanout = Fanout(bus, self.hub)
        self.commit = GroupCommit(store, batch=64)
        self.partitions = PartitionSupervisor(2, name="routers")
        self.routers = Routers(
            store=store,
            chats=chats,
            bus=bus,
            dead_letters=MemoryDeadLetters(self.record),
            fanout=self.fanout,
            commit=self.commit,
            partitions=self.partitions,
            clock=clock,
            new_id=ids,
            idle_s=60,
            hold_s=5,
            most_pending=1000,
        )
        self.receipts = Receipts(chats, self.routers, self.fanout, clock)
        self.tokens = Tokens(MemorySigningKeys(self.record), clock, ttl_s=900, rotation_s=86_400)
        views = ChatViews(chats, store, users, clock)
        settings = Settings(limits=LimitSettings(max_members_group=4, **limits))
        self.services = Services(
            settings=settings,
            tokens=self.tokens,
            auth=Auth(
                users=users,
                devices=devices,
                attempts=MemoryAttempts(self.broker),
                passwords=Passwords(memory_kib=8, iterations=1, lanes=1, run=on_the_spot),
                tokens=self.tokens,
                fanout=self.fanout,
                clock=clock,
                new_id=ids,
                refresh_ttl_s=86_400,
                tries=3,
                window_s=60,
            ),
            profiles=Profiles(
                users=users, devices=devices, chats=chats, bus=bus, fanout=self.fanout, clock=clock
            ),
            conversations=Conversations(
                chats=chats,
                users=users,
                store=store,
                views=views,
                routers=self.routers,
                fanout=self.fanout,
                clock=clock,
                new_id=ids,
                most_members=settings.limits.max_members_group,
            ),
            history=History(
                chats=chats, users=users, store=store, routers=self.routers, receipts=self.receipts
            ),
            routers=self.routers,
            probes=self.probes,
            draining=lambda: self.draining,
        )
        self.app = create_app(self.services)
        self.client = self.app.test_client()

    def tree(self) -> Supervisor:
        children = [
            ChildSpec("tokens", self.tokens.run),
            ChildSpec("fanout", self.fanout.run),
            ChildSpec("commit", self.commit.run),
            self.partitions.spec(),
            ChildSpec("starter", self.routers.run),
            ChildSpec("receipts", self.receipts.run),
        ]
        return Supervisor(children, name="node")

    async def request(
        self, method: str, path: str, json: Any = msgspec.UNSET, *, raw: bytes | None = None, **options: Any
    ) -> Reply:
        headers = dict(options.pop("headers", {}))
        if json is not msgspec.UNSET:
            raw = msgspec.json.encode(json)
        if raw is not None:
            headers.setdefault("Content-Type", "application/json")
        response = await self.client.open(path, method=method, data=raw, headers=headers, **options)
        return Reply(response, await response.get_data(as_text=False))

    async def account(self, name: str = "Ada", *, password: str = "correct horse") -> Account:
        phone = f"+4930{next(self._phones):07}"
        body = {
            "name": name,
            "phone": phone,
            "password": password,
            "device": {"name": "phone", "platform": "test"},
        }
        reply = await self.request("POST", "/api/v1/auth/signup", body)
        assert reply.status == 201, reply.raw
        return Account(self, reply.json)

    def listen(self, account: Account) -> Listener:
        return Listener(self.hub, account.id, account.device_id)


@asynccontextmanager
async def opened(**limits: Any) -> AsyncIterator[World]:
    world = World(**limits)
    async with open_supervisor(world.tree()):
        yield world


@pytest.fixture(scope="session")
def open_world() -> Callable[..., AbstractAsyncContextManager[World]]:
    return opened


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with opened() as it:
        yield it


def run_virtual(main: Callable[[], Any], **options: Any) -> Any:
    options["clock"] = trio.testing.MockClock(autojump_threshold=0)
    return trio.run(main, **options)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # pytest-trio takes a clock from a test's own arguments only, not from its fixtures'.
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here) and iscoroutinefunction(getattr(item, "obj", None)):
            item.add_marker(pytest.mark.trio(run=run_virtual), append=False)
