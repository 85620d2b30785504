"""Messages that MongoDB does not take in time: queued, which is no acknowledgement, and then in the record in their order, once, for everybody."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest
import trio

from handlers.bodies import SendBody
from handlers.chats.conversations import MemberBody
from handlers.errors import ChatError, Code
from handlers.retry.queue import LATE_LOOK_S, LOOK_S, RetryQueue
from handlers.routing.awaited import QUEUED
from persistence.models import ChangeKind, LogWrite, Message, MessageType, Outcome
from tests.simulation.client import Client, Outgoing
from tests.simulation.invariants import check_everything, check_order
from tests.simulation.node import Node
from tests.simulation.scenario import at_every_step, simulated
from tests.simulation.test_messages import crew, texts
from tests.simulation.world import HOLD_S, World, principal

AWAY_S = 20.0
SOON_S = 3.0
"""From when MongoDB is back until everything is as before."""


async def talk(world: World, chat_id: str, clients: Sequence[Client], seconds: float) -> list[Outgoing]:
    """All of them write all the time."""
    sent: list[Outgoing] = []
    until = trio.current_time() + seconds
    while trio.current_time() < until:
        sent += [
            client.send(chat_id, f"{client} {len(client.outbox)}") for client in clients if client.connected
        ]
        await trio.sleep(world.random.uniform(0.02, 0.2))
    return sent


def of(client: Client, reader: Client, chat_id: str) -> list[str]:
    """What the reader has of the client's texts, in order."""
    return [text for text in texts(reader, chat_id) if text.startswith(f"{client} ")]


def queues(world: World) -> list[RetryQueue]:
    return [node.core.messages.retry for node in world.living()]


async def outage(world: World, seconds: float = AWAY_S) -> None:
    world.mongo.faults.down = True
    await trio.sleep(seconds)
    world.mongo.faults.down = False


# -- an outage -----------------------------------------------------------------------------------------------------------


@simulated(nodes=3, seeds=4)
async def test_mongodb_away_for_twenty_seconds_under_load_loses_nothing_repeats_nothing_and_keeps_the_order(
    world: World,
) -> None:
    chat_id, clients = await crew(world, 3)
    other = await world.group("ann", "eve", title="Other")
    await world.settle(0.1)
    everything: list[Outgoing] = []

    async def write(chat: str, some: Sequence[Client]) -> None:
        everything.extend(await talk(world, chat, some, AWAY_S + 6))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(write, chat_id, clients)
        nursery.start_soon(write, other, [clients[0], clients[2]])
        await trio.sleep(2)
        await outage(world)
    await world.settle(SOON_S)
    queued = [outgoing for outgoing in everything if outgoing.queued is not None]
    assert len(queued) > 100
    assert all(outgoing.message is not None and outgoing.tries == 1 for outgoing in everything)
    for reader in clients:
        for writer in clients:
            own = [o.text for o in writer.outbox.values() if o.chat_id == chat_id]
            assert of(writer, reader, chat_id) == own
    check_order(world)
    assert not any(queue.active for queue in queues(world))
    # And it is as before: acknowledged at once.
    began = trio.current_time()
    for client in clients:
        await client.say(chat_id, "after")
    assert trio.current_time() - began < 0.1
    await world.heal()
    await check_everything(world)


@simulated()
async def test_queued_is_said_after_three_seconds_and_then_at_once_and_is_followed_by_the_event(
    world: World,
) -> None:
    chat_id, (ann, bob) = await crew(world)
    world.mongo.faults.down = True
    first = ann.send(chat_id, "first")
    await trio.sleep(2.9)
    assert first.queued is None
    await trio.sleep(1.5)
    assert first.queued is not None
    second = ann.send(chat_id, "second")
    await trio.sleep(0.1)
    assert second.queued is not None
    assert first.message is second.message is None
    assert texts(ann, chat_id) == texts(bob, chat_id) == []
    world.mongo.faults.down = False
    await world.settle(SOON_S)
    assert texts(ann, chat_id) == texts(bob, chat_id) == ["first", "second"]
    assert first.message is not None
    assert second.message is not None
    assert first.tries == second.tries == 1
    # Sent when it was accepted, not when it was written.
    assert first.message["created_at"] < second.message["created_at"]
    stored = world.record.messages[chat_id]
    assert stored[2].created_at - stored[1].created_at == pytest.approx(4400, abs=5)


