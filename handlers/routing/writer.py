"""What REST and sockets write to chats' logs: each command is made here, handed to its chat's router, and, where its caller waits in a task, awaited."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import trio

from handlers.bodies import MessageBody, clean_content, end_of_live, is_forwarded, require_not_later
from handlers.errors import ChatError, Code, invalid, not_found, overloaded, unavailable
from handlers.media.attachments import Attachments
from handlers.policy import Action
from handlers.principal import Principal
from handlers.retry.queue import RetryQueue
from handlers.routing.awaited import QUEUED, Awaited, Awaits, Queued
from handlers.routing.commands import Alter, Amend, Command, Remove, Send
from handlers.routing.commit import GroupCommit
from handlers.routing.router import Router
from handlers.routing.routers import Routers
from persistence.errors import StoreUnavailable
from persistence.models import Change, ChangeKind, LogEntry, Message, Role
from persistence.ports import MessageLog

_ACTIONS: Final = {
    ChangeKind.CHAT_UPDATED: Action.UPDATE_CHAT,
    ChangeKind.CHAT_DELETED: Action.DELETE_CHAT,
    # Between the two of a direct chat it is enough to be one of them.
    ChangeKind.BLOCKED: Action.VIEW,
    ChangeKind.UNBLOCKED: Action.VIEW,
}


class _AwaitedSend(Awaits, Send):
    __slots__ = ("outcome",)

    def queued(self) -> None:
        self.outcome.set(QUEUED)


class _AwaitedAmend(Awaits, Amend):
    __slots__ = ("outcome",)


class _AwaitedRemove(Awaits, Remove):
    __slots__ = ("outcome",)


class _AwaitedAlter(Awaits, Alter):
    __slots__ = ("outcome",)


_Waiting = _AwaitedAmend | _AwaitedRemove | _AwaitedAlter
SendT = TypeVar("SendT", bound=Send)


class Writer:
    """Makes commands. Whether one may be carried out, its router says, at the place in the log that it will have.

    Args:
        routers: of all chats.
        store: the record, for looking up what is to be changed.
        attachments: takes messages' files into use.
        commit, retry: where commands wait.
        clock: milliseconds since the epoch.
        new_id: makes ids.
        hold_s: how long a command may wait for the record.
        most_pending: commands that may wait, on this node.
        live_s: how long a location may be live.

    """

    def __init__(
        self,
        routers: Routers,
        *,
        store: MessageLog,
        attachments: Attachments,
        commit: GroupCommit,
        retry: RetryQueue,
        clock: Callable[[], int],
        new_id: Callable[[], str],
        hold_s: float,
        most_pending: int,
        live_s: int = 8 * 3600,
    ) -> None:
        self._routers = routers
        self._store = store
        self._attachments = attachments
        self._commit = commit
        self._retry = retry
        self._clock = clock
        self._new_id = new_id
        self._hold_s = hold_s
        self._most_pending = most_pending
        self._live_ms = live_s * 1000

    def deadline(self) -> float:
        """Until when a command accepted now may be held."""
        return trio.current_time() + self._hold_s

    def submit(self, router: Router, command: Command) -> None:
        """Hand a command to its router. Raises `ChatError` when it is refused at once."""
        if self._commit.is_full(self._most_pending) or (
            self._retry.active and len(self._retry) >= self._most_pending
        ):
            raise overloaded()
        router.submit(command)
        self._commit.accepted()

    def sending(self, kind: type[SendT], actor_id: str, body: MessageBody) -> SendT:
        """The command for a new message. Raises `ChatError` for content that its type does not have."""
        return kind(
            actor_id,
            self._clock(),
            trio.current_time() + self._hold_s,
            id=self._new_id(),
            client_id=body.client_id,
            type=body.type,
            content=clean_content(body.type, body.content, body.media_id),
            media_id=body.media_id,
            reply_to=body.reply_to,
            forwarded=is_forwarded(body),
        )

    async def admit_live(self, actor_id: str, chat_id: str, body: MessageBody) -> None:
        """Whether a new location may be live for so long: not in the past, and not too far in the future. One that is repeated may be from long ago.

        Raises:
            ChatError: `INVALID`, `UNAVAILABLE`.

        """
        until = end_of_live(body.type, body.content)
        now = self._clock()
        if until is None or now < until <= now + self._live_ms:
            return
        try:
            if await self._store.find(chat_id, actor_id, body.client_id) is not None:
                return
        except StoreUnavailable as error:
            raise unavailable("the message store") from error
        hours = self._live_ms / 3_600_000
        raise invalid("content.live_until", f"must be in the future, by at most {hours:g} hours")

    async def send(
        self, principal: Principal, chat_id: str, body: MessageBody
    ) -> tuple[Message, bool] | Queued:
        """Append a message; `(message, created)`, durable at majority. Not created: this `client_id` had made it before.

        `QUEUED` when the record does not take it in time: it waits in the retry queue.
        """
        await self.admit_live(principal.user_id, chat_id, body)
        router = await self._routers.router_for(chat_id, principal.user_id)
        command = self.sending(_AwaitedSend, principal.user_id, body)
        command.outcome = Awaited()
        self.submit(await self.attach(router, command), command)
        outcome = await command.outcome.get()
        if outcome == QUEUED:
            return QUEUED
        entry, created = outcome
        assert isinstance(entry, Message)
        return entry, created

    async def attach(self, router: Router, command: Send) -> Router:
        """Take the file of a message, if it has one, into use; the router to submit it to then. Raises `ChatError`."""
        if command.media_id is None:
            return router
        await self._routers.allow(router, command.action, command.actor_id)
        chat_id = router.room.chat.id
        await self._attachments.take(chat_id, command)
        # That may have taken long enough for a quiet room to be let go of.
        return await self._routers.router_for(chat_id, command.actor_id)

    async def edit(self, principal: Principal, chat_id: str, seq: int, content: dict[str, Any]) -> Message:
        """Replace the content of a message."""
        router, message = await self._message(principal, chat_id, seq)
        if message.deleted:
            raise not_found("message")
        action = _editing(message, principal.user_id)
        # Before the content is looked at: whoever may not edit is not told what is wrong with it.
        await self._routers.allow(router, action, principal.user_id)
        clean = clean_content(message.type, content, message.media_id)
        require_not_later(message, clean)
        return await self._amend(router, principal.user_id, action, seq, clean)

    async def rewrite(self, router: Router, user_id: str, seq: int, content: dict[str, Any]) -> Message:
        """Replace the content of a message of this user's by what is known to be in order. Raises `ChatError`."""
        return await self._amend(router, user_id, Action.EDIT_OWN, seq, content)

    async def _amend(
        self, router: Router, user_id: str, action: Action, seq: int, content: dict[str, Any]
    ) -> Message:
        command = _AwaitedAmend(user_id, action, self._clock(), self.deadline(), seq=seq, content=content)
        entry, _ = await self._outcome(router, command)
        assert isinstance(entry, Message)
        return entry

    async def delete(self, principal: Principal, chat_id: str, seq: int) -> Message:
        """Delete a message for everyone. One that is deleted already stays as it is."""
        router, message = await self._message(principal, chat_id, seq)
        action = Action.DELETE_OWN if message.sender_id == principal.user_id else Action.DELETE_OTHER
        if message.deleted:
            await self._routers.allow(router, action, principal.user_id)
            return message
        command = _AwaitedRemove(
            principal.user_id, action, self._clock(), self.deadline(), seq=seq, device_id=principal.device_id
        )
        try:
            entry, _ = await self._outcome(router, command)
        except ChatError as error:
            # Of two who delete at once, one is first.
            _, entry = await self._message(principal, chat_id, seq)
            if error.code is not Code.NOT_FOUND or not entry.deleted:
                raise error from None
        assert isinstance(entry, Message)
        if message.media_id is not None:
            self._attachments.deleted()
        return entry

    async def change(
        self,
        principal: Principal,
        chat_id: str,
        kind: ChangeKind,
        *,
        user_id: str | None = None,
        role: Role | None = None,
        title: str | None = None,
    ) -> Change:
        """Change membership or the chat. The policy is asked at the place in the log that the change will have."""
        concerned = [principal.user_id] if user_id is None else [principal.user_id, user_id]
        router = await self._routers.router_for(chat_id, *concerned)
        command = _AwaitedAlter(
            principal.user_id,
            _ACTIONS.get(kind, Action.ADD_MEMBER),
            self._clock(),
            self.deadline(),
            kind=kind,
            user_id=user_id,
            role=role,
            title=title,
        )
        entry, _ = await self._outcome(router, command)
        assert isinstance(entry, Change)
        return entry

    async def join(self, principal: Principal, chat_id: str, invite_id: str) -> Change:
        """Write the caller's own coming in by an invite. Raises `ChatError` (`NOT_FOUND` if it does not let them in, `CONFLICT` if they are in already)."""
        router = await self._routers.router_for(chat_id, principal.user_id)
        command = _AwaitedAlter(
            principal.user_id,
            Action.JOIN_BY_INVITE,
            self._clock(),
            self.deadline(),
            kind=ChangeKind.MEMBER_SET,
            user_id=principal.user_id,
            role=Role.MEMBER,
            invite_id=invite_id,
        )
        entry, _ = await self._outcome(router, command)
        assert isinstance(entry, Change)
        return entry

    async def _message(self, principal: Principal, chat_id: str, seq: int) -> tuple[Router, Message]:
        router = await self._routers.router_for(chat_id, principal.user_id)
        if router.room.role(principal.user_id) is None:
            raise not_found("chat")
        try:
            message = await self._store.get(chat_id, seq)
        except StoreUnavailable as error:
            raise unavailable("the message store") from error
        if message is None:
            raise not_found("message")
        return router, message

    async def _outcome(self, router: Router, command: _Waiting) -> tuple[LogEntry, bool]:
        command.outcome = Awaited()
        self.submit(router, command)
        outcome = await command.outcome.get()
        assert outcome != QUEUED, "only new messages are"
        return outcome


def _editing(message: Message, user_id: str) -> Action:
    """What somebody who edits a message does. What is passed on says what another has written: it stays so."""
    if message.sender_id != user_id:
        return Action.EDIT_OTHER
    return Action.EDIT_FORWARDED if message.forwarded else Action.EDIT_OWN
