"""Files over REST: who may upload what, who gets to see it, and when it is gone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import trio

API = "/api/v1"
PICTURE = b"picture"
IMAGE = {"type": "image", "content": {"width": 1, "height": 2}}


ORPHAN_S = 3_600
"""Instead of a day, in which nodes look for what to remove every few seconds."""


@pytest.fixture
async def quick(open_world: Any) -> AsyncIterator[Any]:
    """A node to which an hour is long."""
    async with open_world(media={"orphan_s": ORPHAN_S}) as it:
        yield it


async def chat_of(*people: Any) -> str:
    body = {"type": "group", "title": "Crew", "member_ids": [who.id for who in people[1:]]}
    return str((await people[0]("POST", f"{API}/chats", body)).json["id"])


async def show(who: Any, chat_id: str, media_id: str, client_id: str = "c1", **fields: Any) -> Any:
    body = {"client_id": client_id, "media_id": media_id, **IMAGE, **fields}
    return await who("POST", f"{API}/chats/{chat_id}/messages", body)


async def get(who: Any, media_id: str) -> Any:
    return await who("GET", f"{API}/media/{media_id}")


def fetch(world: Any, reply: Any) -> Any:
    assert reply.status == 200, reply.raw
    return world.record.bucket.download(reply.json["url"])


async def later(seconds: int, *people: Any) -> None:
    """So much time goes by; people stay signed in."""
    while seconds > 0:
        await trio.sleep(min(seconds, 800))
        seconds -= 800
        for who in people:
            body = {"refresh_token": who.session["refresh_token"]}
            who.session = (await who.world.request("POST", f"{API}/auth/refresh", body)).json
            who.token = who.session["access_token"]


# -- uploading ---------------------------------------------------------------------------------------------------


async def test_an_upload_is_told_where_and_with_which_headers(world: Any) -> None:
    ada = await world.account()
    body = {"kind": "image", "content_type": "Image/PNG; q=1", "size": 7, "filename": "a/b\\ünï\u202egnp.png"}
    reply = await ada("POST", f"{API}/media/uploads", body)
    assert reply.status == 201
    upload = reply.json["upload"]
    assert set(upload) == {"method", "url", "headers", "expires_at"}
    assert (upload["method"], upload["headers"]) == ("PUT", {"Content-Type": "image/png"})
    assert upload["expires_at"] == "2026-01-01T00:15:00.000Z"
    assert world.record.bucket.upload(upload["url"], upload["headers"], PICTURE).status == 200
    view = (await get(ada, reply.json["media_id"])).json
    assert view["filename"] == "ünïgnp.png"
    assert view["content_type"] == "image/png"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "video"}, "content_type"),
        ({"kind": "nothing"}, "kind"),
        ({"kind": None}, "kind"),
        ({"content_type": "image/svg+xml"}, "content_type"),
        ({"content_type": "text/html"}, "content_type"),
        ({"content_type": "image/png\r\nX: y"}, "content_type"),
        ({"content_type": "png"}, "content_type"),
        ({"content_type": ""}, "content_type"),
        ({"content_type": "image/" + "x" * 300}, "content_type"),
        ({"kind": "document", "content_type": "*/*"}, "content_type"),
        ({"size": 0}, "size"),
        ({"size": -1}, "size"),
        ({"size": 1.5}, "size"),
        ({"size": "7"}, "size"),
        ({"size": 20 * 2**20 + 1}, "size"),
        ({"size": 2**63}, "size"),
        ({"filename": 7}, "filename"),
        ({"filename": "x" * 256}, "filename"),
    ],
)
async def test_what_cannot_be_uploaded(world: Any, changes: dict[str, Any], field: str) -> None:
    ada = await world.account()
    body = {"kind": "image", "content_type": "image/png", "size": 7, **changes}
    reply = await ada("POST", f"{API}/media/uploads", body)
    assert (reply.status, reply.json["code"]) == (422, "invalid")
    assert [error["field"] for error in reply.json["errors"]] == [field]
    assert not world.record.media


async def test_so_many_uploads_may_be_begun_and_not_used(open_world: Any) -> None:
    async with open_world(media={"max_unused": 3}) as world:
        ada, bob = await world.account("Ada"), await world.account("Bob")
        chat_id = await chat_of(ada, bob)
        first, _, _ = [await ada.upload() for _ in range(3)]
        body = {"kind": "image", "content_type": "image/png", "size": 7}
        refused = await ada("POST", f"{API}/media/uploads", body)
        assert (refused.status, refused.json["code"]) == (429, "rate_limited")
        assert int(refused.headers["Retry-After"]) >= 1
        assert (await bob("POST", f"{API}/media/uploads", body)).status == 201
        assert (await show(ada, chat_id, first)).status == 201
        assert (await ada("POST", f"{API}/media/uploads", body)).status == 201


# -- using -------------------------------------------------------------------------------------------------------


async def test_members_see_it_and_nobody_else(world: Any) -> None:
    ada, bob, eve = [await world.account(name) for name in ("Ada", "Bob", "Eve")]
    chat_id, media_id = await chat_of(ada, bob), await ada.upload(filename="a.png")
    assert fetch(world, await get(ada, media_id)).body == PICTURE
    assert (await get(bob, media_id)).status == 404
    assert (await show(ada, chat_id, media_id)).status == 201
    for who in (ada, bob):
        reply = await get(who, media_id)
        file = fetch(world, reply)
        assert (file.status, file.body) == (200, PICTURE)
        assert file.headers["Content-Type"] == "image/png"
        assert file.headers["Content-Disposition"] == "inline; filename=\"a.png\"; filename*=UTF-8''a.png"
        assert reply.json["expires_at"] == "2026-01-01T00:05:00.000Z"
        assert (reply.json["id"], reply.json["media_id"]) == (media_id, media_id)
        assert (reply.json["size"], reply.json["kind"]) == (7, "image")
    for who, asked in ((eve, media_id), (ada, "none"), (ada, "x" * 300), (ada, "%00")):
        hidden = await get(who, asked)
        assert (hidden.status, hidden.json["code"]) == (404, "not_found")
    await ada("DELETE", f"{API}/chats/{chat_id}/members/{bob.id}")
    assert (await get(bob, media_id)).status == 404


async def test_a_url_is_good_for_minutes(world: Any) -> None:
    ada = await world.account()
    media_id = await ada.upload()
    reply = await get(ada, media_id)
    await trio.sleep(299)
    assert fetch(world, reply).status == 200
    await trio.sleep(2)
    assert fetch(world, reply).status == 403


async def test_after_a_deletion_it_is_refused_at_once_and_removed_soon(world: Any) -> None:
    ada, bob = await world.account("Ada"), await world.account("Bob")
    chat_id, media_id = await chat_of(ada, bob), await ada.upload()
    await show(ada, chat_id, media_id)
    before = await get(bob, media_id)
    assert (await ada("DELETE", f"{API}/chats/{chat_id}/messages/1")).status == 200
    for who in (ada, bob):
        assert (await get(who, media_id)).status == 404
    await trio.sleep(1)
    assert not world.record.bucket.objects
    assert fetch(world, before).status == 404
    await trio.sleep(3600)
    assert not world.record.media


async def test_a_file_that_another_message_shows_stays(quick: Any) -> None:
    world = quick
    ada, bob, eve = [await world.account(name) for name in ("Ada", "Bob", "Eve")]
    one, other = await chat_of(ada, bob), await chat_of(ada, eve)
    media_id = await ada.upload()
    await show(ada, one, media_id)
    await show(ada, other, media_id)
    await ada("DELETE", f"{API}/chats/{one}/messages/1")
    await later(3 * ORPHAN_S, ada, bob, eve)
    assert (await get(bob, media_id)).status == 404
    assert fetch(world, await get(eve, media_id)).body == PICTURE
    assert fetch(world, await get(ada, media_id)).body == PICTURE
    assert len(world.record.bucket.objects) == 1


async def test_only_what_is_really_there_and_ones_own_can_be_sent(world: Any) -> None:
    ada, bob = await world.account("Ada"), await world.account("Bob")
    chat_id = await chat_of(ada, bob)
    body = {"kind": "image", "content_type": "image/png", "size": 7}
    promised = (await ada("POST", f"{API}/media/uploads", body)).json["media_id"]
    foreign = await bob.upload()
    sound = await ada.upload(kind="audio", content_type="audio/ogg")
    truncated = await ada.upload()
    world.record.bucket.objects[f"uploads/{truncated}"] = ("image/png", b"pic")
    other = await ada.upload()
    world.record.bucket.objects[f"uploads/{other}"] = ("text/html", PICTURE)
    for media_id in (promised, foreign, sound, truncated, other, "made-up"):
        reply = await show(ada, chat_id, media_id)
        assert (reply.status, reply.json["code"]) == (422, "invalid")
        assert [error["field"] for error in reply.json["errors"]] == ["media_id"]
    audio = {"type": "audio", "content": {"duration_ms": 1}}
    assert (await show(ada, chat_id, sound, **audio)).status == 201
    socket = await ada.connect()
    await socket("me", "phx_join")
    answer = await socket(
        "me", "message:send", {"chat_id": chat_id, "client_id": "s", "media_id": foreign, **IMAGE}
    )
    assert (answer["status"], answer["response"]["code"]) == ("error", "invalid")
    mine = await ada.upload()
    answer = await socket(
        "me", "message:send", {"chat_id": chat_id, "client_id": "s", "media_id": mine, **IMAGE}
    )
    assert answer["response"]["message"]["media_id"] == mine


async def test_who_may_not_send_is_told_so_before_anything_of_the_file(world: Any) -> None:
    ada, bob = await world.account("Ada"), await world.account("Bob")
    chat_id = await chat_of(ada)
    refused = await show(bob, chat_id, await bob.upload())
    assert (refused.status, refused.json["code"]) == (404, "not_found")
    assert all(not media.uses for media in world.record.media.values())


async def test_an_upload_that_is_repeated_changes_nothing_for_others(world: Any) -> None:
    ada, bob = await world.account("Ada"), await world.account("Bob")
    chat_id = await chat_of(ada, bob)
    body = {"kind": "image", "content_type": "image/png", "size": 7}
    reply = (await ada("POST", f"{API}/media/uploads", body)).json
    target, media_id = reply["upload"], reply["media_id"]
    bucket = world.record.bucket
    assert bucket.upload(target["url"], target["headers"], PICTURE).status == 200
    await show(ada, chat_id, media_id)
    assert bucket.upload(target["url"], target["headers"], b"PICTURE").status == 200
    await show(ada, chat_id, media_id, "c2")
    assert fetch(world, await get(bob, media_id)).body == PICTURE
    await trio.sleep(3600)
    assert [content for _, content in bucket.objects.values()] == [PICTURE]
    assert bucket.upload(target["url"], target["headers"], b"PICTURE").status == 403


async def test_a_repeated_message_is_answered_as_at_first_whatever_became_of_its_file(world: Any) -> None:
    ada, bob = await world.account("Ada"), await world.account("Bob")
    chat_id, media_id = await chat_of(ada, bob), await ada.upload()
    first = await show(ada, chat_id, media_id)
    assert first.status == 201
    again = await show(ada, chat_id, media_id)
    assert (again.status, again.json) == (200, first.json)
    await ada("DELETE", f"{API}/chats/{chat_id}/messages/1")
    await later(3600, ada)
    assert not world.record.media
    gone = await show(ada, chat_id, media_id)
    assert (gone.status, gone.json["seq"], gone.json["deleted"]) == (200, 1, True)
    assert (await show(ada, chat_id, media_id, "c2")).status == 422


async def test_what_is_never_used_is_removed(quick: Any) -> None:
    world = quick
    ada = await world.account()
    media_id = await ada.upload()
    await later(ORPHAN_S - 400, ada)
    assert (await get(ada, media_id)).status == 200
    await later(1_000, ada)
    assert (await get(ada, media_id)).status == 404
    assert not world.record.bucket.objects
    assert not world.record.media


# -- profile pictures --------------------------------------------------------------------------------------------


async def test_a_profile_picture(world: Any) -> None:
    ada, bob = await world.account("Ada"), await world.account("Bob")
    first = await ada.upload(kind="avatar")
    assert (await get(bob, first)).status == 404
    reply = await ada("PATCH", f"{API}/users/me", {"avatar_media_id": first})
    assert (reply.status, reply.json["avatar_media_id"]) == (200, first)
    assert fetch(world, await get(bob, first)).body == PICTURE
    await trio.sleep(600)
    second = await ada.upload(b"another")
    assert (await ada("PATCH", f"{API}/users/me", {"avatar_media_id": second})).status == 200
    assert (await get(bob, first)).status == 404
    assert fetch(world, await get(bob, second)).body == b"another"
    await trio.sleep(5)
    assert b"another" in {content for _, content in world.record.bucket.objects.values()}
    assert PICTURE not in {content for _, content in world.record.bucket.objects.values()}
    assert (await ada("PATCH", f"{API}/users/me", {"name": "A"})).json["avatar_media_id"] == second
    assert (await ada("PATCH", f"{API}/users/me", {"avatar_media_id": None})).status == 200
    assert (await get(bob, second)).status == 404
    await trio.sleep(3600)
    assert not world.record.bucket.objects
    assert not world.record.media


async def test_what_cannot_be_a_profile_picture(world: Any) -> None:
    ada, bob = await world.account("Ada"), await world.account("Bob")
    document = await ada.upload(kind="document", content_type="application/pdf")
    for media_id in ("made-up", await bob.upload(kind="avatar"), document):
        reply = await ada("PATCH", f"{API}/users/me", {"avatar_media_id": media_id})
        assert reply.status == 422
        assert [error["field"] for error in reply.json["errors"]] == ["avatar_media_id"]
    assert (await ada("GET", f"{API}/users/me")).json["avatar_media_id"] is None


async def test_somebody_blocked_does_not_see_a_profile_picture(world: Any) -> None:
    ada, bob = await world.account("Ada"), await world.account("Bob")
    media_id = await ada.upload(kind="avatar")
    await ada("PATCH", f"{API}/users/me", {"avatar_media_id": media_id})
    await world.core.stores.blocks.put(block(ada.id, bob.id))
    assert (await get(bob, media_id)).status == 404
    await world.core.stores.blocks.remove(ada.id, bob.id)
    assert (await get(bob, media_id)).status == 200


def block(user_id: str, blocked_id: str) -> Any:
    from persistence.models import Block

    return Block(user_id=user_id, blocked_id=blocked_id, at=0)


# -- without the object store ------------------------------------------------------------------------------------


async def test_without_the_object_store_text_goes_on(world: Any, nothing_crashes: Any) -> None:
    ada, bob = await world.account("Ada"), await world.account("Bob")
    chat_id, media_id = await chat_of(ada, bob), await ada.upload()
    used = await ada.upload()
    assert (await show(ada, chat_id, used)).status == 201
    world.record.bucket.faults.down = True
    with nothing_crashes():
        for reply in (await show(ada, chat_id, media_id, "c2"), await get(ada, media_id)):
            assert (reply.status, reply.json["code"]) == (503, "unavailable")
            assert int(reply.headers["Retry-After"]) >= 1
        text = {"client_id": "t", "type": "text", "content": {"text": "x"}}
        assert (await ada("POST", f"{API}/chats/{chat_id}/messages", text)).status == 201
        assert (await ada("DELETE", f"{API}/chats/{chat_id}/messages/1")).status == 200
        await trio.sleep(60)
    assert len(world.record.bucket.objects) > 1
    world.record.bucket.faults.down = False
    await trio.sleep(120)
    assert (await show(ada, chat_id, media_id, "c2")).status == 201
    assert not [key for key in world.record.bucket.objects if used in key]
