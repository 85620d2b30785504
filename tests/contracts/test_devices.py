"""`Devices`: what `persistence.ports` promises, in memory and in MongoDB."""

from __future__ import annotations

import pytest
import trio

from persistence.errors import StoreUnavailable
from tests.contracts.samples import AT, device, new_id
from tests.contracts.world import World


async def test_a_device_is_found_until_it_is_revoked(world: World) -> None:
    phone = device("ann")
    await world.one.devices.create(phone)
    assert await world.two.devices.get(phone.id) == phone
    assert await world.two.devices.revoke(phone.id, "ann") is True
    assert await world.one.devices.get(phone.id) is None
    assert await world.one.devices.of_user("ann") == []
    assert await world.one.devices.revoke(phone.id, "ann") is False


async def test_nobody_revokes_the_device_of_another(world: World) -> None:
    phone = device("ann")
    await world.one.devices.create(phone)
    assert await world.one.devices.revoke(phone.id, "bob") is False
    assert await world.one.devices.get(phone.id) == phone


async def test_a_users_devices_come_newest_first(world: World) -> None:
    older, newer = device("ann", created_at=AT), device("ann", created_at=AT + 2)
    between = device("ann", created_at=AT + 1)
    also_between = device("ann", created_at=AT + 1, device_id=between.id + "x")
    for each in (newer, older, between, also_between, device("bob")):
        await world.one.devices.create(each)
    assert await world.two.devices.of_user("ann") == [newer, also_between, between, older]


async def test_a_rotation_replaces_the_token_and_remembers_the_one_spent(world: World) -> None:
    phone = device("ann", b"first")
    await world.one.devices.create(phone)
    assert await world.one.devices.rotate(phone.id, spent=b"first", fresh=b"second", expires_at=9, at=8)
    found = await world.two.devices.get(phone.id)
    assert found is not None
    assert (found.refresh_hash, found.previous_hash) == (b"second", b"first")
    assert (found.refresh_expires_at, found.last_used_at, found.created_at) == (9, 8, AT)


async def test_a_token_is_spent_once(world: World) -> None:
    phone = device("ann", b"first")
    await world.one.devices.create(phone)
    assert await world.one.devices.rotate(phone.id, spent=b"first", fresh=b"second", expires_at=9, at=8)
    assert not await world.two.devices.rotate(phone.id, spent=b"first", fresh=b"third", expires_at=9, at=8)
    assert not await world.two.devices.rotate("none", spent=b"first", fresh=b"third", expires_at=9, at=8)
    found = await world.one.devices.get(phone.id)
    assert found is not None
    assert found.refresh_hash == b"second"


async def test_of_many_that_spend_one_token_at_once_one_wins(world: World) -> None:
    phone = device("ann", b"first")
    await world.one.devices.create(phone)
    won: list[bytes] = []

    async def spend(n: int) -> None:
        node = (world.one, world.two)[n % 2]
        fresh = b"fresh %d" % n
        if await node.devices.rotate(phone.id, spent=b"first", fresh=fresh, expires_at=9, at=8):
            won.append(fresh)

    async with trio.open_nursery() as nursery:
        for n in range(8):
            nursery.start_soon(spend, n)
    found = await world.one.devices.get(phone.id)
    assert found is not None
    assert won == [found.refresh_hash]


async def test_a_rotation_whose_reply_was_lost_is_repeated_by_the_one_who_won_it(world: World) -> None:
    phone = device("ann", b"first")
    await world.one.devices.create(phone)
    async with world.losing_replies() as node:
        with pytest.raises(StoreUnavailable):
            await node.devices.rotate(phone.id, spent=b"first", fresh=b"second", expires_at=9, at=8)
    assert not await world.two.devices.rotate(phone.id, spent=b"first", fresh=b"stolen", expires_at=9, at=8)
    assert await world.one.devices.rotate(phone.id, spent=b"first", fresh=b"second", expires_at=9, at=8)


async def test_storing_a_device_can_be_repeated(world: World) -> None:
    phone = device("ann")
    async with world.losing_replies() as node:
        with pytest.raises(StoreUnavailable):
            await node.devices.create(phone)
    await world.one.devices.create(phone)
    assert await world.one.devices.of_user("ann") == [phone]


async def test_a_device_that_is_not_there_is_none(world: World) -> None:
    assert await world.one.devices.get(new_id()) is None
    assert await world.one.devices.of_user(new_id()) == []


async def test_times_come_back_as_numbers_that_everything_can_encode(world: World) -> None:
    phone = device("ann")
    await world.one.devices.create(phone)
    found = await world.two.devices.get(phone.id)
    assert found is not None
    assert type(found.created_at) is type(found.last_used_at) is int