@simulated()
async def test_a_repeat_of_what_is_queued_is_queued_too_and_makes_no_second_message(world: World) -> None:
    chat_id, (ann, bob) = await crew(world)
    laptop = await world.online("ann", "n2", "laptop")
    world.mongo.faults.down = True
    first = ann.send(chat_id, "once")
    await trio.sleep(5)
    ann.resend(first)
    again = laptop.send(chat_id, "twice", client_id=first.client_id)
    await trio.sleep(5)
    assert first.queued is not None
    assert again.queued is not None
    world.mongo.faults.down = False
    await world.settle(SOON_S)
    assert texts(bob, chat_id) == ["once"]
    assert first.message == again.message == bob.chats[chat_id].messages[1]
    ann.resend(first)
    await world.settle(0.1)
    await world.heal()
    await check_everything(world)


@simulated()
async def test_a_batch_whose_reply_was_lost_and_that_is_queued_then_is_in_the_record_once(
    world: World,
) -> None:
    chat_id, (ann, bob) = await crew(world)

    def hook(node: Node, store: str, step: str) -> None:
        if step == "append:after":
            world.mongo.faults.fail_after = 1
            world.mongo.faults.down = True
            world.hook = None

    world.hook = hook
    sent = [ann.send(chat_id, f"{number}") for number in range(5)]
    await trio.sleep(6)
    assert all(outgoing.queued is not None for outgoing in sent)
    world.clear_weather()
    await world.settle(SOON_S)
    assert texts(bob, chat_id) == texts(ann, chat_id) == ["0", "1", "2", "3", "4"]
    await world.heal()
    await check_everything(world)


@simulated()
async def test_over_rest_a_queued_message_is_said_to_be_queued(world: World) -> None:
    chat_id, (_, bob) = await crew(world)
    world.mongo.faults.down = True
    core = world["n1"].core
    body = SendBody(chat_id=chat_id, client_id="r1", type=MessageType.TEXT, content={"text": "by REST"})
    assert await world["n1"].call(core.messages.writer.send, principal("ann"), chat_id, body) == QUEUED
    world.mongo.faults.down = False
    await world.settle(SOON_S)
    message, created = await world["n1"].call(core.messages.writer.send, principal("ann"), chat_id, body)  # type: ignore[misc]
    assert isinstance(message, Message)
    assert (message.seq, created) == (1, False)
    assert texts(bob, chat_id) == ["by REST"]


@simulated()
async def test_changes_are_held_and_refused_as_before(world: World) -> None:
    chat_id, (ann, bob) = await crew(world)
    writer = world["n1"].core.messages.writer
    world.mongo.faults.down = True
    codes: list[Code] = []

    async def rename() -> None:
        with pytest.raises(ChatError) as refused:
            await world["n1"].call(
                writer.change, principal("ann"), chat_id, ChangeKind.CHAT_UPDATED, title="New"
            )
        codes.append(refused.value.code)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(rename)
        outgoing = ann.send(chat_id, "queued meanwhile")
        await trio.sleep(HOLD_S - 1)
        assert outgoing.queued is not None
        assert codes == []
    assert codes == [Code.UNAVAILABLE]
    world.mongo.faults.down = False
    await world.settle(SOON_S)
    assert texts(bob, chat_id) == ["queued meanwhile"]
    await world.heal()
    await check_everything(world)


# -- order across nodes --------------------------------------------------------------------------------------------------


