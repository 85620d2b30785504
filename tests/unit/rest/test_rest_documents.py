"""The documents that describe the API, held against what is really served and sent."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import trio

from handlers.retry.requeued import pack_send
from handlers.routing.commands import Send
from persistence.models import MessageType
from server.rest.asyncapi import EVENTS, PUSHES
from server.rest.documents import asyncapi_document, openapi_document

API = "/api/v1"


def references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*map(references, node.values()))
    return set().union(*map(references, node)) if isinstance(node, list) else set()


def resolve(document: Any, reference: str) -> Any:
    node = document
    for part in reference.removeprefix("#/").split("/"):
        node = node[part.replace("~1", "/")]
    return node


async def test_the_documents_are_the_same_without_a_node(world: Any) -> None:
    for path, made in (("/openapi.json", openapi_document()), ("/asyncapi.json", asyncapi_document())):
        assert (await world.request("GET", path)).json == msgspec.json.decode(msgspec.json.encode(made))


async def test_the_openapi_document_is_whole(world: Any) -> None:
    document = (await world.request("GET", "/openapi.json")).json
    assert document["openapi"].startswith("3.1.")
    for reference in references(document):
        assert resolve(document, reference) is not None
    served = {
        (method, re.sub(r"<(?:[^<>:]*:)?(\w+)>", r"{\1}", rule.rule))
        for rule in world.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith(API)
    }
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert served == described
    ids = [o["operationId"] for methods in document["paths"].values() for o in methods.values()]
    assert len(ids) == len(set(ids))
    assert document["components"]["securitySchemes"]["bearerAuth"]["scheme"] == "bearer"
    assert document["security"] == [{"bearerAuth": []}]


async def test_every_operation_says_what_it_takes_gives_and_refuses(world: Any) -> None:
    document = (await world.request("GET", "/openapi.json")).json
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            where = f"{method} {path}"
            assert operation["summary"], where
            named = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"}
            assert named == set(re.findall(r"{(\w+)}", path)), where
            public = operation.get("security") == []
            assert public == path.startswith(f"{API}/auth/") or path.endswith("logout"), where
            responses = operation["responses"]
            assert ("401" in responses) or public, where
            for status, answer in responses.items():
                if int(status) >= 400:
                    schema = answer["content"]["application/problem+json"]["schema"]
                    assert schema == {"$ref": "#/components/schemas/Problem"}, where
                elif status != "204":
                    assert "application/json" in answer["content"], where
            if "requestBody" in operation:
                assert {"400", "413", "415", "422"} <= set(responses), where
    query = {p["name"]: p for p in document["paths"][f"{API}/chats"]["get"]["parameters"]}
    assert query["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
    assert query["cursor"]["required"] is False
    create = document["paths"][f"{API}/chats"]["post"]
    body = create["requestBody"]["content"]["application/json"]["schema"]
    assert body["discriminator"]["propertyName"] == "type"
    assert {"200", "201"} <= set(create["responses"])


async def test_answers_have_the_documented_shape(world: Any) -> None:
    document = (await world.request("GET", "/openapi.json")).json
    ada, bob = await world.account("Ada"), await world.account("Bob")
    chat = (await ada("POST", f"{API}/chats", {"type": "direct", "user_id": bob.id})).json
    group = (await ada("POST", f"{API}/chats", {"type": "group", "title": "x"})).json
    link = (await ada("POST", f"{API}/chats/{group['id']}/invites")).json
    text = {"client_id": "c", "type": "text", "content": {"text": "x"}}
    await ada("POST", f"{API}/chats/{chat['id']}/messages", text)
    story = (await ada("POST", f"{API}/stories", {"type": "text", "content": {"text": "x"}})).json
    await bob("PUT", f"{API}/stories/{story['id']}/view")
    await ada("PUT", f"{API}/users/{bob.id}/block")
    for method, path, real in (
        ("get", "/users/me", "/users/me"),
        ("get", "/users", f"/users?id={bob.id}&id={ada.id}"),
        ("get", "/users/{user_id}", f"/users/{bob.id}"),
        ("get", "/devices", "/devices"),
        ("get", "/users/me/blocks", "/users/me/blocks"),
        ("get", "/chats", "/chats"),
        ("get", "/chats/{chat_id}", f"/chats/{chat['id']}"),
        ("get", "/chats/{chat_id}/invites", f"/chats/{group['id']}/invites"),
        ("get", "/invites/{token}", f"/invites/{link['token']}"),
        ("get", "/chats/{chat_id}/members", f"/chats/{chat['id']}/members"),
        ("get", "/chats/{chat_id}/messages", f"/chats/{chat['id']}/messages"),
        ("get", "/stories", "/stories"),
        ("get", "/stories/{story_id}/views", f"/stories/{story['id']}/views"),
    ):
        reply = await ada(method.upper(), API + real)
        answer = document["paths"][API + path][method]["responses"][str(reply.status)]
        matches(reply.json, answer["content"]["application/json"]["schema"], document, path)


def matches(value: Any, schema: Any, document: Any, where: str) -> None:
    """The part of JSON Schema that these documents use."""
    if "$ref" in schema:
        schema = resolve(document, schema["$ref"])
    if "anyOf" in schema:
        failures = []
        for each in schema["anyOf"]:
            try:
                return matches(value, each, document, where)
            except AssertionError as error:
                failures.append(error)
        raise AssertionError(f"{where}: {failures}")
    if "enum" in schema:
        assert value in schema["enum"], where
        return None
    if "maxProperties" in schema:
        assert len(value) <= schema["maxProperties"], where
    kinds: dict[str, Any] = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool, "null": type(None), "number": (int, float)}  # fmt: skip
    if "type" in schema:
        assert isinstance(value, kinds[schema["type"]]), (where, value, schema)
    if isinstance(value, dict) and "properties" in schema:
        assert set(schema.get("required", ())) <= set(value), where
        assert set(value) <= set(schema["properties"]), (where, set(value) - set(schema["properties"]))
        for name, each in value.items():
            matches(each, schema["properties"][name], document, f"{where}.{name}")
    if isinstance(value, list):
        for index, each in enumerate(value):
            matches(each, schema["items"], document, f"{where}[{index}]")
    return None


async def test_the_asyncapi_document_is_whole(world: Any) -> None:
    document = (await world.request("GET", "/asyncapi.json")).json
    assert document["asyncapi"] == "3.0.0"
    for reference in references(document):
        assert resolve(document, reference) is not None
    for operation in document["operations"].values():
        channel = resolve(document, operation["channel"]["$ref"])
        for message in operation["messages"]:
            assert message["$ref"].rpartition("/")[2] in channel["messages"]
    addresses = {channel["address"] for channel in document["channels"].values()}
    assert addresses == {"me", "chat:{chat_id}"}
    names = {message["name"] for message in document["components"]["messages"].values()}
    assert {"phx_join", "message:send", "message:edit", "message:delete", "message:delivered", "message:read", "typing"} <= names  # fmt: skip
    assert {"MESSAGE_SENT", "CHAT_CREATED", "MEMBER_CHANGED", "SERVER_DRAINING", "TYPING", "presence_state"} <= names  # fmt: skip


async def test_the_asyncapi_document_has_every_push_that_the_socket_serves(world: Any) -> None:
    from handlers.sessions.me import MeTopic

    described = {pushed.event for pushed in PUSHES if pushed.channel == "me"}
    assert described == {"phx_join", "phx_leave", *MeTopic.pushes}


async def test_the_page_shows_everything_and_loads_nothing_from_elsewhere(world: Any) -> None:
    page = await world.request("GET", "/docs")
    html = page.raw.decode()
    assert page.content_type.startswith("text/html")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "<script" not in html
    assert not re.search(r"(?:href|src)=['\"]?(?:https?:)?//", html)
    document = (await world.request("GET", "/openapi.json")).json
    for path in document["paths"]:
        assert path in html
    assert set(re.findall(r"href=#type-(\w+)", html)) <= set(re.findall(r"id=type-(\w+)", html))
    style = re.search(r"<link rel=stylesheet href=(\S+?)>", html)
    assert style is not None
    assert (await world.request("GET", style[1])).content_type.startswith("text/css")


async def test_documents_are_json(world: Any) -> None:
    for path in ("/openapi.json", "/asyncapi.json", "/.well-known/jwks.json", "/readyz"):
        reply = await world.request("GET", path)
        assert reply.content_type == "application/json"
        msgspec.json.decode(reply.raw)


# -- what the socket really sends ----------------------------------------------------------------------------------


async def test_every_frame_that_a_socket_gets_is_described(open_world: Any, make_scene: Any) -> None:
    """Everything is done once, on two nodes; whatever then comes over the sockets has to be in the document."""
    async with open_world() as one, open_world(node="n2", record=one.record, broker=one.broker) as other:
        document = (await one.request("GET", "/asyncapi.json")).json
        scene = await make_scene(one)
        here = await scene.ada.connect()
        there = await type(here).open(other, scene.bob.token)
        for socket in (here, there):
            assert (await socket("me", "phx_join"))["status"] == "ok"
            assert (await socket(f"chat:{scene.chat_id}", "phx_join"))["status"] == "ok"
        await one.core.stores.backlog.add([("a chat that is gone", queued(scene.ada.id))], most=1)
        await live(scene, here, there)
        await trio.sleep(5)
        seen: set[tuple[str, str]] = set()
        for socket in (here, there):
            seen |= {described(frame, socket.asked, document) for frame in socket.frames}
        # Sent by the endpoint when the node goes down, and when something has crashed.
        elsewhere = {("me", "SERVER_DRAINING"), ("me", "phx_error"), ("chat", "phx_error")}
        assert (
            seen - {("me", "phx_reply"), ("chat", "phx_reply")}
            == {(sent.channel, sent.event) for sent in EVENTS} - elsewhere
        )
        shapes = {event: set(payload) for socket in (here, there) for event, payload in socket.events("me")}
        for event, fields in CONTRACT.items():
            assert shapes[event] == fields, event
        asked = {(topic.partition(":")[0], event) for topic, event in here.asked.values()}
        assert asked - {("me", "nothing")} == {(pushed.channel, pushed.event) for pushed in PUSHES}


def queued(user_id: str) -> bytes:
    """A message of the user's, as the retry queue keeps it."""
    fields: dict[str, Any] = {"type": MessageType.TEXT, "content": {"text": "x"}}
    return pack_send(Send(user_id, 0, 0, id="i", client_id="q1", media_id=None, reply_to=None, **fields))


