"""Questions from one node to another, over the bus: for what only the node that is asked can know, because it is in its memory.

The bus promises nothing about a single envelope, so neither does this: a question is answered, or it runs into its time, or its node has not said for
`SILENT_S` that it lives and counts as dead. Whether it is dead is found out once for each node, whatever the number of questions that wait for it.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from itertools import count
from typing import Final

import msgspec
import trio

from handlers.nodes.events import PEER_TOPIC
from handlers.nodes.fanout import Fanout
from handlers.signal import Signal
from persistence.ports import Bus
from supervisors import Child

PING_S: Final = 1.0
"""Time between two looks at those who are asked, each of whom is asked then whether it lives."""
SILENT_S: Final = 2.0
"""A node that has not said so for so long is dead, as far as questions go."""
FORGET_S: Final = 60.0
"""So long after it was found dead, a node is asked as if nothing had been."""

Reply = Callable[[bytes], None]
"""Answers a question, at once or later. Never blocks and never raises."""
Handler = Callable[[bytes, Reply], None]

log: Final = logging.getLogger(__name__)


class Question(msgspec.Struct, frozen=True, array_like=True, tag="q"):
    """`sender` wants to know; `number` is its own."""

    sender: str
    number: int
    body: bytes


class Answer(msgspec.Struct, frozen=True, array_like=True, tag="a"):
    """To the question with this number."""

    sender: str
    number: int
    body: bytes


class Ping(msgspec.Struct, frozen=True, array_like=True, tag="i"):
    """Whether you live."""

    sender: str


class Pong(msgspec.Struct, frozen=True, array_like=True, tag="o"):
    """Yes."""

    sender: str


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Question | Answer | Ping | Pong).decode


class NoAnswer(Exception):
    """The node that was asked is dead, or cannot be reached."""


class _Call:
    """A question that waits for its answer."""

    __slots__ = ("answer", "over")

    def __init__(self) -> None:
        self.over = trio.Event()
        self.answer: bytes | None = None


class Peers:
    """Asks other nodes, and answers them.

    Args:
        incarnation: this node's name among the others.
        fanout: publishes.
        bus: has this node follow what is meant for it.

    """

    def __init__(self, incarnation: str, fanout: Fanout, bus: Bus) -> None:
        self.incarnation = incarnation
        self._fanout = fanout
        self._bus = bus
        self._handlers: dict[bytes, Handler] = {}
        self._numbers = count(1)
        self._calls: dict[str, dict[int, _Call]] = {}
        self._doubted: dict[str, float] = {}
        """Since when a node owes a sign of life."""
        self._work = Signal()
        self.asked = 0
        self.given_up = 0

    def serve(self, handler: Handler, kind: bytes = b"") -> None:
        """Have questions answered: those that begin with the byte `kind`, or all that nobody else answers. Until then they are not."""
        self._handlers[kind] = handler

    async def follow(self) -> None:
        """Have the bus deliver what is meant for this node. Raises `StoreUnavailable`."""
        await self._bus.follow([PEER_TOPIC + self.incarnation])

    async def ask(self, node: str, body: bytes) -> bytes:
        """The node's answer. Whoever does not want to wait any longer cancels it. Raises `NoAnswer`: what the node did about the question is unknown then."""
        if self._is_silent(node):
            self._send(node, Ping(self.incarnation))  # it may come back
            raise NoAnswer(node)
        number, call = next(self._numbers), _Call()
        calls = self._calls.setdefault(node, {})
        calls[number] = call
        self._work.set()
        self.asked += 1
        self._send(node, Question(self.incarnation, number, body))
        try:
            await call.over.wait()
            if call.answer is None:
                raise NoAnswer(node)
            return call.answer
        finally:
            calls.pop(number, None)
            if not calls and self._calls.get(node) is calls:
                del self._calls[node]

    def tell(self, node: str, body: bytes) -> None:
        """A question to which no answer is wanted. It may be lost."""
        self._send(node, Question(self.incarnation, 0, body))

    def receive(self, data: bytes) -> None:
        """Something has come from another node."""
        try:
            message = _decode(data)
        except msgspec.DecodeError:
            # Another version during a rolling upgrade: whoever asked runs into its time.
            log.info("a question of another node was not understood")
            return
        self._doubted.pop(message.sender, None)
        match message:
            case Question(sender, number, body):
                handler = self._handlers.get(body[:1]) or self._handlers.get(b"")
                if handler is not None:
                    handler(body, lambda answer: self._send(sender, Answer(self.incarnation, number, answer)))
            case Answer(sender, number, body):
                call = self._calls.get(sender, {}).get(number)
                if call is not None:
                    call.answer = body
                    call.over.set()
            case Ping(sender):
                self._send(sender, Pong(self.incarnation))
            case Pong():
                return

    async def run(self, child: Child) -> None:
        """Watches over those who are asked, as a supervised child."""
        child.ready()
        with child.cancel_on_stop():
            while True:
                if not self._calls:
                    await self._work.wait()
                await trio.sleep(PING_S)
                self._look()

    def _look(self) -> None:
        now = trio.current_time()
        for node, calls in self._calls.items():
            if self._is_silent(node):
                log.info("another node does not answer", extra={"peer": node, "questions": len(calls)})
                self.given_up += len(calls)
                for call in calls.values():
                    call.over.set()
            else:
                self._doubted.setdefault(node, now)
                self._send(node, Ping(self.incarnation))
        self._doubted = {node: since for node, since in self._doubted.items() if now - since < FORGET_S}

    def _is_silent(self, node: str) -> bool:
        return trio.current_time() - self._doubted.get(node, math.inf) >= SILENT_S

    def _send(self, node: str, message: Question | Answer | Ping | Pong) -> None:
        self._fanout.send(PEER_TOPIC + node, _encode(message))
