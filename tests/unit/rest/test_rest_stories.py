"""Stories over REST: what is taken, who sees what in which order, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from handlers.stories.views import MAX_STORY_CHARS

API = "/api/v1"
TEXT = {"type": "text", "content": {"text": "hello"}}


class Friends:
    """Ada, whom Bob and Cat know, and Eve, whom nobody does."""

    def __init__(self, world: Any) -> None:
        self.world = world

    async def arrive(self) -> Friends:
        names = ("Ada", "Bob", "Cat", "Eve")
        self.ada, self.bob, self.cat, self.eve = [await self.world.account(name) for name in names]
        for other in (self.bob, self.cat):
            made = await other("POST", f"{API}/chats", {"type": "direct", "user_id": self.ada.id})
            assert made.status == 201
        return self


@pytest.fixture
async def friends(world: Any) -> Friends:
    return await Friends(world).arrive()


async def post(who: Any, body: Any = TEXT) -> str:
    reply = await who("POST", f"{API}/stories", body)
    assert reply.status == 201, reply.raw
    return str(reply.json["id"])


async def feed(who: Any) -> list[tuple[str, list[str], int]]:
    reply = await who("GET", f"{API}/stories")
    assert reply.status == 200
    assert reply.json["next"] is None
    return [
        (group["user_id"], [story["id"] for story in group["stories"]], group["unseen"])
        for group in reply.json["items"]
    ]


def refused(reply: Any) -> tuple[int, str, str]:
    errors = reply.json.get("errors") or [{"field": ""}]
    return reply.status, reply.json["code"], errors[0]["field"]


async def test_a_story_is_answered_as_its_owner_sees_it(friends: Friends) -> None:
    reply = await friends.ada("POST", f"{API}/stories", TEXT)
    assert reply.status == 201
    story = reply.json
    assert story == {
        "id": story["id"],
        "user_id": friends.ada.id,
        **TEXT,
        "media_id": None,
        "created_at": story["created_at"],
        "expires_at": story["expires_at"],
        "seen": True,
        "audience": "contacts",
    }
    assert (story["created_at"][:10], story["expires_at"][:10]) == ("2026-01-01", "2026-01-02")
    assert story["created_at"][10:] == story["expires_at"][10:]


async def test_others_do_not_see_for_whom_a_story_is(friends: Friends) -> None:
    chosen = {**TEXT, "audience": [friends.bob.id, friends.ada.id, friends.bob.id]}
    own = (await friends.ada("POST", f"{API}/stories", chosen)).json
    assert own["audience"] == [friends.bob.id]
    (group,) = (await friends.bob("GET", f"{API}/stories")).json["items"]
    assert (group["user_id"], group["name"], group["avatar_media_id"]) == (friends.ada.id, "Ada", None)
    (story,) = group["stories"]
    assert "audience" not in story
    assert story == {k: v for k, v in own.items() if k != "audience"} | {"seen": False}
    (mine,) = (await friends.ada("GET", f"{API}/stories")).json["items"]
    assert mine["stories"] == [own]


async def test_stories_come_by_person_unseen_first_then_newest(friends: Friends) -> None:
    ada, bob, cat = friends.ada, friends.bob, friends.cat
    first = await post(bob)
    await trio.sleep(1)
    own = await post(ada)
    await trio.sleep(1)
    of_cat = await post(cat)
    await trio.sleep(1)
    second = await post(bob)
    assert await feed(ada) == [(bob.id, [first, second], 2), (cat.id, [of_cat], 1), (ada.id, [own], 0)]
    for _ in range(2):
        assert (await ada("PUT", f"{API}/stories/{second}/view")).status == 204
    assert await feed(ada) == [(bob.id, [first, second], 1), (cat.id, [of_cat], 1), (ada.id, [own], 0)]
    await ada("PUT", f"{API}/stories/{first}/view")
    assert await feed(ada) == [(cat.id, [of_cat], 1), (bob.id, [first, second], 0), (ada.id, [own], 0)]
    assert await feed(bob) == [(ada.id, [own], 1), (bob.id, [first, second], 0)]
    assert await feed(friends.eve) == []


async def test_the_list_comes_in_pages(friends: Friends) -> None:
    for who in (friends.bob, friends.ada, friends.cat):
        await post(who)
        await trio.sleep(1)
    found: list[str] = []
    cursor = ""
    while True:
        page = (await friends.ada("GET", f"{API}/stories?limit=1{cursor}")).json
        found += [group["user_id"] for group in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert found == [friends.cat.id, friends.bob.id, friends.ada.id]
    assert refused(await friends.ada("GET", f"{API}/stories?cursor=x")) == (422, "invalid", "cursor")


async def test_the_owner_sees_who_has_seen_a_story_newest_first_in_pages(friends: Friends) -> None:
    story = await post(friends.ada)
    for who in (friends.bob, friends.cat):
        await who("PUT", f"{API}/stories/{story}/view")
        await trio.sleep(1)
    await friends.ada("PUT", f"{API}/stories/{story}/view")
    path = f"{API}/stories/{story}/views"
    page = (await friends.ada("GET", f"{path}?limit=1")).json
    assert [(v["user_id"], v["name"]) for v in page["items"]] == [(friends.cat.id, "Cat")]
    rest = (await friends.ada("GET", f"{path}?limit=1&cursor={page['next']}")).json
    assert [v["user_id"] for v in rest["items"]] == [friends.bob.id]
    assert rest["items"][0]["at"] < page["items"][0]["at"]
    assert rest["next"] is None
    assert refused(await friends.bob("GET", path)) == (403, "forbidden", "")
    assert refused(await friends.eve("GET", path)) == (404, "not_found", "")


async def test_what_one_may_not_see_is_not_there(friends: Friends) -> None:
    for_bob = await post(friends.ada, {**TEXT, "audience": [friends.bob.id, friends.eve.id]})
    for who in (friends.cat, friends.eve):
        for method, path in (("DELETE", ""), ("PUT", "/view"), ("GET", "/views")):
            reply = await who(method, f"{API}/stories/{for_bob}{path}")
            assert refused(reply) == (404, "not_found", ""), path
            assert (await who(method, f"{API}/stories/none{path}")).json["detail"] == reply.json["detail"]
    assert refused(await friends.bob("DELETE", f"{API}/stories/{for_bob}")) == (403, "forbidden", "")


async def test_a_deleted_story_is_gone(friends: Friends) -> None:
    story = await post(friends.ada)
    assert (await friends.ada("DELETE", f"{API}/stories/{story}")).status == 204
    assert refused(await friends.ada("DELETE", f"{API}/stories/{story}")) == (404, "not_found", "")
    assert await feed(friends.ada) == await feed(friends.bob) == []


async def test_a_story_is_gone_when_its_time_is_over_to_the_millisecond(open_world: Any) -> None:
    async with open_world(story_ttl_s=300) as world:
        friends = await Friends(world).arrive()
        began = trio.current_time()
        story = await post(friends.ada)
        await trio.sleep_until(began + 300 - 0.001)
        assert [group[1] for group in await feed(friends.bob)] == [[story]]
        await trio.sleep_until(began + 300)
        assert await feed(friends.bob) == await feed(friends.ada) == []
        reply = await friends.bob("PUT", f"{API}/stories/{story}/view")
        assert refused(reply) == (404, "not_found", "")


async def test_a_client_id_gives_the_first_answer_again(friends: Friends) -> None:
    body = {**TEXT, "client_id": "c1"}
    first = await friends.ada("POST", f"{API}/stories", body)
    again = await friends.ada("POST", f"{API}/stories", {**body, "content": {"text": "other"}})
    assert (first.status, again.status) == (201, 200)
    assert again.json == first.json
    assert (await friends.bob("POST", f"{API}/stories", body)).status == 201
    await friends.ada("DELETE", f"{API}/stories/{first.json['id']}")
    assert refused(await friends.ada("POST", f"{API}/stories", body)) == (409, "conflict", "")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "type"),
        ({"type": "text"}, "content"),
        ({"type": "audio", "content": {}}, "type"),
        ({"type": "system", "content": {}}, "type"),
        ({"type": "location", "content": {"lat": 1, "lng": 1}}, "type"),
        ({"type": "text", "content": {}}, "content.text"),
        ({"type": "text", "content": {"text": " "}}, "content.text"),
        ({"type": "text", "content": {"text": "a\0b"}}, "content.text"),
        ({"type": "text", "content": {"text": "x" * (MAX_STORY_CHARS + 1)}}, "content.text"),
        ({"type": "text", "content": {"text": "x" * 9000}}, "content.text"),
        ({**TEXT, "media_id": "m"}, "media_id"),
        ({**TEXT, "audience": "everyone"}, "audience"),
        ({**TEXT, "audience": []}, "audience"),
        ({**TEXT, "audience": None}, "audience"),
        ({**TEXT, "audience": ["nobody"]}, "audience[0]"),
        ({**TEXT, "audience": [""]}, "audience[0]"),
        ({**TEXT, "audience": [7]}, "audience[0]"),
        ({**TEXT, "audience": ["x"] * 1001}, "audience"),
        ({**TEXT, "client_id": ""}, "client_id"),
        ({**TEXT, "client_id": "a b"}, "client_id"),
        ({"type": "image", "content": {"width": 1, "height": 1}}, "media_id"),
        ({"type": "image", "media_id": "m", "content": {"width": 1, "height": 1}}, "media_id"),
        ({"type": "image", "media_id": "m", "content": {"width": 0, "height": 1}}, "content.width"),
        ({"type": "video", "media_id": "m", "content": {"width": 1}}, "content.height"),
    ],
)
async def test_bad_stories_are_refused_with_the_field(friends: Friends, body: Any, field: str) -> None:
    assert refused(await friends.ada("POST", f"{API}/stories", body)) == (422, "invalid", field)
    assert friends.world.record.stories == {}


async def test_a_story_for_oneself_alone_is_refused(friends: Friends) -> None:
    reply = await friends.ada("POST", f"{API}/stories", {**TEXT, "audience": [friends.ada.id]})
    assert refused(reply) == (422, "invalid", "audience")


async def test_there_is_a_limit_to_how_many_one_can_have(friends: Friends) -> None:
    stories = [await post(friends.ada) for _ in range(100)]
    assert refused(await friends.ada("POST", f"{API}/stories", TEXT)) == (409, "conflict", "")
    await friends.ada("DELETE", f"{API}/stories/{stories[0]}")
    await post(friends.ada)
    await post(friends.bob)


async def test_a_deleted_account_shows_nothing_any_more(friends: Friends) -> None:
    stories = [await post(friends.ada) for _ in range(2)]
    bob = friends.world.listen(friends.bob)
    body = {"password": "correct horse"}
    assert (await friends.ada("DELETE", f"{API}/users/me", body)).status == 204
    await trio.sleep(30)
    assert await feed(friends.bob) == []
    for story in stories:
        assert refused(await friends.bob("PUT", f"{API}/stories/{story}/view")) == (404, "not_found", "")
        kept = friends.world.record.stories[story]
        assert (kept.story.content, kept.next) == ({}, None)
    ended = [event for event in bob.events if b"STORY_EXPIRED" in getattr(event, "text", b"")]
    assert len(ended) == 2


# -- files -------------------------------------------------------------------------------------------------------

PICTURE = {"type": "image", "content": {"width": 4, "height": 3, "caption": "look"}}


async def fetch(who: Any, media_id: str) -> Any:
    """Ask for a file; the URL's own answer, or the refusal."""
    reply = await who("GET", f"{API}/media/{media_id}")
    return reply if reply.status != 200 else who.world.record.bucket.download(reply.json["url"])


