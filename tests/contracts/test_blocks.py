"""`Blocks`, and `Chats.peers`: what `persistence.ports` promises, in memory and in MongoDB."""

from __future__ import annotations

import msgspec
import pytest

from persistence.errors import StoreUnavailable
from persistence.models import Block, Change, ChangeKind, ChangesQuery, Conflict, Stored
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


def blocks(chat_id: str, rev: int, kind: ChangeKind = ChangeKind.BLOCKED) -> Change:
    return Change(chat_id=chat_id, rev=rev, kind=kind, actor_id="ann", at=AT + rev, user_id="bob")


async def test_blocking_in_a_log_is_one_step_with_the_block(world: World) -> None:
    direct = chat(pair="ann:bob")
    await world.one.chats.create(direct, [member(direct.id, "ann"), member(direct.id, "bob")])
    first, taken, back = (
        blocks(direct.id, 1),
        blocks(direct.id, 1),
        blocks(direct.id, 2, ChangeKind.UNBLOCKED),
    )
    assert await world.one.log.append([first]) == [Stored()]
    assert await world.two.log.append([first]) == [Stored()]
    assert await world.two.blocks.of_user("ann", after_id=None, limit=10) == [block("ann", "bob", AT + 1)]
    assert (await world.two.log.changes([ChangesQuery(chat_id=direct.id, after_rev=0, limit=9)])) == [[first]]
    late = msgspec.structs.replace(taken, kind=ChangeKind.UNBLOCKED)
    assert await world.two.log.append([late]) == [Conflict()]
    assert await world.two.blocks.among([("ann", "bob")]) == {("ann", "bob")}
    assert await world.two.log.append([back]) == [Stored()]
    assert await world.one.blocks.among([("ann", "bob")]) == set()
    assert await world.one.log.append([blocks(direct.id, 3), blocks(direct.id, 4)]) == [Stored(), Stored()]
    assert await world.one.blocks.of_user("ann", after_id=None, limit=10) == [block("ann", "bob", AT + 3)]


async def test_a_direct_chat_is_found_by_its_pair(world: World) -> None:
    direct = chat(pair="ann:bob")
    await world.one.chats.create(direct, [member(direct.id, "ann"), member(direct.id, "bob")])
    assert await world.two.chats.by_pair("ann:bob") == direct
    assert await world.two.chats.by_pair("ann:cat") is None


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