@simulated(nodes=2)
async def test_what_a_sender_sends_on_another_node_goes_behind_what_was_queued_on_the_first(
    world: World,
) -> None:
    """One node is cut off from MongoDB, the other is not, and could write at once."""
    chat_id, (ann, bob) = await crew(world)
    laptop = await world.online("ann", "n2", "laptop")
    _keep_from_applying(world)
    world["n1"].mongo.down = True
    first = ann.send(chat_id, "first")
    while first.queued is None:  # noqa: ASYNC110 - many things have to be over
        await trio.sleep(0.01)
    second = laptop.send(chat_id, "second")
    await trio.sleep(0.5)
    assert second.message is None
    world.hook = None
    await world.settle(SOON_S)
    assert texts(bob, chat_id) == ["first", "second"]
    world["n1"].mongo.down = False
    await world.heal()
    await check_everything(world)


@simulated(nodes=2)
async def test_a_node_that_uses_the_chat_only_since_it_was_queued_sees_it(world: World) -> None:
    chat_id = await world.group("ann", "bob", node="n1")
    ann = await world.online("ann", "n1")
    _keep_from_applying(world)
    world["n1"].mongo.down = True
    first = ann.send(chat_id, "first")
    while first.queued is None:  # noqa: ASYNC110 - many things have to be over
        await trio.sleep(0.01)
    laptop = await world.online("ann", "n2", "laptop")
    second = laptop.send(chat_id, "second")
    await trio.sleep(0.5)
    assert second.message is None
    world.hook = None
    await world.settle(SOON_S)
    assert texts(laptop, chat_id) == ["first", "second"]


@simulated(nodes=2)
async def test_a_node_that_missed_being_told_looks_when_it_learns_that_it_missed_something(
    world: World,
) -> None:
    chat_id, (ann, bob) = await crew(world)
    laptop = await world.online("ann", "n2", "laptop")
    _keep_from_applying(world)
    world["n1"].mongo.down = True
    world.lose_rate = 1.0
    first = ann.send(chat_id, "first")
    while first.queued is None:  # noqa: ASYNC110 - many things have to be over
        await trio.sleep(0.01)
    world.lose_rate = 0.0
    await trio.sleep(6)  # two heartbeats
    laptop.send(chat_id, "second")
    await trio.sleep(0.5)
    world.hook = None
    await world.settle(SOON_S)
    assert texts(bob, chat_id) == ["first", "second"]


@simulated(nodes=1)
async def test_behind_a_write_that_hangs_nothing_waits_longer_than_it_has_to(world: World) -> None:
    one, other = await world.group("ann", "bob"), await world.group("ann", "bob", title="Other")
    ann = await world.online("ann", "n1")
    await world.settle(30)
    hung = trio.Event()

    async def hang() -> None:
        world.hook = None
        hung.set()
        await trio.sleep(60)

    def hook(node: Node, store: str, step: str) -> object:
        return hang() if step == "append:before" else None

    world.hook = hook  # type: ignore[assignment]
    ann.send(one, "first")
    await hung.wait()
    behind = ann.send(other, "second")
    await world.settle(world.settings.commit.queue_after_s + 2 * LATE_LOOK_S)
    assert behind.queued is not None


def _keep_from_applying(world: World) -> None:
    """Nobody takes anything from the queue to the record, until the hook is gone."""

    async def hold() -> None:
        while world.hook is not None:  # noqa: ASYNC110 - the test says when
            await trio.sleep(0.05)

    def hook(node: Node, store: str, step: str) -> object:
        return hold() if step == "read_waiting:before" else None

    world.hook = hook  # type: ignore[assignment]