async def test_whoever_sees_a_story_may_have_its_file_and_nobody_else(friends: Friends) -> None:
    media_id = await friends.ada.upload()
    reply = await friends.bob("GET", f"{API}/media/{media_id}")
    assert reply.status == 404
    body = {**PICTURE, "media_id": media_id, "audience": [friends.bob.id, friends.eve.id]}
    story = (await friends.ada("POST", f"{API}/stories", body)).json
    assert (story["type"], story["media_id"], story["content"]) == ("image", media_id, PICTURE["content"])
    for who in (friends.ada, friends.bob):
        assert (await fetch(who, media_id)).status == 200
    for who in (friends.cat, friends.eve):
        assert (await fetch(who, media_id)).status == 404
    await friends.ada("PUT", f"{API}/users/{friends.bob.id}/block")
    assert (await fetch(friends.bob, media_id)).status == 404


async def test_the_file_is_out_of_reach_from_the_moment_the_story_ends(open_world: Any) -> None:
    async with open_world(story_ttl_s=120) as world:
        friends = await Friends(world).arrive()
        media_id = await friends.ada.upload()
        began = trio.current_time()
        await post(friends.ada, {**PICTURE, "media_id": media_id})
        await trio.sleep_until(began + 100)
        reply = await friends.bob("GET", f"{API}/media/{media_id}")
        assert reply.status == 200
        assert reply.json["expires_at"] == "2026-01-01T00:02:00.000Z"
        assert world.record.bucket.download(reply.json["url"]).status == 200
        await trio.sleep_until(began + 120)
        assert world.record.bucket.download(reply.json["url"]).status == 403
        for who in (friends.bob, friends.ada):
            assert (await fetch(who, media_id)).status == 404


