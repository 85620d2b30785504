"""What can be appended to a chat's log, each with who asked and who waits for the outcome.

`submitted` and, for a message, `id` are fixed at acceptance, so that writing a command again after a lost reply makes the same entry.
"""

from __future__ import annotations

from typing import Any

from handlers.errors import ChatError, invalid
from handlers.policy import Action
from persistence.models import (
    Change,
    ChangeKind,
    Deletion,
    Edit,
    LogEntry,
    LogWrite,
    Message,
    MessageType,
    Role,
)


class Command:
    """Base of all. Whoever waits overrides `done` and `failed`, and for a message `queued`; exactly one of them is called, once.

    Args:
        actor_id: the user who asks.
        action: what the policy has to allow.
        submitted: time of acceptance, milliseconds since the epoch.
        deadline: Trio time after which it is answered "unavailable" instead of being tried again.

    """

    __slots__ = ("action", "actor_id", "deadline", "submitted", "tries")

    about = "message"
    """What is not there when the store calls it `Missing`."""
    fresh = False
    """It may go through the retry queue, and goes behind what waits there."""
    reply_to: int | None = None
    """For a message: the `seq` that it answers."""
    target_id: str | None = None
    new_role: Role | None = None

    def __init__(self, actor_id: str, action: Action, submitted: int, deadline: float) -> None:
        self.actor_id = actor_id
        self.action = action
        self.submitted = submitted
        self.deadline = deadline
        self.tries = 0

    def action_for(self, target_role: Role | None) -> Action:
        """What the policy has to allow, given what the user it concerns is at that moment."""
        return self.action

    def write(self, chat_id: str, seq: int, rev: int) -> LogWrite:
        """The log entry that this command makes at the given place."""
        raise AssertionError("each command says what it writes")

    def made(self, entry: LogEntry) -> bool:
        """Whether this log entry is what this command has written."""
        return False

    def done(self, entry: LogEntry, encoded: bytes, *, created: bool) -> None:
        """It is durable. `entry` as it is now, a message also as JSON; not `created` when an earlier command had done the same."""

    def failed(self, error: ChatError) -> None:
        """It was not carried out."""

    def describe(self) -> dict[str, Any]:
        """For the dead letters: what it was, without what people wrote."""
        return {"action": self.action.value, "actor_id": self.actor_id, "submitted": self.submitted}


class Send(Command):
    """A new message. `twins` are repeats of the same `client_id` that came while this one was under way."""

    __slots__ = ("client_id", "content", "forwarded", "id", "media_id", "reply_to", "twins", "type")

    fresh = True

    def __init__(
        self,
        actor_id: str,
        submitted: int,
        deadline: float,
        *,
        id: str,  # noqa: A002 - the name of the field
        client_id: str,
        type: MessageType,  # noqa: A002 - the name of the field
        content: dict[str, Any],
        media_id: str | None,
        reply_to: int | None,
        forwarded: bool = False,
    ) -> None:
        super().__init__(actor_id, Action.SEND, submitted, deadline)
        self.id = id
        self.client_id = client_id
        self.type = type
        self.content = content
        self.media_id = media_id
        self.reply_to = reply_to
        self.forwarded = forwarded
        self.twins: tuple[Send, ...] = ()

    def queued(self) -> None:
        """It waits in the retry queue: what becomes of it is told to the sender by events."""

    def write(self, chat_id: str, seq: int, rev: int) -> Message:
        if self.reply_to is not None and self.reply_to >= seq:
            raise invalid("reply_to", "there is no such message")
        return Message(
            id=self.id,
            chat_id=chat_id,
            seq=seq,
            rev=rev,
            sender_id=self.actor_id,
            client_id=self.client_id,
            type=self.type,
            content=self.content,
            media_id=self.media_id,
            reply_to=self.reply_to,
            forwarded=self.forwarded,
            created_at=self.submitted,
        )

    def made(self, entry: LogEntry) -> bool:
        return (
            type(entry) is Message and entry.client_id == self.client_id and entry.sender_id == self.actor_id
        )


class Amend(Command):
    """An edit of message `seq`."""

    __slots__ = ("content", "seq")

    def __init__(
        self,
        actor_id: str,
        action: Action,
        submitted: int,
        deadline: float,
        *,
        seq: int,
        content: dict[str, Any],
    ) -> None:
        super().__init__(actor_id, action, submitted, deadline)
        self.seq = seq
        self.content = content

    def write(self, chat_id: str, seq: int, rev: int) -> Edit:
        return Edit(chat_id=chat_id, seq=self.seq, rev=rev, content=self.content, at=self.submitted)

    def made(self, entry: LogEntry) -> bool:
        return (
            type(entry) is Message
            and entry.seq == self.seq
            and entry.edited_at == self.submitted
            and entry.content == self.content
        )


class Remove(Command):
    """A deletion, for everyone, of message `seq`."""

    __slots__ = ("device_id", "seq")

    def __init__(
        self,
        actor_id: str,
        action: Action,
        submitted: int,
        deadline: float,
        *,
        seq: int,
        device_id: str = "",
    ) -> None:
        super().__init__(actor_id, action, submitted, deadline)
        self.seq = seq
        self.device_id = device_id

    def write(self, chat_id: str, seq: int, rev: int) -> Deletion:
        return Deletion(
            chat_id=chat_id,
            seq=self.seq,
            rev=rev,
            at=self.submitted,
            actor_id=self.actor_id,
            device_id=self.device_id,
        )

    def made(self, entry: LogEntry) -> bool:
        return type(entry) is Message and entry.seq == self.seq and entry.deleted


class Alter(Command):
    """A change of membership or of the chat itself."""

    __slots__ = ("invite_id", "kind", "new_role", "target_id", "title")
    about = "invite"

    def __init__(
        self,
        actor_id: str,
        action: Action,
        submitted: int,
        deadline: float,
        *,
        kind: ChangeKind,
        user_id: str | None = None,
        role: Role | None = None,
        title: str | None = None,
        invite_id: str | None = None,
    ) -> None:
        super().__init__(actor_id, action, submitted, deadline)
        self.kind = kind
        self.target_id = user_id
        self.new_role = role
        self.title = title
        self.invite_id = invite_id

    def action_for(self, target_role: Role | None) -> Action:
        if self.invite_id is not None:
            return Action.JOIN_BY_INVITE
        if self.kind is ChangeKind.MEMBER_SET:
            return Action.ADD_MEMBER if target_role is None else Action.SET_ROLE
        if self.kind is ChangeKind.MEMBER_REMOVED:
            return Action.LEAVE if self.target_id == self.actor_id else Action.REMOVE_MEMBER
        return self.action

    def write(self, chat_id: str, seq: int, rev: int) -> Change:
        return Change(
            chat_id=chat_id,
            rev=rev,
            kind=self.kind,
            actor_id=self.actor_id,
            at=self.submitted,
            user_id=self.target_id,
            role=self.new_role,
            title=self.title,
            invite_id=self.invite_id,
        )

    def made(self, entry: LogEntry) -> bool:
        return (
            type(entry) is Change
            and entry.at == self.submitted
            and entry.actor_id == self.actor_id
            and entry.kind is self.kind
            and (entry.user_id, entry.role) == (self.target_id, self.new_role)
            and (entry.title, entry.invite_id) == (self.title, self.invite_id)
        )
