"""Who is not connected is notified: of everything, whoever dies; once per chat at a time; and only who is to be."""

from __future__ import annotations

import msgspec
import pytest
import trio

from handlers.notifications.notifier import Notifier
from handlers.notifications.sender import Answer
from persistence.models import Block, PushResult, PushSubscription
from tests.simulation.node import START_MS
from tests.simulation.push_service import TAKEN
from tests.simulation.scenario import at_every_step, simulated
from tests.simulation.world import HEARTBEAT_S, LEASE_S, World, principal

SOON_S = 5.0
AGAIN_S = 100.0
"""By then it has been looked twice at whoever was there."""
RECLAIMED_S = 70.0
"""By then what a dead worker had taken has been given to another."""


# -- who is notified --------------------------------------------------------------------------------------------------


@simulated(notifies=True)
async def test_members_who_are_not_connected_are_notified_and_the_sender_is_not(world: World) -> None:
    chat_id = await world.group("ann", "bob", "cat")
    for user_id in ("ann", "bob", "cat"):
        world.subscribe(user_id)
    ann = await world.online("ann", "n1")
    await ann.say(chat_id, "hello")
    await world.settle(SOON_S)
    assert sorted(each.device for each in world.push.received) == ["bob-phone", "cat-phone"]
    (first, *_) = world.push.received
    assert first.said == {"type": "message", "chat_id": chat_id, "seq": 1, "count": 1}
    assert first.options.urgent
    assert 80_000 < first.options.ttl_s <= 86_400
    await ann.say(chat_id, "again")
    await world.settle(SOON_S)
    assert world.push.told("bob-phone") == [1, 2]
    assert [each.count for each in world.push.received] == [1, 1, 2, 2]


@simulated(notifies=True)
async def test_every_device_of_a_user_is_notified_with_a_topic_of_its_own(world: World) -> None:
    chats = [await world.direct("ann", "bob"), await world.group("ann", "bob")]
    for device in ("phone", "laptop"):
        world.subscribe("bob", device)
    ann = await world.online("ann", "n2")
    for _ in range(2):
        for chat_id in chats:
            await ann.say(chat_id, "hello")
        await world.settle(SOON_S)
    topics = {(each.device, each.chat_id): each.options.collapse for each in world.push.received}
    assert len(world.push.received) == 8
    assert len(topics) == len(set(topics.values())) == 4
    for (device, chat_id), topic in topics.items():
        assert {
            r.options.collapse for r in world.push.received if (r.device, r.chat_id) == (device, chat_id)
        } == {topic}
        assert len(topic) <= 32
        assert chat_id not in topic


@simulated(notifies=True)
async def test_a_burst_is_one_notification(world: World) -> None:
    chat_id = await world.direct("ann", "bob")
    world.subscribe("bob")
    world.push.seconds = lambda _: 2.0
    ann = await world.online("ann", "n1")
    for number in range(20):
        await ann.say(chat_id, f"{number}")
    await world.settle(SOON_S * 2)
    assert len(world.push.received) <= 3
    assert (world.push.received[-1].seq, world.push.received[-1].count) == (20, 20)


@simulated(notifies=True)
async def test_whoever_has_muted_the_chat_is_not_notified_until_then(world: World) -> None:
    chat_id = await world.group("ann", "bob")
    world.subscribe("bob")
    ann = await world.online("ann", "n1")
    until = world["n1"].clock() + 60_000
    member = world.record.members[chat_id, "bob"]
    world.record.members[chat_id, "bob"] = msgspec.structs.replace(member, muted_until=until)
    await ann.say(chat_id, "one")
    await world.settle(120)
    assert world.push.received == []
    await ann.say(chat_id, "two")
    await world.settle(SOON_S)
    assert world.push.told("bob-phone") == [2]


