"""`Chats`: what `persistence.ports` promises, in memory and in MongoDB."""

from __future__ import annotations

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from persistence.errors import NotFound, StoreUnavailable
from persistence.models import FOREVER, Chat, CursorWrite, Member, Reach, Role
from tests.contracts.samples import AT, chat, created, deleted, joins, leaves, member, new_id, text
from tests.contracts.world import Database, World, memory_world, real_world
from tests.examples import examples


def by_id(members: list[Member]) -> dict[str, Member]:
    found = {each.chat_id: each for each in members}
    assert len(found) == len(members)
    return found


# -- create ----------------------------------------------------------------------------------------------------------


async def test_a_new_chat_is_there_with_its_members(world: World) -> None:
    lunch = chat(title="Lunch")
    members = [member(lunch.id, "ann", Role.OWNER), member(lunch.id, "bob")]
    assert await world.one.chats.create(lunch, members) == (lunch, True)
    assert await world.two.chats.get_many([lunch.id, "none"]) == {lunch.id: lunch}
    assert await world.two.chats.members(lunch.id, after_user_id=None, limit=10) == members
    assert await world.two.chats.get_many([]) == {}


async def test_creating_a_chat_can_be_repeated_and_does_not_undo_what_came_after(world: World) -> None:
    lunch, pair = chat(), chat(pair="ann:bob")
    for each in (lunch, pair):
        members = [member(each.id, "ann"), member(each.id, "bob")]
        async with world.losing_replies() as node:
            with pytest.raises(StoreUnavailable):
                await node.chats.create(each, members)
        await world.one.log.append([leaves(each.id, 1, "bob")])
        assert await world.one.chats.create(each, members) == (each, True)
        assert await world.two.chats.members(each.id, after_user_id=None, limit=10) == members[:1]


async def test_a_pair_has_one_direct_chat(world: World) -> None:
    first, second = chat(pair="ann:bob"), chat(pair="ann:bob")
    await world.one.chats.create(first, [member(first.id, "ann"), member(first.id, "bob")])
    members = [member(second.id, "ann"), member(second.id, "bob")]
    assert await world.two.chats.create(second, members) == (first, False)
    assert await world.one.chats.get_many([second.id]) == {}
    assert await world.one.chats.members(second.id, after_user_id=None, limit=10) == []


async def test_a_pair_that_is_created_on_many_sides_at_once_has_one_direct_chat(world: World) -> None:
    for number in range(5):
        pair = f"ann:bob{number}"
        answers: list[tuple[Chat, bool]] = []

        async def create(side: int, pair: str, answers: list[tuple[Chat, bool]]) -> None:
            new = chat(pair=pair)
            members = [member(new.id, "ann"), member(new.id, pair[4:])]
            answers.append(await (world.one, world.two)[side % 2].chats.create(new, members))

        async with trio.open_nursery() as nursery:
            for side in range(6):
                nursery.start_soon(create, side, pair, answers)
        assert len({found.id for found, _ in answers}) == 1
        assert sorted(new for _, new in answers) == [False] * 5 + [True]
        mine = (await world.one.chats.memberships([pair[4:]]))[pair[4:]]
        assert [each.chat_id for each in mine] == [answers[0][0].id]


async def test_any_number_of_chats_has_no_pair(world: World) -> None:
    ids = await created(world.one.chats, count=3)
    assert set(await world.one.chats.get_many(ids)) == set(ids)


# -- members ---------------------------------------------------------------------------------------------------------


async def test_members_come_in_pages_by_user_id(world: World) -> None:
    names = ["Zed", "ann", "bob", "zoë", "\U0001f600"]
    (chat_id,) = await created(world.one.chats, users=names[::-1])
    await created(world.one.chats, users=["eve"])
    paged: list[str] = []
    while True:
        after = paged[-1] if paged else None
        page = await world.two.chats.members(chat_id, after_user_id=after, limit=2)
        assert len(page) <= 2
        if not page:
            break
        paged += [each.user_id for each in page]
    assert paged == names


async def test_members_are_counted(world: World) -> None:
    (two,) = await created(world.one.chats)
    (three,) = await created(world.one.chats, users=["ann", "bob", "eve"])
    assert await world.two.chats.member_count([two, three, "none"]) == {two: 2, three: 3, "none": 0}
    assert await world.two.chats.member_count([]) == {}


async def test_members_are_found_at_their_keys_in_order(world: World) -> None:
    a, b = await created(world.one.chats, count=2)
    ann, bob = member(a, "ann"), member(b, "bob")
    assert await world.two.chats.member(a, "ann") == ann
    assert await world.two.chats.member(a, "eve") is None
    keys = [(b, "bob"), (a, "eve"), (a, "ann"), ("none", "ann"), (b, "bob")]
    assert await world.two.chats.members_at(keys) == [bob, None, ann, None, bob]
    assert await world.two.chats.members_at([]) == []


