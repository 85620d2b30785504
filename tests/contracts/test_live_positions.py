"""`LivePositions`: what `persistence.ports` promises, in memory and in Redis."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from persistence.errors import StoreUnavailable
from persistence.models import LivePosition
from tests.contracts.nodes import Node, Nodes
from tests.contracts.samples import AT, new_id

HOUR = 3_600_000


def position(chat_id: str = "c1", seq: int = 1, **fields: Any) -> LivePosition:
    given: dict[str, Any] = {"user_id": "ann", "lat": 52.5, "lng": -13.25, "at": AT, "until": AT + HOUR}
    return LivePosition(chat_id=chat_id, seq=seq, **(given | fields))


async def claimed(node: Node, now: int, limit: int = 10) -> list[LivePosition]:
    found = await node.live_positions.claim(now=now, until=now + 100, limit=limit)
    return sorted(found, key=lambda each: (each.chat_id, each.seq))


async def test_every_node_sees_the_last_position_of_each_message(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    first, second = position(accuracy=3.5), position(seq=12, user_id="bob", lat=-90.0, lng=180.0)
    for each in (second, first, position("c2")):
        await a.live_positions.put(each)
    assert await b.live_positions.in_chat("c1") == [first, second]
    assert await b.live_positions.get("c1", 12) == second
    assert await b.live_positions.get("c1", 2) is None
    assert await b.live_positions.in_chat("c3") == []


async def test_the_newest_position_counts_whichever_comes_last(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    newest = position(at=AT + 20, lat=3.0)
    await a.live_positions.put(position(at=AT + 10, lat=1.0))
    await b.live_positions.put(newest)
    await a.live_positions.put(position(at=AT + 19, lat=2.0))
    assert await a.live_positions.in_chat("c1") == [newest]
    same_time = position(at=AT + 20, lat=4.0)
    await a.live_positions.put(same_time)
    assert await b.live_positions.in_chat("c1") == [same_time]


async def test_what_has_ended_is_claimed_with_its_last_position(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    await a.live_positions.put(position())
    await a.live_positions.put(last := position(at=AT + 50, lat=1.0))
    await a.live_positions.put(position(seq=2, until=AT + 2 * HOUR))
    assert await claimed(b, AT + HOUR - 1) == []
    assert await claimed(b, AT + HOUR) == [last]
    assert await claimed(a, AT + HOUR + 99) == []
    assert await claimed(a, AT + HOUR + 100) == [last]
    await b.live_positions.forget([last])
    await b.live_positions.forget([last])
    await b.live_positions.forget([])
    assert await claimed(a, AT + HOUR + 300) == []
    assert [each.seq for each in await a.live_positions.in_chat("c1")] == [2]


async def test_when_the_next_one_ends_is_known_on_every_node(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    assert await b.live_positions.next_end() is None
    await a.live_positions.put(last := position(seq=2, until=AT + 2 * HOUR))
    await a.live_positions.put(first := position())
    await a.live_positions.put(position(at=AT + 50))
    assert await b.live_positions.next_end() == AT + HOUR
    assert await claimed(a, AT + HOUR) == [position(at=AT + 50)]
    assert await b.live_positions.next_end() == AT + HOUR + 100, "whoever has claimed it may die"
    await a.live_positions.forget([first])
    assert await b.live_positions.next_end() == AT + 2 * HOUR
    await a.live_positions.forget([last])
    assert await b.live_positions.next_end() is None


async def test_a_late_position_does_not_make_what_is_claimed_due_again(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    await a.live_positions.put(position())
    assert len(await claimed(a, AT + HOUR)) == 1
    await b.live_positions.put(late := position(at=AT + HOUR + 1))
    assert await claimed(b, AT + HOUR + 50) == []
    assert await claimed(b, AT + HOUR + 100) == [late]


async def test_each_is_claimed_by_one_at_a_time(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    for seq in range(1, 31):
        await a.live_positions.put(position(f"c{seq % 3}", seq))
    found: list[int] = []

    async def claim(node: Node) -> None:
        for _ in range(6):
            found.extend(each.seq for each in await claimed(node, AT + HOUR, limit=7))

    async with trio.open_nursery() as nursery:
        for node in (a, b):
            nursery.start_soon(claim, node)
    assert sorted(found) == list(range(1, 31))


async def test_keeping_one_can_be_repeated_after_a_lost_reply(nodes: Nodes) -> None:
    (a,) = await nodes.start("a")
    await a.live_positions.put(position())
    with nodes.losing_replies(), pytest.raises(StoreUnavailable):
        await a.live_positions.put(moved := position(at=AT + 1, lat=1.0))
    await a.live_positions.put(moved)
    assert await a.live_positions.in_chat("c1") == [moved]


async def test_positions_go_with_the_brokers_data_and_the_next_is_there_again(nodes: Nodes) -> None:
    (a,) = await nodes.start("a")
    chat_id = new_id()
    await a.live_positions.put(position(chat_id))
    nodes.flush()
    assert await a.live_positions.in_chat(chat_id) == []
    assert await claimed(a, AT + HOUR) == []
    await a.live_positions.put(position(chat_id, at=AT + 1))
    assert [each.at for each in await a.live_positions.in_chat(chat_id)] == [AT + 1]
    assert len(await claimed(a, AT + HOUR)) == 1