@pytest.mark.parametrize(("who", "whom"), [("ann", "bob"), ("bob", "ann")])
@simulated(notifies=True)
async def test_between_two_of_whom_one_has_blocked_the_other_nobody_is_notified(
    world: World, who: str, whom: str
) -> None:
    direct, group = await world.direct("ann", "bob"), await world.group("ann", "bob")
    world.subscribe("bob")
    ann = await world.online("ann", "n1")
    world.push.answer = lambda _: Answer(status=503)
    await ann.say(direct, "said before it")
    world.record.blocks[who, whom] = Block(user_id=who, blocked_id=whom, at=0)
    world.record.notified.clear()
    world.push.answer = lambda _: TAKEN
    world["n1"].core.notifications.notifier.wrote(direct, 1)
    await ann.say(group, "for everyone")
    await world.settle(SOON_S)
    assert [each.chat_id for each in world.push.received if each.chat_id == group] == [group]


@simulated(notifies=True)
async def test_whoever_has_read_it_meanwhile_is_not_notified(world: World) -> None:
    chat_id = await world.direct("ann", "bob")
    world.subscribe("bob", "laptop")
    refusing = True
    world.push.answer = lambda _: Answer(status=503) if refusing else TAKEN
    ann = await world.online("ann", "n1")
    await ann.say(chat_id, "hello")
    await world.settle(1)
    assert world.push.asked["bob-laptop"] == 1
    bob = await world.online("bob", "n2")
    await bob.mark("message:read", chat_id, 1)
    refusing = False
    await world.settle(60)
    assert world.push.received == []
    assert world.push.asked["bob-laptop"] == 1


@simulated(notifies=True)
async def test_a_message_that_is_deleted_meanwhile_is_not_told_of(world: World) -> None:
    chat_id = await world.direct("ann", "bob")
    world.subscribe("bob")
    world.push.answer = lambda _: Answer(status=503)
    ann = await world.online("ann", "n1")
    await ann.say(chat_id, "oh")
    await world.settle(1)
    await ann.ask("me", "message:delete", chat_id=chat_id, seq=1)
    world.push.answer = lambda _: TAKEN
    await world.settle(60)
    assert world.push.received == []


@simulated(notifies=True)
async def test_old_messages_are_not_told_of(world: World) -> None:
    chat_id = await world.direct("ann", "bob")
    ann = await world.online("ann", "n1")
    await ann.say(chat_id, "long ago")
    await world.settle(1)
    old = msgspec.structs.replace(world.record.messages[chat_id][1], created_at=START_MS - 86_400_000)
    world.record.messages[chat_id][1] = old
    world.subscribe("bob")
    world.record.notified.clear()
    world["n1"].core.notifications.notifier.wrote(chat_id, 1)
    await world.settle(SOON_S)
    assert world.push.received == []


# -- who is there -----------------------------------------------------------------------------------------------------


@simulated(notifies=True)
async def test_a_user_with_an_active_device_is_not_notified_and_if_they_stay_never(world: World) -> None:
    chat_id = await world.direct("ann", "bob")
    for device in ("phone", "laptop"):
        world.subscribe("bob", device)
    ann = await world.online("ann", "n1")
    world.present("bob", "laptop", node="n2", idle_s=20)
    await ann.say(chat_id, "hello")
    await world.settle(40)
    world.present("bob", "laptop", node="n2")  # used since: whatever was new, was to be seen
    await world.settle(AGAIN_S)
    assert world.push.received == []


@simulated(notifies=True)
async def test_a_device_gone_quiet_does_not_silence_the_others(world: World) -> None:
    chat_id = await world.direct("ann", "bob")
    for device in ("phone", "laptop"):
        world.subscribe("bob", device)
    ann = await world.online("ann", "n1")
    world.present("bob", "laptop", node="n2", idle_s=300)
    await ann.say(chat_id, "hello")
    await world.settle(AGAIN_S)
    assert world.push.told("bob-phone") == [1]
    assert world.push.told("bob-laptop") == []  # it is connected, and has the message