async def test_memberships_leave_out_deleted_chats(world: World) -> None:
    a, b = await created(world.one.chats, count=2)
    (gone,) = await created(world.one.chats)
    (bobs,) = await created(world.one.chats, users=["bob"])
    await world.one.log.append([deleted(gone, 1)])
    found = await world.two.chats.memberships(["ann", "bob", "eve"])
    assert set(found) == {"ann", "bob", "eve"}
    assert by_id(found["ann"]) == {a: member(a, "ann"), b: member(b, "ann")}
    assert set(by_id(found["bob"])) == {a, b, bobs}
    assert found["eve"] == []
    assert await world.two.chats.get_many([gone]) != {}
    assert await world.two.chats.memberships([]) == {}


# -- cursors ---------------------------------------------------------------------------------------------------------


def raised(
    chat_id: str, user_id: str = "ann", *, delivered: int = 0, read: int = 0, at: int = AT
) -> CursorWrite:
    return CursorWrite(chat_id=chat_id, user_id=user_id, delivered_seq=delivered, read_seq=read, at=at)


async def test_cursors_grow_and_reading_raises_delivered(world: World) -> None:
    (chat_id,) = await created(world.one.chats)
    before = member(chat_id, "ann")
    (after,) = await world.one.chats.raise_cursors([raised(chat_id, delivered=5, at=AT + 1)])
    assert after == structs.replace(before, delivered_seq=5, updated_at=AT + 1)
    (after,) = await world.two.chats.raise_cursors([raised(chat_id, read=7, at=AT + 2)])
    assert after == structs.replace(before, delivered_seq=7, read_seq=7, shown_seq=7, updated_at=AT + 2)
    assert await world.one.chats.member(chat_id, "ann") == after


async def test_a_cursor_that_is_further_already_stays_and_the_member_with_it(world: World) -> None:
    (chat_id,) = await created(world.one.chats)
    (before,) = await world.one.chats.raise_cursors([raised(chat_id, delivered=9, read=7)])
    late = [raised(chat_id, delivered=8, read=6, at=AT + 5), raised(chat_id, at=AT + 6)]
    assert await world.two.chats.raise_cursors(late) == [before, before]
    (after,) = await world.two.chats.raise_cursors([raised(chat_id, read=8, at=AT + 7)])
    assert after is not None
    assert (after.delivered_seq, after.read_seq, after.updated_at) == (9, 8, AT + 7)


async def test_each_cursor_is_answered_with_the_member_afterwards_or_none(world: World) -> None:
    a, b = await created(world.one.chats, count=2)
    writes = [raised(b, "bob", read=1), raised(a, "eve", read=2), raised(a, read=3), raised("none", read=4)]
    bob, eve, ann, nobody = await world.one.chats.raise_cursors(writes)
    assert (eve, nobody) == (None, None)
    assert bob == await world.two.chats.member(b, "bob")
    assert ann == await world.two.chats.member(a, "ann")
    assert await world.one.chats.member(a, "eve") is None
    assert await world.one.chats.raise_cursors([]) == []


async def test_what_is_read_while_that_is_hidden_is_not_shown_afterwards(world: World) -> None:
    (chat_id,) = await created(world.one.chats)
    hidden = structs.replace(raised(chat_id, read=5), hidden=True)
    (after,) = await world.one.chats.raise_cursors([hidden])
    assert after is not None
    assert (after.read_seq, after.shown_seq) == (5, 0)
    # Shown from now on, and read once more: the same place counts.
    (after,) = await world.two.chats.raise_cursors([raised(chat_id, read=5, at=AT + 1)])
    assert after is not None
    assert (after.read_seq, after.shown_seq, after.updated_at) == (5, 5, AT + 1)
    (after,) = await world.one.chats.raise_cursors([structs.replace(hidden, read_seq=9, delivered_seq=9)])
    assert after is not None
    assert (after.read_seq, after.shown_seq) == (9, 5)


