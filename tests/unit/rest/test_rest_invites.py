"""Invite links, over REST."""

from __future__ import annotations

from typing import Any

import pytest
import trio

API = "/api/v1"
DAY_S = 86_400


async def group(owner: Any, *others: Any, kind: str = "group") -> str:
    body = {"type": kind, "title": "Crew", "member_ids": [other.id for other in others]}
    return str((await owner("POST", f"{API}/chats", body)).json["id"])


async def link(who: Any, chat_id: str, **body: Any) -> Any:
    reply = await who("POST", f"{API}/chats/{chat_id}/invites", body)
    assert reply.status == 201, reply.raw
    return reply.json


async def join(who: Any, token: str) -> Any:
    return await who("POST", f"{API}/invites/{token}/join")


def code(reply: Any) -> tuple[int, str]:
    return reply.status, reply.json["code"]


@pytest.mark.parametrize("kind", ["group", "channel"])
async def test_a_link_is_made_shown_and_used(world: Any, kind: str) -> None:
    ada, bob = await world.account(), await world.account("Bob")
    chat_id = await group(ada, kind=kind)
    made = await link(ada, chat_id, max_uses=2, expires_in_s=60)
    assert made["created_by"] == ada.id
    assert (made["max_uses"], made["uses"]) == (2, 0)
    assert made["expires_at"] == "2026-01-01T00:01:00.000Z"
    assert len(made["token"].partition(".")[2]) == 32
    token = made.pop("token")
    assert (await ada("GET", f"{API}/chats/{chat_id}/invites")).json == {"items": [made], "next": None}
    shown = await bob("GET", f"{API}/invites/{token}")
    preview = {"type": kind, "title": "Crew", "member_count": 1, "expires_at": made["expires_at"]}
    assert shown.json == preview | {"chat_id": None}
    joined = await join(bob, token)
    assert (joined.status, joined.json["id"], joined.json["my_role"]) == (201, chat_id, "member")
    assert [item["uses"] for item in (await ada("GET", f"{API}/chats/{chat_id}/invites")).json["items"]] == [
        1
    ]
    assert token not in repr(world.record.invites)


async def test_whoever_is_in_already_is_answered_with_the_chat_and_uses_nothing(world: Any) -> None:
    ada, bob = await world.account(), await world.account("Bob")
    chat_id = await group(ada)
    token = (await link(ada, chat_id, max_uses=1))["token"]
    for who, status in ((ada, 200), (bob, 201), (bob, 200)):
        reply = await join(who, token)
        assert (reply.status, reply.json["id"]) == (status, chat_id)
    assert [invite.uses for invite in world.record.invites.values()] == [1]


async def test_whoever_is_in_the_chat_is_told_which_it_is_also_by_a_link_that_has_run_out(world: Any) -> None:
    ada, bob, eve = [await world.account() for _ in range(3)]
    chat_id = await group(ada, eve)
    token = (await link(ada, chat_id, max_uses=1))["token"]

    async def told(who: Any) -> Any:
        return (await who("GET", f"{API}/invites/{token}")).json["chat_id"]

    assert (await told(ada), await told(bob)) == (chat_id, None)
    await join(bob, token)
    assert (await told(ada), await told(bob)) == (chat_id, chat_id)
    await ada("DELETE", f"{API}/chats/{chat_id}/members/{eve.id}")
    assert code(await eve("GET", f"{API}/invites/{token}")) == (404, "not_found")


async def test_by_default_a_link_lasts_a_week_for_any_number(world: Any) -> None:
    ada = await world.account()
    chat_id = await group(ada)
    made = (await ada("POST", f"{API}/chats/{chat_id}/invites")).json
    assert (made["expires_at"], made["max_uses"]) == ("2026-01-08T00:00:00.000Z", None)
    assert (await link(ada, chat_id, expires_in_s=None))["expires_at"] is None


@pytest.mark.parametrize(
    "body", [{"expires_in_s": 0}, {"expires_in_s": "x"}, {"expires_in_s": 400 * DAY_S}, {"max_uses": 0}, {"max_uses": 1e9}, {"role": "admin"}]
)  # fmt: skip
async def test_bad_fields_are_named(world: Any, body: Any) -> None:
    ada = await world.account()
    reply = await ada("POST", f"{API}/chats/{await group(ada)}/invites", body)
    assert (reply.status, reply.json["errors"][0]["field"]) == (422, next(iter(body)))
    assert world.record.invites == {}


async def test_what_is_no_good_link_lets_nobody_in(world: Any) -> None:
    ada, bob, eve = [await world.account() for _ in range(3)]
    chat_id = await group(ada)
    late, revoked, used = [await link(ada, chat_id, expires_in_s=60, max_uses=1) for _ in range(3)]
    await join(eve, used["token"])
    assert (await ada("DELETE", f"{API}/chats/{chat_id}/invites/{revoked['id']}")).status == 204
    await trio.sleep(60)
    forged = f"{late['id']}.{'A' * 32}"
    tokens = [late["token"], revoked["token"], used["token"], forged, late["id"], late["token"] + "A", "x", "%00", "%ed%a0%80", "A" * 9000]  # fmt: skip
    for token in tokens:
        assert code(await join(bob, token)) == (404, "not_found"), token
        assert code(await bob("GET", f"{API}/invites/{token}")) == (404, "not_found"), token
    assert (chat_id, bob.id) not in world.record.members
    assert (await ada("GET", f"{API}/chats/{chat_id}/invites")).json["items"] == []
    await link(ada, chat_id)
    assert len(world.record.invites) == 1  # those that had run out have gone


