"""The folder in which everything of a local stack lies, for one stack at a time.

data/mongodb data/redis data/s3     what the servers keep
data/demo/made                      there once the people to try things with have been made
log/                                a file each
run/                                lock, control sockets, `local.json`: where everything listens at the moment
secrets/s3.json                     the key pair of the object store, made once
"""

from __future__ import annotations

import fcntl
import getpass
import json
import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from server.refusal import refuse

SETTING: Final = "VAR_DIR"


@dataclass(frozen=True, slots=True)
class KeyPair:
    """What the object store knows its user by."""

    access_key_id: str
    secret_access_key: str


@dataclass(frozen=True, slots=True)
class Folder:
    """The folder, which exists, can be written and belongs to this process. Made by `opened`."""

    root: Path

    @property
    def logs(self) -> Path:
        """Where log files are."""
        return self.root / "log"

    @property
    def run(self) -> Path:
        """Where sockets and the record are."""
        return self.root / "run"

    def data(self, name: str) -> Path:
        """The data folder of one server."""
        path = self.root / "data" / name
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path

    def key_pair(self) -> KeyPair:
        """The key pair, made at the first time."""
        path = self.root / "secrets" / "s3.json"
        if not path.exists():
            pair = {"access_key_id": secrets.token_hex(10), "secret_access_key": secrets.token_urlsafe(30)}
            write_whole(path, json.dumps(pair))
        try:
            return KeyPair(**json.loads(path.read_text()))
        except (ValueError, TypeError) as error:
            raise refuse(
                SETTING, f"{path} is not what it was written as: remove it, and a new key pair is made"
            ) from error

    def recorded(self) -> dict[str, Any]:
        """What was recorded last; empty at the first time."""
        try:
            record = json.loads((self.run / "local.json").read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return record if isinstance(record, dict) else {}

    def record(self, facts: Mapping[str, Any]) -> None:
        """Keep where everything listens, for other programs and for the next start."""
        write_whole(self.run / "local.json", json.dumps(facts, indent=1))


@contextmanager
def opened(root: Path) -> Iterator[Folder]:
    """The folder, made if need be, for this process alone. Raises `Refusal`."""
    folder = Folder(root.absolute())
    try:
        folder.root.mkdir(parents=True, exist_ok=True)
        for name in ("data", "log", "run", "secrets"):
            path = folder.root / name
            path.mkdir(mode=0o700, exist_ok=True)
            with tempfile.TemporaryFile(dir=path):
                pass
        lock = os.open(folder.run / "local.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        where = error.filename if isinstance(error.filename, str) else str(folder.root)
        raise refuse(
            SETTING,
            f"{where} cannot be written by {_user()} ({error.strerror}): change its owner or mode, or set {SETTING} to another folder",
        ) from error
    try:
        _take(lock, folder)
        yield folder
    finally:
        os.close(lock)


def _take(lock: int, folder: Folder) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.read(lock, 32).decode(errors="replace").strip() or "unknown"
        raise refuse(
            SETTING,
            f"{folder.root} is in use by another local stack (process {holder}): stop that one, or set {SETTING} to another folder",
        ) from error
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)


def in_use(folder: Folder) -> bool:
    """Whether a stack runs from the folder: its lock is held."""
    try:
        lock = os.open(folder.run / "local.lock", os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def write_whole(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)  # mkstemp: mode 600
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    Path(temporary).replace(path)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"
