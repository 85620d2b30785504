"""A chat over several nodes: one order for everybody, whatever happens to what nodes tell each other."""

from __future__ import annotations

from collections.abc import Awaitable

import pytest
import trio

from tests.simulation.client import Client, Disconnected, Refused
from tests.simulation.invariants import check_everything
from tests.simulation.node import Node
from tests.simulation.scenario import at_every_step, simulated
from tests.simulation.world import HEAD_CHECK_S, HEARTBEAT_S, HOLD_S, World


def texts(client: Client, chat_id: str) -> list[str]:
    """What the client has, in order."""
    messages = client.chats[chat_id].messages
    return [messages[seq]["content"].get("text", "") for seq in sorted(messages)]


async def crew(world: World, nodes: int = 2) -> tuple[str, list[Client]]:
    """A group with a member on each node."""
    names = ("ann", "bob", "eve")[:nodes]
    chat_id = await world.group(*names)
    return chat_id, [await world.online(name, f"n{number}") for number, name in enumerate(names, 1)]


# -- one order -----------------------------------------------------------------------------------------------------------


@simulated()
async def test_a_message_reaches_every_device_of_every_member_on_every_node(world: World) -> None:
    chat_id, (ann, bob) = await crew(world)
    laptop = await world.online("ann", "n2", "laptop")
    message = await ann.say(chat_id, "hello")
    await world.settle(0.1)
    for client in (ann, bob, laptop):
        assert client.chats[chat_id].messages == {1: message}


@pytest.mark.parametrize("nodes", [2, 3])
@simulated(nodes=3, seeds=5)
async def test_nodes_that_race_for_a_seq_agree_on_one_order(world: World, nodes: int) -> None:
    chat_id, clients = await crew(world, nodes)
    world.mongo.slowest_s = 0.02
    for number in range(20):
        for client in clients:
            client.send(chat_id, f"{client} {number}")
        await trio.sleep(0.005)
    await world.settle()
    orders = [texts(client, chat_id) for client in clients]
    assert len(orders[0]) == 20 * nodes
    assert all(order == orders[0] for order in orders)
    await world.heal()
    await check_everything(world)


@simulated()
async def test_messages_of_one_sender_keep_their_order(world: World) -> None:
    chat_id, (ann, bob) = await crew(world)
    world.mongo.slowest_s = 0.02
    for number in range(50):
        ann.send(chat_id, f"{number}")
        if number % 3 == 0:
            bob.send(chat_id, "in between")
            await trio.sleep(0.01)
    await world.settle()
    assert [text for text in texts(bob, chat_id) if text != "in between"] == [str(n) for n in range(50)]


@simulated()
async def test_a_repeated_client_id_gives_the_first_answer_on_any_node(world: World) -> None:
    chat_id, (ann, bob) = await crew(world)
    laptop = await world.online("ann", "n2", "laptop")
    first = await ann.say(chat_id, "once")
    await bob.say(chat_id, "something else")
    again = laptop.send(chat_id, "once more", client_id=first["client_id"])
    twice = ann.send(chat_id, "and again", client_id=first["client_id"])
    ann.resend(twice)
    await world.settle()
    assert again.message == twice.message == first
    assert texts(bob, chat_id) == ["once", "something else"]


@simulated()
async def test_a_reply_to_a_message_that_has_not_come_to_ones_own_node_is_taken(world: World) -> None:
    chat_id, (ann, bob) = await crew(world)
    world.lose_rate = 1.0
    await ann.say(chat_id, "first")
    await world.settle(0.5)
    assert texts(bob, chat_id) == []
    body = {"chat_id": chat_id, "client_id": "r", "type": "text", "content": {"text": "second"}}
    assert (await bob.ask("me", "message:send", **body, reply_to=1))["message"]["seq"] == 2
    body["client_id"] = "another"
    with pytest.raises(Refused) as refused:
        await bob.ask("me", "message:send", **body, reply_to=3)
    assert refused.value.code == "invalid"
    world.lose_rate = 0.0
    await world.heal()
    await check_everything(world)


