"""Many sockets that come and go within seconds, and a few watchers that are told of each of them."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import redis

from scripts.benchmarks.connect import close_all, open_all
from scripts.benchmarks.people import Person
from scripts.benchmarks.stack import Node
from scripts.benchmarks.wire import frames

PATIENCE_S: Final = 60.0
_CAME: Final = b'"USER_CONNECTED"'
_WENT: Final = b'"USER_DISCONNECTED"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Comings:
    """What a round gave: events expected and got, seconds from the last connect or close to the last event, CPU seconds by process, Redis calls by command."""

    sockets: int
    failed: int
    expected: int
    came: int
    went: int
    last_came_s: float
    last_went_s: float
    cpu: Mapping[str, float]
    calls: Mapping[str, int]


class Watchers:
    """Counts, in a thread, what is told to those who stay."""

    def __init__(self, sockets: Sequence[socket.socket]) -> None:
        self.came = self.went = 0
        self.last = time.perf_counter()
        self._sockets = {sock.fileno(): (sock, bytearray()) for sock in sockets}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def wait(self, done: Callable[[], bool]) -> None:
        """Until everything has come, or too long."""
        deadline = time.perf_counter() + PATIENCE_S
        while not done() and time.perf_counter() < deadline:
            time.sleep(0.02)

    def _run(self) -> None:
        epoll = select.epoll()
        for fd in self._sockets:
            epoll.register(fd, select.EPOLLIN)
        while not self._over.is_set():
            for fd, _ in epoll.poll(0.05):
                sock, data = self._sockets[fd]
                data += sock.recv(1 << 20)
                end = 0
                for start, end in frames(data, 0):
                    text = data[start:end]
                    self.came += _CAME in text
                    self.went += _WENT in text
                if end:
                    self.last = time.perf_counter()
                    del data[:end]
        epoll.close()


def come_and_go(
    node: Node,
    people: Sequence[Person],
    watchers: int,
    *,
    seconds: float,
    cpu: Callable[[], dict[str, float]],
    redis_url: str,
) -> Comings:
    """Have the first `watchers` stay, and all others come within half of the time and go within the other half."""
    staying = open_all([(node.port, person) for person in people[:watchers]])
    others = [(node.port, person) for person in people[watchers:]]
    rate = len(others) / (seconds / 2)
    with redis.Redis.from_url(redis_url) as server, Watchers(staying.all()) as watching:
        time.sleep(1)
        watching.came = watching.went = 0
        server.config_resetstat()
        before = cpu()
        opened = open_all(others, rate=rate, source="127.0.0.2")
        all_open = time.perf_counter()
        expected = len(others) - opened.failed
        watching.wait(lambda: watching.came >= expected)
        last_came_s = watching.last - all_open
        began = time.perf_counter()
        for n, sock in enumerate(opened.sockets):
            time.sleep(max(0.0, began + n / rate - time.perf_counter()))
            close_all([sock])
        all_closed = time.perf_counter()
        watching.wait(lambda: watching.went >= expected)
        after = cpu()
        stats = server.info("commandstats")
        result = Comings(
            sockets=len(others),
            failed=opened.failed,
            expected=expected,
            came=watching.came,
            went=watching.went,
            last_came_s=last_came_s,
            last_went_s=watching.last - all_closed,
            cpu={name: used - before[name] for name, used in after.items()},
            calls={name.removeprefix("cmdstat_"): int(row["calls"]) for name, row in stats.items()},
        )
    close_all(staying.sockets)
    return result


def summary(result: Comings, grace_s: float) -> str:
    """What was found, in lines."""
    scripts = sum(calls for name, calls in result.calls.items() if name.startswith(("evalsha", "eval")))
    cpu = "  ".join(f"{name} {used:.1f} s" for name, used in result.cpu.items() if used > 0.05)
    return "\n".join(
        [
            f"{result.sockets:,} sockets, {result.failed} failed; {result.came:,} and {result.went:,} of {result.expected:,} told",
            (
                f"last arrival told {result.last_came_s:.2f} s after the last connect; last departure {result.last_went_s:.2f} s after"
                f" the last close (of which {grace_s:g} s are the grace period)"
            ),
            f"CPU: {cpu}; Redis: {scripts:,} calls of scripts, {scripts / max(1, 2 * result.expected):.2f} for each coming or going",
        ]
    )