@pytest.mark.slow
@simulated(nodes=2, seeds=5)
async def test_a_chat_in_which_people_never_pause_leaves_the_queue_soon_after_mongodb_is_back(
    world: World,
) -> None:
    chat_id, clients = await crew(world)
    world.mongo.slowest_s = 0.01
    ended: list[float] = []

    async def watch() -> None:
        await trio.sleep(5)
        while any(queue.active for queue in queues(world)):  # noqa: ASYNC110 - of several nodes
            await trio.sleep(LOOK_S)
        ended.append(trio.current_time())

    async with trio.open_nursery() as nursery:
        world.mongo.faults.down = True
        nursery.start_soon(watch)
        began = trio.current_time()
        while trio.current_time() < began + 20:
            for client in clients:
                client.send(chat_id, f"{client} {len(client.outbox)}")
            await trio.sleep(0.005)
            if trio.current_time() > began + 8:
                world.mongo.faults.down = False
    assert ended[0] < began + 8 + SOON_S
    await world.settle(SOON_S)
    for client in clients:
        assert of(client, clients[0], chat_id) == [o.text for o in client.outbox.values()]
    check_order(world)
    assert all(o.tries == 1 for client in clients for o in client.outbox.values())


# -- what dies -----------------------------------------------------------------------------------------------------------


async def _queue_and_apply(world: World) -> None:
    """Messages of two chats are queued on one node; then MongoDB is back, and the other node dies somewhere while everything is applied."""
    chat_id = await world.group("ann", "bob", node="n1")
    other = await world.group("ann", "bob", title="Other", node="n1")
    ann = await world.online("ann", "n1")
    world.mongo.faults.down = True
    sent = [ann.send(chat, f"{ann} {number}") for number in range(4) for chat in (chat_id, other)]
    while any(outgoing.queued is None for outgoing in sent):  # noqa: ASYNC110 - many things have to be over
        await trio.sleep(0.1)
    world["n1"].mongo.down = True  # so that the other node does it
    world.mongo.faults.down = False
    world.begin()
    await trio.sleep(5)
    world["n1"].mongo.down = False
    await trio.sleep(60)
    assert all(outgoing.message is not None for outgoing in sent)
    for chat in (chat_id, other):
        assert of(ann, ann, chat) == [f"{ann} {number}" for number in range(4)]
    check_order(world)


@pytest.mark.slow
def test_a_node_killed_at_any_step_of_applying_loses_and_repeats_nothing() -> None:
    steps = at_every_step(_queue_and_apply, "n2")
    assert {"read_waiting:before", "append:before", "append:after", "remove_waiting:before", "remove_waiting:after"} <= set(steps)  # fmt: skip
    assert "finish_jobs:after" in steps


async def _queue(world: World) -> None:
    """Messages are queued on a node, which dies somewhere meanwhile; their sender goes on on the other."""
    chat_id = await world.group("ann", "bob", node="n2")
    ann, bob = await world.online("ann", "n1"), await world.online("bob", "n2")
    world.mongo.faults.down = True
    world.begin()
    for number in range(8):
        if ann.connected:
            ann.send(chat_id, f"{ann} {number}")
        await trio.sleep(1)
    world.mongo.faults.down = False
    await trio.sleep(1)
    if not ann.connected:
        await ann.connect(world["n2"])
    await trio.sleep(60)
    told = [outgoing for outgoing in ann.outbox.values() if outgoing.queued is not None]
    assert all(outgoing.message is not None for outgoing in ann.outbox.values())
    assert len(told) <= len(ann.outbox)
    assert sorted(of(ann, bob, chat_id)) == [outgoing.text for outgoing in ann.outbox.values()]
    check_order(world)


@pytest.mark.slow
def test_a_node_killed_at_any_step_of_queuing_loses_and_repeats_nothing() -> None:
    steps = at_every_step(_queue, "n1")
    assert {"add_waiting:before", "add_waiting:after", "backlog:before"} <= set(steps)


@simulated(nodes=2, seeds=5)
async def test_replies_that_are_lost_on_the_way_into_the_queue_and_out_of_it_change_nothing(
    world: World,
) -> None:
    chat_id, clients = await crew(world)
    world.mongo.faults.down = True
    world.redis.lose_reply_rate = 0.3
    await talk(world, chat_id, clients, 8)
    world.mongo.faults.down = False
    world.mongo.lose_reply_rate = 0.3
    await world.settle(10)
    await world.heal()
    assert any(o.queued is not None for client in clients for o in client.outbox.values())
    await check_everything(world)