@simulated(notifies=True)
async def test_whoever_goes_quiet_without_having_seen_the_message_is_notified_later(world: World) -> None:
    chat_id = await world.group("ann", "bob")
    world.subscribe("bob")
    world.present("bob", idle_s=5)  # the connection is dead already, but nobody knows
    ann = await world.online("ann", "n1")
    await ann.say(chat_id, "hello")
    await world.settle(30)
    assert world.push.received == []
    world.absent("bob")
    await world.settle(AGAIN_S)
    assert world.push.told("bob-phone") == [1]


@simulated(notifies=True)
async def test_a_device_on_a_node_that_is_dead_is_not_connected(world: World) -> None:
    chat_id = await world.direct("ann", "bob")
    world.subscribe("bob")
    world.present("bob", node="n2")
    dead = dict(world.broker.presence.devices["bob"])
    world["n2"].kill()
    await world.settle(LEASE_S + 2 * HEARTBEAT_S)
    world.broker.presence.devices["bob"] = {
        key: msgspec.structs.replace(d, active_at=world["n1"].clock()) for key, d in dead.items()
    }
    ann = await world.online("ann", "n1")
    await ann.say(chat_id, "hello")
    await world.settle(SOON_S)
    assert world.push.told("bob-phone") == [1]


# -- what push services say -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [404, 410])
@simulated(notifies=True)
async def test_a_subscription_that_is_gone_is_removed(world: World, status: int) -> None:
    chat_id = await world.direct("ann", "bob")
    for device in ("phone", "laptop"):
        world.subscribe("bob", device)
    world.push.answer = lambda s: Answer(status=status) if s.id == "bob-phone" else TAKEN
    ann = await world.online("ann", "n1")
    await ann.say(chat_id, "hello")
    await world.settle(SOON_S)
    assert list(world.record.subscriptions) == ["bob-laptop"]
    assert world.push.told("bob-laptop") == [1]
    assert world.record.letters == {}
    await ann.say(chat_id, "again")
    await world.settle(SOON_S)
    assert world.push.asked["bob-phone"] == 1
    tries = [(t.device_id, t.result) for t in world.record.tries.values() if t.seq == 1]
    assert sorted(tries) == [("bob-laptop", PushResult.DELIVERED), ("bob-phone", PushResult.GONE)]


@simulated(notifies=True, seeds=1)
async def test_it_is_tried_again_with_ever_longer_pauses_until_it_is_a_dead_letter(world: World) -> None:
    chat_id = await world.direct("ann", "bob")
    world.subscribe("bob")
    world.push.answer = lambda _: Answer(status=429, reason="slow down")
    ann = await world.online("ann", "n1")
    await ann.say(chat_id, "hello")
    await world.settle(2_400)
    assert world.push.asked["bob-phone"] == 10
    pauses = [b - a for a, b in zip(world.push.times, world.push.times[1:], strict=False)]
    for number, pause in enumerate(pauses):
        longest = min(900, 2 * 2**number)
        assert longest / 2 <= pause <= longest + 2
    (letter,) = world.record.letters.values()
    assert letter.source == "pushes"
    assert letter.reason == "given up after 10 tries: 429 slow down"
    assert letter.command["chat_id"] == chat_id
    assert "endpoint" not in letter.command
    assert list(world.record.subscriptions) == ["bob-phone"]
    assert [t.attempt for t in world.record.tries.values()] == list(range(1, 11))


@simulated(notifies=True)
async def test_a_service_that_says_when_is_not_asked_before(world: World) -> None:
    chat_id = await world.direct("ann", "bob")
    world.subscribe("bob")
    answers = [Answer(status=429, retry_after="120"), TAKEN]
    world.push.answer = lambda _: answers.pop(0)
    ann = await world.online("ann", "n1")
    await ann.say(chat_id, "hello")
    await world.settle(119)
    assert world.push.received == []
    await world.settle(10)
    assert world.push.told("bob-phone") == [1]


