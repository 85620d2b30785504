"""A whole node as it is composed for production, on a port of its own, but over the stores in memory."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from prometheus_client import CollectorRegistry

from config.settings import Settings
from server import node as module
from supervisors import Supervisor, open_supervisor
from tests.memory_stores import memory_stores


class MemoryNode:
    """A node that runs in this process, and what tests see of it.

    Attributes:
        root: its tree.
        metrics: what `/metrics` tells.

    """

    def __init__(self, root: Supervisor, metrics: CollectorRegistry) -> None:
        self.root = root
        self.metrics = metrics
        self.addresses = _Addresses()

    @property
    def port(self) -> int:
        """Where it listens at present."""
        return int(self.addresses.found[-1].rpartition(":")[2])

    async def listens(self, *, again: bool) -> None:
        """Wait until it listens, for the second time."""
        with trio.fail_after(30):
            while len(self.addresses.found) < 1 + again:
                await self.addresses.another.wait()

    async def request(
        self, method: str, path: str, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Status and body, on a connection of its own."""
        wanted = {"Host": "a", "Connection": "close"} | (headers or {})
        lines = "".join(f"{name}: {value}\r\n" for name, value in wanted.items())
        with trio.fail_after(30):
            stream = await trio.open_tcp_stream("127.0.0.1", self.port)
            async with stream:
                await stream.send_all(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode())
                answer = b"".join([bytes(piece) async for piece in stream])
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), body


def make(patch: pytest.MonkeyPatch, folder: Path, **settings: Any) -> MemoryNode:
    """`make_node`, with other stores."""
    made: list[CollectorRegistry] = []

    def registry() -> CollectorRegistry:
        made.append(CollectorRegistry())
        return made[0]

    patch.setattr(module, "real_stores", lambda settings, incarnation: memory_stores(incarnation))
    patch.setattr(module, "CollectorRegistry", registry)
    root = module.make_node(Settings(port=0, var_dir=folder, **settings))
    (metrics,) = made
    return MemoryNode(root, metrics)


class _Addresses(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.another = trio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if record.msg == "listening on %s":
            self.found.append(record.__dict__["address"])
            self.another.set()
            self.another = trio.Event()


@asynccontextmanager
async def running(patch: pytest.MonkeyPatch, folder: Path, **settings: Any) -> AsyncIterator[MemoryNode]:
    """One that serves."""
    node = make(patch, folder, **settings)
    log = logging.getLogger("server.endpoint")
    level = log.level
    log.setLevel(logging.INFO)
    log.addHandler(node.addresses)
    try:
        async with open_supervisor(node.root):
            yield node
    finally:
        log.removeHandler(node.addresses)
        log.setLevel(level)
