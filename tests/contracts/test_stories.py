"""`Stories`: what `persistence.ports` promises, in memory and in MongoDB."""

from __future__ import annotations

import pytest
import trio
from msgspec import structs

from persistence.errors import StoreUnavailable
from persistence.models import Story, StoryMark, StoryType
from tests.contracts.samples import AT, DAY_MS, new_id, story, viewing
from tests.contracts.world import Node, World


async def posted(node: Node, *stories: Story, due_at: int = AT + 10) -> None:
    for each in stories:
        await node.stories.add(each, due_at=due_at)


async def claimed(node: Node, now: int, limit: int = 100) -> list[tuple[str, int]]:
    found = await node.stories.claim(now=now, until=now + 100, limit=limit)
    return sorted((each.id, each.tries) for each in found)


async def test_a_story_is_kept_as_it_was_written(world: World) -> None:
    plain = story()
    full = story(
        type=StoryType.IMAGE,
        content={"width": 1, "height": 2, "caption": "Zoë"},
        media_id="m1",
        audience=("bob", "eve"),
        client_id="mine",
    )
    for each in (plain, full):
        assert await world.one.stories.add(each, due_at=AT) == (each, True)
        assert await world.two.stories.get(each.id) == each
    assert await world.two.stories.get_many([plain.id, full.id, "none"]) == {plain.id: plain, full.id: full}
    assert await world.two.stories.get("none") is None


async def test_a_client_id_makes_one_story_of_a_user(world: World) -> None:
    first = story(client_id="c")
    assert await world.one.stories.add(first, due_at=AT) == (first, True)
    assert await world.two.stories.add(story(client_id="c"), due_at=AT) == (first, False)
    other = story("bob", client_id="c")
    assert await world.two.stories.add(other, due_at=AT) == (other, True)


async def test_posting_can_be_repeated_after_a_lost_reply(world: World) -> None:
    one = story()
    async with world.losing_replies() as node:
        with pytest.raises(StoreUnavailable):
            await node.stories.add(one, due_at=AT)
    assert await world.one.stories.add(one, due_at=AT) == (one, True)
    assert await world.one.stories.count("ann", AT) == 1


async def test_shown_are_those_that_have_not_ended_to_whom_they_are_for(world: World) -> None:
    all_contacts, chosen = story(created_at=AT + 1), story(audience=("bob",))
    hidden, over = story(audience=("eve",)), story(expires_at=AT + 5)
    others = story("dan")
    await posted(world.one, all_contacts, chosen, hidden, over, others)
    marks = await world.two.stories.shown(["ann", "cat"], "bob", AT + 5)
    assert {mark.id: mark for mark in marks} == {
        all_contacts.id: StoryMark(all_contacts.id, "ann", AT + 1),
        chosen.id: StoryMark(chosen.id, "ann", AT),
    }
    own = await world.two.stories.shown(["ann", "dan"], "ann", AT + 4)
    assert {mark.id for mark in own} == {each.id for each in (all_contacts, chosen, hidden, over, others)}
    assert await world.two.stories.shown([], "bob", AT) == []
    assert await world.two.stories.count("ann", AT + 5) == 3


async def test_a_story_is_deleted_by_its_user_once_and_keeps_no_content(world: World) -> None:
    one = story(media_id="m1")
    await posted(world.one, one)
    assert await world.two.stories.end(one.id, "bob", at=AT + 5, due_at=AT + 15) is None
    assert await world.two.stories.end(one.id, "ann", at=AT + 5, due_at=AT + 15) == one
    assert await world.one.stories.end(one.id, "ann", at=AT + 5, due_at=AT + 15) is None
    assert await world.one.stories.end("none", "ann", at=AT + 5, due_at=AT + 15) is None
    left = await world.one.stories.get(one.id)
    assert left == structs.replace(one, expires_at=AT + 5, deleted=True, content={}, moved_at=AT + 5)
    assert await world.one.stories.shown(["ann"], "bob", AT + 5) == []


async def test_a_creation_is_due_when_it_was_said_and_the_end_when_the_story_ends(world: World) -> None:
    one = story()
    await posted(world.one, one)
    assert await claimed(world.two, AT + 9) == []
    assert await claimed(world.two, AT + 10) == [(one.id, 1)]
    await world.one.stories.told(created=[one.id], ended=[], at=AT + 11)
    assert await claimed(world.two, AT + DAY_MS - 1) == []
    assert await claimed(world.two, AT + DAY_MS) == [(one.id, 1)]
    await world.one.stories.told(created=[], ended=[one.id], at=AT + DAY_MS + 1)
    assert await claimed(world.two, AT + 2 * DAY_MS) == []
    left = await world.one.stories.get(one.id)
    assert left is not None
    assert (left.content, left.media_id, left.moved_at) == ({}, None, AT + DAY_MS + 1)


async def test_what_is_claimed_and_not_told_is_due_again(world: World) -> None:
    one = story()
    await posted(world.one, one)
    assert await claimed(world.one, AT + 10) == [(one.id, 1)]
    assert await claimed(world.two, AT + 109) == []
    assert await claimed(world.two, AT + 110) == [(one.id, 2)]
    await world.one.stories.told(created=[one.id], ended=[], at=AT + 111)
    assert await claimed(world.two, AT + DAY_MS) == [(one.id, 1)]