@pytest.mark.parametrize("status", [400, 401, 403, 413, 301])
@simulated(notifies=True)
async def test_what_will_never_be_taken_is_a_dead_letter_at_once(world: World, status: int) -> None:
    chat_id = await world.direct("ann", "bob")
    world.subscribe("bob")
    world.push.answer = lambda _: Answer(status=status, reason="no")
    ann = await world.online("ann", "n1")
    await ann.say(chat_id, "hello")
    await world.settle(60)
    assert world.push.asked["bob-phone"] == 1
    assert [letter.reason for letter in world.record.letters.values()] == [f"{status} no"]


@simulated(notifies=True)
async def test_a_service_that_stalls_does_not_hold_up_the_others(world: World) -> None:
    users = [f"u{number}" for number in range(40)]
    chat_id = await world.group("ann", *users)
    for user_id in users:
        world.subscribe(user_id, service="https://stalls")
        world.subscribe(user_id, "laptop", service="https://works")
    world.push.seconds = lambda s: 1e6 if "stalls" in s.endpoint else 0.1
    ann = await world.online("ann", "n1")
    for number in range(5):
        await ann.say(chat_id, f"{number}")
        await world.settle(2)
        late = [u for u in users if world.push.told(f"{u}-laptop")[-1:] != [number + 1]]
        assert late == []
    world.push.seconds = lambda _: 0.1
    await world.settle(900)
    assert [u for u in users if world.push.told(f"{u}-phone")[-1:] != [5]] == []


@simulated(notifies=True)
async def test_a_push_that_crashes_is_a_dead_letter_and_the_others_go_on(world: World) -> None:
    chat_id = await world.group("ann", "bob", "cat")
    for user_id in ("bob", "cat"):
        world.subscribe(user_id)

    def answer(subscription: PushSubscription) -> Answer:
        if subscription.user_id == "bob":
            raise ZeroDivisionError
        return TAKEN

    world.push.answer = answer
    world.expected.add("a push could not be made")
    ann = await world.online("ann", "n1")
    await ann.say(chat_id, "hello")
    await world.settle(SOON_S)
    assert world.push.told("cat-phone") == [1]
    (letter,) = world.record.letters.values()
    assert "ZeroDivisionError" in letter.reason


@simulated(notifies=True)
async def test_a_job_that_nobody_understands_is_a_dead_letter(world: World) -> None:
    chat_id = await world.direct("ann", "bob")
    world.subscribe("bob")
    stores = world["n1"].core.stores
    world.expected.add("a job could not be carried out")
    await world["n1"].call(stores.jobs("looks", 60).add, [b"\xff", b""])
    await world["n1"].call(stores.jobs("pushes", 60).add, [b"\xff"])
    ann = await world.online("ann", "n1")
    await ann.say(chat_id, "hello")
    await world.settle(SOON_S)
    assert world.push.told("bob-phone") == [1]
    assert sorted(letter.source for letter in world.record.letters.values()) == ["looks", "looks", "pushes"]


# -- nothing is lost --------------------------------------------------------------------------------------------------


async def _one_message(world: World) -> None:
    """Ann writes at the node that dies; whether or not she is told so, what is in the record is told to Bob."""
    chat_id = await world.direct("ann", "bob")
    group = await world.group("ann", "bob", "cat", node="n2")
    for user_id in ("bob", "cat"):
        world.subscribe(user_id)
    ann = await world.online("ann", "n1")
    await world.settle(1)
    world.begin()
    ann.send(chat_id, "hello")
    ann.send(group, "hello")
    await world.settle(4)
    world.begun = False
    await world.settle(RECLAIMED_S + LEASE_S + 3 * HEARTBEAT_S)
    for chat, devices in ((chat_id, ["bob-phone"]), (group, ["bob-phone", "cat-phone"])):
        written = sorted(world.record.messages.get(chat, {}))
        for device in devices:
            told = world.push.told(device, chat)
            assert set(told[-1:]) == set(written), (chat, device, written, told)
            assert len(told) <= 2, told


