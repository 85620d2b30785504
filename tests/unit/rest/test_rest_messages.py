"""Messages, over REST."""

from __future__ import annotations

from typing import Any

import pytest
import trio

API = "/api/v1"


@pytest.fixture
async def crew(world: Any) -> tuple[Any, Any, str]:
    ada, bob = await world.account("Ada"), await world.account("Bob")
    body = {"type": "group", "title": "Crew", "member_ids": [bob.id]}
    return ada, bob, f"{API}/chats/{(await ada('POST', f'{API}/chats', body)).json['id']}"


def text(client_id: str, words: str = "hello") -> dict[str, Any]:
    return {"client_id": client_id, "type": "text", "content": {"text": words}}


async def test_a_message_is_numbered_and_sent_once(crew: Any) -> None:
    ada, bob, chat = crew
    first = await ada("POST", f"{chat}/messages", text("c1"))
    assert first.status == 201
    assert first.json == {
        "id": first.json["id"],
        "chat_id": chat.rsplit("/", 1)[1],
        "seq": 1,
        "rev": 1,
        "sender_id": ada.id,
        "client_id": "c1",
        "type": "text",
        "content": {"text": "hello"},
        "media_id": None,
        "reply_to": None,
        "created_at": "2026-01-01T00:00:00.000Z",
        "edited_at": None,
        "deleted": False,
    }
    again = await ada("POST", f"{chat}/messages", text("c1", "something else"))
    assert (again.status, again.json) == (200, first.json)
    other = await bob("POST", f"{chat}/messages", text("c1"))
    assert (other.status, other.json["seq"]) == (201, 2)


async def test_a_location_is_a_message_too(crew: Any) -> None:
    ada, _, chat = crew
    body = {"client_id": "c", "type": "location", "content": {"lat": 52.5, "lng": 13.4, "colour": "red"}}
    reply = await ada("POST", f"{chat}/messages", body)
    assert (reply.status, reply.json["content"]) == (201, {"lat": 52.5, "lng": 13.4})


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"client_id": ""}, "client_id"),
        ({"client_id": "a b"}, "client_id"),
        ({"client_id": "x" * 65}, "client_id"),
        ({"client_id": "\u0000"}, "client_id"),
        ({"client_id": 7}, "client_id"),
        ({"type": "system"}, "type"),
        ({"type": "song"}, "type"),
        ({"content": None}, "content"),
        ({"content": {}}, "content.text"),
        ({"content": {"text": ""}}, "content.text"),
        ({"content": {"text": "x" * 8193}}, "content.text"),
        ({"content": {"text": "a\u0000b"}}, "content.text"),
        ({"content": {"text": {"deep": 1}}}, "content.text"),
        ({"type": "location", "content": {"lat": 91, "lng": 0}}, "content.lat"),
        ({"type": "location", "content": {"lat": 10**400, "lng": 0}}, "content.lat"),
        ({"type": "location", "content": {"lat": True, "lng": 0}}, "content.lat"),
        ({"type": "image", "content": {"width": 1, "height": 1}}, "media_id"),
        ({"media_id": "m"}, "media_id"),
        ({"reply_to": 0}, "reply_to"),
        ({"reply_to": 2**63}, "reply_to"),
        ({"reply_to": 1.5}, "reply_to"),
        ({"forwarded": False}, "forwarded"),
        ({"forwarded": None}, "forwarded"),
        ({"forwarded": "true"}, "forwarded"),
        ({"forwarded": 1}, "forwarded"),
        (
            {
                "forwarded": True,
                "type": "location",
                "content": {"lat": 1, "lng": 2, "live_until": "2026-01-01T01:00:00Z"},
            },
            "forwarded",
        ),
    ],
)
async def test_bad_messages_are_refused_and_the_field_named(crew: Any, change: Any, field: str) -> None:
    ada, _, chat = crew
    reply = await ada("POST", f"{chat}/messages", {**text("c"), **change})
    assert (reply.status, reply.json["code"]) == (422, "invalid"), reply.raw
    assert reply.json["errors"][0]["field"].removesuffix("[...]") == field, reply.raw
    assert (await ada("GET", f"{chat}/messages")).json["items"] == []


