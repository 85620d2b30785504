"""What must hold when everything has healed and settled, whatever happened before."""

from __future__ import annotations

from typing import Any

import msgspec
import trio

from handlers.audit.chain import Verifier
from handlers.chats.views import ChatViews
from handlers.nodes.events import NODES_TOPIC, PEER_TOPIC
from handlers.people.contacts import Contacts
from handlers.presence.sight import Sight
from handlers.wire import ChatView, message_view
from persistence.audited import audit_note
from persistence.backlog import RETRIES
from persistence.memory import MemoryBlocks, MemoryChats, MemoryLog, MemoryUsers
from persistence.models import AuditAction
from persistence.presence import LONGEST_GRACE_S
from tests.simulation.client import Client, Outgoing
from tests.simulation.world import ROUTER_IDLE_S, World

ANSWER_S = 5.0
"""Between queuing a message and telling its sender."""
LET_GO_S = ROUTER_IDLE_S * 2 + 75.0
"""Time in which a node lets go of what nobody needs."""
GONE_S = LONGEST_GRACE_S + 10.0
"""Time in which it is told that somebody has gone."""


def check_log(world: World) -> None:
    """Each chat's log is one: `seq` dense, `rev` unique, a `client_id` once."""
    for chat_id, messages in world.record.messages.items():
        assert sorted(messages) == list(range(1, len(messages) + 1)), f"seq of {chat_id}: {sorted(messages)}"
        assert all(seq == message.seq for seq, message in messages.items())
        sent = [(message.sender_id, message.client_id) for message in messages.values()]
        assert len(sent) == len(set(sent)), f"a message twice in {chat_id}"
        changes = world.record.changes.get(chat_id, {})
        now = [message.rev for message in messages.values()] + list(changes)
        assert len(now) == len(set(now)), f"a rev twice in {chat_id}"
        revs = world.record.revs[chat_id]
        assert revs == list(range(1, len(revs) + 1)), f"revs of {chat_id}: {revs}"


def check_acknowledged(world: World) -> None:
    """What was acknowledged is there, once, where the sender was told."""
    for client in world.clients:
        for outgoing in client.outbox.values():
            found = [
                message
                for message in world.record.messages.get(outgoing.chat_id, {}).values()
                if message.client_id == outgoing.client_id and message.sender_id == client.user_id
            ]
            assert len(found) <= 1, f"twice: {found}"
            if outgoing.message is not None:
                assert found, f"lost: {outgoing}"
                assert (found[0].id, found[0].seq) == (outgoing.message["id"], outgoing.message["seq"])
            else:
                assert outgoing.refused is not None, f"neither acknowledged nor refused: {outgoing}"


def check_audit(world: World) -> None:
    """The audit log is one chain, and holds once whatever was done in a chat's log."""
    record, verifier = world.record, Verifier()
    entries = [record.audit[seq] for seq in sorted(record.audit)]
    assert verifier.take(entries), verifier.fault
    ids = [entry.note.id for entry in entries]
    assert len(ids) == len(set(ids)), "a note twice"
    changes = [change for chat in record.changes.values() for change in chat.values()]
    owed = {note.id for change in changes if (note := audit_note(change, change)) is not None}
    assert owed <= set(ids), f"not in the audit log: {owed - set(ids)}"
    deletions = [entry.note.about for entry in entries if entry.note.action == AuditAction.MESSAGE_DELETED]
    for chat_id, messages in record.messages.items():
        for seq, message in messages.items():
            times = sum(about["chat_id"] == chat_id and about["seq"] == seq for about in deletions)
            assert times == message.deleted, f"deletion of {chat_id}/{seq}: {times} entries"
    assert not record.audit_pending, f"left: {list(record.audit_pending)}"


def check_order(world: World) -> None:
    """What one device sent to a chat on one connection, and was acknowledged or queued, is in its order: unless Redis lost what was queued."""
    for client in world.clients:
        last: dict[tuple[int, str], Outgoing] = {}
        for outgoing in client.outbox.values():
            if outgoing.first_answer is None or outgoing.message is None or _was_lost(world, outgoing):
                continue
            key = id(outgoing.first_answer[0]), outgoing.chat_id
            before = last.get(key)
            if before is not None and before.message is not None:
                assert before.message["seq"] < outgoing.message["seq"], f"{outgoing} overtook {before}"
            last[key] = outgoing


def _was_lost(world: World, outgoing: Outgoing) -> bool:
    queued = outgoing.queued
    return queued is not None and any(at > queued - ANSWER_S for at in world.broker.losses)


async def check_client(world: World, client: Client) -> None:
    """The client has what a fresh one would be given, and no more."""
    assert client.connected, f"{client} is not connected"
    assert client.idle, f"{client} waits for {list(client._waiting)}, pages {list(client._to_page)}"
    fresh = await fresh_chats(world, client.user_id)
    assert sorted(client.chats) == sorted(fresh), f"{client} is in other chats than it believes"
    for chat_id, view in fresh.items():
        chat = client.chats[chat_id]
        where = f"{client}, chat {chat_id}"
        messages = {
            seq: msgspec.to_builtins(message_view(message))
            for seq, message in world.record.messages.get(chat_id, {}).items()
        }
        assert _differences(chat.messages, messages) == {}, where
        assert chat.synced == view.rev, f"{where}: believes in rev {chat.synced} of {view.rev}"
        for name in ("title", "my_role", "pinned", "muted"):
            assert chat.view[name] == getattr(view, name), f"{where}: {name} is {chat.view[name]!r}"
        for cursor in view.cursors:
            there = [cursor.delivered_seq, cursor.read_seq]
            assert chat.cursors[cursor.user_id] == there, f"{where}: {chat.cursors} of {cursor}"
        members = [row for (chat, _), row in world.record.members.items() if chat == chat_id]
        assert chat.members == {row.user_id: row.role for row in members}, where
        for row in members:
            delivered, read = chat.cursors.get(row.user_id, (0, 0))
            assert delivered <= row.delivered_seq, f"{where}: {row.user_id} beyond the record"
            assert read <= row.read_seq, f"{where}: {row.user_id} beyond the record"


