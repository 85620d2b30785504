"""Long-polling over several nodes without stickiness: what is true of a socket is true of it."""

from __future__ import annotations

import contextlib
from collections import Counter

import msgspec
import pytest
import trio

from handlers.protocol import Prepared
from server.longpoll.connection import LEFT_S
from server.longpoll.requests import Request, Response
from tests.simulation.client import Client, Refused
from tests.simulation.invariants import check_everything
from tests.simulation.node import Disconnected, Node
from tests.simulation.polling import Front, Link, get, post, status
from tests.simulation.scenario import at_every_step, simulated
from tests.simulation.test_messages import texts
from tests.simulation.world import World

WINDOW_S = 10.0


async def polled(world: World, user_id: str, front: Front, device: str = "phone") -> Client:
    """A device of a user that polls, caught up."""
    client = world.client(user_id, device)
    await client.connect(front)  # type: ignore[arg-type]
    return client


def link_of(client: Client) -> Link:
    link = client._connection
    assert isinstance(link, Link)
    return link


@simulated(nodes=3)
async def test_a_conversation_whose_requests_go_to_all_nodes_in_turn(world: World) -> None:
    chat_id = await world.group("ann", "bob")
    front = Front(world)
    ann, bob = await polled(world, "ann", front), await polled(world, "bob", front)
    for number in range(20):
        await ann.say(chat_id, f"ann {number}")
        await bob.say(chat_id, f"bob {number}")
    await world.settle(1)
    assert texts(ann, chat_id) == texts(bob, chat_id)
    assert len(texts(ann, chat_id)) == 40
    at = Counter((name, method) for name, method, _ in front.calls)
    assert len(at) == 6, "each node has had polls and posts"
    assert {answer for _, _, answer in front.calls} == {200, 410}
    await world.heal()
    await check_everything(world)


@simulated()
async def test_a_chat_between_the_transports_has_one_order(world: World) -> None:
    chat_id = await world.group("ann", "bob")
    ann, bob = await polled(world, "ann", Front(world)), await world.online("bob", "n2")
    for number in range(10):
        ann.send(chat_id, f"ann {number}")
        bob.send(chat_id, f"bob {number}")
    await world.settle()
    assert texts(ann, chat_id) == texts(bob, chat_id)
    assert len(texts(bob, chat_id)) == 20


@simulated()
async def test_a_conversation_that_changes_its_transport_in_the_middle_loses_and_repeats_nothing(
    world: World,
) -> None:
    chat_id = await world.group("ann", "bob")
    front = Front(world)
    ann, bob = await world.online("ann", "n1"), await world.online("bob", "n2")
    for number in range(30):
        bob.send(chat_id, f"bob {number}")
        ann.send(chat_id, f"ann {number}")
        if number % 5 == 2:
            await ann.connect(front if number % 2 else world["n1"])  # type: ignore[arg-type]
        await trio.sleep(0.003)
    await world.settle()
    assert texts(ann, chat_id) == texts(bob, chat_id)
    assert Counter(texts(ann, chat_id)) == Counter(f"{who} {n}" for who in ("ann", "bob") for n in range(30))


@simulated()
async def test_polls_wait_for_the_window_and_an_idle_client_stays(world: World) -> None:
    await world.group("ann", "bob")
    front = Front(world)
    ann = await polled(world, "ann", front)
    front.calls.clear()
    began = trio.current_time()
    await trio.sleep(30 * WINDOW_S)
    assert ann.connected
    waits = [answer for _, method, answer in front.calls if method == "GET"]
    assert set(waits) == {204}
    assert len(waits) == pytest.approx((trio.current_time() - began) / WINDOW_S, abs=1)


@simulated(nodes=3)
async def test_whatever_answers_are_lost_on_their_way_a_proxy_that_asks_again_gets_them(world: World) -> None:
    chat_id = await world.group("ann", "bob")
    front = Front(world)
    lost = 0

    def lose(node: Node, request: Request, response: Response) -> None:
        nonlocal lost
        if request.method == "GET" and status(response) == 200 and world.random.random() < 0.5:
            lost += 1
            raise Disconnected

    ann, bob = await polled(world, "ann", front), await world.online("bob", "n2")
    front.after = lose
    for number in range(40):
        bob.send(chat_id, f"{number}")
        await trio.sleep(0.01)
    await world.settle(1)
    assert texts(ann, chat_id) == [f"{number}" for number in range(40)]
    assert lost > 5
    assert all(answer != 410 for _, _, answer in front.calls[1:]), "it is one session all the time"


