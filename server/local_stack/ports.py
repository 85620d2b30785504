"""Which ports are free."""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Iterable
from typing import Final, Self

from server.refusal import refuse

LOOPBACK: Final = "127.0.0.1"
_MOST_TRIES: Final = 200


def is_free(port: int, host: str = LOOPBACK, *, shared: bool = False) -> bool:
    """Whether the port can be listened on; with `shared`, together with others that share it.

    Raises `OSError` for an address that is not of this machine, or a port that needs privileges.
    """
    try:
        _bind(port, host, shared=shared)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return False
        raise
    return True


class Ports:
    """Chooses free ports and keeps them for this process as long as the block lasts, so that of two stacks that start at once each has its own.

    What is kept is a name in Linux's abstract socket space, which goes with the process however it ends; elsewhere nothing is kept.
    """

    def __init__(self, taken: Iterable[int] = ()) -> None:
        self._taken = set(taken)
        self._kept: list[socket.socket] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._kept:
            each.close()

    def choose(self, first: int, *, preferred: int | None, setting: str) -> int:
        """`preferred` if it is free, else the first free port from `first` on. Raises `Refusal`."""
        last = min(first + _MOST_TRIES, 65_536) - 1
        candidates: list[int] = [*([preferred] if preferred else []), *range(first, last + 1)]
        for port in candidates:
            if port not in self._taken and is_free(port) and self._keep(port):
                self._taken.add(port)
                return port
        raise refuse(setting, f"no free port from {first} to {last}: set {setting} to where there are some")

    def _keep(self, port: int) -> bool:
        if sys.platform != "linux":
            return True
        name = socket.socket(socket.AF_UNIX)
        try:
            name.bind(f"\0chat-platform/{port}")
        except OSError:
            name.close()
            return False
        self._kept.append(name)
        return True


def require(port: int, host: str, setting: str, *, shared: bool = False) -> None:
    """Raises `Refusal` if the port cannot be listened on."""
    try:
        free = is_free(port, host, shared=shared)
    except PermissionError as error:
        raise refuse(
            setting, f"port {port} needs privileges that this process has not: choose one above 1023"
        ) from error
    except OSError as error:
        raise refuse("HOST", f"cannot listen on {host}: {error.strerror or error}") from error
    if not free:
        raise refuse(
            setting,
            f"port {port} on {host} is taken by another program: choose another with --port or {setting}",
        )


def _bind(port: int, host: str, *, shared: bool) -> None:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # connections of before that linger are no obstacle
        if shared:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        probe.bind(address)
