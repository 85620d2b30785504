"""Log files of the stack's processes: limited in size, with one older file beside each."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import BinaryIO, Final

MOST_BYTES: Final = 8 * 1024 * 1024
_LAST_LINES: Final = 20


class LogFile:
    """Takes a process's lines. Beyond `most_bytes` the file becomes `<name>.1`, replacing the one before."""

    def __init__(self, path: Path, *, most_bytes: int = MOST_BYTES) -> None:
        self.path = path
        self.last: deque[str] = deque(maxlen=_LAST_LINES)
        self._most_bytes = most_bytes
        self._file: BinaryIO | None = None
        self._size = 0

    def write(self, line: str) -> None:
        """Append a line."""
        self.last.append(line)
        if self._file is None or self._size >= self._most_bytes:
            self._open()
        assert self._file is not None
        self._size += self._file.write(f"{line}\n".encode(errors="replace"))

    def close(self) -> None:
        """Close the file; the next line opens it again."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> None:
        self.close()
        if self.path.exists() and self.path.stat().st_size >= self._most_bytes:
            self.path.replace(self.path.with_name(self.path.name + ".1"))
        self._file = self.path.open("ab", buffering=0)
        self._size = self.path.stat().st_size
