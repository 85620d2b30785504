"""The audit log: who signed in, who changed roles and membership, who deleted, which operator looked at what.

`note` is for what has happened already, or is refused anyway: it never waits, and never fails. What gathers while one batch is written goes into the
next, so a note is durable within a write or two (milliseconds); a node that is killed loses what it had not written by then. `record` is for
what must not go on without its entry: it returns when the entry is durable, or raises.

What is done in a chat's log leaves its note there, in the same transaction (`AuditLog.pending`): no crash loses it. The node that made the change
brings it here at once (`settle`); what it did not live to bring is found by any node, a little later.

Nothing that people write, no token, no password and no whole phone number is ever noted.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Final

import trio

from handlers.audit.writer import AuditWriter
from handlers.outage import Outage
from handlers.signal import Signal
from persistence.errors import StoreUnavailable
from persistence.models import AuditAction, AuditNote
from persistence.models.audit import Fact
from persistence.ports import AuditLog
from supervisors import Child

MOST_WAITING: Final = 10_000
"""Notes that may wait for the record. What comes beyond is dropped, and the log says how much it was."""
MOST_ADDRESS: Final = 64
"""Characters of an address; what a proxy says may be anything."""
MOST_AT_ONCE: Final = 200
"""Entries in one write."""
SWEEP_S: Final = 30.0
"""Seconds between looks for what other nodes did not live to bring."""
GRACE_MS: Final = 10_000
"""What is pending for less is left to the node that did it."""
ANCHOR_S: Final = 600.0
"""Seconds between two lines in the process's log that say where the audit log ends."""
FIRST_PAUSE_S: Final = 0.05
LONGEST_PAUSE_S: Final = 2.0

log: Final = logging.getLogger(__name__)


class _Waiting:
    """A note on its way. `event` and `error` are for whoever waits until it is durable; `owed`: the messages' log keeps it until it is."""

    __slots__ = ("error", "event", "note", "owed")

    def __init__(self, note: AuditNote, *, owed: bool = False, event: trio.Event | None = None) -> None:
        self.note = note
        self.owed = owed
        self.event = event
        self.error: StoreUnavailable | None = None


