"""Hash-partitioned dynamic supervisors."""

from __future__ import annotations

import subprocess
import sys

import pytest
from trio.testing import MockClock

from supervisors import (
    ChildNotFound,
    DynamicSupervisor,
    InvalidSpec,
    PartitionSupervisor,
    Supervisor,
    open_supervisor,
)
from tests.supervisors.workers import Journal, Worker


def _keys(partitions: PartitionSupervisor, number: int) -> list[str]:
    """Keys of that many different partitions."""
    found: dict[int, str] = {}
    for n in range(1000):
        found.setdefault(id(partitions.partition(f"key{n}")), f"key{n}")
    assert len(found) >= number
    return list(found.values())[:number]


def test_a_key_has_the_same_partition_in_every_process() -> None:
    script = (
        "from supervisors import PartitionSupervisor; p = PartitionSupervisor(16); "
        "print([p.partition(f'key{n}').name for n in range(50)])"
    )
    partitions = PartitionSupervisor(16)
    here = str([partitions.partition(f"key{n}").name for n in range(50)])
    there = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert there.stdout.strip() == here


def test_keys_spread_over_all_partitions() -> None:
    assert len(_keys(PartitionSupervisor(16), 16)) == 16


@pytest.mark.parametrize("number", [0, -1])
def test_fewer_than_one_partition_is_refused(number: int) -> None:
    with pytest.raises(InvalidSpec):
        PartitionSupervisor(number)


async def test_children_live_in_the_partition_of_their_key(
    journal: Journal, autojump_clock: MockClock
) -> None:
    partitions = PartitionSupervisor(4)
    async with open_supervisor(Supervisor([partitions.spec()], name="root")):
        one, other = _keys(partitions, 2)
        assert await partitions.start_child(one, journal.worker("a").spec) == "a"
        await partitions.start_child(other, journal.worker("b").spec)
        assert [row[0] for row in partitions.partition(one).which_children()] == ["a"]
        counts = partitions.count_children()
        assert (counts.specs, counts.active, counts.workers, counts.supervisors) == (2, 2, 2, 0)
        with pytest.raises(ChildNotFound):
            await partitions.terminate_child(one, "b")
        await partitions.terminate_child(other, "b")
        assert partitions.count_children().specs == 1


async def test_a_child_that_keeps_crashing_uses_up_the_intensity_of_its_partition_alone(
    journal: Journal, autojump_clock: MockClock
) -> None:
    partitions = PartitionSupervisor(4, intensity=2)
    async with open_supervisor(partitions.supervisor):
        one, other = _keys(partitions, 2)
        a, b = journal.workers("ab")
        await partitions.start_child(one, a.spec)
        await partitions.start_child(other, b.spec)
        for _ in range(3):
            await a.crash()
        assert len(partitions.partition(one)) == 0
        assert b.starts == 1
        await partitions.start_child(one, a.spec)


async def test_partitions_are_made_as_told(journal: Journal, autojump_clock: MockClock) -> None:
    partitions = PartitionSupervisor(2, make=lambda name: DynamicSupervisor(name=name, max_children=1))
    worker: Worker = journal.worker("a")
    async with open_supervisor(partitions.supervisor):
        await partitions.start_child("x", worker.spec)
        assert partitions.partition("x").max_children == 1