async def test_editing_and_deleting(crew: Any) -> None:
    ada, bob, chat = crew
    await ada("POST", f"{chat}/messages", text("c1"))
    await bob("POST", f"{chat}/messages", text("c2"))
    assert (await bob("PATCH", f"{chat}/messages/1", {"content": {"text": "x"}})).status == 403
    edited = await ada("PATCH", f"{chat}/messages/1", {"content": {"text": "better"}})
    assert (edited.status, edited.json["content"], edited.json["seq"], edited.json["rev"]) == (
        200,
        {"text": "better"},
        1,
        3,
    )
    assert edited.json["edited_at"] is not None
    assert (await ada("PATCH", f"{chat}/messages/1", {"content": {"text": ""}})).status == 422
    assert (await bob("DELETE", f"{chat}/messages/1")).status == 403
    deleted = await ada("DELETE", f"{chat}/messages/2")
    assert (deleted.status, deleted.json["deleted"], deleted.json["content"]) == (200, True, {})
    again = await ada("DELETE", f"{chat}/messages/2")
    assert (again.status, again.json) == (200, deleted.json)
    for method, body in (("DELETE", None), ("PATCH", {"content": {"text": "x"}})):
        for seq in ("2", "3", "0", "-1", "one", "1.5", "9" * 30, str(2**53), str(2**53 + 1), "%00"):
            if (method, seq) == ("DELETE", "2"):
                continue  # it stays deleted
            options = {} if body is None else {"json": body}
            reply = await ada(method, f"{chat}/messages/{seq}", **options)
            assert (reply.status, reply.json["code"]) == (404, "not_found"), (method, seq, reply.raw)


async def test_what_is_forwarded_says_so_wherever_it_is_read_and_is_not_edited(crew: Any) -> None:
    ada, bob, chat = crew
    here = await bob.connect()
    assert (await here("me", "phx_join"))["status"] == "ok"
    sent = await ada("POST", f"{chat}/messages", {**text("c1"), "forwarded": True})
    assert (sent.status, sent.json["forwarded"]) == (201, True)
    plain = (await ada("POST", f"{chat}/messages", text("c2"))).json
    assert "forwarded" not in plain
    # A repeat is answered as the first was, whatever it says now.
    assert (await ada("POST", f"{chat}/messages", text("c1"))).json == sent.json
    both = [sent.json, plain]
    assert (await bob("GET", f"{chat}/messages")).json["items"] == both
    assert (await bob("GET", f"{chat}/messages?after_rev=0")).json["items"] == both
    told = [frame[4]["message"] for frame in here.frames if frame[3] == "MESSAGE_SENT"]
    assert told == both
    joined = await (await bob.connect())("me", "phx_join", {"known": {chat.rsplit("/", 1)[1]: 0}})
    assert joined["response"]["messages"] == both
    refused = await ada("PATCH", f"{chat}/messages/1", {"content": {"text": "better"}})
    assert (refused.status, refused.json["code"]) == (403, "forbidden")
    assert refused.json["detail"] == "an owner may not edit forwarded messages in this group"
    assert (await ada("DELETE", f"{chat}/messages/1")).json["deleted"] is True


async def test_of_those_who_delete_a_message_at_once_each_is_told_that_it_is_deleted(crew: Any) -> None:
    ada, bob, chat = crew
    await ada("POST", f"{chat}/messages", text("c1"))
    replies: list[Any] = []

    async def delete() -> None:
        replies.append(await ada("DELETE", f"{chat}/messages/1"))

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(delete)
    assert [(reply.status, reply.json["deleted"]) for reply in replies] == [(200, True)] * 3
    assert len({reply.json["rev"] for reply in replies}) == 1
    assert (await bob("GET", f"{chat}/messages")).json["items"] == [replies[0].json]


async def test_one_can_only_reply_to_a_message_that_is_there(crew: Any) -> None:
    ada, bob, chat = crew
    for seq in (1, 2, 2**53):
        reply = await ada("POST", f"{chat}/messages", {**text("c1"), "reply_to": seq})
        assert (reply.status, reply.json["errors"][0]["field"]) == (422, "reply_to"), seq
    assert (await ada("POST", f"{chat}/messages", text("c1"))).json["seq"] == 1
    assert (await bob("POST", f"{chat}/messages", {**text("c2"), "reply_to": 2})).status == 422
    assert (await bob("POST", f"{chat}/messages", {**text("c2"), "reply_to": 1})).json["reply_to"] == 1
    # Also to one that is deleted: it keeps its place.
    await ada("DELETE", f"{chat}/messages/1")
    assert (await bob("POST", f"{chat}/messages", {**text("c3"), "reply_to": 1})).status == 201


