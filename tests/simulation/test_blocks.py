"""Blocking somebody while they write, on several nodes."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
import trio

from handlers.chats.conversations import NewDirect
from handlers.errors import ChatError, Code
from persistence.errors import StoreUnavailable
from persistence.models import ChangeKind
from tests.simulation.client import Client, Refused
from tests.simulation.invariants import check_everything
from tests.simulation.node import Disconnected, Node
from tests.simulation.scenario import at_every_step, simulated
from tests.simulation.world import World, principal


async def blocking(node: Node, user_id: str, name: str, other: str) -> None:
    """A request of a user."""
    await node.call(getattr(node.core.people.blocking, name), principal(user_id), other)


async def until_done(world: World, user_id: str, name: str, other: str) -> None:
    """As a good client: again, on whichever node, until it is answered."""
    while True:
        for node in world.living():
            try:
                await blocking(node, user_id, name, other)
            except (Disconnected, StoreUnavailable, ChatError):
                continue
            return
        await trio.sleep(1)


async def say(world: World, client: Client, chat_id: str, text: str) -> None:
    """Send, from whichever node is there, until it is acknowledged. Raises `Refused`."""
    outgoing = client.send(chat_id, text)
    while outgoing.message is None:
        if outgoing.refused is not None:
            raise Refused({"code": outgoing.refused})
        if not client.connected:
            with suppress(Disconnected):
                await client.connect(world.living()[0])
        await trio.sleep(0.1)


async def chatter(world: World, client: Client, chat_id: str) -> None:
    for number in range(200):
        client.send(chat_id, f"{client} {number}")
        await trio.sleep(world.random.uniform(0, 0.02))


def last_rev(world: World, chat_id: str) -> int:
    return max(message.rev for message in world.record.messages[chat_id].values())


@simulated(nodes=3, seeds=6)
async def test_nothing_is_written_behind_a_block(world: World) -> None:
    chat_id = await world.direct("ann", "bob")
    ann, bob = await world.online("ann", "n2"), await world.online("bob", "n3")
    world.mongo.slowest_s = world.redis.slowest_s = 0.02
    world.lose_rate = 0.3
    async with trio.open_nursery() as nursery:
        for client in (ann, bob):
            nursery.start_soon(chatter, world, client, chat_id)
        await trio.sleep(0.5)
        await blocking(world["n1"], "ann", "block", "bob")
        written = len(world.record.messages[chat_id])
        await trio.sleep(1)
    (block,) = world.record.changes[chat_id].values()
    assert block.kind is ChangeKind.BLOCKED
    assert len(world.record.messages[chat_id]) == written > 10
    assert last_rev(world, chat_id) < block.rev
    world.clear_weather()
    await world.settle(1)
    assert {out.refused for out in bob.outbox.values() if out.message is None} == {"forbidden"}
    await until_done(world, "ann", "unblock", "bob")
    await bob.say(chat_id, "there you are")
    await world.heal()
    await check_everything(world)


@simulated(nodes=2, seeds=3)
async def test_a_block_holds_where_nobody_could_be_told_of_it(world: World) -> None:
    """Redis is away, and the other node has the chat in use from before."""
    chat_id = await world.direct("ann", "bob")
    bob = await world.online("bob", "n2")
    await bob.say(chat_id, "one")
    world.redis.faults.down = True
    await blocking(world["n1"], "ann", "block", "bob")
    with pytest.raises(Refused) as refused:
        await bob.say(chat_id, "two")
    assert refused.value.code == "forbidden"
    assert len(world.record.messages[chat_id]) == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["block", "unblock"])
@pytest.mark.parametrize("dies", ["n1", "n2"])
def test_a_node_may_die_at_any_step_of_it(name: str, dies: str) -> None:
    async def story(world: World) -> None:
        chat_id = await world.direct("ann", "bob")
        bob = await world.online("bob", "n2")
        await bob.say(chat_id, "one")
        if name == "unblock":
            await blocking(world["n1"], "ann", "block", "bob")
            await world.settle(1)
        world.begin()
        await until_done(world, "ann", name, "bob")
        if name == "block":
            with pytest.raises(Refused):
                await say(world, bob, chat_id, "two")
            assert world.record.blocks.keys() == {("ann", "bob")}
        else:
            await world.settle(1)
            await say(world, bob, chat_id, "two")
            assert world.record.blocks == {}
        await until_done(world, "ann", "unblock", "bob")
        await world.settle(1)
        await say(world, bob, chat_id, "three")
        await world.heal()
        await check_everything(world)

    assert len(at_every_step(story, dies, nodes=2)) > 3


@pytest.mark.parametrize("delay", range(8))
@simulated(nodes=2, seeds=4)
async def test_a_chat_that_is_begun_while_one_blocks_is_no_way_around_it(world: World, delay: int) -> None:
    for user_id in ("ann", "bob"):
        world.user(user_id)
    bob = await world.online("bob", "n2")
    world.mongo.slowest_s = 0.02
    begun: list[Any] = []

    async def begin() -> None:
        await trio.sleep(delay * 0.005)
        node = world["n2"]
        try:
            view, _ = await node.call(
                node.core.chats.conversations.create, principal("bob"), NewDirect(user_id="ann")
            )
        except ChatError as error:
            assert error.code is Code.FORBIDDEN  # noqa: PT017 - which of the two was first differs
        else:
            begun.append(view.id)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(begin)
        await blocking(world["n1"], "ann", "block", "bob")
    world.clear_weather()
    await world.settle(1)
    for chat_id in begun:
        with pytest.raises(Refused) as refused:
            await bob.say(chat_id, "hello")
        assert refused.value.code == "forbidden"