@simulated(nodes=3)
async def test_when_the_node_of_its_session_dies_a_client_begins_another_and_catches_up(world: World) -> None:
    chat_id = await world.group("ann", "bob", node="n3")
    front = Front(world)
    ann, bob = await polled(world, "ann", Front(world, "n1")), await world.online("bob", "n3")
    link = link_of(ann)
    link.front = front
    await bob.say(chat_id, "before")
    await world.settle(1)
    world["n1"].kill()
    await bob.say(chat_id, "meanwhile")
    await trio.sleep(5)
    assert ann.closed_with in (3410, 1011)
    await ann.connect(front)  # type: ignore[arg-type]
    await bob.say(chat_id, "after")
    await world.settle(1)
    assert texts(ann, chat_id) == ["before", "meanwhile", "after"]


@simulated(nodes=3)
async def test_when_a_node_between_dies_nothing_is_noticed(world: World) -> None:
    chat_id = await world.group("ann", "bob", node="n3")
    ann, bob = await polled(world, "ann", Front(world, "n1")), await world.online("bob", "n3")
    link = link_of(ann)
    link.front = Front(world, "n2", "n3")
    await bob.say(chat_id, "before")
    await world.settle(WINDOW_S + 1)
    for number in range(6):
        bob.send(chat_id, f"{number}")
        await trio.sleep(0.3)
        if number == 2:
            world["n2"].kill()
    await world.settle(1)
    assert ann.connected
    assert link.open, "the same session all the time"
    assert texts(ann, chat_id) == ["before", *(f"{number}" for number in range(6))]


@simulated()
async def test_without_redis_polls_at_other_nodes_begin_anew_and_those_at_the_sessions_own_go_on(
    world: World,
) -> None:
    chat_id = await world.group("ann", "bob")
    ann, bob = await polled(world, "ann", Front(world, "n1")), await world.online("bob", "n1")
    eve = await polled(world, "bob", Front(world), "tablet")
    world.redis.faults.down = True
    for _ in range(10):
        await bob.say(chat_id, "hello")
        await trio.sleep(1)
    assert ann.connected
    assert len(texts(ann, chat_id)) == 10
    assert not eve.connected
    await world.heal()
    await check_everything(world)


@simulated()
async def test_a_device_that_is_signed_out_is_closed_at_once_and_refused_from_then_on(world: World) -> None:
    await world.group("ann", "bob")
    front = Front(world)
    ann = await polled(world, "ann", front)
    token = link_of(ann)._auth()
    world["n2"].core.people.tokens.revoke("ann-phone")
    world["n2"].core.fanout.revoke_device("ann", "ann-phone")
    await world.settle(1)
    assert not ann.connected
    response = await front.request(get(None, token))
    assert (response.status, status(response)) == (403, 403)


@simulated()
async def test_a_client_that_goes_away_is_missed_after_a_while_and_one_too_slow_is_disconnected(
    world: World,
) -> None:
    chat_id = await world.group("ann", "bob")
    front = Front(world, "n1")
    ann, bob = await polled(world, "ann", front), await world.online("bob", "n2")
    poller = await front.poller(world["n1"])
    (connection,) = poller.connections.open
    ann.disconnect()
    await trio.sleep(WINDOW_S)
    connection.push(Prepared(b"x" * (world.settings.limits.outbox_bytes + 1)))
    assert connection.closed_with is None
    await trio.sleep(2 * WINDOW_S + 1)
    assert not poller.connections.open
    assert not len(poller.sessions)
    assert poller.connections.closed == {1006: 1}

    ann = await polled(world, "ann", front)
    (connection,) = poller.connections.open
    link_of(ann)._scope.cancel()
    for _ in range(5):  # some are given to the poll that waits
        connection.push(Prepared(b"x" * (world.settings.limits.outbox_bytes + 1)))
    await world.settle(3)
    assert poller.connections.closed == {1006: 1, 1013: 1}
    ann.disconnect()
    await bob.say(chat_id, "on")


@simulated()
async def test_a_client_that_lets_go_of_its_request_is_missed_soon_wherever_that_was(world: World) -> None:
    world.user("ann")
    own, other = Front(world, "n1"), Front(world, "n2")
    poller = await own.poller(world["n1"])
    access = world["n1"].core.people.tokens.issue(world.record.users["ann"], "d")[0]
    for front in (own, other):
        token = msgspec.json.decode((await own.request(get(None, access))).body)["token"]
        requests = (await front.poller(front.living()[0])).requests
        with trio.move_on_after(1):
            await requests.respond(get(token))
        assert len(poller.connections.open) == 1
        await trio.sleep(LEFT_S + 0.5)
        assert not poller.connections.open
    assert poller.connections.closed == {1006: 2}


@simulated()
async def test_what_is_no_frame_ends_that_session_alone(world: World) -> None:
    await world.group("ann", "bob")
    front = Front(world)
    ann, bob = await polled(world, "ann", front), await polled(world, "bob", front)
    for wrong in (b"{}", b"bm90aGluZw==", b'["1","2","me"]'):
        response = await front.request(post(link_of(ann).token, wrong))
        assert (response.status, status(response)) == (400, 400)
        await world.settle(0.1)
        assert not ann.connected
        await ann.connect(front)  # type: ignore[arg-type]
    assert bob.connected


