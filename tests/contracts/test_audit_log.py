"""`AuditLog`, and the chain that nodes write into it: what `persistence.ports` promises, in memory and in MongoDB."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import trio
from msgspec import structs

from handlers.audit.chain import Verifier, link
from handlers.audit.writer import AuditWriter
from persistence.errors import StoreUnavailable
from persistence.models import AuditAction, AuditEntry, AuditNote, AuditQuery, Deletion, LogWrite
from tests.contracts.samples import AT, created, deleted, joins, leaves, new_id, renamed, text
from tests.contracts.world import Node, World


def note(note_id: str = "", **fields: object) -> AuditNote:
    plain = AuditNote(id=note_id or new_id(), at=AT, action=AuditAction.SIGNED_IN, actor_id="ann")
    return structs.replace(plain, **fields)


async def whole(node: Node) -> list[AuditEntry]:
    """Everything, if the chain is right."""
    verifier, entries = Verifier(), []
    while page := await node.audit.after(verifier.seq, 50):
        assert verifier.take(page), verifier.fault
        entries += page
    return entries


async def test_entries_are_numbered_linked_and_come_back_as_they_were(world: World) -> None:
    notes = [
        note(about={"user_id": "bob", "count": 3, "own": True, "zoë": "ü\u2028"}, address="::1"),
        note(device_id="d", action=AuditAction.OPERATOR_READ),
    ]
    await AuditWriter(world.one.audit).append(notes)
    entries = await whole(world.two)
    assert [entry.note for entry in entries] == notes
    assert [entry.seq for entry in entries] == [1, 2]
    assert await world.two.audit.head() == entries[-1]


async def test_an_empty_log_has_no_head(world: World) -> None:
    assert await world.one.audit.head() is None
    assert await world.one.audit.after(0, 10) == []
    assert await world.one.audit.append([]) == 0
    assert await world.one.audit.known([]) == set()


async def test_nobody_writes_at_a_place_that_is_taken(world: World) -> None:
    one, other = link([note(), note()], None), link([note()], None)
    assert await world.one.audit.append(one) == 2
    assert await world.two.audit.append(other) == 0
    assert await world.two.audit.after(0, 10) == one


async def test_a_note_is_in_the_log_once(world: World) -> None:
    twice = note()
    first = link([twice], None)
    assert await world.one.audit.append(first) == 1
    later = link([note(), twice, note()], first[0])
    assert await world.one.audit.append(later) == 1
    assert await world.one.audit.known([twice.id, "other"]) == {twice.id}
    await AuditWriter(world.two.audit).append([twice, note(), twice])
    assert [entry.note.id for entry in await whole(world.one)].count(twice.id) == 1


async def test_nodes_that_append_at_once_make_one_chain_with_everything_in_it(world: World) -> None:
    async def write(node: Node, batches: Sequence[Sequence[AuditNote]]) -> None:
        writer = AuditWriter(node.audit)
        for batch in batches:
            await writer.append(batch)

    batches = {
        name: [[note(f"{name}-{n}-{i}") for i in range(n % 4 + 1)] for n in range(15)] for name in "abc"
    }
    async with trio.open_nursery() as nursery:
        for name, node in (("a", world.one), ("b", world.two), ("c", world.two)):
            nursery.start_soon(write, node, batches[name])
    ids = [entry.note.id for entry in await whole(world.one)]
    for name, own in batches.items():
        assert [i for i in ids if i.startswith(name)] == [each.id for batch in own for each in batch]


async def test_a_batch_whose_reply_was_lost_is_there_once_after_repeating(world: World) -> None:
    notes = [note(), note(), note()]
    async with world.losing_replies() as node:
        writer = AuditWriter(node.audit)
        with pytest.raises(StoreUnavailable):
            await writer.append(notes)
    await AuditWriter(world.one.audit).append([*notes, note()])
    entries = await whole(world.two)
    assert [entry.note for entry in entries[:3]] == notes
    assert len(entries) == 4


async def test_pages_come_newest_first_by_what_they_are_about(world: World) -> None:
    notes = [
        note("1", at=AT + 1, about={"user_id": "bob", "chat_id": "c"}),
        note("2", at=AT + 3, actor_id="bob", action=AuditAction.SIGNED_OUT),
        note("3", at=AT + 2, about={"chat_id": "c"}),
        note("4", at=AT + 2, about={"user_id": "cat"}),
    ]
    await AuditWriter(world.one.audit).append(notes)

    async def ids(**query: object) -> list[str]:
        asked = structs.replace(AuditQuery(limit=10), **query)
        return [entry.note.id for entry in await world.two.audit.page(asked)]

    assert await ids() == ["2", "4", "3", "1"]
    assert await ids(limit=2) == ["2", "4"]
    assert await ids(before=(AT + 2, 4)) == ["3", "1"]
    assert await ids(action=AuditAction.SIGNED_OUT) == ["2"]
    assert await ids(actor_id="ann", chat_id="c") == ["3", "1"]
    assert await ids(user_id="bob") == ["1"]
    assert await ids(since=AT + 2) == ["2", "4", "3"]
    assert await ids(since=AT + 2, until=AT + 3, before=(AT + 2, 4)) == ["3"]
    assert await ids(action="what a newer version notes") == []


async def test_what_is_done_in_a_chat_leaves_its_note_with_it(world: World) -> None:
    (chat_id,) = await created(world.one.chats)
    gone = Deletion(chat_id=chat_id, seq=1, rev=6, at=AT + 9, actor_id="bob", device_id="d")
    writes: list[LogWrite] = [
        text(chat_id, 1, 1),
        joins(chat_id, 2, "cat"),
        renamed(chat_id, 3, "x"),
        leaves(chat_id, 4, "cat"),
        deleted(chat_id, 5),
        gone,
    ]
    await world.one.log.append(writes)
    await world.one.log.append(writes[-1:])  # as after a lost reply
    notes = await world.two.audit.pending(AT + 10, 10)
    assert [(each.id, each.action, each.actor_id) for each in notes] == [
        (f"{chat_id}#2", AuditAction.MEMBER_SET, "ann"),
        (f"{chat_id}#4", AuditAction.MEMBER_REMOVED, "ann"),
        (f"{chat_id}#5", AuditAction.CHAT_DELETED, "ann"),
        (f"{chat_id}#6", AuditAction.MESSAGE_DELETED, "bob"),
    ]
    assert notes[0].about == {"chat_id": chat_id, "user_id": "cat", "role": "member"}
    assert notes[-1] == AuditNote(
        id=f"{chat_id}#6",
        at=AT + 9,
        action=AuditAction.MESSAGE_DELETED,
        actor_id="bob",
        device_id="d",
        about={"chat_id": chat_id, "seq": 1, "user_id": "ann"},
    )
    assert [each.id for each in await world.two.audit.pending(AT + 9, 2)] == [notes[0].id, notes[1].id]
    await world.two.audit.settled([notes[0].id, "unknown"])
    assert [each.id for each in await world.one.audit.pending(AT + 9, 10)] == [n.id for n in notes[1:3]]


async def test_what_was_not_done_leaves_none(world: World) -> None:
    (chat_id,) = await created(world.one.chats)
    await world.one.log.append([text(chat_id, 1, 1), joins(chat_id, 2, "cat")])
    before = await world.one.audit.pending(AT + 10, 10)
    late = Deletion(chat_id=chat_id, seq=1, rev=2, at=AT, actor_id="ann")
    none = Deletion(chat_id=chat_id, seq=7, rev=3, at=AT, actor_id="ann")
    for write in (joins(chat_id, 2, "dan"), late, none):
        await world.two.log.append([write])
    assert await world.one.audit.pending(AT + 10, 10) == before
