"""Profiles and contacts, over REST."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec
import pytest
import trio

from handlers.nodes.events import ContactsHidden
from persistence.models import PresentDevice

API = "/api/v1"
TEXT = {"client_id": "c", "type": "text", "content": {"text": "hello"}}


async def test_a_profile_is_changed_in_parts_and_other_devices_hear_of_it(world: Any) -> None:
    ada = await world.account()
    listener = world.listen(ada)
    reply = await ada("PATCH", f"{API}/users/me", {"status": "  at sea ", "privacy": {"last_seen": "nobody"}})
    assert reply.status == 200
    assert reply.json == {
        **ada.session["user"],
        "status": "at sea",
        "privacy": {"last_seen": "nobody", "read_receipts": True},
    }
    assert (await ada("GET", f"{API}/users/me")).json == reply.json
    hidden, event = listener.events
    assert hidden == ContactsHidden(True)
    frame = msgspec.json.decode(event.text)
    assert frame[3:] == ["USER_UPDATED", {"user": reply.json}]
    reply = await ada("PATCH", f"{API}/users/me", {"name": "Lady Ada", "status": ""})
    assert (reply.json["name"], reply.json["status"]) == ("Lady Ada", "")
    assert reply.json["privacy"]["last_seen"] == "nobody"


async def connect(world: Any, user_id: str) -> None:
    """The user has a device on some other node."""
    device = PresentDevice(user_id=user_id, device_id="phone", node="elsewhere", since=0, active_at=0)
    await world.core.stores.presence.arrived([device])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\u0007"}, "name"),
        ({"name": None}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"status": "x" * 141}, "status"),
        ({"status": "x" * 20_000}, "status"),
        ({"status": ["x"]}, "status"),
        ({"privacy": {"last_seen": "friends"}}, "privacy.last_seen"),
        ({"privacy": {"read_receipts": 1}}, "privacy.read_receipts"),
        ({"privacy": None}, "privacy"),
        ({"avatar_media_id": "made-up"}, "avatar_media_id"),
    ],
)
async def test_bad_fields_are_named(world: Any, body: Any, field: str) -> None:
    ada = await world.account()
    reply = await ada("PATCH", f"{API}/users/me", body)
    assert (reply.status, reply.json["code"], reply.json["errors"][0]["field"]) == (422, "invalid", field)
    assert (await ada("GET", f"{API}/users/me")).json == ada.session["user"]


async def test_unknown_fields_are_ignored_and_nothing_given_changes_nothing(world: Any) -> None:
    ada = await world.account()
    for body in ({}, {"phone": "+493099999999", "operator": True, "id": "x"}):
        reply = await ada("PATCH", f"{API}/users/me", body)
        assert (reply.status, reply.json) == (200, ada.session["user"])


async def test_contacts_are_found_by_phone_and_id(world: Any) -> None:
    ada, bob = await world.account(), await world.account("Bob")
    phone = bob.session["user"]["phone"]
    expected = {
        "id": bob.id,
        "name": "Bob",
        "status": "",
        "avatar_media_id": None,
        "online": False,
        "last_seen": None,
    }
    for written in (quote(phone), phone, quote(f"{phone[:3]} (30) {phone[5:]}")):
        reply = await ada("GET", f"{API}/users?phone={written}")
        assert (reply.status, reply.json) == (200, expected), written
    assert (await ada("GET", f"{API}/users/{bob.id}")).json == expected
    assert (await ada("GET", f"{API}/users?phone=%2B493099999999")).status == 404
    assert (await ada("GET", f"{API}/users/nobody")).status == 404
    for query in ("", "?phone=", "?phone=12", "?phone=%00", "?other=1", "?phone=" + "1" * 100):
        reply = await ada("GET", f"{API}/users{query}")
        assert (reply.status, reply.json["errors"][0]["field"]) == (422, "phone"), query


async def test_people_are_found_by_many_ids_as_each_alone_is(world: Any) -> None:
    ada, bob, eve = await world.account(), await world.account("Bob"), await world.account("Eve")
    dan, ned = await world.account("Dan"), await world.account("Ned")
    await bob("PATCH", f"{API}/users/me", {"status": "at sea"})
    await eve("PATCH", f"{API}/users/me", {"privacy": {"last_seen": "nobody"}, "status": "here"})
    for who in (ada, bob, eve, dan):
        world.record.users[who.id] = msgspec.structs.replace(world.record.users[who.id], last_seen=1000)
        await connect(world, who.id)
    assert (await dan("PUT", f"{API}/users/{ada.id}/block")).status == 204
    assert (await ned("DELETE", f"{API}/users/me", {"password": "correct horse"})).status in (200, 202, 204)
    ids = [eve.id, "nobody", bob.id, ada.id, dan.id, bob.id, ned.id]
    reply = await ada("GET", f"{API}/users?" + "&".join(f"id={each}" for each in ids))
    assert reply.status == 200
    shown = [eve.id, bob.id, ada.id, dan.id, ned.id]
    assert [each["id"] for each in reply.json["items"]] == shown
    for each in reply.json["items"]:
        assert (await ada("GET", f"{API}/users/{each['id']}")).json == each
    by_id = {each["id"]: each for each in reply.json["items"]}
    assert [by_id[who.id]["online"] for who in (eve, bob, ada, dan)] == [False, True, True, False]
    assert [by_id[who.id]["last_seen"] is None for who in (eve, bob, ada, dan)] == [True, False, False, True]
    assert (by_id[bob.id]["status"], by_id[dan.id]["name"]) == ("at sea", "Dan")
    assert by_id[ned.id]["deleted"] is True
    assert (await ada("GET", f"{API}/users?id=nobody")).json == {"items": []}


async def test_one_way_to_look_people_up_is_given_and_not_for_too_many(world: Any) -> None:
    ada = await world.account()
    hundred = "&".join(f"id={n:024}" for n in range(100))
    assert (await ada("GET", f"{API}/users?{hundred}")).json == {"items": []}
    for query in (f"{hundred}&id=x", "id=", "id=" + "x" * 65, "id=x&phone=%2B493099999999"):
        reply = await ada("GET", f"{API}/users?{query}")
        assert (reply.status, reply.json["code"]) == (422, "invalid"), query
        assert reply.json["errors"][0]["field"].startswith("id"), query
    assert (await world.request("GET", f"{API}/users?id={ada.id}")).status == 401


async def test_online_is_whoever_a_living_node_serves(world: Any) -> None:
    ada, bob = await world.account(), await world.account("Bob")
    await connect(world, bob.id)
    assert (await ada("GET", f"{API}/users/{bob.id}")).json["online"] is True
    world.broker.faults.down = True
    reply = await ada("GET", f"{API}/users/{bob.id}")
    assert (reply.status, reply.json["online"]) == (200, False)


@pytest.mark.parametrize(
    ("shown_to", "stranger", "contact"), [("everyone", True, True), ("contacts", False, True), ("nobody", False, False)]
)  # fmt: skip
async def test_last_seen_and_online_are_private(
    world: Any, shown_to: str, stranger: bool, contact: bool
) -> None:
    ada, bob, eve = await world.account(), await world.account("Bob"), await world.account("Eve")
    await bob("PATCH", f"{API}/users/me", {"privacy": {"last_seen": shown_to}})
    await bob("POST", f"{API}/chats", {"type": "direct", "user_id": ada.id})
    await eve("POST", f"{API}/chats", {"type": "group", "title": "x", "member_ids": [bob.id]})
    world.record.users[bob.id] = msgspec.structs.replace(world.record.users[bob.id], last_seen=1000)
    await connect(world, bob.id)
    for asker, sees in ((eve, stranger), (ada, contact), (bob, True)):
        view = (await asker("GET", f"{API}/users/{bob.id}")).json
        assert view["online"] is sees
        assert (view["last_seen"] is not None) is sees


async def test_a_stranger_does_not_become_a_contact_by_beginning_a_chat(world: Any) -> None:
    bob, eve = await world.account("Bob"), await world.account("Eve")
    await bob("PATCH", f"{API}/users/me", {"privacy": {"last_seen": "contacts"}})
    await connect(world, bob.id)
    chat = (await eve("POST", f"{API}/chats", {"type": "direct", "user_id": bob.id})).json["id"]

    async def sees() -> bool:
        return bool((await eve("GET", f"{API}/users/{bob.id}")).json["online"])

    await eve("POST", f"{API}/chats/{chat}/messages", TEXT)
    assert not await sees()
    await bob("POST", f"{API}/chats/{chat}/messages", TEXT)
    assert await sees()


async def test_whoever_hides_what_they_read_is_obeyed_at_once_on_every_connection(
    open_world: Any, make_scene: Any
) -> None:
    async with open_world() as one, open_world(node="n2", record=one.record, broker=one.broker) as other:
        scene = await make_scene(one)
        ada = await scene.ada.connect()
        bob = await type(ada).open(other, scene.bob.token)
        for socket in (ada, bob):
            await socket("me", "phx_join", {"limit": 0})

        async def told(seq: int) -> bool:
            await bob("me", "message:read", {"chat_id": scene.chat_id, "seq": seq})
            await trio.sleep(1)
            return any(e == "MESSAGE_READ" and p["seq"] == seq for e, p in ada.events("me"))

        assert await told(1)
        await scene.bob("PATCH", f"{API}/users/me", {"privacy": {"read_receipts": False}})
        await trio.sleep(1)
        assert not await told(2)
        await scene.ada("POST", f"{API}/chats/{scene.chat_id}/messages", {**TEXT, "client_id": "third"})
        await scene.bob("PATCH", f"{API}/users/me", {"privacy": {"read_receipts": True}})
        await trio.sleep(1)
        assert await told(3)