async def test_when_the_next_announcement_is_due_is_known_on_every_node(world: World) -> None:
    assert await world.two.stories.next_due() is None
    one, other = story(), story(expires_at=AT + 2 * DAY_MS)
    await posted(world.one, other, due_at=AT + 20)
    await posted(world.one, one)
    assert await world.two.stories.next_due() == AT + 10
    await claimed(world.one, AT + 10)
    assert await world.two.stories.next_due() == AT + 20
    await claimed(world.one, AT + 20)
    assert await world.two.stories.next_due() == AT + 110, "whoever has claimed it may die"
    await world.one.stories.told(created=[one.id, other.id], ended=[], at=AT + 30)
    assert await world.two.stories.next_due() == AT + DAY_MS
    await world.one.stories.told(created=[], ended=[one.id], at=AT + DAY_MS)
    assert await world.two.stories.next_due() == AT + 2 * DAY_MS
    await world.one.stories.told(created=[], ended=[other.id], at=AT + 2 * DAY_MS)
    assert await world.two.stories.next_due() is None


async def test_each_announcement_is_claimed_by_one_at_a_time(world: World) -> None:
    stories = [story() for _ in range(30)]
    await posted(world.one, *stories)
    found: list[tuple[str, int]] = []

    async def claim(node: Node) -> None:
        for _ in range(8):
            found.extend(await claimed(node, AT + 10, limit=10))

    async with trio.open_nursery() as nursery:
        for node in (world.one, world.two, world.one):
            nursery.start_soon(claim, node)
    assert sorted(found) == sorted((each.id, 1) for each in stories)


async def test_the_first_due_are_claimed_first(world: World) -> None:
    late, early = story(), story()
    await posted(world.one, late, due_at=AT + 20)
    await posted(world.one, early, due_at=AT + 10)
    assert await claimed(world.two, AT + 30, limit=1) == [(early.id, 1)]


async def test_a_story_whose_end_comes_first_is_over_with_one_announcement(world: World) -> None:
    expired, deleted = story(expires_at=AT + 5), story()
    await posted(world.one, expired, deleted)
    await world.one.stories.end(deleted.id, "ann", at=AT + 7, due_at=AT + 10)
    assert await claimed(world.two, AT + 10) == sorted([(expired.id, 1), (deleted.id, 1)])
    ended = [expired.id, deleted.id]
    # Whoever was about to announce a creation is late, and changes nothing.
    await world.two.stories.told(created=[deleted.id], ended=ended, at=AT + 11)
    assert await claimed(world.two, AT + 2 * DAY_MS) == []


async def test_the_end_of_a_story_that_has_not_ended_is_not_told(world: World) -> None:
    one = story()
    await posted(world.one, one)
    await world.one.stories.told(created=[], ended=[one.id], at=AT + 1)
    assert await world.one.stories.get(one.id) == one
    assert await claimed(world.one, AT + 10) == [(one.id, 1)]


async def test_telling_can_be_repeated_after_a_lost_reply(world: World) -> None:
    one, two = story(), story(expires_at=AT + 1)
    await posted(world.one, one, two)
    async with world.losing_replies() as node:
        with pytest.raises(StoreUnavailable):
            await node.stories.told(created=[one.id], ended=[two.id], at=AT + 5)
    await world.one.stories.told(created=[one.id], ended=[two.id], at=AT + 6)
    assert await claimed(world.one, AT + DAY_MS - 1) == []
    assert await claimed(world.one, AT + DAY_MS) == [(one.id, 1)]
    await world.one.stories.told(created=[], ended=[], at=AT + 7)


async def test_moved_gives_what_was_written_since_in_pages(world: World) -> None:
    stories = [story(story_id=f"s{n}-{new_id()}") for n in range(4)]
    await posted(world.one, *stories)
    assert [s.id for s in await world.two.stories.moved(AT, after=None, limit=9)] == [s.id for s in stories]
    await claimed(world.one, AT + 10)
    await world.one.stories.told(created=[stories[1].id], ended=[], at=AT + 12)
    await world.one.stories.end(stories[2].id, "ann", at=AT + 11, due_at=AT + 20)
    page = await world.two.stories.moved(AT + 10, after=None, limit=2)
    assert [(s.id, s.moved_at) for s in page] == [(stories[0].id, AT + 10), (stories[3].id, AT + 10)]
    place = (page[-1].moved_at, page[-1].id)
    rest = await world.two.stories.moved(AT + 10, after=place, limit=9)
    assert [(s.id, s.moved_at) for s in rest] == [(stories[2].id, AT + 11), (stories[1].id, AT + 12)]
    assert await world.two.stories.moved(AT + 13, after=None, limit=9) == []


async def test_what_was_over_long_ago_is_forgotten_with_its_views(world: World) -> None:
    over = [story(expires_at=AT + 5) for _ in range(3)]
    alive = story()
    await posted(world.one, *over, alive)
    for each in (*over, alive):
        await world.one.story_views.add(viewing(each.id), due_at=AT)
    await world.one.stories.told(created=[], ended=[each.id for each in over], at=AT + 6)
    assert await world.two.stories.purge(AT + 6, limit=10) == 0
    assert await world.two.stories.purge(AT + 7, limit=2) == 2
    assert await world.two.stories.purge(AT + 7, limit=2) == 1
    ids = [each.id for each in (*over, alive)]
    assert list(await world.one.stories.get_many(ids)) == [alive.id]
    assert await world.one.story_views.seen("bob", ids) == {alive.id}
