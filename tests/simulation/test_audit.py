"""The audit log of a cluster: one chain, with everything in it that was done, whoever dies on the way."""

from __future__ import annotations

import pytest
import trio

from handlers.audit.chain import Verifier
from handlers.chats.conversations import MemberBody
from handlers.errors import ChatError
from persistence.errors import StoreUnavailable
from persistence.models import AuditAction
from tests.simulation.invariants import check_audit
from tests.simulation.node import Disconnected
from tests.simulation.scenario import at_every_step, simulated
from tests.simulation.world import World, principal


async def insist(world: World, name: str, function: str, *args: object) -> None:
    """A request that its client repeats, on whatever node answers, until it is told what became of it."""
    nodes = [name, "n2"]
    for attempt in range(20):
        node = world[nodes[min(attempt, 1)]]
        try:
            calls = {"delete_message": node.core.messages.writer.delete}
            await node.call(calls.get(function) or getattr(node.core.chats.conversations, function), *args)
        except (Disconnected, StoreUnavailable):
            await trio.sleep(1)
        except ChatError as error:
            if not error.code.retryable:
                return
            await trio.sleep(1)
        else:
            return


async def story(world: World) -> None:
    chat_id = await world.group("ann", "bob", "cat")
    ann = await world.online("ann", "n2")
    await ann.say(chat_id, "one")
    await ann.say(chat_id, "two")
    for name in ("dan", "eve"):
        world.user(name)
    world.begin()
    asker = principal("ann")
    await insist(world, "n1", "put_member", asker, chat_id, "dan", MemberBody())
    await insist(world, "n1", "put_member", asker, chat_id, "dan", MemberBody(role="admin"))
    await insist(world, "n1", "remove_member", asker, chat_id, "bob")
    await ann.ask("me", "message:delete", chat_id=chat_id, seq=1)
    await insist(world, "n1", "delete_message", asker, chat_id, 2)
    await insist(world, "n1", "put_member", asker, chat_id, "eve", MemberBody())
    await world.heal()
    check_audit(world)
    assert world.record.members[chat_id, "dan"].role == "admin"


@pytest.mark.slow
def test_no_change_is_missing_whenever_the_node_that_made_it_dies() -> None:
    steps = at_every_step(story, "n1")
    assert "append:after" in steps
    assert "append_audit:after" in steps
    assert "settled_audit:before" in steps


@simulated(nodes=3)
async def test_nodes_that_note_at_once_make_one_chain(world: World) -> None:
    async def note(name: str) -> None:
        for n in range(30):
            world[name].core.audit.note(AuditAction.SIGNED_IN, actor_id=name, about={"n": n})
            if n % 4 == 0:
                await trio.sleep(world.random.uniform(0, 0.01))

    world.mongo.slowest_s = 0.02
    async with trio.open_nursery() as nursery:
        for name in world.nodes:
            nursery.start_soon(note, name)
    await world.settle(10)
    check_audit(world)
    for name in world.nodes:
        own = [e.note.about["n"] for _, e in sorted(world.record.audit.items()) if e.note.actor_id == name]
        assert own == list(range(30))


@simulated()
async def test_a_node_that_is_killed_loses_no_more_than_what_it_had_not_written(world: World) -> None:
    node = world["n1"]
    node.core.audit.note(AuditAction.SIGNED_IN, actor_id="early")
    await world.settle(0.1)
    world.mongo.slowest_s = 5.0
    node.core.audit.note(AuditAction.SIGNED_IN, actor_id="late")
    await trio.lowlevel.checkpoint()
    node.kill()
    await world.heal()
    check_audit(world)
    assert [e.note.actor_id for e in world.record.audit.values()][:1] == ["early"]


@simulated()
async def test_what_must_not_go_on_without_its_entry_does_not(world: World) -> None:
    world.mongo.faults.down = True
    with pytest.raises(StoreUnavailable):
        await world["n1"].call(world["n1"].core.audit.record, AuditAction.ACCOUNT_DELETED, actor_id="ann")
    world.mongo.faults.down = False
    await world["n1"].call(world["n1"].core.audit.record, AuditAction.ACCOUNT_DELETED, actor_id="bob")
    assert Verifier().take([world.record.audit[seq] for seq in sorted(world.record.audit)])
    assert [e.note.actor_id for e in world.record.audit.values()] == ["bob"]
