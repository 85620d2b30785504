"""Deleting one's account, over REST."""

from __future__ import annotations

from typing import Any

import msgspec
import trio

from handlers.workers.account_tasks import POLL_S

API = "/api/v1"
TEXT = {"client_id": "c", "type": "text", "content": {"text": "hello"}}
PASSWORD = {"password": "correct horse"}
DONE_S = 2 * POLL_S


async def delete(who: Any, password: str = "correct horse") -> Any:
    return await who("DELETE", f"{API}/users/me", {"password": password})


async def login(world: Any, phone: str) -> Any:
    return await world.request("POST", f"{API}/auth/login", {"phone": phone, **PASSWORD})


async def test_nobody_signs_in_to_a_deleted_account_and_its_number_is_free(world: Any) -> None:
    ada = await world.account("Ada")
    phone = ada.session["user"]["phone"]
    other = (await login(world, phone)).json
    socket = await ada.connect()
    reply = await delete(ada)
    assert (reply.status, reply.raw) == (204, b"")
    assert socket.closed is not None
    assert (await login(world, phone)).status == 401
    for token in (ada.session["refresh_token"], other["refresh_token"]):
        assert (await world.request("POST", f"{API}/auth/refresh", {"refresh_token": token})).status == 401
    for token in (ada.token, other["access_token"]):
        headers = {"Authorization": f"Bearer {token}"}
        assert (await world.request("GET", f"{API}/users/me", headers=headers)).status == 401
    again = {"name": "Eve", "phone": phone, **PASSWORD}
    assert (await world.request("POST", f"{API}/auth/signup", again)).status == 201


async def test_the_password_is_asked_for_and_tries_are_limited(world: Any) -> None:
    ada = await world.account()
    statuses = [(await delete(ada, "wrong")).status for _ in range(4)]
    assert statuses == [401, 401, 401, 429]
    assert (await delete(ada)).status == 429
    for body in ({}, {"password": ""}, {"password": 1}, {"password": "x" * 300}):
        assert (await ada("DELETE", f"{API}/users/me", body)).status == 422
    await trio.sleep(60)
    assert not world.record.users[ada.id].deleted
    assert (await delete(ada)).status == 204


async def test_nothing_of_the_person_is_left_but_what_they_wrote(world: Any) -> None:
    ada, bob = await world.account("Ada"), await world.account("Bob")
    await ada("PATCH", f"{API}/users/me", {"status": "at sea"})
    direct = (await ada("POST", f"{API}/chats", {"type": "direct", "user_id": bob.id})).json["id"]
    await ada("POST", f"{API}/chats/{direct}/messages", TEXT)
    await ada("PUT", f"{API}/users/{bob.id}/block")
    keys = {
        "p256dh": "BGkSROS9TA2uMV_zzX23NrzWzqUfQ4KSEK7QHaX8x1hSnixSx7BasYqRNFyJJIFBeYadtxg73TfVhuPdOY8ISJA",
        "auth": "BTBZMqHH6r4Tts7J_aSIgg",
    }
    subscription = {"endpoint": "https://push.example.org/ada", "keys": keys}
    assert (await ada("POST", f"{API}/push/subscriptions", subscription)).status == 201
    await delete(ada)
    await trio.sleep(DONE_S)
    phone = ada.session["user"]["phone"]
    assert (await bob("GET", f"{API}/users?phone=%2B{phone[1:]}")).status == 404
    assert (await bob("GET", f"{API}/users/{ada.id}")).json == {
        "id": ada.id, "name": "Deleted account", "status": "", "avatar_media_id": None, "online": False, "last_seen": None, "deleted": True
    }  # fmt: skip
    assert [chat["id"] for chat in (await bob("GET", f"{API}/chats")).json["items"]] == [direct]
    (message,) = (await bob("GET", f"{API}/chats/{direct}/messages")).json["items"]
    assert (message["sender_id"], message["content"]) == (ada.id, {"text": "hello"})
    everything = repr(
        (
            world.record.users,
            world.record.devices,
            world.record.blocks,
            world.record.account_jobs,
            world.record.subscriptions,
        )
    )
    for trace in ("Ada", phone, "at sea", ada.device_id, f"user_id='{ada.id}'"):
        assert trace not in everything, trace


