"""Dynamic supervisors side by side, a key always with the same one: a child that keeps crashing uses up the restart intensity of its
partition alone.

Source: Elixir `PartitionSupervisor`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zlib import crc32

from supervisors.dynamic import DynamicSupervisor
from supervisors.exits import InvalidSpec
from supervisors.spec import ChildSpec, Restart, Strategy
from supervisors.supervisor import Supervisor
from supervisors.tree import Counts


class PartitionSupervisor:
    """`partitions` dynamic supervisors, made by `make(name)`, under one supervisor.

    Raises:
        InvalidSpec: fewer than one partition.

    """

    def __init__(
        self,
        partitions: int,
        *,
        name: str = "partitions",
        make: Callable[[str], DynamicSupervisor] | None = None,
        intensity: int = 3,
        period: float = 5.0,
    ) -> None:
        if partitions < 1:
            raise InvalidSpec(f"{partitions!r} partitions")
        self.name = name
        self._partitions = tuple(
            make(str(n))
            if make is not None
            else DynamicSupervisor(name=str(n), intensity=intensity, period=period)
            for n in range(partitions)
        )
        self._supervisor = Supervisor(
            [partition.spec() for partition in self._partitions],
            name=name,
            strategy=Strategy.ONE_FOR_ONE,
            intensity=intensity,
            period=period,
        )

    def spec(self, *, restart: Restart = Restart.PERMANENT) -> ChildSpec:
        """The partitions as a child of another supervisor."""
        return self._supervisor.spec(self.name, restart=restart)

    @property
    def supervisor(self) -> Supervisor:
        """The supervisor of the partitions."""
        return self._supervisor

    def partition(self, key: str) -> DynamicSupervisor:
        """The partition of a key: the same in every process and run."""
        return self._partitions[crc32(key.encode()) % len(self._partitions)]

    async def start_child(self, key: str, spec: ChildSpec) -> Any:
        """`DynamicSupervisor.start_child` in the partition of `key`."""
        return await self.partition(key).start_child(spec)

    async def terminate_child(self, key: str, child_id: str) -> None:
        """`DynamicSupervisor.terminate_child` in the partition of `key`."""
        await self.partition(key).terminate_child(child_id)

    def count_children(self) -> Counts:
        """Children of all partitions together."""
        counts = [partition.count_children() for partition in self._partitions]
        return Counts(
            sum(c.specs for c in counts),
            sum(c.active for c in counts),
            sum(c.restarting for c in counts),
            sum(c.supervisors for c in counts),
            sum(c.workers for c in counts),
        )
