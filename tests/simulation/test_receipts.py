"""Receipts: who has received and read, told in few frames, and in large chats as sums."""

from __future__ import annotations

from typing import Any

import trio

from handlers.chats.conversations import MemberBody
from handlers.people.profiles import PrivacyBody, ProfileBody
from handlers.protocol import Prepared
from persistence.models import Role
from tests.simulation.client import Client
from tests.simulation.invariants import check_everything
from tests.simulation.scenario import simulated
from tests.simulation.world import World, principal

SOON_S = 2.5
MEMBERS = 300


async def hide_reads(world: World, user_id: str, *, hidden: bool) -> None:
    body = ProfileBody(privacy=PrivacyBody(read_receipts=not hidden))
    await world["n1"].call(world["n1"].core.people.profiles.update, principal(user_id), body)
    await world.settle(0.1)


def cursor(client: Client, chat_id: str, user_id: str) -> list[int]:
    """What the client shows of a member: `[delivered, read]`."""
    return client.chats[chat_id].cursors.get(user_id, [0, 0])


async def receipts(world: World, user_id: str, chat_id: str, seq: int, node: str = "n1") -> Any:
    views = world[node].core.receipts.views
    return await world[node].call(views.of_message, principal(user_id), chat_id, seq)


async def large(world: World, *, kind: str, members: int = MEMBERS) -> tuple[str, Client, list[Client]]:
    """A group or channel of many, on two nodes; the owner, and the others."""
    names = [f"user{n:03}" for n in range(members - 1)]
    make = world.group if kind == "group" else world.channel
    chat_id = await make("olga", *names)
    olga = await world.online("olga", "n1")
    others = [await world.online(name, f"n{n % 2 + 1}") for n, name in enumerate(names)]
    await world.settle(1)
    return chat_id, olga, others


@simulated(nodes=2, max_members_group=1000)
async def test_many_cursors_of_one_chat_arrive_in_one_go_and_only_the_newest_of_each(world: World) -> None:
    names = [f"user{n}" for n in range(20)]
    chat_id = await world.group("ann", *names)
    ann = await world.online("ann", "n1")
    others = [await world.online(name, "n2") for name in names]
    for n in range(10):
        await ann.say(chat_id, f"{n}")
    await world.settle(1)
    pushes: list[Prepared] = []
    (session,) = world["n1"].core.hub.users["ann"]
    push = session.push
    session.push = lambda prepared: (pushes.append(prepared), push(prepared))[1]
    published = world["n2"].core.fanout.published
    async with trio.open_nursery() as nursery:
        for other in others:
            for seq in range(1, 11):
                nursery.start_soon(other.mark, "message:read", chat_id, seq)
    await world.settle(1)
    reads = [text for prepared in pushes for text in prepared.texts if b"MESSAGE_READ" in text]
    assert {name: cursor(ann, chat_id, name) for name in names} == {name: [10, 10] for name in names}
    assert len(pushes) <= 3
    assert len(reads) <= 2 * len(names)
    assert world["n2"].core.fanout.published - published <= 3
    await world.heal()
    await check_everything(world)


@simulated(nodes=2, seeds=1, max_members_group=1000)
async def test_in_a_large_group_owner_and_sender_are_told_sums_and_nobody_names(world: World) -> None:
    chat_id, olga, others = await large(world, kind="group")
    sender, third = others[0], others[1]
    await sender.say(chat_id, "hello")
    await world.settle(1)
    start = world["n1"].clock()
    for n, other in enumerate(others[1:]):
        await other.mark("message:delivered", chat_id, 1)
        if n % 3 == 0:
            await other.mark("message:read", chat_id, 1)
    await world.settle(SOON_S)
    took_s = (world["n1"].clock() - start) / 1000
    read = len(range(0, len(others) - 1, 3))
    expected = {"chat_id": chat_id, "seq": 1, "delivered": MEMBERS - 2, "read": read, "of": MEMBERS - 1}
    for told in (olga, sender):
        sums = told.sums(chat_id)
        assert sums[-1] == expected
        assert len(sums) <= took_s + 2
    assert third.sums(chat_id) == []
    assert cursor(olga, chat_id, others[4].user_id) == [0, 0]
    # Every device of a user agrees.
    laptop = await world.online(others[1].user_id, "n1", "laptop")
    await sender.say(chat_id, "again")
    await world.settle(0.5)
    await laptop.mark("message:read", chat_id, 2)
    await world.settle(0.5)
    assert cursor(others[1], chat_id, others[1].user_id) == [2, 2]
    assert cursor(laptop, chat_id, others[1].user_id) == [2, 2]
    found = await receipts(world, sender.user_id, chat_id, 1)
    assert (found.of, found.delivered, found.read, found.items) == (MEMBERS - 1, MEMBERS - 2, read, None)


