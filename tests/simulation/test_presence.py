"""Who is online, over several nodes: told once, to those who may know, whatever happens in between."""

from __future__ import annotations

import pytest
import trio

from handlers.people.profiles import PrivacyBody, ProfileBody
from persistence.models import Block, Visibility
from persistence.presence import SETTLED_S
from tests.simulation.client import Client
from tests.simulation.invariants import check_contacts, check_everything
from tests.simulation.node import START_MS, Node
from tests.simulation.scenario import at_every_step, simulated
from tests.simulation.world import HEARTBEAT_S, LEASE_S, World, principal

CAME = "USER_CONNECTED"
WENT = "USER_DISCONNECTED"
GRACE_S = 3.0
POLL_S = 2.0
SOON_S = 1.0
GONE_S = GRACE_S + SOON_S
"""After so long it is told that somebody has left."""
DEAD_S = LEASE_S + 3 * HEARTBEAT_S + GRACE_S + 2 * POLL_S
"""The same for a node that has died."""


async def contacts(world: World, *others: str) -> Client:
    """Ann, connected to n1, with a direct chat with each of the others."""
    for other in others:
        await world.direct("ann", other)
    return await world.online("ann", "n1")


async def show(world: World, user_id: str, last_seen: Visibility, node: str = "n1") -> None:
    """Somebody changes who may see them."""
    body = ProfileBody(privacy=PrivacyBody(last_seen=last_seen))
    await world[node].call(world[node].core.people.profiles.update, principal(user_id), body)


# -- coming and going --------------------------------------------------------------------------------------------------


@simulated(nodes=3)
async def test_contacts_hear_once_of_the_first_device_and_once_of_the_last(world: World) -> None:
    ann = await contacts(world, "bob")
    assert ann.online == set()
    devices = [await world.online("bob", f"n{n % 3 + 1}", f"device{n}") for n in range(6)]
    await world.settle(SOON_S)
    assert ann.heard_of("bob") == [CAME]
    for device in devices[1:]:
        device.disconnect()
    await world.settle(4 * GONE_S)
    assert ann.heard_of("bob") == [CAME]
    left_at = world["n1"].clock()
    devices[0].disconnect()
    await world.settle(GRACE_S / 2)
    assert ann.heard_of("bob") == [CAME]
    await world.settle(GONE_S)
    assert ann.heard_of("bob") == [CAME, WENT]
    assert world.record.users["bob"].last_seen == pytest.approx(left_at, abs=1500)
    assert ann.others[-1][1]["last_seen"] is not None
    await world.heal()
    await check_everything(world)


@simulated(nodes=2)
async def test_nobody_else_hears_of_it(world: World) -> None:
    await world.group("ann", "bob", "eve")
    await world.channel("bob", "eve")
    ann = await contacts(world, "bob")
    eve = await world.online("eve", "n2")
    bob = await world.online("bob", "n2")
    await world.settle(SOON_S)
    bob.disconnect()
    await world.settle(GONE_S)
    assert ann.heard_of("bob") == [CAME, WENT]
    assert eve.heard_of("bob") == []
    assert eve.heard_of("ann") == []


@simulated(nodes=2)
async def test_joining_tells_who_is_online(world: World) -> None:
    ann = await contacts(world, "bob", "eve", "zoe")
    for name in ("bob", "eve"):
        await world.online(name, "n2")
    await world.settle(SOON_S)
    laptop = await world.online("ann", "n2", "laptop")
    assert laptop.answers[-1]["online"] == ["bob", "eve"]
    assert ann.online == laptop.online
    await check_contacts(world)


@simulated(nodes=3)
async def test_who_is_back_in_time_on_another_node_was_never_away(world: World) -> None:
    ann = await contacts(world, "bob")
    bob = await world.online("bob", "n2")
    await world.settle(SOON_S)
    for n in (3, 1, 2):
        bob.disconnect()
        await world.settle(GRACE_S - 1)
        await bob.connect(world[f"n{n}"])  # in all but the last case for a moment
    await world.settle(4 * GRACE_S)
    assert ann.heard_of("bob") == [CAME]


@simulated(nodes=2)
async def test_who_keeps_coming_and_going_is_online_to_the_others(world: World) -> None:
    ann = await contacts(world, "bob")
    bob = await world.online("bob", "n2")
    await world.settle(SOON_S)
    for _ in range(20):
        bob.disconnect()
        await world.settle(GRACE_S + 2)
        await bob.connect(world["n2"])
        await world.settle(1)
    assert ann.heard_of("bob").count(WENT) <= 4
    bob.disconnect()
    await world.settle(70)
    assert ann.heard_of("bob")[-1] == WENT
    await world.settle(300)
    await bob.connect(world["n2"])
    await world.settle(SOON_S)
    bob.disconnect()
    await world.settle(GONE_S)
    assert ann.heard_of("bob")[-1] == WENT


