"""Token buckets that all nodes take from."""

from collections.abc import Sequence
from typing import Protocol

from persistence.models import BucketUse


class Buckets(Protocol):
    """A bucket holds `burst` tokens at most, and gets `rate` of them a second. One that nobody has heard of is full."""

    async def spend(self, uses: Sequence[BucketUse]) -> list[float]:
        """Take out of each bucket what was used of it; what is in each then. Less than nothing when more was used than was there: that is paid back first.

        What came in while it was being used counts, though the bucket may have been full before.

        After `StoreUnavailable` it may have been taken out or not.
        """