@simulated()
async def test_of_repeats_that_race_on_two_nodes_one_is_written(world: World) -> None:
    chat_id, (ann, bob) = await crew(world)
    laptop = await world.online("ann", "n2", "laptop")
    world.mongo.slowest_s = 0.02
    one, other = ann.send(chat_id, "x", client_id="same"), laptop.send(chat_id, "y", client_id="same")
    laptop.resend(other)
    await world.settle()
    assert one.message == other.message
    assert texts(bob, chat_id) == [one.message["content"]["text"]] if one.message else False


@simulated()
async def test_edits_and_deletions_race_with_sends_and_all_agree(world: World) -> None:
    chat_id, (ann, bob) = await crew(world)
    await ann.say(chat_id, "first")
    await ann.say(chat_id, "second")
    world.mongo.slowest_s = 0.02
    codes: set[str] = set()

    async def change(client: Client, event: str, **payload: object) -> None:
        try:
            await client.ask("me", event, chat_id=chat_id, **payload)
        except Refused as refused:
            codes.add(refused.code)

    async with trio.open_nursery() as nursery:
        for number in range(10):
            bob.send(chat_id, f"bob {number}")
            ann.send(chat_id, f"ann {number}")
            nursery.start_soon(
                lambda n: change(ann, "message:edit", seq=1, content={"text": f"v{n}"}), number
            )
            await trio.sleep(0.01)
        laptop = await world.online("ann", "n2", "laptop")
        nursery.start_soon(lambda: change(laptop, "message:edit", seq=2, content={"text": "late"}))
        nursery.start_soon(lambda: change(ann, "message:delete", seq=2))
    await world.settle()
    assert ann.chats[chat_id].messages == bob.chats[chat_id].messages == laptop.chats[chat_id].messages
    assert bob.chats[chat_id].messages[2]["deleted"]
    assert codes <= {"not_found"}  # of an edit and a deletion, either can be first
    await world.heal()
    await check_everything(world)


# -- what nodes tell each other ------------------------------------------------------------------------------------------


async def _talk(world: World, chat_id: str, clients: list[Client], messages: int = 15) -> None:
    for number in range(messages):
        for client in clients:
            client.send(chat_id, f"{client} {number}")
        await trio.sleep(0.05)


@pytest.mark.parametrize(
    ("lose", "repeat", "latest_s"),
    [(0.5, 0.0, 0.0), (0.0, 0.9, 0.0), (0.0, 0.0, 1.0), (0.2, 0.5, 0.5)],
    ids=["lost", "repeated", "late and out of order", "all of it"],
)
@simulated(nodes=3)
async def test_whatever_becomes_of_entries_between_nodes_everybody_gets_all_messages_once_and_in_order(
    world: World, lose: float, repeat: float, latest_s: float
) -> None:
    chat_id, clients = await crew(world, 3)
    world.lose_rate, world.repeat_rate, world.latest_s = lose, repeat, latest_s
    await _talk(world, chat_id, clients)
    world.clear_weather()
    await world.settle(2 * HEARTBEAT_S)
    orders = [texts(client, chat_id) for client in clients]
    assert len(orders[0]) == 45
    assert all(order == orders[0] for order in orders)


@simulated()
async def test_a_lost_entry_is_noticed_by_the_next_heartbeat_in_a_chat_that_stays_silent(
    world: World,
) -> None:
    chat_id, (ann, bob) = await crew(world)
    world.lose_rate = 1.0
    await ann.say(chat_id, "hello")
    world.lose_rate = 0.0
    await world.settle(2 * HEARTBEAT_S)
    assert texts(bob, chat_id) == ["hello"]


