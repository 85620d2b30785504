"""Whatever is sent, wherever: never a 5xx, and every refusal a problem."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64encode
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import quote

import pytest
import trio
import trio.testing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import inspect

from server.rest.app import operations
from tests.examples import examples

API = "/api/v1"
PER_EXAMPLE = 25

texts = st.text(max_size=20) | st.sampled_from(
    ["", "\u0000", "me", "direct", "group", "text", "location", "owner", "..", "$ne", "+493012345678", "9" * 40, "2027-01-01T00:00:00Z", "x" * 9000]
)  # fmt: skip
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(2**52, 2**70) | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
names = st.sampled_from(
    ["type", "title", "member_ids", "user_id", "role", "until", "seq", "client_id", "content", "text", "lat", "lng", "reply_to", "forwarded", "media_id",
     "endpoint", "keys", "p256dh", "auth", "expirationTime", "name", "phone", "password", "device", "platform", "refresh_token", "status", "privacy", "last_seen", "read_receipts", "avatar_media_id", "expires_in_s", "max_uses", "audience",
     "kind", "content_type", "size", "filename"]
)  # fmt: skip


def encoded(value: Any) -> bytes:
    return json.dumps(value, allow_nan=True).encode()


fields = st.dictionaries(names, values | st.dictionaries(names, values, max_size=4), max_size=6)
bodies = fields.map(encoded) | values.map(encoded) | st.binary(max_size=200)
queries = st.dictionaries(
    st.sampled_from(["limit", "cursor", "phone", "before_seq", "after_seq", "after_rev", "type", "x", "action", "actor_id", "user_id", "since", "until"]),
    texts | st.integers().map(str) | st.binary(max_size=12).map(lambda raw: urlsafe_b64encode(raw).decode().rstrip("=")),
    max_size=3,
)  # fmt: skip
attacks = st.lists(
    st.tuples(st.integers(0, 10_000), texts, texts, queries, bodies), min_size=PER_EXAMPLE, max_size=PER_EXAMPLE
)  # fmt: skip


class Target:
    """A world with something in it, and every operation with its path filled in, now with what exists and now with anything."""

    def __init__(self, world: Any) -> None:
        self.world = world
        self.operations = operations(world.services)

    async def fill(self) -> None:
        self.ada, bob = await self.world.account("Ada"), await self.world.account("Bob")
        body = {"type": "group", "title": "x", "member_ids": [bob.id]}
        self.chat_id = (await self.ada("POST", f"{API}/chats", body)).json["id"]
        self.known = {
            "chat_id": self.chat_id,
            "user_id": bob.id,
            "device_id": "d",
            "seq": "1",
            "media_id": await self.ada.upload(),
        }
        invite = (await self.ada("POST", f"{API}/chats/{self.chat_id}/invites")).json
        self.known |= {"invite_id": invite["id"], "token": invite["token"]}
        story = await self.ada("POST", f"{API}/stories", {"type": "text", "content": {"text": "x"}})
        self.known |= {"story_id": story.json["id"]}

    async def attack(self, choice: int, one: str, other: str, query: dict[str, str], body: bytes) -> None:
        operation = self.operations[choice % len(self.operations)]
        invented = iter((one, other))
        path = re.sub(
            r"{(\w+)}",
            lambda match: self.known[match[1]] if choice % 3 else quote(next(invented), safe=""),
            operation.path,
        )
        string = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
        where = f"{operation.method} {path}?{string} {body!r}"
        reply = await self.ada(operation.method, f"{API}{path}?{string}", raw=body)
        assert reply.status < 500, (where, reply.raw)
        if reply.status >= 400:
            assert reply.content_type == "application/problem+json", where
            problem = reply.json
            assert problem["status"] == reply.status, where
            assert problem["code"], where
            assert problem["detail"], where
            assert (reply.status == 422) == bool(problem.get("errors")), (where, problem)
        if operation.name == "post_auth_logout" or reply.status == 401:
            await self.fill()


@settings(max_examples=examples(15), deadline=None, suppress_health_check=list(HealthCheck))
@given(attacks=attacks)
def test_nothing_that_is_sent_breaks_anything(
    open_world: Any, nothing_crashes: Any, attacks: list[tuple[int, str, str, dict[str, str], bytes]]
) -> None:
    async def main() -> None:
        manager: AbstractAsyncContextManager[Any] = open_world()
        async with manager as world:
            target = Target(world)
            await target.fill()
            for attack in attacks:
                await target.attack(*attack)

    with nothing_crashes():
        trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


async def test_every_operation_refuses_every_kind_of_json_politely(world: Any, nothing_crashes: Any) -> None:
    target = Target(world)
    await target.fill()
    shapes = [b"null", b"true", b"0", b'""', b"[]", b"[[]]", b"{}", b'{"": 0}', b"{", b"\xff", b"NaN", b"-", b"1e999", b"[" * 5000]  # fmt: skip
    with nothing_crashes():
        for choice in range(2 * len(target.operations)):
            for raw in shapes:
                await target.attack(choice, "x", "y", {}, raw)


# -- byte for byte -----------------------------------------------------------------------------------------------

TARGETS = [
    b"", b"?", b"*", b"/", b"//", b"///x", b"x", b"chats", b"http://example.org/api/v1/chats", b"http://[", b"//[::1", b"/%", b"/%zz", b"/%00", b"/%ff%fe", b"/api/v1/chats/%00",
    b"/api/v1/chats/%ff", b"/api/v1/chats/%ed%a0%80", b"/api/v1/chats/%2e%2e/%2e%2e", b"/api/v1/chats/..", b"/api/v1/../../etc/passwd", b"/api/v1/chats/a%2fb", b"/api/v1/chats/a;b",
    b"/api/v1/chats/%0d%0aSet-Cookie:x", b"/api/v1/chats/%E2%80%AE", b"/api/v1/chats/" + b"x" * 60_000, b"/api/v1/chats/{chat_id}", b"/api/v1/chats/$ne", b"/api/v1/users/me/", b"/API/V1/chats",
    b"/api/v1/users?phone=%ff", b"/api/v1/users?phone=%00", b"/api/v1/users?phone=%2B49301234567%00", b"/api/v1/users?phone", b"/api/v1/users?&&&=&=", b"/api/v1/users?phone=1&phone=2",
    b"/api/v1/users?" + b"a=1&" * 10_000, b"/api/v1/chats?limit=%ff", b"/api/v1/chats?cursor=%00", b"/api/v1/chats?limit=1%00", b"/docs/../healthz", b"/healthz?x=%ff", b"/openapi.json%00",
]  # fmt: skip
HEADERS = [
    (b"authorization", b"Bearer \xff\xfe"), (b"authorization", b"Bearer a b c"), (b"authorization", b"\x00"), (b"content-type", b"\xff"), (b"content-type", b"application/json; charset=\xff"),
    (b"content-type", b"application/json; charset=utf-16"), (b"content-length", b"-1"), (b"content-length", b"x"), (b"content-length", b"9" * 30), (b"content-length", b"4294967296"),
    (b"remote-addr", b"203.0.113.9"), (b"x-forwarded-for", b"\xff, ::1, <x>"), (b"x-request-id", b"\xff\x00"), (b"host", b"\xff"), (b"host", b"[::1"), (b"cookie", b"a=\xff; =; ;;"), (b"range", b"bytes=9-1"),
    (b"if-modified-since", b"yesterday"), (b"expect", b"the unexpected"), (b"accept", b"\xff"), (b"x-http-method-override", b"DELETE"), (b"content-encoding", b"gzip"), (b"transfer-encoding", b"gzip"),
    (b"x" * 5_000, b"y" * 5_000), (b"", b""), (b"x\xff", b""),
]  # fmt: skip
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "get", "BREW", "", "G" * 500, "PROPFIND"]  # fmt: skip


def polite(reply: Any, where: Any) -> None:
    assert 200 <= reply.status < 500, (where, reply.raw)
    if reply.status >= 400:
        assert reply.content_type == "application/problem+json", where
        if reply.raw:  # none for HEAD
            problem = reply.json
            assert (problem["status"], bool(problem["code"])) == (reply.status, True), where
    assert "\r" not in "".join(reply.headers.values()), where
    assert "\n" not in "".join(reply.headers.values()), where


async def test_odd_requests_are_answered_like_any_other(world: Any, nothing_crashes: Any) -> None:
    ada = await world.account()
    token = (b"authorization", b"Bearer " + ada.token.encode())
    body = (b"content-type", b"application/json")
    with nothing_crashes():
        for method in ("GET", "POST", "DELETE", "OPTIONS"):
            for target in TARGETS:
                polite(await world.asgi(method, target, [token, body], b"{}"), (method, target))
        for header in HEADERS:
            for target, method in (
                (b"/api/v1/users/me", "GET"),
                (b"/api/v1/auth/refresh", "POST"),
                (b"/nowhere", "GET"),
            ):
                polite(await world.asgi(method, target, [header, token, body], b"{}"), (header, target))
                polite(await world.asgi(method, target, [token, body, header], b"{}"), (header, target))
        for method in METHODS:
            for target in (b"/api/v1/chats", b"/api/v1/nowhere", b"/healthz", b"/docs"):
                polite(await world.asgi(method, target, [token, body], b"{}"), (method, target))


# h11 lets no line break and no NUL through.
values_of_headers = st.binary(max_size=12).map(
    lambda raw: bytes(byte for byte in raw if byte not in b"\r\n\0")
)


@settings(max_examples=examples(15), deadline=None, suppress_health_check=list(HealthCheck))
@given(
    requests=st.lists(
        st.tuples(
            st.sampled_from(METHODS) | st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=8),
            st.sampled_from(TARGETS) | st.text("/%.?&=;:+abcdef0123", max_size=30).map(lambda t: b"/api/v1/" + t.encode()),
            st.lists(st.sampled_from(HEADERS) | st.tuples(st.binary(min_size=1, max_size=6), values_of_headers), max_size=4),
            st.lists(st.binary(max_size=40), max_size=3),
        ),
        min_size=20,
        max_size=20,
    )
)  # fmt: skip
def test_no_bytes_break_anything(open_world: Any, nothing_crashes: Any, requests: list[Any]) -> None:
    async def main() -> None:
        manager: AbstractAsyncContextManager[Any] = open_world()
        async with manager as world:
            for method, target, headers, chunks in requests:
                polite(await world.asgi(method, target, headers, *chunks), (method, target, headers))

    with nothing_crashes():
        trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


async def test_a_whole_address_is_as_good_as_a_path(world: Any) -> None:
    assert (await world.asgi("GET", b"http://example.org/healthz?x=1", [])).status == 200


async def test_where_a_request_comes_from_cannot_be_claimed(world: Any) -> None:
    for n in range(40):
        forged = [(b"remote-addr", b"203.0.113.%d" % n), (b"x-forwarded-for", b"203.0.113.%d" % n)]
        body = b'{"phone": "+4930%07d", "password": "wrong horse"}' % n
        headers = [*forged, (b"content-type", b"application/json")]
        reply = await world.asgi("POST", b"/api/v1/auth/login", headers, body)
        assert reply.status == (401 if n < 30 else 429), n
    assert int(reply.headers["Retry-After"]) >= 1


async def test_more_than_a_body_may_be_is_cut_off_however_it_comes(world: Any, nothing_crashes: Any) -> None:
    taken = 0

    def endless() -> Any:
        nonlocal taken
        for _ in range(10_000):
            taken += 1
            yield b" " * 4_096

    with nothing_crashes():
        headers = [(b"content-type", b"application/json")]
        claimed = [*headers, (b"content-length", b"4294967296")]
        reply = await world.asgi("POST", b"/api/v1/auth/refresh", claimed, b"{}")
        assert (reply.status, reply.json["code"]) == (413, "too_large")
        reply = await world.asgi("POST", b"/api/v1/auth/refresh", headers, *endless())
        assert (reply.status, reply.json["code"]) == (413, "too_large")


# -- numbers -----------------------------------------------------------------------------------------------------

WRONG = [b"true", b"false", b'"1"', b"1.5", b"-1", b"-9223372036854775809", b"18446744073709551616", b"9007199254740994", b"1e400", b"-1e400", b"1e-400", b"[]", b"{}", b"NaN", b"Infinity", b"0x10", b"01", b"1_0"]  # fmt: skip
NUMBERS: dict[tuple[str, str], bytes] = {
    ("put_chats_chat_id_read", "seq"): b'{"seq": %b}',
    ("post_chats_chat_id_invites", "expires_in_s"): b'{"expires_in_s": %b}',
    ("post_chats_chat_id_invites", "max_uses"): b'{"max_uses": %b}',
    ("post_chats_chat_id_messages", "reply_to"): b'{"client_id": "c", "type": "text", "content": {"text": "x"}, "reply_to": %b}',
    ("post_chats_chat_id_messages", "lat"): b'{"client_id": "c", "type": "location", "content": {"lat": %b, "lng": 0}}',
    ("post_chats_chat_id_messages", "lng"): b'{"client_id": "c", "type": "location", "content": {"lat": 0, "lng": %b}}',
    ("post_chats_chat_id_messages", "accuracy"): b'{"client_id": "c", "type": "location", "content": {"lat": 0, "lng": 0, "accuracy": %b}}',
    ("post_chats_chat_id_messages", "width"): b'{"client_id": "c", "type": "image", "media_id": "m", "content": {"width": %b, "height": 1}}',
    ("post_chats_chat_id_messages", "height"): b'{"client_id": "c", "type": "video", "media_id": "m", "content": {"width": 1, "height": %b}}',
    ("post_chats_chat_id_messages", "duration_ms"): b'{"client_id": "c", "type": "audio", "media_id": "m", "content": {"duration_ms": %b}}',
    ("post_chats_chat_id_messages", "waveform"): b'{"client_id": "c", "type": "audio", "media_id": "m", "content": {"duration_ms": 1, "waveform": [%b]}}',
    ("post_chats_chat_id_messages", "size"): b'{"client_id": "c", "type": "document", "media_id": "m", "content": {"filename": "f", "size": %b}}',
}  # fmt: skip
DEGREES = {"lat", "lng", "accuracy"}


@pytest.mark.parametrize(("name", "field"), NUMBERS)
async def test_numbers_in_bodies_have_their_range(
    scene: Any, nothing_crashes: Any, name: str, field: str
) -> None:
    method, path, _ = scene.calls()[name]
    with nothing_crashes():
        for wrong in WRONG:
            if (field in DEGREES and wrong in (b"1.5", b"1e-400")) or (
                field in ("lat", "lng") and wrong == b"-1"
            ):
                continue
            if field not in DEGREES and wrong == b"1e-400":
                continue  # zero, to JSON
            reply = await scene.ada(method, path, raw=NUMBERS[name, field] % wrong)
            assert reply.status in (400, 422), (wrong, reply.status, reply.raw)
            if reply.status == 422:
                # Beyond what a double holds, it is known only that it was somewhere in the content.
                at = reply.json["errors"][0]["field"]
                assert field in at or (b"1e400" in wrong and at.startswith("content")), (wrong, reply.raw)


PARAMETERS = {
    "get_devices": ["limit"],
    "get_chats": ["limit"],
    "get_users_me_blocks": ["limit"],
    "get_chats_chat_id_members": ["limit"],
    "get_chats_chat_id_messages": ["limit", "before_seq", "after_seq", "after_rev"],
    "get_admin_audit": ["limit"], "get_admin_tree": ["most"],
    "get_chats_chat_id_invites": ["limit"],
    "get_stories": ["limit"],
    "get_stories_story_id_views": ["limit"],
}  # fmt: skip


AUDIT_FILTERS = ("all", "action", "actor_id", "user_id", "chat_id", "since", "until")


async def test_numbers_in_parameters_have_their_range(world: Any, scene: Any, nothing_crashes: Any) -> None:
    numeric = {
        operation.name: [
            f.name
            for f in inspect.type_info(operation.query).fields
            if f.name not in ("cursor", "phone", "endpoint", "id", "type", *AUDIT_FILTERS)
        ]  # type: ignore[attr-defined]
        for operation in operations(world.services)
    }
    assert {name: sorted(fields) for name, fields in numeric.items() if fields} == {
        n: sorted(f) for n, f in PARAMETERS.items()
    }
    wrong = ["", "-1", "1.5", "true", "null", "NaN", "inf", "1e400", "0x1", "+1", " 1", "1 ", "1_0", "01", "\u0661", "\uff11", "18446744073709551616", "9007199254740994", "-9223372036854775809", "1,2", "[1]", "9" * 5000]  # fmt: skip
    with nothing_crashes():
        for name, fields in PARAMETERS.items():
            method, path, _ = scene.calls()[name]
            for field in fields:
                for value in wrong:
                    reply = await scene.ada(
                        method, f"{path.partition('?')[0]}?{field}={quote(value, safe='')}"
                    )
                    assert (reply.status, reply.json["errors"][0]["field"]) == (422, field), (name, value)
