"""What is known of files: what `persistence.ports.MediaRecords` promises, in memory and in MongoDB."""

from __future__ import annotations

import pytest
import trio
from msgspec import structs

from persistence.errors import StoreUnavailable
from persistence.models import Deletion, Edit, Media, MediaKind, MediaUse, MessageType, Stored
from tests.contracts.samples import AT, created, media, new_id, text
from tests.contracts.world import World


def changed(before: Media, **fields: object) -> tuple[str, Media]:
    return before.stamp, structs.replace(before, stamp=new_id(), **fields)


async def test_a_file_is_kept_as_it_is(world: World) -> None:
    plain = media(filename=None, review_at=None)
    full = media(
        kind=MediaKind.DOCUMENT,
        filename="ünï 🎈.pdf",
        size=2**40,
        key="media/x/1",
        copies=("media/x/0", "media/x/1"),
        uses=(MediaUse("message:a/b/c", AT), MediaUse("avatar:x", AT + 1)),
        doomed_at=AT + 5,
    )
    for each in (plain, full):
        await world.one.media.create(each)
        assert await world.two.media.get(each.id) == each
    assert await world.one.media.get(new_id()) is None


async def test_making_it_again_changes_nothing(world: World) -> None:
    one = media()
    await world.one.media.create(one)
    (done,) = await world.one.media.swap([changed(one, key="k")])
    assert done
    await world.two.media.create(one)
    there = await world.two.media.get(one.id)
    assert there is not None
    assert there.key == "k"


async def test_only_what_is_as_it_was_read_is_replaced(world: World) -> None:
    one, other = media(), media()
    for each in (one, other):
        await world.one.media.create(each)
    first = changed(one, key="first")
    late = changed(one, key="late")
    missing = changed(media())
    assert await world.one.media.swap([first, changed(other, review_at=None), missing]) == [True, True, False]
    assert await world.two.media.swap([late, first]) == [False, True]
    assert await world.two.media.get(one.id) == first[1]
    again = await world.two.media.get(other.id)
    assert again is not None
    assert again.review_at is None
    assert await world.one.media.swap([]) == []


async def test_of_many_that_change_it_at_once_one_does(world: World) -> None:
    one = media()
    await world.one.media.create(one)
    done: list[bool] = []

    async def change(number: int) -> None:
        node = (world.one, world.two)[number % 2]
        done.extend(await node.media.swap([changed(one, key=f"k{number}")]))

    async with trio.open_nursery() as nursery:
        for number in range(10):
            nursery.start_soon(change, number)
    assert sorted(done) == [False] * 9 + [True]


async def test_a_change_whose_reply_was_lost_may_be_repeated(world: World) -> None:
    one = media()
    await world.one.media.create(one)
    change = changed(one, key="k")
    async with world.losing_replies() as third:
        with pytest.raises(StoreUnavailable):
            await third.media.swap([change])
    assert await world.one.media.swap([change]) == [True]


async def test_what_is_due_comes_longest_due_first(world: World) -> None:
    made = [media(review_at=AT + at) for at in (30, 10, 20, 40)] + [media(review_at=None)]
    for each in made:
        await world.one.media.create(each)
    due = await world.two.media.due(AT + 30, limit=10)
    assert [each.review_at for each in due] == [AT + 10, AT + 20, AT + 30]
    assert len(await world.two.media.due(AT + 30, limit=2)) == 2
    await world.one.media.swap([changed(each, review_at=None) for each in due])
    assert await world.two.media.due(AT + 30, limit=10) == []


async def test_an_owners_files_and_those_never_used(world: World) -> None:
    owner = new_id()
    mine = sorted([media(owner) for _ in range(5)], key=lambda each: each.id)
    for each in (*mine, media("bob")):
        await world.one.media.create(each)
    assert await world.two.media.of_owner(owner, after_id=None, limit=3) == mine[:3]
    assert await world.two.media.of_owner(owner, after_id=mine[2].id, limit=3) == mine[3:]
    assert await world.two.media.pending(owner, cap=10) == 5
    assert await world.two.media.pending(owner, cap=2) == 2
    await world.one.media.swap([changed(mine[0], key="k")])
    assert await world.two.media.pending(owner, cap=10) == 4
    assert await world.two.media.pending("nobody", cap=10) == 0


async def test_only_what_is_doomed_is_forgotten(world: World) -> None:
    kept, doomed = media(), media(doomed_at=AT)
    for each in (kept, doomed):
        await world.one.media.create(each)
    for _ in range(2):
        await world.two.media.remove([kept.id, doomed.id, new_id()])
    assert await world.one.media.get(kept.id) == kept
    assert await world.one.media.get(doomed.id) is None


# -- with the log ------------------------------------------------------------------------------------------------


async def test_deleting_a_message_makes_its_file_due_and_nothing_else_does(world: World) -> None:
    (chat_id,) = await created(world.one.chats)
    one = media(key="k", uses=(MediaUse("message:x", AT),), review_at=None)
    await world.one.media.create(one)
    picture = {"type": MessageType.IMAGE, "media_id": one.id}
    plain = text(chat_id, 2)
    await world.one.log.append([text(chat_id, 1, **picture), plain])
    await world.one.log.append([Edit(chat_id=chat_id, seq=1, rev=3, content={"caption": "x"}, at=AT)])
    await world.one.log.append([Deletion(chat_id=chat_id, seq=2, rev=4, at=AT)])
    assert await world.two.media.get(one.id) == one
    deletion = Deletion(chat_id=chat_id, seq=1, rev=5, at=AT + 50)
    (outcome,) = await world.one.log.append([deletion])
    assert isinstance(outcome, Stored)
    due = await world.two.media.get(one.id)
    assert due is not None
    assert structs.replace(due, stamp=one.stamp) == structs.replace(one, review_at=AT + 50)
    assert await world.two.media.swap([changed(one)]) == [False], "whoever had read it before looks again"
    assert [each.id for each in await world.two.media.due(AT + 50, limit=5)] == [one.id]
    looked = changed(due, review_at=None)
    assert await world.two.media.swap([looked]) == [True]
    await world.one.log.append([deletion])  # a repetition is no second deletion
    assert await world.two.media.get(one.id) == looked[1]


async def test_deleting_a_message_whose_file_is_gone_is_no_error(world: World) -> None:
    (chat_id,) = await created(world.one.chats)
    message = text(chat_id, 1, type=MessageType.IMAGE, media_id="gone")
    await world.one.log.append([message])
    (outcome,) = await world.one.log.append([Deletion(chat_id=chat_id, seq=1, rev=2, at=AT)])
    assert isinstance(outcome, Stored)
    assert await world.one.media.get("gone") is None


async def test_a_deletion_and_a_review_at_the_same_time_both_count(world: World) -> None:
    (chat_id,) = await created(world.one.chats)
    files = [media(key="k", uses=(MediaUse("message:x", AT),), review_at=None) for _ in range(10)]
    for each in files:
        await world.one.media.create(each)
    await world.one.log.append(
        [text(chat_id, n, type=MessageType.IMAGE, media_id=file.id) for n, file in enumerate(files, 1)]
    )

    async def delete() -> None:
        for n in range(1, 11):
            await world.one.log.append([Deletion(chat_id=chat_id, seq=n, rev=10 + n, at=AT + 9)])

    async def review() -> None:
        for file in files:
            await world.two.media.swap([changed(file, copies=("c",))])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(delete)
        nursery.start_soon(review)
    for file in files:
        there = await world.two.media.get(file.id)
        assert there is not None
        assert there.review_at == AT + 9
