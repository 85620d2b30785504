"""`PushSubscriptions`, `Notified` and `PushTries`: what `persistence.ports` promises, in memory and in MongoDB."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from persistence.errors import AlreadyExists, StoreUnavailable
from persistence.models import PushResult, PushSubscription, PushTry
from tests.contracts.samples import AT, new_id
from tests.contracts.world import World

MOST = 20


def subscription(
    name: str, user_id: str = "ann", device_id: str = "phone", **fields: Any
) -> PushSubscription:
    made: dict[str, Any] = {"endpoint": f"https://push/{name}", "p256dh": b"p" * 65, "auth": b"a" * 16}
    made |= {"created_at": AT} | fields
    return PushSubscription(id=name, user_id=user_id, device_id=device_id, **made)


def a_try(seq: int, first_seq: int | None = None, **fields: Any) -> PushTry:
    made: dict[str, Any] = {
        "id": new_id(),
        "chat_id": "chat",
        "user_id": "ann",
        "device_id": "phone",
        "subscription_id": "s",
        "attempt": 1,
        "at": AT + seq,
        "result": PushResult.DELIVERED,
    }
    return PushTry(first_seq=seq if first_seq is None else first_seq, seq=seq, **(made | fields))


# -- subscriptions ----------------------------------------------------------------------------------------------------


async def test_a_subscription_is_kept_as_it_is(world: World) -> None:
    one = subscription("one", expires_at=AT + 5)
    assert await world.one.subscriptions.put(one, most=MOST)
    assert await world.two.subscriptions.of_users(["ann", "bob"]) == {"ann": [one], "bob": []}
    assert await world.two.subscriptions.of_users([]) == {}


async def test_an_endpoint_given_again_keeps_its_time_and_takes_the_rest(world: World) -> None:
    await world.one.subscriptions.put(subscription("one"), most=MOST)
    changed = subscription("one", device_id="laptop", p256dh=b"q" * 65, auth=b"b" * 16, created_at=AT + 9)
    assert not await world.two.subscriptions.put(changed, most=MOST)
    (kept,) = (await world.one.subscriptions.of_users(["ann"]))["ann"]
    assert kept == subscription("one", device_id="laptop", p256dh=b"q" * 65, auth=b"b" * 16)


async def test_the_next_user_of_a_browser_takes_its_endpoint_over(world: World) -> None:
    await world.one.subscriptions.put(subscription("one"), most=MOST)
    assert await world.two.subscriptions.put(subscription("one", "bob"), most=MOST)
    assert await world.one.subscriptions.of_users(["ann", "bob"]) == {
        "ann": [],
        "bob": [subscription("one", "bob")],
    }


async def test_who_does_not_know_an_endpoints_secret_does_not_get_it(world: World) -> None:
    await world.one.subscriptions.put(subscription("one"), most=MOST)
    with pytest.raises(AlreadyExists):
        await world.two.subscriptions.put(subscription("one", "eve", auth=b"e" * 16), most=MOST)
    assert (await world.one.subscriptions.of_users(["ann"]))["ann"] == [subscription("one")]


async def test_beyond_the_most_the_oldest_go(world: World) -> None:
    for number in range(5):
        await world.one.subscriptions.put(subscription(f"s{number}", created_at=AT + number), most=3)
    await world.one.subscriptions.put(subscription("other", "bob"), most=3)
    rows = await world.two.subscriptions.of_users(["ann", "bob"])
    assert [row.id for row in rows["ann"]] == ["s2", "s3", "s4"]
    assert [row.id for row in rows["bob"]] == ["other"]


async def test_subscriptions_are_removed_by_id_device_and_user(world: World) -> None:
    store = world.one.subscriptions
    for name, user_id, device_id in (
        ("a", "ann", "phone"), ("b", "ann", "phone"), ("c", "ann", "laptop"), ("d", "bob", "phone"),
    ):  # fmt: skip
        await store.put(subscription(name, user_id, device_id), most=MOST)
    assert not await store.remove("a", "bob")
    assert await store.remove("a", "ann")
    assert not await store.remove("a", "ann")

    async def left() -> list[str]:
        rows = await world.two.subscriptions.of_users(["ann", "bob"])
        return [row.id for user_id in ("ann", "bob") for row in rows[user_id]]

    assert await left() == ["b", "c", "d"]
    await store.remove_device("ann", "phone")
    assert await left() == ["c", "d"]
    await store.remove_user("ann")
    assert await left() == ["d"]


async def test_two_users_who_give_one_endpoint_at_once_end_with_one(world: World) -> None:
    async with trio.open_nursery() as nursery:
        for node, user_id in ((world.one, "ann"), (world.two, "bob")):
            nursery.start_soon(lambda n=node, u=user_id: n.subscriptions.put(subscription("x", u), most=MOST))
    rows = await world.one.subscriptions.of_users(["ann", "bob"])
    assert len(rows["ann"]) + len(rows["bob"]) == 1


async def test_a_subscription_can_be_given_again_after_a_lost_reply(world: World) -> None:
    async with world.losing_replies() as node:
        with pytest.raises(StoreUnavailable):
            await node.subscriptions.put(subscription("one"), most=MOST)
    await world.one.subscriptions.put(subscription("one"), most=MOST)
    assert (await world.two.subscriptions.of_users(["ann"]))["ann"] == [subscription("one")]


# -- cursors ----------------------------------------------------------------------------------------------------------


async def test_cursors_only_grow(world: World) -> None:
    await world.one.notified.raise_cursors({"a": 5, "b": 2})
    await world.two.notified.raise_cursors({"a": 3, "b": 7})
    assert await world.one.notified.cursors(["a", "b", "c"]) == {"a": 5, "b": 7}
    await world.one.notified.raise_cursors({})
    assert await world.one.notified.cursors([]) == {}


async def test_cursors_of_new_chats_may_be_raised_by_several_at_once(world: World) -> None:
    async with trio.open_nursery() as nursery:
        for node, seq in ((world.one, 4), (world.two, 6), (world.one, 5)):
            nursery.start_soon(node.notified.raise_cursors, {f"c{number}": seq for number in range(20)})
    assert set((await world.one.notified.cursors([f"c{number}" for number in range(20)])).values()) == {6}


# -- tries ------------------------------------------------------------------------------------------------------------


async def test_the_tries_of_a_message_are_those_that_told_of_it(world: World) -> None:
    again = a_try(3, 1, result=PushResult.AGAIN, status=503, reason="busy")
    later = a_try(3, 1, at=AT + 60, attempt=2, status=201)
    await world.one.tries.note([later, again, a_try(4), a_try(3, chat_id="other")])
    assert await world.two.tries.tries("chat", 2, limit=10) == [again, later]
    assert await world.two.tries.tries("chat", 2, limit=1) == [again]
    assert await world.two.tries.tries("chat", 5, limit=10) == []


async def test_noting_a_try_can_be_repeated(world: World) -> None:
    one, two = a_try(1), a_try(1, at=AT + 9)
    await world.one.tries.note([one])
    await world.two.tries.note([one, two])
    await world.two.tries.note([])
    assert await world.one.tries.tries("chat", 1, limit=10) == [one, two]


async def test_what_a_subscription_was_told_last(world: World) -> None:
    await world.one.tries.note(
        [
            a_try(3),
            a_try(7),
            a_try(9, result=PushResult.AGAIN),
            a_try(2, subscription_id="t"),
            a_try(5, chat_id="other"),
        ]
    )
    keys = [("chat", "s"), ("chat", "t"), ("other", "s"), ("other", "t"), ("none", "s")]
    assert await world.two.tries.pushed(keys) == {("chat", "s"): 7, ("chat", "t"): 2, ("other", "s"): 5}
    assert await world.two.tries.pushed([]) == {}
