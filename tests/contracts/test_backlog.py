"""`Backlog`: what `persistence.ports` promises, in memory and in Redis."""

from __future__ import annotations

from typing import NamedTuple

import pytest
import trio

from persistence.backlog import RETRIES, RedisBacklog
from persistence.errors import StoreUnavailable
from persistence.jobs import RedisJobs
from persistence.memory import MemoryBacklog, MemoryJobs
from persistence.models import Added, BacklogState
from persistence.ports import Backlog, Jobs
from tests.contracts.nodes import MemoryNodes, Nodes, RedisNodes, redis_only

MOST = 1_000
BINARY = bytes(range(256))


class Side(NamedTuple):
    """One node's way to the backlog."""

    backlog: Backlog
    jobs: Jobs


@pytest.fixture
async def sides(nodes: Nodes) -> list[Side]:
    made: list[Side] = []
    for node in await nodes.start("a", "b"):
        if isinstance(nodes, RedisNodes):
            jobs = RedisJobs(node.bus._redis, RETRIES, node.name, lease_s=30)  # type: ignore[attr-defined]
            made.append(Side(RedisBacklog(node.bus._redis, jobs), jobs))  # type: ignore[attr-defined]
        else:
            assert isinstance(nodes, MemoryNodes)
            made.append(
                Side(MemoryBacklog(nodes.broker), MemoryJobs(nodes.broker, RETRIES, node.name, lease_s=30))
            )
    return made


async def waiting(side: Side, chat_id: str, limit: int = 100) -> list[bytes]:
    return [each.data for each in await side.backlog.read(chat_id, limit)]


async def chats_of_jobs(side: Side) -> list[bytes]:
    return sorted(job.data for job in await side.jobs.take(most=100, wait_s=0))


async def test_what_is_added_waits_by_chat_in_its_order_for_all_nodes(sides: list[Side]) -> None:
    one, two = sides
    added = await one.backlog.add([("c1", b"a"), ("c2", b"x"), ("c1", BINARY)], most=MOST)
    assert added == Added(count=3, begun=frozenset({"c1", "c2"}))
    assert await two.backlog.add([("c1", b"c")], most=MOST) == Added(count=1)
    assert await waiting(one, "c1") == [b"a", BINARY, b"c"]
    assert await waiting(two, "c1", limit=2) == [b"a", BINARY]
    assert await waiting(two, "c2") == [b"x"]
    assert await waiting(two, "c3") == []
    assert await one.backlog.state(["c1", "c2", "c3"]) == BacklogState(counts={"c1": 3, "c2": 1})
    assert await one.backlog.state([]) == BacklogState(counts={})


async def test_what_is_removed_waits_no_longer_and_may_be_removed_again(sides: list[Side]) -> None:
    one, two = sides
    await one.backlog.add([("c1", b"a"), ("c1", b"b"), ("c1", b"c"), ("c2", b"x")], most=MOST)
    places = [each.id for each in await one.backlog.read("c1", 2)]
    assert await two.backlog.remove("c1", places) == 1
    assert await one.backlog.remove("c1", places) == 1
    assert await one.backlog.remove("c1", []) == 1
    assert await waiting(one, "c1") == [b"c"]
    assert await one.backlog.state(["c1", "c2"]) == BacklogState(counts={"c1": 1, "c2": 1}, removed=2)
    (last,) = await one.backlog.read("c1", 2)
    assert await one.backlog.remove("c1", [last.id]) == 0
    assert await one.backlog.remove("never heard of", ["1-0"]) == 0
    assert await one.backlog.state(["c1", "c2"]) == BacklogState(counts={"c2": 1}, removed=3)


async def test_a_place_never_comes_again(sides: list[Side]) -> None:
    """Whoever has read it and says late that it is done removes nothing else."""
    one, two = sides
    places: set[str] = set()
    for number in range(20):
        await one.backlog.add([("c1", str(number).encode())], most=MOST)
        (each,) = await two.backlog.read("c1", 5)
        assert each.id not in places
        places.add(each.id)
        assert await two.backlog.remove("c1", sorted(places)) == 0


async def test_there_is_a_job_for_a_chat_from_when_something_waits_there(sides: list[Side]) -> None:
    one, two = sides
    await one.backlog.add([("c1", b"a"), ("c1", b"b"), ("c2", b"x")], most=MOST)
    await two.backlog.add([("c1", b"c")], most=MOST)
    assert await chats_of_jobs(two) == [b"c1", b"c2"]


