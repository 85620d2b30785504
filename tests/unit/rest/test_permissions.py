"""docs/permissions.md, walked over REST and over the socket; and that neither has a way around `handlers.policy`."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from handlers import policy
from handlers.policy import Action, Barrier
from persistence.models import ChatType, Invite, Message, MessageType, Role
from server.rest.asyncapi import PUSHES

API = "/api/v1"
NEW = {"client_id": "new", "type": "text", "content": {"text": "x"}}
EDIT = {"content": {"text": "x"}}


def page() -> Any:
    spec = importlib.util.spec_from_file_location("page", Path(__file__).parents[1] / "test_policy.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SIMPLE: Mapping[tuple[Action, ChatType, Role], bool] = page().SIMPLE
MEMBERS: Mapping[tuple[Action, Role | None, Role | None, Role], bool] = page().MEMBERS

BLOCKED: Mapping[tuple[Action, Barrier], bool] = page().BLOCKED

# What asks for which action. Message 1 is the actor's own, message 2 another's, message 3 the actor's live location, message 4 what the actor has forwarded.
REST: dict[str, tuple[str, str, Any, Action]] = {
    "get_chats_chat_id": ("GET", "", None, Action.VIEW),
    "patch_chats_chat_id": ("PATCH", "", {"title": "x"}, Action.UPDATE_CHAT),
    "delete_chats_chat_id": ("DELETE", "", None, Action.DELETE_CHAT),
    "get_chats_chat_id_members": ("GET", "/members", None, Action.LIST_MEMBERS),
    "delete_chats_chat_id_members_user_id": ("DELETE", "/members/{me}", None, Action.LEAVE),
    "put_chats_chat_id_pin": ("PUT", "/pin", None, Action.PIN),
    "delete_chats_chat_id_pin": ("DELETE", "/pin", None, Action.PIN),
    "put_chats_chat_id_mute": ("PUT", "/mute", None, Action.MUTE),
    "delete_chats_chat_id_mute": ("DELETE", "/mute", None, Action.MUTE),
    "get_chats_chat_id_messages": ("GET", "/messages", None, Action.READ_MESSAGES),
    "post_chats_chat_id_messages": ("POST", "/messages", NEW, Action.SEND),
    "patch_chats_chat_id_messages_seq": ("PATCH", "/messages/1", EDIT, Action.EDIT_OWN),
    "patch_chats_chat_id_messages_seq, another's": ("PATCH", "/messages/2", EDIT, Action.EDIT_OTHER),
    "patch_chats_chat_id_messages_seq, forwarded": ("PATCH", "/messages/4", EDIT, Action.EDIT_FORWARDED),
    "delete_chats_chat_id_messages_seq": ("DELETE", "/messages/1", None, Action.DELETE_OWN),
    "delete_chats_chat_id_messages_seq, another's": ("DELETE", "/messages/2", None, Action.DELETE_OTHER),
    "post_chats_chat_id_invites": ("POST", "/invites", {}, Action.INVITE),
    "get_chats_chat_id_invites": ("GET", "/invites", None, Action.INVITE),
    "delete_chats_chat_id_invites_invite_id": ("DELETE", "/invites/{invite}", None, Action.INVITE),
    "get_chats_chat_id_messages_seq_receipts": ("GET", "/messages/1/receipts", None, Action.RECEIPTS_OWN),
    "get_chats_chat_id_messages_seq_receipts, another's": (
        "GET",
        "/messages/2/receipts",
        None,
        Action.RECEIPTS_OTHER,
    ),
    "put_chats_chat_id_read": ("PUT", "/read", {"seq": 2}, Action.MARK_READ),
}
# Tested with `MEMBERS`, as it depends on whom it is about.
REST_MEMBERS = {"put_chats_chat_id_members_user_id", "delete_chats_chat_id_members_user_id"}
SOCKET: dict[str, tuple[str, dict[str, Any], Action]] = {
    "message:send": ("me", NEW, Action.SEND),
    "message:edit": ("me", {"seq": 1, **EDIT}, Action.EDIT_OWN),
    "message:edit, another's": ("me", {"seq": 2, **EDIT}, Action.EDIT_OTHER),
    "message:edit, forwarded": ("me", {"seq": 4, **EDIT}, Action.EDIT_FORWARDED),
    "message:delete": ("me", {"seq": 1}, Action.DELETE_OWN),
    "message:delete, another's": ("me", {"seq": 2}, Action.DELETE_OTHER),
    "message:delivered": ("me", {"seq": 2}, Action.MARK_READ),
    "message:read": ("me", {"seq": 2}, Action.MARK_READ),
    "phx_join": ("chat", {}, Action.OPEN_CHAT),
    "typing": ("chat", {"state": "start"}, Action.TYPING),
    "location:update": ("chat", {"seq": 3, "lat": 1, "lng": 2}, Action.SHARE_LOCATION),
    "location:stop": ("chat", {"seq": 3}, Action.SHARE_LOCATION),
}
PLACES = [(ChatType.DIRECT, Role.MEMBER), *product((ChatType.GROUP, ChatType.CHANNEL), Role)]


class Cast:
    """Who plays which role, and chats in which they do."""

    def __init__(self, world: Any) -> None:
        self.world = world

    async def arrive(self) -> Cast:
        accounts = [await self.world.account(name) for name in ("Olga", "Adam", "Mia", "Mob", "Eve")]
        self.owner, self.admin, self.member, self.other, self.stranger = accounts
        self.by_role = {Role.OWNER: self.owner, Role.ADMIN: self.admin, Role.MEMBER: self.member}
        return self

    async def chat(self, kind: ChatType, actor: Any) -> str:
        """A chat where everybody is what they are called; somebody else has written message 2, the actor the others."""
        if kind is ChatType.DIRECT:
            self.world.record.chats.clear()  # a pair has one chat only
            body = {"type": "direct", "user_id": self.other.id}
            made = await self.member("POST", f"{API}/chats", body)
        else:
            ids = [account.id for account in (self.admin, self.member, self.other)]
            body = {"type": kind.value, "title": "x", "member_ids": ids}
            made = await self.owner("POST", f"{API}/chats", body)
        assert made.status == 201, made.raw
        chat_id = str(made.json["id"])
        if kind is not ChatType.DIRECT:
            key = (chat_id, self.admin.id)
            row = self.world.record.members[key]
            self.world.record.members[key] = msgspec.structs.replace(row, role=Role.ADMIN)
        invite = Invite(id=chat_id, chat_id=chat_id, created_by="x", secret_hash=b"", created_at=0)
        await self.world.core.stores.invites.create(invite)
        log = self.world.core.stores.log
        place = {"lat": 0.0, "lng": 0.0, "live_until": "2026-01-02T00:00:00.000Z"}
        located = msgspec.structs.replace(
            _message(chat_id, 3, actor.id), type=MessageType.LOCATION, content=place
        )
        forwarded = msgspec.structs.replace(_message(chat_id, 4, actor.id), forwarded=True)
        others = [_message(chat_id, 1, actor.id), _message(chat_id, 2, self.other.id)]
        await log.append([*others, located, forwarded])
        return chat_id

    def set_role(self, chat_id: str, account: Any, role: Role) -> None:
        key = (chat_id, account.id)
        row = self.world.record.members[key]
        self.world.record.members[key] = msgspec.structs.replace(row, role=role)


def _message(chat_id: str, seq: int, sender_id: str) -> Message:
    return Message(
        id=f"{chat_id}{seq}",
        chat_id=chat_id,
        seq=seq,
        rev=seq,
        sender_id=sender_id,
        client_id=f"c{seq}",
        type=MessageType.TEXT,
        content={"text": "x"},
        created_at=0,
    )


async def rest(call: str, who: Any, chat_id: str) -> str:
    method, path, body, _ = REST[call]
    options = {} if body is None else {"json": body}
    reply = await who(method, f"{API}/chats/{chat_id}{path.format(me=who.id, invite=chat_id)}", **options)
    return "ok" if reply.status < 300 else str(reply.json["code"])


async def socket(call: str, who: Any, chat_id: str) -> str:
    topic, payload, _ = SOCKET[call]
    event = call.partition(",")[0]
    connection = await who.connect()
    if topic == "me":
        await connection("me", "phx_join", {"limit": 0})
        answer = await connection("me", event, {"chat_id": chat_id, **payload})
    else:
        name = f"chat:{chat_id}"
        answer = await connection(name, "phx_join")
        if event != "phx_join" and answer["status"] == "ok":
            answer = await connection(name, event, payload)
    who.world.core.sessions.sessions.closed(connection.session)
    return "ok" if answer["status"] == "ok" else str(answer["response"]["code"])


async def attempt(call: str, who: Any, chat_id: str) -> str:
    return await (rest if call in REST else socket)(call, who, chat_id)


def action_of(call: str) -> Action:
    return REST[call][3] if call in REST else SOCKET[call][2]


def test_every_call_about_a_chat_is_walked() -> None:
    walked = {name.partition(",")[0] for name in REST} | REST_MEMBERS
    described = {"message:" + name for name in ("send", "edit", "delete", "delivered", "read")} | {
        "typing",
        "location:update",
        "location:stop",
    }
    pushes = {pushed.event for pushed in PUSHES} - {"phx_join", "phx_leave"}
    assert pushes == described
    assert {name.partition(",")[0] for name in SOCKET} == pushes | {"phx_join"}
    assert {action_of(call) for call in (*REST, *SOCKET)} == {action for action, _, _ in SIMPLE}
    operators = {
        name for name in _names() if name.startswith("get_admin_")
    }  # not for what they are in a chat
    assert walked == {name for name in _names() - operators if "chat_id" in name}


def _names() -> set[str]:
    class Anything:
        def __getattr__(self, name: str) -> Any:
            return Anything()

        def __call__(self, *_: Any) -> Any:
            return Anything()

    from server.rest import admin, auth, blocks, chats, devices, invites, messages, stories, users

    services: Any = Anything()
    modules = (admin, auth, blocks, chats, devices, invites, messages, users, stories)
    return {operation.name for module in modules for operation in module.operations(services)}


@pytest.mark.parametrize("call", [*REST, *SOCKET])
async def test_each_call_is_allowed_to_whom_the_page_says(open_world: Any, call: str) -> None:
    async with open_world(max_members_group=10) as world:
        cast = await Cast(world).arrive()
        for kind, role in PLACES:
            actor = cast.by_role[role]
            chat_id = await cast.chat(kind, actor)
            expected = "ok" if SIMPLE[action_of(call), kind, role] else "forbidden"
            assert await attempt(call, actor, chat_id) == expected, (kind, role)
            chat_id = await cast.chat(kind, actor)
            assert await attempt(call, cast.stranger, chat_id) == "not_found", kind


@pytest.mark.parametrize("barrier", Barrier)
async def test_a_block_stops_what_the_page_says(open_world: Any, barrier: Barrier) -> None:
    """On the node that knows the chat from before, and on one that has yet to look at it."""
    async with (
        open_world() as world,
        open_world(node="n2", record=world.record, broker=world.broker) as other,
    ):
        cast = await Cast(world).arrive()
        actor, peer = cast.member, cast.other
        for call in (*REST, *SOCKET):
            world.record.blocks.clear()
            chat_id = await cast.chat(ChatType.DIRECT, actor)
            await actor("PUT", f"{API}/chats/{chat_id}/read", {"seq": 2})  # the room is made
            who, whom = (actor, peer) if barrier is Barrier.OWN else (peer, actor)
            assert (await who("PUT", f"{API}/users/{whom.id}/block")).status == 204
            plain = SIMPLE[action_of(call), ChatType.DIRECT, Role.MEMBER]
            expected = "ok" if BLOCKED.get((action_of(call), barrier), plain) else "forbidden"
            elsewhere = type(actor)(other, actor.session)
            assert await attempt(call, elsewhere, chat_id) == expected, call
            assert await attempt(call, actor, chat_id) in (expected, "not_found"), call


@pytest.mark.parametrize("kind", [ChatType.GROUP, ChatType.CHANNEL])
async def test_members_are_changed_by_whom_the_page_says(open_world: Any, kind: ChatType) -> None:
    async with open_world(max_members_group=10) as world:
        cast = await Cast(world).arrive()
        for (action, before, after, role), allowed in MEMBERS.items():
            if after is Role.OWNER:
                continue  # cannot be asked for
            actor = cast.by_role[role]
            chat_id = await cast.chat(kind, actor)
            target = cast.stranger if before is None else cast.other
            if before is not None:
                cast.set_role(chat_id, target, before)
            path = f"{API}/chats/{chat_id}/members/{target.id}"
            if action is Action.REMOVE_MEMBER:
                reply = await actor("DELETE", path)
            else:
                assert after is not None
                reply = await actor("PUT", path, {"role": after.value})
            # To make somebody what they are already changes nothing, so that whoever could add them may.
            allowed = allowed or (before is after and role is Role.ADMIN and after is Role.MEMBER)
            expected = (200, 201, 204) if allowed else (403,)
            assert reply.status in expected, (action, before, after, role, reply.raw)
            now = world.record.members.get((chat_id, target.id))
            assert (now.role if now else None) is (after if allowed else before)


def refuse_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = dict.fromkeys(Action, policy._NOBODY)
    monkeypatch.setattr(policy, "_NEEDS", dict.fromkeys(ChatType, nobody))


async def test_no_transport_has_a_way_around_the_policy(
    open_world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a policy that allows nothing, nothing about a chat can be seen or done, not even by its owner."""
    async with open_world(max_members_group=10) as world:
        cast = await Cast(world).arrive()
        chat_id = await cast.chat(ChatType.GROUP, cast.owner)
        connection = await cast.owner.connect()
        await connection("me", "phx_join")
        await connection(f"chat:{chat_id}", "phx_join")
        refuse_everything(monkeypatch)
        record = world.record
        before = repr((record.messages, record.changes, record.members, record.chats))
        for call in REST:
            assert await rest(call, cast.owner, chat_id) == "forbidden", call
        for target in (cast.other, cast.stranger):
            path = f"{API}/chats/{chat_id}/members/{target.id}"
            for role in ("admin", "member"):
                assert (await cast.owner("PUT", path, {"role": role})).status == 403
            assert (await cast.owner("DELETE", path)).status == 403
        for call in SOCKET:
            assert await socket(call, cast.owner, chat_id) == "forbidden", call
        answer = await connection(f"chat:{chat_id}", "typing", {"state": "start"})
        assert answer["response"]["code"] == "forbidden"
        assert repr((record.messages, record.changes, record.members, record.chats)) == before


