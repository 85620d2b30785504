"""Whatever is sent, wherever: never a 5xx, and every refusal a problem."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64encode
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import quote

import trio
import trio.testing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.rest.app import operations

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
    ["type", "title", "member_ids", "user_id", "role", "until", "seq", "client_id", "content", "text", "lat", "lng", "reply_to", "media_id",
     "name", "phone", "password", "device", "platform", "refresh_token", "status", "privacy", "last_seen", "read_receipts", "avatar_media_id"]
)  # fmt: skip


def encoded(value: Any) -> bytes:
    return json.dumps(value, allow_nan=True).encode()


fields = st.dictionaries(names, values | st.dictionaries(names, values, max_size=4), max_size=6)
bodies = fields.map(encoded) | values.map(encoded) | st.binary(max_size=200)
queries = st.dictionaries(
    st.sampled_from(["limit", "cursor", "phone", "before_seq", "after_seq", "after_rev", "x"]),
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
        self.known = {"chat_id": self.chat_id, "user_id": bob.id, "device_id": "d", "seq": "1"}

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


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(attacks=attacks)
def test_nothing_that_is_sent_breaks_anything(
    open_world: Any, attacks: list[tuple[int, str, str, dict[str, str], bytes]]
) -> None:
    async def main() -> None:
        manager: AbstractAsyncContextManager[Any] = open_world()
        async with manager as world:
            target = Target(world)
            await target.fill()
            for attack in attacks:
                await target.attack(*attack)

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


async def test_every_operation_refuses_every_kind_of_json_politely(world: Any) -> None:
    target = Target(world)
    await target.fill()
    shapes = [b"null", b"true", b"0", b'""', b"[]", b"[[]]", b"{}", b'{"": 0}', b"{", b"\xff", b"NaN", b"-", b"1e999", b"[" * 5000]  # fmt: skip
    for choice in range(3 * len(target.operations)):
        for raw in shapes:
            await target.attack(choice, "x", "y", {}, raw)
