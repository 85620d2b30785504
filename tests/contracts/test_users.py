"""`Users`: what `persistence.ports` promises, in memory and in MongoDB."""

from __future__ import annotations

import pytest
import trio

from persistence.errors import AlreadyExists, NotFound, StoreUnavailable
from persistence.models import Privacy, Visibility
from tests.contracts.samples import AT, user
from tests.contracts.world import World


async def test_a_new_user_is_found_by_phone_and_by_id(world: World) -> None:
    ann = user()
    await world.one.users.create(ann)
    assert await world.two.users.by_phone(ann.phone) == ann
    assert await world.two.users.get_many([ann.id, "nobody"]) == {ann.id: ann}
    assert await world.two.users.by_phone("+999") is None
    assert await world.two.users.get_many([]) == {}


async def test_a_phone_belongs_to_one_user(world: World) -> None:
    ann = user()
    await world.one.users.create(ann)
    with pytest.raises(AlreadyExists, match="phone"):
        await world.two.users.create(user(phone=ann.phone))
    assert await world.one.users.by_phone(ann.phone) == ann


async def test_of_many_that_sign_up_with_one_phone_at_once_one_gets_it(world: World) -> None:
    rivals = [user(phone="+4930123456") for _ in range(8)]
    won: list[str] = []

    async def sign_up(n: int) -> None:
        node = (world.one, world.two)[n % 2]
        try:
            await node.users.create(rivals[n])
        except AlreadyExists:
            return
        won.append(rivals[n].id)

    async with trio.open_nursery() as nursery:
        for n in range(len(rivals)):
            nursery.start_soon(sign_up, n)
    owner = await world.one.users.by_phone("+4930123456")
    assert owner is not None
    assert won == [owner.id]


async def test_creating_a_user_can_be_repeated_and_does_not_undo_what_came_after(world: World) -> None:
    ann = user()
    async with world.losing_replies() as node:
        with pytest.raises(StoreUnavailable):
            await node.users.create(ann)
    after = await world.one.users.update(ann.id, at=AT + 1, name="Anna")
    await world.one.users.create(ann)
    assert await world.one.users.by_phone(ann.phone) == after


async def test_an_update_changes_what_is_given_and_nothing_else(world: World) -> None:
    ann = user()
    await world.one.users.create(ann)
    privacy = Privacy(last_seen=Visibility.NOBODY, read_receipts=False)
    after = await world.one.users.update(
        ann.id, at=AT + 5, name="Anna", status="away", avatar_media_id="picture", privacy=privacy
    )
    assert (after.name, after.status, after.avatar_media_id, after.privacy, after.updated_at) == (
        "Anna",
        "away",
        "picture",
        privacy,
        AT + 5,
    )
    assert (after.phone, after.password_hash, after.created_at) == (
        ann.phone,
        ann.password_hash,
        ann.created_at,
    )
    unchanged = await world.two.users.update(ann.id, at=AT + 6)
    assert unchanged.name == "Anna"
    assert unchanged.avatar_media_id == "picture"
    assert (await world.one.users.get_many([ann.id]))[ann.id] == unchanged


async def test_a_status_can_be_emptied_and_an_avatar_removed(world: World) -> None:
    ann = user()
    await world.one.users.create(ann)
    await world.one.users.update(ann.id, at=AT, status="away", avatar_media_id="picture")
    after = await world.one.users.update(ann.id, at=AT, status="", clear_avatar=True)
    assert after.status == ""
    assert after.avatar_media_id is None


async def test_changing_somebody_who_does_not_exist_is_refused(world: World) -> None:
    with pytest.raises(NotFound):
        await world.one.users.update("nobody", at=AT, name="Nobody")
    with pytest.raises(NotFound):
        await world.one.users.set_operator("nobody", operator=True)
    assert await world.one.users.get_many(["nobody"]) == {}


async def test_an_update_whose_reply_was_lost_can_be_repeated(world: World) -> None:
    ann = user()
    await world.one.users.create(ann)
    async with world.losing_replies() as node:
        with pytest.raises(StoreUnavailable):
            await node.users.update(ann.id, at=AT + 1, name="Anna")
    assert (await world.one.users.update(ann.id, at=AT + 1, name="Anna")).name == "Anna"


async def test_last_seen_only_grows(world: World) -> None:
    ann, bob, eve = user(), user(), user()
    for each in (ann, bob, eve):
        await world.one.users.create(each)
    await world.one.users.seen({ann.id: 50, bob.id: 60})
    await world.two.users.seen({ann.id: 40, bob.id: 70, "nobody": 80})
    await world.two.users.seen({})
    found = await world.one.users.get_many([ann.id, bob.id, eve.id, "nobody"])
    assert {user_id: each.last_seen for user_id, each in found.items()} == {
        ann.id: 50,
        bob.id: 70,
        eve.id: None,
    }


async def test_somebody_is_made_an_operator_and_no_longer(world: World) -> None:
    ann = user()
    await world.one.users.create(ann)
    await world.one.users.set_operator(ann.id, operator=True)
    found = await world.two.users.by_phone(ann.phone)
    assert found is not None
    assert found.operator
    await world.one.users.set_operator(ann.id, operator=False)
    assert await world.two.users.by_phone(ann.phone) == ann


async def test_a_hash_is_renewed_only_in_the_place_of_the_one_it_was_made_for(world: World) -> None:
    ann = user()
    await world.one.users.create(ann)
    await world.two.users.renew_hash(ann.id, old="hash", new="better")
    await world.one.users.renew_hash(ann.id, old="hash", new="late")
    await world.one.users.renew_hash("nobody", old="hash", new="better")
    found = (await world.two.users.get_many([ann.id]))[ann.id]
    assert found.password_hash == "better"
    assert found.updated_at == ann.updated_at
    async with world.losing_replies() as node:
        with pytest.raises(StoreUnavailable):
            await node.users.renew_hash(ann.id, old="better", new="best")
    await world.one.users.renew_hash(ann.id, old="better", new="best")
    assert (await world.two.users.get_many([ann.id]))[ann.id].password_hash == "best"
