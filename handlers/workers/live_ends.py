"""Ends live locations whose time is over."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

import trio

from handlers.errors import ChatError
from handlers.outage import Outage
from handlers.sessions.live_locations import LiveLocations
from persistence.errors import StoreUnavailable
from persistence.ports import LivePositions
from supervisors import Child

LEASE_MS: Final = 30_000
"""How long a node has for what it has claimed, before another may."""
BATCH: Final = 50
LOOK_S: Final = 1.0

log: Final = logging.getLogger(__name__)


class LiveEnds:
    """Claims what is over, and has it written into the record.

    Args:
        positions: says what is over.
        locations: ends it.
        clock: milliseconds since the epoch.

    """

    def __init__(self, positions: LivePositions, locations: LiveLocations, clock: Callable[[], int]) -> None:
        self._positions = positions
        self._locations = locations
        self._clock = clock
        self._outage = Outage(
            log, "live locations are ended later", "live locations are ended again", level=logging.DEBUG
        )

    async def run(self, child: Child) -> None:
        """The worker, as a supervised child, on as many nodes as wanted."""
        child.ready()
        with child.cancel_on_stop():
            while True:
                try:
                    more = await self._round()
                    self._outage.succeeded()
                except (StoreUnavailable, ChatError) as error:
                    self._outage.failed(reason=str(error))
                    more = False
                if not more:
                    await trio.sleep(LOOK_S)

    async def _round(self) -> bool:
        now = self._clock()
        over = await self._positions.claim(now=now, until=now + LEASE_MS, limit=BATCH)
        for position in over:
            await self._locations.finish(position)
        return len(over) == BATCH
