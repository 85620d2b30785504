"""Chats and their members, over REST."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import trio

from handlers.nodes.events import Joined

API = "/api/v1"


async def people(world: Any, *names: str) -> list[Any]:
    return [await world.account(name) for name in names]


async def group(owner: Any, *others: Any, kind: str = "group") -> str:
    body = {"type": kind, "title": "Crew", "member_ids": [other.id for other in others]}
    reply = await owner("POST", f"{API}/chats", body)
    assert reply.status == 201, reply.raw
    return str(reply.json["id"])


async def roles(asker: Any, chat_id: str) -> dict[str, str]:
    reply = await asker("GET", f"{API}/chats/{chat_id}/members")
    assert reply.status == 200, reply.raw
    return {row["user_id"]: row["role"] for row in reply.json["items"]}


async def say(account: Any, chat_id: str, text: str) -> dict[str, Any]:
    body = {"client_id": text.replace(" ", "-"), "type": "text", "content": {"text": text}}
    reply = await account("POST", f"{API}/chats/{chat_id}/messages", body)
    assert reply.status == 201, reply.raw
    return dict(reply.json)


# -- making ------------------------------------------------------------------------------------------------------


async def test_a_pair_has_one_direct_chat(world: Any) -> None:
    ada, bob = await people(world, "Ada", "Bob")
    listener = world.listen(bob)
    first = await ada("POST", f"{API}/chats", {"type": "direct", "user_id": bob.id})
    assert first.status == 201
    assert first.json == {
        "id": first.json["id"],
        "type": "direct",
        "title": "",
        "peer_id": bob.id,
        "created_by": ada.id,
        "created_at": "2026-01-01T00:00:00.000Z",
        "member_count": 2,
        "last_seq": 0,
        "rev": 0,
        "last_message": None,
        "unread": 0,
        "pinned": False,
        "muted": False,
        "muted_until": None,
        "my_role": "member",
        "delivered_seq": 0,
        "read_seq": 0,
        "cursors": [
            {"user_id": ada.id, "delivered_seq": 0, "read_seq": 0},
            {"user_id": bob.id, "delivered_seq": 0, "read_seq": 0},
        ],
    }
    assert listener.events == [Joined(first.json["id"])]
    again = await bob("POST", f"{API}/chats", {"type": "direct", "user_id": ada.id})
    assert (again.status, again.json["id"], again.json["peer_id"]) == (200, first.json["id"], ada.id)


async def test_a_group_has_its_maker_as_owner_and_everybody_once(world: Any) -> None:
    ada, bob, eve = await people(world, "Ada", "Bob", "Eve")
    body = {"type": "group", "title": " Cafe\u0301 ", "member_ids": [bob.id, ada.id, bob.id, eve.id]}
    listener = world.listen(eve)
    reply = await ada("POST", f"{API}/chats", body)
    assert (reply.status, reply.json["title"], reply.json["member_count"], reply.json["my_role"]) == (
        201,
        "Caf\u00e9",
        3,
        "owner",
    )
    assert await roles(bob, reply.json["id"]) == {ada.id: "owner", bob.id: "member", eve.id: "member"}
    assert listener.events == [Joined(reply.json["id"])]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "type"),
        ({"type": "party"}, "type"),
        ({"type": 5}, "type"),
        ({"type": "direct"}, "user_id"),
        ({"type": "direct", "user_id": "nobody"}, "user_id"),
        ({"type": "direct", "user_id": "x" * 65}, "user_id"),
        ({"type": "direct", "user_id": "\u0000"}, "user_id"),
        ({"type": "direct", "user_id": {"$ne": None}}, "user_id"),
        ({"type": "group"}, "title"),
        ({"type": "group", "title": "  "}, "title"),
        ({"type": "group", "title": "a\nb"}, "title"),
        ({"type": "channel", "title": "x" * 129}, "title"),
        ({"type": "group", "title": "x", "member_ids": "all"}, "member_ids"),
        ({"type": "group", "title": "x", "member_ids": ["nobody"]}, "member_ids[0]"),
        ({"type": "group", "title": "x", "member_ids": [1]}, "member_ids[0]"),
        ({"type": "group", "title": "x", "member_ids": ["a", "b", "c", "d"]}, "member_ids"),
        ({"type": "channel", "title": "x", "member_ids": ["a"] * 2001}, "member_ids"),
    ],
)
async def test_bad_chats_are_refused_and_the_field_named(world: Any, body: Any, field: str) -> None:
    ada = await world.account()
    reply = await ada("POST", f"{API}/chats", body)
    assert (reply.status, reply.json["code"]) == (422, "invalid"), reply.raw
    found = reply.json["errors"][0]["field"].replace("[...]", "[0]")
    assert found == field, reply.raw
    assert world.record.chats == {}


async def test_nobody_talks_to_themselves(world: Any) -> None:
    ada = await world.account()
    reply = await ada("POST", f"{API}/chats", {"type": "direct", "user_id": ada.id})
    assert (reply.status, reply.json["errors"][0]["field"]) == (422, "user_id")


# -- looking -----------------------------------------------------------------------------------------------------


async def test_chats_come_pinned_first_then_by_newest_activity(world: Any) -> None:
    ada, bob = await people(world, "Ada", "Bob")
    ids = []
    for _ in range(6):
        ids.append(await group(ada, bob))
        await trio.sleep(1)
    await say(bob, ids[0], "hello")
    await trio.sleep(1)
    for pinned in (ids[2], ids[4]):
        assert (await ada("PUT", f"{API}/chats/{pinned}/pin")).status == 204
        await trio.sleep(1)
    expected = [ids[4], ids[2], ids[0], ids[5], ids[3], ids[1]]
    whole = (await ada("GET", f"{API}/chats")).json
    assert [chat["id"] for chat in whole["items"]] == expected
    assert whole["next"] is None
    assert [chat["pinned"] for chat in whole["items"]] == [True, True, False, False, False, False]
    assert whole["items"][2]["unread"] == 1
    assert whole["items"][2]["last_message"]["content"] == {"text": "hello"}
    for limit in (1, 2, 4, 6):
        seen: list[str] = []
        cursor = ""
        while True:
            page = (await ada("GET", f"{API}/chats?limit={limit}{cursor}")).json
            assert len(page["items"]) <= limit
            seen += [chat["id"] for chat in page["items"]]
            if page["next"] is None:
                break
            cursor = f"&cursor={page['next']}"
        assert seen == expected, limit


async def test_a_cursor_is_stable_while_chats_move(world: Any) -> None:
    ada, bob = await people(world, "Ada", "Bob")
    ids = []
    for _ in range(4):
        ids.append(await group(ada, bob))
        await trio.sleep(1)
    first = (await ada("GET", f"{API}/chats?limit=2")).json
    assert [chat["id"] for chat in first["items"]] == [ids[3], ids[2]]
    await say(bob, ids[3], "again on top")
    await group(ada, bob)
    rest = (await ada("GET", f"{API}/chats?limit=2&cursor={first['next']}")).json
    assert [chat["id"] for chat in rest["items"]] == [ids[1], ids[0]]
    assert rest["next"] is None


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=ten", "limit"),
        ("limit=1e999", "limit"),
        ("limit=" + "9" * 400, "limit"),
        ("cursor=", "cursor"),
        ("cursor=!!!", "cursor"),
        ("cursor=AAAA", "cursor"),
        ("cursor=%ff", "cursor"),
        ("cursor=" + "A" * 5000, "cursor"),
        ("cursor=kwEDpA", "cursor"),
    ],
)
async def test_absurd_pages_are_refused(world: Any, query: str, field: str) -> None:
    ada = await world.account()
    for path in ("chats", "chats/{}/members"):
        reply = await ada("GET", f"{API}/{path.format(await group(ada))}?{query}")
        assert (reply.status, reply.json["errors"][0]["field"]) == (422, field), reply.raw


async def test_strangers_cannot_tell_a_chat_from_none(world: Any) -> None:
    ada, bob, eve = await people(world, "Ada", "Bob", "Eve")
    chat_id = await group(ada, bob)
    await say(ada, chat_id, "secret")
    text = {"client_id": "c", "type": "text", "content": {"text": "x"}}
    calls: list[tuple[str, str, Any]] = [
        ("GET", "", None),
        ("PATCH", "", {"title": "x"}),
        ("DELETE", "", None),
        ("GET", "/members", None),
        ("PUT", f"/members/{eve.id}", {"role": "admin"}),
        ("PUT", f"/members/{ada.id}", {"role": "member"}),
        ("DELETE", f"/members/{bob.id}", None),
        ("DELETE", f"/members/{eve.id}", None),
        ("PUT", "/pin", None),
        ("DELETE", "/pin", None),
        ("PUT", "/mute", {}),
        ("DELETE", "/mute", None),
        ("GET", "/messages", None),
        ("POST", "/messages", text),
        ("PATCH", "/messages/1", {"content": {"text": "x"}}),
        ("DELETE", "/messages/1", None),
        ("PUT", "/read", {"seq": 1}),
    ]
    for method, path, body in calls:
        json = msgspec.UNSET if body is None else body
        there = await eve(method, f"{API}/chats/{chat_id}{path}", json)
        none = await eve(method, f"{API}/chats/nothing{path}", json)
        assert there.status == none.status == 404, (method, path, there.raw)
        assert {**there.json, "request_id": ""} == {**none.json, "request_id": ""}, (method, path)
    assert await roles(ada, chat_id) == {ada.id: "owner", bob.id: "member"}


# -- changing ----------------------------------------------------------------------------------------------------


async def test_title_and_closing(world: Any) -> None:
    ada, bob = await people(world, "Ada", "Bob")
    chat_id = await group(ada, bob)
    path = f"{API}/chats/{chat_id}"
    assert (await bob("PATCH", path, {"title": "Mine"})).status == 403
    reply = await ada("PATCH", path, {"title": " New "})
    assert (reply.status, reply.json["title"], reply.json["rev"]) == (200, "New", 1)
    assert (await bob("GET", path)).json["title"] == "New"
    assert (await bob("DELETE", path)).status == 403
    assert (await ada("DELETE", path)).status == 204
    for account in (ada, bob):
        assert (await account("GET", path)).status == 404
        assert (await account("GET", f"{API}/chats")).json["items"] == []
        assert (await account("GET", f"{path}/messages")).status == 404
        assert (await account("PUT", f"{path}/pin")).status == 404


async def test_a_direct_chat_has_no_title_no_members_to_change_and_no_end(world: Any) -> None:
    ada, bob, eve = await people(world, "Ada", "Bob", "Eve")
    chat_id = (await ada("POST", f"{API}/chats", {"type": "direct", "user_id": bob.id})).json["id"]
    for method, path, body in (
        ("PATCH", "", {"title": "x"}),
        ("DELETE", "", msgspec.UNSET),
        ("PUT", f"/members/{eve.id}", {"role": "member"}),
        ("PUT", f"/members/{bob.id}", {"role": "admin"}),
        ("PUT", f"/members/{bob.id}", {"role": "member"}),
        ("DELETE", f"/members/{bob.id}", msgspec.UNSET),
        ("DELETE", f"/members/{ada.id}", msgspec.UNSET),
    ):
        reply = await ada(method, f"{API}/chats/{chat_id}{path}", body)
        assert (reply.status, reply.json["code"]) == (403, "forbidden"), (method, path, reply.raw)


@pytest.mark.parametrize("kind", ["group", "channel"])
async def test_members_are_added_promoted_and_removed(world: Any, kind: str) -> None:
    ada, bob, eve = await people(world, "Ada", "Bob", "Eve")
    chat_id = await group(ada, bob, kind=kind)
    path = f"{API}/chats/{chat_id}/members"
    assert (await bob("PUT", f"{path}/{eve.id}", {"role": "member"})).status == 403
    added = await ada("PUT", f"{path}/{eve.id}")
    assert (added.status, added.json["user_id"], added.json["role"]) == (201, eve.id, "member")
    assert (await ada("PUT", f"{path}/{eve.id}", {"role": "member"})).status == 200
    promoted = await ada("PUT", f"{path}/{eve.id}", {"role": "admin"})
    assert (promoted.status, promoted.json["role"]) == (200, "admin")
    assert (await eve("PUT", f"{path}/{bob.id}", {"role": "admin"})).status == 403
    assert (await eve("DELETE", f"{path}/{ada.id}")).status == 403
    assert (await eve("DELETE", f"{path}/{bob.id}")).status == 204
    assert (await eve("DELETE", f"{path}/{bob.id}")).status == 404
    assert await roles(ada, chat_id) == {ada.id: "owner", eve.id: "admin"}
    assert (await bob("GET", f"{API}/chats/{chat_id}")).status == 404
    back = await eve("PUT", f"{path}/{bob.id}", {"role": "member"})
    assert back.status == 201
    assert (await ada("PUT", f"{path}/{ada.id}", {"role": "member"})).status == 403
    for body, field in (({"role": "owner"}, "role"), ({"role": 1}, "role"), ({"role": None}, "role")):
        reply = await ada("PUT", f"{path}/{eve.id}", body)
        assert (reply.status, reply.json["errors"][0]["field"]) == (422, field)
    assert (await ada("PUT", f"{path}/nobody")).status == 404


async def test_a_group_gets_full_and_a_channel_does_not(world: Any) -> None:
    ada, *others = await people(world, "Ada", "B", "C", "D", "E")
    full = await group(ada, *others[:3])
    reply = await ada("PUT", f"{API}/chats/{full}/members/{others[3].id}")
    assert (reply.status, reply.json["code"]) == (409, "conflict")
    channel = await group(ada, *others[:3], kind="channel")
    assert (await ada("PUT", f"{API}/chats/{channel}/members/{others[3].id}")).status == 201


async def test_whoever_joins_late_has_nothing_unread(world: Any) -> None:
    ada, bob = await people(world, "Ada", "Bob")
    chat_id = await group(ada)
    for n in range(3):
        await say(ada, chat_id, f"before {n}")
    await ada("PUT", f"{API}/chats/{chat_id}/members/{bob.id}")
    await say(ada, chat_id, "after")
    view = (await bob("GET", f"{API}/chats/{chat_id}")).json
    assert (view["unread"], view["read_seq"], view["last_seq"], view["rev"]) == (1, 3, 4, 5)


async def test_an_owner_who_leaves_hands_the_chat_on(world: Any) -> None:
    ada, bob, eve, joe = await people(world, "Ada", "Bob", "Eve", "Joe")
    chat_id = await group(ada, bob)
    for late in (eve, joe):
        await trio.sleep(1)
        await ada("PUT", f"{API}/chats/{chat_id}/members/{late.id}")
    await ada("PUT", f"{API}/chats/{chat_id}/members/{joe.id}", {"role": "admin"})
    leave = f"{API}/chats/{chat_id}/members/"
    assert (await ada("DELETE", leave + ada.id)).status == 204
    assert await roles(bob, chat_id) == {bob.id: "member", eve.id: "member", joe.id: "owner"}
    assert (await joe("DELETE", leave + joe.id)).status == 204
    assert await roles(bob, chat_id) == {bob.id: "owner", eve.id: "member"}
    assert (await eve("DELETE", leave + eve.id)).status == 204
    assert (await bob("DELETE", leave + bob.id)).status == 204
    assert world.record.chats[chat_id].deleted
    assert (await bob("GET", f"{API}/chats/{chat_id}")).status == 404


async def test_an_heir_who_leaves_at_the_same_time_is_passed_over(world: Any) -> None:
    ada, bob, eve = await people(world, "Ada", "Bob", "Eve")
    chat_id = await group(ada, bob)
    await trio.sleep(1)
    await ada("PUT", f"{API}/chats/{chat_id}/members/{eve.id}")
    leave = f"{API}/chats/{chat_id}/members/"
    replies: list[int] = []

    async def go(who: Any) -> None:
        replies.append((await who("DELETE", leave + who.id)).status)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(go, ada)
        nursery.start_soon(go, bob)
    assert replies == [204, 204]
    assert await roles(eve, chat_id) == {eve.id: "owner"}


async def test_a_hand_over_that_was_cut_off_is_finished_by_leaving_again(world: Any) -> None:
    ada, bob, eve = await people(world, "Ada", "Bob", "Eve")
    chat_id = await group(ada, bob)
    await trio.sleep(1)
    await ada("PUT", f"{API}/chats/{chat_id}/members/{eve.id}")
    leave = f"{API}/chats/{chat_id}/members/{ada.id}"
    appended: list[str] = []

    async def hook(step: str) -> None:
        if step == "append:before":
            appended.append(step)
            world.record.faults.down = len(appended) > 1

    world.record.faults.hook = hook
    assert (await ada("DELETE", leave)).status == 503
    world.record.faults.hook, world.record.faults.down = None, False
    assert await roles(eve, chat_id) == {ada.id: "owner", bob.id: "owner", eve.id: "member"}
    assert (await ada("DELETE", leave)).status == 204
    assert await roles(eve, chat_id) == {bob.id: "owner", eve.id: "member"}


# -- one's own ---------------------------------------------------------------------------------------------------


async def test_pin_and_mute_are_the_users_own(world: Any) -> None:
    ada, bob = await people(world, "Ada", "Bob")
    chat_id = await group(ada, bob)
    path = f"{API}/chats/{chat_id}"
    mine, theirs = world.listen(ada), world.listen(bob)
    for _ in range(2):
        assert (await ada("PUT", f"{path}/pin")).status == 204
    assert (await ada("PUT", f"{path}/mute", {"until": "2026-01-01T01:00:00+01:00"})).status == 422
    assert (await ada("PUT", f"{path}/mute", {"until": "2026-01-01T01:10:00+01:00"})).status == 204
    view = (await ada("GET", path)).json
    assert (view["pinned"], view["muted"], view["muted_until"]) == (True, True, "2026-01-01T00:10:00.000Z")
    view = (await bob("GET", path)).json
    assert (view["pinned"], view["muted"], view["muted_until"]) == (False, False, None)
    events = [msgspec.json.decode(event.text)[3:] for event in mine.events]
    until = "2026-01-01T00:10:00.000Z"
    assert events == [
        ["CHAT_UPDATED", {"chat_id": chat_id, "pinned": True}],
        ["CHAT_UPDATED", {"chat_id": chat_id, "muted": True, "muted_until": until}],
    ]
    assert theirs.events == []
    await trio.sleep(600)
    view = (await ada("GET", path)).json
    assert (view["muted"], view["muted_until"]) == (False, None)
    assert (await ada("PUT", f"{path}/mute")).status == 204
    assert (await ada("GET", path)).json["muted_until"] == "9999-12-31T23:59:59.000Z"
    assert (await ada("DELETE", f"{path}/mute")).status == 204
    assert (await ada("DELETE", f"{path}/pin")).status == 204
    view = (await ada("GET", path)).json
    assert (view["pinned"], view["muted"]) == (False, False)


@pytest.mark.parametrize(
    "until",
    ["tomorrow", "2027-01-01", "2027-01-01T00:00:00", 5, "0001-01-01T00:00:00Z", "2027-13-01T00:00:00Z", {}],
)
async def test_a_mute_ends_at_a_time_to_come(world: Any, until: Any) -> None:
    ada = await world.account()
    reply = await ada("PUT", f"{API}/chats/{await group(ada)}/mute", {"until": until})
    assert (reply.status, reply.json["errors"][0]["field"]) == (422, "until"), reply.raw


# -- cursors and privacy -----------------------------------------------------------------------------------------


async def test_read_cursors_of_those_who_hide_them_are_not_shown_and_they_see_none(world: Any) -> None:
    ada, bob, eve = await people(world, "Ada", "Bob", "Eve")
    await bob("PATCH", f"{API}/users/me", {"privacy": {"read_receipts": False}})
    direct = (await ada("POST", f"{API}/chats", {"type": "direct", "user_id": bob.id})).json["id"]
    crew = await group(ada, bob, eve)
    for chat_id in (direct, crew):
        await say(ada, chat_id, "hello")
        for reader in (ada, bob) if chat_id == direct else (ada, bob, eve):
            assert (await reader("PUT", f"{API}/chats/{chat_id}/read", {"seq": 1})).status == 204

    async def seen_by(asker: Any, chat_id: str) -> dict[str, int]:
        reply = await asker("GET", f"{API}/chats/{chat_id}/members")
        return {row["user_id"]: row["read_seq"] for row in reply.json["items"]}

    assert await seen_by(ada, direct) == {ada.id: 1, bob.id: 0}
    assert await seen_by(bob, direct) == {ada.id: 0, bob.id: 1}
    assert await seen_by(ada, crew) == {ada.id: 1, bob.id: 0, eve.id: 1}
    assert await seen_by(bob, crew) == {ada.id: 0, bob.id: 1, eve.id: 0}
    for asker, other in ((ada, bob), (bob, ada)):
        cursors = (await asker("GET", f"{API}/chats/{direct}")).json["cursors"]
        assert cursors == [
            {"user_id": asker.id, "delivered_seq": 1, "read_seq": 1},
            {"user_id": other.id, "delivered_seq": 1, "read_seq": 0},
        ]


async def test_in_a_channel_nobody_sees_how_far_others_have_come(world: Any) -> None:
    ada, bob = await people(world, "Ada", "Bob")
    chat_id = await group(ada, bob, kind="channel")
    await say(ada, chat_id, "news")
    await bob("PUT", f"{API}/chats/{chat_id}/read", {"seq": 1})
    rows = (await ada("GET", f"{API}/chats/{chat_id}/members")).json["items"]
    assert {row["user_id"]: (row["delivered_seq"], row["read_seq"]) for row in rows}[bob.id] == (0, 0)
    own = (await bob("GET", f"{API}/chats/{chat_id}/members")).json["items"]
    assert {row["user_id"]: row["read_seq"] for row in own}[bob.id] == 1


async def test_members_come_in_pages(world: Any) -> None:
    ada, *others = await people(world, "Ada", "B", "C", "D", "E", "F")
    chat_id = await group(ada, *others, kind="channel")
    seen: list[str] = []
    cursor = ""
    while True:
        page = (await ada("GET", f"{API}/chats/{chat_id}/members?limit=2{cursor}")).json
        seen += [row["user_id"] for row in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == sorted(account.id for account in (ada, *others))


async def test_a_list_of_many_chats_takes_few_reads(world: Any) -> None:
    ada, *others = await people(world, "Ada", *"BCDEFGHIJ")
    for other in others:
        await ada("POST", f"{API}/chats", {"type": "direct", "user_id": other.id})
    reads: list[str] = []

    async def hook(step: str) -> None:
        if step.endswith(":before"):
            reads.append(step)

    world.record.faults.hook = hook
    assert len((await ada("GET", f"{API}/chats")).json["items"]) == len(others)
    assert len(reads) <= 8, reads