async def test_whoever_may_not_send_any_more_is_told_what_became_of_what_they_had_sent(world: Any) -> None:
    ada, bob = await world.account("Ada"), await world.account("Bob")
    body = {"type": "channel", "title": "News", "member_ids": [bob.id]}
    chat = f"{API}/chats/{(await ada('POST', f'{API}/chats', body)).json['id']}"
    await ada("PUT", f"{chat}/members/{bob.id}", {"role": "admin"})
    sent = await bob("POST", f"{chat}/messages", text("c1"))
    assert sent.status == 201
    await ada("PUT", f"{chat}/members/{bob.id}", {"role": "member"})
    again = await bob("POST", f"{chat}/messages", text("c1"))
    assert (again.status, again.json) == (200, sent.json)
    refused = await bob("POST", f"{chat}/messages", text("c2"))
    assert (refused.status, refused.json["code"]) == (403, "forbidden")
    world.record.faults.down = True
    assert (await bob("POST", f"{chat}/messages", text("c1"))).status == 503
    world.record.faults.down = False
    assert (await bob("POST", f"{chat}/messages", text("c1"))).status == 200
    await ada("DELETE", f"{chat}/members/{bob.id}")
    assert (await bob("POST", f"{chat}/messages", text("c1"))).status == 404


async def test_history_in_both_directions(crew: Any) -> None:
    ada, _, chat = crew
    for n in range(1, 8):
        await ada("POST", f"{chat}/messages", text(f"c{n}"))

    async def seqs(query: str) -> tuple[list[int], str | None]:
        reply = await ada("GET", f"{chat}/messages?{query}")
        assert reply.status == 200, reply.raw
        return [m["seq"] for m in reply.json["items"]], reply.json["next"]

    newest, older = await seqs("limit=3")
    assert newest == [5, 6, 7]
    middle, older = await seqs(f"limit=3&cursor={older}")
    assert middle == [2, 3, 4]
    assert await seqs(f"limit=3&cursor={older}") == ([1], None)
    assert (await seqs("before_seq=3"))[0] == [1, 2]
    after, newer = await seqs("after_seq=2&limit=3")
    assert after == [3, 4, 5]
    assert await seqs(f"limit=3&cursor={newer}") == ([6, 7], None)
    assert await seqs("after_seq=7") == ([], None)
    assert await seqs("before_seq=1") == ([], None)
    assert await seqs(f"after_seq={2**53}") == ([], None)


async def test_messages_of_some_types_are_read_from_the_newest_on_without_the_others_and_those_deleted(
    crew: Any,
) -> None:
    ada, bob, chat = crew
    for n in range(1, 13):  # 1 a picture, 2 a place, 3 a document, 4 a text and so on
        kind = ("text", "image", "location", "document")[n % 4]
        message = {"client_id": f"c{n}", "type": kind, "content": {"text": "x"}}
        if kind == "image":
            message |= {"media_id": await ada.upload(), "content": {"width": 1, "height": 1}}
        elif kind == "location":
            message |= {"content": {"lat": 1, "lng": 2}}
        elif kind == "document":
            document = {"kind": "document", "content_type": "text/plain", "filename": "a.txt"}
            message |= {"media_id": await ada.upload(**document), "content": {"filename": "a.txt", "size": 7}}
        assert (await ada("POST", f"{chat}/messages", message)).status == 201
    await ada("DELETE", f"{chat}/messages/5")

    async def seqs(query: str) -> tuple[list[int], str | None]:
        reply = await bob("GET", f"{chat}/messages?{query}")
        assert reply.status == 200, reply.raw
        return [m["seq"] for m in reply.json["items"]], reply.json["next"]

    assert await seqs("type=image") == ([1, 9], None)
    assert await seqs("type=location&type=image&type=image") == ([1, 2, 6, 9, 10], None)
    assert await seqs("type=document&before_seq=11") == ([3, 7], None)
    assert await seqs("type=video") == ([], None)
    newest, older = await seqs("type=image&type=document&limit=2")
    assert newest == [9, 11]
    middle, older = await seqs(f"cursor={older}&limit=2")
    assert middle == [3, 7]
    assert await seqs(f"cursor={older}&limit=2") == ([1], None)
    assert (await ada("GET", f"{API}/chats/nowhere/messages?type=image")).status == 404


