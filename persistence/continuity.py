"""Whether the entries of a node's inbox follow each other without a gap: the decision behind `Delivery.lost`.

An entry says under which registration of its reader it was written, which entry of the inbox it is, who published it and in which generation.
Whatever can go wrong changes one of them: a lost or trimmed entry and a deleted inbox leave a hole in the count; a publication that failed raises its
publisher's generation; a reader that was buried, or a Redis that lost its data, gives a new registration; and a publisher that died says nothing any
more, so whoever buries it does.
"""

from __future__ import annotations

from typing import Final

DEAD: Final = -1
"""The generation in which a publisher has died: what it had not yet published is in the record alone."""


class Continuity:
    """What one reader has seen."""

    def __init__(self) -> None:
        self._registration: str | None = None
        self._count = 0
        self._generations: dict[str, int] = {}

    def begin(self, registration: str) -> None:
        """The reader follows something from now on, and is registered. Only the first call counts: a later registration shows by its entries."""
        if self._registration is None:
            self._registration = registration

    def take(self, registration: str, count: int, publisher: str, generation: int) -> bool:
        """Take note of an entry; `True` if something before it may have been missed.

        Args:
            registration: of the reader, when the entry was written.
            count: of the entries in this inbox under this registration, this one included.
            publisher: who wrote it.
            generation: how often the publisher had failed to publish something by then, or `DEAD`.

        """
        missed = False
        if registration != self._registration:
            missed = self._registration is not None
            self._registration, self._count = registration, 0
        missed |= count != self._count + 1
        self._count = count
        if generation == DEAD:
            self._generations.pop(publisher, None)
            return True
        missed |= generation != self._generations.get(publisher, 0)
        self._generations[publisher] = generation
        return missed
