"""`Blocks`, and `Chats.peers`: what `persistence.ports` promises, in memory and in MongoDB."""

from __future__ import annotations

import pytest

from persistence.errors import StoreUnavailable
from persistence.models import Block
from tests.contracts.samples import AT, chat, created, member
from tests.contracts.world import World


def block(user_id: str, blocked_id: str, at: int = AT) -> Block:
    return Block(user_id=user_id, blocked_id=blocked_id, at=at)


async def test_a_block_is_remembered_once_with_its_first_time(world: World) -> None:
    assert await world.one.blocks.put(block("ann", "bob"))
    assert not await world.two.blocks.put(block("ann", "bob", AT + 1))
    assert await world.two.blocks.of_user("ann", after_id=None, limit=10) == [block("ann", "bob")]


async def test_a_block_that_is_removed_is_gone(world: World) -> None:
    await world.one.blocks.put(block("ann", "bob"))
    assert await world.two.blocks.remove("ann", "bob")
    assert not await world.one.blocks.remove("ann", "bob")
    assert await world.one.blocks.of_user("ann", after_id=None, limit=10) == []
    assert await world.one.blocks.among([("ann", "bob")]) == set()


async def test_blocks_of_a_user_come_in_pages_in_order(world: World) -> None:
    for blocked_id in ("dan", "bob", "cat"):
        await world.one.blocks.put(block("ann", blocked_id))
    await world.one.blocks.put(block("bob", "ann"))
    first = await world.two.blocks.of_user("ann", after_id=None, limit=2)
    assert [b.blocked_id for b in first] == ["bob", "cat"]
    assert [b.blocked_id for b in await world.two.blocks.of_user("ann", after_id="cat", limit=2)] == ["dan"]


async def test_a_block_has_a_direction(world: World) -> None:
    await world.one.blocks.put(block("ann", "bob"))
    await world.one.blocks.put(block("cat", "ann"))
    asked = [("ann", "bob"), ("bob", "ann"), ("cat", "ann"), ("ann", "cat"), ("dan", "eve")]
    assert await world.two.blocks.among(asked) == {("ann", "bob"), ("cat", "ann")}
    assert await world.two.blocks.among([]) == set()


async def test_blocking_can_be_repeated_after_a_lost_reply(world: World) -> None:
    async with world.losing_replies() as node:
        with pytest.raises(StoreUnavailable):
            await node.blocks.put(block("ann", "bob"))
    await world.one.blocks.put(block("ann", "bob", AT + 1))
    assert await world.two.blocks.of_user("ann", after_id=None, limit=10) == [block("ann", "bob")]


async def test_peers_are_those_one_shares_a_direct_chat_with(world: World) -> None:
    for other in ("cat", "bob"):
        direct = chat(pair=f"ann:{other}")
        await world.one.chats.create(direct, [member(direct.id, "ann"), member(direct.id, other)])
    await created(world.one.chats, users=("ann", "dan"))
    assert await world.two.chats.peers(["ann", "bob", "dan"]) == {
        "ann": ["bob", "cat"],
        "bob": ["ann"],
        "dan": [],
    }
    assert await world.two.chats.peers([]) == {}
