"""What one node knows of one chat: where its log stands here, who is connected, what waits to be written.

Pure state and decisions. The router (`handlers.routing.router`) is the process that acts on it; a room outlives a crash of its router, so nothing that
was accepted is lost with one.
"""

from __future__ import annotations

from collections import deque
from itertools import count
from typing import TYPE_CHECKING, Any, Final, Protocol

from msgspec import structs

from handlers import policy
from handlers.errors import ChatError, Code, not_found
from handlers.policy import Action, Barrier
from handlers.routing.commands import Command, Send
from persistence.models import Change, ChangeKind, Chat, Head, LogEntry, LogWrite, Message, Role

if TYPE_CHECKING:
    from handlers.protocol import Prepared
    from handlers.retry.detour import Detour

TRIES: Final = 3
"""How often a command may take its router down before it goes to the dead letters."""


MOST_TWINS: Final = 16
"""Repeats of one `client_id` that wait for the outcome of the first."""
tick: Final = count(1).__next__
"""A logical clock: what comes later gets a greater number."""


class Subscriber(Protocol):
    """Somebody who gets a room's events: a session, as far as a room needs to know it."""

    user_id: str
    device_id: str
    hides_reads: bool

    def push(self, prepared: Prepared) -> None:
        """Hand over frames, in order. Never blocks and never raises."""

    def left_chat(self, room: Room) -> None:
        """The user is no longer in this chat: stop being a subscriber and an opener."""

    def close_chat(self, room: Room) -> None:
        """The chat is no longer open to the user: stop being an opener."""


