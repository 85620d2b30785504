"""One channel: a few send, everybody receives.

Every receiver's stream is checked whole. One, the reference, is decoded frame by frame; the others must get the same bytes, since a node makes a
broadcast frame once: each `recv` asks for no more than the reference has, and is compared with it where it lies.
"""

from __future__ import annotations

import secrets
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from socket import socket
from typing import Final

from scripts.benchmarks.connect import Opened
from scripts.benchmarks.device import Device
from scripts.benchmarks.measure import Step
from scripts.benchmarks.wire import Closed, Message, Response, decode, frames, send_frame

ROUND_S: Final = 0.010
"""Time between two looks at a receiver's socket, if there is time for that: what came meanwhile is taken in one go."""
SLICE: Final = 50
"""Receivers looked at before sends that are due are seen to."""
SAMPLE: Final = 31
"""The latency of every delivery is kept of one receiver in so many, and of the reference."""
DRAIN_S: Final = 5.0
TEXT: Final = "A message of the usual length, as people write them to each other."
LEAD_S: Final = 0.1


class Fanout:
    """A load that keeps its sockets from step to step.

    Args:
        chat_id: the channel.
        opened: sockets of all members; those who post first.
        senders: how many post.
        cpu: CPU time used so far, by process.

    """

    def __init__(
        self,
        chat_id: str,
        opened: Opened,
        senders: int,
        cpu: Callable[[], Mapping[str, float]],
    ) -> None:
        self._chat_id = chat_id
        self.opened = opened
        sockets = opened.all()
        self._senders = [_Sender(sock) for sock in sockets[:senders]]
        self._receivers: Sequence[socket] = sockets[senders:]
        self._cpu = cpu
        self._seq = opened.last_seqs[0]
        self._buffer = bytearray(1 << 22)
        self.broken = False

    def step(self, rate: float, seconds: float) -> Step:
        """Send at this rate for so long, and wait for what is under way."""
        return _Run(self, rate, max(1, int(rate * seconds))).run()


class _Sender(Device):
    """A poster's socket: its own deliveries and answers are decoded."""

    __slots__ = ("deliveries",)

    def __init__(self, sock: socket) -> None:
        super().__init__(sock)
        self.deliveries = 0


