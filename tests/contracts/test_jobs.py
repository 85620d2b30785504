"""`Jobs`: what `persistence.ports` promises, in memory and in Redis."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import pytest
import trio

from persistence import jobs as module
from persistence.errors import StoreUnavailable
from persistence.jobs import RedisJobs
from persistence.memory import MemoryJobs
from persistence.models import Job
from persistence.ports import Jobs
from tests.contracts.nodes import MemoryNodes, Nodes, RedisNodes, redis_only

LEASE_S = 30.0
"""Longer than any test: it is over when a test says so."""
BINARY = bytes(range(256)) + b" \r\n 7 x "


class Workers(ABC):
    """Workers of one queue."""

    @abstractmethod
    def worker(self, name: str, queue: str = "q", lease_s: float = LEASE_S) -> Jobs: ...

    @abstractmethod
    def silent(self, jobs: Sequence[Job]) -> None:
        """Nothing has been heard of the workers of these for a lease."""

    @abstractmethod
    def lose_group(self) -> None:
        """Who has what is forgotten."""

    @abstractmethod
    def due(self) -> None:
        """What is delayed is due."""


class MemoryWorkers(Workers):
    def __init__(self, nodes: MemoryNodes) -> None:
        self._broker = nodes.broker

    def worker(self, name: str, queue: str = "q", lease_s: float = LEASE_S) -> Jobs:
        return MemoryJobs(self._broker, queue, name, lease_s=lease_s)

    def silent(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            self._broker.queues["q"]._jobs[job.id].until = trio.current_time()

    def lose_group(self) -> None:
        self._broker.queues["q"].forget_workers()

    def due(self) -> None:
        for entry in self._broker.queues["q"]._jobs.values():
            entry.due = min(entry.due, trio.current_time())


class RedisWorkers(Workers):
    def __init__(self, nodes: RedisNodes, connection: object) -> None:
        self._nodes = nodes
        self._connection = connection

    def worker(self, name: str, queue: str = "q", lease_s: float = LEASE_S) -> Jobs:
        return RedisJobs(self._connection, queue, name, lease_s=lease_s)  # type: ignore[arg-type]

    @property
    def stream(self) -> str:
        return f"{self._nodes.prefix}jobs:q"

    def silent(self, jobs: Sequence[Job]) -> None:
        raw = self._nodes.raw
        for job in jobs:
            ((_, owner, _, given),) = _pending(raw, self.stream, job.id)
            idle = int(LEASE_S * 1000) + 1
            raw.xclaim(self.stream, "workers", owner, 0, [job.id], idle=idle, retrycount=given, justid=True)

    def lose_group(self) -> None:
        self._nodes.raw.xgroup_destroy(self.stream, "workers")

    def due(self) -> None:
        key = f"{self._nodes.prefix}later:q"
        for position, member in enumerate(self._nodes.raw.zrange(key, 0, -1)):
            self._nodes.raw.zadd(key, {member: position})


def _pending(raw: object, stream: str, job_id: str) -> list[tuple[bytes, bytes, int, int]]:
    rows = raw.xpending_range(stream, "workers", job_id, job_id, 1)  # type: ignore[attr-defined]
    return [(r["message_id"], r["consumer"], r["time_since_delivered"], r["times_delivered"]) for r in rows]


@pytest.fixture
async def workers(nodes: Nodes) -> Workers:
    (node,) = await nodes.start("a")
    if isinstance(nodes, RedisNodes):
        return RedisWorkers(nodes, node.bus._redis)  # type: ignore[attr-defined]
    assert isinstance(nodes, MemoryNodes)
    return MemoryWorkers(nodes)


def data(jobs: Sequence[Job]) -> list[bytes]:
    return [job.data for job in jobs]


def tries(jobs: Sequence[Job]) -> list[int]:
    return [job.tries for job in jobs]


async def test_jobs_are_given_out_in_the_order_in_which_they_were_added_each_to_one_worker(
    workers: Workers,
) -> None:
    one, two = workers.worker("one"), workers.worker("two")
    await one.add([b"a", b"b", BINARY])
    await two.add([b"d"])
    first = await one.take(most=2, wait_s=0)
    rest = await two.take(most=10, wait_s=0)
    assert (data(first), data(rest)) == ([b"a", b"b"], [BINARY, b"d"])
    assert tries([*first, *rest]) == [1, 1, 1, 1]
    assert await one.take(most=10, wait_s=0) == await two.take(most=10, wait_s=0) == []


async def test_every_job_is_given_to_one_of_many_workers_that_ask_at_once(workers: Workers) -> None:
    expected = [str(number).encode() for number in range(60)]
    await workers.worker("one").add(expected)
    got: list[bytes] = []

    async def work(name: str) -> None:
        worker = workers.worker(name)
        while jobs := await worker.take(most=7, wait_s=0):
            got.extend(data(jobs))
            await worker.done([job.id for job in jobs])

    async with trio.open_nursery() as nursery:
        for number in range(5):
            nursery.start_soon(work, f"w{number}")
    assert sorted(got) == sorted(expected)
    assert await workers.worker("one").length() == 0


async def test_queues_are_apart(workers: Workers) -> None:
    await workers.worker("one", queue="other").add([b"a"])
    assert await workers.worker("one").take(most=1, wait_s=0) == []
    assert await workers.worker("one", queue="other").length() == 1


async def test_what_is_done_is_gone_and_may_be_said_again(workers: Workers) -> None:
    one, two = workers.worker("one"), workers.worker("two")
    await one.add([b"a", b"b"])
    jobs = await one.take(most=2, wait_s=0)
    await one.done([jobs[0].id])
    await two.done([jobs[0].id])
    assert await one.length() == 1
    workers.silent(jobs[1:])
    assert data(await two.take(most=5, wait_s=0)) == [b"b"]


async def test_what_a_silent_worker_has_is_given_to_another_before_new_jobs(workers: Workers) -> None:
    one, two = workers.worker("one"), workers.worker("two")
    await one.add([b"a", b"b", b"c"])
    jobs = await one.take(most=2, wait_s=0)
    workers.silent(jobs)
    taken = await two.take(most=5, wait_s=0)
    assert (data(taken), tries(taken)) == ([b"a", b"b", b"c"], [2, 2, 1])
    assert await one.renew([job.id for job in jobs]) == []


async def test_a_worker_that_renews_keeps_what_it_has(workers: Workers) -> None:
    one, two = workers.worker("one"), workers.worker("two")
    await one.add([b"a", b"b"])
    jobs = await one.take(most=2, wait_s=0)
    workers.silent(jobs)
    assert await one.renew([jobs[0].id]) == [jobs[0].id]
    taken = await two.take(most=5, wait_s=0)
    assert data(taken) == [b"b"]
    assert await one.renew([job.id for job in jobs]) == [jobs[0].id]
    workers.silent(jobs[:1])
    assert tries(await two.take(most=5, wait_s=0)) == [2]  # to renew is no try


async def test_a_job_that_was_given_back_is_given_out_again_and_its_tries_are_counted(
    workers: Workers,
) -> None:
    one, two = workers.worker("one"), workers.worker("two")
    await one.add([BINARY, b"b"])
    (job,) = await one.take(most=1, wait_s=0)
    await one.again(job, delay_s=0)
    taken = await two.take(most=5, wait_s=0)
    assert (data(taken), tries(taken)) == ([b"b", BINARY], [1, 2])
    workers.silent(taken[1:])
    (job,) = await one.take(most=5, wait_s=0)
    assert job.tries == 3
    await one.again(job, delay_s=1000)
    assert await two.take(most=5, wait_s=0) == []
    assert await two.length() == 2
    workers.due()
    (job,) = await two.take(most=5, wait_s=0)
    assert (job.data, job.tries) == (BINARY, 4)


async def test_what_is_gone_is_not_given_out_again_whoever_asks_for_it(workers: Workers) -> None:
    one, two = workers.worker("one"), workers.worker("two")
    await one.add([b"a"])
    (job,) = await one.take(most=1, wait_s=0)
    await one.again(job, delay_s=0)
    await one.again(job, delay_s=0)
    assert await one.length() == 1
    (job,) = await two.take(most=5, wait_s=0)
    await two.done([job.id])
    await one.again(job, delay_s=0)
    assert await one.length() == 0


async def test_delayed_jobs_come_when_they_are_due_and_in_their_order(workers: Workers) -> None:
    one = workers.worker("one")
    later = [str(number).encode() for number in range(12)]
    await one.add([*later, BINARY], delay_s=1000)
    await one.add([b"now"])
    assert data(await one.take(most=50, wait_s=0)) == [b"now"]
    assert await one.length() == 14
    workers.due()
    assert data(await one.take(most=50, wait_s=0)) == [*later, BINARY]
    assert await one.length() == 14


async def test_whoever_waits_gets_what_is_added_meanwhile(workers: Workers) -> None:
    one, two = workers.worker("one"), workers.worker("two")
    async with trio.open_nursery() as nursery:

        async def wait() -> None:
            assert data(await one.take(most=5, wait_s=20)) == [b"a"]
            nursery.cancel_scope.cancel()

        nursery.start_soon(wait)
        await trio.sleep(0.1)
        await two.add([b"a"])
        await trio.sleep(20)
        raise AssertionError("it waits for ever")


async def test_whoever_waits_gets_what_becomes_due_and_what_is_abandoned_meanwhile(workers: Workers) -> None:
    one, two = workers.worker("one", lease_s=0.3), workers.worker("two", lease_s=0.3)
    await one.add([b"a"])
    await one.add([b"b"], delay_s=0.2)
    assert data(await one.take(most=1, wait_s=0)) == [b"a"]
    got: list[bytes] = []
    with trio.fail_after(20):
        while len(got) < 2:
            jobs = await two.take(most=5, wait_s=20)
            await two.done([job.id for job in jobs])
            got += data(jobs)
    assert sorted(got) == [b"a", b"b"]


async def test_whoever_asks_seldom_asks_when_what_they_have_put_off_is_due(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE_S", 60.0)
    one = workers.worker("one")
    await one.add([b"a"], delay_s=0.2)
    with trio.fail_after(20):
        (job,) = await one.take(most=5, wait_s=60)
        await one.again(job, delay_s=0.2)
        assert data(await one.take(most=5, wait_s=60)) == [b"a"]


async def test_waiting_ends_at_once_when_it_is_cancelled(workers: Workers) -> None:
    with trio.move_on_after(0.05) as scope:
        await workers.worker("one").take(most=1, wait_s=1000)
    assert scope.cancelled_caught


async def test_when_who_has_what_is_forgotten_everything_is_given_out_again(workers: Workers) -> None:
    one, two = workers.worker("one"), workers.worker("two")
    await one.add([b"a", b"b", b"c"])
    jobs = await one.take(most=2, wait_s=0)
    workers.lose_group()
    assert await one.renew([jobs[0].id]) == []
    await one.done([jobs[0].id])
    await one.again(jobs[1], delay_s=0)
    assert data(await two.take(most=5, wait_s=0)) == [b"c", b"b"]


async def test_a_broker_that_lost_its_data_has_no_jobs_and_takes_new_ones(
    workers: Workers, nodes: Nodes
) -> None:
    one, two = workers.worker("one"), workers.worker("two")
    await one.add([b"a"])
    await one.add([b"b"], delay_s=1000)
    jobs = await one.take(most=2, wait_s=0)
    nodes.flush()
    assert await one.length() == 0
    assert await one.renew([jobs[0].id]) == []
    await one.done([jobs[0].id])
    await one.again(jobs[0], delay_s=0)
    assert await two.take(most=5, wait_s=0) == []
    await one.add([b"c"])
    assert data(await two.take(most=5, wait_s=0)) == [b"c"]


async def test_what_is_refused_is_not_queued(workers: Workers, nodes: Nodes) -> None:
    one = workers.worker("one")
    with nodes.refusing(), pytest.raises(StoreUnavailable):
        await one.add([b"a"])
    assert await one.length() == 0


async def test_a_request_that_is_sent_again_because_its_reply_was_lost_adds_nothing_twice(
    workers: Workers, nodes: Nodes
) -> None:
    one = workers.worker("one")
    await one.length()
    with nodes.losing_replies(), pytest.raises(StoreUnavailable):
        await one.add([b"a", b"b"])
    (job, _) = await one.take(most=5, wait_s=0)
    with nodes.losing_replies(), pytest.raises(StoreUnavailable):
        await one.again(job, delay_s=0)
    assert await one.length() == 2


async def test_what_was_given_out_and_its_reply_lost_comes_again_after_the_lease(
    workers: Workers, nodes: Nodes
) -> None:
    one, two = workers.worker("one", lease_s=0.2), workers.worker("two", lease_s=0.2)
    await one.add([b"a"])
    with nodes.losing_replies(), pytest.raises(StoreUnavailable):
        await one.take(most=5, wait_s=0)
    with trio.fail_after(20):
        assert data(await two.take(most=5, wait_s=20)) == [b"a"]


@redis_only
async def test_workers_that_are_gone_are_forgotten_once_they_have_nothing(
    workers: Workers, nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(nodes, RedisNodes)
    monkeypatch.setattr("persistence.jobs.GONE_LEASES", 1)
    gone, busy, here = (workers.worker(name, lease_s=0.1) for name in ("gone", "busy", "here"))
    await gone.add([b"a", b"b"])
    (job,) = await gone.take(most=1, wait_s=0)
    await gone.done([job.id])
    assert len(await busy.take(most=1, wait_s=0)) == 1
    await trio.sleep(0.2)
    assert len(await here.take(most=5, wait_s=0)) == 1
    names = {row["name"] for row in nodes.raw.xinfo_consumers(f"{nodes.prefix}jobs:q", "workers")}
    assert b"here" in names
    assert b"gone" not in names