async def test_a_message_reaches_those_who_were_there_when_it_was_sent(world: World) -> None:
    users = [f"user{n}" for n in range(8)]
    (chat_id,) = await created(world.one.chats, users=users)
    (other,) = await created(world.one.chats, users=users)
    chats = world.one.chats
    assert await chats.reach(chat_id, 3) == Reach(of=8, delivered=0, read=0)
    await chats.raise_cursors(
        [
            raised(chat_id, users[0], delivered=2),
            raised(chat_id, users[1], delivered=3),
            raised(chat_id, users[2], read=3),
            raised(chat_id, users[3], read=7),
            structs.replace(raised(chat_id, users[4], read=7), hidden=True),
            raised(other, users[5], read=7),
        ]
    )
    # Somebody joins behind message 3: it is not for them.
    await world.one.log.append([text(chat_id, seq) for seq in (1, 2, 3)])
    await world.one.log.append([joins(chat_id, 4, "late")])
    assert await world.two.chats.reach(chat_id, 3) == Reach(of=8, delivered=4, read=2)
    assert await chats.reach(chat_id, 4) == Reach(of=9, delivered=2, read=1)
    assert await chats.reach(chat_id, 8) == Reach(of=9, delivered=0, read=0)
    assert await chats.reach("no such chat", 1) == Reach(of=0, delivered=0, read=0)


async def test_raising_cursors_can_be_repeated(world: World) -> None:
    (chat_id,) = await created(world.one.chats)
    write = raised(chat_id, delivered=3, read=2)
    async with world.losing_replies() as node:
        with pytest.raises(StoreUnavailable):
            await node.chats.raise_cursors([write])
    (after,) = await world.one.chats.raise_cursors([write])
    assert after is not None
    assert (after.delivered_seq, after.read_seq) == (3, 2)


_BATCHES = st.lists(
    st.lists(st.tuples(st.sampled_from(["ann", "bob"]), st.integers(0, 9), st.integers(0, 9)), max_size=4),
    max_size=8,
)


async def _check_interleaving(world: World, batches: list[list[tuple[str, int, int]]]) -> None:
    (chat_id,) = await created(world.one.chats)

    async def write(number: int, batch: list[tuple[str, int, int]]) -> None:
        node = (world.one, world.two)[number % 2]
        await node.chats.raise_cursors([raised(chat_id, u, delivered=d, read=r) for u, d, r in batch])

    async with trio.open_nursery() as nursery:
        for number, batch in enumerate(batches):
            nursery.start_soon(write, number, batch)
    for user_id in ("ann", "bob"):
        mine = [(d, r) for batch in batches for u, d, r in batch if u == user_id]
        found = await world.one.chats.member(chat_id, user_id)
        assert found is not None
        assert found.read_seq == max((r for _, r in mine), default=0)
        assert found.delivered_seq == max((max(pair) for pair in mine), default=0)


@settings(deadline=None)
@given(batches=_BATCHES)
def test_any_interleaving_of_cursors_ends_at_the_greatest(batches: list[list[tuple[str, int, int]]]) -> None:
    async def check() -> None:
        await _check_interleaving(memory_world(), batches)

    trio.run(check)


@pytest.mark.real
@settings(max_examples=examples(15), deadline=None)
@given(batches=_BATCHES)
def test_any_interleaving_of_cursors_ends_at_the_greatest_in_mongodb(
    module_database: Database, batches: list[list[tuple[str, int, int]]]
) -> None:
    async def check() -> None:
        async with real_world(module_database) as world:
            await _check_interleaving(world, batches)

    trio.run(check)


# -- a member's own settings -----------------------------------------------------------------------------------------


async def test_a_chat_is_pinned_and_muted_for_one_member(world: World) -> None:
    (chat_id,) = await created(world.one.chats)
    pinned = await world.one.chats.set_pinned(chat_id, "ann", AT + 1, at=AT + 1)
    assert pinned == structs.replace(member(chat_id, "ann"), pinned_at=AT + 1, updated_at=AT + 1)
    muted = await world.two.chats.set_muted(chat_id, "ann", FOREVER, at=AT + 2)
    assert muted == structs.replace(pinned, muted_until=FOREVER, updated_at=AT + 2)
    assert await world.one.chats.member(chat_id, "bob") == member(chat_id, "bob")
    unpinned = await world.one.chats.set_pinned(chat_id, "ann", None, at=AT + 3)
    unmuted = await world.one.chats.set_muted(chat_id, "ann", None, at=AT + 4)
    assert (unpinned.pinned_at, unmuted.muted_until, unmuted.updated_at) == (None, None, AT + 4)


async def test_only_members_pin_and_mute(world: World) -> None:
    (chat_id,) = await created(world.one.chats)
    for user_id, in_chat in (("eve", chat_id), ("ann", new_id())):
        with pytest.raises(NotFound):
            await world.one.chats.set_pinned(in_chat, user_id, AT, at=AT)
        with pytest.raises(NotFound):
            await world.one.chats.set_muted(in_chat, user_id, AT, at=AT)
    assert await world.one.chats.member(chat_id, "eve") is None
