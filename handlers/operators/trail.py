"""What this node has written and published lately, batch by batch: for operators who ask where a message is.

A bounded memory, lost with the node. It is added to once for each write and each publication, of what is known of them anyway: nothing is done for a message.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from handlers.nodes.fanout import Fanout
from persistence.models import LogWrite, Message, Outcome, Stored

MOST_SPANS: Final = 50_000
"""Spans that are remembered: some megabytes. The oldest batches go first."""
MOST_PUBLICATIONS: Final = 20_000

Span = tuple[str, int, int, int]
"""Of a chat the first and last `seq` in a batch, and the envelope that tells other nodes of them, as the fanout counts."""


class Written(NamedTuple):
    """What a node remembers of a message that it wrote, in milliseconds by its clock; `published_at` is missing before, and if the bus did not take it."""

    durable_at: int
    published_at: int | None


def stored_span(
    writes: Sequence[LogWrite], start: int, outcomes: Sequence[Outcome]
) -> tuple[str, int, int] | None:
    """Of the writes of one chat, which begin at `start`: the chat, and the first and last `seq` of the messages that are durable; `None` without any.

    Looks at the ends alone, as what follows something that was not stored is not stored either.
    """
    stop = start + len(outcomes)
    if outcomes and type(outcomes[-1]) is not Stored:
        stop = start + next(at for at, outcome in enumerate(outcomes) if type(outcome) is not Stored)
    first = next((at for at in range(start, stop) if type(writes[at]) is Message), None)
    if first is None:
        return None
    last = next(at for at in range(stop - 1, start - 1, -1) if type(writes[at]) is Message)
    one, other = writes[first], writes[last]
    assert type(one) is Message, "it was looked for"
    assert type(other) is Message, "it was looked for"
    return one.chat_id, one.seq, other.seq


class Trail:
    """Remembers batches.

    Args:
        clock: milliseconds since the epoch.
        fanout: publishes what was written; reports here.

    """

    __slots__ = ("_clock", "_fanout", "_published", "_spans", "_written")

    def __init__(self, clock: Callable[[], int], fanout: Fanout) -> None:
        self._clock = clock
        self._fanout = fanout
        self._written: deque[tuple[int, list[Span]]] = deque()
        self._spans = 0
        self._published: deque[tuple[int, int, int | None]] = deque(maxlen=MOST_PUBLICATIONS)
        fanout.watch(self._passed)

    def now(self) -> int:
        """The time, for `wrote`."""
        return self._clock()

    def queued(self) -> int:
        """The envelope that was queued last."""
        return self._fanout.queued

    def wrote(self, at: int, spans: list[Span]) -> None:
        """A batch was durable at this time."""
        if not spans:
            return
        self._written.append((at, spans))
        self._spans += len(spans)
        while self._spans > MOST_SPANS:
            self._spans -= len(self._written.popleft()[1])

    def of(self, chat_id: str, seq: int) -> Written | None:
        """What is remembered of a message, if this node wrote it and still knows."""
        for at, spans in reversed(self._written):
            for chat, first, last, envelope in spans:
                if chat == chat_id and first <= seq <= last:
                    return Written(at, self._published_at(envelope))
        return None

    def _passed(self, after: int, upto: int, published: bool) -> None:
        self._published.append((after, upto, self._clock() if published else None))

    def _published_at(self, envelope: int) -> int | None:
        return next((at for after, upto, at in reversed(self._published) if after < envelope <= upto), None)