@simulated()
async def test_a_trimmed_inbox_is_made_up_for_from_the_record(world: World) -> None:
    chat_id, (ann, bob) = await crew(world)
    world.broker.inbox_length = 2
    world.latest_s = 1.0  # so that entries pile up
    world.nodes["n2"].redis.down = True
    await _talk(world, chat_id, [ann])
    world.broker.delete_inbox(world["n2"].incarnation)
    world.clear_weather()
    await world.settle(2 * HEARTBEAT_S)
    assert texts(bob, chat_id) == texts(ann, chat_id)
    assert len(texts(bob, chat_id)) == 15


@simulated()
async def test_a_message_after_a_lost_one_does_not_overtake_it(world: World) -> None:
    chat_id, (ann, bob) = await crew(world)
    world.lose_rate = 1.0
    await ann.say(chat_id, "one")
    world.lose_rate = 0.0
    await ann.say(chat_id, "two")
    await bob.say(chat_id, "three")
    await world.settle(0.1)
    assert texts(bob, chat_id) == ["one", "two", "three"]


@simulated()
async def test_a_slow_bus_does_not_slow_delivery_on_the_same_node(world: World) -> None:
    chat_id, (ann, _) = await crew(world)
    near = await world.online("bob", "n1", "laptop")
    world.redis.slowest_s = 1000.0
    began = trio.current_time()
    await ann.say(chat_id, "hello")
    assert trio.current_time() - began < 0.1
    assert texts(near, chat_id) == ["hello"]
    world.redis.slowest_s = 0.0


@simulated()
async def test_the_head_check_heals_what_left_no_trace(world: World) -> None:
    chat_id, (ann, bob) = await crew(world)
    # As if the node had died between its write and its publication, without anybody to bury it.
    world["n1"].core.fanout.publish = lambda topic, events: None  # type: ignore[method-assign]
    await ann.say(chat_id, "hello")
    await world.settle(HEARTBEAT_S * 2)
    assert texts(bob, chat_id) == []
    await world.settle(HEAD_CHECK_S)
    assert texts(bob, chat_id) == ["hello"]


@simulated()
async def test_a_chat_that_was_quiet_for_long_comes_back(world: World) -> None:
    chat_id, (ann, bob) = await crew(world)
    await ann.say(chat_id, "before")
    await trio.sleep(1000)
    assert all(node.core.messages.partitions.count_children().specs == 0 for node in world.living())
    world.lose_rate = 1.0
    await ann.say(chat_id, "lost")
    world.lose_rate = 0.0
    await bob.say(chat_id, "after")
    await world.settle(0.1)
    assert texts(bob, chat_id) == texts(ann, chat_id) == ["before", "lost", "after"]


# -- a node dies ---------------------------------------------------------------------------------------------------------


async def _say_and_check(world: World) -> None:
    chat_id, (ann, bob) = await crew(world)
    world.begin()
    ann.send(chat_id, "hello")
    await world.settle(1)
    world.begun = False
    await world.heal()
    assert texts(bob, chat_id) == ["hello"]
    await check_everything(world)


@pytest.mark.slow
def test_the_senders_node_may_die_at_any_step_of_a_messages_way() -> None:
    steps = at_every_step(_say_and_check, "n1")
    assert {"append:before", "append:after", "publish:before", "publish:after"} <= set(steps)


async def _send_to_one_that_dies(world: World) -> None:
    chat_id, (ann, bob) = await crew(world)
    world.begin()
    for number in range(3):
        await ann.say(chat_id, f"{number}")
        bob.send(chat_id, f"from bob {number}")
        await trio.sleep(1)
    world.begun = False
    await world.heal()
    assert len(texts(ann, chat_id)) == 6
    await check_everything(world)


@pytest.mark.slow
def test_the_receivers_node_may_die_at_any_step_while_it_sends_too() -> None:
    assert len(at_every_step(_send_to_one_that_dies, "n2")) > 6


