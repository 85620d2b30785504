"""A node's REST side, and sessions as a socket has them, over the stores in memory, on the virtual clock."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from inspect import iscoroutinefunction
from itertools import count
from pathlib import Path
from random import Random
from tempfile import gettempdir
from typing import Any
from urllib.parse import unquote

import msgspec
import pytest
import trio
import trio.testing
from quart.wrappers import Response

from config.media import MediaSettings
from config.rates import RateSettings
from config.redact import Redactor
from config.sections import AuthSettings, ClusterSettings, CommitSettings, LimitSettings, StorySettings
from config.settings import Settings
from handlers.auth.passwords import Passwords
from handlers.nodes.events import Event
from handlers.operators.live_tree import LiveTree
from handlers.protocol import Prepared
from handlers.sessions.hub import Hub
from persistence.errors import StoreUnavailable
from persistence.ids import Ids
from persistence.memory import (
    Broker,
    MemoryBus,
    Record,
)
from persistence.models import FOREVER, AccountJob, AccountTask, TaskState
from server.core import make_core
from server.rest.app import create_app
from server.services import make_services
from supervisors import CrashLog, Strategy, Supervisor, Telemetry, open_supervisor, snapshot, to_log
from tests.memory_stores import memory_stores

API = "/api/v1"
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

    def __init__(self, status: int, headers: Any, raw: bytes) -> None:
        self.status = status
        self.headers = headers
        self.raw = raw
        self.content_type = headers.get("Content-Type", "")

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

    async def upload(self, body: bytes = b"picture", **fields: Any) -> str:
        """Upload a file, as a client does; its id."""
        wanted = {"kind": "image", "content_type": "image/png", "size": len(body), **fields}
        reply = await self("POST", f"{API}/media/uploads", wanted)
        assert reply.status == 201, reply.raw
        target = reply.json["upload"]
        stored = self.world.record.bucket.upload(target["url"], target["headers"], body)
        assert stored.status == 200, stored.body
        return str(reply.json["media_id"])

    async def connect(self) -> Socket:
        """A connection of this device, that has joined nothing yet."""
        return await Socket.open(self.world, self.token)


class Socket:
    """A session, and what its client gets."""

    def __init__(self, world: World, token: str) -> None:
        self._refs = count(1)
        self.asked: dict[str, tuple[str, str]] = {}
        self.frames: list[list[Any]] = []
        self.closed: tuple[int, str] | None = None
        self.session = world.core.sessions.session(world.core.people.tokens.verify(token), self, "test")

    @classmethod
    async def open(cls, world: World, token: str) -> Socket:
        socket = cls(world, token)
        await world.core.sessions.sessions.opened(socket.session)
        return socket

    def push(self, prepared: Prepared) -> None:
        self.frames += [msgspec.json.decode(text) for text in prepared.texts]

    def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)

    async def __call__(self, topic: str, event: str, payload: Any = msgspec.UNSET) -> dict[str, Any]:
        """Push, and wait for the answer: `{"status": ..., "response": ...}`."""
        ref = str(next(self._refs))
        self.asked[ref] = (topic, event)
        body = {} if payload is msgspec.UNSET else payload
        await self.session.receive(msgspec.json.encode(["1", ref, topic, event, body]))
        with trio.fail_after(60):
            while True:
                for frame in self.frames:
                    if frame[1] == ref and frame[3] == "phx_reply":
                        return dict(frame[4])
                await trio.sleep(0.001)

    def events(self, topic: str) -> list[tuple[str, Any]]:
        """What came unasked."""
        return [(frame[3], frame[4]) for frame in self.frames if frame[2] == topic and frame[1] is None]


class World:
    """A node over memory, real but for its network. Several of them on the same `record` and `broker` are a cluster."""

    def __init__(
        self,
        *,
        node: str = "n1",
        record: Record | None = None,
        broker: Broker | None = None,
        key_rotation_s: int = 86_400,
        session_s: int = 86_400,
        rates: RateSettings | None = None,
        trusted: tuple[str, ...] = ("127.0.0.0/8",),
        media: dict[str, Any] | None = None,
        story_ttl_s: int = 86_400,
        **limits: Any,
    ) -> None:
        self.record = record or Record()
        self.broker = broker or Broker(lease_s=1e9)
        self.probes = [Dependency("mongodb"), Dependency("redis"), Dependency("s3")]
        self.draining = False
        self._phones = count(1)
        self.bus = MemoryBus(self.broker, node)
        stores = memory_stores(node, self.record, self.broker, bus=self.bus)
        settings = Settings(
            var_dir=Path(gettempdir()) / "chat-tests",
            trusted_proxies=trusted,  # type: ignore[arg-type]
            rates=rates or RateSettings(),
            limits=LimitSettings(**{"max_members_group": 4, **limits}),
            auth=AuthSettings(
                login_tries=3,
                login_window_s=60,
                refresh_token_ttl_s=session_s,
                key_rotation_s=key_rotation_s,
            ),
            media=MediaSettings(**(media or {})),
            stories=StorySettings(ttl_s=story_ttl_s),
            commit=CommitSettings(store_hold_s=5),
            cluster=ClusterSettings(heartbeat_s=1e6, lease_s=1e9, head_check_s=1e6, router_idle_s=60),
        )
        self.core = make_core(
            settings,
            stores,
            clock=clock,
            new_id=Ids(clock, Random(node)),
            passwords=Passwords(memory_kib=8, iterations=1, lanes=1, run=on_the_spot),
            run=on_the_spot,
        )
        self.crashes = CrashLog(clock, Redactor().text)
        self.root = Supervisor(
            self.core.children(),
            name="node",
            strategy=Strategy.REST_FOR_ONE,
            telemetry=Telemetry(to_log, self.crashes),
        )
        self.services = make_services(
            self.core,
            tree=LiveTree(
                node, lambda: self.crashes.shown_in(snapshot(self.root)), self.core.cluster.roll_call
            ),
            probes=self.probes,
            draining=lambda: self.draining,
        )
        self.app = create_app(self.services)
        self.client = self.app.test_client()

    async def request(
        self, method: str, path: str, json: Any = msgspec.UNSET, *, raw: bytes | None = None, **options: Any
    ) -> Reply:
        headers = dict(options.pop("headers", {}))
        if json is not msgspec.UNSET:
            raw = msgspec.json.encode(json)
        if raw is not None:
            headers.setdefault("Content-Type", "application/json")
        response: Response = await self.client.open(path, method=method, data=raw, headers=headers, **options)
        body = await response.get_data(as_text=False)
        return Reply(response.status_code, response.headers, body)

    async def asgi(
        self, method: str, target: bytes, headers: list[tuple[bytes, bytes]], *chunks: bytes
    ) -> Reply:
        """A request byte for byte, as Hypercorn hands it to the application."""
        path, _, query = target.partition(b"?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path.decode("ascii")),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": headers,
            "client": ("192.0.2.1", 1),
            "server": ("127.0.0.1", 8000),
            "extensions": {},
        }
        waiting = iter(chunks or (b"",))
        left = len(chunks or (b"",))
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            nonlocal left
            await trio.lowlevel.checkpoint()
            if not left:
                await trio.sleep_forever()
            left -= 1
            return {"type": "http.request", "body": next(waiting), "more_body": left > 0}

        async def send(message: dict[str, Any]) -> None:
            await trio.lowlevel.checkpoint()
            sent.append(message)

        await self.app(scope, receive, send)  # type: ignore[arg-type]
        start, *rest = sent
        found = {name.decode().title(): value.decode() for name, value in start["headers"]}
        return Reply(start["status"], found, b"".join(message.get("body", b"") for message in rest))

    async def account(self, name: str = "Ada", *, password: str = "correct horse") -> Account:
        body = {
            "name": name,
            "phone": f"+4930{next(self._phones):07}",
            "password": password,
            "device": {"name": "phone", "platform": "test"},
        }
        reply = await self.request("POST", f"{API}/auth/signup", body)
        assert reply.status == 201, reply.raw
        return Account(self, reply.json)

    def listen(self, account: Account) -> Listener:
        return Listener(self.core.hub, account.id, account.device_id)


class Scene:
    """Ada's group with Bob, with a message of each, and a second device of hers: something for every call to be about."""

    ada: Account
    bob: Account
    eve: Account
    chat_id: str
    device_id: str
    invite: dict[str, Any]
    story_id: str
    media_id: str

    def __init__(self, world: World) -> None:
        self.world = world

    async def set_up(self) -> Scene:
        """Make it; again after a call has undone something. Ada is an operator."""
        world = self.world
        self.ada, self.bob, self.eve = [await world.account(name) for name in ("Ada", "Bob", "Eve")]
        await world.core.stores.users.set_operator(self.ada.id, operator=True)
        self.ada.session = await self.log_in()
        self.ada.token, self.ada.device_id = self.ada.session["access_token"], self.ada.session["device_id"]
        self.device_id = (await self.log_in())["device_id"]
        body = {"type": "group", "title": "Crew", "member_ids": [self.bob.id]}
        self.chat_id = (await self.ada("POST", f"{API}/chats", body)).json["id"]
        done = {
            "state": TaskState.READY,
            "asked_at": 0,
            "done_at": 0,
            "expires_at": FOREVER,
            "due_at": FOREVER,
        }
        old = AccountJob(user_id=self.ada.id, task=AccountTask.EXPORT, run_id="old", **done)  # type: ignore[arg-type]
        await world.core.stores.account_jobs.add(old)
        self.invite = (await self.ada("POST", f"{API}/chats/{self.chat_id}/invites")).json
        for who in (self.ada, self.bob):
            reply = await who("POST", f"{API}/chats/{self.chat_id}/messages", text("first"))
            assert reply.status == 201, reply.raw
        direct = await self.ada("POST", f"{API}/chats", {"type": "direct", "user_id": self.eve.id})
        assert direct.status == 201, direct.raw
        posted = await self.ada("POST", f"{API}/stories", STORY)
        assert posted.status == 201, posted.raw
        self.story_id = posted.json["id"]
        reply = await self.ada("POST", f"{API}/push/subscriptions", subscription("first"))
        assert reply.status == 201, reply.raw
        self.media_id = await self.ada.upload()
        return self

    async def log_in(self) -> dict[str, Any]:
        reply = await self.world.request("POST", f"{API}/auth/login", self.credentials)
        assert reply.status == 200, reply.raw
        return dict(reply.json)

    @property
    def credentials(self) -> dict[str, Any]:
        return {
            "phone": self.ada.session["user"]["phone"],
            "password": "correct horse",
            "device": {"name": "laptop", "platform": "test"},
        }

    def fill(self, path: str) -> str:
        """The address of a call, about what exists."""
        known = {
            "chat_id": self.chat_id,
            "user_id": self.bob.id,
            "device_id": self.device_id,
            "seq": "1",
            "media_id": self.media_id,
        }
        known |= {"invite_id": self.invite["id"], "token": self.invite["token"]}
        known |= {"story_id": self.story_id}
        return API + path.format(**known)

    def calls(self) -> dict[str, tuple[str, str, Any]]:
        """Per operation one request that is in order: method, address, body."""
        in_chat = "/chats/{chat_id}"
        member = in_chat + "/members/{user_id}"
        message = in_chat + "/messages/{seq}"
        none = msgspec.UNSET
        calls: dict[str, tuple[str, str, Any]] = {
            "post_auth_signup": (
                "POST",
                "/auth/signup",
                {**self.credentials, "name": "New", "phone": "+493099999999"},
            ),
            "post_auth_login": ("POST", "/auth/login", self.credentials),
            "post_auth_refresh": (
                "POST",
                "/auth/refresh",
                {"refresh_token": self.ada.session["refresh_token"]},
            ),
            "post_auth_logout": ("POST", "/auth/logout", none),
            "get_devices": ("GET", "/devices?limit=5", none),
            "delete_devices_device_id": ("DELETE", "/devices/{device_id}", none),
            "get_users_me": ("GET", "/users/me", none),
            "patch_users_me": (
                "PATCH",
                "/users/me",
                {"name": "Ada L.", "status": "x", "privacy": {"last_seen": "contacts"}},
            ),
            "post_users_me_export": ("POST", "/users/me/export", none),
            "get_users_me_export": ("GET", "/users/me/export", none),
            "delete_users_me": ("DELETE", "/users/me", {"password": "correct horse"}),
            "get_users": (
                "GET",
                f"/users?phone=%2B{self.bob.session['user']['phone'].removeprefix('+')}",
                none,
            ),
            "get_users_user_id": ("GET", "/users/{user_id}", none),
            "put_users_user_id_block": ("PUT", "/users/{user_id}/block", none),
            "delete_users_user_id_block": ("DELETE", "/users/{user_id}/block", none),
            "post_chats_chat_id_invites": ("POST", in_chat + "/invites", {"expires_in_s": 60, "max_uses": 2}),
            "get_chats_chat_id_invites": ("GET", in_chat + "/invites?limit=5", none),
            "delete_chats_chat_id_invites_invite_id": ("DELETE", in_chat + "/invites/{invite_id}", none),
            "get_invites_token": ("GET", "/invites/{token}", none),
            "post_invites_token_join": ("POST", "/invites/{token}/join", none),
            "get_users_me_blocks": ("GET", "/users/me/blocks?limit=5", none),
            "post_chats": ("POST", "/chats", {"type": "direct", "user_id": self.bob.id}),
            "get_chats": ("GET", "/chats?limit=5", none),
            "get_chats_chat_id": ("GET", in_chat, none),
            "patch_chats_chat_id": ("PATCH", in_chat, {"title": "Crew 2"}),
            "delete_chats_chat_id": ("DELETE", in_chat, none),
            "get_chats_chat_id_members": ("GET", in_chat + "/members?limit=5", none),
            "put_chats_chat_id_members_user_id": ("PUT", member, {"role": "admin"}),
            "delete_chats_chat_id_members_user_id": ("DELETE", member, none),
            "put_chats_chat_id_pin": ("PUT", in_chat + "/pin", none),
            "delete_chats_chat_id_pin": ("DELETE", in_chat + "/pin", none),
            "put_chats_chat_id_mute": ("PUT", in_chat + "/mute", {"until": "2027-01-01T00:00:00Z"}),
            "delete_chats_chat_id_mute": ("DELETE", in_chat + "/mute", none),
            "get_chats_chat_id_messages": ("GET", in_chat + "/messages?after_seq=0&limit=5", none),
            "post_chats_chat_id_messages": (
                "POST",
                in_chat + "/messages",
                {**text("second"), "reply_to": 1},
            ),
            "patch_chats_chat_id_messages_seq": ("PATCH", message, {"content": {"text": "better"}}),
            "delete_chats_chat_id_messages_seq": ("DELETE", message, none),
            "get_chats_chat_id_messages_seq_receipts": ("GET", message + "/receipts", none),
            "put_chats_chat_id_read": ("PUT", in_chat + "/read", {"seq": 2}),
            "get_admin_audit": ("GET", "/admin/audit?limit=5", none),
            "post_stories": ("POST", "/stories", {**STORY, "audience": [self.bob.id]}),
            "get_stories": ("GET", "/stories?limit=5", none),
            "delete_stories_story_id": ("DELETE", "/stories/{story_id}", none),
            "put_stories_story_id_view": ("PUT", "/stories/{story_id}/view", none),
            "get_stories_story_id_views": ("GET", "/stories/{story_id}/views?limit=5", none),
            "get_push_key": ("GET", "/push/key", none),
            "post_push_subscriptions": ("POST", "/push/subscriptions", subscription("new")),
            "delete_push_subscriptions": (
                "DELETE",
                "/push/subscriptions",
                {"endpoint": subscription("first")["endpoint"]},
            ),
            "post_media_uploads": (
                "POST",
                "/media/uploads",
                {"kind": "image", "content_type": "image/png", "size": 3, "filename": "a.png"},
            ),
            "get_media_media_id": ("GET", "/media/{media_id}", none),
            "get_admin_tree": ("GET", "/admin/tree", none),
            "get_admin_chats_chat_id_messages_seq_trace": ("GET", f"/admin{message}/trace", none),
        }
        return {name: (method, self.fill(path), body) for name, (method, path, body) in calls.items()}


