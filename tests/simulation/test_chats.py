"""Who is in a chat, and what each member keeps for themselves, while messages flow over several nodes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio

from handlers.chats.conversations import ChatPatch, MemberBody, MuteBody
from handlers.errors import ChatError
from handlers.people.profiles import PrivacyBody, ProfileBody
from tests.simulation.client import Client, Refused
from tests.simulation.invariants import check_everything
from tests.simulation.node import Disconnected, Node
from tests.simulation.scenario import at_every_step, simulated
from tests.simulation.world import HEAD_CHECK_S, HEARTBEAT_S, World, principal

MEMBER = MemberBody()


async def rest(node: Node, user_id: str, name: str, *args: Any, **options: Any) -> Any:
    """A request of a user."""
    return await node.call(getattr(node.core.chats.conversations, name), principal(user_id), *args, **options)


def texts(client: Client, chat_id: str) -> list[str]:
    messages = client.chats[chat_id].messages
    return [messages[seq]["content"].get("text", "") for seq in sorted(messages)]


async def _chatter(world: World, client: Client, chat_id: str, messages: int = 20) -> None:
    for number in range(messages):
        client.send(chat_id, f"{client} {number}")
        await trio.sleep(world.random.uniform(0, 0.02))


@simulated(nodes=3, seeds=6)
async def test_whoever_is_added_while_messages_flow_misses_none_after_that(world: World) -> None:
    chat_id = await world.group("ann", "bob")
    ann, bob = await world.online("ann", "n1"), await world.online("bob", "n2")
    eve, laptop = await world.online("eve", "n3"), await world.online("eve", "n2", "laptop")
    world.mongo.slowest_s = world.redis.slowest_s = 0.02
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_chatter, world, ann, chat_id)
        nursery.start_soon(_chatter, world, bob, chat_id)
        await trio.sleep(0.1)
        await rest(world["n1"], "ann", "put_member", chat_id, "eve", MEMBER)
    await world.settle(2)
    assert texts(eve, chat_id) == texts(laptop, chat_id) == texts(ann, chat_id)
    assert len(texts(eve, chat_id)) == 40
    await world.heal()
    await check_everything(world)


@simulated(nodes=3, seeds=6)
async def test_whoever_is_removed_while_messages_flow_gets_none_after_that(world: World) -> None:
    """The client itself complains of any event after the one that removed it."""
    chat_id = await world.group("ann", "bob", "eve")
    ann, bob = await world.online("ann", "n1"), await world.online("bob", "n2")
    eve, laptop = await world.online("eve", "n3"), await world.online("eve", "n1", "laptop")
    world.mongo.slowest_s = world.redis.slowest_s = 0.02
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_chatter, world, ann, chat_id)
        nursery.start_soon(_chatter, world, bob, chat_id)
        await trio.sleep(0.1)
        await rest(world["n2"], "ann", "remove_member", chat_id, "eve")
    await world.settle(1)
    assert chat_id not in eve.chats
    assert chat_id not in laptop.chats
    with pytest.raises(Refused) as refused:
        await eve.say(chat_id, "still here?")
    assert refused.value.code == "not_found"
    await world.heal()
    await check_everything(world)


@simulated(nodes=3, seeds=6)
async def test_leaving_and_coming_back_at_once_ends_with_a_member_who_gets_everything(world: World) -> None:
    chat_id = await world.group("ann", "bob", "eve")
    ann, eve = await world.online("ann", "n1"), await world.online("eve", "n3")
    await world.online("bob", "n2")
    world.latest_s = 0.2
    for number in range(4):
        await rest(world[f"n{1 + number % 2}"], "ann", "remove_member", chat_id, "eve")
        await trio.sleep(0.02)
        await rest(world[f"n{2 - number % 2}"], "ann", "put_member", chat_id, "eve", MEMBER)
        ann.send(chat_id, f"{number}")
        await trio.sleep(0.02)
    await world.settle(2 * HEARTBEAT_S)
    assert texts(eve, chat_id) == ["0", "1", "2", "3"]
    await world.heal()
    await check_everything(world)


@simulated(nodes=2, seeds=6)
async def test_joining_me_while_messages_flow_leaves_no_hole_and_no_repeat(world: World) -> None:
    chat_id = await world.group("ann", "bob")
    ann, bob = await world.online("ann", "n1"), world.client("bob")
    bob.page = 3
    world.mongo.slowest_s = world.redis.slowest_s = 0.03
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_chatter, world, ann, chat_id, 60)
        for number in range(8):
            await bob.connect(world[f"n{1 + number % 2}"])
            await trio.sleep(world.random.uniform(0, 0.1))
    world.clear_weather()
    await world.settle(1)
    assert len(texts(ann, chat_id)) == 60
    assert texts(bob, chat_id) == texts(ann, chat_id)


@simulated()
async def test_a_client_that_reconnects_elsewhere_catches_up(world: World) -> None:
    chat_id = await world.group("ann", "bob")
    ann, bob = await world.online("ann", "n1"), await world.online("bob", "n2")
    await ann.say(chat_id, "one")
    await world.settle(30)
    bob.disconnect()
    for number in range(7):
        await ann.say(chat_id, f"missed {number}")
    await ann.ask("me", "message:edit", chat_id=chat_id, seq=1, content={"text": "edited"})
    await ann.ask("me", "message:delete", chat_id=chat_id, seq=3)
    await rest(world["n1"], "ann", "update", chat_id, ChatPatch(title="New"))
    bob.page = 2
    answer = await bob.connect(world["n1"])
    assert answer["more"] == [chat_id]
    await world.settle(1)
    assert texts(bob, chat_id) == ["edited", "missed 0", "", *[f"missed {n}" for n in range(2, 7)]]
    assert bob.chats[chat_id].view["title"] == "New"
    # Nothing has happened since: nothing is sent again.
    await trio.sleep(30)
    answer = await bob.connect(world["n2"])
    assert (answer["chats"], answer["messages"], answer["more"], answer["removed"]) == ([], [], [], [])


@simulated()
async def test_a_node_that_is_behind_a_client_catches_up_before_it_serves_it(world: World) -> None:
    chat_id = await world.group("ann", "bob")
    ann, bob = await world.online("ann", "n1"), await world.online("bob", "n1")
    await world.online("bob", "n2", "laptop")
    await trio.sleep(30)
    await bob.connect(world["n1"])
    world.earliest_s = world.latest_s = 3.0
    for number in range(3):
        await ann.say(chat_id, f"{number}")
    answer = await bob.connect(world["n2"])
    assert (answer["chats"], answer["messages"]) == ([], [])  # as far as the client had come on the other
    assert world["n2"].core.messages.routers.get(chat_id).room.head.seq == 3
    await world.settle()
    assert texts(bob, chat_id) == ["0", "1", "2"]


@simulated()
async def test_a_join_that_fails_leaves_no_events_behind(world: World) -> None:
    chat_id = await world.group("ann", "bob")
    ann, bob = await world.online("ann", "n1"), world.client("bob")
    await ann.say(chat_id, "one")
    joining = trio.Event()

    def hook(node: Node, store: str, step: str) -> Awaitable[None] | None:
        if node is not world["n2"] or step != "last_messages:before":
            return None
        joining.set()
        world.hook = None
        node.mongo.down = True
        return trio.sleep(1)  # noqa: ASYNC105 - awaited by the world

    world.hook = hook
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_say_after, joining, ann, chat_id)
        with pytest.raises(Refused) as refused:
            await bob.connect(world["n2"])  # the client would complain of the event
    assert refused.value.code == "unavailable"
    world.clear_weather()
    await bob.connect(world["n2"])
    assert texts(bob, chat_id) == ["one", "two"]


async def _say_after(event: trio.Event, client: Client, chat_id: str) -> None:
    await event.wait()
    await client.say(chat_id, "two")


async def _connect_slowly(world: World, client: Client, meanwhile: Callable[[], Awaitable[Any]]) -> None:
    """Connect to n2, and do something else after it has read the memberships and before it has made the rooms."""
    go, done = trio.Event(), trio.Event()

    def hook(node: Node, store: str, step: str) -> Awaitable[None] | None:
        if node is world["n2"] and step == "get_chats:before" and not go.is_set():
            go.set()
            return done.wait()
        return None

    world.hook = hook
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.connect, world["n2"])
        await go.wait()
        await meanwhile()
        await world.settle(0.1)
        done.set()


@simulated()
async def test_whoever_is_removed_while_joining_me_gets_nothing_of_the_chat(world: World) -> None:
    chat_id = await world.group("ann", "bob")
    ann, bob = await world.online("ann", "n1"), world.client("bob")
    await _connect_slowly(world, bob, lambda: rest(world["n1"], "ann", "remove_member", chat_id, "bob"))
    await ann.say(chat_id, "not for bob")
    await world.settle(1)
    assert bob.chats == {}


@simulated()
async def test_what_another_device_reads_while_this_one_joins_me_is_not_missed(world: World) -> None:
    here = await world.group("ann", "bob")
    await world.group("bob", "eve", title="Not on that node yet")
    ann, laptop = await world.online("ann", "n2"), await world.online("bob", "n1", "laptop")
    bob = world.client("bob")
    await ann.say(here, "hello")
    await world.settle(0.1)
    await _connect_slowly(world, bob, lambda: laptop.ask("me", "message:read", chat_id=here, seq=1))
    assert bob.chats[here].cursors["bob"] == [1, 1]


@simulated(seeds=10)
async def test_rooms_are_not_let_go_of_while_somebody_is_about_to_use_them(world: World) -> None:
    here = await world.group("ann", "bob")
    ann, bob, eve = await world.online("ann", "n1"), world.client("bob"), world.client("eve")
    await world.group("eve", "bob", title="Not on that node yet")
    # A request has made a room of the first on the other node; nobody there is subscribed to it.
    with pytest.raises(ChatError):
        await rest(world["n2"], "ann", "remove_member", here, "eve")
    assert [router.room.chat.id for router in world["n2"].core.messages.routers.all()] == [here]
    await trio.sleep(45)

    async def meanwhile() -> None:
        world_nursery.start_soon(bob.connect, world["n2"])
        await trio.sleep(50)

    async with trio.open_nursery() as world_nursery:
        await _connect_slowly(world, eve, meanwhile)
    await ann.say(here, "hello")
    await world.settle(0.1)
    assert texts(bob, here) == ["hello"]


@simulated()
async def test_what_a_role_may_do_changes_at_its_place_in_the_log(world: World) -> None:
    chat_id = await world.group("ann", "bob", "eve")
    ann, bob = await world.online("ann", "n1"), await world.online("bob", "n2")
    with pytest.raises(ChatError, match="may not"):
        await rest(world["n2"], "bob", "remove_member", chat_id, "eve")
    await rest(world["n1"], "ann", "put_member", chat_id, "bob", MemberBody(role="admin"))
    await rest(world["n2"], "bob", "remove_member", chat_id, "eve")
    await rest(world["n1"], "ann", "put_member", chat_id, "bob", MEMBER)
    with pytest.raises(ChatError, match="may not"):
        await rest(world["n2"], "bob", "put_member", chat_id, "eve", MEMBER)
    await world.settle(0.1)
    assert ann.chats[chat_id].members == bob.chats[chat_id].members == {"ann": "owner", "bob": "member"}
    assert bob.chats[chat_id].view["my_role"] == "member"


@simulated()
async def test_a_closed_chat_ends_for_everybody(world: World) -> None:
    chat_id = await world.group("ann", "bob")
    ann, bob = await world.online("ann", "n1"), await world.online("bob", "n2")
    await bob.open(chat_id)
    await rest(world["n1"], "ann", "delete", chat_id)
    await world.settle(0.1)
    for client in (ann, bob):
        assert client.chats == {}
        assert client.opened == {}
    await world.heal()
    await check_everything(world)


@simulated()
async def test_a_new_chat_appears_on_every_device_at_once(world: World) -> None:
    clients = [
        await world.online("ann", "n1"),
        await world.online("bob", "n2"),
        await world.online("bob", "n1", "laptop"),
    ]
    direct = await world.direct("ann", "bob")
    assert await world.direct("bob", "ann", node="n2") == direct
    await world.settle(0.5)
    assert all(list(client.chats) == [direct] for client in clients)


@simulated()
async def test_a_lost_invitation_is_made_up_for(world: World) -> None:
    await world.online("ann", "n1")
    bob = await world.online("bob", "n2")
    world.lose_rate = 1.0
    chat_id = await world.group("ann", "bob")
    world.lose_rate = 0.0
    await world.settle(2 * HEARTBEAT_S)
    assert list(bob.chats) == [chat_id]


# -- cursors -------------------------------------------------------------------------------------------------------------


@simulated()
async def test_cursors_reach_all_members_on_all_nodes_and_never_fall(world: World) -> None:
    chat_id = await world.group("ann", "bob")
    ann, bob = await world.online("ann", "n1"), await world.online("bob", "n2")
    laptop = await world.online("bob", "n1", "laptop")
    for number in range(5):
        await ann.say(chat_id, f"{number}")
    await world.settle(0.1)
    await bob.ask("me", "message:delivered", chat_id=chat_id, seq=5)
    await bob.ask("me", "message:read", chat_id=chat_id, seq=3)
    await laptop.ask("me", "message:read", chat_id=chat_id, seq=2)
    await world.settle(0.1)
    for client in (ann, bob, laptop):
        assert client.chats[chat_id].cursors["bob"] == [5, 3]
    assert world.record.members[chat_id, "bob"].read_seq == 3


@simulated(seeds=10)
async def test_cursors_that_are_raised_together_are_all_told(world: World) -> None:
    chat_id = await world.group("ann", "bob")
    ann, bob = await world.online("ann", "n1"), await world.online("bob", "n2")
    for number in range(6):
        await ann.say(chat_id, f"{number}")
    world.mongo.slowest_s = 0.1
    async with trio.open_nursery() as nursery:
        for seq in (1, 2, 3):
            for event in ("message:read", "message:delivered"):
                at = seq if event == "message:read" else 2 * seq
                nursery.start_soon(lambda e, s: bob.ask("me", e, chat_id=chat_id, seq=s), event, at)
    await world.settle(1)
    assert ann.chats[chat_id].cursors["bob"] == [6, 3]


@simulated()
async def test_nobody_is_told_of_what_a_user_who_hides_it_has_read(world: World) -> None:
    chat_id = await world.direct("ann", "bob")
    ann = await world.online("ann", "n1")
    body = ProfileBody(privacy=PrivacyBody(read_receipts=False))
    await world["n2"].call(world["n2"].core.people.profiles.update, principal("bob"), body)
    bob, laptop = await world.online("bob", "n2"), await world.online("bob", "n1", "laptop")
    await ann.say(chat_id, "hello")
    await world.settle(0.1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: bob.ask("me", "message:read", chat_id=chat_id, seq=1))
        nursery.start_soon(lambda: bob.ask("me", "message:delivered", chat_id=chat_id, seq=1))
    await world.settle(0.1)
    assert ann.chats[chat_id].cursors["bob"] == [1, 0]
    assert laptop.chats[chat_id].cursors["bob"] == [1, 1]


@simulated()
async def test_a_client_that_was_away_learns_how_far_the_other_has_read(world: World) -> None:
    chat_id = await world.direct("ann", "bob")
    ann, bob = await world.online("ann", "n1"), await world.online("bob", "n2")
    await ann.say(chat_id, "hello")
    await world.settle(60)
    await ann.connect(world["n1"])
    ann.disconnect()
    await trio.sleep(60)
    await bob.ask("me", "message:read", chat_id=chat_id, seq=1)
    await trio.sleep(60)
    await ann.connect(world["n1"])
    assert ann.chats[chat_id].cursors["bob"] == [1, 1]


@simulated()
async def test_a_seq_that_does_not_exist_cannot_be_read(world: World) -> None:
    chat_id = await world.group("ann", "bob")
    ann = await world.online("ann", "n1")
    with pytest.raises(Refused) as refused:
        await ann.ask("me", "message:read", chat_id=chat_id, seq=1)
    assert refused.value.code == "not_found"


@simulated()
async def test_after_a_loss_cursors_and_pins_are_told_anew(world: World) -> None:
    chat_id = await world.direct("ann", "bob")
    ann, bob = await world.online("ann", "n1"), await world.online("bob", "n2")
    laptop = await world.online("ann", "n2", "laptop")
    await ann.say(chat_id, "hello")
    await world.settle(0.1)
    world.lose_rate = 1.0
    await bob.ask("me", "message:read", chat_id=chat_id, seq=1)
    await rest(world["n1"], "ann", "pin", chat_id, pinned=True)
    await rest(world["n1"], "ann", "mute", chat_id, MuteBody())
    await world.settle(0.1)
    assert ann.chats[chat_id].cursors["bob"] == [0, 0]
    world.lose_rate = 0.0
    await world.settle(2 * HEARTBEAT_S)
    assert ann.chats[chat_id].cursors["bob"] == [1, 1]
    assert laptop.chats[chat_id].view["pinned"]
    assert laptop.chats[chat_id].view["muted"]


# -- a node dies, or a part of it crashes --------------------------------------------------------------------------------


async def _change_and_check(world: World) -> None:
    chat_id = await world.group("ann", "bob")
    ann = await world.online("ann", "n1")
    await world.online("bob", "n2")
    await world.online("eve", "n2")
    world.begin()
    steps: list[Callable[[], Awaitable[Any]]] = [
        lambda: rest(world["n1"], "ann", "put_member", chat_id, "eve", MEMBER),
        lambda: ann.say(chat_id, "hello"),
        lambda: ann.mark("message:read", chat_id, 1),
        lambda: ann.ask("me", "message:edit", chat_id=chat_id, seq=1, content={"text": "better"}),
        lambda: rest(world["n1"], "ann", "remove_member", chat_id, "bob"),
    ]
    for step in steps:
        try:
            await step()
        except (Disconnected, Refused, ChatError, RuntimeError):
            continue  # all must be well in the end, whether it was carried out or not
    await trio.sleep(1)
    world.begun = False
    await world.heal()
    await trio.sleep(HEAD_CHECK_S)
    await check_everything(world)


@pytest.mark.slow
def test_a_node_may_die_at_any_step_of_changing_members_and_messages() -> None:
    assert len(at_every_step(_change_and_check, "n1")) > 20


@pytest.mark.slow
def test_whatever_takes_a_step_in_a_store_may_crash_there() -> None:
    assert len(at_every_step(_change_and_check, "n1", crash=True)) > 20
