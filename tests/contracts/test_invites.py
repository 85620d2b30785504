"""`Invites`, and coming in by them through `MessageLog`: what `persistence.ports` promises, in memory and in MongoDB."""

from __future__ import annotations

import pytest
import trio

from persistence.errors import StoreUnavailable
from persistence.models import Change, ChangeKind, ChangesQuery, Conflict, Invite, Missing, Role, Stored
from tests.contracts.samples import AT, created, deleted, joins, leaves, new_id
from tests.contracts.world import Node, World


def invite(
    chat_id: str, *, max_uses: int | None = None, expires_at: int | None = None, by: str = "ann"
) -> Invite:
    return Invite(
        id=new_id(),
        chat_id=chat_id,
        created_by=by,
        secret_hash=b"\x00\xff",
        created_at=AT,
        expires_at=expires_at,
        max_uses=max_uses,
    )


def comes(link: Invite, rev: int, user_id: str, at: int = AT) -> Change:
    """Somebody comes in by the link."""
    return Change(
        chat_id=link.chat_id,
        rev=rev,
        kind=ChangeKind.MEMBER_SET,
        actor_id=user_id,
        at=at,
        user_id=user_id,
        role=Role.MEMBER,
        invite_id=link.id,
    )


async def uses(node: Node, link: Invite) -> int:
    there = await node.invites.get(link.id)
    assert there is not None
    return there.uses


async def is_member(node: Node, link: Invite, user_id: str) -> bool:
    return await node.chats.member(link.chat_id, user_id) is not None


async def test_an_invite_is_found_by_its_id_and_by_its_chat_in_order(world: World) -> None:
    one, other = await created(world.one.chats, count=2)
    links = sorted([invite(one, max_uses=3, expires_at=AT + 5), invite(one), invite(one)], key=lambda i: i.id)
    for link in (*links, invite(other)):
        await world.one.invites.create(link)
    assert await world.two.invites.get(links[0].id) == links[0]
    assert await world.two.invites.get("none") is None
    assert await world.two.invites.of_chat(one, after_id=None, limit=2) == links[:2]
    assert await world.two.invites.of_chat(one, after_id=links[1].id, limit=2) == links[2:]


async def test_making_can_be_repeated_after_a_lost_reply_and_takes_nothing_back(world: World) -> None:
    (chat_id,) = await created(world.one.chats)
    link = invite(chat_id, max_uses=3)
    async with world.losing_replies() as node:
        with pytest.raises(StoreUnavailable):
            await node.invites.create(link)
    assert await world.one.log.append([comes(link, 1, "cat")]) == [Stored()]
    await world.one.invites.create(link)
    assert await uses(world.two, link) == 1


async def test_a_revoked_invite_lets_nobody_in(world: World) -> None:
    (chat_id,) = await created(world.one.chats)
    link = invite(chat_id)
    await world.one.invites.create(link)
    assert not await world.two.invites.revoke("another chat", link.id)
    assert await world.two.invites.revoke(chat_id, link.id)
    assert not await world.two.invites.revoke(chat_id, link.id)
    assert await world.one.invites.get(link.id) is None
    assert await world.one.log.append([comes(link, 1, "cat")]) == [Missing()]
    assert not await is_member(world.two, link, "cat")


async def test_all_that_somebody_has_made_is_revoked_at_once(world: World) -> None:
    one, other = await created(world.one.chats, count=2)
    for link in (invite(one), invite(other), kept := invite(one, by="bob")):
        await world.one.invites.create(link)
    assert await world.two.invites.revoke_of("ann") == 2
    assert await world.two.invites.revoke_of("ann") == 0
    assert await world.one.invites.of_chat(one, after_id=None, limit=9) == [kept]


async def test_those_that_have_run_out_are_dropped(world: World) -> None:
    (chat_id,) = await created(world.one.chats)
    links = [invite(chat_id), invite(chat_id, expires_at=AT), invite(chat_id, expires_at=AT + 1)]
    for link in links:
        await world.one.invites.create(link)
    assert await world.two.invites.drop_expired(chat_id, at=AT) == 1
    left = await world.one.invites.of_chat(chat_id, after_id=None, limit=9)
    assert {link.id for link in left} == {links[0].id, links[2].id}


