"""Pushes and joins with whatever is wrong in them, against a running node: a typed error, and the connection goes on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.integration.bad_input.scene import MISSING, Scene, unharmed
from tests.integration.clients import Device, joined, opened, text_message

pytestmark = pytest.mark.real


async def refused(device: Device, code: str, topic: str, event: str, payload: Any) -> dict[str, Any]:
    """Push something wrong; what it is answered."""
    status, response = await device.ask(topic, event, payload)
    assert (status, response.get("code")) == ("error", code), (topic, event, payload, response)
    assert response["message"]
    found: dict[str, Any] = response
    return found


async def all_refused(scene: Scene, code: str, pushes: Sequence[tuple[str, str, Any]]) -> None:
    """Each of these pushes is answered with this code, and the topics that were joined go on."""
    topic = f"chat:{scene.chat_id}"
    async with unharmed(scene, lines=0), joined(scene.ana) as device:
        await device.join(topic)
        for push in pushes:
            await refused(device, code, *push)
        assert await device.ask(topic, "typing", {"state": "stop"}) == ("ok", {})
        assert await device.ask("me", "message:delivered", {"chat_id": scene.chat_id, "seq": 1}) == ("ok", {})
        assert not device.seen("phx_error")
    assert [message["seq"] for message in scene.ben.history(scene.chat_id)] == [1]


NO_SEQ = [0, -1, 1.5, 2**53 + 1, 2**63, 2**64, 10**30, -(10**30), 1e300, "1", "", True, None, [], [1], {}]
NO_ID = ["", "x" * 65, "x" * 20_000, 7, None, True, [], {}]


async def test_a_seq_that_is_no_number_of_a_message_is_refused_in_every_push(scene: Scene) -> None:
    pushes: list[tuple[str, str, Any]] = []
    for seq in NO_SEQ:
        body = {"chat_id": scene.chat_id, "seq": seq}
        pushes += [
            ("me", f"message:{event}", {**body, "content": {"text": "x"}})
            for event in ("delivered", "read", "delete", "edit")
        ]
        if seq is not None:  # to reply to nothing is to reply to none
            pushes.append(("me", "message:send", {**text_message(scene.chat_id, "x", "r"), "reply_to": seq}))
    pushes += [("me", "message:read", {"chat_id": scene.chat_id})]
    await all_refused(scene, "invalid", pushes)


async def test_a_seq_that_is_not_there_yet_is_not_found(scene: Scene) -> None:
    body = {"chat_id": scene.chat_id, "seq": 2, "content": {"text": "x"}}
    pushes = [("me", f"message:{event}", body) for event in ("delivered", "read", "delete", "edit")]
    pushes += [("me", event, {**body, "seq": 2**53}) for _, event, _ in pushes]
    await all_refused(scene, "not_found", pushes)


async def test_a_chat_id_or_client_id_that_cannot_be_one_is_refused(scene: Scene) -> None:
    good = text_message(scene.chat_id, "x", "c")
    pushes = [("me", "message:send", {**good, "chat_id": bad}) for bad in NO_ID]
    pushes += [
        ("me", "message:send", {**good, "client_id": bad})
        for bad in (*NO_ID, "with blank", "line\n", "nul\0", "é")
    ]
    pushes += [("me", "message:read", {"chat_id": bad, "seq": 1}) for bad in NO_ID]
    await all_refused(scene, "invalid", pushes)


async def test_content_that_its_type_does_not_have_is_refused(scene: Scene) -> None:
    size = {"width": 4, "height": 3}
    texts: list[Any] = ["", "x" * 8193, "a\0b", 1, None, True, ["x"], {"a": 1}]
    no_contents: list[Any] = [{}, {"body": "x"}, [], "x", None, 7]
    no_types: list[Any] = ["system", "poll", "TEXT", "", 1, None, {}, ["text"]]
    contents: list[tuple[Any, Any, dict[str, Any]]] = [
        *(("text", {"text": text}, {}) for text in texts),
        *(("text", content, {}) for content in no_contents),
        ("text", {"text": "x"}, {"media_id": "m"}),
        *((kind, {"text": "x"}, {}) for kind in no_types),
        *(("location", {"lat": lat, "lng": 0}, {}) for lat in (90.01, -91, 1e300, 10**30, "1", None, True)),
        *(("location", {"lat": 0, "lng": lng}, {}) for lng in (180.5, -181, -1e300, "0", None)),
        ("location", {"lat": 0}, {}),
        ("location", {"lat": 0, "lng": 0, "accuracy": -1}, {}),
        *(
            ("location", {"lat": 0, "lng": 0, "live_until": at}, {})
            for at in ("soon", "2030-01-01", 5, "1969-01-01T00:00:00Z")
        ),
        ("image", size, {}),
        *(("image", {**size, "width": wrong}, {"media_id": "m"}) for wrong in (0, -1, 10**9, 1.5, "4", None)),
        ("image", {"width": 4}, {"media_id": "m"}),
        ("video", {**size, "thumbnail": "*"}, {"media_id": "m"}),
        ("video", {**size, "thumbnail": "A" * 20_000}, {"media_id": "m"}),
        ("audio", {}, {"media_id": "m"}),
        ("audio", {"duration_ms": -1}, {"media_id": "m"}),
        ("audio", {"duration_ms": 1, "waveform": [256]}, {"media_id": "m"}),
        ("audio", {"duration_ms": 1, "waveform": [0] * 257}, {"media_id": "m"}),
        ("document", {"filename": "", "size": 1}, {"media_id": "m"}),
        ("document", {"filename": "a", "size": -1}, {"media_id": "m"}),
        ("document", {"filename": "a\0", "size": 1}, {"media_id": "m"}),
        *(("image", size, {"media_id": wrong}) for wrong in ("", "x" * 65, 7, "a b")),
    ]
    pushes = [
        (
            "me",
            "message:send",
            {"chat_id": scene.chat_id, "client_id": "c", "type": kind, "content": content, **more},
        )
        for kind, content, more in contents
    ]
    edits = [
        {"text": ""},
        {"text": "x" * 8193},
        {"text": "\0"},
        {},
        {"text": 1},
        {"lat": 0, "lng": 0},
        "x",
        None,
    ]
    pushes += [
        ("me", "message:edit", {"chat_id": scene.chat_id, "seq": 1, "content": content}) for content in edits
    ]
    await all_refused(scene, "invalid", pushes)


async def test_a_payload_that_is_no_object_is_refused(scene: Scene) -> None:
    topic = f"chat:{scene.chat_id}"
    events = [("me", f"message:{event}") for event in ("send", "edit", "delete", "delivered", "read")]
    wrong: list[Any] = [None, True, 0, "x", [], [{}]]
    pushes: list[tuple[str, str, Any]] = [
        (*where, payload) for where in [*events, (topic, "typing")] for payload in wrong
    ]
    states = [{}, {"state": None}, {"state": "START"}, {"state": ["start"]}, {"state": 1}]
    pushes += [(topic, "typing", payload) for payload in states]
    await all_refused(scene, "invalid", pushes)


async def test_a_join_with_nonsense_is_refused_and_one_in_order_taken_after_it(scene: Scene) -> None:
    payloads = [
        {"known": []},
        {"known": {"c": "1"}},
        {"known": {"c": 1.5}},
        {"known": None},
        {"since": 5},
        {"since": "never"},
        {"since": "\0"},
        {"since": "2026-01-01T00:00:00"},
        {"limit": "all"},
        {"limit": 1e300},
        [],
        None,
        "x",
    ]
    strange = [
        {"known": {MISSING: -(10**15), "": 0}},
        {"limit": -5},
        {"limit": 10**15},
        {"known": {scene.chat_id: 10**40}},
        {"known": {scene.chat_id: 2**63 - 1}},
    ]
    async with unharmed(scene, lines=0), opened(scene.ana) as device:
        for payload in payloads:
            await refused(device, "invalid", "me", "phx_join", payload)
        for payload in strange:
            status, _ = await device.ask("me", "phx_join", payload)
            assert status == "ok", payload
        assert [message["seq"] for message in (await device.join())["messages"]] == [1]


async def test_payloads_nested_as_deep_as_can_be_are_answered(scene: Scene) -> None:
    async with unharmed(scene, lines=1), joined(scene.ana) as device:
        for depth in range(900, 1100):
            nested = "[" * depth + "]" * depth
            body = (
                f'{{"chat_id":"{scene.chat_id}","client_id":"c","type":"text","content":{{"text":{nested}}}}}'
            )
            await device.send_text(f'["1","deep{depth}","me","message:send",{body}]')
        code = await device.closed()  # the first that cannot be read ends it
        assert code == 1003
        answers = [payload for payload in device.seen("phx_reply") if payload["status"] == "error"]
        assert {answer["response"]["code"] for answer in answers} == {"invalid"}
        assert not device.seen("phx_error")


async def test_unknown_topics_and_events_are_answered(scene: Scene) -> None:
    async with unharmed(scene, lines=0), opened(scene.ana) as device:
        for topic in ("", "room:lobby", "ME", "me:", "phoenix", "chat", "\0", "x" * 30_000, "чат:1"):
            await refused(device, "not_found", topic, "phx_join", {})
            await refused(device, "not_found", topic, "message:send", {})
        for topic in ("me", f"chat:{scene.chat_id}", "chat:", f"chat:{MISSING}"):
            await refused(device, "not_joined", topic, "message:send", {})
        for topic in ("chat:", f"chat:{MISSING}", "chat:" + "x" * 30_000, "chat:\0", "chat:$where"):
            await refused(device, "not_found", topic, "phx_join", {})
        await device.join()
        await device.join(f"chat:{scene.chat_id}")
        for topic in ("me", f"chat:{scene.chat_id}"):
            for event in (
                "",
                "message:dance",
                "phx_reply",
                "phx_error",
                "heartbeat",
                "x" * 30_000,
                "\0",
                "__init__",
            ):
                await refused(device, "unknown_event", topic, event, {})
        assert await device.ask("me", "phx_leave", {}) == ("ok", {})
        assert await device.ask("me", "phx_leave", {}) == ("ok", {})


async def test_a_chat_of_others_looks_exactly_like_one_that_is_not_there(scene: Scene) -> None:
    def pushes(chat_id: str) -> list[tuple[str, str, Any]]:
        body = {"chat_id": chat_id, "seq": 1, "content": {"text": "x"}}
        events = [("me", f"message:{event}", body) for event in ("edit", "delete", "delivered", "read")]
        far = [("me", event, {**body, "seq": 10**6}) for _, event, _ in events]
        send = ("me", "message:send", text_message(chat_id, "x", "c"))
        return [*events, *far, send, (f"chat:{chat_id}", "phx_join", {})]

    async with unharmed(scene, lines=0), joined(scene.eve) as device:
        for foreign, missing in zip(pushes(scene.chat_id), pushes(MISSING), strict=True):
            assert await refused(device, "not_found", *foreign) == await refused(
                device, "not_found", *missing
            )
        await device.join("me", {"known": {scene.chat_id: 0}})
        assert not device.seen("MESSAGE_SENT")

    calls = [
        ("GET", "/chats/{}", None),
        ("PATCH", "/chats/{}", {"title": "mine"}),
        ("DELETE", "/chats/{}", None),
        ("GET", "/chats/{}/members", None),
        ("PUT", f"/chats/{{}}/members/{scene.eve.id}", {"role": "admin"}),
        ("GET", "/chats/{}/messages", None),
        ("POST", "/chats/{}/messages", {"client_id": "c", "type": "text", "content": {"text": "x"}}),
        ("PATCH", "/chats/{}/messages/1", {"content": {"text": "x"}}),
        ("DELETE", "/chats/{}/messages/1", None),
        ("PUT", "/chats/{}/read", {"seq": 1}),
        ("PUT", "/chats/{}/pin", None),
    ]
    for method, path, body in calls:
        answers = [scene.eve.call(method, path.format(name), body) for name in (scene.chat_id, MISSING)]
        assert [answer.status for answer in answers] == [404, 404], (method, path, answers)
        told = [{**answer.json, "request_id": ""} for answer in answers]
        assert told[0] == told[1]