class _Run:
    def __init__(self, load: Fanout, rate: float, count: int) -> None:
        self.load = load
        self.rate = rate
        self.count = count
        self.nonce = secrets.token_hex(3)
        self.frames = [send_frame(load._chat_id, f"{self.nonce}{i:08d}", TEXT, i + 2) for i in range(count)]
        self.began = 0.0
        self.next = 0
        self.errors: Counter[str] = Counter()
        self.disordered = 0
        self.acknowledged = 0
        self.answers: list[float] = []
        self.latencies: list[float] = []
        self.worst = 0.0
        self.stream = bytearray()
        self.ends: list[int] = []
        self.scheduled: list[float] = []
        self.start_seq = load._seq
        self.at = [0] * len(load._receivers)
        self.done = [0] * len(load._receivers)
        self.last = 0.0
        self.view = memoryview(load._buffer)
        for sender in load._senders:
            sender.seq = self.start_seq
            sender.deliveries = 0

    def run(self) -> Step:
        members = len(self.at) + len(self.load._senders)
        before = self.load._cpu()
        self.began = time.perf_counter() + LEAD_S
        give_up = self.began + self.count / self.rate + DRAIN_S
        try:
            while True:
                look = time.perf_counter()
                self._reference(look)
                for first in range(1, len(self.at), SLICE):
                    self._send()
                    self._receivers(first)
                self._send()
                for sender in self.load._senders:
                    self._sender(sender)
                if self._complete() or time.perf_counter() > give_up:
                    break
                self._pause(look + ROUND_S)
        except (Closed, OSError) as error:
            self.errors[str(error)[:100] or type(error).__name__] += 1
        after = self.load._cpu()
        got = sum(self.done) + sum(sender.deliveries for sender in self.load._senders)
        lost = self.acknowledged * members - got
        self.load._seq = self.start_seq + self.count
        self.load.broken = bool(lost or self.errors or self.acknowledged < self.count or self.disordered)
        return Step(
            rate=self.rate,
            seconds=max(self.last - self.began, 1e-9),
            messages=self.count,
            acknowledged=self.acknowledged,
            deliveries=got,
            lost=lost,
            disordered=self.disordered,
            errors=dict(self.errors),
            latencies=self.latencies,
            answers=self.answers,
            cpu={name: used - before[name] for name, used in after.items()},
        )

    def _complete(self) -> bool:
        return (
            self.acknowledged + self.errors.total() >= self.count
            and all(sender.deliveries >= self.acknowledged for sender in self.load._senders)
            and all(done >= self.acknowledged for done in self.done)
        )

    def _pause(self, until: float) -> None:
        while (now := time.perf_counter()) < until:
            due = self.began + self.next / self.rate if self.next < self.count else until
            time.sleep(max(0.0, min(until, due) - now))
            self._send()

    def _send(self) -> None:
        due = min(self.count, int((time.perf_counter() - self.began) * self.rate) + 1)
        senders = self.load._senders
        while self.next < due:
            senders[self.next % len(senders)].send(self.frames[self.next])
            self.next += 1

    def _reference(self, now: float) -> None:
        """Take in all that the first receiver has got, and decode it."""
        try:
            size = self.load._receivers[0].recv_into(self.view)
        except BlockingIOError:
            return
        if not size:
            raise Closed("a receiver's connection was closed")
        self.stream += self.view[:size]
        start = self.ends[-1] if self.ends else 0
        for body, end in frames(self.stream, start):
            index = self._event(decode(memoryview(self.stream)[body:end]).payload.message, len(self.ends) + 1)
            self.ends.append(end)
            self.scheduled.append(self.began + index / self.rate)
            self.latencies.append(now - self.scheduled[-1])
        self.at[0] = len(self.stream)
        self.done[0] = len(self.ends)
        self.last = now

    def _event(self, message: Message | None, place: int) -> int:
        """The number of the message that is the `place`-th of this step."""
        if message is None:
            raise Closed("an event of another kind")
        if (
            message.seq != self.start_seq + place
            or message.client_id[:6] != self.nonce
            or message.content.text != TEXT
        ):
            self.disordered += 1
        return int(message.client_id[6:])

    def _receivers(self, first: int) -> None:
        """Take what the next few receivers have got, as far as the reference has it."""
        stream, view, at, ends = self.stream, self.view, self.at, self.ends
        whole = len(stream)
        for index in range(first, min(first + SLICE, len(at))):
            wanted = whole - at[index]
            if not wanted:
                continue
            try:
                size = self.load._receivers[index].recv_into(view, wanted)
            except BlockingIOError:
                continue
            if not size:
                raise Closed("a receiver's connection was closed")
            if not stream.startswith(view[:size], at[index]):
                self.disordered += 1
                raise Closed("a receiver got something else than the first one")
            at[index] += size
            now = time.perf_counter()
            before = self.done[index]
            self.done[index] = upto = bisect_right(ends, at[index], before)
            if upto > before:
                self.worst = max(self.worst, now - self.scheduled[before])
                self.last = now
                if index % SAMPLE == 0:
                    self.latencies += [now - scheduled for scheduled in self.scheduled[before:upto]]

    def _sender(self, sender: _Sender) -> None:
        if sender.waiting:
            sender.send(b"")
        try:
            data = sender.sock.recv(1 << 20)
        except BlockingIOError:
            return
        if not data:
            raise Closed("a sender's connection was closed")
        now = time.perf_counter()
        data = sender.data + data
        rest = 0
        for body, rest in frames(data, 0):
            payload = decode(memoryview(data)[body:rest]).payload
            if payload.message is not None:
                sender.deliveries += 1
                self._event(payload.message, sender.deliveries)
            elif isinstance(payload.response, Response) and isinstance(payload.response.message, Message):
                self.acknowledged += 1
                self.answers.append(
                    now - self.began - int(payload.response.message.client_id[6:]) / self.rate
                )
            else:
                self.errors[payload.response.code if payload.response else "?"] += 1
        sender.data = data[rest:]
