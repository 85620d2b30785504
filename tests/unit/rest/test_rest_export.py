"""Everything of a person in one archive, over REST."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import msgspec
import trio

from handlers.accounts.exports import EVERY_MS, URL_TTL_S
from handlers.workers.account_tasks import POLL_S
from persistence.models import AccountTask

API = "/api/v1"
PATH = f"{API}/users/me/export"
KEPT_MS = 900_000
MOST_TRIES = 4


def text(client_id: str, words: str) -> dict[str, Any]:
    return {"client_id": client_id, "type": "text", "content": {"text": words}}


async def wait(who: Any, seconds: float) -> None:
    """Let time pass, and sign in once more: an access token does not live that long."""
    await trio.sleep(seconds)
    body = {"phone": who.session["user"]["phone"], "password": "correct horse"}
    who.token = (await who.world.request("POST", f"{API}/auth/login", body)).json["access_token"]


async def exported(who: Any) -> dict[str, Any]:
    asked = await who("POST", PATH)
    assert (asked.status, asked.json["status"], asked.json["url"]) == (202, "preparing", None)
    await trio.sleep(5)
    reply = await who("GET", PATH)
    assert (reply.status, reply.json["status"], reply.json["id"]) == (200, "ready", asked.json["id"])
    return dict(reply.json)


def opened(world: Any, url: str) -> dict[str, Any]:
    reply = world.record.bucket.download(url)
    assert reply.status == 200
    with zipfile.ZipFile(io.BytesIO(reply.body)) as archive:
        assert archive.testzip() is None
        return {name: json.loads(archive.read(name)) for name in archive.namelist()}


async def test_the_archive_has_what_is_one_s_own_and_nothing_of_others(world: Any) -> None:
    ada, bob, eve = [await world.account(name) for name in ("Ada", "Bob", "Eve")]
    direct = (await ada("POST", f"{API}/chats", {"type": "direct", "user_id": bob.id})).json["id"]
    body = {"type": "group", "title": "Crew", "member_ids": [bob.id]}
    group = (await ada("POST", f"{API}/chats", body)).json["id"]
    for chat_id in (direct, group):
        for number in range(3):
            mine = text(f"a{number}", f"mine {number}") | ({"forwarded": True} if number == 2 else {})
            await ada("POST", f"{API}/chats/{chat_id}/messages", mine)
            await bob("POST", f"{API}/chats/{chat_id}/messages", text(f"b{number}", "a secret of Bob"))
    await ada("PUT", f"{API}/users/{eve.id}/block")
    await ada("PUT", f"{API}/chats/{group}/pin")
    asked = {"kind": "document", "content_type": "text/plain", "size": 3, "filename": "notes.txt"}
    media = (await ada("POST", f"{API}/media/uploads", asked)).json["media_id"]
    view = await exported(ada)
    files = opened(world, view["url"])
    assert view["size"] == len(next(iter(world.record.bucket.objects.values()))[1])
    assert files["profile.json"] == [ada.session["user"]]
    assert [device["id"] for device in files["devices.json"]] == [ada.device_id]
    assert files["contacts.json"] == [{"user_id": bob.id, "name": "Bob"}]
    assert [block["user_id"] for block in files["blocks.json"]] == [eve.id]
    assert [(each["id"], each["filename"]) for each in files["media.json"]] == [(media, "notes.txt")]
    chats = {chat["id"]: chat for chat in files["chats.json"]}
    assert set(chats) == {direct, group}
    assert (chats[group]["title"], chats[group]["role"]) == ("Crew", "owner")
    assert chats[group]["pinned_at"] is not None
    assert chats[direct]["peer_id"] == bob.id
    for chat_id in (direct, group):
        messages = files[f"messages/{chat_id}.json"]
        assert sorted(message["content"]["text"] for message in messages) == ["mine 0", "mine 1", "mine 2"]
        assert {message["content"]["text"] for message in messages if "forwarded" in message} == {"mine 2"}
        assert {message["sender_id"] for message in messages} == {ada.id}
    everything = json.dumps(files)
    for secret in ("a secret of Bob", "correct horse", "password", "refresh", bob.session["user"]["phone"]):
        assert secret not in everything, secret


async def test_however_much_there_is_it_is_written_a_page_at_a_time(world: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("handlers.accounts.export_contents.PAGE", 4)
    ada, bob = await world.account(), await world.account("Bob")
    chat_id = (await ada("POST", f"{API}/chats", {"type": "direct", "user_id": bob.id})).json["id"]
    for number in range(10):
        await ada("POST", f"{API}/chats/{chat_id}/messages", text(f"c{number}", str(number)))
    files = opened(world, (await exported(ada))["url"])
    assert [m["content"]["text"] for m in files[f"messages/{chat_id}.json"]] == [str(n) for n in range(10)]


async def test_one_is_made_at_a_time_and_not_all_the_time(world: Any) -> None:
    ada = await world.account()
    replies: list[Any] = []

    async def ask() -> None:
        replies.append(await ada("POST", PATH))

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(ask)
    asked = [reply.json["id"] for reply in replies if reply.status == 202]
    assert len(set(asked)) == 1
    assert {reply.status for reply in replies} <= {202, 429}
    await trio.sleep(5)
    refused = await ada("POST", PATH)
    assert (refused.status, refused.json["code"]) == (429, "rate_limited")
    assert 0 < int(refused.headers["Retry-After"]) <= EVERY_MS / 1000
    await wait(ada, EVERY_MS / 1000)
    view = await exported(ada)
    assert view["id"] not in asked
    assert len(world.record.bucket.objects) == 1


async def test_urls_are_good_for_minutes_and_the_archive_for_a_while(world: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("handlers.accounts.exports.KEPT_MS", KEPT_MS)
    ada = await world.account()
    assert (await ada("GET", PATH)).status == 404
    view = await exported(ada)
    await trio.sleep(URL_TTL_S + 1)
    assert world.record.bucket.download(view["url"]).status == 403
    assert opened(world, (await ada("GET", PATH)).json["url"])["profile.json"]
    await trio.sleep(KEPT_MS / 1000 + POLL_S)
    assert world.record.bucket.objects == {}
    assert world.record.account_jobs == {}


async def test_an_archive_is_its_owner_s_alone(world: Any) -> None:
    ada, bob = await world.account(), await world.account("Bob")
    await exported(ada)
    assert (await bob("GET", PATH)).status == 404


async def test_what_cannot_be_made_is_tried_again_and_given_up_at_last(world: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("handlers.accounts.exports.KEPT_MS", KEPT_MS)
    monkeypatch.setattr("handlers.accounts.exports.MOST_TRIES", MOST_TRIES)
    ada = await world.account()
    world.record.bucket.faults.down = True
    assert (await ada("POST", PATH)).status == 202
    await trio.sleep(60)
    assert (await ada("GET", PATH)).json["status"] == "preparing"
    await wait(ada, 2 ** (MOST_TRIES + 2) + MOST_TRIES * POLL_S)
    job = world.record.account_jobs[ada.id, AccountTask.EXPORT]
    assert (job.state, job.tries) == ("failed", MOST_TRIES + 1)
    world.record.bucket.faults.down = False
    await trio.sleep(KEPT_MS / 1000 + POLL_S)
    assert world.record.account_jobs == {}


async def test_an_account_that_is_deleted_has_no_archive(world: Any) -> None:
    for ready in (True, False):
        ada = await world.account()
        await ada("POST", PATH)
        if ready:
            await trio.sleep(5)
            assert world.record.bucket.objects
        await ada("DELETE", f"{API}/users/me", {"password": "correct horse"})
        await trio.sleep(3 * POLL_S)
        assert world.record.bucket.objects == {}
        assert world.record.account_jobs == {}


async def test_it_is_in_the_audit_log(world: Any) -> None:
    ada = await world.account()
    await exported(ada)
    await ada("DELETE", f"{API}/users/me", {"password": "wrong horse"})
    await ada("DELETE", f"{API}/users/me", {"password": "correct horse"})
    await trio.sleep(1)
    noted = [(entry.note.action.value, entry.note.actor_id) for entry in world.record.audit.values()]
    for action in ("account_exported", "account_deleted"):
        assert (action, ada.id) in noted
    assert msgspec.json.encode(noted).count(b"sign_in_failed") == 1
