"""A door into a running node for whoever may read its folder: a Unix socket that answers each connection with the live tree as JSON.

Needs no token and no port: the file's mode (600) decides who may ask.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
import trio

from supervisors.child import Child
from supervisors.spec import ChildSpec

log: Final = logging.getLogger(__name__)

WRITE_TIMEOUT_S: Final = 5.0
_LONGEST_ADDRESS: Final = 100  # of the 108 bytes that Linux has for it
_LARGEST_ANSWER: Final = 256 * 1024 * 1024


def control_spec(path: Path, snapshot: Callable[[], object]) -> ChildSpec:
    """The child that answers on `path` with what `snapshot()` gives, as JSON.

    Its start raises `OSError` if a living process answers there already; what a dead one left is replaced.
    """
    return ChildSpec("control", _serve, (path, snapshot))


def ask(path: Path, *, timeout_s: float = 5.0) -> bytes:
    """The answer of the process that serves this socket. Raises `OSError`: nobody does, or not in time."""
    chunks: list[bytes] = []
    with _address(path) as address, socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(timeout_s)
        connection.connect(address)
        while sum(map(len, chunks)) < _LARGEST_ANSWER:
            chunk = connection.recv(1 << 20)
            if not chunk:
                break
            chunks.append(chunk)
    return b"".join(chunks)


async def _serve(child: Child, path: Path, snapshot: Callable[[], object]) -> None:
    with _listening(path) as listener:
        child.ready()
        with child.cancel_on_stop():
            await trio.serve_listeners(partial(_answer, snapshot), [listener])


async def _answer(snapshot: Callable[[], object], stream: trio.SocketStream) -> None:
    async with stream:
        with trio.move_on_after(WRITE_TIMEOUT_S):
            try:
                await stream.send_all(msgspec.json.encode(snapshot()))
            except trio.BrokenResourceError:
                return  # whoever asked has gone
            except Exception:
                log.exception("the tree could not be told")


@contextmanager
def _listening(path: Path) -> Iterator[trio.SocketListener]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _remove_dead(path)
    with socket.socket(socket.AF_UNIX) as listener:
        os.fchmod(listener.fileno(), 0o600)  # before it has a name, so that it never is open to others
        with _address(path) as address:
            listener.bind(address)
        listener.listen(16)
        mine = path.stat().st_ino
        try:
            yield trio.SocketListener(trio.socket.from_stdlib_socket(listener))
        finally:
            if path.exists() and path.stat().st_ino == mine:
                path.unlink()


def _remove_dead(path: Path) -> None:
    """Remove the socket of a process that is gone; that of a living one stays, and binding it then fails."""
    with _address(path) as address, socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1.0)
        try:
            connection.connect(address)
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
        except FileNotFoundError:
            return


@contextmanager
def _address(path: Path) -> Iterator[str]:
    """The path, or where it is too long for a socket's address, a short way to it through an open folder (Linux)."""
    if len(os.fsencode(path)) <= _LONGEST_ADDRESS:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