async def test_coming_in_is_one_step_with_the_use(world: World) -> None:
    (chat_id,) = await created(world.one.chats)
    link = invite(chat_id, max_uses=2)
    await world.one.invites.create(link)
    assert await world.one.log.append([comes(link, 1, "cat")]) == [Stored()]
    assert await world.two.log.append([comes(link, 1, "cat")]) == [Stored()]  # a repetition
    assert await uses(world.two, link) == 1
    assert await world.two.log.append([comes(link, 1, "dan")]) == [Conflict()]
    assert await uses(world.one, link) == 1
    assert await world.two.log.changes([ChangesQuery(chat_id=chat_id, after_rev=0, limit=9)]) == [
        [comes(link, 1, "cat")]
    ]


async def test_a_used_up_invite_lets_nobody_in_and_writes_nothing(world: World) -> None:
    (chat_id,) = await created(world.one.chats)
    link = invite(chat_id, max_uses=1)
    await world.one.invites.create(link)
    assert await world.one.log.append([comes(link, 1, "cat")]) == [Stored()]
    assert await world.two.log.append([comes(link, 2, "dan")]) == [Missing()]
    assert await uses(world.one, link) == 1
    assert not await is_member(world.one, link, "dan")
    assert (await world.one.log.heads([chat_id]))[chat_id].rev == 1


async def test_an_invite_is_good_until_it_runs_out_and_for_its_chat_alone(world: World) -> None:
    chat_id, other = await created(world.one.chats, count=2)
    link = invite(chat_id, expires_at=AT + 10)
    await world.one.invites.create(link)
    assert await world.one.log.append([comes(link, 1, "cat", at=AT + 10)]) == [Missing()]
    assert await world.one.log.append([comes(link, 1, "cat", at=AT + 9)]) == [Stored()]
    elsewhere = invite(other)
    there = comes(elsewhere, 1, "dan")
    assert await world.one.log.append([there]) == [Missing()]


async def test_of_many_at_once_no_more_come_in_than_may(world: World) -> None:
    (chat_id,) = await created(world.one.chats)
    link = invite(chat_id, max_uses=3)
    await world.one.invites.create(link)
    let_in: list[str] = []

    async def come(node: Node, user_id: str) -> None:
        while True:
            rev = (await node.log.heads([chat_id]))[chat_id].rev + 1
            (outcome,) = await node.log.append([comes(link, rev, user_id)])
            if outcome == Conflict():
                continue
            if outcome == Stored():
                let_in.append(user_id)
            return

    async with trio.open_nursery() as nursery:
        for number in range(8):
            nursery.start_soon(come, (world.one, world.two)[number % 2], f"u{number}")
    assert len(let_in) == 3
    assert await uses(world.one, link) == 3
    rows = await world.one.chats.members(chat_id, after_user_id=None, limit=20)
    assert {row.user_id for row in rows} == {"ann", "bob", *let_in}


async def test_whom_somebody_else_has_removed_does_not_come_back_by_themselves(world: World) -> None:
    (chat_id,) = await created(world.one.chats, users=("ann", "bob", "cat"))
    link = invite(chat_id)
    await world.one.invites.create(link)
    assert not await world.two.invites.removed(chat_id, "bob")
    assert await world.one.log.append([leaves(chat_id, 1, "bob")]) == [Stored()]
    assert await world.two.invites.removed(chat_id, "bob")
    assert await world.two.log.append([comes(link, 2, "bob")]) == [Missing()]
    assert await uses(world.two, link) == 0
    assert await world.two.log.append([joins(chat_id, 2, "bob")]) == [Stored()]
    assert not await world.one.invites.removed(chat_id, "bob")


async def test_whoever_has_left_may_come_back(world: World) -> None:
    (chat_id,) = await created(world.one.chats)
    link = invite(chat_id)
    await world.one.invites.create(link)
    left = Change(
        chat_id=chat_id, rev=1, kind=ChangeKind.MEMBER_REMOVED, actor_id="bob", at=AT, user_id="bob"
    )
    assert await world.one.log.append([left]) == [Stored()]
    assert not await world.two.invites.removed(chat_id, "bob")
    assert await world.two.log.append([comes(link, 2, "bob")]) == [Stored()]
    assert await is_member(world.one, link, "bob")


async def test_a_chat_that_is_closed_takes_its_invites_with_it(world: World) -> None:
    chat_id, other = await created(world.one.chats, count=2)
    gone, kept = invite(chat_id), invite(other)
    for link in (gone, kept):
        await world.one.invites.create(link)
    assert await world.one.log.append([deleted(chat_id, 1)]) == [Stored()]
    assert await world.two.invites.get(gone.id) is None
    assert await world.two.invites.get(kept.id) == kept
