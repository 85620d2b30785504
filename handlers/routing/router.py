"""The process that serves one chat on one node: it orders, has written, and delivers.

What every message passes is synchronous: `submit` -> `plan` -> (group commit) -> `settle`, and `receive` for what other nodes wrote. What follows from
an outcome is in `handlers.routing.settlement`, who is told in `handlers.routing.audience`. The task (`run`) does what has to wait: it catches up from the record when
something was missed, and ends when the chat is quiet.

A fault anywhere is turned into a crash of the task (`_fail`): its supervisor reports and restarts it, and it resumes from the room, which has
lost nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import trio

from handlers.errors import ChatError, Code, unavailable
from handlers.nodes.events import Detoured, Event, LogEvent
from handlers.nodes.fanout import Fanout
from handlers.notifications.notifier import Notifier
from handlers.policy import Blocked
from handlers.protocol import Prepared
from handlers.retry.requeued import Requeued
from handlers.routing.audience import Audience
from handlers.routing.catch_up import in_order, read_new
from handlers.routing.commands import Command
from handlers.routing.room import Room, dead_lettered
from handlers.routing.settlement import Settlement
from handlers.routing.text import entry_text, message_json
from handlers.signal import Signal
from persistence.errors import StoreUnavailable
from persistence.models import AuditNote, Change, LogEntry, LogWrite, Message, Outcome
from persistence.ports import MessageLog
from supervisors import Child

if TYPE_CHECKING:
    from handlers.retry.queue import RetryQueue

FIRST_PAUSE_S: Final = 0.05
LONGEST_PAUSE_S: Final = 1.0
"""Between tries to read while the record does not answer."""
MOST_WAITING: Final = 2_000
"""Commands that may wait in one chat."""


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

    Attributes:
        audience: who is told what happens in the chat.

    """

    __slots__ = (
        "_bury", "_caught_up", "_commit", "_fault", "_idle_s", "_log", "_retry", "_settlement", "_signal", "_wake", "active", "audience", "queued", "room", "running",
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
        self.audience = Audience(room, fanout)
        self.running = False
        self.queued = False
        self.active = True
        self._log = log
        self._retry = retry
        self._commit = commit
        self._wake = wake
        self._bury = bury
        self._idle_s = idle_s
        self._settlement = Settlement(room, self.audience, fanout, notifier, noted)
        self._signal = Signal()
        self._caught_up = trio.Event()
        self._fault: Exception | None = None

    # -- what every message passes ---------------------------------------------------------------------------------

    @property
    def needs_task(self) -> bool:
        """Something waits for the task: to catch up, to look for what was sent before, or to recover from a fault."""
        return self.room.behind or self._fault is not None or bool(self.room.doubted)

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
            elif not room.behind:
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
        if self.room.mailbox and not self.room.behind:
            self._commit(self)
        if not self.running:
            self._wake(self)

    def plan(self, limit: int) -> list[LogWrite]:
        """What to write next, at most `limit` entries. Nothing while the room is behind the log, or after a fault."""
        if self.room.behind or self._fault is not None or self.room.writing:
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
            self._settlement.settle(outcomes)
            if self.room.behind:
                self._look()
            elif self.room.mailbox:
                self._commit(self)
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
            elif type(event) is Detoured:
                self._retry.follow(self)
            else:
                self.audience.hear(event)
        except Exception as error:  # noqa: BLE001 - becomes the crash of this router's own task
            self._fail(error)

    def catch_up(self, rev: int = 0) -> None:
        """Something up to `rev` was missed: have the task read what is new in the log."""
        self.room.fall_behind(rev)
        self._look()

    async def reach(self, rev: int) -> None:
        """Catch up, and wait until the room has come as far as `rev`, which has to be in the record."""
        while self.room.head.rev < rev:
            caught_up = self._caught_up
            self.catch_up(rev)
            await caught_up.wait()

    def _receive_entry(self, event: LogEvent) -> None:
        room = self.room
        head = room.head
        if event.rev <= head.rev:
            return
        if self.room.behind or event.rev != head.rev + 1 or (event.seq and event.seq != head.seq + 1):
            self.catch_up(event.rev)
            return
        self.active = True
        self._follow(event.rev, event.seq, event.text, event.change)

    def _follow(self, rev: int, seq: int, text: bytes, change: Change | None) -> None:
        """The next entry of the log, which was not settled here: whoever is here gets it, and the room follows it."""
        room = self.room
        room.advance_to(rev, seq)
        if text:
            self.audience.deliver(Prepared(text))
        if change is not None:
            joined = room.roles.get(change.user_id or "") is None
            room.fold(change)
            self.audience.changed(change, joined=joined, own=False)

    def _look(self) -> None:
        """Have the task see what there is for it to do."""
        self.active = True
        self._wake(self)
        self._signal.set()

    def _fail(self, error: Exception) -> None:
        self._fault = error
        self.room.behind = True
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
            if self.room.behind:
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
                entries = await read_new(self._log, self.room.chat.id, self.room.head.rev)
            except StoreUnavailable:
                # What waits here is in no batch, so nobody else sees that its time is up.
                self.tend(trio.current_time())
                await trio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_S)
                continue
            self._take_in(entries)
            if not entries or self.room.head.rev >= self.room.wanted_rev:
                break
        self.room.behind = False
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
            self._settlement.answer_again(command, there)

    def _take_in(self, entries: list[LogEntry]) -> None:
        """Deliver entries read from the record, and settle the commands among those waiting that turn out to have made them."""
        for entry, new in in_order(entries, self.room.head):
            encoded = message_json(entry) if type(entry) is Message else b"{}"
            seq = entry.seq if new and type(entry) is Message else 0
            change = entry if type(entry) is Change else None
            self._follow(entry.rev, seq, entry_text(entry, encoded, new=new), change)
        self._settlement.found(entries)
