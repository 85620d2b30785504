"""What is in the audit log, who may read it, and that reading is in it too."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import trio

from handlers.audit.reader import AGAIN_MS

API = "/api/v1"
AUDIT = f"{API}/admin/audit"


async def entries(scene: Any, query: str = "") -> list[dict[str, Any]]:
    """What an operator is shown, the newest first, without that they looked."""
    reply = await scene.ada("GET", f"{AUDIT}?limit=200&{query}")
    assert reply.status == 200, reply.raw
    return [item for item in reply.json["items"] if item["action"] != "operator_read"]


async def test_only_operators_read_it(scene: Any, world: Any) -> None:
    for who in (scene.bob, scene.eve):
        refused = await who("GET", AUDIT)
        assert (refused.status, refused.json["code"]) == (403, "forbidden")
    assert (await world.request("GET", AUDIT)).status == 401


async def test_signing_up_in_and_out_is_in_it(scene: Any, world: Any) -> None:
    session = await scene.log_in()
    await scene.ada("DELETE", f"{API}/devices/{session['device_id']}")
    shown = await entries(scene, f"actor_id={scene.ada.id}")
    assert [item["action"] for item in shown] == [
        "signed_out", "signed_in", "chat_created", "chat_created", "signed_in", "signed_in", "signed_up",
    ]  # fmt: skip
    out, into = shown[0], shown[1]
    assert out["about"] == {"user_id": scene.ada.id, "device_id": session["device_id"], "why": "asked"}
    assert (out["device_id"], into["device_id"]) == (scene.ada.device_id, session["device_id"])
    assert out["at"].endswith("Z")
    assert all(item["address"] for item in shown if item["action"] != "chat_created")


async def test_failures_say_whose_account_it_was_or_a_part_of_the_number(scene: Any, world: Any) -> None:
    wrong = {**scene.credentials, "password": "wrong horse"}
    assert (await world.request("POST", f"{API}/auth/login", wrong)).status == 401
    nobody = {**wrong, "phone": "+493055555555"}
    assert (await world.request("POST", f"{API}/auth/login", nobody)).status == 401
    shown = await entries(scene, "action=sign_in_failed")
    assert [item["about"] for item in shown] == [{"phone": "+49...55"}, {"user_id": scene.ada.id}]
    assert all(item["actor_id"] is None for item in shown)


async def test_a_refresh_token_used_twice_is_in_it(scene: Any, world: Any) -> None:
    session = await scene.log_in()
    spent = {"refresh_token": session["refresh_token"]}
    for _ in range(2):
        await world.request("POST", f"{API}/auth/refresh", spent)
    about = {"user_id": scene.ada.id, "device_id": session["device_id"]}
    (reused,) = await entries(scene, "action=refresh_reused")
    assert reused["about"] == about
    (out,) = await entries(scene, "action=signed_out")
    assert out["about"] == {**about, "why": "refresh_reused"}
    assert session["refresh_token"] not in str(await entries(scene))


async def test_what_is_done_in_a_chat_is_in_it(scene: Any) -> None:
    chat = f"{API}/chats/{scene.chat_id}"
    member = f"{chat}/members/{scene.eve.id}"
    await scene.ada("PUT", member, {"role": "member"})
    await scene.ada("PUT", member, {"role": "admin"})
    await scene.ada("PATCH", chat, {"title": "a secret title"})
    await scene.ada("DELETE", f"{chat}/messages/2")
    await scene.eve("DELETE", member)
    await scene.ada("DELETE", chat)
    shown = await entries(scene, f"chat_id={scene.chat_id}")
    eve, about = scene.eve.id, {"chat_id": scene.chat_id}
    assert [(item["action"], item["actor_id"], item["about"]) for item in reversed(shown)] == [
        ("chat_created", scene.ada.id, {**about, "type": "group", "members": 2}),
        ("member_set", scene.ada.id, {**about, "user_id": eve, "role": "member"}),
        ("member_set", scene.ada.id, {**about, "user_id": eve, "role": "admin"}),
        ("message_deleted", scene.ada.id, {**about, "seq": 2, "user_id": scene.bob.id}),
        ("member_removed", eve, {**about, "user_id": eve}),
        ("chat_deleted", scene.ada.id, about),
    ]
    assert [item["action"] for item in await entries(scene, f"user_id={eve}")] == ["member_removed", "member_set", "member_set", "chat_created"]  # fmt: skip
    assert "secret" not in str(shown)
    assert "first" not in str(shown)


async def test_it_comes_in_pages_and_between_times(scene: Any) -> None:
    everything = await entries(scene)
    seen: list[dict[str, Any]] = []
    cursor = ""
    while True:
        reply = await scene.ada("GET", f"{AUDIT}?limit=3&until=2026-01-01T00:01:00Z{cursor}")
        seen += [item for item in reply.json["items"] if item["action"] != "operator_read"]
        if reply.json["next"] is None:
            break
        cursor = f"&cursor={reply.json['next']}"
    assert [item["seq"] for item in seen] == [item["seq"] for item in everything]
    assert await entries(scene, "since=2027-01-01T00:00:00Z") == []
    assert len(await entries(scene, "since=2025-01-01T00:00:00%2B01:00")) == len(everything)


async def test_bad_filters_are_named(scene: Any) -> None:
    bad = {"action": "x", "actor_id": "", "user_id": "x" * 65, "since": "yesterday", "until": "2026-01-01T00:00:00", "limit": "0", "cursor": "x"}  # fmt: skip
    for field, value in bad.items():
        reply = await scene.ada("GET", f"{AUDIT}?{field}={value}")
        assert (reply.status, reply.json["errors"][0]["field"]) == (422, field)


async def test_each_reading_is_in_it_before_it_is_answered(scene: Any, world: Any) -> None:
    reply = await scene.ada("GET", f"{AUDIT}?user_id={scene.bob.id}&limit=1")
    (first,) = reply.json["items"]
    assert first["action"] == "operator_read"
    assert first["about"] == {"what": "audit", "user_id": scene.bob.id}
    before = len(world.record.audit)
    world.record.faults.down = True
    assert (await scene.ada("GET", AUDIT)).status == 503
    world.record.faults.down = False
    assert (await scene.ada("GET", AUDIT)).status == 200
    assert len(world.record.audit) == before + 1


async def test_looking_at_the_tree_again_and_again_is_in_it_now_and_then(scene: Any) -> None:
    async def reads() -> int:
        await trio.sleep(0.1)
        reply = await scene.ada("GET", f"{AUDIT}?action=operator_read&limit=200")
        return sum(item["about"]["what"] == "tree" for item in reply.json["items"])

    for _ in range(10):
        assert (await scene.ada("GET", f"{API}/admin/tree")).status == 200
    assert await reads() == 1
    await trio.sleep(AGAIN_MS / 1000)
    scene.ada.token = (await scene.log_in())["access_token"]
    await scene.ada("GET", f"{API}/admin/tree")
    assert await reads() == 2


async def test_the_chain_is_shown_with_it(scene: Any) -> None:
    shown = (await scene.ada("GET", f"{AUDIT}?limit=200")).json["items"]
    by_seq = sorted(shown, key=lambda item: item["seq"])
    assert [item["seq"] for item in by_seq] == list(range(1, len(by_seq) + 1))
    for one, other in pairwise(by_seq):
        assert other["previous"] == one["hash"]
