"""Notifications: where they go, how far they have come, what became of them."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from persistence.models import PushSubscription, PushTry


class PushSubscriptions(Protocol):
    """The push subscriptions of users' devices. An endpoint belongs to one device."""

    async def put(self, subscription: PushSubscription, *, most: int) -> bool:
        """Keep it; `False` if the user had this endpoint already (and it keeps its time). Beyond `most` of a user, the oldest go.

        Raises `AlreadyExists("endpoint")` if it is another user's, unless `auth` is the same: whoever has that is the same browser.
        """

    async def remove(self, subscription_id: str, user_id: str) -> bool:
        """Forget the user's subscription; `False` if there was none."""

    async def remove_device(self, user_id: str, device_id: str) -> None:
        """Forget those of a device."""

    async def remove_user(self, user_id: str) -> None:
        """Forget those of a user."""

    async def of_users(self, user_ids: Sequence[str]) -> dict[str, list[PushSubscription]]:
        """The subscriptions of each user, oldest first; a user without any has an empty list."""


class Notified(Protocol):
    """Up to which message each chat has been looked through for whom to notify. Cursors only ever grow."""

    async def cursors(self, chat_ids: Sequence[str]) -> dict[str, int]:
        """The `seq` of each of these chats that has been looked at."""

    async def raise_cursors(self, seqs: Mapping[str, int]) -> None:
        """Raise them, never lower them."""


class PushTries(Protocol):
    """What became of pushes: for operators, and so that nobody is told twice. Kept for a limited time."""

    async def note(self, tries: Sequence[PushTry]) -> None:
        """Keep them; what is there already (by id) stays as it is."""

    async def pushed(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
        """Per `(chat_id, subscription_id)` the highest `seq` that was delivered, where any was."""

    async def tries(self, chat_id: str, seq: int, *, limit: int) -> list[PushTry]:
        """The tries that told of this message, oldest first."""