@simulated()
async def test_a_draining_node_sends_its_pollers_elsewhere_and_begins_nothing(world: World) -> None:
    await world.group("ann", "bob")
    front = Front(world, "n1")
    ann = await polled(world, "ann", front)
    poller = await front.poller(world["n1"])
    poller.connections.draining = True
    response = await front.request(get(None, link_of(ann)._auth()))
    assert (response.status, status(response)) == (503, 500)
    assert dict(response.headers)["retry-after"] == "1"
    assert msgspec.json.decode(response.body)["code"] == "draining"
    (connection,) = poller.connections.open
    connection.close(1012, "the server restarts")
    await world.settle(0.1)
    assert ann.closed_with in (3410, 1011), "gone, and there is no other here"

    # A poll for a session elsewhere does not hold the node up.
    eve = await polled(world, "bob", Front(world, "n2"))
    poller.requests.release()
    began = trio.current_time()
    response = await front.request(get(link_of(eve).token))
    assert (status(response), trio.current_time()) == (204, began)


@simulated()
async def test_sessions_that_nobody_comes_for_leave_nothing(world: World) -> None:
    world.user("ann")
    front = Front(world, "n1")
    user = world.record.users["ann"]
    token = world["n1"].core.people.tokens.issue(user, "d")[0]
    for _ in range(5):
        assert status(await front.request(get("lp1.stale", token))) == 410
    poller = await front.poller(world["n1"])
    assert len(poller.sessions) == 5
    assert not poller.connections.open, "the user is not here"
    await trio.sleep(WINDOW_S + 0.1)
    assert not len(poller.sessions)
    assert len(poller.supervisor) == 0


@simulated()
async def test_a_crash_of_a_topic_is_that_topics_alone(world: World) -> None:
    chat_id = await world.group("ann", "bob")
    ann = await polled(world, "ann", Front(world))
    with pytest.raises(Refused):
        await ann.ask("me", "message:dance")
    assert (await ann.say(chat_id, "on"))["seq"] == 1


# -- whatever happens ----------------------------------------------------------------------------------------------------


async def stay(client: Client, front: Front, over: trio.Event) -> None:
    """Connect anew whenever the connection is over, as phoenix.js does."""
    while not over.is_set():
        if not client.connected:
            with contextlib.suppress(Disconnected, Refused):
                await client.connect(front)  # type: ignore[arg-type]
        await trio.sleep(0.2)


@pytest.mark.slow
@pytest.mark.parametrize("dies", ["n1", "n2"])
def test_a_node_may_die_at_any_step_of_a_polled_conversation(dies: str) -> None:
    """The one that has the session, or the one between."""

    async def story(world: World) -> None:
        chat_id = await world.group("ann", "bob", node="n3")
        front = Front(world)
        ann, bob = await polled(world, "ann", Front(world, "n1")), await world.online("bob", "n3")
        link_of(ann).front = front
        world.begin()
        over = trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stay, ann, front, over)
            ann.send(chat_id, "ann")
            bob.send(chat_id, "bob")
            await trio.sleep(WINDOW_S)
            over.set()
        assert sorted(texts(ann, chat_id)) == ["ann", "bob"]
        assert texts(ann, chat_id) == texts(bob, chat_id)

    steps = at_every_step(story, dies, nodes=3)
    assert len(steps) > 3


@simulated(nodes=3, seeds=2)
async def test_requests_and_answers_are_lost_nodes_die_and_everything_arrives_once_and_in_order(
    world: World,
) -> None:
    chat_id = await world.group("ann", "bob", "eve", node="n3")
    front = Front(world)

    def lose(*_: object) -> None:
        if world.random.random() < 0.03:
            raise Disconnected

    clients = [await polled(world, name, front) for name in ("ann", "bob")]
    clients.append(await world.online("eve", "n3"))
    front.before = front.after = lose
    world.lose_rate = 0.05
    over = trio.Event()
    async with trio.open_nursery() as nursery:
        for client in clients[:2]:
            nursery.start_soon(stay, client, front, over)
        for number in range(25):
            for client in clients:
                client.send(chat_id, f"{client} {number}")
            if number in (8, 16):
                name = "n1" if number == 8 else "n2"
                world[name].kill()
                await world[name].over.wait()
                await world.start(name)
            await trio.sleep(world.random.uniform(0, 0.5))
        front.before = front.after = lambda *_: None
        await world.heal()
        over.set()
    assert len(texts(clients[2], chat_id)) == 75
    await check_everything(world)