async def test_a_deleted_story_leaves_no_file(friends: Friends) -> None:
    media_id = await friends.ada.upload()
    story = await post(friends.ada, {**PICTURE, "media_id": media_id})
    assert (await fetch(friends.bob, media_id)).status == 200
    await friends.ada("DELETE", f"{API}/stories/{story}")
    for who in (friends.bob, friends.ada):
        assert (await fetch(who, media_id)).status == 404
    await trio.sleep(60)
    assert friends.world.record.bucket.objects == {}


async def test_a_file_shown_elsewhere_stays_when_the_story_is_deleted(friends: Friends) -> None:
    media_id = await friends.ada.upload()
    chat = (await friends.ada("POST", f"{API}/chats", {"type": "direct", "user_id": friends.bob.id})).json[
        "id"
    ]
    message = {"client_id": "c", "media_id": media_id, "type": "image", "content": {"width": 1, "height": 1}}
    assert (await friends.ada("POST", f"{API}/chats/{chat}/messages", message)).status == 201
    story = await post(friends.ada, {**PICTURE, "media_id": media_id})
    assert (await fetch(friends.cat, media_id)).status == 200
    await friends.ada("DELETE", f"{API}/stories/{story}")
    await trio.sleep(60)
    assert (await fetch(friends.cat, media_id)).status == 404
    assert (await fetch(friends.bob, media_id)).status == 200


