"""Where a message is, for operators: on two nodes, and on one that has forgotten."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio

from persistence.models import PushResult, PushTry

API = "/api/v1"
WORDS = "the treasure is under the oak"


class Pair:
    """Two nodes: Ada is connected to one, Bob to the other, and Eve to none. All three are in a group."""

    def __init__(self, one: Any, other: Any, scene: Any) -> None:
        self.one, self.other, self.scene = one, other, scene
        self.ada, self.bob, self.eve = scene.ada, scene.bob, scene.eve
        self.chat_id = ""

    async def set_up(self) -> Pair:
        body = {"type": "group", "title": "Three", "member_ids": [self.bob.id, self.eve.id]}
        self.chat_id = (await self.ada("POST", f"{API}/chats", body)).json["id"]
        for who, world in ((self.ada, self.one), (self.bob, self.other)):
            socket = await self.at(who, world).connect()
            assert (await socket("me", "phx_join", {"limit": 100}))["status"] == "ok"
        return self

    def at(self, who: Any, world: Any) -> Any:
        """The same person, at a node."""
        return type(who)(world, {**who.session, "access_token": who.token})

    async def send(self, client_id: str = "c1") -> int:
        body = {"client_id": client_id, "type": "text", "content": {"text": WORDS}}
        reply = await self.ada("POST", f"{API}/chats/{self.chat_id}/messages", body)
        assert reply.status == 201, reply.raw
        return int(reply.json["seq"])

    async def ask(self, seq: int, world: Any = None) -> dict[str, Any]:
        path = f"{API}/admin/chats/{self.chat_id}/messages/{seq}/trace"
        reply = await self.at(self.ada, world or self.one)("GET", path)
        assert reply.status == 200, reply.raw
        assert WORDS not in reply.raw.decode()
        return dict(reply.json)

    def cut(self, *, to: str | None) -> None:
        """Whatever goes to this node vanishes."""
        self.one.broker.lose = lambda _, reader: reader == to


@pytest.fixture
def open_pair(open_world: Any, make_scene: Any) -> Any:
    @asynccontextmanager
    async def opened() -> Any:
        async with open_world() as one, open_world(node="n2", record=one.record, broker=one.broker) as other:
            yield await Pair(one, other, await make_scene(one)).set_up()

    return opened


def by_user(shown: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {member["user_id"]: member for member in shown["members"]}


async def test_the_way_of_a_message_over_two_nodes(open_pair: Any) -> None:
    async with open_pair() as pair:
        seq = await pair.send()
        await trio.sleep(1)
        shown = await pair.ask(seq)
        message = pair.one.record.messages[pair.chat_id][seq]
        assert (shown["id"], shown["chat_id"], shown["seq"]) == (message.id, pair.chat_id, seq)
        assert (shown["client_id"], shown["sender_id"]) == ("c1", pair.ada.id)
        assert (shown["rev"], shown["deleted"], shown["complete"]) == (message.rev, False, True)
        assert shown["node"] == "n1"
        assert shown["accepted_at"] <= shown["durable_at"] <= shown["published_at"]
        ada = {"user_id": pair.ada.id, "device_id": pair.ada.device_id}
        bob = {"user_id": pair.bob.id, "device_id": pair.bob.device_id}
        common = {"answered": True, "in_use": True, "head_seq": seq, "reached": True, "device_count": 1}
        assert shown["nodes"] == [
            {"node": "n1", **common, "devices": [ada]},
            {"node": "n2", **common, "devices": [bob]},
        ]
        assert shown["member_count"] == 3
        assert {user_id: member["connected"] for user_id, member in by_user(shown).items()} == {
            pair.ada.id: True,
            pair.bob.id: True,
            pair.eve.id: False,
        }
        assert shown["push_tries"] == []
        assert await pair.ask(seq, pair.other) == shown


async def test_a_node_that_missed_it_has_not_come_so_far(open_pair: Any) -> None:
    async with open_pair() as pair:
        before = await pair.send("c1")
        await trio.sleep(1)
        pair.cut(to="n2")
        seq = await pair.send("c2")
        await trio.sleep(1)
        pair.cut(to=None)
        behind = (await pair.ask(seq))["nodes"][1]
        assert (behind["node"], behind["in_use"]) == ("n2", True)
        assert (behind["head_seq"], behind["reached"]) == (before, False)
        await trio.sleep(5)  # it has noticed, and reads what it missed
        assert (await pair.ask(seq))["nodes"][1]["reached"] is True


async def test_a_silent_node_is_named_and_nobody_is_said_to_be_away(open_pair: Any) -> None:
    async with open_pair() as pair:
        seq = await pair.send()
        pair.cut(to="n2")
        shown = await pair.ask(seq)
        assert [(node["node"], node["answered"]) for node in shown["nodes"]] == [("n1", True), ("n2", False)]
        members = by_user(shown)
        assert members[pair.ada.id]["connected"] is True
        assert members[pair.bob.id]["connected"] is None


async def test_what_the_bus_did_not_take_was_not_published(open_pair: Any) -> None:
    async with open_pair() as pair:
        pair.one.broker.faults.down = True
        lost = await pair.send("c1")
        await trio.sleep(1)
        alone = await pair.ask(lost)
        assert (alone["complete"], [node["node"] for node in alone["nodes"]]) == (False, ["n1"])
        pair.one.broker.faults.down = False
        await trio.sleep(1)
        seq = await pair.send("c2")
        await trio.sleep(1)
        shown = await pair.ask(lost)
        assert (shown["node"], shown["published_at"]) == ("n1", None)
        assert shown["durable_at"] is not None
        assert (await pair.ask(seq))["published_at"] is not None


async def test_a_chat_that_nobody_needs_on_a_node_is_not_in_use_there(
    open_pair: Any, open_world: Any
) -> None:
    async with open_pair() as pair:
        seq = await pair.send()
        async with open_world(node="n3", record=pair.one.record, broker=pair.one.broker):
            quiet = (await pair.ask(seq))["nodes"][2]
        assert (quiet["node"], quiet["answered"], quiet["in_use"]) == ("n3", True, False)
        assert (quiet["head_seq"], quiet["reached"], quiet["devices"]) == (None, False, [])


async def test_what_no_node_remembers_is_said_by_the_record_alone(open_world: Any, make_scene: Any) -> None:
    async with open_world() as gone:
        scene = await make_scene(gone)
        record = gone.record
    async with open_world(node="n9", record=record) as fresh:
        scene.ada.world = fresh
        path = f"{API}/admin/chats/{scene.chat_id}/messages/1/trace"
        shown = (await scene.ada("GET", path)).json
        assert (shown["node"], shown["durable_at"], shown["published_at"]) == (None, None, None)
        assert shown["sender_id"] == scene.ada.id


async def test_who_has_received_and_read_it_but_not_who_hides_that(open_pair: Any) -> None:
    async with open_pair() as pair:
        seq = await pair.send()
        path = f"{API}/chats/{pair.chat_id}/read"
        assert by_user(await pair.ask(seq))[pair.bob.id]["read"] is False
        await pair.eve("PATCH", f"{API}/users/me", {"privacy": {"read_receipts": False}})
        for who in (pair.bob, pair.eve):
            assert (await who("PUT", path, {"seq": seq})).status == 204
        await trio.sleep(5)
        members = by_user(await pair.ask(seq))
        assert [members[pair.bob.id][what] for what in ("delivered", "read")] == [True, True]
        assert [members[pair.eve.id][what] for what in ("delivered", "read")] == [True, None]
        await pair.eve("PATCH", f"{API}/users/me", {"privacy": {"read_receipts": True}})
        assert by_user(await pair.ask(seq))[pair.eve.id]["read"] is None  # she read it while she hid that


async def test_push_tries_are_shown_without_the_address(open_pair: Any) -> None:
    async with open_pair() as pair:
        seq = await pair.send()
        (subscription,) = pair.one.record.subscriptions.values()
        tried = {
            "chat_id": pair.chat_id, "first_seq": seq, "seq": seq, "user_id": pair.ada.id,
            "device_id": pair.ada.device_id, "at": 1_767_225_600_000,
        }  # fmt: skip
        await pair.one.core.stores.tries.note(
            [
                PushTry(id="t1", attempt=1, subscription_id=subscription.id, result=PushResult.AGAIN, status=503, reason="busy", **tried),
                PushTry(id="t2", attempt=2, subscription_id="not any more", result=PushResult.GONE, status=410, **tried),
            ]
        )  # fmt: skip
        shown = (await pair.ask(seq))["push_tries"]
        common = {
            "at": "2026-01-01T00:00:00.000Z",
            "user_id": pair.ada.id,
            "device_id": pair.ada.device_id,
        }
        assert shown == [
            {**common, "attempt": 1, "result": "again", "status": 503, "service": "push.example.org"},
            {**common, "attempt": 2, "result": "gone", "status": 410, "service": None},
        ]


async def test_a_deleted_message_has_a_way_too(open_pair: Any) -> None:
    async with open_pair() as pair:
        seq = await pair.send()
        assert (await pair.ada("DELETE", f"{API}/chats/{pair.chat_id}/messages/{seq}")).status == 200
        shown = await pair.ask(seq)
        assert (shown["deleted"], shown["node"]) == (True, "n1")


async def test_what_is_not_there_is_not_found(scene: Any) -> None:
    for chat_id, seq in ((scene.chat_id, "99"), ("nowhere", "1"), (scene.chat_id, "0"), (scene.chat_id, "x")):
        reply = await scene.ada("GET", f"{API}/admin/chats/{chat_id}/messages/{seq}/trace")
        assert (reply.status, reply.json["code"]) == (404, "not_found"), (chat_id, seq)


async def test_it_is_for_operators_and_in_the_audit_log_before_the_answer(scene: Any, world: Any) -> None:
    path = f"{API}/admin/chats/{scene.chat_id}/messages/1/trace"
    for who in (scene.bob, scene.eve):
        assert (await who("GET", path)).status == 403
    assert (await scene.ada("GET", path)).status == 200
    (read,) = [entry.note for entry in world.record.audit.values() if entry.note.action == "operator_read"]
    assert (read.actor_id, dict(read.about)) == (
        scene.ada.id,
        {"what": "trace", "chat_id": scene.chat_id, "seq": 1},
    )
    world.record.faults.down = True
    assert (await scene.ada("GET", path)).status == 503
