"""Whether the node can serve, dependency by dependency."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal

import msgspec
import trio

from persistence.errors import StoreUnavailable
from persistence.ports import Probe

PATIENCE_S: Final = 2.0
"""A dependency that has not answered by then counts as away."""
MOST_REASON: Final = 120
"""Characters of a reason. Drivers say more, about machines that are nobody's business here; the log has it."""
FRESH_S: Final = 1.0
"""Whoever asks more often gets the last answer: these calls need no token."""


class Dependency(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How one dependency is. `reason` says what is wrong with it."""

    ok: bool
    required: bool
    ms: float
    reason: str = ""


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """`ready`; `degraded` when something is away that the node can do without; `unavailable`; or `draining`."""

    status: Literal["ready", "degraded", "unavailable", "draining"]
    dependencies: dict[str, Dependency]

    @property
    def ready(self) -> bool:
        """Whether the node should be given work."""
        return self.status in ("ready", "degraded")


class Health:
    """Asks the dependencies, at most once in `FRESH_S`, however many ask for it."""

    def __init__(
        self, probes: Sequence[Probe], required: frozenset[str], draining: Callable[[], bool]
    ) -> None:
        self._probes = probes
        self._required = required
        self._draining = draining
        self._turn = trio.Lock()
        self._asked = float("-inf")
        self._last: dict[str, Dependency] = {}

    async def readiness(self) -> Readiness:
        """How the node is now."""
        async with self._turn:
            if trio.current_time() - self._asked >= FRESH_S:
                self._last = await self._ask()
                self._asked = trio.current_time()
        found = self._last
        if self._draining():
            return Readiness(status="draining", dependencies=found)
        if all(dependency.ok for dependency in found.values()):
            return Readiness(status="ready", dependencies=found)
        serving = all(dependency.ok or not dependency.required for dependency in found.values())
        return Readiness(status="degraded" if serving else "unavailable", dependencies=found)

    async def _ask(self) -> dict[str, Dependency]:
        found: dict[str, Dependency] = {}

        async def ask(probe: Probe) -> None:
            began = trio.current_time()
            reason = "did not answer in time"
            with trio.move_on_after(PATIENCE_S):
                try:
                    await probe.ping()
                    reason = ""
                except StoreUnavailable as error:
                    reason = error.reason
            found[probe.name] = Dependency(
                ok=not reason,
                required=probe.name in self._required,
                ms=round((trio.current_time() - began) * 1000, 1),
                reason=reason[:MOST_REASON],
            )

        async with trio.open_nursery() as nursery:
            for probe in self._probes:
                nursery.start_soon(ask, probe)
        return {probe.name: found[probe.name] for probe in self._probes}