@pytest.mark.slow
def test_a_message_in_the_record_is_told_of_whatever_the_node_that_wrote_it_dies_at() -> None:
    steps = at_every_step(_one_message, "n1", notifies=True)
    assert {"append:after", "add_jobs:before", "add_jobs:after", "send:before", "send:after"} <= set(steps)


async def _elsewhere(world: World) -> None:
    """Another node than the one that dies writes; the one that dies may be the one that notifies."""
    chat_id = await world.group("ann", "bob", "cat")
    for user_id in ("bob", "cat"):
        world.subscribe(user_id)
    ann = await world.online("ann", "n1")
    await world.settle(1)
    world.begin()
    for number in range(2):
        await ann.say(chat_id, f"{number}")
        await world.settle(1.5)
    world.begun = False
    await world.settle(RECLAIMED_S * 2)
    for device in ("bob-phone", "cat-phone"):
        assert world.push.told(device)[-1] == 2


SEEDS_ELSEWHERE = 4


@pytest.mark.slow
def test_a_worker_that_dies_leaves_its_work_to_the_others() -> None:
    # Which node takes a job is up to the order of tasks: in some of them it is the one that dies.
    steps = {
        step
        for seed in range(SEEDS_ELSEWHERE)
        for step in at_every_step(_elsewhere, "n2", seed=seed, notifies=True)
    }
    assert {"take_jobs:after", "send:after", "note_tries:after", "finish_jobs:before"} <= steps


@simulated(notifies=True)
async def test_the_only_node_notifies_after_its_restart(world: World) -> None:
    world["n2"].kill()
    chat_id = await world.direct("ann", "bob")
    world.subscribe("bob")
    ann = await world.online("ann", "n1")
    await world.settle(20)

    def hook(node: object, store: str, step: str) -> None:
        if step == "append:after":
            world["n1"].kill()

    world.hook = hook
    ann.send(chat_id, "hello")
    await world.settle(1)
    assert len(world.record.messages[chat_id]) == 1
    world.hook = None
    await world["n1"].over.wait()
    await world.start("n1")
    await world.settle(LEASE_S + 3 * HEARTBEAT_S)
    assert world.push.told("bob-phone") == [1]


@simulated(notifies=True)
async def test_while_redis_is_away_notifications_wait(world: World) -> None:
    chat_id = await world.direct("ann", "bob")
    world.subscribe("bob")
    ann = await world.online("ann", "n1")
    world.redis.faults.down = True
    await ann.say(chat_id, "hello")
    await world.settle(60)
    assert world.push.received == []
    world.redis.faults.down = False
    await world.settle(SOON_S)
    assert world.push.told("bob-phone") == [1]


@simulated(notifies=True)
async def test_what_redis_loses_before_it_is_told_is_told_all_the_same(world: World) -> None:
    chat_id = await world.direct("ann", "bob")
    for device in ("phone", "laptop"):
        world.subscribe("bob", device)
    world.push.answer = lambda s: Answer(status=503) if s.id == "bob-phone" else TAKEN
    ann = await world.online("ann", "n1")
    await ann.say(chat_id, "hello")
    await world.settle(1)
    assert (world.push.told("bob-phone"), world.push.told("bob-laptop")) == ([], [1])
    world.broker.forget_everything()
    world.push.answer = lambda _: TAKEN
    await world.settle(3 * HEARTBEAT_S + SOON_S)
    assert (world.push.told("bob-phone"), world.push.told("bob-laptop")) == ([1], [1])


@simulated(notifies=True)
async def test_while_mongodb_is_away_notifications_wait(world: World) -> None:
    chat_id = await world.direct("ann", "bob")
    world.subscribe("bob")
    ann = await world.online("ann", "n1")

    def hook(node: object, store: str, step: str) -> None:
        if step == "take_jobs:after" and world.record.messages:
            world.mongo.faults.down = True

    world.hook = hook
    await ann.say(chat_id, "hello")
    await world.settle(30)
    assert world.push.received == []
    world.hook = None
    world.mongo.faults.down = False
    await world.settle(RECLAIMED_S)
    assert world.push.told("bob-phone") == [1]


