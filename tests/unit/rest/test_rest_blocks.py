"""Blocking people, over REST."""

from __future__ import annotations

from typing import Any

import msgspec
import trio

API = "/api/v1"
TEXT = {"client_id": "c", "type": "text", "content": {"text": "hello"}}
DIRECT = {"type": "direct"}


async def test_blocking_and_unblocking_can_be_repeated(world: Any) -> None:
    ada, bob = await world.account(), await world.account("Bob")
    for chat in (False, True):
        if chat:
            assert (await ada("POST", f"{API}/chats", {**DIRECT, "user_id": bob.id})).status == 201
        for method, blocked in (("PUT", [bob.id]), ("DELETE", [])):
            for _ in range(2):
                reply = await ada(method, f"{API}/users/{bob.id}/block")
                assert (reply.status, reply.raw) == (204, b"")
                items = (await ada("GET", f"{API}/users/me/blocks")).json["items"]
                assert [item["user_id"] for item in items] == blocked


async def test_blocks_are_listed_in_pages_to_whoever_made_them(world: Any) -> None:
    ada = await world.account()
    others = sorted([(await world.account()).id for _ in range(5)])
    for user_id in others:
        await ada("PUT", f"{API}/users/{user_id}/block")
    first = (await ada("GET", f"{API}/users/me/blocks?limit=3")).json
    rest = (await ada("GET", f"{API}/users/me/blocks?limit=3&cursor={first['next']}")).json
    assert [item["user_id"] for item in first["items"] + rest["items"]] == others
    assert rest["next"] is None
    assert first["items"][0]["blocked_at"] == "2026-01-01T00:00:00.000Z"
    eve = await world.account()
    assert (await eve("GET", f"{API}/users/me/blocks")).json == {"items": [], "next": None}


async def test_nobody_blocks_themselves_or_who_does_not_exist(world: Any) -> None:
    ada = await world.account()
    reply = await ada("PUT", f"{API}/users/{ada.id}/block")
    assert (reply.status, reply.json["errors"][0]["field"]) == (422, "user_id")
    for method in ("PUT", "DELETE"):
        for user_id in ("nobody", "me", "%00", "x" * 5000):
            assert (await ada(method, f"{API}/users/{user_id}/block")).status == 404, user_id
    assert world.record.blocks == {}


async def test_only_the_devices_of_whoever_blocks_are_told(world: Any) -> None:
    ada, bob = await world.account(), await world.account("Bob")
    chat = (await ada("POST", f"{API}/chats", {**DIRECT, "user_id": bob.id})).json["id"]
    here, there = await ada.connect(), await bob.connect()
    for socket in (here, there):
        await socket("me", "phx_join")
    await trio.sleep(1)
    quiet = len(there.frames)
    await ada("PUT", f"{API}/users/{bob.id}/block")
    await ada("DELETE", f"{API}/users/{bob.id}/block")
    await trio.sleep(1)
    assert [payload for event, payload in here.events("me") if event == "BLOCK_CHANGED"] == [
        {"user_id": bob.id, "blocked": True},
        {"user_id": bob.id, "blocked": False},
    ]
    # As with somebody who hides when they are online, and shows it again.
    assert [frame[3:] for frame in there.frames[quiet:]] == [
        ["USER_DISCONNECTED", {"user_id": ada.id, "last_seen": None}],
        ["USER_CONNECTED", {"user_id": ada.id}],
    ]
    page = (await bob("GET", f"{API}/chats/{chat}/messages?after_rev=0")).json
    assert page["items"] == []


async def test_each_of_the_two_is_told_what_they_can_do(world: Any) -> None:
    ada, bob = await world.account(), await world.account("Bob")
    chat = (await ada("POST", f"{API}/chats", {**DIRECT, "user_id": bob.id})).json["id"]
    await ada("PUT", f"{API}/users/{bob.id}/block")
    for who, words in ((ada, "unblock"), (bob, "has blocked you")):
        reply = await who("POST", f"{API}/chats/{chat}/messages", TEXT)
        assert (reply.status, reply.json["code"]) == (403, "forbidden")
        assert words in reply.json["detail"]
    await ada("DELETE", f"{API}/users/{bob.id}/block")
    for who in (ada, bob):
        assert (await who("POST", f"{API}/chats/{chat}/messages", TEXT)).status == 201