async def test_what_changed_since_a_rev(crew: Any, world: Any) -> None:
    ada, bob, chat = crew
    for n in range(1, 4):
        await ada("POST", f"{chat}/messages", text(f"c{n}"))
    await ada("PATCH", f"{chat}/messages/1", {"content": {"text": "better"}})
    await ada("PATCH", chat, {"title": "Renamed"})
    await ada("DELETE", f"{chat}/messages/2")
    page = (await ada("GET", f"{chat}/messages?after_rev=3")).json
    assert [(m["seq"], m["rev"], m["deleted"]) for m in page["items"]] == [(1, 4, False), (2, 6, True)]
    assert (page["next"], page["rev"]) == (None, 6)
    seen: list[int] = []
    cursor = "after_rev=0"
    revs = []
    while True:
        page = (await bob("GET", f"{chat}/messages?limit=1&{cursor}")).json
        seen += [m["seq"] for m in page["items"]]
        revs.append(page["rev"])
        if page["next"] is None:
            break
        cursor = f"cursor={page['next']}"
    assert seen == [3, 1, 2]
    assert revs == [3, 4, 5, 6]
    assert (await ada("GET", f"{chat}/messages?after_rev=6")).json == {"items": [], "next": None, "rev": 6}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("before_seq=0", "before_seq"),
        ("before_seq=x", "before_seq"),
        ("after_seq=-1", "after_seq"),
        ("after_rev=9007199254740993", "after_rev"),
        ("limit=201", "limit"),
        ("cursor=AAAA", "cursor"),
        ("cursor=k6ZiZWZvcmUB", "cursor"),
        ("before_seq=1&after_seq=1", "before_seq"),
        ("type=text", "type[0]"),
        ("type=image&type=text", "type[1]"),
        ("type=", "type[0]"),
        ("&".join(["type=image"] * 6), "type"),
        ("type=image&after_rev=0", "after_rev"),
        ("type=image&after_seq=0", "after_seq"),
        ("cursor=k6ZiZWZvcmUBkaR0ZXh0", "cursor"),
    ],
)
async def test_absurd_places_are_refused(crew: Any, query: str, field: str) -> None:
    ada, _, chat = crew
    reply = await ada("GET", f"{chat}/messages?{query}")
    assert (reply.status, reply.json["errors"][0]["field"]) == (422, field), reply.raw


async def test_reading_moves_the_cursor_up_only(crew: Any) -> None:
    ada, bob, chat = crew
    for n in range(1, 5):
        await ada("POST", f"{chat}/messages", text(f"c{n}"))
    assert (await bob("GET", chat)).json["unread"] == 4
    for seq, unread in ((2, 2), (1, 2), (4, 0)):
        assert (await bob("PUT", f"{chat}/read", {"seq": seq})).status == 204
        assert (await bob("GET", chat)).json["unread"] == unread
    assert (await bob("PUT", f"{chat}/read", {"seq": 5})).status == 404
    for bad in (0, -1, "1", 2**64, None, 1.5):
        assert (await bob("PUT", f"{chat}/read", {"seq": bad})).status == 422


async def test_members_of_a_channel_read_and_do_not_post(world: Any) -> None:
    ada, bob = await world.account("Ada"), await world.account("Bob")
    body = {"type": "channel", "title": "News", "member_ids": [bob.id]}
    chat = f"{API}/chats/{(await ada('POST', f'{API}/chats', body)).json['id']}"
    assert (await ada("POST", f"{chat}/messages", text("c1"))).status == 201
    assert (await bob("POST", f"{chat}/messages", text("c1"))).status == 403
    assert len((await bob("GET", f"{chat}/messages")).json["items"]) == 1


async def test_a_device_sends_no_faster_than_over_a_socket(open_world: Any) -> None:
    async with open_world(sends_per_second=2, sends_burst=3) as world:
        ada = await world.account()
        chat = (await ada("POST", f"{API}/chats", {"type": "group", "title": "x"})).json["id"]
        path = f"{API}/chats/{chat}/messages"
        statuses = [(await ada("POST", path, text(f"c{n}"))).status for n in range(5)]
        assert statuses == [201, 201, 201, 429, 429]
        refused = await ada("POST", path, text("c3"))
        assert int(refused.headers["Retry-After"]) >= 1
        await trio.sleep(1)
        assert (await ada("POST", path, text("c3"))).status == 201


async def test_while_the_record_is_away_a_send_is_held_then_queued_and_written_when_it_is_back(
    crew: Any, world: Any
) -> None:
    ada, bob, chat = crew
    await ada("POST", f"{chat}/messages", text("c1"))
    world.record.faults.down = True
    for _ in range(2):
        queued = await ada("POST", f"{chat}/messages", {**text("c2"), "forwarded": True})
        assert (queued.status, queued.json) == (202, {"queued": True})
    world.record.faults.down = False
    await trio.sleep(3)
    repeated = await ada("POST", f"{chat}/messages", text("c2"))
    assert (repeated.status, repeated.json["seq"], repeated.json["forwarded"]) == (200, 2, True)
    assert len((await bob("GET", f"{chat}/messages")).json["items"]) == 2
    assert (await ada("POST", f"{chat}/messages", text("c3"))).status == 201


async def test_while_the_record_and_redis_are_away_a_send_is_held_then_refused_and_can_be_repeated(
    crew: Any, world: Any
) -> None:
    ada, _, chat = crew
    await ada("POST", f"{chat}/messages", text("c1"))
    world.record.faults.down = world.broker.faults.down = True
    refused = await ada("POST", f"{chat}/messages", text("c2"))
    assert (refused.status, refused.json["code"]) == (503, "unavailable")
    world.record.faults.down = world.broker.faults.down = False
    assert (await ada("POST", f"{chat}/messages", text("c2"))).json["seq"] == 2
