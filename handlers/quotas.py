"""How often a user or an address may do something, on all nodes together.

Each node has a token bucket of its own for each subject, filled at the full rate: taking from it is a look-up in a dict, and nothing waits. What was
used is taken out of the bucket that all nodes share, within a second and in one call for all subjects that have used enough to matter, and a node never
believes that more is left than was left there. A node on which nobody uses anything asks nothing. So:

* A subject that one node serves is held exactly.
* One that N nodes serve at once can use at most `(N - 1) * burst + N * (rate * REPORT_S + burst / SHARE)` more than one bucket gives, once: the shared
  bucket then is that much in debt, which is paid back before anything more is given. So over a longer time it is the rate, whatever the nodes.
* While Redis is away each node counts for itself.

The alternative, asking Redis for each message, costs a round trip of half a millisecond and 30 us of CPU on either side, for what is almost
always a yes.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import trio

from handlers.auth.tries import network
from handlers.errors import ChatError, Code
from handlers.outage import Outage
from handlers.signal import Signal
from persistence.errors import StoreUnavailable
from persistence.models import BucketUse
from persistence.ports import Buckets
from supervisors import Child

REPORT_S: Final = 1.0
"""Time between two reports of what was used, at least: what is used meanwhile is gathered."""
SHARE: Final = 10
"""A subject is reported when it has used this part of its burst, or is refused: most people's use never is."""
GENERATION_S: Final = 300.0
MOST_SUBJECTS: Final = 50_000
"""Subjects of one limit in a generation. What was not used for one to two generations is forgotten, here; the shared bucket remembers."""
_ONE: Final = 1 - 1e-6
"""A token, less what adding up fractions of it may lose."""
LONGEST_WAIT_MS: Final = 3_600_000

_WORDS: Final = {
    "sends": "messages",
    "requests": "requests",
    "joins": "topics are joined",
    "lookups": "numbers are looked up",
    "uploads": "uploads",
    "chats": "chats are made",
    "invites": "invites",
    "signups_from": "accounts are made from here",
    "logins_from": "log-ins from here",
    "lookups_from": "numbers are looked up from here",
    "connects_from": "connections from here",
}

log: Final = logging.getLogger(__name__)


class Quota(StrEnum):
    """What is limited. Those that end in `_from` are an address's, all others a user's."""

    SENDS = "sends"
    REQUESTS = "requests"
    JOINS = "joins"
    LOOKUPS = "lookups"
    UPLOADS = "uploads"
    CHATS = "chats"
    INVITES = "invites"
    SIGNUPS_FROM = "signups_from"
    LOGINS_FROM = "logins_from"
    LOOKUPS_FROM = "lookups_from"
    CONNECTS_FROM = "connects_from"

    @property
    def of_address(self) -> bool:
        """Whether it is an address that is limited."""
        return self.value.endswith("_from")


class _Subject:
    """One subject's bucket, as this node knows it. `used` is not reported yet, and was used from `since` on."""

    __slots__ = ("left", "name", "since", "used", "when")

    def __init__(self, name: str, left: float, when: float) -> None:
        self.name = name
        self.left = left
        self.when = when
        self.since = when
        self.used = 0


