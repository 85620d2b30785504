"""Health, metrics, keys, the documents, and what every answer has."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
import trio

API = "/api/v1"
OPEN = (
    "/healthz",
    "/readyz",
    "/metrics",
    "/.well-known/jwks.json",
    "/openapi.json",
    "/asyncapi.json",
    "/docs",
)


async def test_health_needs_no_token_and_no_dependency(world: Any) -> None:
    world.record.faults.down = world.broker.faults.down = True
    reply = await world.request("GET", "/healthz")
    assert (reply.status, reply.json) == (200, {"status": "ok"})


async def test_ready_names_each_dependency(world: Any) -> None:
    reply = await world.request("GET", "/readyz")
    assert (reply.status, reply.json["status"]) == (200, "ready")
    assert {name: d["ok"] for name, d in reply.json["dependencies"].items()} == {
        "mongodb": True,
        "redis": True,
        "s3": True,
    }


@pytest.mark.parametrize(
    ("away", "status", "word"), [(0, 503, "unavailable"), (1, 200, "degraded"), (2, 200, "degraded")]
)
async def test_only_what_a_node_cannot_do_without_makes_it_unready(
    world: Any, away: int, status: int, word: str
) -> None:
    world.probes[away].reason = "connection refused"
    reply = await world.request("GET", "/readyz")
    assert (reply.status, reply.json["status"]) == (status, word)
    found = reply.json["dependencies"][world.probes[away].name]
    assert (found["ok"], found["reason"]) == (False, "connection refused")


async def test_a_dependency_that_hangs_is_away_and_holds_nothing_up(world: Any) -> None:
    world.probes[0].delay = 3600
    began = trio.current_time()
    reply = await world.request("GET", "/readyz")
    assert (reply.status, reply.json["dependencies"]["mongodb"]["reason"]) == (503, "did not answer in time")
    assert "Retry-After" in reply.headers
    assert trio.current_time() - began == 2


async def test_dependencies_are_not_asked_more_often_than_needed(world: Any) -> None:
    for probe in world.probes:
        probe.delay = 0.1

    async def ask() -> None:
        assert (await world.request("GET", "/readyz")).status == 200

    async with trio.open_nursery() as nursery:
        for _ in range(50):
            nursery.start_soon(ask)
    assert [probe.pings for probe in world.probes] == [1, 1, 1]
    await trio.sleep(1)
    await ask()
    assert [probe.pings for probe in world.probes] == [2, 2, 2]


async def test_a_draining_node_is_not_ready(world: Any) -> None:
    world.draining = True
    reply = await world.request("GET", "/readyz")
    assert (reply.status, reply.json["status"]) == (503, "draining")


async def test_the_public_keys_are_those_that_sign(world: Any) -> None:
    ada = await world.account()
    reply = await world.request("GET", "/.well-known/jwks.json")
    import jwt

    (key,) = reply.json["keys"]
    claims = jwt.decode(
        ada.token,
        jwt.PyJWK.from_dict(key),
        algorithms=["EdDSA"],
        audience="chat",
        options={"verify_exp": False, "verify_iat": False},
    )
    assert claims["sub"] == ada.id


async def test_requests_are_counted_by_operation(world: Any) -> None:
    await world.account()
    await world.request("GET", f"{API}/users/somebody")
    text = (await world.request("GET", "/metrics")).raw.decode()
    assert 'rest_requests_total{operation="post_auth_signup",status="201"} 1.0' in text
    assert 'rest_requests_total{operation="get_users_user_id",status="401"} 1.0' in text
    assert "somebody" not in text


async def test_every_answer_is_hardened_and_has_a_request_id(world: Any) -> None:
    for path in (*OPEN, "/nowhere", f"{API}/users/me"):
        reply = await world.request("GET", path)
        assert reply.headers["X-Content-Type-Options"] == "nosniff", path
        assert "frame-ancestors 'none'" in reply.headers["Content-Security-Policy"], path
        assert reply.headers["Referrer-Policy"] == "no-referrer"
        assert "Server" not in reply.headers
        assert re.fullmatch(r"[0-9a-f]{16}", reply.headers["X-Request-Id"])
    given = await world.request("GET", "/nowhere", headers={"X-Request-Id": "trace-1"})
    assert given.headers["X-Request-Id"] == given.json["request_id"] == "trace-1"
    forged = await world.request("GET", "/nowhere", headers={"X-Request-Id": "a b" * 100})
    assert re.fullmatch(r"[0-9a-f]{16}", forged.headers["X-Request-Id"])


async def test_what_is_not_there_and_what_cannot_be_done(world: Any) -> None:
    ada = await world.account()
    for method, path, status, code in (
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/api/v1", 404, "not_found"),
        ("GET", f"{API}/stories", 404, "not_found"),
        ("POST", f"{API}/media/uploads", 404, "not_found"),
        ("GET", f"{API}//users/me", 404, "not_found"),
        ("GET", f"{API}/auth/login", 405, "method_not_allowed"),
        ("DELETE", f"{API}/chats", 405, "method_not_allowed"),
        ("OPTIONS", f"{API}/chats", 405, "method_not_allowed"),
        ("TRACE", f"{API}/chats", 405, "method_not_allowed"),
        ("POST", "/healthz", 405, "method_not_allowed"),
    ):
        reply = await ada(method, path)
        assert (reply.status, reply.json["code"]) == (status, code), (method, path, reply.raw)
        assert reply.content_type == "application/problem+json"
        assert ("Allow" in reply.headers) == (status == 405)


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"", 400, "malformed"),
        (b"{", 400, "malformed"),
        (b"hello", 400, "malformed"),
        (b'{"refresh_token": NaN}', 400, "malformed"),
        (b'{"refresh_token": "\xff"}', 400, "malformed"),
        (b'{"refresh_token": "\\ud800"}', 400, "malformed"),
        (b'{"refresh_token": 1, bad', 400, "malformed"),
        (b'{"refresh_token": "a"} x', 400, "malformed"),
        (b"\xef\xbb\xbf{}", 400, "malformed"),
        (b"[" * 60_000, 400, "malformed"),
        (b'{"x": ' + b"[" * 30_000 + b"]" * 30_000 + b"}", 400, "malformed"),
        (b"null", 422, "invalid"),
        (b"[]", 422, "invalid"),
        (b"5", 422, "invalid"),
        (b"1e999", 422, "invalid"),
        (b"9" * 5_000, 422, "invalid"),
        (b"{}", 422, "invalid"),
        (b'{"refresh_token": 1e999}', 422, "invalid"),
        (b'{"refresh_token": "' + b"x" * 201 + b'"}', 422, "invalid"),
        (b'{"refresh_token": "\\u0000"}', 401, "unauthenticated"),
        (b"x" * 65_537, 413, "too_large"),
    ],
)
async def test_bodies_that_are_none(world: Any, raw: bytes, status: int, code: str) -> None:
    reply = await world.request("POST", f"{API}/auth/refresh", raw=raw)
    assert (reply.status, reply.json["code"]) == (status, code), reply.raw
    assert reply.content_type == "application/problem+json"


async def test_only_json_is_taken(world: Any) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "", "application/jsonx", "multipart/form-data; boundary=x"):  # fmt: skip
        reply = await world.request("POST", f"{API}/auth/refresh", raw=b"{}", headers={"Content-Type": kind})
        assert (reply.status, reply.json["code"]) == (415, "unsupported_media_type"), kind
    for kind in ("application/json; charset=utf-8", "Application/JSON"):
        reply = await world.request("POST", f"{API}/auth/refresh", raw=b"{}", headers={"Content-Type": kind})
        assert reply.status == 422, kind


async def test_a_body_that_never_ends_is_not_waited_for(world: Any) -> None:
    headers = {"Content-Type": "application/json"}
    async with world.client.request(f"{API}/auth/refresh", method="POST", headers=headers) as connection:
        await connection.send(b'{"refresh_token": "')
        response = await connection.as_response()
    assert response.status_code == 408
    assert (await response.get_json(force=True))["code"] == "request_timeout"


async def test_a_crash_is_a_problem_without_internals(
    world: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    ada = await world.account()

    async def crash(_: Any) -> None:
        raise RuntimeError("a secret inside")

    monkeypatch.setattr(type(world.services.profiles), "own", lambda self, principal: crash(principal))
    reply = await ada("GET", f"{API}/users/me")
    assert (reply.status, reply.json["code"]) == (500, "internal")
    assert b"secret" not in reply.raw
    assert "a secret inside" in caplog.text


# -- documents ---------------------------------------------------------------------------------------------------


def references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*map(references, node.values()))
    return set().union(*map(references, node)) if isinstance(node, list) else set()


def resolve(document: Any, reference: str) -> Any:
    node = document
    for part in reference.removeprefix("#/").split("/"):
        node = node[part.replace("~1", "/")]
    return node


async def test_the_openapi_document_is_whole(world: Any) -> None:
    document = (await world.request("GET", "/openapi.json")).json
    assert document["openapi"].startswith("3.1.")
    for reference in references(document):
        assert resolve(document, reference) is not None
    served = {
        (method, re.sub(r"<(?:[^<>:]*:)?(\w+)>", r"{\1}", rule.rule))
        for rule in world.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith(API)
    }
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert served == described
    ids = [o["operationId"] for methods in document["paths"].values() for o in methods.values()]
    assert len(ids) == len(set(ids))
    assert document["components"]["securitySchemes"]["bearerAuth"]["scheme"] == "bearer"
    assert document["security"] == [{"bearerAuth": []}]


async def test_every_operation_says_what_it_takes_gives_and_refuses(world: Any) -> None:
    document = (await world.request("GET", "/openapi.json")).json
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            where = f"{method} {path}"
            assert operation["summary"], where
            named = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"}
            assert named == set(re.findall(r"{(\w+)}", path)), where
            public = operation.get("security") == []
            assert public == path.startswith(f"{API}/auth/") or path.endswith("logout"), where
            responses = operation["responses"]
            assert ("401" in responses) or public, where
            for status, answer in responses.items():
                if int(status) >= 400:
                    schema = answer["content"]["application/problem+json"]["schema"]
                    assert schema == {"$ref": "#/components/schemas/Problem"}, where
                elif status != "204":
                    assert "application/json" in answer["content"], where
            if "requestBody" in operation:
                assert {"400", "413", "415", "422"} <= set(responses), where
    query = {p["name"]: p for p in document["paths"][f"{API}/chats"]["get"]["parameters"]}
    assert query["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 100, "default": 50}
    assert query["cursor"]["required"] is False
    create = document["paths"][f"{API}/chats"]["post"]
    body = create["requestBody"]["content"]["application/json"]["schema"]
    assert body["discriminator"]["propertyName"] == "type"
    assert {"200", "201"} <= set(create["responses"])


async def test_answers_have_the_documented_shape(world: Any) -> None:
    document = (await world.request("GET", "/openapi.json")).json
    ada, bob = await world.account("Ada"), await world.account("Bob")
    chat = (await ada("POST", f"{API}/chats", {"type": "direct", "user_id": bob.id})).json
    text = {"client_id": "c", "type": "text", "content": {"text": "x"}}
    await ada("POST", f"{API}/chats/{chat['id']}/messages", text)
    for method, path, real in (
        ("get", "/users/me", "/users/me"),
        ("get", "/users/{user_id}", f"/users/{bob.id}"),
        ("get", "/devices", "/devices"),
        ("get", "/chats", "/chats"),
        ("get", "/chats/{chat_id}", f"/chats/{chat['id']}"),
        ("get", "/chats/{chat_id}/members", f"/chats/{chat['id']}/members"),
        ("get", "/chats/{chat_id}/messages", f"/chats/{chat['id']}/messages"),
    ):
        reply = await ada(method.upper(), API + real)
        answer = document["paths"][API + path][method]["responses"][str(reply.status)]
        matches(reply.json, answer["content"]["application/json"]["schema"], document, path)


def matches(value: Any, schema: Any, document: Any, where: str) -> None:
    """The part of JSON Schema that these documents use."""
    if "$ref" in schema:
        schema = resolve(document, schema["$ref"])
    if "anyOf" in schema:
        failures = []
        for each in schema["anyOf"]:
            try:
                return matches(value, each, document, where)
            except AssertionError as error:
                failures.append(error)
        raise AssertionError(f"{where}: {failures}")
    if "enum" in schema:
        assert value in schema["enum"], where
        return None
    kinds: dict[str, Any] = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool, "null": type(None), "number": (int, float)}  # fmt: skip
    if "type" in schema:
        assert isinstance(value, kinds[schema["type"]]), (where, value, schema)
    if isinstance(value, dict) and "properties" in schema:
        assert set(schema.get("required", ())) <= set(value), where
        assert set(value) <= set(schema["properties"]), (where, set(value) - set(schema["properties"]))
        for name, each in value.items():
            matches(each, schema["properties"][name], document, f"{where}.{name}")
    if isinstance(value, list):
        for index, each in enumerate(value):
            matches(each, schema["items"], document, f"{where}[{index}]")
    return None


async def test_the_asyncapi_document_is_whole(world: Any) -> None:
    document = (await world.request("GET", "/asyncapi.json")).json
    assert document["asyncapi"] == "3.0.0"
    for reference in references(document):
        assert resolve(document, reference) is not None
    for operation in document["operations"].values():
        channel = resolve(document, operation["channel"]["$ref"])
        for message in operation["messages"]:
            assert message["$ref"].rpartition("/")[2] in channel["messages"]
    addresses = {channel["address"] for channel in document["channels"].values()}
    assert addresses == {"me", "chat:{chat_id}"}
    names = {message["name"] for message in document["components"]["messages"].values()}
    assert {"phx_join", "message:send", "message:edit", "message:delete", "message:delivered", "message:read", "typing"} <= names  # fmt: skip
    assert {"MESSAGE_SENT", "CHAT_CREATED", "MEMBER_CHANGED", "SERVER_DRAINING", "TYPING", "presence_state"} <= names  # fmt: skip


async def test_the_asyncapi_document_has_every_push_that_the_socket_serves(world: Any) -> None:
    from handlers.me import _EVENTS
    from server.rest.asyncapi import PUSHES

    described = {pushed.event for pushed in PUSHES if pushed.channel == "me"}
    assert described == {"phx_join", "phx_leave", *_EVENTS}


async def test_the_page_shows_everything_and_loads_nothing_from_elsewhere(world: Any) -> None:
    page = await world.request("GET", "/docs")
    html = page.raw.decode()
    assert page.content_type.startswith("text/html")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "<script" not in html
    assert not re.search(r"(?:href|src)=['\"]?(?:https?:)?//", html)
    document = (await world.request("GET", "/openapi.json")).json
    for path in document["paths"]:
        assert path in html
    assert set(re.findall(r"href=#type-(\w+)", html)) <= set(re.findall(r"id=type-(\w+)", html))
    style = re.search(r"<link rel=stylesheet href=(\S+?)>", html)
    assert style is not None
    assert (await world.request("GET", style[1])).content_type.startswith("text/css")


async def test_documents_are_json(world: Any) -> None:
    for path in ("/openapi.json", "/asyncapi.json", "/.well-known/jwks.json", "/readyz"):
        reply = await world.request("GET", path)
        assert reply.content_type == "application/json"
        msgspec.json.decode(reply.raw)