async def test_only_an_uploaded_file_of_ones_own_and_of_the_kind_makes_a_story(friends: Friends) -> None:
    mine, theirs = await friends.ada.upload(), await friends.bob.upload()
    wanted = {"kind": "image", "content_type": "image/png", "size": 3}
    begun = (await friends.ada("POST", f"{API}/media/uploads", wanted)).json["media_id"]
    film = {"type": "video", "content": {"width": 4, "height": 3}}
    for body in (
        {**PICTURE, "media_id": theirs},
        {**PICTURE, "media_id": begun},
        {**PICTURE, "media_id": "none"},
        {**film, "media_id": mine},
    ):
        assert refused(await friends.ada("POST", f"{API}/stories", body)) == (422, "invalid", "media_id")
    assert friends.world.record.stories == {}


async def test_a_repeated_story_with_a_file_gives_the_first_answer(friends: Friends) -> None:
    body = {**PICTURE, "media_id": await friends.ada.upload(), "client_id": "c"}
    first = await friends.ada("POST", f"{API}/stories", body)
    again = await friends.ada("POST", f"{API}/stories", body)
    assert (first.status, again.status, again.json) == (201, 200, first.json)
    await friends.ada("DELETE", f"{API}/stories/{first.json['id']}")
    await trio.sleep(1200)
    assert friends.world.record.bucket.objects == {}