# -- Redis is away too ---------------------------------------------------------------------------------------------------


@simulated()
async def test_with_redis_away_as_well_it_is_refused_as_ever_and_a_repeat_makes_one_message(
    world: World,
) -> None:
    chat_id, (ann, bob) = await crew(world)
    world.mongo.faults.down = world.redis.faults.down = True
    outgoing = ann.send(chat_id, "x")
    await trio.sleep(HOLD_S + 2)
    assert outgoing.queued is outgoing.message is None
    world.mongo.faults.down = world.redis.faults.down = False
    await world.settle(10)
    assert outgoing.message is not None
    assert outgoing.tries > 1
    assert texts(bob, chat_id) == ["x"]


@simulated()
async def test_with_redis_away_as_well_what_is_held_is_written_when_mongodb_is_back(world: World) -> None:
    chat_id, (ann, _) = await crew(world)
    world.mongo.faults.down = world.redis.faults.down = True
    outgoing = ann.send(chat_id, "x")
    await trio.sleep(HOLD_S / 2)
    world.mongo.faults.down = False
    await trio.sleep(2)
    assert outgoing.message is not None
    assert outgoing.tries == 1


@simulated()
async def test_while_redis_has_what_was_queued_and_does_not_answer_nothing_overtakes_it(
    world: World,
) -> None:
    chat_id, (ann, bob) = await crew(world)
    world.mongo.faults.down = True
    first = ann.send(chat_id, f"{ann} first")
    await trio.sleep(6)
    assert first.queued is not None
    world.redis.faults.down = True
    world.mongo.faults.down = False
    await ann_says_refused(ann, chat_id)
    world.redis.faults.down = False
    await world.settle(20)
    assert of(ann, bob, chat_id)[0] == f"{ann} first"
    await world.heal()
    await check_everything(world)


async def ann_says_refused(ann: Client, chat_id: str) -> None:
    outgoing = ann.send(chat_id, f"{ann} second")
    await trio.sleep(HOLD_S + 1)
    assert outgoing.message is outgoing.queued is None


@simulated(seeds=5)
async def test_what_redis_loses_is_sent_again_by_its_senders(world: World) -> None:
    chat_id, clients = await crew(world)
    world.mongo.faults.down = True
    sent = await talk(world, chat_id, clients, 6)
    await trio.sleep(2)
    assert all(outgoing.queued is not None for outgoing in sent)
    world.broker.forget_everything()
    world.mongo.faults.down = False
    await world.settle(SOON_S)
    assert texts(clients[0], chat_id) == []
    await world.settle(30)
    assert all(outgoing.message is not None for outgoing in sent)
    await world.heal()
    await check_everything(world)


# -- what cannot be carried out ------------------------------------------------------------------------------------------


@simulated(nodes=2)
async def test_who_was_removed_before_is_told_and_the_message_goes_to_the_dead_letters(world: World) -> None:
    chat_id, (ann, bob) = await crew(world)
    world["n2"].mongo.down = True
    _keep_from_applying(world)
    outgoing = bob.send(chat_id, "from bob")
    while outgoing.queued is None:  # noqa: ASYNC110 - many things have to be over
        await trio.sleep(0.01)
    core = world["n1"].core
    await world["n1"].call(core.chats.conversations.remove_member, principal("ann"), chat_id, "bob")
    world.hook = None
    await world.settle(SOON_S)
    assert outgoing.refused == "not_found"
    (letter,) = world.record.letters.values()
    assert letter.source == "retry-queue"
    assert letter.reason == "not_found: chat not found"
    assert letter.command["client_id"] == outgoing.client_id
    assert letter.command["actor_id"] == "bob"
    assert "from bob" not in repr(letter)
    world["n2"].mongo.down = False
    # The queue goes on.
    await ann.say(chat_id, "goes on")
    assert texts(ann, chat_id) == ["goes on"]
    await world["n1"].call(
        core.chats.conversations.put_member, principal("ann"), chat_id, "bob", MemberBody(role="member")
    )
    await world.settle(1)
    await world.heal()
    await check_everything(world)


