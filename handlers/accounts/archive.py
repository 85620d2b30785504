"""A ZIP file of JSON, written a page at a time: it holds no more in memory than that."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import msgspec


class Archive:
    """The file. Every call may take a while: none is for the Trio thread.

    Args:
        path: where it is made; its folder is made, too, for nobody else to look into.

    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._zip = zipfile.ZipFile(path, "x", zipfile.ZIP_DEFLATED)
        self._name = ""
        self._entry: IO[bytes] | None = None
        self._empty = True

    def add(self, name: str, items: Sequence[Any]) -> None:
        """Items for the list that is the file of this name; calls for one name have to follow each other."""
        if name != self._name:
            self._end()
            self._name = name
            self._entry = self._zip.open(_info(name), "w", force_zip64=True)
            self._entry.write(b"[")
            self._empty = True
        assert self._entry is not None
        for item in items:
            self._entry.write(b"\n" if self._empty else b",\n")
            self._entry.write(msgspec.json.encode(item))
            self._empty = False

    def close(self) -> int:
        """It is complete; its size."""
        self._end()
        self._zip.close()
        return self._path.stat().st_size

    def discard(self) -> None:
        """It is not needed any more."""
        if self._entry is not None:
            self._entry.close()
        self._zip.close()
        self._path.unlink(missing_ok=True)

    def _end(self) -> None:
        if self._entry is not None:
            self._entry.write(b"\n]\n")
            self._entry.close()
        self._entry = None
        self._name = ""


def forget_old(folder: Path, *, older_than_s: float) -> None:
    """Remove what a killed process has left in a folder of archives."""
    if not folder.is_dir():
        return
    for path in folder.glob("*.zip"):
        if path.stat().st_mtime < time.time() - older_than_s:
            path.unlink(missing_ok=True)


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, time.gmtime()[:6])
    info.compress_type = zipfile.ZIP_DEFLATED
    return info
