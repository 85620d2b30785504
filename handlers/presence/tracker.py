"""Which devices are connected to this node: written to Redis for many at once, however many come and go."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final, NamedTuple

import trio
from msgspec import structs

from handlers.outage import Outage
from handlers.presence.news import PresenceNews
from handlers.sessions.session import Session
from handlers.signal import Signal
from persistence.models import PresentDevice
from persistence.ports import Presence
from supervisors import Child

GATHER_S: Final = 0.1
"""How long arrivals and departures are gathered."""
POLL_S: Final = 2.0
"""Between two looks for what other nodes have left to tell, while anybody is connected here."""
QUIET_POLL_S: Final = 10.0
"""The same while nobody is: those nodes that have somebody look oftener."""
RETRY_S: Final = 1.0
"""Between tries while a store is away."""
ACTIVE_S: Final = 15.0
"""How often, at most, it is written that a device is in use."""

log: Final = logging.getLogger(__name__)

_Key = tuple[str, str]


class _Device:
    """A device that is here, or has just left.

    Attributes:
        row: what is, or is to be, in the store.
        sessions: its connections.
        era: of the store, when it was last written; empty if it never was.
        tried: it may be in the store.

    """

    __slots__ = ("era", "row", "sessions", "tried")

    def __init__(self, row: PresentDevice) -> None:
        self.row = row
        self.sessions: list[Session] = []
        self.era = ""
        self.tried = False


class _Left(NamedTuple):
    """A device that has left, and when."""

    device: _Device
    at: int

    def together_with(self, other: _Left) -> bool:
        """Whether one call can write both."""
        return self.device.era == other.device.era and self.at // 1000 == other.at // 1000


class PresenceTracker:
    """Keeps the store's view of this node's devices, and has `PresenceNews` tell what follows from it, here or on any other node.

    A device counts once, however many connections it has: the first arrives, the last leaves. While Redis is away nothing is told; what has changed
    meanwhile is written when it is back.
    """

    def __init__(
        self, node: str, store: Presence, news: PresenceNews, clock: Callable[[], int], *, grace_s: float
    ) -> None:
        self._node = node
        self._store = store
        self._news = news
        self._clock = clock
        self._grace_s = grace_s
        self._here: dict[_Key, _Device] = {}
        self._unsaved: dict[_Key, None] = {}
        self._gone: dict[_Key, _Left] = {}
        self._round: list[_Key] = []
        self._round_at = 0.0
        self._portion = 0
        self._due: list[float] = []
        self._work = Signal()
        self._outage = Outage(
            log,
            "who is online is not told while a store is away",
            "who is online is told again",
            level=logging.DEBUG,
        )

    def opened(self, session: Session) -> None:
        """A connection begins."""
        key = (session.user_id, session.device_id)
        device = self._here.get(key)
        if device is None:
            if key in self._gone:
                device = self._gone.pop(key).device
                if not device.tried:
                    self._unsaved[key] = None
            else:
                now = self._clock()
                device = _Device(
                    PresentDevice(
                        user_id=session.user_id,
                        device_id=session.device_id,
                        node=self._node,
                        since=now,
                        active_at=now,
                    )
                )
                self._unsaved[key] = None
                self._work.set()
            self._here[key] = device
        device.sessions.append(session)

    def closed(self, session: Session) -> None:
        """A connection is over, whether or not it had begun."""
        key = (session.user_id, session.device_id)
        device = self._here.get(key)
        if device is None or session not in device.sessions:
            return
        device.sessions.remove(session)
        if device.sessions:
            return
        del self._here[key]
        self._unsaved.pop(key, None)
        self._gone[key] = _Left(device, self._clock())
        self._work.set()

    def restore(self) -> None:
        """Redis may have lost what it knew: have this node's devices written anew."""
        self._unsaved |= dict.fromkeys(self._here)
        self._work.set()

    def bereaved(self) -> None:
        """A node has died: its devices go now, and their users are told of when the time for which they are awaited is over."""
        self._due.append(trio.current_time() + self._news.grace_s + GATHER_S)
        self._work.set()

    async def run(self, child: Child) -> None:
        """Writes what has changed and has told what is due, as a supervised child; asked to stop, it writes what waits."""
        self.restore()
        child.ready()
        with child.cancel_on_stop():
            while True:
                with trio.move_on_at(self._next_look()):
                    await self._work.wait()
                    await trio.sleep(GATHER_S)
                self._notice_use()
                if not await self._attend():
                    await trio.sleep(RETRY_S)
        await self._attend(news=False)

    def _next_look(self) -> float:
        now = trio.current_time()
        self._due = [due for due in self._due if due > now]
        return min([now + (POLL_S if self._here else QUIET_POLL_S), *self._due])

    async def _attend(self, *, news: bool = True) -> bool:
        with self._outage.met():
            await self._save()
            if news:
                await self._news.tell()
        return not self._outage.away

    async def _save(self) -> None:
        """Write what has come, gone, or is in use. Raises `StoreUnavailable`, and keeps what could not be written."""
        unsaved, self._unsaved = self._unsaved, {}
        come = [(key, device) for key in unsaved if (device := self._here.get(key)) is not None]
        # Who was here for a moment only was here: whoever awaits them begins to wait anew.
        come += [(key, left.device) for key, left in self._gone.items() if not left.device.tried]
        for _, device in come:
            device.tried = True
        while come:
            era = come[0][1].era
            try:
                current = await self._store.arrived(
                    [device.row for _, device in come if device.era == era], era=era
                )
            except BaseException:
                self._unsaved |= {key: None for key, device in come if self._here.get(key) is device}
                raise
            if era not in ("", current):
                self._news.distrust()
            come, written = (
                [(key, device) for key, device in come if device.era != era],
                [device for _, device in come if device.era == era],
            )
            for device in written:
                device.era = current
        await self._save_gone()

    async def _save_gone(self) -> None:
        gone, self._gone = self._gone, {}
        while gone:
            first = next(iter(gone.values()))
            some = {key: left for key, left in gone.items() if left.together_with(first)}
            try:
                await self._store.left(
                    [left.device.row for left in some.values()],
                    at=first.at,
                    grace_s=self._grace_s,
                    era=first.device.era,
                )
            except BaseException:
                # Who is back in the meantime is written in any case.
                self._gone = {key: left for key, left in gone.items() if key not in self._here} | self._gone
                raise
            self._due.append(trio.current_time() + self._grace_s + GATHER_S)
            gone = {key: left for key, left in gone.items() if key not in some}

    def _notice_use(self) -> None:
        """Have it written which devices have been used: all in turn, a portion each time, so that each is looked at about every `ACTIVE_S`."""
        now = trio.current_time()
        if not self._round:
            if now < self._round_at:
                return
            self._round = list(self._here)
            self._round_at = now + ACTIVE_S
            self._portion = 1 + int(len(self._round) * POLL_S / ACTIVE_S)
        looked_at, self._round = self._round[: self._portion], self._round[self._portion :]
        for key in looked_at:
            device = self._here.get(key)
            if device is not None and any(session.used for session in device.sessions):
                for session in device.sessions:
                    session.used = False
                device.row = structs.replace(device.row, active_at=self._clock())
                self._unsaved[key] = None