@simulated(nodes=2, crashes=True)
async def test_what_crashes_its_router_is_set_aside_and_the_queue_goes_on(world: World) -> None:
    chat_id, (ann, bob) = await crew(world)
    world.expected.add("a topic crashed")
    world.mongo.faults.down = True
    sent = [ann.send(chat_id, text) for text in ("first", "poison", "third")]
    await trio.sleep(6)
    assert all(outgoing.queued is not None for outgoing in sent)
    for node in world.living():
        _poison(node)
    world.mongo.faults.down = False
    await world.settle(10)
    assert texts(bob, chat_id) == ["first", "third"]
    assert [outgoing.refused for outgoing in sent] == [None, "dead_lettered", None]
    (letter,) = world.record.letters.values()
    assert "OverflowError" in letter.reason
    await ann.say(chat_id, "fourth")


def _poison(node: Node) -> None:
    """The store does not take a certain message, however often it is asked."""
    log = node.core.messages.commit._store
    append = log.append

    async def picky(writes: Sequence[LogWrite]) -> list[Outcome]:
        if any(type(write) is Message and write.content["text"] == "poison" for write in writes):
            raise OverflowError("too large for the store")
        return await append(writes)

    log.append = picky  # type: ignore[method-assign]


@simulated(nodes=1)
async def test_a_fault_with_one_chat_keeps_no_other_waiting_and_is_tried_again(world: World) -> None:
    one, other = await world.group("ann", "bob"), await world.group("ann", "bob", title="Other")
    ann = await world.online("ann", "n1")
    world.expected.add("a chat's queued messages crashed")
    world.mongo.faults.down = True
    for chat_id in (one, other):
        ann.send(chat_id, "queued")
    await trio.sleep(6)
    world.mongo.faults.down = False

    def hook(node: Node, store: str, step: str) -> None:
        if step == "remove_waiting:before":
            world.hook = None
            raise RuntimeError("nobody has thought of this")

    world.hook = hook
    await world.settle(SOON_S)
    assert sorted([texts(ann, one), texts(ann, other)]) in ([["queued"]] * 2, [[], ["queued"]])
    assert len(world.broker.backlog) == 1
    await world.settle(25)
    assert world.broker.backlog == {}
    await ann.say(one, "after")
    assert texts(ann, one) == ["queued", "after"]


@simulated(nodes=2)
async def test_what_another_version_has_queued_and_nobody_understands_is_set_aside(world: World) -> None:
    chat_id, (ann, _) = await crew(world)
    backlog = world["n1"].core.stores.backlog
    await backlog.add([(chat_id, b"\xc1 no such thing"), (chat_id, msgspec.msgpack.encode([1]))], most=10)
    await world.settle(SOON_S)
    assert {letter.source for letter in world.record.letters.values()} == {"retry-queue"}
    assert len(world.record.letters) == 2
    assert world.broker.backlog == {}
    await ann.say(chat_id, "goes on")


@simulated(nodes=2)
async def test_the_queue_is_bounded_and_what_it_does_not_take_is_refused_as_overloaded(world: World) -> None:
    chat_id, (ann, bob) = await crew(world)
    for queue in queues(world):
        queue._most = 5
    world.mongo.faults.down = True
    sent = [ann.send(chat_id, f"{ann} {number}") for number in range(12)]
    await trio.sleep(5)
    assert sum(outgoing.queued is not None for outgoing in sent) == 5
    assert set(ann.refusals) == {"overloaded"}
    world.mongo.faults.down = False
    await world.settle(20)
    assert sorted(of(ann, bob, chat_id)) == sorted(outgoing.text for outgoing in sent)