@simulated(notifies=True)
async def test_stores_that_fail_now_and_then_lose_nobody_a_notification(world: World) -> None:
    users = [f"u{number}" for number in range(5)]
    chats = [await world.direct("ann", user_id) for user_id in users]
    for user_id in users:
        world.subscribe(user_id)
    ann = await world.online("ann", "n1")
    for weather in (world.mongo, world.redis):
        weather.fail_rate = weather.lose_reply_rate = 0.1
    for chat_id in chats:
        ann.send(chat_id, "hello")
    await world.settle(60)
    world.clear_weather()
    await world.settle(4 * RECLAIMED_S)
    for chat_id, user_id in zip(chats, users, strict=True):
        if world.record.messages.get(chat_id):
            assert world.push.told(f"{user_id}-phone")[-1:] == [1]


@simulated(notifies=True)
async def test_a_node_that_stops_in_order_queues_what_waits_and_awaits_its_answers(world: World) -> None:
    chat_id = await world.direct("ann", "bob")
    world.subscribe("bob")
    world.push.seconds = lambda _: 3.0
    ann = await world.online("ann", "n1")
    await world["n2"].stop()
    await ann.say(chat_id, "hello")
    await world.settle(1)
    await world["n1"].stop()
    assert world.push.told("bob-phone") == [1]
    assert len(world.broker.queue("pushes")) == 0


@pytest.mark.slow
@simulated(notifies=True, seeds=1)
async def test_a_large_channel_is_looked_through_in_pages(world: World) -> None:
    chat_id = await world.channel("ann", "bob")
    template = world.record.members[chat_id, "bob"]
    for number in range(1_050):
        user_id = f"reader-{number:04}"
        world.record.members[chat_id, user_id] = msgspec.structs.replace(template, user_id=user_id)
        world.subscribe(user_id)
    ann = await world.online("ann", "n1")
    await ann.say(chat_id, "news")
    await world.settle(300)
    assert len({each.device for each in world.push.received}) == 1_050
    assert len(world.push.received) == 1_050
    assert not world.push.received[0].options.urgent


@simulated(notifies=True, seeds=1)
async def test_with_nobody_to_take_them_chats_wait_at_their_node(world: World) -> None:
    notifier: Notifier = world["n1"].core.notifications.notifier
    chat_id = await world.direct("ann", "bob")
    world.subscribe("bob")
    ann = await world.online("ann", "n1")
    looks = world["n1"].core.stores.jobs("looks", 60)
    await world["n1"].call(looks.add, [b"\x90"] * 10_000, delay_s=60)
    await trio.sleep(11)
    world.expected.add(
        "nobody looks for whom to notify: no node has the role `notifications`, or none keeps up"
    )
    await ann.say(chat_id, "hello")
    await world.settle(20)
    assert (world.push.received, list(notifier._waiting)) == ([], [chat_id])
    await world.settle(120)
    assert world.push.told("bob-phone") == [1]


@simulated(notifies=True)
async def test_operators_find_what_became_of_a_messages_pushes(world: World) -> None:
    chat_id = await world.direct("ann", "bob")
    world.subscribe("bob")
    answers = [Answer(status=500, reason="oops"), TAKEN]
    world.push.answer = lambda _: answers.pop(0)
    ann = await world.online("ann", "n1")
    await ann.say(chat_id, "hello")
    await world.settle(SOON_S)
    node = world["n2"]
    rows = await node.call(node.core.stores.tries.tries, chat_id, 1, limit=10)
    assert [(t.attempt, t.result, t.status, t.reason) for t in rows] == [
        (1, PushResult.AGAIN, 500, "500 oops"),
        (2, PushResult.DELIVERED, 201, ""),
    ]
    assert principal("bob").user_id == rows[0].user_id