@simulated(nodes=2)
async def test_a_new_direct_chat_shows_whether_the_other_is_online(world: World) -> None:
    world.user("eve")
    ann, bob = await world.online("ann", "n1"), await world.online("bob", "n2")
    await world.direct("ann", "bob")
    await world.direct("ann", "eve")
    await world.settle(SOON_S)
    assert (ann.online, bob.online) == ({"bob"}, {"ann"})
    assert ann.heard_of("eve") == []


@simulated(nodes=2, seeds=1)
async def test_hundreds_at_once_cost_a_few_calls(world: World) -> None:
    names = [f"user{n:03}" for n in range(300)]
    for one, other in zip(names[::2], names[1::2], strict=True):
        await world.direct(one, other)
    calls: list[str] = []
    world.hook = lambda node, store, step: calls.append(f"{node.name} {step}") if store == "redis" else None
    clients = [await world.online(name, f"n{n % 2 + 1}") for n, name in enumerate(names)]
    await world.settle(GONE_S)
    await check_contacts(world)
    for client in clients[::2]:
        client.disconnect()
    await world.settle(2 * GONE_S)
    await check_contacts(world)
    assert {client.heard_of(names[n - 1])[-1] for n, client in enumerate(clients) if n % 2} == {WENT}
    for step in ("arrived", "left", "told", "publish"):
        assert 0 < sum(f" {step}:before" in call for call in calls) < 40, step


# -- nodes that die ------------------------------------------------------------------------------------------------------


@simulated(nodes=3)
async def test_a_dead_nodes_users_go_once(world: World) -> None:
    ann = await contacts(world, "bob", "eve", "zoe")
    for name in ("bob", "eve"):
        await world.online(name, "n3")
    await world.online("eve", "n2", "laptop")
    zoe = await world.online("zoe", "n2")
    await zoe.connect(world["n3"])
    await world.settle(SOON_S)
    world["n3"].kill()
    await zoe.connect(world["n2"])
    await world.settle(DEAD_S)
    assert [ann.heard_of(name) for name in ("bob", "eve", "zoe")] == [[CAME, WENT], [CAME], [CAME]]
    assert world.record.users["bob"].last_seen is not None
    await world.settle(60)
    assert ann.heard_of("bob") == [CAME, WENT]
    await check_contacts(world)


