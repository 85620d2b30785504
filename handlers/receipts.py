"""Delivered and read cursors: gathered, raised in the record, then told.

A reader who scrolls raises the same cursor many times: what comes while one write is under way is merged into one write and one event per
chat and user.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import trio

from handlers.errors import ChatError, Code, not_found, unavailable
from handlers.fanout import Fanout
from handlers.protocol import ME, encode, event_text
from handlers.routers import Routers
from handlers.signal import Signal
from handlers.wire import CursorMoved
from persistence.errors import StoreUnavailable
from persistence.models import ChatType, CursorWrite, Member
from persistence.ports import Chats
from supervisors import Child

MOST_AT_ONCE: Final = 500
MOST_WAITING: Final = 20_000
"""Cursors that wait to be written."""
MOST_ANSWERS: Final = 1_000
"""Answers that wait for one of them."""

Answer = Callable[[ChatError | None], None]


class _Pending:
    __slots__ = ("answers", "delivered", "hidden", "read")

    def __init__(self) -> None:
        self.delivered = 0
        self.read = 0
        self.hidden = False
        self.answers: list[Answer] = []


class Receipts:
    """Raises members' cursors and tells those who may know.

    In a direct chat or group that is everyone there; in a channel, or for a user who hides what they read, only the user's own devices.
    """

    def __init__(self, chats: Chats, routers: Routers, fanout: Fanout, clock: Callable[[], int]) -> None:
        self._chats = chats
        self._routers = routers
        self._fanout = fanout
        self._clock = clock
        self._pending: dict[tuple[str, str], _Pending] = {}
        self._work = Signal()

    def mark(
        self,
        chat_id: str,
        user_id: str,
        answer: Answer,
        *,
        delivered: int = 0,
        read: int = 0,
        hidden: bool = False,
    ) -> None:
        """Queue a cursor; `answer` is called once it is durable, or with the error. Raises `ChatError` (`OVERLOADED`, `RATE_LIMITED`)."""
        key = (chat_id, user_id)
        pending = self._pending.get(key)
        if pending is None:
            if len(self._pending) >= MOST_WAITING:
                raise ChatError(Code.OVERLOADED, "too many receipts are waiting", retry_after_ms=1000)
            pending = self._pending[key] = _Pending()
        elif len(pending.answers) >= MOST_ANSWERS:
            raise ChatError(Code.RATE_LIMITED, "too many receipts for one chat", retry_after_ms=1000)
        pending.delivered = max(pending.delivered, delivered)
        pending.read = max(pending.read, read)
        pending.hidden |= hidden
        pending.answers.append(answer)
        self._work.set()

    async def mark_and_wait(self, chat_id: str, user_id: str, *, read: int, hidden: bool) -> None:
        """`mark` a read cursor, and wait for the answer. Raises `ChatError`."""
        done = trio.Event()
        failures: list[ChatError] = []

        def answer(error: ChatError | None) -> None:
            if error is not None:
                failures.append(error)
            done.set()

        self.mark(chat_id, user_id, answer, read=read, hidden=hidden)
        await done.wait()
        if failures:
            raise failures[0]

    async def run(self, child: Child) -> None:
        """The writer of cursors, as a supervised child; asked to stop, it writes what waits."""
        self._work.set()
        child.ready()
        with child.cancel_on_stop():
            while True:
                await self._work.wait()
                await self._flush()
        await self._flush()

    async def _flush(self) -> None:
        while self._pending:
            keys = list(self._pending)[:MOST_AT_ONCE]
            batch = [(key, self._pending.pop(key)) for key in keys]
            now = self._clock()
            writes = [
                CursorWrite(
                    chat_id=chat_id,
                    user_id=user_id,
                    delivered_seq=max(p.delivered, p.read),
                    read_seq=p.read,
                    at=now,
                )
                for (chat_id, user_id), p in batch
            ]
            try:
                with trio.CancelScope(
                    shield=True
                ):  # cursors under way are answered even when a stop comes in between
                    members = await self._chats.raise_cursors(writes)
            except StoreUnavailable:
                error = unavailable("the record")
                for _, pending in batch:
                    _answer(pending, error)
                continue
            except Exception:
                for _, pending in batch:
                    _answer(pending, ChatError(Code.INTERNAL, "this could not be served"))
                raise
            for (_, pending), member in zip(batch, members, strict=True):
                if member is None:
                    _answer(pending, not_found("chat"))
                else:
                    _answer(pending, None)
                    self._tell(pending, member)

    def _tell(self, pending: _Pending, member: Member) -> None:
        """Tell what this write has raised; what another has raised further is told by that one."""
        read = pending.read and pending.read == member.read_seq
        if read:
            self._event("MESSAGE_READ", member, pending.read, hidden=pending.hidden)
        delivered = max(pending.delivered, pending.read)
        # Who has read has received: only where that is not said already.
        said = read and not pending.hidden and delivered == pending.read
        if delivered == member.delivered_seq and not said:
            self._event("MESSAGE_DELIVERED", member, delivered, hidden=False)

    def _event(self, name: str, member: Member, seq: int, *, hidden: bool) -> None:
        moved = CursorMoved(chat_id=member.chat_id, user_id=member.user_id, seq=seq)
        router = self._routers.get(member.chat_id)
        if hidden or router is None or router.room.chat.type is ChatType.CHANNEL:
            self._fanout.tell_user(member.user_id, name, moved)
        else:
            router.tell(event_text(ME, name, encode(moved)))


def _answer(pending: _Pending, error: ChatError | None) -> None:
    for answer in pending.answers:
        answer(error)
