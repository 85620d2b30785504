"""Live location over several nodes: streamed to open chats, the last position kept, ended by itself or on request."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from handlers.errors import ChatError
from handlers.wire import rfc3339
from handlers.workers.live_ends import LEASE_MS
from tests.simulation.client import Client, Refused
from tests.simulation.invariants import check_everything
from tests.simulation.node import START_MS, Disconnected
from tests.simulation.scenario import at_every_step, simulated
from tests.simulation.test_chats import rest
from tests.simulation.world import HEARTBEAT_S, World

LIVE_S = 60.0
BY_OTHERS_S = 8.0
"""So long after its end, at most, another node writes it: `docs/architecture.md`."""


def now() -> int:
    return START_MS + round(trio.current_time() * 1000)


async def share(client: Client, chat_id: str, *, live_s: float = LIVE_S, **fields: Any) -> dict[str, Any]:
    """Send a live location; the message."""
    until = rfc3339(now() + round(live_s * 1000))
    body = {"chat_id": chat_id, "client_id": "live", "type": "location", **fields}
    answer = await client.ask(
        "me", "message:send", **body, content={"lat": 1.0, "lng": 2.0, "accuracy": 9.0, "live_until": until}
    )
    message: dict[str, Any] = answer["message"]
    return message


async def move(client: Client, chat_id: str, seq: int, lat: float, **fields: Any) -> None:
    await client.ask(f"chat:{chat_id}", "location:update", seq=seq, lat=lat, lng=-lat, **fields)


async def refused(client: Client, chat_id: str, seq: int) -> str:
    with pytest.raises(Refused) as refusal:
        await move(client, chat_id, seq, 80.0)
    return refusal.value.code


def track(client: Client, chat_id: str) -> list[float]:
    """The latitudes that a client has been told, in order."""
    return [moved["lat"] for moved in client.opened[chat_id].moves]


def place(world: World, chat_id: str, seq: int) -> dict[str, Any]:
    return dict(world.record.messages[chat_id][seq].content)


async def open_chat(world: World) -> tuple[str, Client, Client]:
    """A direct chat of Ann and Bob, open on two nodes."""
    chat_id = await world.direct("ann", "bob")
    ann, bob = await world.online("ann", "n1"), await world.online("bob", "n2")
    for client in (ann, bob):
        await client.open(chat_id)
    return chat_id, ann, bob


@simulated(nodes=3)
async def test_positions_reach_everyone_who_has_the_chat_open_and_nobody_else(world: World) -> None:
    chat_id, ann, bob = await open_chat(world)
    laptop, tablet = await world.online("bob", "n3", "laptop"), await world.online("bob", "n1", "tablet")
    await tablet.open(chat_id)
    seq = (await share(ann, chat_id))["seq"]
    for lat in (10.0, 11.5):
        await move(ann, chat_id, seq, lat, accuracy=3.0)
        await world.settle(1)
    for client in (ann, bob, tablet):
        assert track(client, chat_id) == [10.0, 11.5]
    moved = bob.opened[chat_id].moves[0]
    assert {key: value for key, value in moved.items() if key != "at"} == {
        "chat_id": chat_id,
        "seq": seq,
        "user_id": "ann",
        "lat": 10.0,
        "lng": -10.0,
        "accuracy": 3.0,
    }
    assert laptop.opened == {}


@simulated(nodes=3)
async def test_whoever_opens_the_chat_later_is_given_the_last_position_on_any_node(world: World) -> None:
    chat_id, ann, bob = await open_chat(world)
    seq = (await share(ann, chat_id))["seq"]
    for lat in (10.0, 11.0, 12.0):
        await move(ann, chat_id, seq, lat)
    late = await world.online("bob", "n3", "late")
    await late.open(chat_id)
    await world.settle(0.1)
    assert track(late, chat_id) == [12.0]
    await move(ann, chat_id, seq, 13.0)
    await world.settle(0.1)
    assert track(late, chat_id) == [12.0, 13.0]
    assert track(bob, chat_id) == [10.0, 11.0, 12.0, 13.0]


@simulated(nodes=3)
async def test_it_ends_by_itself_with_the_last_position_in_the_record(world: World) -> None:
    chat_id, ann, bob = await open_chat(world)
    message = await share(ann, chat_id)
    await move(ann, chat_id, message["seq"], 10.0)
    await move(ann, chat_id, message["seq"], 11.0)
    await world.settle(LIVE_S)
    assert await refused(ann, chat_id, message["seq"]) == "conflict"
    await world.settle(3)
    until = message["content"]["live_until"]
    assert place(world, chat_id, message["seq"]) == {"lat": 11.0, "lng": -11.0, "live_until": until}
    assert bob.chats[chat_id].messages[message["seq"]]["content"]["lat"] == 11.0
    assert world.broker.live == {}
    late = await world.online("bob", "n3", "late")
    await late.open(chat_id)
    await world.settle(0.1)
    assert track(late, chat_id) == []
    await world.settle(LEASE_MS / 1000 + 5)
    assert world.record.messages[chat_id][message["seq"]].rev == 2
    await world.heal()
    await check_everything(world)


@simulated(nodes=2)
async def test_it_ends_although_the_node_where_it_was_shared_has_died(world: World) -> None:
    chat_id, ann, _ = await open_chat(world)
    await world.settle(30)
    message = await share(ann, chat_id)
    await move(ann, chat_id, message["seq"], 10.0)
    world["n1"].kill()
    await world.settle(LIVE_S + BY_OTHERS_S + 1)
    assert place(world, chat_id, message["seq"])["lat"] == 10.0
    assert world.broker.live == {}


@simulated()
async def test_its_sender_ends_it_from_any_device_and_may_do_so_again(world: World) -> None:
    chat_id, ann, bob = await open_chat(world)
    seq = (await share(ann, chat_id))["seq"]
    await move(ann, chat_id, seq, 10.0)
    laptop = await world.online("ann", "n2", "laptop")
    await laptop.open(chat_id)
    ended_at = rfc3339(now())
    for _ in range(2):
        answer = await laptop.ask(f"chat:{chat_id}", "location:stop", seq=seq)
        assert answer["message"]["content"] == {"lat": 10.0, "lng": -10.0, "live_until": ended_at}
    await world.settle(1)
    assert bob.chats[chat_id].messages[seq]["content"]["live_until"] == ended_at
    assert await refused(ann, chat_id, seq) == await refused(laptop, chat_id, seq) == "conflict"
    await world.settle(LIVE_S + 5)
    assert world.record.messages[chat_id][seq].rev == 2
    assert world.broker.live == {}


@simulated()
async def test_deleting_the_message_ends_it(world: World) -> None:
    chat_id, ann, _ = await open_chat(world)
    seq = (await share(ann, chat_id))["seq"]
    await move(ann, chat_id, seq, 10.0)
    await ann.ask("me", "message:delete", chat_id=chat_id, seq=seq)
    assert await refused(ann, chat_id, seq) == "not_found"
    late = await world.online("bob", "n2", "late")
    await late.open(chat_id)
    await world.settle(0.1)
    assert track(late, chat_id) == []
    await world.settle(LIVE_S + 5)
    assert place(world, chat_id, seq) == {}
    assert world.broker.live == {}


@simulated()
async def test_an_edit_can_end_it_earlier_and_not_make_it_longer(world: World) -> None:
    chat_id, ann, _ = await open_chat(world)
    seq = (await share(ann, chat_id))["seq"]
    await move(ann, chat_id, seq, 10.0)
    where = {"lat": 5.0, "lng": 5.0}
    content: dict[str, Any] = {**where, "live_until": rfc3339(now() + round(LIVE_S * 1000) + 60_000)}
    with pytest.raises(Refused) as refusal:
        await ann.ask("me", "message:edit", chat_id=chat_id, seq=seq, content=content)
    assert refusal.value.code == "invalid"
    content = {**where, "live_until": rfc3339(now() + 5_000)}
    await ann.ask("me", "message:edit", chat_id=chat_id, seq=seq, content=content)
    await move(ann, chat_id, seq, 11.0)
    await world.settle(5)
    assert await refused(ann, chat_id, seq) == "conflict"
    await ann.ask("me", "message:edit", chat_id=chat_id, seq=seq, content=where)
    assert await refused(ann, chat_id, seq) == "invalid"
    await world.settle(LIVE_S + 5)
    assert place(world, chat_id, seq) == where


@simulated(nodes=3)
async def test_whoever_is_removed_shares_no_more_positions(world: World) -> None:
    chat_id = await world.group("ann", "bob", "eve")
    ann, bob = await world.online("ann", "n1"), await world.online("bob", "n2")
    for client in (ann, bob):
        await client.open(chat_id)
    seq = (await share(bob, chat_id))["seq"]
    await move(bob, chat_id, seq, 10.0)
    await rest(world["n1"], "ann", "remove_member", chat_id, "bob")
    await world.settle(0.1)
    with pytest.raises(Refused) as refusal:
        await bob.ask(f"chat:{chat_id}", "location:update", seq=seq, lat=1.0, lng=1.0)
    assert refusal.value.code == "not_joined"
    eve = await world.online("eve", "n3")
    await eve.open(chat_id)
    await world.settle(0.1)
    assert track(eve, chat_id) == []
    await world.settle(LIVE_S + 5)
    assert (
        place(world, chat_id, seq)["lat"] == 1.0
    )  # who may not write there any more has nothing written either
    assert world.broker.live == {}


@simulated()
async def test_positions_do_not_cross_a_block(world: World) -> None:
    chat_id, ann, bob = await open_chat(world)
    seq = (await share(ann, chat_id))["seq"]
    await move(ann, chat_id, seq, 10.0)
    moves = bob.opened[chat_id].moves
    await world["n2"].call(world["n2"].core.people.blocking.block, bob.principal, "ann")
    await world.settle(0.1)
    with pytest.raises(Refused):
        await ann.ask(f"chat:{chat_id}", "location:update", seq=seq, lat=1.0, lng=1.0)
    with pytest.raises(Refused):
        await ann.open(chat_id)
    await world.settle(LIVE_S + 5)
    assert [moved["lat"] for moved in moves] == [10.0]


@simulated()
async def test_what_is_no_live_location_of_ones_own_takes_no_positions(world: World) -> None:
    chat_id, ann, bob = await open_chat(world)
    seq = (await share(ann, chat_id))["seq"]
    text = (await ann.say(chat_id, "hello"))["seq"]
    plain = {"type": "location", "content": {"lat": 1, "lng": 1}, "client_id": "plain", "chat_id": chat_id}
    still = (await ann.ask("me", "message:send", **plain))["message"]["seq"]
    assert await refused(bob, chat_id, seq) == "forbidden"
    assert await refused(ann, chat_id, text) == await refused(ann, chat_id, still) == "invalid"
    assert await refused(ann, chat_id, 99) == "not_found"
    for wrong in ({}, {"seq": 0}, {"seq": "1"}, {"lat": 91.0}, {"lng": None}, {"accuracy": -1}):
        payload = {"seq": seq, "lat": 1.0, "lng": 1.0, **wrong} if wrong else {}
        with pytest.raises(Refused) as refusal:
            await ann.ask(f"chat:{chat_id}", "location:update", **payload)
        assert refusal.value.code == "invalid", wrong
    with pytest.raises(Refused) as refusal:
        await bob.ask(f"chat:{chat_id}", "location:stop", seq=seq)
    assert refusal.value.code == "forbidden"
    assert track(bob, chat_id) == []


@simulated(live_location_s=120)
async def test_a_location_is_live_for_a_time_within_the_limit(world: World) -> None:
    chat_id, ann, _ = await open_chat(world)
    for live_s in (0.0, -1.0, 121.0, 1e9):
        with pytest.raises(Refused) as refusal:
            await share(ann, chat_id, live_s=live_s)
        assert refusal.value.code == "invalid", live_s
    message = await share(ann, chat_id, live_s=120.0)
    await world.settle(300)
    # What was sent then and is repeated now was in order then.
    body = {"chat_id": chat_id, "client_id": "live", "type": "location"}
    again = await ann.ask("me", "message:send", **body, content=message["content"])
    assert again["message"]["id"] == message["id"]


@simulated()
async def test_positions_are_taken_at_a_walking_pace(world: World) -> None:
    chat_id, ann, bob = await open_chat(world)
    seq = (await share(ann, chat_id))["seq"]
    codes: list[str] = []
    for number in range(20):
        try:
            await move(ann, chat_id, seq, float(number))
        except Refused as refusal:
            codes.append(refusal.code)
    assert codes
    assert set(codes) == {"rate_limited"}
    await world.settle(5)
    await move(ann, chat_id, seq, 50.0)
    await world.settle(0.1)
    assert track(bob, chat_id)[-1] == 50.0


# -- what goes wrong -----------------------------------------------------------------------------------------------------


@simulated(nodes=3)
async def test_the_sender_goes_on_from_another_node(world: World) -> None:
    chat_id, ann, bob = await open_chat(world)
    seq = (await share(ann, chat_id))["seq"]
    await move(ann, chat_id, seq, 10.0)
    await world.settle(0.1)
    world["n1"].kill()
    await ann.connect(world["n3"])
    await ann.open(chat_id)
    await world.settle(0.1)
    assert track(ann, chat_id) == [10.0]
    await move(ann, chat_id, seq, 11.0)
    await world.settle(0.1)
    assert track(bob, chat_id) == [10.0, 11.0]
    await world.settle(LIVE_S + 5)
    assert place(world, chat_id, seq)["lat"] == 11.0


@simulated()
async def test_without_redis_those_on_the_same_node_see_positions_and_the_next_one_is_kept_again(
    world: World,
) -> None:
    chat_id, ann, bob = await open_chat(world)
    tablet = await world.online("bob", "n1", "tablet")
    await tablet.open(chat_id)
    seq = (await share(ann, chat_id))["seq"]
    world.redis.faults.down = True
    await move(ann, chat_id, seq, 10.0)
    world.broker.forget_everything()
    late = await world.online("bob", "n1", "late")
    await late.open(chat_id)
    await world.settle(0.1)
    assert track(tablet, chat_id) == [10.0]
    assert track(late, chat_id) == []
    world.redis.faults.down = False
    await world.settle(4 * HEARTBEAT_S)
    await move(ann, chat_id, seq, 11.0)
    await world.settle(0.1)
    assert track(tablet, chat_id) == [10.0, 11.0]
    assert track(late, chat_id) == track(bob, chat_id) == [11.0]
    await world.settle(LIVE_S + 5)
    assert place(world, chat_id, seq)["lat"] == 11.0


@simulated()
async def test_while_the_record_is_away_positions_go_on_and_the_end_waits(world: World) -> None:
    chat_id, ann, bob = await open_chat(world)
    seq = (await share(ann, chat_id))["seq"]
    await move(ann, chat_id, seq, 10.0)
    world.mongo.faults.down = True
    await move(ann, chat_id, seq, 11.0)
    with pytest.raises(Refused) as refusal:
        await ann.ask(f"chat:{chat_id}", "location:stop", seq=seq)
    assert refusal.value.code == "unavailable"
    await world.settle(LIVE_S + 5)
    assert track(bob, chat_id) == [10.0, 11.0]
    world.mongo.faults.down = False
    await world.settle(LEASE_MS / 1000 + 15)
    assert place(world, chat_id, seq)["lat"] == 11.0
    assert world.broker.live == {}


async def _end_and_die(world: World) -> None:
    chat_id, ann, bob = await open_chat(world)
    seq = (await share(ann, chat_id))["seq"]
    await move(ann, chat_id, seq, 10.0)
    await world.settle(LIVE_S - 0.5)
    world.begin()
    await world.settle(2)
    world.begun = False
    await world.settle(2 * LEASE_MS / 1000 + 30)
    assert place(world, chat_id, seq)["lat"] == 10.0
    assert world.record.messages[chat_id][seq].rev == 2
    assert world.broker.live == {}
    await world.heal()
    for client in (ann, bob):
        assert client.chats[chat_id].messages[seq]["content"]["lat"] == 10.0
    await check_everything(world)


@pytest.mark.slow
def test_a_node_that_ends_a_live_location_may_die_at_any_step() -> None:
    steps = {*at_every_step(_end_and_die, "n1"), *at_every_step(_end_and_die, "n2")}
    assert {"claim_positions:after", "append:after", "forget_positions:before"} <= steps


async def _share_stop_and_die(world: World) -> None:
    chat_id, ann, bob = await open_chat(world)
    seq = (await share(ann, chat_id))["seq"]
    await move(ann, chat_id, seq, 10.0)
    await world.settle(0.1)
    world.begin()
    try:
        await move(ann, chat_id, seq, 11.0)
        await ann.ask(f"chat:{chat_id}", "location:stop", seq=seq)
        await world.settle(0.5)
    except (Disconnected, Refused, ChatError):
        pass
    world.begun = False
    await world.settle(LIVE_S + LEASE_MS / 1000 + 15)
    last = place(world, chat_id, seq)
    assert last["lat"] in (10.0, 11.0)
    assert last["lat"] >= max(track(bob, chat_id))
    assert world.record.messages[chat_id][seq].rev == 2
    assert world.broker.live == {}
    await world.heal()
    await check_everything(world)


@pytest.mark.slow
def test_the_senders_node_may_die_at_any_step_of_a_position_and_of_the_end() -> None:
    steps = at_every_step(_share_stop_and_die, "n1")
    assert {"put_position:after", "get_position:before", "append:after", "forget_positions:before"} <= set(
        steps
    )
