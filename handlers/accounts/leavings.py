"""What is kept of a user beside what `handlers.accounts.deletion` itself sees to, taken away when the account is deleted."""

from __future__ import annotations

from handlers.media.library import MediaLibrary
from persistence.models import AccountJob
from persistence.ports import PushSubscriptions


class Leavings:
    """Each of these can be repeated."""

    def __init__(self, *, library: MediaLibrary, subscriptions: PushSubscriptions) -> None:
        self._library = library
        self._subscriptions = subscriptions

    async def drop_picture(self, job: AccountJob) -> None:
        """Nothing shows the picture of the profile any more."""
        if job.media_id is not None:
            await self._library.reconsider(job.media_id)

    async def forget_subscriptions(self, job: AccountJob) -> None:
        """No device of the user is notified any more."""
        await self._subscriptions.remove_user(job.user_id)
