"""`StoryViews`: what `persistence.ports` promises, in memory and in MongoDB."""

from __future__ import annotations

import pytest
import trio
from msgspec import structs

from persistence.errors import StoreUnavailable
from tests.contracts.samples import AT
from tests.contracts.samples import viewing as view
from tests.contracts.world import Node, World


async def test_a_story_is_seen_once_at_its_first_time(world: World) -> None:
    assert await world.one.story_views.add(view("s1"), due_at=AT)
    assert not await world.two.story_views.add(view("s1", at=AT + 5), due_at=AT)
    assert await world.two.story_views.page("s1", before=None, limit=5) == [view("s1")]
    assert await world.two.story_views.seen("bob", ["s1", "s2"]) == {"s1"}
    assert await world.two.story_views.seen("eve", ["s1", "s2"]) == set()
    assert await world.two.story_views.seen("bob", []) == set()


async def test_viewing_can_be_repeated_after_a_lost_reply(world: World) -> None:
    async with world.losing_replies() as node:
        with pytest.raises(StoreUnavailable):
            await node.story_views.add(view("s1"), due_at=AT + 10)
    assert not await world.one.story_views.add(view("s1", at=AT + 1), due_at=AT + 11)
    assert await world.one.story_views.claim(now=AT + 10, until=AT + 20, limit=5) == [
        structs.replace(view("s1"), moved_at=AT + 10)
    ]


async def test_viewers_come_newest_first_in_pages(world: World) -> None:
    views = [view("s1", user_id="bob"), view("s1", user_id="dan"), view("s1", user_id="cat", at=AT + 1)]
    for each in (*views, view("s2", "eve")):
        await world.one.story_views.add(each, due_at=AT)
    first = await world.two.story_views.page("s1", before=None, limit=2)
    assert [each.user_id for each in first] == ["cat", "dan"]
    rest = await world.two.story_views.page("s1", before=(first[-1].at, first[-1].user_id), limit=2)
    assert [each.user_id for each in rest] == ["bob"]


async def test_a_view_is_due_until_it_is_told(world: World) -> None:
    await world.one.story_views.add(view("s1"), due_at=AT + 10)

    async def claim(now: int) -> list[str]:
        found = await world.two.story_views.claim(now=now, until=now + 100, limit=5)
        return [each.user_id for each in found]

    assert await claim(AT + 9) == []
    assert await claim(AT + 10) == ["bob"]
    assert await claim(AT + 109) == []
    assert await claim(AT + 110) == ["bob"]
    await world.one.story_views.told([view("s1")], at=AT + 111)
    await world.one.story_views.told([view("s1"), view("s9")], at=AT + 112)
    await world.one.story_views.told([], at=AT + 113)
    assert await claim(AT + 1000) == []


async def test_each_view_is_claimed_by_one_at_a_time(world: World) -> None:
    for number in range(20):
        await world.one.story_views.add(view("s1", user_id=f"u{number:02}"), due_at=AT)
    found: list[str] = []

    async def claim(node: Node) -> None:
        for _ in range(6):
            some = await node.story_views.claim(now=AT, until=AT + 100, limit=7)
            found.extend(each.user_id for each in some)

    async with trio.open_nursery() as nursery:
        for node in (world.one, world.two, world.one):
            nursery.start_soon(claim, node)
    assert sorted(found) == [f"u{number:02}" for number in range(20)]


async def test_moved_gives_what_was_written_since_in_pages(world: World) -> None:
    for number in range(3):
        await world.one.story_views.add(view("s1", user_id=f"u{number}"), due_at=AT)
    await world.one.story_views.add(view("s2", "u9", AT + 5), due_at=AT)
    await world.one.story_views.told([view("s1", user_id="u1")], at=AT + 9)
    first = await world.two.story_views.moved(AT, after=None, limit=2)
    assert [(each.user_id, each.moved_at) for each in first] == [("u0", AT), ("u2", AT)]
    place = (first[-1].moved_at, f"{first[-1].story_id}/{first[-1].user_id}")
    rest = await world.two.story_views.moved(AT, after=place, limit=5)
    assert [(each.user_id, each.moved_at) for each in rest] == [("u9", AT + 5), ("u1", AT + 9)]
    assert await world.two.story_views.moved(AT + 10, after=None, limit=5) == []


async def test_when_the_next_view_is_to_be_announced_is_known_on_every_node(world: World) -> None:
    assert await world.two.story_views.next_due() is None
    seen = view("s1")
    await world.one.story_views.add(seen, due_at=AT + 10)
    assert await world.two.story_views.next_due() == AT + 10
    await world.one.story_views.claim(now=AT + 10, until=AT + 110, limit=5)
    assert await world.two.story_views.next_due() == AT + 110, "whoever has claimed it may die"
    await world.one.story_views.told([seen], at=AT + 20)
    assert await world.two.story_views.next_due() is None
