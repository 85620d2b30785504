"""Ends live locations whose time is over.

Redis says when the next one is. What was shared since is ended in time by the node where it was shared; should that have died, by any other within
`LONGEST_LOOK_S`.
"""

from __future__ import annotations

import logging
import random
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
"""Between two looks for what is over, at least."""
LONGEST_LOOK_S: Final = 8.0
"""The same at most."""
SPREAD_S: Final = 0.5
"""Not all nodes look at the same instant: each waits up to this longer than Redis says."""

log: Final = logging.getLogger(__name__)


class LiveEnds:
    """Claims what is over, and has it written into the record.

    Args:
        positions: says what is over.
        locations: ends it.
        clock: milliseconds since the epoch.
        jitter: a random factor between 0 and 1.

    """

    def __init__(
        self,
        positions: LivePositions,
        locations: LiveLocations,
        clock: Callable[[], int],
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._positions = positions
        self._locations = locations
        self._clock = clock
        self._jitter = jitter
        self._outage = Outage(
            log, "live locations are ended later", "live locations are ended again", level=logging.DEBUG
        )

    async def run(self, child: Child) -> None:
        """The worker, as a supervised child, on as many nodes as wanted."""
        child.ready()
        with child.cancel_on_stop():
            while True:
                wait_s = LOOK_S
                try:
                    wait_s = await self._round()
                    self._outage.succeeded()
                except (StoreUnavailable, ChatError) as error:
                    self._outage.failed(reason=str(error))
                now = trio.current_time()
                await self._locations.ends.wait(earliest=now + min(LOOK_S, wait_s), latest=now + wait_s)

    async def _round(self) -> float:
        """End what is over; in how many seconds to look again."""
        now = self._clock()
        due = await self._positions.next_end()
        if due is None:
            return LONGEST_LOOK_S
        if due > now:
            return max(LOOK_S, min((due - now) / 1000 + SPREAD_S * self._jitter(), LONGEST_LOOK_S))
        over = await self._positions.claim(now=now, until=now + LEASE_MS, limit=BATCH)
        for position in over:
            await self._locations.finish(position)
        return 0.0 if len(over) == BATCH else LOOK_S
