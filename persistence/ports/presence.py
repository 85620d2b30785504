"""Who is connected, across nodes."""

from collections.abc import Sequence
from typing import Protocol

from persistence.models import Online, PresentDevice, Turn


class Presence(Protocol):
    """Which devices are connected to which nodes, and whose coming and going has still to be told. Lost with Redis, and rebuilt by the nodes.

    A user is online as far as the others were told: from the first device that arrives to the end of a grace period after the last has left. Who
    is back within it, on whichever node, was never away. The period waits here, not in a node, and doubles with each departure of somebody who
    keeps coming and going.

    A device lies under its node's name, and goes when the node is not registered any more (`Cluster.bury`, `leave`).

    The *era* names the time since the store last lost its data.
    """

    async def arrived(self, devices: Sequence[PresentDevice], *, era: str = "") -> str:
        """Add devices, or renew what is known of them; the present era.

        Whoever was not online has a turn. With `era`, these devices have been written in that era before: if the store has lost its data since, and
        only just, the others know of their users, who have none.
        """

    async def left(self, devices: Sequence[PresentDevice], *, at: int, grace_s: float, era: str = "") -> str:
        """Remove devices, which left at `at`; the present era. Who has none any more has a turn when the grace period is over."""

    async def turns(self, *, at: int, grace_s: float, hold_s: float, most: int) -> list[Turn]:
        """Take turns that are due: from now on `online` says so, and the others have to be told.

        Nobody else gets them for `hold_s`. One that has not been `told` by then is given out again, as things are then. The devices of nodes
        that are not registered any more are removed before, as many as `most` a node: they have left at `at`, and their users have a turn after the
        grace period.
        """

    async def told(self, turns: Sequence[Turn]) -> None:
        """These turns have been told. Who has come or gone meanwhile has another one."""

    async def of_users(self, user_ids: Sequence[str]) -> dict[str, list[PresentDevice]]:
        """The devices of each user; a user without any has an empty list. Those of nodes that have died may still be among them."""

    async def online(self, user_ids: Sequence[str]) -> Online:
        """Those of the users who are online, as far as the others were told or are about to be."""
