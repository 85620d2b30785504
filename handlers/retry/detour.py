"""The way that a chat's new messages take while others of it wait in the retry queue: behind them."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handlers.routing.commands import Send


class Detour:
    """Of one chat, on one node.

    Attributes:
        waiting: messages accepted here, in order: on their way to the retry queue, or held back while it is being emptied.
        begun: something of the chat is known to have been queued, by this node or another, and not to have come to the record.
        marks: how often it was said that something of the chat has been queued.
        closing: since when `waiting` is held back, because what is in the queue is little and being taken to the record; `None` while it is not.

    """

    __slots__ = ("begun", "closing", "marks", "waiting")

    def __init__(self, *, begun: bool = False) -> None:
        self.waiting: deque[Send] = deque()
        self.begun = begun
        self.marks = 0
        self.closing: float | None = None

    def remove(self, settled: Collection[int]) -> list[Send]:
        """Take out the messages whose `id()` is among these; those that were there."""
        found = [command for command in self.waiting if id(command) in settled]
        if found:
            self.waiting = deque(command for command in self.waiting if id(command) not in settled)
        return found

    def expire(self, now: float) -> list[Send]:
        """Take out the messages whose deadline has passed."""
        late = [command for command in self.waiting if command.deadline <= now]
        if late:
            self.waiting = deque(command for command in self.waiting if command.deadline > now)
        return late
