"""How often callers may ask: 429, and when to come again."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from config.rates import RateSettings

API = "/api/v1"
NONE = dict.fromkeys(RateSettings.model_fields, "0")


def only(**rates: str) -> RateSettings:
    """These limits and no others."""
    return RateSettings(**{**NONE, **rates})


def limited(reply: Any) -> int:
    """Seconds to wait, of a refusal."""
    assert (reply.status, reply.json["code"]) == (429, "rate_limited"), reply.raw
    assert reply.json["retry_after_ms"] > 0
    wait_s = int(reply.headers["Retry-After"])
    assert (wait_s - 1) * 1000 < reply.json["retry_after_ms"] <= wait_s * 1000
    return wait_s


def text(n: int) -> dict[str, Any]:
    return {"client_id": f"c{n}", "type": "text", "content": {"text": "x"}}


@pytest.mark.parametrize(
    ("quota", "method", "path", "body"),
    [
        ("requests", "GET", "/users/me", None),
        ("lookups", "GET", "/users?phone=%2B493099999999", None),
        ("lookups_from", "GET", "/users?phone=%2B493099999999", None),
        ("lookups", "GET", "/users?id=one&id=two", None),
        ("chats", "POST", "/chats", {"type": "group", "title": "x"}),
        ("sends", "POST", "/chats/{chat_id}/messages", text(0)),
        ("uploads", "POST", "/media/uploads", {"kind": "image", "content_type": "image/png", "size": 10}),
        ("invites", "POST", "/chats/{chat_id}/invites", {}),
        ("invites", "POST", "/invites/none/join", None),
    ],
)
async def test_each_limit_refuses_what_is_too_much_until_it_is_not(
    open_world: Any, make_scene: Any, quota: str, method: str, path: str, body: Any
) -> None:
    async with open_world(rates=only(**{quota: "30/min burst 20"})) as world:
        scene = await make_scene(world)
        await trio.sleep(60)
        options = {} if body is None else {"json": body}
        where = API + path.format(chat_id=scene.chat_id)
        for _ in range(20):
            assert (await scene.bob(method, where, **options)).status != 429
        wait_s = limited(await scene.bob(method, where, **options))
        assert wait_s == 2
        others = await scene.eve(method, where, **options)
        assert (others.status == 429) == quota.endswith("_from")
        await trio.sleep(wait_s)
        assert (await scene.bob(method, where, **options)).status != 429
        limited(await scene.bob(method, where, **options))


@pytest.mark.parametrize(
    ("quota", "path", "body"),
    [
        ("signups_from", "/auth/signup", {"name": "x", "phone": "nonsense", "password": "correct horse"}),
        ("logins_from", "/auth/login", {"phone": "nonsense", "password": "correct horse"}),
        ("logins_from", "/auth/refresh", {"refresh_token": "x"}),
    ],
)
async def test_what_needs_no_token_is_limited_by_address(
    open_world: Any, quota: str, path: str, body: Any
) -> None:
    async with open_world(rates=only(**{quota: "1/s burst 3"})) as world:

        async def ask(*hops: str) -> Any:
            headers = {"X-Forwarded-For": ", ".join(hops)} if hops else {}
            scope = {"client": ("127.0.0.1", 1)}
            return await world.request("POST", API + path, body, headers=headers, scope_base=scope)

        for _ in range(3):
            assert (await ask("198.51.100.1", "203.0.113.9")).status != 429
        assert limited(await ask("203.0.113.9")) == 1
        assert (await ask("203.0.113.10")).status != 429
        for _ in range(10):  # the proxy itself, whose address says nothing
            assert (await ask()).status != 429


async def test_a_refusal_costs_nothing_and_changes_nothing(open_world: Any, make_scene: Any) -> None:
    async with open_world(rates=only(chats="1/min burst 5")) as world:
        scene = await make_scene(world)
        for _ in range(4):
            await scene.ada("POST", f"{API}/chats", {"type": "group", "title": "x"})
        before = len(world.record.chats)
        limited(await scene.ada("POST", f"{API}/chats", {"type": "group", "title": "x"}))
        limited(await scene.ada("POST", f"{API}/chats", raw=b"{"))
        assert len(world.record.chats) == before


async def test_nodes_hold_a_limit_together(open_world: Any, make_scene: Any) -> None:
    async with (
        open_world(rates=only(sends="1/s burst 10")) as one,
        open_world(
            node="n2", record=one.record, broker=one.broker, rates=only(sends="1/s burst 10")
        ) as other,
    ):
        scene = await make_scene(one)
        await trio.sleep(30)
        path, sent = f"{API}/chats/{scene.chat_id}/messages", 0
        headers = {"Authorization": f"Bearer {scene.ada.token}"}
        for n in range(400):
            for node in (one, other):
                reply = await node.request("POST", path, text(n), headers=headers)
                sent += reply.status < 300
            await trio.sleep(0.25)
        assert 100 <= sent <= 10 + 100 + (10 + 1) + 2


async def test_sends_over_all_of_a_users_connections_count_together(open_world: Any, make_scene: Any) -> None:
    async with open_world(rates=only(sends="1/s burst 10")) as world:
        scene = await make_scene(world)
        await trio.sleep(30)
        sockets = [await scene.ada.connect() for _ in range(3)]
        for socket in sockets:
            await socket("me", "phx_join")
        done = []
        for n in range(5):
            for m, socket in enumerate(sockets):
                done.append(
                    await socket("me", "message:send", {"chat_id": scene.chat_id, **text(100 * m + n)})
                )
        refused = [answer["response"] for answer in done if answer["status"] == "error"]
        assert len(refused) == 5
        assert {each["code"] for each in refused} == {"rate_limited"}
        assert all(0 < each["retry_after_ms"] <= 5001 for each in refused)
        limited(await scene.ada("POST", f"{API}/chats/{scene.chat_id}/messages", text(999)))


async def test_joins_are_limited(open_world: Any, make_scene: Any) -> None:
    async with open_world(rates=only(joins="1/s burst 3")) as world:
        scene = await make_scene(world)
        one, other = await scene.ada.connect(), await scene.ada.connect()
        for socket in (one, other, one):
            assert (await socket("me", "phx_join"))["status"] == "ok"
        refused = await other(f"chat:{scene.chat_id}", "phx_join")
        assert refused["response"]["code"] == "rate_limited"
        await trio.sleep(refused["response"]["retry_after_ms"] / 1000)
        assert (await other(f"chat:{scene.chat_id}", "phx_join"))["status"] == "ok"


async def test_with_the_defaults_nobody_who_behaves_meets_a_limit(scene: Any, world: Any) -> None:
    for n in range(500):
        reply = await scene.ada("POST", f"{API}/chats/{scene.chat_id}/messages", text(n))
        assert reply.status < 300, n
    for n in range(150):
        assert (await scene.ada("GET", f"{API}/users?phone=%2B4930{n:07}")).status in (200, 404)


async def test_ids_that_none_can_be_are_not_looked_for(scene: Any, world: Any) -> None:
    followed = {topic for topic, nodes in world.broker.interest.items() if nodes}
    world.record.faults.down = True
    for long in ("x" * 129, "%F0%9F%92%A9" * 200, "a" * 8_000):
        for method, path in (
            ("GET", f"/chats/{long}"),
            ("POST", f"/chats/{long}/messages"),
            ("DELETE", f"/devices/{long}"),
            ("PUT", f"/chats/{scene.chat_id}/members/{long}"),
            ("DELETE", f"/chats/{scene.chat_id}/messages/{long}"),
        ):
            reply = await scene.ada(method, API + path)
            assert (reply.status, reply.json["code"]) == (404, "not_found"), path
    socket = await scene.ada.connect()
    answer = await socket(f"chat:{'x' * 10_000}", "phx_join")
    assert answer["response"]["code"] == "not_found"
    assert {topic for topic, nodes in world.broker.interest.items() if nodes} <= followed | {
        f"u:{scene.ada.id}"
    }


async def test_what_a_join_may_say_it_knows_has_a_size(scene: Any) -> None:
    socket = await scene.ada.connect()
    for known in (
        {"x" * 65: 1},
        {"c": 1.5},
        {str(n): n for n in range(10_001)},
    ):
        answer = await socket("me", "phx_join", {"known": known})
        assert answer["response"]["code"] == "invalid", known
        assert answer["response"]["errors"][0]["field"].startswith("known")
    claimed = {"c": 2**63 - 1, "d": -1, "": 0}
    assert (await socket("me", "phx_join", {"known": claimed}))["status"] == "ok", "it is only what it claims"
