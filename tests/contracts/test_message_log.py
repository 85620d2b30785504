"""`MessageLog`: what `persistence.ports` promises, in memory and in MongoDB."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import trio
from msgspec import structs

from persistence.errors import StoreUnavailable
from persistence.models import (
    Change,
    ChangesQuery,
    Conflict,
    Deletion,
    Edit,
    Head,
    LogEntry,
    LogWrite,
    Message,
    MessageType,
    Missing,
    Outcome,
    Repeat,
    Role,
    Skipped,
    Stored,
)
from persistence.ports import MessageLog
from tests.contracts.samples import AT, created, deleted, joins, leaves, new_id, renamed, text
from tests.contracts.world import World


def kinds(outcomes: Sequence[Outcome]) -> list[type[Outcome]]:
    return [type(outcome) for outcome in outcomes]


async def store(log: MessageLog, *writes: LogWrite) -> None:
    """Append what must be stored."""
    outcomes = await log.append(writes)
    assert kinds(outcomes) == [Stored] * len(writes)


async def everything(log: MessageLog, chat_id: str, after_rev: int = 0) -> list[LogEntry]:
    (entries,) = await log.changes([ChangesQuery(chat_id=chat_id, after_rev=after_rev, limit=10_000)])
    return entries


async def messages_of(log: MessageLog, chat_id: str) -> list[Message]:
    return await log.page(chat_id, before_seq=None, after_seq=None, limit=10_000)


def edit(chat_id: str, seq: int, rev: int, words: str = "changed", at: int = AT) -> Edit:
    return Edit(chat_id=chat_id, seq=seq, rev=rev, content={"text": words}, at=at)


def deletion(chat_id: str, seq: int, rev: int, at: int = AT) -> Deletion:
    return Deletion(chat_id=chat_id, seq=seq, rev=rev, at=at)


# -- append: outcomes ------------------------------------------------------------------------------------------------


async def test_a_stored_message_is_read_back_by_every_node_as_it_was_written(world: World) -> None:
    (chat_id,) = await created(world.one.chats)
    plain = text(chat_id, 1)
    full = text(
        chat_id,
        2,
        type=MessageType.IMAGE,
        content={"width": 3, "height": 4, "caption": "Zoë 👩‍👩‍👧", "nested": {"$a.b": [1, 2.5, None, True]}},
        media_id="picture",
        reply_to=1,
        forwarded=True,
    )
    await store(world.one.log, plain, full)
    assert await messages_of(world.two.log, chat_id) == [plain, full]
    assert await world.two.log.get(chat_id, 2) == full


async def test_a_batch_over_several_chats_has_an_outcome_for_each_write_in_order(world: World) -> None:
    a, b, c = await created(world.one.chats, count=3)
    outcomes = await world.one.log.append(
        [text(a, 1), text(b, 1), text(a, 2), joins(c, 1, "eve"), text(b, 2), edit(a, 1, 3), text(c, 1, 2)]
    )
    assert kinds(outcomes) == [Stored] * 7
    assert await world.two.log.heads([a, b, c]) == {
        a: Head(seq=2, rev=3),
        b: Head(seq=2, rev=2),
        c: Head(seq=1, rev=2),
    }


async def test_an_empty_batch_has_no_outcomes(world: World) -> None:
    assert await world.one.log.append([]) == []


async def test_a_seq_or_rev_that_is_taken_is_a_conflict_and_writes_nothing(world: World) -> None:
    (chat_id,) = await created(world.one.chats)
    await store(world.one.log, text(chat_id, 1), joins(chat_id, 2, "eve"))
    before = await everything(world.one.log, chat_id)
    for loser in (
        text(chat_id, 1, 3),
        text(chat_id, 2, 1),
        text(chat_id, 2, 2),
        edit(chat_id, 1, 2),
        deletion(chat_id, 1, 1),
        joins(chat_id, 1, "dan"),
        joins(chat_id, 2, "dan"),
    ):
        assert await world.two.log.append([loser]) == [Conflict()], loser
    assert await everything(world.one.log, chat_id) == before
    assert await world.one.chats.member(chat_id, "dan") is None


async def test_after_a_write_that_is_not_stored_the_later_ones_of_its_chat_are_skipped(world: World) -> None:
    a, b, c, d = await created(world.one.chats, count=4)
    repeated = text(b, 1, client_id="same")
    await store(world.one.log, text(a, 1), repeated)
    outcomes = await world.one.log.append(
        [
            text(a, 1),
            text(d, 1),
            text(a, 2),
            text(b, 2, client_id="same"),
            text(b, 2),
            edit(c, 9, 1),
            edit(a, 1, 2),
            joins(a, 2, "eve"),
            text(c, 1),
            text(d, 2),
        ]
    )
    assert outcomes == [
        Conflict(),
        Stored(),
        Skipped(),
        Repeat(message=repeated),
        Skipped(),
        Missing(),
        Skipped(),
        Skipped(),
        Skipped(),
        Stored(),
    ]
    assert await world.one.log.heads([a, b, c, d]) == {
        a: Head(seq=1, rev=1),
        b: Head(seq=1, rev=1),
        c: Head(),
        d: Head(seq=2, rev=2),
    }
    assert await world.one.chats.member(a, "eve") is None


async def test_a_client_id_makes_one_message_for_ever(world: World) -> None:
    (chat_id,) = await created(world.one.chats)
    first = text(chat_id, 1, client_id="mine")
    await store(world.one.log, first)
    assert await world.two.log.append([text(chat_id, 2, client_id="mine")]) == [Repeat(message=first)]

    await store(world.one.log, edit(chat_id, 1, 2))
    edited = structs.replace(first, content={"text": "changed"}, rev=2, edited_at=AT)
    assert await world.two.log.append([text(chat_id, 2, 3, client_id="mine")]) == [Repeat(message=edited)]

    await store(world.one.log, deletion(chat_id, 1, 3, at=AT + 1))
    gone = structs.replace(first, content={}, rev=3, edited_at=AT + 1, deleted=True)
    assert await world.two.log.append([text(chat_id, 2, 4, client_id="mine")]) == [Repeat(message=gone)]
    assert await messages_of(world.one.log, chat_id) == [gone]


async def test_a_client_id_is_its_senders_and_its_chats_own(world: World) -> None:
    a, b = await created(world.one.chats, count=2)
    mine, hers, elsewhere = (
        text(a, 1, sender="ann", client_id="x"),
        text(a, 2, sender="bob", client_id="x"),
        text(b, 1, sender="ann", client_id="x"),
    )
    await store(world.one.log, mine, hers, elsewhere)
    assert await world.two.log.find(a, "ann", "x") == mine
    assert await world.two.log.find(a, "bob", "x") == hers
    assert await world.two.log.find(b, "ann", "x") == elsewhere
    assert await world.two.log.find(b, "bob", "x") is None


async def test_a_client_id_twice_in_one_batch_makes_one_message(world: World) -> None:
    (chat_id,) = await created(world.one.chats)
    first = text(chat_id, 1, client_id="mine")
    outcomes = await world.one.log.append([first, text(chat_id, 2, client_id="mine"), text(chat_id, 3)])
    assert outcomes == [Stored(), Repeat(message=first), Skipped()]
    assert await messages_of(world.one.log, chat_id) == [first]


async def test_messages_of_some_types_are_found_without_the_others_and_those_that_are_deleted(
    world: World,
) -> None:
    chat_id, other = await created(world.one.chats, count=2)
    kinds = [MessageType.TEXT, MessageType.IMAGE, MessageType.LOCATION, MessageType.AUDIO]
    await store(world.one.log, *(text(chat_id, seq, type=kinds[seq % 4]) for seq in range(1, 13)))
    await store(world.one.log, text(other, 1, type=MessageType.IMAGE))
    log = world.two.log

    async def seqs(*types: MessageType, before: int | None = None, limit: int = 9) -> list[int]:
        return [m.seq for m in await log.of_types(chat_id, types, before_seq=before, limit=limit)]

    assert await seqs(MessageType.IMAGE) == [1, 5, 9]
    assert await seqs(MessageType.IMAGE, MessageType.AUDIO, limit=3) == [7, 9, 11]
    assert await seqs(MessageType.IMAGE, MessageType.AUDIO, limit=3, before=7) == [1, 3, 5]
    assert await seqs(MessageType.IMAGE, MessageType.AUDIO, limit=3, before=1) == []
    assert await seqs(MessageType.VIDEO) == []
    await store(world.one.log, deletion(chat_id, 5, 13), edit(chat_id, 9, 14, at=AT + 1))
    assert await seqs(MessageType.IMAGE) == [1, 9]
    (first,) = await log.of_types(chat_id, [MessageType.IMAGE], before_seq=5, limit=1)
    assert first == await log.get(chat_id, 1)


async def test_an_edit_changes_the_content_and_moves_the_message_to_its_rev(world: World) -> None:
    (chat_id,) = await created(world.one.chats)
    message = text(chat_id, 1, reply_to=7, forwarded=True)
    await store(world.one.log, message, text(chat_id, 2))
    after = structs.replace(message, content={"text": "better"}, rev=3, edited_at=AT + 9)
    outcomes = await world.two.log.append([edit(chat_id, 1, 3, "better", AT + 9)])
    assert outcomes == [Stored(message=after)]
    assert await world.one.log.get(chat_id, 1) == after


async def test_a_deleted_message_keeps_its_place_without_content(world: World) -> None:
    (chat_id,) = await created(world.one.chats)
    message = text(chat_id, 1, type=MessageType.IMAGE, media_id="picture")
    await store(world.one.log, message)
    after = structs.replace(message, content={}, media_id=None, rev=2, edited_at=AT, deleted=True)
    assert await world.two.log.append([deletion(chat_id, 1, 2)]) == [Stored(message=after)]
    assert await messages_of(world.one.log, chat_id) == [after]


async def test_what_is_not_there_or_deleted_cannot_be_edited_or_deleted(world: World) -> None:
    (chat_id,) = await created(world.one.chats)
    assert await world.one.log.append([edit(chat_id, 1, 1)]) == [Missing()]
    assert await world.one.log.append([deletion(chat_id, 1, 1)]) == [Missing()]
    await store(world.one.log, text(chat_id, 1), deletion(chat_id, 1, 2))
    before = await everything(world.one.log, chat_id)
    assert await world.one.log.append([edit(chat_id, 1, 3)]) == [Missing()]
    assert await world.one.log.append([deletion(chat_id, 1, 3, at=AT + 1)]) == [Missing()]
    assert await everything(world.one.log, chat_id) == before
    assert await world.one.log.heads([chat_id]) == {chat_id: Head(seq=1, rev=2)}


async def test_a_rev_that_was_ever_taken_stays_taken(world: World) -> None:
    (chat_id,) = await created(world.one.chats)
    await store(world.one.log, text(chat_id, 1), edit(chat_id, 1, 2), deletion(chat_id, 1, 3))
    for rev in (1, 2, 3):
        assert await world.two.log.append([text(chat_id, 2, rev)]) == [Conflict()]
        assert await world.two.log.append([renamed(chat_id, rev, "late")]) == [Conflict()]
    await store(world.two.log, text(chat_id, 2, 4))


# -- append: changes and their effects -------------------------------------------------------------------------------


async def test_who_joins_is_a_member_for_whom_what_was_before_is_read(world: World) -> None:
    (chat_id,) = await created(world.one.chats)
    await store(
        world.one.log, text(chat_id, 1), text(chat_id, 2), joins(chat_id, 3, "eve", Role.ADMIN, AT + 5)
    )
    eve = await world.two.chats.member(chat_id, "eve")
    assert eve is not None
    assert (eve.role, eve.joined_at, eve.updated_at) == (Role.ADMIN, AT + 5, AT + 5)
    assert (eve.joined_seq, eve.delivered_seq, eve.read_seq) == (2, 2, 2)


async def test_a_new_role_changes_nothing_else_of_a_member(world: World) -> None:
    (chat_id,) = await created(world.one.chats)
    before = await world.one.chats.member(chat_id, "bob")
    assert before is not None
    await store(world.one.log, text(chat_id, 1), joins(chat_id, 2, "bob", Role.ADMIN, AT + 5))
    assert await world.two.chats.member(chat_id, "bob") == structs.replace(
        before, role=Role.ADMIN, updated_at=AT + 5
    )


async def test_who_leaves_is_no_member_and_starts_anew_when_coming_back(world: World) -> None:
    (chat_id,) = await created(world.one.chats)
    await store(world.one.log, leaves(chat_id, 1, "bob"), leaves(chat_id, 2, "nobody"))
    assert await world.two.chats.member(chat_id, "bob") is None
    await store(world.one.log, text(chat_id, 1, 3), joins(chat_id, 4, "bob", at=AT + 9))
    bob = await world.two.chats.member(chat_id, "bob")
    assert bob is not None
    assert (bob.joined_at, bob.joined_seq, bob.read_seq) == (AT + 9, 1, 1)


async def test_a_chat_is_renamed_and_deleted_by_its_log(world: World) -> None:
    (chat_id,) = await created(world.one.chats)
    await store(world.one.log, renamed(chat_id, 1, "Lunch"))
    assert (await world.two.chats.get_many([chat_id]))[chat_id].title == "Lunch"
    await store(world.one.log, deleted(chat_id, 2))
    found = (await world.two.chats.get_many([chat_id]))[chat_id]
    assert (found.title, found.deleted) == ("Lunch", True)


async def test_every_change_is_read_back_as_it_was_written(world: World) -> None:
    (chat_id,) = await created(world.one.chats)
    changes: list[Change] = [
        joins(chat_id, 1, "eve", Role.ADMIN),
        leaves(chat_id, 2, "eve"),
        renamed(chat_id, 3, "Lunch"),
        deleted(chat_id, 4),
    ]
    await store(world.one.log, *changes)
    assert await everything(world.two.log, chat_id) == changes


# -- append: repeating -----------------------------------------------------------------------------------------------


async def test_a_batch_whose_reply_was_lost_is_stored_once_after_repeating(world: World) -> None:
    a, b = await created(world.one.chats, count=2)
    batch: list[LogWrite] = [text(a, 1), text(b, 1), text(a, 2), text(b, 2), text(a, 3)]
    async with world.losing_replies() as node:
        with pytest.raises(StoreUnavailable):
            await node.log.append(batch)
    assert kinds(await world.one.log.append(batch)) == [Stored] * 5
    assert await everything(world.two.log, a) == [batch[0], batch[2], batch[4]]
    assert await everything(world.two.log, b) == [batch[1], batch[3]]


@pytest.mark.parametrize("what", ["edit", "deletion", "joins", "renamed"])
async def test_a_change_whose_reply_was_lost_is_stored_once_after_repeating(world: World, what: str) -> None:
    (chat_id,) = await created(world.one.chats)
    await store(world.one.log, text(chat_id, 1))
    writes: dict[str, LogWrite] = {
        "edit": edit(chat_id, 1, 2),
        "deletion": deletion(chat_id, 1, 2),
        "joins": joins(chat_id, 2, "eve"),
        "renamed": renamed(chat_id, 2, "Lunch"),
    }
    async with world.losing_replies() as node:
        with pytest.raises(StoreUnavailable):
            await node.log.append([writes[what]])
    assert kinds(await world.one.log.append([writes[what]])) == [Stored]
    assert await world.two.log.heads([chat_id]) == {chat_id: Head(seq=1, rev=2)}
    assert len(await everything(world.two.log, chat_id, after_rev=1)) == 1


async def test_a_batch_of_which_a_part_was_written_is_completed_by_repeating(world: World) -> None:
    chats = await created(world.one.chats, count=3)
    batch = [text(chat_id, seq) for seq in range(1, 5) for chat_id in chats]
    for chat_id, count in zip(chats, (0, 2, 4), strict=True):
        await store(world.one.log, *[m for m in batch if m.chat_id == chat_id][:count])
    assert kinds(await world.two.log.append(batch)) == [Stored] * len(batch)
    for chat_id in chats:
        assert await messages_of(world.one.log, chat_id) == [m for m in batch if m.chat_id == chat_id]


async def test_a_repeated_message_that_has_changed_meanwhile_is_a_repeat_as_it_is_now(world: World) -> None:
    (chat_id,) = await created(world.one.chats)
    message = text(chat_id, 1)
    await store(world.one.log, message)
    await store(world.two.log, edit(chat_id, 1, 2))
    (outcome,) = await world.one.log.append([message])
    assert outcome == Repeat(
        message=structs.replace(message, content={"text": "changed"}, rev=2, edited_at=AT)
    )


async def test_an_equal_rev_and_time_does_not_make_another_edit_a_repetition(world: World) -> None:
    (chat_id,) = await created(world.one.chats)
    await store(world.one.log, text(chat_id, 1), edit(chat_id, 1, 2, "mine"))
    assert await world.two.log.append([edit(chat_id, 1, 2, "hers")]) == [Conflict()]
    assert await world.two.log.append([deletion(chat_id, 1, 2)]) == [Conflict()]


async def test_another_change_at_the_same_rev_is_no_repetition(world: World) -> None:
    (chat_id,) = await created(world.one.chats)
    await store(world.one.log, joins(chat_id, 1, "eve"))
    assert await world.one.log.append([joins(chat_id, 1, "eve")]) == [Stored()]
    assert await world.two.log.append([joins(chat_id, 1, "eve", Role.ADMIN)]) == [Conflict()]
    assert await world.two.log.append([leaves(chat_id, 1, "eve")]) == [Conflict()]


# -- append: races ---------------------------------------------------------------------------------------------------


async def append_until_stored(log: MessageLog, chat_id: str, sender: str, client_ids: list[str]) -> None:
    """As a router does: number what waits after the head, and number it again when somebody was faster."""
    waiting = list(client_ids)
    while waiting:
        head = (await log.heads([chat_id]))[chat_id]
        batch = [
            text(chat_id, head.seq + n, head.rev + n, sender=sender, client_id=client_id)
            for n, client_id in enumerate(waiting[:5], 1)
        ]
        outcomes = await log.append(batch)
        waiting = [
            m.client_id for m, o in zip(batch, outcomes, strict=True) if type(o) is not Stored
        ] + waiting[5:]
        assert all(type(outcome) in (Stored, Conflict, Skipped) for outcome in outcomes)


async def test_concurrent_writers_make_one_dense_order_without_hole_or_repeat(world: World) -> None:
    chats = await created(world.one.chats, count=3)
    mine: dict[tuple[str, str], list[str]] = {}
    async with trio.open_nursery() as nursery:
        for chat_id in chats:
            for number, node in enumerate((world.one, world.two, world.one, world.two)):
                sender = f"sender-{number}"
                mine[chat_id, sender] = [f"{n:03}" for n in range(20)]
                nursery.start_soon(append_until_stored, node.log, chat_id, sender, mine[chat_id, sender])
    for chat_id in chats:
        messages = await messages_of(world.two.log, chat_id)
        assert [m.seq for m in messages] == list(range(1, 81))
        assert [m.rev for m in messages] == list(range(1, 81))
        for number in range(4):
            sender = f"sender-{number}"
            assert [m.client_id for m in messages if m.sender_id == sender] == mine[chat_id, sender]


async def test_one_client_id_sent_on_two_nodes_at_once_makes_one_message(world: World) -> None:
    (chat_id,) = await created(world.one.chats)
    answers: list[Message] = []

    async def send(node_number: int) -> None:
        log = (world.one, world.two)[node_number % 2].log
        while True:
            head = (await log.heads([chat_id]))[chat_id]
            message = text(chat_id, head.seq + 1, head.rev + 1, client_id="mine")
            (outcome,) = await log.append([message])
            if type(outcome) is Stored:
                answers.append(message)
                return
            if type(outcome) is Repeat:
                answers.append(outcome.message)
                return
            assert outcome == Conflict()

    async with trio.open_nursery() as nursery:
        for number in range(6):
            nursery.start_soon(send, number)
    (message,) = await messages_of(world.one.log, chat_id)
    assert answers == [message] * 6


async def test_of_edits_changes_and_messages_for_one_rev_exactly_one_is_stored(world: World) -> None:
    (chat_id,) = await created(world.one.chats)
    await store(world.one.log, text(chat_id, 1), text(chat_id, 2))
    for rev in range(3, 9):
        rivals: list[LogWrite] = [
            edit(chat_id, 1, rev, "mine"),
            edit(chat_id, 2, rev, "hers"),
            joins(chat_id, rev, f"user-{rev}"),
            renamed(chat_id, rev, f"title {rev}"),
            text(chat_id, 3 + rev, rev),
        ]
        outcomes: list[Outcome] = []

        async def race(number: int, rival: LogWrite, outcomes: list[Outcome]) -> None:
            outcomes += await (world.one, world.two)[number % 2].log.append([rival])

        async with trio.open_nursery() as nursery:
            for number, rival in enumerate(rivals):
                nursery.start_soon(race, number, rival, outcomes)
        assert sorted(kind.__name__ for kind in kinds(outcomes)) == ["Conflict"] * 4 + ["Stored"]
        assert (await world.one.log.heads([chat_id]))[chat_id].rev == rev


@pytest.mark.parametrize("what", ["message", "edit", "change"])
async def test_whoever_lost_a_race_sees_the_winner_at_once(world: World, what: str) -> None:
    (chat_id,) = await created(world.one.chats)
    await store(world.one.log, text(chat_id, 1))
    lost: list[bool] = []

    async def write(number: int, rev: int) -> None:
        log = (world.one, world.two)[number].log
        rivals: dict[str, LogWrite] = {
            "message": text(chat_id, rev),
            "edit": edit(chat_id, 1, rev, f"of {number}"),
            "change": renamed(chat_id, rev, f"of {number}"),
        }
        (outcome,) = await log.append([rivals[what]])
        if type(outcome) is Conflict:
            lost.append((await log.heads([chat_id]))[chat_id].rev >= rev)

    for rev in range(2, 22):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(write, 0, rev)
            nursery.start_soon(write, 1, rev)
    assert lost == [True] * 20


# -- reading ---------------------------------------------------------------------------------------------------------


async def test_heads_of_few_and_of_many_chats_tell_the_last_seq_and_rev(world: World) -> None:
    a, b, c, d = await created(world.one.chats, count=4)
    await store(world.one.log, text(a, 1), text(a, 2), edit(a, 1, 3))
    await store(world.one.log, joins(b, 1, "eve"))
    await store(world.one.log, text(c, 1), edit(c, 1, 2), leaves(c, 3, "bob"))
    heads = {a: Head(seq=2, rev=3), b: Head(seq=0, rev=1), c: Head(seq=1, rev=3), d: Head()}
    assert await world.two.log.heads([a, b, c, d]) == heads
    for chat_id, head in heads.items():
        assert await world.two.log.heads([chat_id]) == {chat_id: head}
    assert await world.two.log.heads([]) == {}


async def test_changes_give_each_entry_once_as_it_is_now_in_order_of_rev(world: World) -> None:
    (chat_id,) = await created(world.one.chats)
    first, second, third = text(chat_id, 1), text(chat_id, 2), text(chat_id, 4 - 1, 4)
    joined = joins(chat_id, 3, "eve")
    await store(world.one.log, first, second, joined, third, edit(chat_id, 1, 5), deletion(chat_id, 2, 6))
    await store(world.one.log, edit(chat_id, 1, 7, "again", AT + 2))
    now_first = structs.replace(first, content={"text": "again"}, rev=7, edited_at=AT + 2)
    now_second = structs.replace(second, content={}, rev=6, edited_at=AT, deleted=True)
    log = world.two.log
    assert await everything(log, chat_id) == [joined, third, now_second, now_first]
    assert await everything(log, chat_id, after_rev=4) == [now_second, now_first]
    assert await everything(log, chat_id, after_rev=7) == []
    assert await everything(log, new_id()) == []


async def test_changes_are_paged_by_rev_without_loss_or_repetition(world: World) -> None:
    (chat_id,) = await created(world.one.chats)
    await store(world.one.log, *[text(chat_id, seq) for seq in range(1, 8)])
    await store(world.one.log, edit(chat_id, 2, 8), edit(chat_id, 5, 9), renamed(chat_id, 10, "x"))
    whole = await everything(world.one.log, chat_id)
    for limit in (1, 2, 3, 100):
        paged: list[LogEntry] = []
        while True:
            after = paged[-1].rev if paged else 0
            (page,) = await world.two.log.changes(
                [ChangesQuery(chat_id=chat_id, after_rev=after, limit=limit)]
            )
            assert len(page) <= limit
            if not page:
                break
            paged += page
        assert paged == whole


async def test_changes_up_to_a_seq_leave_out_later_messages_and_keep_changes(world: World) -> None:
    (chat_id,) = await created(world.one.chats)
    first, second, joined = text(chat_id, 1), text(chat_id, 2), joins(chat_id, 3, "eve")
    await store(world.one.log, first, second, joined, edit(chat_id, 2, 4), edit(chat_id, 1, 5))
    now_first = structs.replace(first, content={"text": "changed"}, rev=5, edited_at=AT)
    query = ChangesQuery(chat_id=chat_id, after_rev=0, limit=10, upto_seq=1)
    assert await world.two.log.changes([query]) == [[joined, now_first]]
    assert await world.two.log.changes([structs.replace(query, upto_seq=0)]) == [[joined]]


async def test_several_queries_for_changes_are_answered_in_their_order(world: World) -> None:
    a, b, c = await created(world.one.chats, count=3)
    in_a, in_b = [text(a, 1), text(a, 2)], [text(b, 1)]
    await store(world.one.log, *in_a, *in_b)
    queries = [ChangesQuery(chat_id=chat_id, after_rev=0, limit=10) for chat_id in (b, c, a, b)]
    assert await world.two.log.changes(queries) == [in_b, [], in_a, in_b]
    assert await world.two.log.changes([]) == []


async def test_pages_of_history_ascend_and_end_where_asked(world: World) -> None:
    (chat_id,) = await created(world.one.chats)
    sent = [text(chat_id, seq, rev) for seq, rev in ((1, 1), (2, 2), (3, 4), (4, 5), (5, 6))]
    await store(world.one.log, *sent[:2], joins(chat_id, 3, "eve"), *sent[2:])

    async def page(before: int | None, after: int | None, limit: int) -> list[Message]:
        return await world.two.log.page(chat_id, before_seq=before, after_seq=after, limit=limit)

    assert await page(None, None, 2) == sent[3:]
    assert await page(4, None, 2) == sent[1:3]
    assert await page(2, None, 5) == sent[:1]
    assert await page(1, None, 5) == []
    assert await page(99, None, 5) == sent
    assert await page(None, 0, 2) == sent[:2]
    assert await page(None, 3, 5) == sent[3:]
    assert await page(None, 5, 5) == []
    assert await world.two.log.page(new_id(), before_seq=None, after_seq=None, limit=5) == []


async def test_a_message_is_got_by_its_seq(world: World) -> None:
    (chat_id,) = await created(world.one.chats)
    await store(world.one.log, joins(chat_id, 1, "eve"), only := text(chat_id, 1, 2))
    assert await world.two.log.get(chat_id, 1) == only
    for seq in (-1, 0, 2):
        assert await world.two.log.get(chat_id, seq) is None
    assert await world.two.log.get(new_id(), 1) is None


async def test_the_last_message_of_each_chat_counts_deleted_ones_and_not_changes(world: World) -> None:
    a, b, c, d = await created(world.one.chats, count=4)
    last_a, last_b = text(a, 2), text(b, 1)
    await store(world.one.log, text(a, 1), last_a, deletion(a, 2, 3), last_b, joins(b, 2, "eve"))
    await store(world.one.log, joins(c, 1, "eve"))
    last_a = structs.replace(last_a, content={}, rev=3, edited_at=AT, deleted=True)
    assert await world.two.log.last_messages([a, b, c, d]) == {a: last_a, b: last_b}
    assert await world.two.log.last_messages([b]) == {b: last_b}
    assert await world.two.log.last_messages([c]) == {}
    assert await world.two.log.last_messages([]) == {}


async def test_unread_counts_what_others_wrote_after_the_cursor_up_to_the_cap(world: World) -> None:
    a, b = await created(world.one.chats, count=2)
    await store(
        world.one.log,
        text(a, 1, sender="ann"),
        text(a, 2, sender="bob"),
        text(a, 3, sender="ann"),
        text(a, 4, sender="ann"),
        joins(a, 5, "eve"),
        text(a, 5, 6, sender="eve"),
        deletion(a, 4, 7),
    )
    queries = [(a, "bob", 0), (a, "bob", 1), (a, "ann", 0), (b, "bob", 0), (a, "bob", 5), (a, "eve", 2)]
    assert await world.two.log.unread(queries, cap=100) == [3, 2, 2, 0, 0, 1]
    assert await world.two.log.unread(queries, cap=2) == [2, 2, 2, 0, 0, 1]
    assert await world.two.log.unread([], cap=2) == []
