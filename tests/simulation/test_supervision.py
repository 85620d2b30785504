"""A fault stays where it is: in one command, one chat, one topic, one device."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest
import trio

from handlers.protocol import Push
from handlers.routing.commands import Send
from handlers.sessions.chat_topic import OpenChatTopic
from persistence.models import Message
from tests.simulation.client import Refused
from tests.simulation.invariants import check_everything
from tests.simulation.node import Disconnected, Node
from tests.simulation.scenario import simulated
from tests.simulation.world import World


@simulated(crashes=True)
async def test_a_command_that_crashes_its_router_goes_to_the_dead_letters_while_others_go_on(
    world: World,
) -> None:
    poisoned, other = await world.group("ann", "bob"), await world.group("ann", "bob", title="Other")
    ann, bob = await world.online("ann", "n1"), await world.online("bob", "n2")
    write = Send.write

    def bad_write(command: Send, chat_id: str, seq: int, rev: int) -> Message:
        if command.content["text"] == "poison":
            raise ZeroDivisionError
        return write(command, chat_id, seq, rev)

    with patch.object(Send, "write", bad_write):
        before = ann.send(poisoned, "before")
        poison = ann.send(poisoned, "poison")
        twin = ann.send(poisoned, "poison", client_id=poison.client_id)
        after = ann.send(poisoned, "after")
        elsewhere = ann.send(other, "elsewhere")
        await world.settle(2)
    assert (poison.refused, twin.refused) == ("dead_lettered", "dead_lettered")
    for outgoing in (before, after, elsewhere):
        assert outgoing.message is not None
    (letter,) = world.record.letters.values()
    assert "ZeroDivisionError" in letter.reason
    assert "poison" not in str(letter.command)
    assert 1 <= len(world.crashes) <= 3
    assert all(poisoned in crash.path for crash in world.crashes)
    assert [m["content"]["text"] for m in bob.chats[poisoned].messages.values()] == ["before", "after"]


@simulated()
async def test_a_crash_in_one_topic_ends_that_topic_alone(world: World) -> None:
    one, other = await world.group("ann"), await world.group("ann", title="Other")
    ann = await world.online("ann", "n1")
    world.expected.add("a topic crashed")
    await ann.open(one)
    await ann.open(other)
    handle = OpenChatTopic.handle

    def bad_handle(topic: OpenChatTopic, push: Push) -> Any:
        if push.topic.endswith(one):
            raise ZeroDivisionError
        return handle(topic, push)

    with (
        patch.object(OpenChatTopic, "handle", bad_handle),
        pytest.raises(Disconnected),  # the `phx_error` is the answer
    ):
        await ann.ask(f"chat:{one}", "typing", state="start")
    assert list(ann.opened) == [other]
    await ann.ask(f"chat:{other}", "typing", state="start")
    await ann.say(one, "goes on")
    await ann.open(one)


@simulated(nodes=3)
async def test_a_device_that_is_signed_out_is_disconnected_on_every_node_within_a_second(
    world: World,
) -> None:
    ann = await world.online("ann", "n1")
    same, other = await world.online("ann", "n2"), await world.online("ann", "n3", "laptop")
    same.device_id = ann.device_id
    await same.connect(world["n2"])
    world["n3"].core.fanout.revoke_device("ann", ann.device_id)
    await world.settle(1)
    assert (ann.closed_with, same.closed_with) == (4001, 4001)
    assert other.connected


@pytest.mark.parametrize("where", ["append:before", "append:after", "publish:before", "publish:after"])
@simulated(crashes=True)
async def test_a_fault_in_a_writer_loses_nothing(world: World, where: str) -> None:
    chat_id = await world.group("ann", "bob")
    ann, bob = await world.online("ann", "n1"), await world.online("bob", "n2")

    def hook(node: Node, store: str, step: str) -> None:
        if step == where:
            world.hook = None
            raise ZeroDivisionError

    world.hook = hook
    sent = [ann.send(chat_id, f"{number}") for number in range(5)]
    await world.settle(5)
    assert [outgoing.message["seq"] for outgoing in sent if outgoing.message] == [1, 2, 3, 4, 5]
    assert all(outgoing.tries == 1 for outgoing in sent)
    assert len(bob.chats[chat_id].messages) == 5
    await world.heal()
    await check_everything(world)


@simulated()
async def test_a_client_that_goes_while_its_message_is_written_leaves_nothing_behind(world: World) -> None:
    chat_id = await world.group("ann", "bob")
    ann, bob = await world.online("ann", "n1"), await world.online("bob", "n2")
    world.mongo.slowest_s = 1.0
    ann.send(chat_id, "hello")
    await trio.lowlevel.checkpoint()
    ann.disconnect()
    await world.settle(3)
    world.mongo.slowest_s = 0.0
    assert len(bob.chats[chat_id].messages) <= 1
    await world.heal()
    await check_everything(world)


@simulated()
async def test_pushes_to_what_is_not_joined_are_refused_and_the_connection_goes_on(world: World) -> None:
    chat_id = await world.group("ann")
    ann = await world.online("ann", "n1")
    for topic, event, code in (
        (f"chat:{chat_id}", "typing", "not_joined"),
        ("nowhere", "typing", "not_found"),
        ("me", "message:eat", "unknown_event"),
    ):
        with pytest.raises(Refused) as refused:
            await ann.ask(topic, event)
        assert refused.value.code == code
    assert await ann.say(chat_id, "fine")