async def test_a_chat_that_is_closed_is_closed_for_every_call(open_world: Any) -> None:
    async with open_world(max_members_group=10) as world:
        cast = await Cast(world).arrive()
        for call in (*REST, *SOCKET):
            chat_id = await cast.chat(ChatType.GROUP, cast.owner)
            connection = await cast.admin.connect()
            await connection("me", "phx_join", {"limit": 0})  # so that the node has the chat in use
            assert (await cast.owner("DELETE", f"{API}/chats/{chat_id}")).status == 204
            for account in (cast.owner, cast.admin, cast.stranger):
                assert await attempt(call, account, chat_id) == "not_found", (call, account.session["user"])


async def test_whoever_is_removed_meanwhile_is_judged_by_what_they_are_when_it_is_written(
    open_world: Any,
) -> None:
    async with open_world(max_members_group=10) as world:
        cast = await Cast(world).arrive()
        chat_id = await cast.chat(ChatType.GROUP, cast.owner)
        outcome: list[str] = []

        async def remove() -> None:
            path = f"{API}/chats/{chat_id}/members/{cast.member.id}"
            assert (await cast.owner("DELETE", path)).status == 204

        async def hook(step: str) -> None:
            if step == "append:before":
                world.record.faults.hook = None
                # While the removal is being written, its subject sends: accepted, but to be written after it.
                nursery.start_soon(send)
                await trio.sleep(0.01)

        async def send() -> None:
            outcome.append(await rest("post_chats_chat_id_messages", cast.member, chat_id))

        async with trio.open_nursery() as nursery:
            world.record.faults.hook = hook
            nursery.start_soon(remove)
        assert outcome == ["not_found"]
        assert len(world.record.messages[chat_id]) == 4
