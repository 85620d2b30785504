"""`Presence`: what `persistence.ports` promises, in memory and in Redis."""

from __future__ import annotations

import pytest
import trio

from persistence.errors import StoreUnavailable
from persistence.models import PresentDevice, Turn
from tests.contracts.nodes import Node, Nodes
from tests.contracts.samples import AT

PATIENCE_S = 60.0
LONG_S = 600.0
SHORT_S = 0.01
MANY = 1_203


def device(
    node: Node, user: str = "ann", name: str = "phone", *, since: int = AT, active_at: int = AT
) -> PresentDevice:
    """A device that is connected to a node."""
    return PresentDevice(user_id=user, device_id=name, node=node.name, since=since, active_at=active_at)


async def take(
    node: Node, *, grace_s: float = LONG_S, hold_s: float = LONG_S, most: int = 5_000
) -> list[Turn]:
    """The turns that are due, in order of the users."""
    found = await node.presence.turns(at=AT + 9, grace_s=grace_s, hold_s=hold_s, most=most)
    return sorted(found, key=lambda turn: turn.user_id)


async def tell(node: Node, *, grace_s: float = LONG_S) -> list[tuple[str, bool]]:
    """Take what is due and tell it: `(user, online)`."""
    found = await take(node, grace_s=grace_s)
    await node.presence.told(found)
    return [(turn.user_id, turn.online) for turn in found]


async def eventually(node: Node, *, grace_s: float = LONG_S) -> list[tuple[str, bool]]:
    """The same, as soon as anything is due."""
    with trio.fail_after(PATIENCE_S):
        while not (found := await tell(node, grace_s=grace_s)):  # noqa: ASYNC110 - the store tells nobody
            await trio.sleep(SHORT_S)
    return found


async def leave(node: Node, *devices: PresentDevice, grace_s: float = 0.0, era: str = "") -> str:
    return await node.presence.left(devices, at=AT + 5, grace_s=grace_s, era=era)