CONTRACT = {
    "MESSAGE_SENT": {"message"},
    "MESSAGE_EDITED": {"message"},
    "MESSAGE_DELETED": {"message"},
    "MESSAGE_DELIVERED": {"chat_id", "user_id", "seq"},
    "MESSAGE_READ": {"chat_id", "user_id", "seq"},
    "CHAT_CREATED": {"chat"},
    "MESSAGE_RECEIPTS": {"chat_id", "seq", "delivered", "read", "of"},
    "USER_CONNECTED": {"user_id"},
    "USER_DISCONNECTED": {"user_id", "last_seen"},
    "STORY_CREATED": {"story"},
    "STORY_VIEWED": {"story_id", "user_id", "at"},
    "STORY_EXPIRED": {"story_id", "user_id"},
}


async def live(scene: Any, here: Any, there: Any) -> None:
    """Whatever people do."""
    chat = {"chat_id": scene.chat_id}
    text = {"type": "text", "content": {"text": "hello"}}
    place = {"lat": 1, "lng": 2.5, "accuracy": 3, "live_until": "2026-01-01T02:00:00+01:00"}
    image = {
        "type": "image",
        "media_id": await scene.ada.upload(),
        "content": {"width": 1, "height": 2, "thumbnail": "AAAA"},
    }
    pushes: list[tuple[str, Any]] = [
        ("message:send", {**chat, "client_id": "s1", **text, "reply_to": 1}),
        ("message:send", {**chat, "client_id": "s2", "type": "location", "content": place}),
        ("message:send", {**chat, "client_id": "s3", **image, "forwarded": True}),
        ("message:edit", {**chat, "seq": 3, "content": {"text": "better"}}),
        ("message:delete", {**chat, "seq": 3}),
        ("message:delivered", {**chat, "seq": 4}),
        ("message:read", {**chat, "seq": 5}),
    ]
    for event, payload in pushes:
        assert (await here("me", event, payload))["status"] == "ok", event
    assert (await here(f"chat:{scene.chat_id}", "typing", {"state": "start"}))["status"] == "ok"
    where = {"seq": 4, "lat": 3.5, "lng": -4, "accuracy": 5}
    assert (await here(f"chat:{scene.chat_id}", "location:update", where))["status"] == "ok"
    assert (await here(f"chat:{scene.chat_id}", "location:stop", {"seq": 4}))["status"] == "ok"
    for event, payload in (("message:send", {}), ("message:read", {**chat, "seq": "x"}), ("nothing", {})):
        assert (await here("me", event, payload))["status"] == "error"
    path = f"{API}/chats/{scene.chat_id}"
    await scene.ada("PATCH", path, {"title": "Renamed"})
    await scene.ada("PUT", f"{path}/members/{scene.bob.id}", {"role": "admin"})
    await scene.ada("PUT", f"{path}/members/{scene.eve.id}")
    await scene.ada("PUT", f"{path}/mute", {"until": "2027-01-01T00:00:00Z"})
    await scene.ada("DELETE", f"{path}/mute")
    await scene.ada("PUT", f"{path}/pin")
    await scene.ada("PATCH", f"{API}/users/me", {"status": "busy"})
    await scene.ada("PUT", f"{API}/users/{scene.eve.id}/block")
    await scene.ada("DELETE", f"{API}/users/{scene.eve.id}/block")
    await scene.bob("POST", f"{API}/chats", {"type": "direct", "user_id": scene.ada.id})
    await trio.sleep(1)
    channel = {"type": "channel", "title": "News", "member_ids": [scene.bob.id]}
    news = (await scene.ada("POST", f"{API}/chats", channel)).json["id"]
    await scene.ada("POST", f"{API}/chats/{news}/messages", {"client_id": "n1", **text})
    await there("me", "message:read", {"chat_id": news, "seq": 1})
    await trio.sleep(2)
    await scene.ada("PATCH", f"{API}/users/me", {"privacy": {"last_seen": "nobody"}})
    told = await scene.ada("POST", f"{API}/stories", {"type": "text", "content": {"text": "x"}})
    await scene.bob("PUT", f"{API}/stories/{told.json['id']}/view")
    await trio.sleep(1)
    await scene.ada("DELETE", f"{API}/stories/{told.json['id']}")
    await there(f"chat:{scene.chat_id}", "phx_leave")
    await scene.ada("DELETE", f"{path}/members/{scene.eve.id}")
    await trio.sleep(1)
    assert (await here(f"chat:{scene.chat_id}", "phx_leave"))["status"] == "ok"
    await scene.ada("DELETE", path)
    await trio.sleep(1)
    assert (await here("me", "phx_leave"))["status"] == "ok"


def described(frame: list[Any], asked: dict[str, tuple[str, str]], document: Any) -> tuple[str, str]:
    """Check a frame against the document; its channel and event."""
    _, ref, topic, event, payload = frame
    channel = topic.partition(":")[0]
    name = f"{channel}.{event}"
    if event == "phx_reply":
        name = f"{channel}.{asked[ref][1].replace(':', '_')}.ok" if payload["status"] == "ok" else "refused"
        payload = payload["response"]
    message = document["components"]["messages"].get(name)
    assert message is not None, f"{name} is not described"
    matches(payload, message["payload"], document, name)
    return channel, event
