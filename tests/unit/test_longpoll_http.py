"""Long-polling as it comes over HTTP to a whole node, over the stores in memory: what each request is answered, to the byte that phoenix.js looks at."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio
from prometheus_client import CollectorRegistry

from config.sections import AuthSettings, LimitSettings
from config.settings import NodeRole
from server.longpoll import connection
from server.longpoll import requests as module
from tests.unit import memory_node

PATH = "/socket/longpoll"
JOIN = b'["1","1","me","phx_join",{}]'
HEARTBEAT = b'[null,"2","phoenix","heartbeat",{}]'
QUICK = AuthSettings(argon2_memory_kib=8, argon2_iterations=1)
LIMITS = LimitSettings(max_frame_bytes=2048)
SHORT = LimitSettings(longpoll_window_s=1)
PARTING_S = 0.05
"""For so long a node that stops waits for a client that does not come back; `test_longpoll_connection.py` has the usual time."""


class Client:
    """Requests to a node, on connections that are kept."""

    def __init__(self, http: httpx.AsyncClient, access: str) -> None:
        self.http = http
        self.access = access
        self.token: str | None = None

    async def get(self, token: str | None = None, vsn: str = "2.0.0", **headers: str) -> httpx.Response:
        query = {"vsn": vsn, "token": "null" if token is None else token}
        return await self.http.get(PATH, params=query, headers=headers)

    async def begin(self) -> str:
        answer = await self.get(**{"X-Phoenix-AuthToken": self.access})
        body = answer.json()
        assert (answer.status_code, body["status"], body["messages"]) == (200, 410, [])
        self.token = body["token"]
        return str(self.token)

    async def poll(self) -> Any:
        """The body of the next poll's answer."""
        answer = await self.get(self.token)
        assert answer.status_code == 200
        body = answer.json()
        self.token = body["token"]
        return body

    async def post(
        self, content: bytes, kind: str | None = "application/x-ndjson", token: str | None = None
    ) -> httpx.Response:
        headers = {} if kind is None else {"Content-Type": kind}
        query = {"vsn": "2.0.0", "token": token or self.token or ""}
        return await self.http.post(PATH, params=query, content=content, headers=headers)


@asynccontextmanager
async def serving(
    patch: pytest.MonkeyPatch, folder: Path, **settings: Any
) -> AsyncIterator[tuple[memory_node.MemoryNode, Client]]:
    options = {"auth": QUICK, "limits": LIMITS} | settings
    patch.setattr(connection, "CLOSE_S", PARTING_S)
    async with (
        memory_node.running(patch, folder, **options) as node,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{node.port}", timeout=20) as http,
    ):
        body = {
            "name": "Ana",
            "phone": "+4930123456",
            "password": "correct horse",
            "device": {"name": "d", "platform": "test"},
        }
        answer = await http.post("/api/v1/auth/signup", json=body)
        yield node, Client(http, answer.json().get("access_token", ""))


@pytest.fixture
async def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Client]:
    async with serving(monkeypatch, tmp_path) as (_, client):
        yield client


@pytest.fixture
async def brief(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Client]:
    """Of a node whose polls do not wait long."""
    async with serving(monkeypatch, tmp_path, limits=SHORT) as (_, client):
        yield client


async def test_a_session_from_its_beginning(brief: Client) -> None:
    client = brief
    await client.begin()
    assert (await client.post(JOIN + b"\n" + HEARTBEAT)).json() == {"status": 200}
    messages: list[str] = []
    while len(messages) < 2:
        body = await client.poll()
        assert body["status"] == 200
        messages += body["messages"]
    assert '"server_time"' in messages[0]
    assert messages[1] == '[null,"2","phoenix","phx_reply",{"status":"ok","response":{}}]'
    assert await client.poll() == {"status": 204, "token": client.token, "messages": []}


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({"X-Phoenix-AuthToken": "{}"}, ""),
        ({"Authorization": "Bearer {}"}, ""),
        ({}, "&token={}"),
        ({}, "&token={}&token=null"),
        ({}, "&token=undefined&token={}"),
        ({"X-Phoenix-AuthToken": "{}"}, "&token=lp1.k1.gone.gone"),
    ],
    ids=["header", "bearer", "query", "before phoenix.js' own", "after one that is none", "a ticket of the past"],
)  # fmt: skip
async def test_an_access_token_comes_in_many_ways(
    headers: dict[str, str], query: str, client: Client
) -> None:
    given = {name: value.format(client.access) for name, value in headers.items()}
    answer = await client.http.get(f"{PATH}?vsn=2.0.0{query.format(client.access)}", headers=given)
    assert (answer.status_code, answer.json()["status"]) == (200, 410)


@pytest.mark.parametrize("token", ["", "bad", "null"])
async def test_without_a_good_access_token_it_is_403(token: str, client: Client) -> None:
    answer = await client.get(**{"X-Phoenix-AuthToken": token})
    body = answer.json()
    assert (answer.status_code, body["status"], body["code"]) == (403, 403, "unauthenticated")
    assert "token" not in body


async def test_another_version_is_refused(client: Client) -> None:
    for vsn in ("1.0.0", ""):
        answer = await client.get(vsn=vsn, **{"X-Phoenix-AuthToken": client.access})
        assert (answer.status_code, answer.json()["status"]) == (403, 403)


async def test_a_post_without_a_session_is_gone(client: Client) -> None:
    for token in ("null", "lp1.k1.x.y", client.access):
        answer = await client.post(HEARTBEAT, token=token)
        assert (answer.status_code, answer.json()) == (200, {"status": 410})


