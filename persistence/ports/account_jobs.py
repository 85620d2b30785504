"""What takes a while to be done for an account."""

from typing import Protocol

from persistence.models import AccountJob, AccountTask


class AccountJobs(Protocol):
    """Tasks that any node's worker takes up, and another goes on with if that one dies."""

    async def add(self, job: AccountJob, *, instead_of: str | None = None) -> AccountJob:
        """Keep it, unless the user has a task of this kind; whichever is there now. The one of the run `instead_of`, if it is no longer waiting, makes room."""

    async def get(self, user_id: str, task: AccountTask) -> AccountJob | None:
        """The user's task of this kind."""

    async def claim(self, *, now: int, until: int) -> AccountJob | None:
        """The task that has been due for longest, which is due again at `until`; to one caller only. `None` if there is none."""

    async def save(self, job: AccountJob, *, claimed: int) -> bool:
        """Put it in the place of what was claimed until then; `False` if somebody else has it by now. Can be repeated."""

    async def remove(self, job: AccountJob) -> bool:
        """Forget it, if it is still as it was claimed; `False` if it is not."""
