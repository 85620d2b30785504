"""Open chats over several nodes: typing, and who else is there."""

from __future__ import annotations

import trio

from handlers.chats.conversations import MemberBody
from tests.simulation.client import Client
from tests.simulation.invariants import check_everything, check_presence
from tests.simulation.scenario import simulated
from tests.simulation.test_chats import rest
from tests.simulation.world import HEARTBEAT_S, LEASE_S, World


async def three(world: World) -> tuple[str, list[Client]]:
    """A group, open on three nodes."""
    chat_id = await world.group("ann", "bob", "eve")
    clients = [await world.online(name, f"n{n}") for n, name in enumerate(("ann", "bob", "eve"), 1)]
    for client in clients:
        await client.open(chat_id)
    await world.settle(0.1)
    return chat_id, clients


@simulated(nodes=3)
async def test_whoever_has_a_chat_open_sees_who_else_has(world: World) -> None:
    chat_id, (ann, bob, eve) = await three(world)
    check_presence(world)
    laptop = await world.online("ann", "n2", "laptop")
    await laptop.open(chat_id)
    await eve.leave(chat_id)
    bob.disconnect()
    await world.settle(0.1)
    check_presence(world)
    assert sorted(ann.opened[chat_id].present) == ["ann"]
    assert len(ann.opened[chat_id].present["ann"]) == 2


@simulated(nodes=3, seeds=10)
async def test_opening_and_closing_at_the_same_time_on_three_nodes_ends_with_one_view(world: World) -> None:
    chat_id, clients = await three(world)
    world.redis.slowest_s = 0.05

    async def flap(client: Client) -> None:
        for _ in range(4):
            await client.leave(chat_id)
            await trio.sleep(world.random.uniform(0, 0.05))
            await client.open(chat_id)

    async with trio.open_nursery() as nursery:
        for client in clients:
            nursery.start_soon(flap, client)
    await world.settle(2)
    check_presence(world)


@simulated(nodes=3)
async def test_typing_is_seen_by_those_who_have_the_chat_open_and_by_nobody_else(world: World) -> None:
    chat_id, (ann, bob, eve) = await three(world)
    await eve.leave(chat_id)
    laptop = await world.online("eve", "n1", "laptop")
    await ann.ask(f"chat:{chat_id}", "typing", state="start")
    await world.settle(0.1)
    assert bob.opened[chat_id].typing == [("ann", "start")]
    assert not eve.opened
    assert not laptop.opened


@simulated(nodes=3)
async def test_whoever_was_on_a_node_that_died_is_seen_to_leave(world: World) -> None:
    chat_id, (ann, bob, _) = await three(world)
    world["n3"].kill()
    await trio.sleep(LEASE_S + 2 * HEARTBEAT_S)
    assert sorted(ann.opened[chat_id].present) == sorted(bob.opened[chat_id].present) == ["ann", "bob"]
    check_presence(world)


@simulated(nodes=3)
async def test_the_dead_are_seen_to_leave_also_when_whoever_buries_them_dies_then(world: World) -> None:
    chat_id, (ann, _, _) = await three(world)
    world["n3"].kill()
    await trio.sleep(LEASE_S - 2 * HEARTBEAT_S)

    def hook(node: object, store: str, step: str) -> None:
        if step == "forget_node:before" and node is world["n2"]:
            world["n2"].kill()

    world.hook = hook
    world["n1"].redis.down = True
    await trio.sleep(4 * HEARTBEAT_S)
    world["n1"].redis.down = False
    await trio.sleep(LEASE_S + 3 * HEARTBEAT_S)
    assert sorted(ann.opened[chat_id].present) == ["ann"]


@simulated(nodes=3)
async def test_presence_pauses_without_redis_and_is_right_again_afterwards(world: World) -> None:
    chat_id, (_, bob, eve) = await three(world)
    world.redis.faults.down = True
    await eve.leave(chat_id)
    bob.disconnect()
    laptop = await world.online("ann", "n2", "laptop")
    await laptop.open(chat_id)
    await trio.sleep(5)
    world.redis.faults.down = False
    await trio.sleep(3 * HEARTBEAT_S)
    check_presence(world)
    await world.heal()
    await check_everything(world)


@simulated(nodes=3)
async def test_presence_is_rebuilt_when_redis_has_lost_it(world: World) -> None:
    chat_id, (ann, _, _) = await three(world)
    world.broker.forget_everything()
    await trio.sleep(3 * HEARTBEAT_S)
    check_presence(world)
    await ann.leave(chat_id)
    await ann.open(chat_id)
    await world.settle(0.1)
    check_presence(world)
    assert sorted(ann.opened[chat_id].present) == ["ann", "bob", "eve"]


@simulated()
async def test_a_removed_member_sees_no_more_of_the_open_chat_even_without_having_joined_me(
    world: World,
) -> None:
    chat_id = await world.group("ann", "bob")
    ann, bob = await world.online("ann", "n1"), await world.online("bob", "n2")
    await ann.open(chat_id)
    await bob.open(chat_id)
    await bob.ask("me", "phx_leave")
    await rest(world["n1"], "ann", "remove_member", chat_id, "bob")
    await world.settle(0.1)
    assert bob.opened == {}
    await ann.ask(f"chat:{chat_id}", "typing", state="start")  # the client would complain
    await rest(world["n1"], "ann", "put_member", chat_id, "bob", MemberBody())
    await world.settle(0.1)
    check_presence(world)