@pytest.mark.parametrize("kind", ["application/json", "text/plain;charset=UTF-8", None])
async def test_a_body_of_another_kind_is_one_frame(kind: str | None, client: Client) -> None:
    await client.begin()
    assert (await client.post(HEARTBEAT.replace(b",", b",\n"), kind)).json() == {"status": 200}
    assert len((await client.poll())["messages"]) == 1


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"AAEC", "application/x-ndjson", 400),
        (b"{}", "application/json", 400),
        (b'["1","2"', "application/x-ndjson", 400),
        (b'[null,"1","x","y","\xff"]', "application/x-ndjson", 400),
        (b'[null,"1","x","y","' + b"x" * 2048 + b'"]', "application/x-ndjson", 413),
        (b"\n" * (16 * 2048 + 1), "application/x-ndjson", 413),
        (HEARTBEAT, "multipart/form-data; boundary=x", 415),
        (HEARTBEAT, "application/octet-stream", 415),
    ],
    ids=["binary", "no frame", "broken", "not UTF-8", "long frame", "long body", "form", "bytes"],
)
async def test_what_cannot_be_taken_is_told_why(
    content: bytes, kind: str, status: int, client: Client
) -> None:
    await client.begin()
    answer = await client.post(content, kind)
    assert answer.status_code == status
    assert answer.json()["status"] != 200


async def test_a_body_of_nothing_is_nothing(client: Client) -> None:
    await client.begin()
    for content in (b"", b"\n", b"\r\n\r\n"):
        assert (await client.post(content)).json() == {"status": 200}


async def test_a_batch_may_end_its_lines_in_either_way(client: Client) -> None:
    await client.begin()
    assert (await client.post(HEARTBEAT + b"\r\n" + HEARTBEAT + b"\r\n")).json() == {"status": 200}
    assert len((await client.poll())["messages"]) == 2


async def test_an_answer_may_be_asked_for_again(client: Client) -> None:
    token = await client.begin()
    await client.post(HEARTBEAT)
    first = await client.poll()
    again = (await client.get(token)).json()
    assert again["messages"] == first["messages"]


async def test_every_answer_is_for_any_origin_and_not_to_be_kept(client: Client) -> None:
    await client.begin()
    answers = [
        await client.get(),
        await client.post(HEARTBEAT),
        await client.get(client.token),
        await client.http.options(PATH),
        await client.http.put(PATH),
    ]
    for answer in answers:
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["cache-control"] == "no-store"
        assert "access-control-allow-credentials" not in answer.headers


async def test_a_browser_asks_before_it_sends_to_another_origin(client: Client) -> None:
    asked = {"Origin": "https://a.example", "Access-Control-Request-Headers": "content-type,x-phoenix-authtoken"}  # fmt: skip
    answer = await client.http.options(PATH, headers=asked)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["access-control-allow-headers"] == asked["Access-Control-Request-Headers"]
    assert set(answer.headers["access-control-allow-methods"].split(", ")) == {"get", "post", "options"}
    strange = {"Access-Control-Request-Headers": "a: b"}
    assert "access-control-allow-headers" not in (await client.http.options(PATH, headers=strange)).headers


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD"])
async def test_other_methods_are_refused(method: str, client: Client) -> None:
    answer = await client.http.request(method, PATH)
    assert answer.status_code == 405
    assert answer.headers["allow"] == module.METHODS


async def test_polls_and_other_requests_share_a_connection(brief: Client) -> None:
    client = brief
    await client.begin()
    for _ in range(2):
        assert (await client.poll())["status"] == 204
        assert (await client.http.get("/healthz")).status_code == 200


async def test_a_client_that_hangs_up_while_its_poll_waits_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(monkeypatch, tmp_path) as (node, client):
        await client.begin()
        with trio.move_on_after(0.5):
            await client.get(client.token)
        while told(node.metrics, "longpoll_sessions"):  # noqa: ASYNC110 - the window is far longer than a test may take
            await trio.sleep(0.05)
        assert told(node.metrics, "users_connected") == 0


def told(metrics: CollectorRegistry, name: str) -> float:
    return metrics.get_sample_value(name) or 0.0


async def test_many_polls_wait_at_a_time(client: Client) -> None:
    access, http = client.access, client.http

    async def wait(number: int) -> None:
        one = Client(http, access)
        await one.begin()
        first = JOIN + b"\n" if number % 2 else b""
        async with trio.open_nursery() as both:
            both.start_soon(one.poll)
            await one.post(first + HEARTBEAT)
        ended.append(number)

    ended: list[int] = []
    async with trio.open_nursery() as nursery:
        for number in range(50):
            nursery.start_soon(wait, number)
    assert len(ended) == 50


async def test_without_realtime_there_is_nothing_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roles = frozenset(NodeRole) - {NodeRole.REALTIME}
    async with serving(monkeypatch, tmp_path, roles=roles) as (_, client):
        answer = await client.get(**{"X-Phoenix-AuthToken": client.access})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert answer.json()["status"] == 500, "phoenix.js would wait for ever after any other"


async def test_beyond_the_most_connections_it_is_overloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = LimitSettings(max_connections=3)
    async with serving(monkeypatch, tmp_path, limits=limits) as (_, client):
        await client.begin()
        await client.begin()
        answer = await client.get(**{"X-Phoenix-AuthToken": client.access})
        assert (answer.status_code, answer.json()["status"], answer.json()["code"]) == (
            503,
            500,
            "overloaded",
        )
        assert answer.headers["retry-after"] == "1"


def test_the_table_of_answers_has_only_what_phoenix_js_understands() -> None:
    told = module.__doc__ or ""
    assert {int(status) for status in re.findall(r"\b(\d{3})\b(?=[ ,;|])", told)} >= {200, 204, 403, 410, 500}