@simulated(nodes=2, seeds=1, max_members_group=1000)
async def test_in_a_channel_owner_and_admins_are_told_how_many_have_read(world: World) -> None:
    chat_id, olga, others = await large(world, kind="channel", members=100)
    hidden, reader = others[0], others[1]
    await hide_reads(world, hidden.user_id, hidden=True)
    await olga.say(chat_id, "news")
    await world.settle(0.5)
    for other in others[:40]:
        await other.mark("message:read", chat_id, 1)
    await world.settle(SOON_S)
    # Whoever hides what they read has received it, and no more.
    expected = {"chat_id": chat_id, "seq": 1, "delivered": 40, "read": 39, "of": 99}
    assert olga.sums(chat_id)[-1] == expected
    assert reader.sums(chat_id) == []
    assert (await receipts(world, "olga", chat_id, 1)).read == 39
    await hide_reads(world, "olga", hidden=True)
    before = len(olga.sums(chat_id))
    await others[50].mark("message:read", chat_id, 1)
    await world.settle(SOON_S)
    assert len(olga.sums(chat_id)) == before
    assert (await receipts(world, "olga", chat_id, 1)).read is None


@simulated(nodes=2)
async def test_who_hides_what_they_read_does_not_see_what_others_read(world: World) -> None:
    chat_id = await world.group("ann", "bob", "eve")
    ann, bob, eve = [
        await world.online(name, f"n{n % 2 + 1}") for n, name in enumerate(("ann", "bob", "eve"))
    ]
    tablet = await world.online("bob", "n1", "tablet")
    await hide_reads(world, "bob", hidden=True)
    await ann.say(chat_id, "hello")
    await world.settle(0.5)
    await eve.mark("message:read", chat_id, 1)
    await bob.mark("message:read", chat_id, 1)
    await world.settle(0.5)
    assert cursor(ann, chat_id, "eve") == [1, 1]
    assert cursor(ann, chat_id, "bob") == [1, 0]
    for device in (bob, tablet):
        assert cursor(device, chat_id, "eve") == [1, 0]
        assert cursor(device, chat_id, "bob") == [1, 1]
    found = await receipts(world, "ann", chat_id, 1)
    assert [(item.user_id, item.delivered, item.read) for item in found.items] == [
        ("bob", True, False),
        ("eve", True, True),
    ]
    assert (found.of, found.delivered, found.read) == (2, 2, 1)
    await hide_reads(world, "bob", hidden=False)
    await ann.say(chat_id, "again")
    await world.settle(0.5)
    await eve.mark("message:read", chat_id, 2)
    await bob.mark("message:read", chat_id, 2)
    await world.settle(0.5)
    assert cursor(bob, chat_id, "eve") == cursor(ann, chat_id, "bob") == [2, 2]
    await world.heal()
    await check_everything(world)


@simulated(nodes=2, seeds=1, max_members_group=1000)
async def test_sums_pause_without_the_record_and_are_right_afterwards(world: World) -> None:
    chat_id, olga, others = await large(world, kind="channel", members=30)
    await olga.say(chat_id, "news")
    for other in others[:5]:
        await other.mark("message:read", chat_id, 1)
    world.mongo.faults.down = True
    await world.settle(10)
    world.mongo.faults.down = False
    world.redis.faults.down = True
    for other in others[5:9]:
        await other.mark("message:read", chat_id, 1)
    await world.settle(5)
    world.redis.faults.down = False
    await others[9].mark("message:read", chat_id, 1)
    await world.settle(15)
    assert olga.sums(chat_id)[-1]["read"] == 10


@simulated(nodes=3, seeds=1, max_members_group=1000)
async def test_an_admin_on_a_third_node_is_told_too_and_a_member_who_was_one_is_not(world: World) -> None:
    chat_id, olga, others = await large(world, kind="channel", members=10)
    adam = others[0]
    key = (chat_id, adam.user_id)
    change = world["n1"].core.chats.conversations.put_member
    await world["n1"].call(change, principal("olga"), chat_id, adam.user_id, MemberBody(role="admin"))
    await adam.connect(world["n3"])
    await olga.say(chat_id, "news")
    await others[1].mark("message:read", chat_id, 1)
    await world.settle(SOON_S)
    assert adam.sums(chat_id)[-1]["read"] == 1
    assert world.record.members[key].role is Role.ADMIN
    await world["n1"].call(change, principal("olga"), chat_id, adam.user_id, MemberBody(role="member"))
    await world.settle(0.5)
    await others[2].mark("message:read", chat_id, 1)
    await world.settle(SOON_S)
    assert adam.sums(chat_id)[-1]["read"] == 1
    assert olga.sums(chat_id)[-1]["read"] == 2
