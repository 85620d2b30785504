"""`AccountJobs`, and what of accounts and messages their tasks need: what `persistence.ports` promises, in memory and in MongoDB."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from msgspec import structs

from persistence.errors import NotFound, StoreUnavailable
from persistence.models import AccountJob, AccountTask, TaskState, Visibility
from tests.contracts.samples import AT, created, new_id, text, user
from tests.contracts.world import Node, World


def job(
    user_id: str = "ann", task: AccountTask = AccountTask.EXPORT, due_at: int = AT, **fields: Any
) -> AccountJob:
    return AccountJob(user_id=user_id, task=task, run_id=new_id(), asked_at=AT, due_at=due_at, **fields)


async def test_a_task_is_kept_once(world: World) -> None:
    first, second = job(), job()
    assert await world.one.account_jobs.add(first) == first
    assert await world.two.account_jobs.add(second) == first
    assert await world.two.account_jobs.get("ann", AccountTask.EXPORT) == first
    assert await world.one.account_jobs.get("ann", AccountTask.DELETION) is None
    other = job(task=AccountTask.DELETION)
    assert await world.one.account_jobs.add(other) == other


@pytest.mark.parametrize("state", [TaskState.READY, TaskState.FAILED])
async def test_what_no_longer_waits_makes_room_when_it_is_named(world: World, state: TaskState) -> None:
    first, second = job(state=state, size=2**40, done_at=AT, expires_at=AT + 5), job()
    await world.one.account_jobs.add(first)
    assert await world.two.account_jobs.get("ann", AccountTask.EXPORT) == first
    assert await world.two.account_jobs.add(second) == first
    assert await world.two.account_jobs.add(second, instead_of="another") == first
    for _ in range(2):
        assert await world.two.account_jobs.add(second, instead_of=first.run_id) == second
    assert await world.two.account_jobs.add(first, instead_of=second.run_id) == second  # which waits
    assert await world.one.account_jobs.get("ann", AccountTask.EXPORT) == second


async def test_what_is_due_is_claimed_by_one_caller_the_longest_due_first(world: World) -> None:
    late, later = job("ann", due_at=AT + 2), job("bob", due_at=AT + 1)
    for each in (late, later, job("cat", due_at=AT + 9)):
        await world.one.account_jobs.add(each)
    claimed = await world.one.account_jobs.claim(now=AT + 5, until=AT + 60)
    assert claimed == structs.replace(later, due_at=AT + 60, tries=1)
    claimed = await world.two.account_jobs.claim(now=AT + 5, until=AT + 60)
    assert claimed == structs.replace(late, due_at=AT + 60, tries=1)
    assert await world.two.account_jobs.claim(now=AT + 5, until=AT + 60) is None
    again = await world.two.account_jobs.claim(now=AT + 60, until=AT + 99)
    assert again is not None
    assert (again.user_id, again.tries) == ("cat", 1)


async def test_of_many_who_claim_each_gets_another(world: World) -> None:
    for number in range(6):
        await world.one.account_jobs.add(job(f"u{number}"))
    got: list[str] = []

    async def claim(node: Node) -> None:
        found = await node.account_jobs.claim(now=AT, until=AT + 60)
        if found is not None:
            got.append(found.user_id)

    async with trio.open_nursery() as nursery:
        for number in range(10):
            nursery.start_soon(claim, (world.one, world.two)[number % 2])
    assert sorted(got) == [f"u{number}" for number in range(6)]


async def test_only_whoever_has_it_changes_or_removes_it(world: World) -> None:
    await world.one.account_jobs.add(job())
    mine = await world.one.account_jobs.claim(now=AT, until=AT + 10)
    theirs = await world.two.account_jobs.claim(now=AT + 10, until=AT + 30)
    assert mine is not None
    assert theirs is not None
    done = structs.replace(mine, state=TaskState.READY, due_at=AT + 99)
    assert not await world.one.account_jobs.save(done, claimed=mine.due_at)
    assert not await world.one.account_jobs.remove(mine)
    done = structs.replace(theirs, state=TaskState.READY, due_at=AT + 99, size=5)
    for _ in range(2):
        assert await world.two.account_jobs.save(done, claimed=theirs.due_at)
    assert await world.one.account_jobs.get("ann", AccountTask.EXPORT) == done
    assert await world.two.account_jobs.remove(done)
    assert not await world.two.account_jobs.remove(done)
    assert not await world.two.account_jobs.save(done, claimed=done.due_at)


async def test_a_run_that_is_asked_for_anew_is_another(world: World) -> None:
    old = job(state=TaskState.READY)
    await world.one.account_jobs.add(old)
    fresh = job(due_at=old.due_at)
    await world.one.account_jobs.add(fresh, instead_of=old.run_id)
    assert not await world.two.account_jobs.remove(old)
    assert not await world.two.account_jobs.save(old, claimed=old.due_at)


async def test_everything_can_be_repeated_after_a_lost_reply(world: World) -> None:
    one = job()
    async with world.losing_replies() as node:
        with pytest.raises(StoreUnavailable):
            await node.account_jobs.add(one)
        with pytest.raises(StoreUnavailable):
            await node.account_jobs.save(structs.replace(one, due_at=AT + 5), claimed=AT)
    assert await world.one.account_jobs.add(one) == structs.replace(one, due_at=AT + 5)
    assert await world.one.account_jobs.save(structs.replace(one, due_at=AT + 5), claimed=AT)


# -- what of an account is taken away ------------------------------------------------------------------------------


async def test_of_an_account_that_is_erased_nothing_is_left_and_its_number_is_free(world: World) -> None:
    ann = structs.replace(
        user(phone="+4930123"), status="x", avatar_media_id="m", operator=True, last_seen=AT
    )
    await world.one.users.create(ann)
    for _ in range(2):
        await world.two.users.erase(ann.id, at=AT + 7)
    left = (await world.one.users.get_many([ann.id]))[ann.id]
    assert left.deleted
    assert left.deleted_at == AT + 7
    assert (left.status, left.avatar_media_id, left.operator, left.last_seen, left.password_hash) == ("", None, False, None, "")  # fmt: skip
    assert left.privacy.last_seen is Visibility.NOBODY
    assert left.name != ann.name
    assert await world.two.users.by_phone("+4930123") is None
    await world.two.users.create(user(phone="+4930123"))
    await world.one.users.erase("nobody", at=AT)


async def test_an_erased_account_is_not_brought_back(world: World) -> None:
    ann, bob = user(), user()
    for each in (ann, bob):
        await world.one.users.create(each)
        await world.one.users.erase(each.id, at=AT + 7)
    left = await world.one.users.get_many([ann.id, bob.id])
    with pytest.raises(NotFound):
        await world.two.users.update(ann.id, at=AT + 9, name="Ann")
    with pytest.raises(NotFound):
        await world.two.users.set_operator(ann.id, operator=True)
    await world.two.users.seen({ann.id: AT + 9})
    assert await world.two.users.get_many([ann.id, bob.id]) == left


# -- what somebody has sent ----------------------------------------------------------------------------------------


async def test_what_somebody_has_sent_comes_in_pages_and_nothing_else_does(world: World) -> None:
    one, other = await created(world.one.chats, count=2)
    ids = ["a", "b/c", "b", "~", "!"]
    await world.one.log.append([text(one, n, sender="ann", client_id=c) for n, c in enumerate(ids, 1)])
    strangers = [text(one, 6, sender="ann0", client_id="a"), text(one, 7, sender="an", client_id="n/x")]
    await world.one.log.append(strangers)
    await world.one.log.append([text(other, 1, sender="ann", client_id="z")])
    got: list[str] = []
    after: str | None = None
    while page := await world.two.log.sent_by(one, "ann", after_client_id=after, limit=2):
        got += [message.client_id for message in page]
        after = got[-1]
    assert got == sorted(ids)
    assert await world.two.log.sent_by(one, "nobody", after_client_id=None, limit=9) == []