async def test_groups_and_channels_are_left_and_handed_on(world: Any) -> None:
    ada, bob, eve = [await world.account() for _ in range(3)]
    others = [bob.id, eve.id]
    owned = (await ada("POST", f"{API}/chats", {"type": "group", "title": "x", "member_ids": others})).json[
        "id"
    ]
    alone = (await ada("POST", f"{API}/chats", {"type": "channel", "title": "x"})).json["id"]
    guest = (
        await bob("POST", f"{API}/chats", {"type": "channel", "title": "x", "member_ids": [ada.id]})
    ).json["id"]
    link = (await ada("POST", f"{API}/chats/{owned}/invites")).json["token"]
    theirs = (await bob("POST", f"{API}/chats/{guest}/invites")).json["token"]
    socket = await bob.connect()
    await socket("me", "phx_join")
    await delete(ada)
    await trio.sleep(DONE_S)
    here = {user_id for chat_id, user_id in world.record.members if chat_id != alone}
    assert here == {bob.id, eve.id}
    assert sorted(world.record.members[owned, user_id].role for user_id in others) == ["member", "owner"]
    assert world.record.chats[alone].deleted
    gone = [p["chat_id"] for e, p in socket.events("me") if e == "MEMBER_CHANGED" and p["user_id"] == ada.id]
    assert sorted(gone) == sorted([owned, guest])
    assert (await eve("GET", f"{API}/invites/{link}")).status == 404
    assert (await eve("GET", f"{API}/invites/{theirs}")).status == 200


async def test_a_deleted_account_is_nobody_to_begin_anything_with(world: Any) -> None:
    ada, bob = await world.account(), await world.account()
    group = (await bob("POST", f"{API}/chats", {"type": "group", "title": "x"})).json["id"]
    await delete(ada)
    for body in (
        {"type": "direct", "user_id": ada.id},
        {"type": "group", "title": "x", "member_ids": [ada.id]},
    ):
        assert (await bob("POST", f"{API}/chats", body)).status == 422
    assert (await bob("PUT", f"{API}/chats/{group}/members/{ada.id}")).status == 404


async def test_while_the_record_is_away_it_is_done_later(world: Any) -> None:
    ada, bob = await world.account(), await world.account()
    group = {"type": "group", "title": "x", "member_ids": [bob.id]}
    chats = [(await ada("POST", f"{API}/chats", group)).json["id"] for _ in range(3)]
    steps = 0

    async def hook(step: str) -> None:
        nonlocal steps
        steps += step == "append:before"
        world.record.faults.down = world.record.faults.down or steps == 2

    world.record.faults.hook = hook
    assert (await delete(ada)).status == 204
    await trio.sleep(POLL_S * 4)
    world.record.faults.hook = None
    world.record.faults.down = False
    assert any((chat_id, ada.id) in world.record.members for chat_id in chats)
    await trio.sleep(POLL_S * 4)
    assert not any((chat_id, ada.id) in world.record.members for chat_id in chats)
    assert world.record.account_jobs == {}


async def test_asking_twice_at_once_is_asking_once(world: Any) -> None:
    ada = await world.account()
    statuses: list[int] = []

    async def ask() -> None:
        statuses.append((await delete(ada)).status)

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(ask)
    assert set(statuses) <= {204, 401}
    assert 204 in statuses
    await trio.sleep(DONE_S)
    assert world.record.account_jobs == {}
    assert msgspec.structs.asdict(world.record.users[ada.id])["phone"] == f"deleted:{ada.id}"


async def test_stories_pictures_and_push_subscriptions_go_with_the_account(world: Any, scene: Any) -> None:
    for call in ("post_stories", "post_push_subscriptions"):
        method, path, body = scene.calls()[call]
        assert (await scene.ada(method, path, body)).status in (200, 201, 204), call
    row = world.record.users[scene.ada.id]
    now = await world.core.stores.subscriptions.of_users([scene.ada.id])
    assert now[scene.ada.id]
    assert not row.deleted
    assert (await delete(scene.ada)).status == 204
    await trio.sleep(DONE_S)
    assert (await world.core.stores.subscriptions.of_users([scene.ada.id]))[scene.ada.id] == []
    clock = world.record.users[scene.ada.id].deleted_at + 60_000
    assert await world.core.stores.stories.shown([scene.ada.id], scene.ada.id, clock) == []