STORY = {"type": "text", "content": {"text": "a story"}}


def text(client_id: str, words: str = "hello") -> dict[str, Any]:
    return {"client_id": client_id, "type": "text", "content": {"text": words}}


def subscription(name: str) -> dict[str, Any]:
    """What a browser gives of its push subscription."""
    point = "BGkSROS9TA2uMV_zzX23NrzWzqUfQ4KSEK7QHaX8x1hSnixSx7BasYqRNFyJJIFBeYadtxg73TfVhuPdOY8ISJA"
    return {
        "endpoint": f"https://push.example.org/{name}",
        "expirationTime": None,
        "keys": {"p256dh": point, "auth": "BTBZMqHH6r4Tts7J_aSIgg"},
    }


@asynccontextmanager
async def opened(**options: Any) -> AsyncIterator[World]:
    world = World(**options)
    async with open_supervisor(world.root):
        yield world


@pytest.fixture(scope="session")
def open_world() -> Callable[..., AbstractAsyncContextManager[World]]:
    return opened


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with opened() as it:
        yield it


@pytest.fixture
async def scene(world: World) -> Scene:
    return await Scene(world).set_up()


@pytest.fixture(scope="session")
def make_scene() -> Callable[[World], Awaitable[Scene]]:
    async def make(world: World) -> Scene:
        return await Scene(world).set_up()

    return make


@contextmanager
def no_crashes() -> Iterator[None]:
    """Fails when anything inside logs an error or a traceback."""
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
    crashes = [record for record in records if record.levelno >= logging.ERROR or record.exc_info]
    assert not crashes, [(record.getMessage(), record.exc_info) for record in crashes]


@pytest.fixture(scope="session")
def nothing_crashes() -> Callable[..., AbstractContextManager[None]]:
    return no_crashes


def run_virtual(main: Callable[[], Any], **options: Any) -> Any:
    options["clock"] = trio.testing.MockClock(autojump_threshold=0)
    return trio.run(main, **options)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # pytest-trio takes a clock from a test's own arguments only, not from its fixtures'.
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here) and iscoroutinefunction(getattr(item, "obj", None)):
            item.add_marker(pytest.mark.trio(run=run_virtual), append=False)
