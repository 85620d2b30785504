"""What a long run is doing: one line that changes on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import Final, TextIO

TERMINAL_S: Final = 0.1
ELSEWHERE_S: Final = 2.0


class Progress:
    """Shows the newest of many states, not too often.

    Args:
        stream: where to.
        clock: seconds.

    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._terminal = stream.isatty()
        self._every = TERMINAL_S if self._terminal else ELSEWHERE_S
        self._next = float("-inf")
        self._shown = ""
        self._stage = ""

    def show(self, stage: str, detail: str) -> None:
        """Show how far this stage is, if it is time. The beginning of a stage is always shown."""
        text = f"{stage}: {detail}"
        if text == self._shown or (stage == self._stage and self._clock() < self._next):
            return
        self._stage = stage
        self._next = self._clock() + self._every
        self._shown = text
        if self._terminal:
            width = shutil.get_terminal_size().columns - 1
            self._stream.write(f"\r\x1b[K{text[:width]}")
        else:
            self._stream.write(f"{text}\n")
        self._stream.flush()

    def clear(self) -> None:
        """Take the changing line away."""
        if self._terminal and self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
        self._shown = self._stage = ""
