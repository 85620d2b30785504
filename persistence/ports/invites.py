"""Invitations to chats."""

from typing import Protocol

from persistence.models import Invite


class Invites(Protocol):
    """Links by which people come into chats.

    Coming in is a change in the chat's log that names the invite (`MessageLog.append`): it counts the use in the same transaction, and is `Missing` if the
    invite is not there, has run out or is used up, or if somebody else has removed the user from the chat and nobody has added them since. What the
    chat's log closes takes its invites with it.
    """

    async def create(self, invite: Invite) -> None:
        """Keep it; again, under the same id, changes nothing."""

    async def get(self, invite_id: str) -> Invite | None:
        """One invite; `None` once revoked. It may have run out or be used up."""

    async def of_chat(self, chat_id: str, *, after_id: str | None, limit: int) -> list[Invite]:
        """A chat's invites, in order of their ids, which is that of time."""

    async def revoke(self, chat_id: str, invite_id: str) -> bool:
        """Forget one; `False` if the chat has none of this id."""

    async def revoke_of(self, user_id: str) -> int:
        """Forget all that the user has made, in any chat; how many."""

    async def drop_expired(self, chat_id: str, *, at: int) -> int:
        """Forget those of the chat that have run out by then; how many."""

    async def removed(self, chat_id: str, user_id: str) -> bool:
        """Whether somebody else has removed the user from the chat and nobody has added them since: they do not come back by themselves."""
