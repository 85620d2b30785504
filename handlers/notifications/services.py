"""Push services, as a node meets them: each has so many pushes under way at most, and one that does not answer is left alone for a while.

So a service that stalls costs the others nothing: its pushes wait in the queue, not in the worker.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

FAILURES: Final = 5
"""In a row, until a service is left alone."""
FIRST_REST_S: Final = 5.0
LONGEST_REST_S: Final = 300.0
MOST_SERVICES: Final = 2_000
"""Services that are remembered. Whose endpoint it is, is the client's choice: the number of them is not bounded by anything else."""


class Service:
    """One of them.

    Attributes:
        under_way: pushes that it has not answered.

    """

    __slots__ = ("_failures", "_most", "_rest_s", "_until", "under_way")

    def __init__(self, most: int) -> None:
        self._most = most
        self._failures = 0
        self._rest_s = 0.0
        self._until = 0.0
        self.under_way = 0

    def wait_s(self, now: float) -> float:
        """Seconds until another push may go to it; 0 for now. Who is told 0 begins one, and says later how it `ended`."""
        if now < self._until:
            return self._until - now
        # After a rest, one push finds out whether it is over.
        most = 1 if self._rest_s else self._most
        return 0.0 if self.under_way < most else BUSY_S

    def ended(self, now: float, *, well: bool) -> None:
        """A push to it is over."""
        self.under_way -= 1
        if well:
            self._failures, self._rest_s = 0, 0.0
            return
        self._failures += 1
        if now >= self._until and (self._rest_s or self._failures >= FAILURES):
            self._rest_s = min(LONGEST_REST_S, self._rest_s * 2 or FIRST_REST_S)
            self._until = now + self._rest_s

    @property
    def idle(self) -> bool:
        """Nothing would be lost with it."""
        return not (self.under_way or self._failures)


BUSY_S: Final = 1.0
"""How long a push waits whose service has as many as it may."""


class Services:
    """All that have been met lately."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._services: OrderedDict[str, Service] = OrderedDict()

    def __getitem__(self, name: str) -> Service:
        service = self._services.get(name)
        if service is None:
            service = self._services[name] = Service(self._most)
            if len(self._services) > MOST_SERVICES:
                self._forget()
        self._services.move_to_end(name)
        return service

    def _forget(self) -> None:
        """The one that was met longest ago, of those with nothing under way; what is known of its illness goes with it."""
        for name, service in self._services.items():
            if not service.under_way:
                del self._services[name]
                return

    def resting(self, now: float) -> int:
        """How many are left alone at the moment."""
        return sum(service.wait_s(now) > BUSY_S for service in self._services.values())
