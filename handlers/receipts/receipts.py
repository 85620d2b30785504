"""Delivered and read cursors: gathered, raised in the record, then told.

A reader who scrolls raises the same cursor many times: what comes while one write is under way, or shortly after one, is merged into one write, and into
one publication and one delivery per chat. Of each member only how far they have come now is told.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

import trio

from handlers.errors import ChatError, Code, not_found, unavailable
from handlers.nodes.fanout import Fanout
from handlers.receipts.cursors import Moved
from handlers.receipts.sums import ReceiptSums
from handlers.routing.routers import Routers
from handlers.signal import Signal
from handlers.wire import CursorMoved
from persistence.errors import StoreUnavailable
from persistence.models import CursorWrite, Member
from persistence.ports import Chats
from supervisors import Child

MOST_AT_ONCE: Final = 500
GATHER_S: Final = 0.05
"""Between the beginnings of two writes: under load cursors gather, idle none waits."""
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

    In a direct chat or group that is everyone there. In a channel or large group it is the user's own devices, and the others are summed
    (`ReceiptSums`); what a user who hides it has read only their own devices are told.
    """

    def __init__(
        self, chats: Chats, routers: Routers, sums: ReceiptSums, fanout: Fanout, clock: Callable[[], int]
    ) -> None:
        self._chats = chats
        self._routers = routers
        self._sums = sums
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
        next_at = trio.current_time()
        with child.cancel_on_stop():
            while True:
                await self._work.wait()
                await trio.sleep_until(next_at)
                next_at = trio.current_time() + GATHER_S
                await self._flush()
        await self._flush()

    async def _flush(self) -> None:
        while self._pending:
            keys = list(self._pending)[:MOST_AT_ONCE]
            batch = [(key, self._pending.pop(key)) for key in keys]
            members = await self._write(batch)
            if members is None:
                continue
            moved: dict[str, list[tuple[_Pending, Member]]] = {}
            for (_, pending), member in zip(batch, members, strict=True):
                if member is None:
                    _answer(pending, not_found("chat"))
                else:
                    _answer(pending, None)
                    moved.setdefault(member.chat_id, []).append((pending, member))
            await self._tell(moved)

    async def _write(self, batch: Sequence[tuple[tuple[str, str], _Pending]]) -> list[Member | None] | None:
        """The members afterwards; `None` when it failed, and everybody has been told."""
        now = self._clock()
        writes = [
            CursorWrite(
                chat_id=chat_id,
                user_id=user_id,
                delivered_seq=max(p.delivered, p.read),
                read_seq=p.read,
                hidden=p.hidden,
                at=now,
            )
            for (chat_id, user_id), p in batch
        ]
        try:
            # Cursors under way are answered even when a stop comes in between.
            with trio.CancelScope(shield=True):
                members = await self._chats.raise_cursors(writes)
        except StoreUnavailable:
            error = unavailable("the record")
            for _, pending in batch:
                _answer(pending, error)
            return None
        except Exception:
            for _, pending in batch:
                _answer(pending, ChatError(Code.INTERNAL, "this could not be served"))
            raise
        return members

    async def _tell(self, moved: Mapping[str, Sequence[tuple[_Pending, Member]]]) -> None:
        routers = {chat_id: router for chat_id in moved if (router := self._routers.get(chat_id)) is not None}
        summed: Collection[str] = ()
        fault: Exception | None = None
        try:
            with trio.CancelScope(shield=True):
                summed = await self._sums.summed(list(routers.values()))
        except Exception as error:  # noqa: BLE001 - raised below: what is durable is told, whatever went wrong
            fault = error
        for chat_id, rows in moved.items():
            router = routers.get(chat_id)
            shown: list[Moved] = []
            for pending, member in rows:
                news = _news(pending, member)
                if router is None or chat_id in summed:
                    self._tell_own(chat_id, news)
                elif pending.hidden and news.read:
                    self._tell_own(chat_id, Moved(news.user_id, 0, news.read))
                    shown.append(Moved(news.user_id, max(news.delivered, news.read), 0))
                elif news.delivered or news.read:
                    shown.append(news)
            if chat_id in summed:
                self._sums.moved(chat_id)
            if router is not None and shown:
                router.audience.tell_cursors(shown)
        if fault is not None:
            raise fault

    def _tell_own(self, chat_id: str, news: Moved) -> None:
        for name, seq in (("MESSAGE_DELIVERED", news.delivered), ("MESSAGE_READ", news.read)):
            if seq:
                moved = CursorMoved(chat_id=chat_id, user_id=news.user_id, seq=seq)
                self._fanout.tell_user(news.user_id, name, moved)


def _news(pending: _Pending, member: Member) -> Moved:
    """What this write has raised; what another has raised further is told by that one."""
    read = pending.read if pending.read == member.read_seq else 0
    delivered = max(pending.delivered, pending.read)
    # Who has read has received: only where that is not said already.
    said = delivered == read or delivered != member.delivered_seq
    return Moved(member.user_id, 0 if said else delivered, read)


def _answer(pending: _Pending, error: ChatError | None) -> None:
    for answer in pending.answers:
        answer(error)