class Room:
    """A chat on this node.

    `head` is the position up to which every subscriber has been served: whoever is added at a position gets exactly what follows it.
    `roles` holds what is known of who is what, `None` for a known non-member; the log's changes keep it true.
    `blockers` are those of the two of a direct chat who have blocked the other; kept true like `roles`.
    `mailbox` are commands not yet tried, `writing` those in the batch under way, in order.
    `born` and `touched` are ticks: before its head was read, and of the last change of anything that a member's row holds. `diffs` counts what was
    said to the openers. `detour` is there while messages of the chat wait in the retry queue. `doubted` are messages that
    their senders may not send, unless they have: then the first answer is given again. `behind` says that something was missed, up to
    `wanted_rev` at least: until it has been read from the record nothing is planned here.
    """

    __slots__ = (
        "behind",
        "blockers",
        "born",
        "chat",
        "detour",
        "diffs",
        "doubted",
        "head",
        "keys",
        "mailbox",
        "openers",
        "roles",
        "subscribers",
        "touched",
        "wanted_rev",
        "writing",
    )

    def __init__(self, chat: Chat, head: Head, born: int = 0, blockers: frozenset[str] = frozenset()) -> None:
        self.chat = chat
        self.head = head
        self.born = born
        self.touched = born
        self.diffs = 0
        self.roles: dict[str, Role | None] = {}
        self.blockers = blockers
        self.subscribers: dict[Subscriber, None] = {}
        self.openers: dict[Subscriber, None] = {}
        self.mailbox: deque[Command] = deque()
        self.writing: list[tuple[Command, LogWrite]] = []
        self.keys: dict[tuple[str, str], Send] = {}
        self.detour: Detour | None = None
        self.doubted: list[tuple[Send, ChatError]] = []
        self.behind = False
        self.wanted_rev = 0

    @property
    def idle(self) -> bool:
        """Nothing waits to be written."""
        return not (self.mailbox or self.writing or self.doubted or (self.detour and self.detour.waiting))

    @property
    def unused(self) -> bool:
        """Nobody on this node needs the room."""
        return self.idle and self.detour is None and not self.subscribers and not self.openers

    @property
    def waiting(self) -> int:
        """Commands that wait here, by either way."""
        return len(self.mailbox) + (0 if self.detour is None else len(self.detour.waiting))

    @property
    def nothing_fresh(self) -> bool:
        """No new message of the chat is on the direct way."""
        return not any(command.fresh for command, _ in self.writing) and not any(
            command.fresh for command in self.mailbox
        )

    def role(self, user_id: str) -> Role | None:
        """What the user is here, as far as is known; in a chat that is closed nobody is anything."""
        return None if self.chat.deleted else self.roles.get(user_id)

    def barrier(self, user_id: str) -> Barrier | None:
        """The block that stands between the two of a direct chat, as one of them sees it."""
        if not self.blockers:
            return None
        return Barrier.OWN if user_id in self.blockers else Barrier.THEIRS

    def allow(self, action: Action, user_id: str) -> None:
        """Whether the policy allows the user this now. Raises `ChatError`."""
        policy.check(action, chat_type=self.chat.type, role=self.role(user_id), barrier=self.barrier(user_id))

    def check(self, command: Command) -> None:
        """Whether the policy allows this command now. Raises `ChatError`."""
        if self.chat.deleted:
            raise not_found("chat")
        target = command.target_id
        target_role = None if target is None else self.roles.get(target)
        policy.check(
            command.action_for(target_role),
            chat_type=self.chat.type,
            role=self.role(command.actor_id),
            target_role=target_role,
            new_role=command.new_role,
            barrier=self.barrier(command.actor_id),
        )

    def accept(self, command: Command) -> bool:
        """Queue a command; `False` if it joined an equal one that is under way (the same `client_id` of the same sender).

        Raises `ChatError` (`RATE_LIMITED`) when too many have joined it.
        """
        if isinstance(command, Send) and command.fresh:
            key = (command.actor_id, command.client_id)
            twin = self.keys.get(key)
            if twin is not None:
                if len(twin.twins) >= MOST_TWINS:
                    raise ChatError(
                        Code.RATE_LIMITED, "this message is being sent already", retry_after_ms=1000
                    )
                twin.twins = (*twin.twins, command)
                return False
            self.keys[key] = command
            if self.detour is not None:
                self.detour.waiting.append(command)
                return True
        self.mailbox.append(command)
        return True

    def take_detour(self) -> None:
        """New messages that wait here go the way of the detour, before those that are on it."""
        assert self.detour is not None
        moved = [command for command in self.mailbox if isinstance(command, Send) and command.fresh]
        if moved:
            self.mailbox = deque(command for command in self.mailbox if not command.fresh)
            self.detour.waiting.extendleft(reversed(moved))

    def defer(self, command: Send) -> None:
        """A message is in the retry queue: tell whoever waits for it."""
        self.forget(command)
        command.queued()
        for twin in command.twins:
            twin.queued()

    def plan(self, limit: int) -> list[LogWrite]:
        """Number the next commands after `head` and take them into `writing`: at most `limit`, ending after a change of membership.

        Authorisation is decided here, against exactly the state that the entry will follow: should anything be appended by another node first,
        the append fails and the command is planned, and judged, again.
        """
        seq, rev = self.head.seq, self.head.rev
        writes: list[LogWrite] = []
        while self.mailbox and len(writes) < limit:
            command = self.mailbox[0]
            command.tries += 1
            try:
                self.check(command)
                write = command.write(self.chat.id, seq + 1, rev + 1)
            except ChatError as error:
                self.mailbox.popleft()
                if not self.doubt(command, error):
                    self.refuse(command, error)
                continue
            except Exception:
                if not writes:
                    raise
                command.tries -= 1
                break  # what comes before it is written first: then it fails alone, and is seen to be the one
            command.tries -= 1
            self.mailbox.popleft()
            rev += 1
            if type(write) is Message:
                seq += 1
            self.writing.append((command, write))
            writes.append(write)
            if type(write) is Change:
                break
        return writes

    def fall_behind(self, rev: int = 0) -> None:
        """Something up to `rev` was missed, or nobody knows how much."""
        self.wanted_rev = max(self.wanted_rev, rev)
        self.behind = True

    def forget(self, command: Command) -> None:
        """A command is settled: its `client_id` is no longer under way."""
        if isinstance(command, Send):
            key = (command.actor_id, command.client_id)
            if self.keys.get(key) is command:
                del self.keys[key]

    def refuse(self, command: Command, error: ChatError) -> None:
        """A command will not be carried out: tell whoever waits for it."""
        self.forget(command)
        command.failed(error)
        if isinstance(command, Send):
            for twin in command.twins:
                twin.failed(error)

    def doubt(self, command: Command, error: ChatError) -> bool:
        """Whether a command that is refused may be the repetition of one that was not: a message, of a member who may not send any more."""
        if not isinstance(command, Send) or not command.fresh or error.code is not Code.FORBIDDEN:
            return False
        self.doubted.append((command, error))
        return True

    def put_back(self, commands: list[Command]) -> None:
        """Commands that were planned but not written wait again, before all others."""
        self.mailbox.extendleft(reversed(commands))

    def poison(self) -> Command | None:
        """Take out the first command if planning it has failed too often."""
        if self.mailbox and self.mailbox[0].tries >= TRIES:
            return self.mailbox.popleft()
        return None

    def expire(self, now: float) -> list[Command]:
        """Take out the waiting commands whose deadline has passed."""
        late = [command for command in self.mailbox if command.deadline <= now]
        if late:
            self.mailbox = deque(command for command in self.mailbox if command.deadline > now)
        return late

    def unplan(self) -> None:
        """What was planned and not written waits again, before all others."""
        self.put_back([command for command, _ in self.writing])
        self.writing = []

    def made(self, entries: list[LogEntry]) -> list[tuple[Command, LogEntry]]:
        """Take out the waiting commands that these entries, read from the log, turn out to be the work of."""
        found: list[tuple[Command, LogEntry]] = []
        if not self.mailbox and self.detour is None:
            return found
        others = [command for command in self.mailbox if not isinstance(command, Send)]
        under_way = {id(command) for command, _ in self.writing}  # whose own outcome is still to come
        for entry in entries:
            sent = self.keys.get((entry.sender_id, entry.client_id)) if type(entry) is Message else None
            if sent is not None and id(sent) not in under_way:
                found.append((sent, entry))
                self.forget(sent)
                continue
            match = next((command for command in others if command.made(entry)), None)
            if match is not None:
                others.remove(match)
                found.append((match, entry))
        if found:
            settled = {id(command) for command, _ in found}
            self.mailbox = deque(command for command in self.mailbox if id(command) not in settled)
            if self.detour is not None:
                self.detour.remove(settled)
        return found

    def advance(self, write: LogWrite) -> None:
        """The log grew by this entry, ours and the next one."""
        self.advance_to(write.rev, write.seq if type(write) is Message else 0)
        if type(write) is Change:
            self.fold(write)

    def advance_to(self, rev: int, seq: int) -> None:
        """The log is known here up to these; 0 for what did not grow."""
        self.head = Head(seq=max(seq, self.head.seq), rev=max(rev, self.head.rev))

    def fold(self, change: Change) -> None:
        """What a change does to membership and to the chat."""
        self.touched = tick()
        if change.user_id is not None and change.kind is ChangeKind.MEMBER_SET:
            self.roles[change.user_id] = change.role
        elif change.user_id is not None and change.kind is ChangeKind.MEMBER_REMOVED:
            self.roles[change.user_id] = None
        elif change.kind is ChangeKind.BLOCKED:
            self.blockers |= {change.actor_id}
        elif change.kind is ChangeKind.UNBLOCKED:
            self.blockers -= {change.actor_id}
        elif change.kind is ChangeKind.CHAT_UPDATED:
            self.chat = _with(self.chat, title=change.title or "")
        elif change.kind is ChangeKind.CHAT_DELETED:
            self.chat = _with(self.chat, deleted=True)

    def drop_strangers(self) -> None:
        """Forget the roles of users who are not connected here and have nothing waiting: in a channel of any size they would add up."""
        if not self.idle:
            return
        here = {subscriber.user_id for subscriber in (*self.subscribers, *self.openers)}
        self.roles = {user_id: role for user_id, role in self.roles.items() if user_id in here}


def _with(chat: Chat, **changes: Any) -> Chat:
    return structs.replace(chat, **changes)


def dead_lettered(command: Command) -> ChatError:
    """What the sender of a poisonous command is told."""
    return ChatError(Code.DEAD_LETTERED, f"{command.action.value} could not be carried out and was set aside")
