"""What can go wrong between a simulated node and its stores."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from random import Random

import trio

from persistence.errors import StoreUnavailable
from persistence.memory import Faults

Step = Callable[[str, str, str], None]
"""Called with the node, the store and the step ("append:before", "append:after", ...), which may kill the node there."""


class Dead(BaseException):
    """Raised in a node that has been killed, at its next touch of a store: no cleaning up gets further than that."""


class Weather:
    """How a store behaves towards all nodes.

    Attributes:
        faults: its own switches, `down` above all; the scripted failures of `fail_before` and `fail_after` are for whoever comes next.
        fail_rate, lose_reply_rate: chance of each operation to fail before its effect, or after.
        slowest_s: each operation takes a random time up to this.

    """

    def __init__(self, store: str, random: Random) -> None:
        self.store = store
        self.random = random
        self.faults = Faults(store)
        self.fail_rate = 0.0
        self.lose_reply_rate = 0.0
        self.slowest_s = 0.0

    def clear(self) -> None:
        """All is well."""
        self.faults.down = False
        self.faults.fail_before = self.faults.fail_after = 0
        self.fail_rate = self.lose_reply_rate = self.slowest_s = 0.0


class NodeFaults(Faults):
    """The same as one node meets it: its way to the store can also be cut, and the node can be dead."""

    def __init__(self, weather: Weather, node: str, step: Callable[[str, str], Awaitable[None]]) -> None:
        self._weather = weather
        self._node = node
        self._step = step
        self._cut = False
        self._cuts = 0
        super().__init__(weather.store)

    @property
    def down(self) -> bool:
        return self._cut or self._weather.faults.down

    @down.setter
    def down(self, cut: bool) -> None:
        self._cuts += cut and not self._cut
        self._cut = cut

    @property  # type: ignore[override]
    def outages(self) -> int:
        return self._cuts + self._weather.faults.outages

    @outages.setter
    def outages(self, count: int) -> None:
        assert not count

    async def before(self, operation: str) -> None:
        weather = self._weather
        await trio.lowlevel.checkpoint()
        if weather.slowest_s:
            await trio.sleep(weather.random.uniform(0, weather.slowest_s))
        await self._step(weather.store, f"{operation}:before")
        shared = weather.faults
        if self.down or shared.fail_before > 0 or weather.random.random() < weather.fail_rate:
            shared.fail_before = max(0, shared.fail_before - 1)
            raise StoreUnavailable(weather.store, "made to fail")

    async def after(self, operation: str) -> None:
        weather = self._weather
        await self._step(weather.store, f"{operation}:after")
        shared = weather.faults
        if shared.fail_after > 0 or weather.random.random() < weather.lose_reply_rate:
            shared.fail_after = max(0, shared.fail_after - 1)
            raise StoreUnavailable(weather.store, "made to lose its reply")