async def _connect_and_check(world: World) -> None:
    chat_id = await world.group("ann", "bob")
    ann, bob = await world.online("ann", "n1"), world.client("bob")
    for number in range(3):
        await ann.say(chat_id, f"{number}")
    world.begin()
    try:
        await bob.connect(world["n2"])
    except (Disconnected, Refused):
        world.begun = False
    ann.send(chat_id, "after")
    await world.settle(1)
    world.begun = False
    await world.heal()
    assert texts(bob, chat_id) == ["0", "1", "2", "after"]
    await check_everything(world)


@pytest.mark.slow
def test_a_node_may_die_at_any_step_of_a_join() -> None:
    assert {"follow:after", "memberships:before"} <= set(at_every_step(_connect_and_check, "n2"))


async def _stop_and_check(world: World) -> None:
    chat_id, (ann, bob) = await crew(world)
    for number in range(5):
        ann.send(chat_id, f"{number}")
    await trio.lowlevel.checkpoint()
    world.begin()
    await world["n1"].stop()
    world.begun = False
    await world.settle(2 * HEARTBEAT_S)
    await world.heal()
    assert len(texts(bob, chat_id)) == 5
    await check_everything(world)


@pytest.mark.slow
def test_a_node_may_die_at_any_step_of_its_orderly_stop() -> None:
    at_every_step(_stop_and_check, "n1")


@simulated()
async def test_an_orderly_stop_writes_and_publishes_what_waits(world: World) -> None:
    chat_id, (ann, bob) = await crew(world)
    left = trio.Event()

    def hook(node: Node, store: str, step: str) -> Awaitable[None] | None:
        if step == "leave:after":
            left.set()
        return left.wait() if step == "append:before" else None

    world.hook = hook
    world.redis.slowest_s = 0.5
    for number in range(10):
        ann.send(chat_id, f"{number}")
    await trio.sleep(0.1)
    await world["n1"].stop()
    await trio.sleep(0.001)  # no time for anything to be made up for
    assert texts(bob, chat_id) == [str(number) for number in range(10)]


# -- stores away ---------------------------------------------------------------------------------------------------------


@simulated()
async def test_a_reply_lost_after_the_write_makes_no_second_message(world: World) -> None:
    chat_id, (ann, bob) = await crew(world)
    world.mongo.faults.fail_after = 1
    messages = [ann.send(chat_id, f"{number}") for number in range(3)]
    await world.settle(2)
    assert [m.message["seq"] for m in messages if m.message] == [1, 2, 3]
    assert texts(bob, chat_id) == ["0", "1", "2"]


@simulated()
async def test_a_message_whose_own_node_meets_it_in_the_record_is_told_to_others_as_any_other(
    world: World,
) -> None:
    chat_id, (ann, bob) = await crew(world)
    router = world["n1"].core.messages.routers.get(chat_id)
    assert router is not None

    def hook(node: Node, store: str, step: str) -> None:
        if step == "append:after":
            world.hook = None
            router.catch_up()

    world.hook = hook
    world.mongo.faults.fail_after = 1
    await ann.say(chat_id, "one")
    await ann.say(chat_id, "two")
    await world.settle(0.1)
    assert texts(bob, chat_id) == ["one", "two"]


@simulated()
async def test_sends_are_held_while_mongodb_is_away_for_a_moment(world: World) -> None:
    chat_id, (ann, bob) = await crew(world)
    world.mongo.faults.down = True
    outgoing = ann.send(chat_id, "held")
    await trio.sleep(HOLD_S / 2)
    assert outgoing.message is None
    world.mongo.faults.down = False
    await world.settle(2)
    assert outgoing.message is not None
    assert outgoing.tries == 1
    assert texts(bob, chat_id) == ["held"]


