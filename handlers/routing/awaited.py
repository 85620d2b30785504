"""The outcome of a command, for a caller that waits for it in a task."""

from __future__ import annotations

from typing import Final, Literal

import trio

from handlers.errors import ChatError
from persistence.models import LogEntry

Queued = Literal["queued"]
QUEUED: Final[Queued] = "queued"
"""It waits in the retry queue: what becomes of it is not known yet."""


class Awaited:
    """Set once."""

    __slots__ = ("_event", "_result")

    def __init__(self) -> None:
        self._event = trio.Event()
        self._result: tuple[LogEntry, bool] | ChatError | Queued | None = None

    def set(self, result: tuple[LogEntry, bool] | ChatError | Queued) -> None:
        """The command is settled."""
        self._result = result
        self._event.set()

    async def get(self) -> tuple[LogEntry, bool] | Queued:
        """`(entry, created)`, or that it is queued. Raises the `ChatError` it failed with."""
        await self._event.wait()
        assert self._result is not None
        if isinstance(self._result, ChatError):
            raise self._result
        return self._result


class Awaits:
    """A command whose caller waits in a task."""

    __slots__ = ()
    outcome: Awaited

    def done(self, entry: LogEntry, encoded: bytes, *, created: bool) -> None:
        """It is durable."""
        self.outcome.set((entry, created))

    def failed(self, error: ChatError) -> None:
        """It was not carried out."""
        self.outcome.set(error)