async def test_what_was_written_stays_and_is_still_one_s_own(world: Any) -> None:
    ada, bob = await world.account(), await world.account("Bob")
    chat = (await ada("POST", f"{API}/chats", {**DIRECT, "user_id": bob.id})).json["id"]
    for who in (ada, bob):
        await who("POST", f"{API}/chats/{chat}/messages", TEXT)
    await ada("PUT", f"{API}/users/{bob.id}/block")
    for seq, who in enumerate((ada, bob), 1):
        assert [c["id"] for c in (await who("GET", f"{API}/chats")).json["items"]] == [chat]
        assert len((await who("GET", f"{API}/chats/{chat}/messages")).json["items"]) == 2
        assert (await who("PUT", f"{API}/chats/{chat}/read", {"seq": 2})).status == 204
        edit = await who("PATCH", f"{API}/chats/{chat}/messages/{seq}", {"content": {"text": "x"}})
        assert edit.status == 403
        assert (await who("DELETE", f"{API}/chats/{chat}/messages/{seq}")).status in (200, 204)


async def test_no_direct_chat_is_begun_across_a_block_and_an_old_one_is_answered(world: Any) -> None:
    ada, bob, eve = [await world.account() for _ in range(3)]
    old = (await ada("POST", f"{API}/chats", {**DIRECT, "user_id": bob.id})).json["id"]
    for other in (bob, eve):
        await ada("PUT", f"{API}/users/{other.id}/block")
    for one, other in ((ada, eve), (eve, ada)):
        reply = await one("POST", f"{API}/chats", {**DIRECT, "user_id": other.id})
        assert (reply.status, reply.json["code"]) == (403, "forbidden")
    for one, other in ((ada, bob), (bob, ada)):
        reply = await one("POST", f"{API}/chats", {**DIRECT, "user_id": other.id})
        assert (reply.status, reply.json["id"]) == (200, old)


async def test_whom_one_has_blocked_cannot_add_one_to_anything(world: Any) -> None:
    ada, bob, eve = [await world.account() for _ in range(3)]
    await ada("PUT", f"{API}/users/{bob.id}/block")
    group = {"type": "group", "title": "x"}
    reply = await bob("POST", f"{API}/chats", {**group, "member_ids": [eve.id, ada.id]})
    assert (reply.status, reply.json["code"]) == (403, "forbidden")
    chat = (await bob("POST", f"{API}/chats", {**group, "member_ids": [eve.id]})).json["id"]
    assert (await bob("PUT", f"{API}/chats/{chat}/members/{ada.id}")).status == 403
    # A group that one is in for another reason works for both.
    both = (await eve("POST", f"{API}/chats", {**group, "member_ids": [ada.id, bob.id]})).json["id"]
    for who in (ada, bob):
        assert (await who("POST", f"{API}/chats/{both}/messages", TEXT)).status == 201
    assert (await bob("PUT", f"{API}/chats/{both}/members/{ada.id}")).status == 403  # not an admin


async def test_whoever_is_blocked_sees_the_name_alone(world: Any) -> None:
    ada, bob = await world.account(), await world.account("Bob")
    await bob("PATCH", f"{API}/users/me", {"status": "at sea"})
    row = world.record.users[bob.id]
    world.record.users[bob.id] = msgspec.structs.replace(row, last_seen=1000, avatar_media_id="m")
    await world.bus.follow([f"u:{bob.id}"])
    await bob("PUT", f"{API}/users/{ada.id}/block")
    bare = {"id": bob.id, "name": "Bob", "status": "", "avatar_media_id": None, "online": False, "last_seen": None}  # fmt: skip
    assert (await ada("GET", f"{API}/users/{bob.id}")).json == bare
    phone = bob.session["user"]["phone"].removeprefix("+")
    assert (await ada("GET", f"{API}/users?phone=%2B{phone}")).json == bare
    await bob("DELETE", f"{API}/users/{ada.id}/block")
    assert (await ada("GET", f"{API}/users/{bob.id}")).json["status"] == "at sea"


async def test_a_chat_that_is_open_is_closed_for_both_when_one_blocks(open_world: Any) -> None:
    async with open_world() as one, open_world(node="n2", record=one.record, broker=one.broker) as other:
        ada, bob = await one.account(), await one.account("Bob")
        chat = (await ada("POST", f"{API}/chats", {**DIRECT, "user_id": bob.id})).json["id"]
        here = await ada.connect()
        there = await type(here).open(other, bob.token)
        topic = f"chat:{chat}"
        for socket in (here, there):
            assert (await socket(topic, "phx_join"))["status"] == "ok"
        await ada("PUT", f"{API}/users/{bob.id}/block")
        await trio.sleep(1)
        for socket in (here, there):
            assert [frame[3] for frame in socket.frames if frame[2] == topic][-1] == "phx_close"
            answer = await socket(topic, "phx_join")
            assert answer["response"]["code"] == "forbidden"
        await ada("DELETE", f"{API}/users/{bob.id}/block")
        await trio.sleep(1)
        for socket in (here, there):
            assert (await socket(topic, "phx_join"))["status"] == "ok"
