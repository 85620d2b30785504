"""Health, metrics, keys, and what every answer has."""

from __future__ import annotations

import re
from typing import Any

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
        algorithms=["RS256"],
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
        assert reply.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert reply.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert reply.headers["X-Permitted-Cross-Domain-Policies"] == "none"
        assert "microphone=()" in reply.headers["Permissions-Policy"]
        assert "Strict-Transport-Security" not in reply.headers
        assert "Server" not in reply.headers
        assert re.fullmatch(r"[0-9a-f]{16}", reply.headers["X-Request-Id"])
    given = await world.request("GET", "/nowhere", headers={"X-Request-Id": "trace-1"})
    assert given.headers["X-Request-Id"] == given.json["request_id"] == "trace-1"
    forged = await world.request("GET", "/nowhere", headers={"X-Request-Id": "a b" * 100})
    assert re.fullmatch(r"[0-9a-f]{16}", forged.headers["X-Request-Id"])


async def test_who_comes_by_tls_is_told_to_go_on_so(world: Any) -> None:
    async def answer(peer: str, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        scope = {"client": (peer, 1)}
        return await world.request("GET", "/healthz", headers=named, scope_base=scope)

    assert (await answer("127.0.0.1", X_Forwarded_Proto="https")).headers[
        "Strict-Transport-Security"
    ] == "max-age=31536000"
    for peer, headers in (
        ("127.0.0.1", {}),
        ("127.0.0.1", {"X_Forwarded_Proto": "http"}),
        ("203.0.113.9", {"X_Forwarded_Proto": "https"}),
    ):
        assert "Strict-Transport-Security" not in (await answer(peer, **headers)).headers


async def test_what_is_not_there_and_what_cannot_be_done(world: Any) -> None:
    ada = await world.account()
    for method, path, status, code in (
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/api/v1", 404, "not_found"),
        ("PATCH", f"{API}/stories", 405, "method_not_allowed"),
        ("POST", f"{API}/media", 404, "not_found"),
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
