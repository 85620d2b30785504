"""The process that serves one chat on one node: it orders, has written, and delivers.

What every message passes is synchronous and in this file: `submit` -> `plan` -> (group commit) -> `settle`, and `receive` for what other nodes
wrote. The task (`run`) does what has to wait: it catches up from the record when something was missed, and ends when the chat is quiet.

A fault anywhere is turned into a crash of the task (`_fail`): its supervisor reports and restarts it, and it resumes from the room, which has
lost nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import trio

from handlers.catch_up import in_order
from handlers.commands import Command, Send
from handlers.cursors import Moved, frames, frames_without_reads
from handlers.errors import ChatError, Code, not_found, unavailable
from handlers.events import CHAT_TOPIC, CursorsMoved, Detoured, Event, LogEvent, OpenEvent, ReceiptsSummed
from handlers.fanout import Fanout
from handlers.notifications.notifier import Notifier
from handlers.policy import Blocked
from handlers.protocol import Prepared, together
from handlers.requeued import Requeued
from handlers.room import Room, dead_lettered, tick
from handlers.signal import Signal
from handlers.text import entry_text, message_json
from persistence.audited import audit_note
from persistence.errors import StoreUnavailable
from persistence.models import (
    UNSEEN,
    AuditNote,
    Change,
    ChangeKind,
    ChangesQuery,
    Conflict,
    LogEntry,
    LogWrite,
    Message,
    Missing,
    Outcome,
    Repeat,
    Role,
    Stored,
)
from persistence.ports import MessageLog
from supervisors import Child

if TYPE_CHECKING:
    from handlers.retry_queue import RetryQueue

PAGE: Final = 500
"""Entries read at once when catching up."""
FIRST_PAUSE_S: Final = 0.05
LONGEST_PAUSE_S: Final = 1.0
"""Between tries to read while the record does not answer."""
MOST_WAITING: Final = 2_000
"""Commands that may wait in one chat."""
_MANAGING: Final = frozenset({Role.OWNER, Role.ADMIN})


class Router:
    """Serves one room.

    Args:
        room: the chat's state here.
        log: the record.
        fanout: the way to other nodes.
        retry: where messages go that the record does not take in time.
        notifier: told of what is written, for those who are not connected.
        commit: called with the router when it has something to write.
        wake: called with the router to have its task started, where it is not running.
        bury: called with a command that crashed the router too often, and the reason.
        noted: called with the note for the audit log that a change has left in the record.
        idle_s: quiet time after which the task ends.

    """

    __slots__ = (
        "_behind", "_bury", "_caught_up", "_commit", "_fanout", "_fault", "_idle_s", "_log", "_noted", "_notifier", "_retry", "_signal", "_wake", "active", "queued", "room", "running",
    )  # fmt: skip

    def __init__(
        self,
        room: Room,
        log: MessageLog,
        fanout: Fanout,
        *,
        retry: RetryQueue,
        notifier: Notifier,
        commit: Callable[[Router], None],
        wake: Callable[[Router], None],
        bury: Callable[[Command, str, str], None],
        noted: Callable[[AuditNote], None],
        idle_s: float,
    ) -> None:
        self.room = room
        self.running = False
        self.queued = False
        self.active = True
        self._log = log
        self._fanout = fanout
        self._retry = retry
        self._notifier = notifier
        self._commit = commit
        self._wake = wake
        self._bury = bury
        self._noted = noted
        self._idle_s = idle_s
        self._signal = Signal()
        self._behind = False
        self._caught_up = trio.Event()
        self._fault: Exception | None = None

    # -- what every message passes ---------------------------------------------------------------------------------

    @property
    def needs_task(self) -> bool:
        """Something waits for the task: to catch up, to look for what was sent before, or to recover from a fault."""
        return self._behind or self._fault is not None or bool(self.room.doubted)

    def submit(self, command: Command) -> None:
        """Take a command; its `done` or `failed` is called when the outcome is known. Raises `ChatError` when it is refused at once."""
        room = self.room
        try:
            room.check(command)
        except Blocked:
            # The block may have been taken back where nobody lived to tell: the command is judged once more at the end of the log.
            self.catch_up()
        except ChatError as error:
            if not room.doubt(command, error):
                raise
            self._look()
            return
        if command.reply_to is not None and command.reply_to > room.head.seq:
            self.catch_up()  # it may be there, and have come to the sender on another node
        if room.waiting >= MOST_WAITING:
            raise ChatError(Code.OVERLOADED, "too much is waiting in this chat", retry_after_ms=1000)
        self.active = True
        if room.accept(command):
            if room.detour is not None and command.fresh:
                self._retry.divert(self)
            elif not self._behind:
                self._commit(self)
        if not self.running:
            self._wake(self)

    def resubmit(self, command: Requeued) -> None:
        """Take a message that has waited in the retry queue. Whether it may be written is decided at its place in the log alone."""
        self.room.mailbox.append(command)
        self.go_on()

    def go_on(self) -> None:
        """What waits here may be written."""
        self.active = True
        if self.room.mailbox and not self._behind:
            self._commit(self)
        if not self.running:
            self._wake(self)

    def plan(self, limit: int) -> list[LogWrite]:
        """What to write next, at most `limit` entries. Nothing while the room is behind the log, or after a fault."""
        if self._behind or self._fault is not None or self.room.writing:
            return []
        try:
            planned = self.room.plan(limit)
            if self.room.doubted:
                self._look()
            return planned
        except Exception as error:  # noqa: BLE001 - becomes the crash of this router's own task
            self.room.unplan()
            self._fail(error)
            return []

    def settle(self, outcomes: list[Outcome]) -> None:
        """The batch with this room's planned entries is back from the store."""
        try:
            self._settle(outcomes)
        except Exception as error:  # noqa: BLE001 - becomes the crash of this router's own task
            self._fail(error)

    def unwritten(self, expired: float) -> int:
        """The store did not answer: what was planned waits again, what waited too long is queued or refused. Returns how many were refused."""
        self.room.unplan()
        return self.tend(expired)

    def tend(self, now: float) -> int:
        """Let go of what has waited too long: new messages go to the retry queue, all of them, so that they stay in order; others are refused."""
        # What is being written comes before what waits here, and may come back.
        if not self.room.writing and (self.room.detour is not None or self._retry.is_late(self, now)):
            self._retry.divert(self)
        late = self.room.expire(now)
        for command in late:
            self.room.refuse(command, unavailable("the message store"))
        return len(late)

    def rejected(self, error: Exception) -> None:
        """The store does not take the one entry that was planned: its command has taken this router down."""
        self.room.unplan()
        self.room.mailbox[0].tries += 1
        self._fail(error)

    def receive(self, event: Event) -> None:
        """Something that another node did in this chat."""
        try:
            if type(event) is LogEvent:
                self._receive_entry(event)
            elif type(event) is CursorsMoved:
                self._tell_cursors_here([Moved(*each) for each in event.moved])
            elif type(event) is ReceiptsSummed:
                self._tell_sum_here(event)
            elif type(event) is OpenEvent:
                self.deliver_open(Prepared(event.text))
            elif type(event) is Detoured:
                self._retry.follow(self)
        except Exception as error:  # noqa: BLE001 - becomes the crash of this router's own task
            self._fail(error)

    def deliver(self, prepared: Prepared) -> None:
        """To every subscriber on this node."""
        for subscriber in self.room.subscribers:
            subscriber.push(prepared)

    def deliver_open(self, prepared: Prepared) -> None:
        """To everyone on this node who has the chat open."""
        self.room.diffs += 1
        for opener in self.room.openers:
            opener.push(prepared)

    def tell_cursors(self, moved: list[Moved]) -> None:
        """To everyone in the chat, everywhere: how far these members have come now."""
        self._tell_cursors_here(moved)
        self._fanout.tell_chat(self.room.chat.id, CursorsMoved([*moved]))

    def _tell_cursors_here(self, moved: list[Moved]) -> None:
        room = self.room
        room.touched = tick()
        shown, others = frames(room.chat.id, moved), None
        for subscriber in room.subscribers:
            if not subscriber.hides_reads:
                subscriber.push(shown)
                continue
            others = others or frames_without_reads(room.chat.id, moved)
            subscriber.push(others)

    def tell_sum(self, text: bytes, sender_id: str) -> None:
        """A frame about how many have received and read, to the owner and admins everywhere, and to the sender of a message."""
        event = ReceiptsSummed(text, sender_id)
        self._tell_sum_here(event)
        self._fanout.tell_chat(self.room.chat.id, event)

    def _tell_sum_here(self, event: ReceiptsSummed) -> None:
        prepared = Prepared(event.text)
        for subscriber in self.room.subscribers:
            role = self.room.roles.get(subscriber.user_id)
            concerned = role in _MANAGING or subscriber.user_id == event.sender_id
            if concerned and not subscriber.hides_reads:
                subscriber.push(prepared)

    def tell_open(self, text: bytes) -> None:
        """A frame for everyone, everywhere, who has the chat open."""
        self.deliver_open(Prepared(text))
        self._fanout.tell_chat(self.room.chat.id, OpenEvent(text))

    def catch_up(self, rev: int = 0) -> None:
        """Something up to `rev` was missed: have the task read what is new in the log."""
        self.room.wanted_rev = max(self.room.wanted_rev, rev)
        self._behind = True
        self.active = True
        self._wake(self)
        self._signal.set()

    async def reach(self, rev: int) -> None:
        """Catch up, and wait until the room has come as far as `rev`, which has to be in the record."""
        while self.room.head.rev < rev:
            caught_up = self._caught_up
            self.catch_up(rev)
            await caught_up.wait()

    def _settle(self, outcomes: list[Outcome]) -> None:
        room = self.room
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
                        self.catch_up()
                settled += 1
        except Exception as error:  # noqa: BLE001 - raised below, once the others have what is theirs
            fault = error
            back += [command for command, _ in pairs[settled + 1 :]]
        room.put_back(back)
        if frames:
            self.deliver(together(frames))
        if events:
            self._fanout.publish(CHAT_TOPIC + room.chat.id, events)
        for change, joined in changed:
            self._after_change(change, joined=joined)
        if fault is not None:
            room.refuse(pairs[settled][0], ChatError(Code.INTERNAL, "this could not be served"))
            raise fault
        if room.mailbox and not self._behind:
            self._commit(self)

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
        room = self.room
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
            self._tell_user(entry)
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
        self.room.forget(command)
        events.append(LogEvent(message.rev, message.seq, entry_text(message, encoded, new=True)))
        self._notifier.wrote(self.room.chat.id, message.seq)
        if message.rev > self.room.head.rev:
            self.catch_up(message.rev)
        _answer(command, message, encoded, created=False)

    def _receive_entry(self, event: LogEvent) -> None:
        room = self.room
        head = room.head
        if event.rev <= head.rev:
            return
        if self._behind or event.rev != head.rev + 1 or (event.seq and event.seq != head.seq + 1):
            self.catch_up(event.rev)
            return
        self.active = True
        room.advance_to(event.rev, event.seq)
        if event.text:
            self.deliver(Prepared(event.text))
        if event.change is not None:
            joined = room.roles.get(event.change.user_id or "") is None
            room.fold(event.change)
            self._after_change(event.change, joined=joined, own=False)

    def _after_change(self, change: Change, *, joined: bool, own: bool = True) -> None:
        """Who is connected to the chat follows from who is in it; `own` changes are also told to the user they concern."""
        room = self.room
        if change.kind in UNSEEN:
            if room.blockers:
                # Who is there is seen by whoever has the chat open.
                for session in tuple(room.openers):
                    session.close_chat(room)
            return
        gone = change.kind is ChangeKind.CHAT_DELETED
        if gone or change.kind is ChangeKind.MEMBER_REMOVED:
            # Openers too: a connection can have the chat open without having joined `me`.
            for session in (*room.subscribers, *room.openers):
                if gone or session.user_id == change.user_id:
                    session.left_chat(room)
            if own and change.user_id is not None:
                self._fanout.chat_left(room.chat.id, change.user_id)
        elif change.user_id is not None and joined:
            if own:
                self._fanout.chat_created(room.chat.id, [change.user_id])
            else:
                self._fanout.joined_here(room.chat.id, change.user_id)

    def _look(self) -> None:
        """Have the task look for what was sent before."""
        self.active = True
        self._wake(self)
        self._signal.set()

    def _fail(self, error: Exception) -> None:
        self._fault = error
        self._behind = True
        self._wake(self)
        self._signal.set()

    # -- the task -------------------------------------------------------------------------------------------------

    async def run(self, child: Child) -> None:
        """Catch up whenever something was missed; end when nothing has happened for `idle_s`."""
        self.running = True
        child.mailbox_length = lambda: len(self.room.mailbox)
        try:
            child.ready()
            self._set_aside_poison()
            self._fault = None
            with child.cancel_on_stop():
                while self.active or self.needs_task:
                    self.active = False
                    with trio.move_on_after(self._idle_s):
                        await self._attend()
                self.room.drop_strangers()
        finally:
            self.running = False
            if child.stopping and self.needs_task:
                self._wake(self)  # its supervisor goes, not the room: nobody else would start the task again

    async def _attend(self) -> None:
        while True:
            if self._fault is not None:
                fault = self._fault
                raise fault
            if self._behind:
                await self._resume()
            while self.room.doubted:
                await self._give_first_answer()
            await self._signal.wait()

    def _set_aside_poison(self) -> None:
        command = self.room.poison()
        if command is not None:
            self._bury(command, self.room.chat.id, repr(self._fault))
            self.room.refuse(command, dead_lettered(command))

    async def _resume(self) -> None:
        """Read what is new until nothing is missing, deliver it in order, and let writing go on."""
        pause = FIRST_PAUSE_S
        while True:
            try:
                entries = await self._read_new()
            except StoreUnavailable:
                # What waits here is in no batch, so nobody else sees that its time is up.
                self.tend(trio.current_time())
                await trio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_S)
                continue
            self._take_in(entries)
            if not entries or self.room.head.rev >= self.room.wanted_rev:
                break
        self._behind = False
        self._caught_up.set()
        self._caught_up = trio.Event()
        if self.room.mailbox:
            self._commit(self)

    async def _give_first_answer(self) -> None:
        """Whoever may not send any more is nevertheless told what became of what they sent while they might."""
        command, refusal = self.room.doubted[0]
        there: Message | None = None
        try:
            there = await self._log.find(self.room.chat.id, command.actor_id, command.client_id)
        except StoreUnavailable:
            refusal = unavailable("the message store")
        self.room.doubted.pop(0)
        if there is None:
            self.room.refuse(command, refusal)
        else:
            self.room.forget(command)
            _answer(command, there, message_json(there), created=False)

    async def _read_new(self) -> list[LogEntry]:
        entries: list[LogEntry] = []
        after = self.room.head.rev
        while True:
            (page,) = await self._log.changes(
                [ChangesQuery(chat_id=self.room.chat.id, after_rev=after, limit=PAGE)]
            )
            entries += page
            if len(page) < PAGE:
                return entries
            after = page[-1].rev

    def _take_in(self, entries: list[LogEntry]) -> None:
        """Deliver entries read from the record, and settle the commands among those waiting that turn out to have made them."""
        room = self.room
        for entry, new in in_order(entries, room.head):
            encoded = message_json(entry) if type(entry) is Message else b"{}"
            text = entry_text(entry, encoded, new=new)
            joined = type(entry) is Change and room.roles.get(entry.user_id or "") is None
            room.advance_to(entry.rev, entry.seq if new and type(entry) is Message else 0)
            if text:
                self.deliver(Prepared(text))
            if type(entry) is Change:
                room.fold(entry)
                self._after_change(entry, joined=joined, own=False)
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
                self._tell_user(entry)
                self._note(entry, entry)
            _answer(command, entry, encoded, created=True)

    def _tell_user(self, change: Change) -> None:
        if change.user_id is not None and change.kind is ChangeKind.MEMBER_SET:
            self._fanout.chat_created(self.room.chat.id, [change.user_id])
        elif change.user_id is not None and change.kind is ChangeKind.MEMBER_REMOVED:
            self._fanout.chat_left(self.room.chat.id, change.user_id)


def _answer(command: Command, entry: LogEntry, encoded: bytes, *, created: bool) -> None:
    command.done(entry, encoded, created=created)
    if isinstance(command, Send):
        for twin in command.twins:
            twin.done(entry, encoded, created=False)
