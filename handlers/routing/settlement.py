"""What follows, in one chat, from what became of its commands: answers, frames, events for other nodes, notes.

Synchronous, like all that a message passes. Three things can become of a command: the store has answered for it (`settle`), the record turns out to
hold its work (`found`), or its sender is given an answer of before (`answer_again`).
"""

from __future__ import annotations

from collections.abc import Callable

from handlers.errors import ChatError, Code, not_found
from handlers.nodes.events import CHAT_TOPIC, Event, LogEvent
from handlers.nodes.fanout import Fanout
from handlers.notifications.notifier import Notifier
from handlers.protocol import Prepared, together
from handlers.routing.audience import Audience
from handlers.routing.commands import Command, Send
from handlers.routing.room import Room
from handlers.routing.text import entry_text, message_json
from persistence.audited import audit_note
from persistence.models import (
    AuditNote,
    Change,
    Conflict,
    LogEntry,
    LogWrite,
    Message,
    Missing,
    Outcome,
    Repeat,
    Stored,
)


class Settlement:
    """Of one room's commands.

    Args:
        room: the chat's state here.
        audience: who is told what happens in it.
        fanout: the way to other nodes.
        notifier: told of what is written, for those who are not connected.
        noted: called with the note for the audit log that a change has left in the record.

    """

    __slots__ = ("_audience", "_fanout", "_noted", "_notifier", "_room")

    def __init__(
        self,
        room: Room,
        audience: Audience,
        fanout: Fanout,
        notifier: Notifier,
        noted: Callable[[AuditNote], None],
    ) -> None:
        self._room = room
        self._audience = audience
        self._fanout = fanout
        self._notifier = notifier
        self._noted = noted

    def settle(self, outcomes: list[Outcome]) -> None:
        """The store has answered for what was being written. What it did not take waits again; where the log has grown elsewhere, the room is behind.

        Raises whatever went wrong with one of them, after the others have what is theirs.
        """
        room = self._room
        pairs, room.writing = room.writing, []
        frames: list[Prepared] = []
        events: list[Event] = []
        back: list[Command] = []
        changed: list[tuple[Change, bool]] = []
        fault: Exception | None = None
        settled = 0
        try:
            for (command, write), outcome in zip(pairs, outcomes, strict=True):
                if type(outcome) is Stored:
                    self._stored(command, write, outcome, frames, events, changed)
                elif type(outcome) is Repeat:
                    self._repeat(command, outcome.message, events)
                elif type(outcome) is Missing:
                    room.refuse(command, not_found(command.about))
                else:
                    back.append(command)
                    if type(outcome) is Conflict:
                        room.fall_behind()
                settled += 1
        except Exception as error:  # noqa: BLE001 - raised below, once the others have what is theirs
            fault = error
            back += [command for command, _ in pairs[settled + 1 :]]
        room.put_back(back)
        if frames:
            self._audience.deliver(together(frames))
        if events:
            self._fanout.publish(CHAT_TOPIC + room.chat.id, events)
        for change, joined in changed:
            self._audience.changed(change, joined=joined)
        if fault is not None:
            room.refuse(pairs[settled][0], ChatError(Code.INTERNAL, "this could not be served"))
            raise fault

    def _stored(
        self,
        command: Command,
        write: LogWrite,
        outcome: Stored,
        frames: list[Prepared],
        events: list[Event],
        changed: list[tuple[Change, bool]],
    ) -> None:
        """An entry is in the record: answer, and add what follows from it to the lists."""
        room = self._room
        entry = write if isinstance(write, Message | Change) else outcome.message
        assert entry is not None, "a stored edit or deletion comes with its message"
        encoded = message_json(entry) if type(entry) is Message else b"{}"
        text = entry_text(entry, encoded, new=type(write) is Message)
        seq = write.seq if type(write) is Message else 0
        events.append(LogEvent(entry.rev, seq, text, entry if type(entry) is Change else None))
        if seq:
            self._notifier.wrote(room.chat.id, seq)
        if write.rev > room.head.rev:
            if type(entry) is Change:
                changed.append((entry, room.roles.get(entry.user_id or "") is None))
            if text:
                frames.append(Prepared(text))
            room.advance(write)
        elif type(entry) is Change:
            # Catching up has met it in the record before this, and delivered it.
            self._audience.tell_user(entry)
        if type(write) is not Message:
            self._note(write, entry)
        room.forget(command)
        _answer(command, entry, encoded, created=True)

    def _note(self, write: LogWrite, entry: LogEntry) -> None:
        note = audit_note(write, entry)
        if note is not None:
            self._noted(note)

    def _repeat(self, command: Command, message: Message, events: list[Event]) -> None:
        """The message is there from before: tell its sender, and the others once more, in case that the first time did not get so far."""
        encoded = message_json(message)
        self._room.forget(command)
        events.append(LogEvent(message.rev, message.seq, entry_text(message, encoded, new=True)))
        self._notifier.wrote(self._room.chat.id, message.seq)
        if message.rev > self._room.head.rev:
            self._room.fall_behind(message.rev)
        _answer(command, message, encoded, created=False)

    def found(self, entries: list[LogEntry]) -> None:
        """Of the commands waiting, those are settled that these entries, read from the record, turn out to be the work of."""
        room = self._room
        for command, entry in room.made(entries):
            encoded = message_json(entry) if type(entry) is Message else b"{}"
            new = isinstance(command, Send)
            seq = entry.seq if new and type(entry) is Message else 0
            change = entry if type(entry) is Change else None
            event = LogEvent(entry.rev, seq, entry_text(entry, encoded, new=new), change)
            self._fanout.publish(CHAT_TOPIC + room.chat.id, [event])
            if seq:
                self._notifier.wrote(room.chat.id, seq)
            if type(entry) is Change:
                self._audience.tell_user(entry)
                self._note(entry, entry)
            _answer(command, entry, encoded, created=True)

    def answer_again(self, command: Send, message: Message) -> None:
        """A message has been in the record for a while: its sender is told so."""
        self._room.forget(command)
        _answer(command, message, message_json(message), created=False)


def _answer(command: Command, entry: LogEntry, encoded: bytes, *, created: bool) -> None:
    command.done(entry, encoded, created=created)
    if isinstance(command, Send):
        for twin in command.twins:
            twin.done(entry, encoded, created=False)
