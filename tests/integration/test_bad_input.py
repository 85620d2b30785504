"""Whatever comes over the wire that is wrong, against a running node: a typed error or the proper close code, for that connection alone.

Around each attack two people talk on the same node, the log is read, and the node's memory is measured.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import jwt
import pymongo
import pytest
import trio
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests import client_frames as wire
from tests.client_frames import BINARY, CONTINUATION, PING, TEXT
from tests.integration.clients import (
    PATIENCE_S,
    Device,
    Refused,
    connect,
    handshake,
    joined,
    opened,
    read_all,
    read_head,
    text_frame,
    text_message,
)
from tests.integration.nodes import MIB, Account, Cluster, Node, request
from tests.servers import Servers

pytestmark = pytest.mark.real

LARGEST_FRAME = 65_536
FLOOD_S = 2.0
ZEROS = bytes(1 << 18)
SLACK = 6 * MIB
"""What a node's memory may vary by anyhow."""
MISSING = "nothing-of-this-name"


@dataclass(frozen=True, slots=True)
class Scene:
    """Ana's and Ben's group at a node, with one message of Ana's; the two others who talk; and somebody who is in none of it."""

    node: Node
    ana: Account
    ben: Account
    chat_id: str
    cleo: Account
    dora: Account
    talk_id: str
    eve: Account


@pytest.fixture(scope="module")
def scene(cluster: Cluster) -> Scene:
    node = cluster.start(SENDS_PER_SECOND="0")
    ana, ben, cleo, dora, eve = cluster.sign_up_many(node, 5)
    chat_id = ana.group(ben)
    ana.ask(
        "POST", f"/chats/{chat_id}/messages", {"client_id": "0", "type": "text", "content": {"text": "0"}}
    )
    return Scene(node, ana, ben, chat_id, cleo, dora, cleo.group(dora), eve)


@asynccontextmanager
async def unharmed(scene: Scene, *, lines: int = 1) -> AsyncIterator[None]:
    """The attack in this block costs nobody anything: two others talk on meanwhile, at most `lines` are logged, and memory stays what it was."""
    node = scene.node
    async with joined(scene.cleo) as writer, joined(scene.dora) as reader:
        said = 0

        async def exchange() -> None:
            nonlocal said
            said += 1
            message = await writer.write(scene.talk_id, f"line {said}")
            assert await reader.event("MESSAGE_SENT") == {"message": message}
            await writer.event("MESSAGE_SENT")

        async def talk() -> None:
            while True:
                with trio.CancelScope(shield=True):  # each exchange whole
                    await exchange()
                await trio.lowlevel.checkpoint()

        await exchange()
        open_, memory, logged = node.connections(), node.rss(), node.log_size()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(talk)
            yield
            nursery.cancel_scope.cancel()
        await exchange()
        found = node.log(logged)
        assert len(found) <= lines, found
        assert not [
            line for line in found if "traceback" in line or line.get("level") in ("error", "critical")
        ]
        assert node.rss() - memory < SLACK
        with trio.fail_after(PATIENCE_S):
            while node.connections() > open_:  # a connection that was closed is let go of in a moment
                await exchange()


# -- frames --------------------------------------------------------------------------------------------------------------

NO_FRAMES = {
    "no text at all": b"",
    "a blank": b" ",
    "no JSON": b"hello",
    "half of JSON": b'["1","1","me","phx_join",{}',
    "two of them": b'["1","1","me","phx_join",{}]["1","1","me","phx_join",{}]',
    "a byte order mark": b'\xef\xbb\xbf["1","1","me","phx_join",{}]',
    "an object": b'{"topic":"me","event":"phx_join","payload":{},"ref":"1"}',
    "a string": b'"phx_join"',
    "null": b"null",
    "an empty array": b"[]",
    "too short": b'["1","1","me","phx_join"]',
    "too long": b'["1","1","me","phx_join",{},{}]',
    "a ref that is a number": b'["1",1,"me","phx_join",{}]',
    "a topic that is a number": b'["1","1",7,"phx_join",{}]',
    "a topic that is null": b'["1","1",null,"phx_join",{}]',
    "an event that is an object": b'["1","1","me",{},{}]',
    "a payload that is missing": b'["1","1","me","phx_join",]',
    "not a number": b'["1","1","me","phx_join",{"known":{"c":NaN}}]',
    "a number that is none": b'["1","1","me","phx_join",{"known":{"c":01}}]',
    "half a surrogate pair": b'["1","1","me","phx_join",{"since":"\\ud83d and on"}]',
    "half a surrogate pair in a topic": b'["1","1","me\\udc00","phx_join",{}]',
    "a control character": b'["1","1","me","phx_join",{"since":"\x01"}]',
    "nested without end": b'["1","1","me","phx_join",' + b"[" * 30_000 + b"]" * 30_000 + b"]",
    "never closed": b"[" * 60_000,
}