async def test_the_devices_of_a_user_are_seen_from_every_node(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    phone, laptop, bobs = device(a), device(b, name="laptop", since=AT + 1), device(b, "bob")
    await a.presence.arrived([phone])
    await b.presence.arrived([laptop, bobs])
    for node in (a, b):
        found = await node.presence.of_users(["ann", "bob", "eve"])
        assert sorted(found["ann"], key=lambda each: each.device_id) == [laptop, phone]
        assert found["bob"] == [bobs]
        assert found["eve"] == []
    await a.presence.arrived([device(a, active_at=AT + 7)])
    await leave(b, laptop)
    assert await b.presence.of_users(["ann"]) == {"ann": [device(a, active_at=AT + 7)]}
    assert await a.presence.of_users([]) == {}


async def test_a_user_has_one_turn_however_many_devices_arrive(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    await a.presence.arrived([device(a), device(a, name="laptop")])
    await b.presence.arrived([device(b, name="tablet")])
    assert await take(b) == [Turn(user_id="ann", online=True, left_at=AT + 9)]
    assert await take(a) == []
    await a.presence.arrived([device(a, name="watch")])
    assert await tell(a) == []


async def test_a_user_is_online_until_the_grace_period_after_the_last_device_is_over(nodes: Nodes) -> None:
    (a,) = await nodes.start("a")
    await a.presence.arrived([device(a), device(a, name="laptop")])
    assert await tell(a) == [("ann", True)]
    assert (await a.presence.online(["ann", "bob"])).since == {"ann": AT + 9}
    await leave(a, device(a))
    assert await tell(a) == []
    await leave(a, device(a, name="laptop"), grace_s=SHORT_S)
    assert "ann" in (await a.presence.online(["ann"])).since
    assert await eventually(a) == [("ann", False)]
    assert (await a.presence.online(["ann"])).since == {}
    assert await tell(a) == []


async def test_who_has_gone_left_when_the_last_device_did(nodes: Nodes) -> None:
    (a,) = await nodes.start("a")
    await a.presence.arrived([device(a), device(a, name="laptop")])
    await tell(a)
    await a.presence.left([device(a)], at=AT + 1, grace_s=0)
    await a.presence.left([device(a, name="laptop")], at=AT + 2, grace_s=0)
    await a.presence.left([device(a, name="laptop")], at=AT + 3, grace_s=0)
    assert await take(a) == [Turn(user_id="ann", online=False, left_at=AT + 2)]


async def test_who_is_back_within_the_grace_period_on_another_node_was_never_away(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    await a.presence.arrived([device(a)])
    await tell(a)
    await leave(a, device(a), grace_s=SHORT_S)
    await b.presence.arrived([device(b)])
    await trio.sleep(3 * SHORT_S)
    assert await tell(a) == []
    assert (await a.presence.online(["ann"])).since == {"ann": AT + 9}


async def test_who_was_never_said_to_be_there_is_not_said_to_have_gone(nodes: Nodes) -> None:
    (a,) = await nodes.start("a")
    await a.presence.arrived([device(a)])
    await leave(a, device(a))
    assert await tell(a) == []
    await leave(a, device(a, "bob"))
    assert await tell(a) == []


async def test_each_turn_is_given_to_one_of_those_who_ask_at_once(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    users = [f"user-{n:05}" for n in range(40)]
    await a.presence.arrived([device(a, user) for user in users])
    found: list[str] = []

    async def ask(node: Node) -> None:
        while turns := await take(node, most=5):
            found.extend(turn.user_id for turn in turns)

    async with trio.open_nursery() as nursery:
        for node in (a, b, a):
            nursery.start_soon(ask, node)
    assert sorted(found) == users


async def test_what_is_not_told_in_time_is_given_out_again(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    await a.presence.arrived([device(a)])
    assert [turn.online for turn in await take(a, hold_s=SHORT_S)] == [True]
    assert await eventually(b) == [("ann", True)]
    assert await tell(b) == []


async def test_who_goes_while_it_is_told_that_they_came_goes_afterwards(nodes: Nodes) -> None:
    (a,) = await nodes.start("a")
    await a.presence.arrived([device(a)])
    came = await take(a)
    await leave(a, device(a))
    assert await take(a) == []
    await a.presence.told(came)
    assert await eventually(a) == [("ann", False)]


async def test_who_comes_while_it_is_told_that_they_went_comes_afterwards(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    await a.presence.arrived([device(a)])
    await tell(a)
    await leave(a, device(a))
    went = await take(a)
    assert [turn.online for turn in went] == [False]
    await b.presence.arrived([device(b)])
    assert await take(b) == []
    await a.presence.told(went)
    assert await eventually(b) == [("ann", True)]


async def test_who_tells_too_late_takes_nothing_back(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    await a.presence.arrived([device(a)])
    await tell(a)
    await leave(a, device(a))
    late = await take(a, hold_s=SHORT_S)
    await b.presence.arrived([device(b)])
    with trio.fail_after(PATIENCE_S):
        while not (again := await take(b)):  # noqa: ASYNC110 - the store tells nobody
            await trio.sleep(SHORT_S)
    assert [turn.online for turn in again] == [True]
    await a.presence.told(late)
    assert await take(a) == []
    assert "ann" in (await a.presence.online(["ann"])).since
    await b.presence.told(again)
    assert await tell(a) == []


async def test_who_keeps_coming_and_going_is_awaited_longer(nodes: Nodes) -> None:
    (a,) = await nodes.start("a")
    await a.presence.arrived([device(a)])
    await tell(a)
    for _ in range(12):
        await leave(a, device(a), grace_s=SHORT_S)
        await a.presence.arrived([device(a)])
    await leave(a, device(a), grace_s=SHORT_S)
    await trio.sleep(5 * SHORT_S)
    assert await tell(a) == []
    assert "ann" in (await a.presence.online(["ann"])).since


async def test_a_dead_nodes_users_go_once_after_the_grace_period(nodes: Nodes) -> None:
    a, b, x = await nodes.start("a", "b", "x")
    users = [f"user-{n:05}" for n in range(7)]
    await x.presence.arrived([device(x, user) for user in users])
    await b.presence.arrived([device(b, users[0], "laptop")])
    assert len(await tell(a)) == len(users)
    nodes.expire(x)
    assert await tell(a, grace_s=0) == []
    assert await a.cluster.bury() == [x.name]
    found: list[tuple[str, bool]] = []
    with trio.fail_after(PATIENCE_S):
        while len(found) < len(users) - 1:
            turns = await b.presence.turns(at=AT, grace_s=SHORT_S, hold_s=LONG_S, most=2)
            found += [(turn.user_id, turn.online) for turn in turns]
            await b.presence.told(turns)
            await trio.sleep(SHORT_S)
    assert sorted(found) == [(user, False) for user in users[1:]]
    assert await tell(a, grace_s=0) == []
    assert await a.presence.of_users([users[0]]) == {users[0]: [device(b, users[0], "laptop")]}


async def test_a_node_that_lives_after_all_writes_its_devices_anew_and_nobody_hears_of_it(
    nodes: Nodes,
) -> None:
    a, x = await nodes.start("a", "x")
    era = await x.presence.arrived([device(x)])
    await tell(a)
    nodes.expire(x)
    await a.cluster.bury()
    assert await tell(a) == []
    assert await a.presence.of_users(["ann"]) == {"ann": []}
    await x.cluster.heartbeat()
    assert await x.presence.arrived([device(x)], era=era) == era
    assert await tell(a) == []
    assert await a.presence.of_users(["ann"]) == {"ann": [device(x)]}


async def test_who_was_said_to_have_gone_in_error_is_said_to_be_there(nodes: Nodes) -> None:
    a, x = await nodes.start("a", "x")
    era = await x.presence.arrived([device(x)])
    await tell(a)
    nodes.expire(x)
    await a.cluster.bury()
    assert await eventually(a, grace_s=0) == [("ann", False)]
    await x.presence.arrived([device(x)], era=era)
    assert await tell(a) == [("ann", True)]


async def test_an_orderly_leave_does_not_wait_for_a_burial(nodes: Nodes) -> None:
    a, x = await nodes.start("a", "x")
    await x.presence.arrived([device(x)])
    await tell(a)
    await x.cluster.leave()
    assert await eventually(a, grace_s=0) == [("ann", False)]


async def test_after_a_loss_of_data_nobody_hears_of_those_who_were_there_all_the_time(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    era = await a.presence.arrived([device(a), device(a, "bob")])
    await tell(a)
    nodes.flush()
    assert (await a.presence.online(["ann"])).since == {}
    fresh = await b.presence.arrived([device(b, "eve")])
    assert fresh != era
    assert await a.presence.arrived([device(a)], era=era) == fresh
    assert await tell(b) == [("eve", True)]
    assert (await a.presence.online(["ann"])).since == {"ann": AT}
    # Bob has left in the meantime: the others believe that he is there.
    assert await leave(a, device(a, "bob"), era=era) == fresh
    assert await eventually(a) == [("bob", False)]


async def test_a_repeated_call_changes_nothing(nodes: Nodes) -> None:
    (a,) = await nodes.start("a")
    bob = device(a, "bob")
    await a.presence.arrived([bob])  # Redis has to know the scripts
    await leave(a, bob)
    with nodes.losing_replies(), pytest.raises(StoreUnavailable):
        await a.presence.arrived([device(a)])
    await a.presence.arrived([device(a)])
    assert await tell(a) == [("ann", True)]
    with nodes.losing_replies(), pytest.raises(StoreUnavailable):
        await leave(a, device(a), grace_s=SHORT_S)
    assert await eventually(a) == [("ann", False)]
    await leave(a, device(a), grace_s=SHORT_S)
    await trio.sleep(3 * SHORT_S)
    assert await tell(a) == []


async def test_thousands_at_once(nodes: Nodes) -> None:
    (a,) = await nodes.start("a")
    users = [f"user-{n:05}" for n in range(MANY)]
    devices = [device(a, user) for user in users]
    await a.presence.arrived(devices)
    assert await tell(a) == [(user, True) for user in users]
    assert sorted((await a.presence.online([*users, "nobody"])).since) == users
    assert sorted(await a.presence.of_users(users)) == users
    await leave(a, *devices)
    assert await eventually(a) == [(user, False) for user in users]
    assert (await a.presence.online(users)).since == {}


async def test_nothing_is_left_of_those_who_have_gone(nodes: Nodes) -> None:
    a, x = await nodes.start("a", "x")
    await a.presence.arrived([device(a)])
    await x.presence.arrived([device(x, "bob")])
    await tell(a)
    await leave(a, device(a))
    nodes.expire(x)
    await a.cluster.bury()
    gone: list[tuple[str, bool]] = []
    with trio.fail_after(PATIENCE_S):
        while len(gone) < 2:
            gone += await eventually(a, grace_s=0)
    assert await tell(a) == []
    assert nodes.presence_left(a) == []


async def test_what_is_refused_leaves_everything_as_it_was(nodes: Nodes) -> None:
    (a,) = await nodes.start("a")
    await a.presence.arrived([device(a)])
    with nodes.refusing(), pytest.raises(StoreUnavailable):
        await a.presence.arrived([device(a, "bob")])
    assert await tell(a) == [("ann", True)]