class Allowance:
    """One limit, for any number of subjects. A rate of zero is no limit.

    Args:
        quota: its name.
        rate: tokens a second.
        burst: tokens that are saved up.
        work: given when there is something to report.

    """

    __slots__ = ("_old", "_turn_at", "_work", "_young", "burst", "enough", "news", "quota", "rate")

    def __init__(self, quota: Quota, rate: float, burst: float, work: Signal | None = None) -> None:
        self.quota = quota
        self.rate = rate
        self.burst = burst
        self.enough = max(1, int(burst / SHARE))
        self.news: dict[str, _Subject] = {}
        self._young: dict[str, _Subject] = {}
        self._old: dict[str, _Subject] = {}
        self._turn_at = 0.0
        self._work = work or Signal()

    def take(self, name: str) -> None:
        """Count one of this subject. Raises `ChatError` (`RATE_LIMITED`) with the time until there is one to have."""
        if not self.rate:
            return
        now = trio.current_time()
        subject = self._young.get(name) or self._find(name, now)
        left = subject.left + (now - subject.when) * self.rate
        if left >= self.burst:
            # It has all come back meanwhile, to the shared bucket too.
            left = self.burst
            subject.used = 0
        subject.when = now
        if left < _ONE:
            subject.left = left
            self._tell(name, subject)
            wait_ms = max(1, math.ceil((_ONE - left) / self.rate * 1000))
            raise ChatError(
                Code.RATE_LIMITED,
                f"too many {_WORDS[self.quota.value]}; wait before the next",
                retry_after_ms=min(wait_ms, LONGEST_WAIT_MS),
            )
        subject.left = left - 1
        if not subject.used:
            subject.since = now
        subject.used += 1
        if subject.used >= self.enough:
            self._tell(name, subject)

    def learn(self, subject: _Subject, shared: float) -> None:
        """So much is left in the bucket that all nodes share; what was used here since the report is still to be taken out of that."""
        now = trio.current_time()
        here = min(self.burst, subject.left + (now - subject.when) * self.rate)
        subject.left = min(here, shared - subject.used)
        subject.when = now

    def _tell(self, name: str, subject: _Subject) -> None:
        self.news[name] = subject
        self._work.set()

    def _find(self, name: str, now: float) -> _Subject:
        if now >= self._turn_at or len(self._young) >= MOST_SUBJECTS:
            self._old, self._young = self._young, {}
            self._turn_at = now + GENERATION_S
        subject = self._old.pop(name, None) or _Subject(name, self.burst, now)
        self._young[name] = subject
        return subject

    def __len__(self) -> int:
        """Subjects that are remembered."""
        return len(self._young) + len(self._old)


class Quotas:
    """All limits of a node.

    Args:
        buckets: the buckets that all nodes share.
        rates: per limit, how many a second and how many at once; what is not named is not limited.

    """

    def __init__(self, buckets: Buckets, rates: Mapping[Quota, tuple[float, float]]) -> None:
        self._buckets = buckets
        self._work = Signal()
        self._allowances = {
            quota: Allowance(quota, *rates.get(quota, (0.0, 1.0)), self._work) for quota in Quota
        }
        self._outage = Outage(
            log, "limits are each node's own while Redis is away", "limits are shared again"
        )

    def of(self, quota: Quota) -> Allowance:
        """One of them, for whoever asks often."""
        return self._allowances[quota]

    def take(self, quota: Quota, subject: str) -> None:
        """Count one. Raises `ChatError` (`RATE_LIMITED`)."""
        self._allowances[quota].take(subject)

    def take_from(self, quota: Quota, address: str | None) -> None:
        """Count one of an address, or of the network that is one customer's; `None` is an address that says nothing. Raises `ChatError` (`RATE_LIMITED`)."""
        if address is not None:
            self._allowances[quota].take(network(address))

    async def run(self, child: Child) -> None:
        """Reports what was used, as a supervised child."""
        self._work.set()
        child.ready()
        with child.cancel_on_stop():
            while True:
                await self._work.wait()
                await self.report()
                await trio.sleep(REPORT_S)

    async def report(self) -> None:
        """Take what was used here out of the shared buckets, and learn what others have used."""
        now = trio.current_time()
        told: list[tuple[Allowance, _Subject]] = []
        uses: list[BucketUse] = []
        for allowance in self._allowances.values():
            news, allowance.news = allowance.news, {}
            for subject in news.values():
                told.append((allowance, subject))
                uses.append(
                    BucketUse(
                        f"{allowance.quota.value}:{subject.name}",
                        subject.used,
                        allowance.rate,
                        allowance.burst,
                        now - subject.since if subject.used else 0.0,
                    )
                )
                # Also when the report fails: were only its answer lost, the same would be taken out twice.
                subject.used = 0
        if not uses:
            return
        try:
            left = await self._buckets.spend(uses)
        except StoreUnavailable as error:
            self._outage.failed(reason=error.reason)
            return
        self._outage.succeeded()
        for (allowance, subject), shared in zip(told, left, strict=True):
            allowance.learn(subject, shared)