@pytest.mark.parametrize("name", NO_FRAMES)
async def test_a_text_that_is_no_frame_closes_its_connection_with_1003(scene: Scene, name: str) -> None:
    async with unharmed(scene), opened(scene.ana) as device:
        await device.send_text(NO_FRAMES[name])
        assert await device.closing() == 1003


BROKEN = {
    "binary": (1003, [wire.frame(BINARY, b"\x00\x01")]),
    "not UTF-8": (1007, [wire.frame(TEXT, b'["1","1","me","phx_join",{"a":"\xff"}]')]),
    "an encoded surrogate": (1007, [wire.frame(TEXT, b'["1","1","m\xed\xa0\x80","phx_join",{}]')]),
    "not UTF-8 across fragments": (1007, wire.fragments(TEXT, [b'["1"\xe2\x82', b"\x20"])),
    "larger than allowed": (1009, [text_frame(b" " * (LARGEST_FRAME + 1))]),
    "larger than allowed in fragments": (1009, wire.fragments(TEXT, [b" " * 40_000, b" " * 40_000])),
    "four gigabytes, announced": (1009, [wire.header(TEXT, 4 << 30)]),
    "as long as can be written": (1009, [wire.header(TEXT, (1 << 63) - 1)]),
    "longer than can be": (1002, [wire.header(TEXT, (1 << 64) - 1)]),
    "not masked": (1002, [wire.frame(TEXT, b"[]", key=None)]),
    "a reserved bit": (1002, [wire.frame(TEXT, b"[]", rsv=4)]),
    "an unknown opcode": (1002, [wire.frame(3, b"")]),
    "a continuation of nothing": (1002, [wire.frame(CONTINUATION, b"")]),
    "a long ping": (1002, [wire.frame(PING, b"*" * 126)]),
    "a length not in its shortest form": (1002, [wire.frame(TEXT, b"[]", form=8)]),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_a_frame_that_breaks_the_protocol_closes_its_connection_with_the_code_for_it(
    scene: Scene, name: str
) -> None:
    code, frames = BROKEN[name]
    async with unharmed(scene), opened(scene.ana) as device:
        await device.send_bytes(b"".join(frames))
        assert await device.closing() == code


async def test_a_frame_as_large_as_allowed_is_taken(scene: Scene) -> None:
    async with opened(scene.ana) as device:
        text = json.dumps(["1", "1", "phoenix", "heartbeat", {}]).encode()
        await device.send_text(text[:-1] + b" " * (LARGEST_FRAME - len(text)) + b"]")
        assert await device.reply("1") == ("ok", {})


# -- pushes --------------------------------------------------------------------------------------------------------------


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


# -- tokens --------------------------------------------------------------------------------------------------------------


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def bad_tokens(scene: Scene, servers: Servers, database: str) -> dict[str, str]:
    """Every way in which a token can be wrong."""
    header, claims, signature = scene.ana.token.split(".")
    public = request(scene.node.port, "GET", "/.well-known/jwks.json").json["keys"][0]
    raw = base64.urlsafe_b64decode(public["n"] + "==")
    with pymongo.MongoClient[dict[str, Any]](servers.mongodb_uri) as client:
        stored = client[database]["signing_keys"].find_one()
    assert stored is not None
    private, kid = stored["private_pem"], stored["_id"]
    pem = jwt.PyJWK(public).key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    right = decoded(claims)

    def signed(change: dict[str, Any], **headers: Any) -> str:
        wanted = {key: value for key, value in (right | change).items() if value is not None}
        return jwt.encode(wanted, private, algorithm="RS256", headers={"kid": kid, **headers})

    def hs256(key: bytes) -> str:
        start = f"{encoded(json.dumps({'alg': 'HS256', 'typ': 'JWT', 'kid': kid}).encode())}.{claims}"
        return f"{start}.{encoded(hmac.digest(key, start.encode(), hashlib.sha256))}"

    none = encoded(json.dumps({"alg": "none", "typ": "JWT", "kid": kid}).encode())
    return {
        "nothing": "",
        "nonsense": "hello",
        "dots": "..",
        "two parts": f"{header}.{claims}",
        "no signature": f"{header}.{claims}.",
        "another signature": f"{header}.{claims}.{encoded(bytes(64))}",
        "a signature cut short": f"{header}.{claims}.{signature[:-2]}",
        "somebody else's claims": f"{header}.{encoded(json.dumps(right | {'sub': scene.ben.id}).encode())}.{signature}",
        "operator": f"{header}.{encoded(json.dumps(right | {'op': True}).encode())}.{signature}",
        "alg none": f"{none}.{claims}.",
        "alg none with a signature": f"{none}.{claims}.{signature}",
        "HS256 with the public key": hs256(raw),
        "HS256 with the public key as PEM": hs256(pem),
        "expired": signed({"iat": right["iat"] - 3600, "exp": int(time.time()) - 60}),
        "never expires": signed({"exp": None}),
        "for others": signed({"aud": "others"}),
        "by others": signed({"iss": "others"}),
        "of nobody": signed({"sub": None}),
        "of no device": signed({"did": None}),
        "an unknown key": signed({}, kid="k999"),
        "expires when nobody knows": signed({"exp": "soon"}),
        "claims that are no object": f"{header}.{encoded(b'[]')}.{signature}",
        "a header nested without end": f"{encoded(b'[' * 5000)}.{claims}.{signature}",
        "endless": "x" * 9000,
    }


async def test_a_token_that_is_not_good_is_refused_with_403_at_the_socket_and_401_at_rest(
    scene: Scene, servers: Servers, cluster: Cluster
) -> None:
    tokens = bad_tokens(scene, servers, cluster.database)
    async with unharmed(scene, lines=0):
        for name, token in tokens.items():
            with pytest.raises(Refused) as refusal:
                async with opened(token, scene.node):
                    pytest.fail(f"let in with: {name}")
            wanted = "token_expired" if name == "expired" else "unauthenticated"
            assert (refusal.value.status, refusal.value.problem["code"]) == (403, wanted), name
            answer = request(scene.node.port, "GET", "/api/v1/users/me", token=token or "-")
            assert (answer.status, answer.json["code"]) == (401, wanted), name
            assert "www-authenticate" in answer.headers


# -- HTTP ----------------------------------------------------------------------------------------------------------------

HELLO_TLS = bytes.fromhex("16030100a5010000a10303") + bytes(160)
GARBAGE = {
    "nonsense": (400, b"hello\r\n\r\n"),
    "zeros": (400, bytes(64) + b"\r\n\r\n"),
    "a name without a version": (400, b"GET /\r\n\r\n"),
    "a header without a name": (400, b"GET /healthz HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n"),
    "no host": (400, b"GET /healthz HTTP/1.1\r\n\r\n"),
    "a length that is none": (
        400,
        b"POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    ),
    "two lengths": (
        400,
        b"POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{",
    ),
    "a handshake without a key": (
        400,
        handshake("TOKEN").replace(b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", b""),
    ),
    "an endless head": (431, b"GET / HTTP/1.1\r\nX: " + b"x" * 20_000),
    "an endless head of a handshake": (431, b"GET /socket/websocket HTTP/1.1\r\nX: " + b"x" * 20_000),
    "many short headers": (431, b"GET / HTTP/1.1\r\nHost: a\r\n" + b"a: b\r\n" * 10_000),
    "a body that is announced as too large": (
        413,
        b"POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 4294967296\r\n\r\n{",
    ),
}


@pytest.mark.parametrize("name", GARBAGE)
async def test_what_is_no_request_gets_its_status_and_ends_its_connection(scene: Scene, name: str) -> None:
    status, data = GARBAGE[name]
    async with unharmed(scene), await connect(scene.node.port) as stream:
        await stream.send_all(data.replace(b"TOKEN", scene.ana.token.encode()))
        answer = await read_all(stream)
        assert answer.startswith(b"HTTP/1.1 %d " % status), answer
        assert answer.endswith(b"}") or not answer.partition(b"\r\n\r\n")[2]


async def test_a_tls_hello_on_the_plain_port_is_hung_up_on(scene: Scene) -> None:
    async with unharmed(scene), await connect(scene.node.port) as stream:
        await stream.send_all(HELLO_TLS)
        await stream.send_eof()
        await read_all(stream)


async def test_a_body_nested_without_end_or_not_utf_8_is_a_400(scene: Scene) -> None:
    async with unharmed(scene, lines=0):
        for content in (
            b"[" * 60_000,
            b'{"phone":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
            b'{"phone":"\xff"}',
            b"\0",
            b"{",
        ):
            answer = request(scene.node.port, "POST", "/api/v1/auth/login", content=content)
            assert (answer.status, answer.json["code"]) == (400, "malformed"), content[:20]


async def test_a_refusal_leaves_its_connection_usable_whenever_the_body_comes(scene: Scene) -> None:
    head = b"POST /api/v1/chats HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\n"
    async with unharmed(scene, lines=0), await connect(scene.node.port) as stream:
        for _ in range(3):
            await stream.send_all(head)
            for _ in range(3):
                assert (
                    request(scene.node.port, "GET", "/healthz").status == 200
                )  # it has had the head for long
            await stream.send_all(b"{}  ")
            answer, rest = await read_head(stream)
            assert answer.startswith(b"HTTP/1.1 401 ")
            size = int(answer.lower().partition(b"content-length: ")[2].split(b"\r\n", 1)[0])
            while len(rest) < size:
                rest += await stream.receive_some()


# -- floods --------------------------------------------------------------------------------------------------------------


async def flood(stream: trio.SocketStream, next_piece: Callable[[], bytes]) -> int:
    """Send at full speed, without ever listening, until the node hangs up or for `FLOOD_S`; how many bytes went out."""
    sent = 0
    with trio.move_on_after(FLOOD_S):
        try:
            while True:
                await stream.send_all(next_piece())
                sent += len(ZEROS)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return sent
    return sent


def zeros() -> bytes:
    return ZEROS


def chunk_of_zeros() -> bytes:
    return b"%x\r\n%b\r\n" % (len(ZEROS), ZEROS)


POST = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
Begin = Callable[[Scene, trio.SocketStream], Awaitable[None]]


async def nothing(scene: Scene, stream: trio.SocketStream) -> None:
    """Zeros from the first byte."""


async def in_a_frame(scene: Scene, stream: trio.SocketStream) -> None:
    await stream.send_all(handshake(scene.ana.token))
    assert b" 101 " in (await read_head(stream))[0]
    await stream.send_all(wire.header(TEXT, 4 << 30, key=bytes(4)))


async def in_fragments(scene: Scene, stream: trio.SocketStream) -> None:
    await stream.send_all(handshake(scene.ana.token))
    assert b" 101 " in (await read_head(stream))[0]
    await stream.send_all(wire.frame(TEXT, b"", fin=False))


def fragment_of_zeros() -> bytes:
    return wire.header(CONTINUATION, len(ZEROS), fin=False, key=bytes(4)) + ZEROS


async def in_a_body(scene: Scene, stream: trio.SocketStream) -> None:
    await stream.send_all(POST + b"Content-Length: 4294967296\r\n\r\n")


async def in_a_chunked_body(scene: Scene, stream: trio.SocketStream) -> None:
    await stream.send_all(POST + b"Transfer-Encoding: chunked\r\n\r\n")


async def in_one_chunk(scene: Scene, stream: trio.SocketStream) -> None:
    await stream.send_all(POST + b"Transfer-Encoding: chunked\r\n\r\n100000000\r\n")


async def after_a_request(scene: Scene, stream: trio.SocketStream) -> None:
    await stream.send_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
    assert b" 200 " in (await read_head(stream))[0]


async def as_http_2(scene: Scene, stream: trio.SocketStream) -> None:
    await stream.send_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")


FLOODS: dict[str, tuple[Begin, Callable[[], bytes]]] = {
    "from the first byte": (nothing, zeros),
    "in a frame announced as four gigabytes": (in_a_frame, zeros),
    "in a message without a last fragment": (in_fragments, fragment_of_zeros),
    "in a body announced as four gigabytes": (in_a_body, zeros),
    "in a chunked body": (in_a_chunked_body, chunk_of_zeros),
    "in one chunk": (in_one_chunk, zeros),
    "after a request in order": (after_a_request, zeros),
    "as HTTP/2": (as_http_2, zeros),
}


@pytest.mark.parametrize("name", FLOODS)
async def test_gigabytes_of_nothing_end_one_connection_and_cost_no_memory(scene: Scene, name: str) -> None:
    begin, next_piece = FLOODS[name]
    async with unharmed(scene), await connect(scene.node.port) as stream:
        await begin(scene, stream)
        sent = await flood(stream, next_piece)
        assert sent < 16 * MIB, "it is listened to without end"


async def test_heads_that_never_end_are_hung_up_on_and_hold_nobody_up(scene: Scene) -> None:
    """Fifty connections that send a byte now and then; a node gives a head 15 seconds."""
    hung_up = count(1)
    done = 0

    async def dribble(stream: trio.SocketStream) -> None:
        nonlocal done
        async with stream, trio.open_nursery() as nursery:

            async def listen() -> None:
                nonlocal done
                try:
                    while await stream.receive_some():
                        pass
                except trio.BrokenResourceError:
                    pass
                done = next(hung_up)
                nursery.cancel_scope.cancel()

            nursery.start_soon(listen)
            await stream.send_all(b"GET /healthz HTTP/1.1\r\nX-Slow: ")
            while True:
                await trio.sleep(0.5)
                try:
                    await stream.send_all(b"x")
                except trio.BrokenResourceError:
                    await trio.sleep_forever()

    async with unharmed(scene, lines=50):
        with trio.fail_after(2 * PATIENCE_S):
            async with trio.open_nursery() as nursery:
                for _ in range(50):
                    nursery.start_soon(dribble, await connect(scene.node.port))
    assert done == 50