def _differences(have: dict[int, Any], want: dict[int, Any]) -> dict[int, Any]:
    return {
        seq: (have.get(seq), want.get(seq))
        for seq in sorted({*have, *want})
        if have.get(seq) != want.get(seq)
    }


async def fresh_chats(world: World, user_id: str) -> dict[str, ChatView]:
    """The user's chats, as a client that knows nothing is given them."""
    chats, log, users = MemoryChats(world.record), MemoryLog(world.record), MemoryUsers(world.record)
    rows = (await chats.memberships([user_id]))[user_id]
    views = await ChatViews(chats, log, users, world.living()[0].clock).for_member(rows)
    return {view.id: view for view in views}


def check_idle(world: World) -> None:
    """No node has anything left to do."""
    assert world.broker.backlog == {}
    assert len(world.broker.queue(RETRIES)) == 0
    for node in world.living():
        core = node.core
        assert not core.messages.commit.is_full(1)
        assert not core.receipts.receipts._pending
        assert not core.fanout._waiting
        for router in core.messages.routers.all():
            assert router.room.idle, f"{node.incarnation}: {router.room.chat.id} has commands left"
            assert not router.needs_task, f"{node.incarnation}: {router.room.chat.id} is behind"
            assert router.room.detour is None, f"{node.incarnation}: {router.room.chat.id} is on a detour"
            assert not router.room.keys, f"{node.incarnation}: {router.room.keys}"


def check_presence(world: World) -> None:
    """Whoever has a chat open sees exactly those who have it open, on whichever node."""
    for client in world.clients:
        for chat_id, opened in client.opened.items():
            there: dict[str, set[str]] = {}
            for other in world.clients:
                if chat_id in other.opened:
                    there.setdefault(other.user_id, set()).add(other.device_id)
            seen = {
                user_id: {meta["device_id"] for meta in metas.values()}
                for user_id, metas in opened.present.items()
            }
            assert seen == there, f"{client} sees {seen} in {chat_id}"
            assert all(len(metas) == len(seen[user_id]) for user_id, metas in opened.present.items())


async def check_contacts(world: World) -> None:
    """Each client shows exactly those contacts as online who are, as far as they show it."""
    chats, users = MemoryChats(world.record), MemoryUsers(world.record)
    contacts = Contacts(chats, MemoryBlocks(world.record))
    sight = Sight(users, chats, MemoryLog(world.record), contacts)
    connected = {client.user_id for client in world.clients if client.connected}
    for client in world.clients:
        if client.connected:
            others = await sight.users(await contacts.of(client.user_id))
            seen = await sight.seen_by(world.record.users[client.user_id], list(others.values()))
            assert client.online == seen & connected, f"{client} shows {client.online} of {seen & connected}"


async def check_departures(world: World) -> None:
    """The same when some have gone."""
    staying = world.clients[::2]
    for client in world.clients:
        if client not in staying:
            client.disconnect()
    await trio.sleep(GONE_S)
    await check_contacts(world)
    for user_id in {client.user_id for client in world.clients} - {client.user_id for client in staying}:
        assert world.record.users[user_id].last_seen is not None


def check_stories(world: World) -> None:
    """Everything that is due has been announced, and every location whose time is over has been ended, or is just being."""
    latest = max(node.clock() for node in world.living()) - 4000
    for kept in world.record.stories.values():
        assert kept.due_at > latest, f"not announced: {kept}"
    for view, due_at in world.record.story_views.values():
        assert due_at > latest, f"not announced: {view}"
    for position, due_at in world.broker.live.values():
        assert due_at > latest, f"not ended: {position}"


async def check_nothing_left(world: World) -> None:
    """When everybody has gone, nothing is kept for anybody."""
    for client in world.clients:
        client.disconnect()
    await trio.sleep(LET_GO_S)
    for node in world.living():
        core = node.core
        assert not core.hub.users
        assert not core.sessions.sessions._followed, (
            node.incarnation,
            core.sessions.sessions._followed,
            core.sessions.sessions._gone,
        )
        assert core.messages.routers.all() == [], (
            f"{node.incarnation}: {[r.room.chat.id for r in core.messages.routers.all()]}"
        )
        assert core.messages.partitions.count_children().specs == 0
    # What a dead node left, whose burier died too before it removed it, goes when somebody opens the chat.
    living = {node.incarnation for node in world.living()}
    assert [entry for entry in world.broker.open.values() if entry.node in living] == []
    interest = {
        topic: nodes
        for topic, nodes in world.broker.interest.items()
        if nodes and topic != NODES_TOPIC and not topic.startswith(PEER_TOPIC)
    }
    assert interest == {}
    present = world.broker.presence
    assert (present.devices, present.online, present.turns, present.telling, present.left) == (
        {}, {}, {}, set(), {},
    )  # fmt: skip


async def check_everything(world: World) -> None:
    """All of it, after `World.heal`."""
    check_log(world)
    check_acknowledged(world)
    check_audit(world)
    check_order(world)
    for client in world.clients:
        if not client.signed_out:
            await check_client(world, client)
    check_idle(world)
    check_presence(world)
    await check_contacts(world)
    await check_departures(world)
    check_stories(world)
    await check_nothing_left(world)