async def test_a_link_of_a_closed_chat_leads_nowhere(world: Any) -> None:
    ada, bob = await world.account(), await world.account("Bob")
    chat_id = await group(ada)
    token = (await link(ada, chat_id))["token"]
    assert (await ada("DELETE", f"{API}/chats/{chat_id}")).status == 204
    assert code(await join(bob, token)) == (404, "not_found")


async def test_whom_an_admin_has_removed_comes_back_by_no_link_but_by_an_admin(world: Any) -> None:
    ada, bob, eve = [await world.account() for _ in range(3)]
    chat_id = await group(ada, bob, eve)
    old = (await link(ada, chat_id))["token"]
    await ada("DELETE", f"{API}/chats/{chat_id}/members/{bob.id}")
    await eve("DELETE", f"{API}/chats/{chat_id}/members/{eve.id}")
    new = (await link(ada, chat_id))["token"]
    for token in (old, new):
        assert code(await join(bob, token)) == (403, "forbidden")
    assert (await join(eve, old)).status == 201  # who has left by themselves may
    assert (await ada("PUT", f"{API}/chats/{chat_id}/members/{bob.id}")).status == 201
    await bob("DELETE", f"{API}/chats/{chat_id}/members/{bob.id}")
    assert (await join(bob, old)).status == 201


async def test_nobody_is_let_in_by_whoever_has_blocked_them(world: Any) -> None:
    ada, bob = await world.account(), await world.account("Bob")
    chat_id = await group(ada)
    token = (await link(ada, chat_id))["token"]
    await ada("PUT", f"{API}/users/{bob.id}/block")
    assert code(await join(bob, token)) == (403, "forbidden")
    await ada("DELETE", f"{API}/users/{bob.id}/block")
    assert (await join(bob, token)).status == 201


async def test_a_full_group_is_full(world: Any) -> None:
    ada, *others = [await world.account() for _ in range(5)]
    chat_id = await group(ada)
    token = (await link(ada, chat_id))["token"]
    assert [(await join(who, token)).status for who in others] == [201, 201, 201, 409]
    assert [invite.uses for invite in world.record.invites.values()] == [3]


async def test_a_chat_has_only_so_many_links(world: Any) -> None:
    ada = await world.account()
    chat_id = await group(ada)
    for _ in range(100):
        made = await link(ada, chat_id)
    assert code(await ada("POST", f"{API}/chats/{chat_id}/invites")) == (409, "conflict")
    first = (await ada("GET", f"{API}/chats/{chat_id}/invites?limit=60")).json
    rest = (await ada("GET", f"{API}/chats/{chat_id}/invites?limit=60&cursor={first['next']}")).json
    assert [len(first["items"]), len(rest["items"]), rest["next"]] == [60, 40, None]
    assert (await ada("DELETE", f"{API}/chats/{chat_id}/invites/{made['id']}")).status == 204
    assert code(await ada("DELETE", f"{API}/chats/{chat_id}/invites/{made['id']}")) == (404, "not_found")
    await link(ada, chat_id)


async def test_links_are_for_groups_and_channels(world: Any) -> None:
    ada, bob = await world.account(), await world.account("Bob")
    chat = (await ada("POST", f"{API}/chats", {"type": "direct", "user_id": bob.id})).json["id"]
    assert code(await ada("POST", f"{API}/chats/{chat}/invites")) == (403, "forbidden")


async def test_who_comes_in_is_told_to_all_and_gets_the_chat(open_world: Any) -> None:
    async with open_world() as one, open_world(node="n2", record=one.record, broker=one.broker) as other:
        ada, bob = await one.account(), await one.account("Bob")
        chat_id = await group(ada)
        token = (await link(ada, chat_id))["token"]
        here = await ada.connect()
        there = await type(here).open(other, bob.token)
        for socket in (here, there):
            await socket("me", "phx_join")
        assert (await join(bob, token)).status == 201
        await trio.sleep(1)
        ((event, payload),) = here.events("me")
        assert (event, payload["user_id"], payload["role"], payload["by"]) == ("MEMBER_CHANGED", bob.id, "member", bob.id)  # fmt: skip
        assert set(payload) == {"chat_id", "rev", "user_id", "role", "by"}
        assert [event for event, _ in there.events("me")] == ["CHAT_CREATED"]


async def test_two_devices_that_join_at_once_use_one_place(world: Any) -> None:
    ada, bob = await world.account(), await world.account("Bob")
    chat_id = await group(ada)
    token = (await link(ada, chat_id, max_uses=2))["token"]
    statuses: list[int] = []

    async def come() -> None:
        statuses.append((await join(bob, token)).status)

    async with trio.open_nursery() as nursery:
        for _ in range(4):
            nursery.start_soon(come)
    assert sorted(statuses) == [200, 200, 200, 201]
    assert [invite.uses for invite in world.record.invites.values()] == [1]