class Audit:
    """Writes this node's notes to the log that all nodes share.

    Args:
        store: that log.
        clock: milliseconds since the epoch.
        node: this node's name, different at each start; it makes the notes' ids.

    Attributes:
        written, dropped: notes since the start.

    """

    def __init__(self, store: AuditLog, clock: Callable[[], int], node: str) -> None:
        self._store = store
        self._clock = clock
        self._node = node
        self._numbers = count(1)
        self._waiting: list[_Waiting] = []
        self._unsaid = 0
        self._writer = AuditWriter(store)
        self._anchored = 0
        self._work = Signal()
        self._outage = Outage(log, "the audit log cannot be written", "the audit log is written again")
        self.written = 0
        self.dropped = 0

    # -- what happens ----------------------------------------------------------------------------------------------

    def note(
        self,
        action: AuditAction,
        *,
        actor_id: str = "",
        device_id: str = "",
        address: str = "",
        about: Mapping[str, Fact] = {},
    ) -> None:
        """Something has happened. Never blocks and never raises.

        Args:
            action: what.
            actor_id: who did it; like what follows, empty where it is not known.
            device_id: of theirs.
            address: where from.
            about: what else there is to say; `user_id` and `chat_id` can be searched for.

        """
        self._add(_Waiting(self._make(action, actor_id, device_id, address, about=about)))

    async def record(
        self,
        action: AuditAction,
        *,
        actor_id: str = "",
        device_id: str = "",
        address: str = "",
        about: Mapping[str, Fact] = {},
    ) -> None:
        """The same, and return when it is durable. Raises `StoreUnavailable`: then it may be there or not."""
        durable = trio.Event()
        waiting = _Waiting(self._make(action, actor_id, device_id, address, about=about), event=durable)
        self._add(waiting)
        await durable.wait()
        if waiting.error is not None:
            raise waiting.error

    def settle(self, note: AuditNote) -> None:
        """A change in a chat's log is durable, and so is its note there: bring it here. Never blocks and never raises."""
        self._add(_Waiting(note, owed=True))

    def _make(
        self,
        action: AuditAction,
        actor_id: str = "",
        device_id: str = "",
        address: str = "",
        *,
        about: Mapping[str, Fact],
    ) -> AuditNote:
        return AuditNote(
            id=f"{self._node}/{next(self._numbers)}",
            at=self._clock(),
            action=action,
            actor_id=actor_id,
            device_id=device_id,
            address=address[:MOST_ADDRESS],
            about=about,
        )

    def _add(self, waiting: _Waiting) -> None:
        if len(self._waiting) >= MOST_WAITING:
            self._drop(waiting)
            return
        self._waiting.append(waiting)
        self._work.set()

    def _drop(self, waiting: _Waiting) -> None:
        if waiting.owed:
            return  # it is not lost: the messages' log has it
        self.dropped += 1
        self._unsaid += 1
        if waiting.event is not None:
            waiting.error = StoreUnavailable("mongodb", "too much is waiting for the audit log")
            waiting.event.set()

    # -- the process -----------------------------------------------------------------------------------------------

    async def run(self, child: Child) -> None:
        """The writer, as a supervised child. When asked to stop, it first writes what waits, as long as the record answers."""
        self._work.set()
        child.mailbox_length = lambda: len(self._waiting)
        child.ready()
        pause = FIRST_PAUSE_S
        sweep_at = trio.current_time() + SWEEP_S
        anchor_at = trio.current_time() + ANCHOR_S
        with child.cancel_on_stop():
            while True:
                with trio.move_on_at(sweep_at):
                    await self._work.wait()
                while self._waiting:
                    if await self._write():
                        pause = FIRST_PAUSE_S
                    else:
                        await trio.sleep(pause)
                        pause = min(pause * 2, LONGEST_PAUSE_S)
                if trio.current_time() >= sweep_at:
                    await self._sweep()
                    sweep_at = trio.current_time() + SWEEP_S
                if trio.current_time() >= anchor_at:
                    self._anchor()
                    anchor_at = trio.current_time() + ANCHOR_S
        while self._waiting and await self._write():
            pass

    async def _write(self) -> bool:
        """Write the oldest notes that wait; `False` if the record does not answer. Whoever waits for one of them learns of either."""
        if self._unsaid:
            self._waiting.insert(
                0, _Waiting(self._make(AuditAction.NOTES_LOST, about={"count": self._unsaid}))
            )
            self._unsaid = 0
        batch = self._waiting[:MOST_AT_ONCE]
        notes = [waiting.note for waiting in batch]
        try:
            # A batch is never abandoned half-way: whether it is there would have to be asked for each of its notes.
            with trio.CancelScope(shield=True):
                await self._writer.append(notes)
                owed = [waiting.note.id for waiting in batch if waiting.owed]
                if owed:
                    await self._store.settled(owed)
        except StoreUnavailable as error:
            self._outage.failed(reason=error.reason)
            self._give_up(batch, error)
            return False
        self._outage.succeeded()
        self.written += len(notes)
        done = {id(waiting) for waiting in batch}
        self._waiting = [waiting for waiting in self._waiting if id(waiting) not in done]
        for waiting in batch:
            if waiting.event is not None:
                waiting.event.set()
        return True

    def _give_up(self, batch: Sequence[_Waiting], error: StoreUnavailable) -> None:
        """Whoever waits is told now, and answers that it could not be done; all other notes stay."""
        for waiting in batch:
            if waiting.event is not None and waiting in self._waiting:
                self._waiting.remove(waiting)
                waiting.error = error
                waiting.event.set()

    async def _sweep(self) -> None:
        """Bring in what the nodes that did it have not lived to bring."""
        with self._outage.met(), trio.CancelScope(shield=True):
            notes = await self._store.pending(self._clock() - GRACE_MS, MOST_AT_ONCE)
            if notes:
                await self._writer.append(notes)
                await self._store.settled([note.id for note in notes])

    def _anchor(self) -> None:
        """Where the log ends, in the process's own log: who takes away the end of it would have to change that too."""
        head = self._writer.head
        if head is not None and head.seq != self._anchored:
            self._anchored = head.seq
            log.info("audit log", extra={"seq": head.seq, "hash": head.hash})