@simulated()
async def test_after_too_long_a_send_is_refused_as_unavailable_and_its_repeat_gives_one_message(
    world: World,
) -> None:
    chat_id, (ann, bob) = await crew(world)

    def hook(node: Node, store: str, step: str) -> None:
        # The first write takes effect, and nobody learns of it.
        if step == "append:after":
            world.mongo.faults.fail_after = 1
            world.mongo.faults.down = True
            world.hook = None

    world.hook = hook
    world.redis.faults.down = True  # so that it cannot be queued either
    body = {"chat_id": chat_id, "client_id": "c1", "type": "text", "content": {"text": "x"}}
    with pytest.raises(Refused) as refused:
        await ann.ask("me", "message:send", **body)
    assert refused.value.code == "unavailable"
    world.clear_weather()
    await world.settle(2)
    answer = await ann.ask("me", "message:send", **body)
    await world.settle(1)
    assert answer["message"]["seq"] == 1
    assert texts(bob, chat_id) == texts(ann, chat_id) == ["x"]


@simulated(nodes=3)
async def test_redis_gone_slows_other_nodes_and_loses_nothing(world: World) -> None:
    chat_id, clients = await crew(world, 3)
    world.redis.faults.down = True
    await _talk(world, chat_id, clients)
    await world.settle(2 * HEARTBEAT_S)
    orders = [texts(client, chat_id) for client in clients]
    assert len(orders[0]) == 45
    assert all(order == orders[0] for order in orders)
    world.redis.faults.down = False
    await world.settle(2 * HEARTBEAT_S)
    await clients[0].say(chat_id, "back")
    await world.settle(0.1)
    assert all(texts(client, chat_id)[-1] == "back" for client in clients)


@simulated(nodes=3)
async def test_redis_may_lose_its_data(world: World) -> None:
    chat_id, clients = await crew(world, 3)
    await _talk(world, chat_id, clients, 3)
    world.broker.forget_everything()
    await _talk(world, chat_id, clients, 3)
    await world.settle(2 * HEARTBEAT_S)
    await clients[0].say(chat_id, "back")
    await world.settle(0.1)
    orders = [texts(client, chat_id) for client in clients]
    assert len(orders[0]) == 19
    assert all(order == orders[0] for order in orders)


@simulated()
async def test_a_node_that_the_cluster_has_forgotten_comes_back(world: World) -> None:
    chat_id, (ann, bob) = await crew(world)
    world["n2"].redis.down = True
    await trio.sleep(20)
    assert world["n1"].core.cluster.membership.buried == 1
    await ann.say(chat_id, "while away")
    world["n2"].redis.down = False
    await world.settle(2 * HEARTBEAT_S)
    assert texts(bob, chat_id) == ["while away"]
    await ann.say(chat_id, "back")
    await world.settle(0.1)
    assert texts(bob, chat_id) == ["while away", "back"]


# -- too much ------------------------------------------------------------------------------------------------------------


@simulated(max_pending=5)
async def test_what_is_too_much_is_refused_as_overloaded_and_taken_later(world: World) -> None:
    chat_id, (ann, bob) = await crew(world)
    world.mongo.slowest_s = 0.5
    codes: list[str] = []

    async def say(number: int) -> None:
        body = {"chat_id": chat_id, "client_id": f"c{number}", "type": "text", "content": {"text": "x"}}
        while True:
            try:
                await ann.ask("me", "message:send", **body)
            except Refused as refused:
                codes.append(refused.code)
                await trio.sleep(1)
            else:
                return

    async with trio.open_nursery() as nursery:
        for number in range(30):
            nursery.start_soon(say, number)
    assert set(codes) == {"overloaded"}
    await world.settle()
    assert len(texts(bob, chat_id)) == 30


@simulated(sends_per_second=1.0, sends_burst=3.0)
async def test_a_connection_that_sends_too_fast_is_told_when_to_go_on(world: World) -> None:
    chat_id, (ann, _) = await crew(world)
    codes = []
    for number in range(5):
        body = {"chat_id": chat_id, "client_id": f"c{number}", "type": "text", "content": {"text": "x"}}
        try:
            await ann.ask("me", "message:send", **body)
        except Refused as refused:
            codes.append(refused.code)
    assert codes == ["rate_limited", "rate_limited"]
