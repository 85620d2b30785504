"""Deleting an account.

What the request does itself: it notes the task, takes everything of the person out of the record, frees the phone number, and signs all devices out; from its answer
on nobody signs in. The rest takes as long as there are chats to leave, and is done by a worker (`handlers/workers/account_tasks.py`). All of it can be done again
from the start, by anybody, at any time: so a node that dies on the way costs nothing but time.

What stays: messages in chats, under the id of an account that says no more than that it was deleted; and the direct chats, for the others.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta, structs

from handlers.audit.audit import Audit
from handlers.auth.auth import MAX_PASSWORD, Auth
from handlers.chats.conversations import Conversations
from handlers.errors import ChatError, Code
from handlers.pages import PageQuery
from handlers.people.blocking import Blocking
from handlers.principal import Principal
from handlers.workers.account_tasks import Keep
from persistence.models import AccountJob, AccountTask, AuditAction, ChatType
from persistence.ports import AccountJobs, Chats, Invites, Users

Leave = Callable[[AccountJob], Awaitable[None]]
"""Takes out of a subject what it keeps of the user whose account is deleted; can be repeated. Raises `StoreUnavailable`, `ChatError`."""

TELL_AGAIN_MS: Final = 10_000
"""What a node has told the others by then has reached them, or it has died."""
_AT_ONCE: Final = 100

log: Final = logging.getLogger(__name__)


class DeleteBody(msgspec.Struct, frozen=True):
    """`DELETE /users/me`: the password once more."""

    password: Annotated[str, Meta(min_length=1, max_length=MAX_PASSWORD)]


class Deletion:
    """Deletes accounts.

    Args:
        jobs, users, chats, invites: the record.
        auth: checks the password and signs devices out.
        audit: has its entry before anything is done.
        conversations, blocking: what the account leaves and takes back.
        subjects: whatever else keeps something of a user.
        wake: called when a worker has something to do.
        clock: milliseconds since the epoch.
        new_id: makes ids.

    """

    def __init__(
        self,
        *,
        jobs: AccountJobs,
        users: Users,
        chats: Chats,
        invites: Invites,
        auth: Auth,
        audit: Audit,
        conversations: Conversations,
        blocking: Blocking,
        subjects: Sequence[Leave],
        wake: Callable[[], None],
        clock: Callable[[], int],
        new_id: Callable[[], str],
    ) -> None:
        self._jobs = jobs
        self._users = users
        self._chats = chats
        self._invites = invites
        self._auth = auth
        self._audit = audit
        self._conversations = conversations
        self._blocking = blocking
        self._subjects = subjects
        self._wake = wake
        self._clock = clock
        self._new_id = new_id

    async def request(self, principal: Principal, body: DeleteBody, address: str) -> None:
        """Delete the caller's account. Raises `ChatError` (`BAD_CREDENTIALS`, `RATE_LIMITED`, `OVERLOADED`), `StoreUnavailable`."""
        user = await self._auth.confirm(principal, body.password, address)
        await self._audit.record(
            AuditAction.ACCOUNT_DELETED,
            actor_id=user.id,
            device_id=principal.device_id,
            address=address,
            about={"user_id": user.id},
        )
        now = self._clock()
        job = await self._jobs.add(
            AccountJob(
                user_id=user.id,
                task=AccountTask.DELETION,
                run_id=self._new_id(),
                asked_at=now,
                due_at=now,
                media_id=user.avatar_media_id,
            )
        )
        try:
            await self._shut(job)
        finally:
            self._wake()

    async def carry_out(self, job: AccountJob, keep: Keep) -> AccountJob | None:
        """All of it, from the start, as the worker does it. It is done when the nodes have been told once more, by somebody who outlived the first time."""
        await self._shut(job)
        if job.done_at is not None:
            return None
        me = Principal(job.user_id, "", 0)
        await self._leave_chats(me, keep)
        await self._unblock(me, keep)
        await self._invites.revoke_of(job.user_id)
        for leave in self._subjects:
            await keep()
            await leave(job)
        log.info("an account was deleted", extra={"user_id": job.user_id})
        now = self._clock()
        return structs.replace(job, done_at=now, due_at=now + TELL_AGAIN_MS)

    async def _shut(self, job: AccountJob) -> None:
        await self._users.erase(job.user_id, at=job.asked_at)
        await self._auth.sign_out_all(job.user_id)

    async def _leave_chats(self, me: Principal, keep: Keep) -> None:
        while True:
            rows = (await self._chats.memberships([me.user_id]))[me.user_id]
            chats = await self._chats.get_many([row.chat_id for row in rows])
            left = [chat.id for chat in chats.values() if chat.type is not ChatType.DIRECT]
            if not left:
                return  # also of what somebody was added to meanwhile
            for chat_id in left:
                try:
                    await self._conversations.remove_member(me, chat_id, me.user_id)
                except ChatError as error:
                    if error.code is not Code.NOT_FOUND:
                        raise
                await keep()

    async def _unblock(self, me: Principal, keep: Keep) -> None:
        while True:
            page = await self._blocking.page(me, PageQuery(limit=_AT_ONCE))
            for block in page.items:
                await self._blocking.unblock(me, block.user_id)
                await keep()
            if not page.items:
                return
