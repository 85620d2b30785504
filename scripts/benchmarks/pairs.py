"""Direct chats: each message goes to the other's device and to the sender's own. Every frame on every connection is decoded and checked."""

from __future__ import annotations

import secrets
import select
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from socket import socket
from typing import Final

from scripts.benchmarks.connect import Opened
from scripts.benchmarks.device import Device
from scripts.benchmarks.measure import Step
from scripts.benchmarks.wire import Closed, Message, Response, decode, frames, send_frame

ROUND_S: Final = 0.003
"""Time between two looks at the sockets: what came meanwhile is taken in one go."""
DRAIN_S: Final = 5.0
LEAD_S: Final = 0.1
TEXT: Final = "A message of the usual length, as people write them to each other."


class _End(Device):
    """A device in a chat."""

    __slots__ = ("number",)

    def __init__(self, sock: socket, number: int, seq: int) -> None:
        super().__init__(sock, seq)
        self.number = number


class Pairs:
    """A load that keeps its sockets from step to step.

    Args:
        chats: ids; the devices of chat i are sockets 2i and 2i + 1.
        opened: sockets of all devices.
        both: whether both write, in turns, or only the first of each pair.
        cpu: CPU time used so far, by process.
        each: devices of a chat that are connected: 1 if only the one who writes is.

    """

    def __init__(
        self,
        chats: Sequence[str],
        opened: Opened,
        cpu: Callable[[], Mapping[str, float]],
        *,
        both: bool,
        each: int = 2,
    ) -> None:
        self._chats = chats
        self.opened = opened
        self._ends = [
            _End(sock, number, seq)
            for number, (sock, seq) in enumerate(zip(opened.all(), opened.last_seqs, strict=True))
        ]
        self._by_fd = {end.sock.fileno(): end for end in self._ends}
        self._both = both
        self._each = each
        self._cpu = cpu
        self._epoll = select.epoll()
        for fd in self._by_fd:
            self._epoll.register(fd, select.EPOLLIN)
        self.broken = False

    def step(self, rate: float, seconds: float) -> Step:
        """Send at this rate for so long, over all chats in turn, and wait for what is under way."""
        return _Run(self, rate, max(1, int(rate * seconds))).run()

    def other(self, event: str, now: float) -> bool:
        """An event that is no message; whether it was to be expected."""
        return False

    def answered(self, due: float, latency: float) -> None:
        """A message that was due then has been acknowledged."""

    def sender(self, number: int) -> int:
        """The device that sends the message of this number."""
        chat, turn = number % len(self._chats), number // len(self._chats)
        return self._each * chat + (turn % 2 if self._both else 0)


class _Run:
    def __init__(self, load: Pairs, rate: float, count: int) -> None:
        self.load = load
        self.rate = rate
        self.count = count
        self.nonce = secrets.token_hex(3)
        chats = load._chats
        self.frames = [
            send_frame(chats[i % len(chats)], f"{self.nonce}{i:08d}", TEXT, i + 2) for i in range(count)
        ]
        self.began = 0.0
        self.next = 0
        self.errors: Counter[str] = Counter()
        self.disordered = 0
        self.acknowledged = 0
        self.deliveries = 0
        self.answers: list[float] = []
        self.latencies: list[float] = []
        self.last = 0.0

    def run(self) -> Step:
        before = self.load._cpu()
        self.began = time.perf_counter() + LEAD_S
        give_up = self.began + self.count / self.rate + DRAIN_S
        try:
            while True:
                look = time.perf_counter()
                self._send()
                self._receive()
                settled = self.acknowledged + self.errors.total() >= self.count
                if (
                    settled and self.deliveries >= self.load._each * self.acknowledged
                ) or time.perf_counter() > give_up:
                    break
                time.sleep(max(0.0, look + ROUND_S - time.perf_counter()))
        except (Closed, OSError) as error:
            self.errors[str(error)[:100] or type(error).__name__] += 1
        after = self.load._cpu()
        lost = self.load._each * self.acknowledged - self.deliveries
        self.load.broken = bool(lost or self.errors or self.acknowledged < self.count or self.disordered)
        return Step(
            rate=self.rate,
            seconds=max(self.last - self.began, 1e-9),
            messages=self.count,
            acknowledged=self.acknowledged,
            deliveries=self.deliveries,
            lost=lost,
            disordered=self.disordered,
            errors=dict(self.errors),
            latencies=self.latencies,
            answers=self.answers,
            cpu={name: used - before[name] for name, used in after.items()},
        )

    def _send(self) -> None:
        due = min(self.count, int((time.perf_counter() - self.began) * self.rate) + 1)
        load = self.load
        while self.next < due:
            load._ends[load.sender(self.next)].send(self.frames[self.next])
            self.next += 1

    def _receive(self) -> None:
        for fd, _ in self.load._epoll.poll(0, len(self.load._by_fd)):
            end = self.load._by_fd[fd]
            if end.waiting:
                end.send(b"")
            data = end.sock.recv(262_144)
            if not data:
                raise Closed("a connection was closed")
            self._take(end, end.data + data if end.data else data, time.perf_counter())

    def _take(self, end: _End, data: bytes, now: float) -> None:
        since = now - self.began
        rest = 0
        view = memoryview(data)
        for body, rest in frames(data, 0):
            frame = decode(view[body:rest])
            payload = frame.payload
            message = payload.message
            if message is not None:
                end.seq += 1
                number = int(message.client_id[6:])
                if (
                    message.seq != end.seq
                    or message.client_id[:6] != self.nonce
                    or message.chat_id != self.load._chats[end.number // self.load._each]
                    or message.content.text != TEXT
                ):
                    self.disordered += 1
                    end.seq = message.seq
                self.deliveries += 1
                self.latencies.append(since - number / self.rate)
                self.last = now
            elif isinstance(payload.response, Response) and isinstance(payload.response.message, Message):
                self.acknowledged += 1
                due = int(payload.response.message.client_id[6:]) / self.rate
                self.answers.append(since - due)
                self.load.answered(self.began + due, since - due)
            elif payload.response is None and self.load.other(frame.event, now):
                continue
            else:
                self.errors[payload.response.code if payload.response else "?"] += 1
        end.data = data[rest:]
