"""Who is connected, across nodes."""

from collections.abc import Sequence
from typing import Protocol

from persistence.models import PresentDevice


class Presence(Protocol):
    """Which devices are connected to which nodes. Lost with Redis, and rebuilt by the nodes."""

    async def arrived(self, devices: Sequence[PresentDevice]) -> list[str]:
        """Add devices, or renew what is known of them; the users who had none before, each to one caller only."""

    async def left(self, devices: Sequence[PresentDevice]) -> list[str]:
        """Remove devices; the users who have none any more, each to one caller only."""

    async def of_users(self, user_ids: Sequence[str]) -> dict[str, list[PresentDevice]]:
        """The devices of each user; a user without any has an empty list. Those of nodes that have died may still be among them."""

    async def forget_node(self, node: str) -> list[str]:
        """Remove the devices of a dead node; the users who have none any more, each to one caller only."""