async def _coming_and_going(world: World) -> None:
    """Bob comes, and goes, on a node that may die meanwhile; Ann sees in the end what is so."""
    ann = await contacts(world, "bob", "eve")
    bob, eve = world.client("bob"), await world.online("eve", "n3")
    await world.settle(SOON_S)
    world.begin()
    for _ in range(2):
        try:
            await bob.connect(world["n2"])
        except Exception:  # noqa: BLE001 - it died
            break
        await world.settle(SOON_S)
        bob.disconnect()
        eve.disconnect()
        await eve.connect(world["n3"])
        await world.settle(GONE_S)
    await world.settle(DEAD_S)
    assert ann.online == {"eve"}
    told = ann.heard_of("bob")
    if told[:1] == [WENT]:  # whoever was about to say that he had come has died
        told = told[1:]
    assert told == [CAME, WENT] * (len(told) // 2)
    assert not world.broker.presence.devices.keys() - {"ann", "eve"}
    assert not world.broker.presence.telling


@pytest.mark.slow
def test_the_node_of_somebody_who_comes_and_goes_dies_at_every_step() -> None:
    steps = at_every_step(_coming_and_going, "n2", nodes=3)
    assert {"arrived:before", "arrived:after", "left:before", "left:after"} <= set(steps)


async def _burial(world: World) -> None:
    """The node of Bob and Eve dies, and then whoever is about to say so; Eve comes back elsewhere."""
    await world.direct("zoe", "bob")
    await world.direct("zoe", "eve")
    zoe = await world.online("zoe", "n3")
    _, eve = await world.online("bob", "n2"), await world.online("eve", "n2")
    await world.settle(SOON_S)
    world["n2"].kill()
    await eve.connect(world["n3"])
    await world.settle(LEASE_S - 2 * HEARTBEAT_S)
    world["n3"].redis.down = True  # so that it is the other who buries, and tells
    world.begin()
    await world.settle(4 * HEARTBEAT_S)
    world["n3"].redis.down = False
    await world.settle(2 * DEAD_S + 8)
    assert zoe.heard_of("bob") == [CAME, WENT]
    assert zoe.heard_of("eve") == [CAME]
    assert zoe.online == {"eve"}


@pytest.mark.slow
def test_whoever_buries_a_node_or_tells_of_its_users_dies_at_every_step() -> None:
    steps = at_every_step(_burial, "n1", nodes=3)
    assert {"bury:after", "turns:before", "turns:after"} <= set(steps)


@simulated(nodes=2)
async def test_who_leaves_a_node_that_stops_in_order_goes_after_the_grace_period(world: World) -> None:
    ann = await contacts(world, "bob", "eve")
    eve, _ = await world.online("eve", "n2"), await world.online("bob", "n2")
    await world.settle(SOON_S)
    await world["n2"].stop()
    await eve.connect(world["n1"])
    await world.settle(GONE_S + 2 * POLL_S + 2 * HEARTBEAT_S)
    assert (ann.heard_of("bob"), ann.heard_of("eve")) == ([CAME, WENT], [CAME])


# -- Redis ---------------------------------------------------------------------------------------------------------------


@simulated(nodes=3)
async def test_while_redis_is_away_nobody_is_said_to_go_and_afterwards_those_who_have(world: World) -> None:
    ann = await contacts(world, "bob", "eve", "zoe")
    bob, _ = await world.online("bob", "n2"), await world.online("eve", "n3")
    await world.settle(SOON_S)
    world.redis.faults.down = True
    bob.disconnect()
    await world.online("zoe", "n3")
    laptop = await world.online("ann", "n2", "laptop")
    await world.settle(30)
    assert ann.heard_of("bob") == [CAME]
    assert ann.online == {"bob", "eve"}
    assert laptop.online == set()
    world.redis.faults.down = False
    await world.settle(DEAD_S)
    assert [ann.heard_of(name) for name in ("bob", "eve", "zoe")] == [[CAME, WENT], [CAME], [CAME]]
    assert laptop.online == {"eve", "zoe"}
    await world.heal()
    await check_everything(world)


@simulated(nodes=3)
async def test_when_redis_loses_its_data_those_who_stay_are_not_spoken_of(world: World) -> None:
    ann = await contacts(world, "bob", "eve", "zoe")
    bob, _, zoe = [await world.online(name, f"n{n}") for n, name in ((2, "bob"), (3, "eve"), (3, "zoe"))]
    await world.settle(SOON_S)
    zoe.disconnect()
    await world.settle(1)
    world.broker.forget_everything()
    bob.disconnect()
    await world.settle(DEAD_S + LEASE_S)
    assert ann.heard_of("eve") == [CAME]
    assert set(ann.heard_of("bob")) == {CAME, WENT}
    assert ann.online == {"eve"}
    await check_contacts(world)
    await world.heal()
    await check_everything(world)


@simulated(nodes=3)
async def test_a_dead_nodes_users_are_known_to_have_gone_although_redis_lost_them(world: World) -> None:
    ann = await contacts(world, "bob", "eve")
    await world.online("bob", "n2")
    await world.online("eve", "n3")
    await world.settle(SOON_S)
    world["n2"].kill()
    world.broker.forget_everything()
    await world.settle(DEAD_S + LEASE_S)
    assert ann.online == {"eve"}
    assert ann.heard_of("eve") == [CAME]


@simulated(nodes=3)
async def test_nodes_that_were_buried_in_error_keep_their_users(world: World) -> None:
    ann = await contacts(world, "bob")
    await world.online("bob", "n2")
    await world.settle(SOON_S)
    world["n2"].redis.down = True
    await world.settle(LEASE_S + HEARTBEAT_S + 1)
    world["n2"].redis.down = False
    await world.settle(DEAD_S)
    assert ann.heard_of("bob") in ([CAME], [CAME, WENT, CAME])
    assert ann.online == {"bob"}
    await world.heal()
    await check_everything(world)


@simulated(nodes=3, seeds=6)
async def test_what_was_lost_on_the_way_is_made_up_for(world: World) -> None:
    ann = await contacts(world, "bob", "eve")
    bob = await world.online("bob", "n2")
    await world.settle(SETTLED_S)
    world.lose_rate = 1.0
    bob.disconnect()
    await world.online("eve", "n3")
    await world.settle(GONE_S)
    world.lose_rate = 0.0
    await world.settle(3 * HEARTBEAT_S)
    assert ann.online == {"eve"}


@simulated(nodes=2)
async def test_the_record_being_away_delays_what_is_told(world: World) -> None:
    ann = await contacts(world, "bob")
    bob = await world.online("bob", "n2")
    await world.settle(SOON_S)
    world.mongo.faults.down = True
    bob.disconnect()
    await world.settle(10)
    assert ann.heard_of("bob") == [CAME]
    world.mongo.faults.down = False
    await world.settle(15)
    assert ann.heard_of("bob") == [CAME, WENT]
    await world.heal()
    await check_everything(world)


# -- privacy -------------------------------------------------------------------------------------------------------------


@simulated(nodes=2)
async def test_who_shows_nobody_when_they_are_online_is_not_seen_and_sees_nobody(world: World) -> None:
    world.user("bob")
    await show(world, "bob", Visibility.NOBODY)
    ann = await contacts(world, "bob", "eve")
    bob = await world.online("bob", "n2")
    await world.online("eve", "n2")
    await world.settle(SOON_S)
    assert (ann.heard_of("bob"), ann.online) == ([], {"eve"})
    assert (bob.online, bob.heard_of("ann")) == (set(), [])
    bob.disconnect()
    await world.settle(GONE_S)
    assert ann.heard_of("bob") == []
    await check_contacts(world)


@simulated(nodes=2)
async def test_hiding_and_showing_takes_effect_at_once_on_both_sides(world: World) -> None:
    ann = await contacts(world, "bob")
    await world.settle(SOON_S)
    bob = await world.online("bob", "n2")
    await world.settle(SOON_S)
    await show(world, "bob", Visibility.NOBODY)
    await world.settle(SOON_S)
    assert (ann.online, bob.online) == (set(), set())
    assert ann.others[-1] == (WENT, {"user_id": "bob", "last_seen": None})
    ann.disconnect()
    await world.settle(GONE_S)
    assert bob.heard_of("ann") == [WENT]  # when he hid
    await ann.connect(world["n1"])
    await show(world, "bob", Visibility.EVERYONE)
    await world.settle(SOON_S)
    assert (ann.online, bob.online) == ({"bob"}, {"ann"})


@simulated(nodes=2)
async def test_who_is_for_contacts_only_is_seen_by_those_whom_they_have_written_to(world: World) -> None:
    world.user("bob")
    await show(world, "bob", Visibility.CONTACTS)
    ann = await contacts(world, "bob")  # it is Ann who begins the chat
    bob = await world.online("bob", "n2")
    await world.settle(SOON_S)
    assert ann.heard_of("bob") == []
    assert bob.online == {"ann"}
    (chat_id,) = bob.chats
    await bob.say(chat_id, "hello")
    bob.disconnect()
    await world.settle(GONE_S)
    await bob.connect(world["n2"])
    await world.settle(SOON_S)
    assert ann.heard_of("bob") == [WENT, CAME]
    await check_contacts(world)


@pytest.mark.parametrize("blocker", ["ann", "bob"])
@simulated(nodes=2)
async def test_between_two_of_whom_one_has_blocked_the_other_nothing_is_told(
    world: World, blocker: str
) -> None:
    ann = await contacts(world, "bob")
    bob = await world.online("bob", "n2")
    await world.settle(SOON_S)
    pair = (blocker, "bob" if blocker == "ann" else "ann")
    world.record.blocks[pair] = Block(user_id=pair[0], blocked_id=pair[1], at=START_MS)
    await world["n1"].core.presence.news.contact_changed(*pair)
    await world.settle(SOON_S)
    assert (ann.online, bob.online) == (set(), set())
    bob.disconnect()
    await world.settle(GONE_S)
    await bob.connect(world["n2"])
    await world.settle(SOON_S)
    assert ann.heard_of("bob") == [CAME, WENT]
    assert bob.online == set()
    del world.record.blocks[pair]
    await world["n2"].core.presence.news.contact_changed(*pair)
    await world.settle(SOON_S)
    assert (ann.online, bob.online) == ({"bob"}, {"ann"})


# -- use -----------------------------------------------------------------------------------------------------------------


@simulated(nodes=2)
async def test_it_is_known_coarsely_when_a_device_was_last_used(world: World) -> None:
    chat_id = await world.group("ann", "bob")
    ann, laptop = await world.online("ann", "n1"), await world.online("ann", "n1", "laptop")
    bob = await world.online("bob", "n2")
    writes: list[str] = []

    def hook(node: Node, store: str, step: str) -> None:
        if step == "arrived:before":
            writes.append(node.name)

    await world.settle(20)
    world.hook = hook
    before = world["n1"].clock()
    await bob.say(chat_id, "hello")
    for _ in range(40):
        await ann.mark("message:delivered", chat_id, 1)
        await laptop.say(chat_id, "and again")
        await world.settle(1)
    await world.settle(20)
    found = {device.device_id: device for device in world.broker.presence.devices["ann"].values()}
    assert found["ann-phone"].active_at < before
    assert found["ann-laptop"].active_at > before + 30_000
    assert writes.count("n1") <= 5
    await trio.sleep(40)
    assert writes.count("n1") <= 5