async def test_a_chat_whose_backlog_was_emptied_before_its_job_was_done_has_a_new_job_for_what_comes(
    sides: list[Side],
) -> None:
    one, two = sides
    await one.backlog.add([("c1", b"a")], most=MOST)
    (job,) = await one.jobs.take(most=5, wait_s=0)
    (each,) = await one.backlog.read("c1", 5)
    assert await one.backlog.remove("c1", [each.id]) == 0
    assert await two.backlog.add([("c1", b"b")], most=MOST) == Added(count=1, begun=frozenset({"c1"}))
    await one.jobs.done([job.id])
    assert await chats_of_jobs(two) == [b"c1"]


async def test_no_more_wait_than_may(sides: list[Side]) -> None:
    one, two = sides
    messages = [("c1", b"a"), ("c2", b"b"), ("c1", b"c"), ("c3", b"d")]
    assert await one.backlog.add(messages, most=3) == Added(count=3, begun=frozenset({"c1", "c2"}))
    assert await two.backlog.add([("c1", b"e")], most=3) == Added(count=0)
    assert await waiting(one, "c1") == [b"a", b"c"]
    assert await waiting(one, "c3") == []
    (first, _) = await one.backlog.read("c1", 5)
    await one.backlog.remove("c1", [first.id])
    assert (await two.backlog.add([("c1", b"e")], most=3)).count == 1


async def test_nodes_that_add_at_once_lose_nothing(sides: list[Side]) -> None:
    async def add(side: Side, name: str) -> None:
        for number in range(20):
            await side.backlog.add([("c1", f"{name} {number}".encode())], most=MOST)

    async with trio.open_nursery() as nursery:
        for side, name in zip(sides, "ab", strict=True):
            nursery.start_soon(add, side, name)
    found = [data.decode() for data in await waiting(sides[0], "c1")]
    for name in "ab":
        assert [each for each in found if each.startswith(name)] == [f"{name} {n}" for n in range(20)]
    assert len(found) == 40


async def test_a_broker_that_lost_its_data_has_nothing_that_waits_and_takes_new_messages(
    sides: list[Side], nodes: Nodes
) -> None:
    one, two = sides
    await one.backlog.add([("c1", b"a"), ("c1", b"b")], most=MOST)
    (first, _) = await one.backlog.read("c1", 5)
    nodes.flush()
    assert await two.backlog.state(["c1"]) == BacklogState(counts={})
    added = await two.backlog.add([("c1", b"c")], most=MOST)
    assert added == Added(count=1, begun=frozenset({"c1"}))
    assert await one.backlog.remove("c1", [first.id]) == 1
    assert await waiting(one, "c1") == [b"c"]
    assert await chats_of_jobs(one) == [b"c1"]


async def test_what_is_refused_does_not_wait(sides: list[Side], nodes: Nodes) -> None:
    one, _ = sides
    with nodes.refusing(), pytest.raises(StoreUnavailable):
        await one.backlog.add([("c1", b"a")], most=MOST)
    assert await waiting(one, "c1") == []
    assert await chats_of_jobs(one) == []


async def test_a_request_whose_reply_is_lost_adds_once(sides: list[Side], nodes: Nodes) -> None:
    one, two = sides
    await one.backlog.state(["c1"])
    with nodes.losing_replies(), pytest.raises(StoreUnavailable):
        await one.backlog.add([("c1", b"a"), ("c2", b"b")], most=MOST)
    assert await waiting(two, "c1") == [b"a"]
    assert await chats_of_jobs(two) == [b"c1", b"c2"]


@redis_only
async def test_of_an_emptied_chat_nothing_stays(
    sides: list[Side], nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(nodes, RedisNodes)
    one, _ = sides
    await one.backlog.add([("c1", b"a")], most=MOST)
    key = f"{nodes.prefix}backlog:c1"
    assert nodes.raw.ttl(key) == -1
    (each,) = await one.backlog.read("c1", 5)
    await one.backlog.remove("c1", [each.id])
    assert 0 < nodes.raw.ttl(key) <= 60
    await one.backlog.add([("c1", b"b")], most=MOST)
    assert nodes.raw.ttl(key) == -1
    assert nodes.raw.hget(f"{nodes.prefix}backlog", "*") == b"1"
