"""Coming in by invite links, on several nodes."""

from __future__ import annotations

from contextlib import suppress

import pytest
import trio

from handlers.chats.conversations import MemberBody
from handlers.chats.invitations import InviteBody
from handlers.errors import ChatError, Code
from persistence.errors import StoreUnavailable
from tests.simulation.invariants import check_everything
from tests.simulation.node import Disconnected, Node
from tests.simulation.scenario import at_every_step, simulated
from tests.simulation.world import World, principal


async def link(world: World, user_id: str, chat_id: str, **body: int) -> str:
    core = world["n1"].core
    made = await world["n1"].call(
        core.chats.invitations.create, principal(user_id), chat_id, InviteBody(**body)
    )
    return made.token


async def join(node: Node, user_id: str, token: str) -> bool:
    """Whether the user was let in just now. Raises `ChatError`, `Disconnected`, `StoreUnavailable`."""
    _, joined = await node.call(node.core.chats.invitations.join, principal(user_id), token)
    return joined


async def until_answered(world: World, first: str, user_id: str, token: str) -> bool:
    """As a good client: again, on any node, until it is known; whether the user is in."""
    name = first
    while True:
        with suppress(Disconnected, StoreUnavailable):
            try:
                await join(world[name], user_id, token)
            except ChatError as error:
                if error.code is not Code.UNAVAILABLE:
                    return False
            else:
                return True
        name = next((node.name for node in world.living()), first)
        await trio.sleep(0.2)


def uses(world: World) -> int:
    (invite,) = world.record.invites.values()
    return invite.uses


def let_in(world: World, chat_id: str) -> set[str]:
    return {user_id for chat, user_id in world.record.members if chat == chat_id} - {"ann"}


@simulated(nodes=3, seeds=8)
async def test_of_many_who_want_the_last_places_so_many_get_in(world: World) -> None:
    chat_id = await world.group("ann")
    ann = await world.online("ann", "n1")
    token = await link(world, "ann", chat_id, max_uses=3)
    people = [await world.online(f"p{number}", f"n{1 + number % 3}") for number in range(7)]
    world.mongo.slowest_s = world.redis.slowest_s = 0.02
    world.mongo.lose_reply_rate = 0.05
    answers: dict[str, bool] = {}

    async def come(number: int) -> None:
        user_id = people[number].user_id
        answers[user_id] = await until_answered(world, f"n{1 + number % 3}", user_id, token)

    async with trio.open_nursery() as nursery:
        for number in range(len(people)):
            nursery.start_soon(come, number)
        ann.send(chat_id, "welcome")
    assert uses(world) == 3
    assert let_in(world, chat_id) == {user_id for user_id, there in answers.items() if there}
    assert len(let_in(world, chat_id)) == 3
    await world.heal()
    await check_everything(world)


@pytest.mark.slow
@pytest.mark.parametrize("dies", ["n1", "n2"])
def test_a_node_may_die_at_any_step_of_somebody_s_coming_in(dies: str) -> None:
    """Two want the one place, on two nodes. One gets it, the use is theirs, and nobody is in between."""

    async def story(world: World) -> None:
        chat_id = await world.group("ann")
        token = await link(world, "ann", chat_id, max_uses=1)
        await world.online("ann", "n1")
        for user_id in ("bob", "cat"):
            await world.online(user_id, "n2")
        world.begin()
        answers: dict[str, bool] = {}

        async def come(user_id: str, node: str) -> None:
            answers[user_id] = await until_answered(world, node, user_id, token)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(come, "bob", "n1")
            nursery.start_soon(come, "cat", "n2")
        await world.heal()
        assert uses(world) == 1
        assert sorted(answers.values()) == [False, True]
        assert let_in(world, chat_id) == {user_id for user_id, there in answers.items() if there}
        await check_everything(world)

    assert len(at_every_step(story, dies)) > 10


@simulated(nodes=2, seeds=6)
async def test_whoever_is_removed_while_they_join_again_does_not_come_back(world: World) -> None:
    chat_id = await world.group("ann")
    token = await link(world, "ann", chat_id)
    await world.online("ann", "n1")
    await world.online("bob", "n2")
    world.mongo.slowest_s = 0.02
    assert await until_answered(world, "n2", "bob", token)
    conversations = world["n1"].core.chats.conversations

    async def come() -> None:
        for _ in range(10):
            await until_answered(world, "n2", "bob", token)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(come)
        await trio.sleep(world.random.uniform(0, 0.1))
        await world["n1"].call(conversations.remove_member, principal("ann"), chat_id, "bob")
    assert let_in(world, chat_id) == set()
    assert not await until_answered(world, "n1", "bob", token)
    await world["n1"].call(conversations.put_member, principal("ann"), chat_id, "bob", MemberBody())
    assert let_in(world, chat_id) == {"bob"}
    await world.heal()
    await check_everything(world)
