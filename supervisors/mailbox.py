"""Actors: a task that owns its state and takes messages one at a time from a bounded mailbox.

Source: OTP `gen_server`: `call`, `cast`, `stop`.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Generic, TypeVar

import trio

from supervisors.child import Child
from supervisors.exits import NotRunning, SupervisionError

M = TypeVar("M")
R = TypeVar("R")


class CallTimeout(SupervisionError):
    """The actor did not answer in time. It may still carry the message out."""


class MailboxFull(SupervisionError):
    """The actor has as many messages waiting as it may."""


class _Call:
    __slots__ = ("answered", "error", "message", "value")

    def __init__(self, message: Any) -> None:
        self.message = message
        self.answered = trio.Event()
        self.value: Any = None
        self.error: Exception | None = None


class Actor(Generic[M, R]):
    """Override `handle_call` and `handle_cast`, and give `run` to a `ChildSpec`.

    An exception in a handler crashes the actor: the caller of that message and those still waiting get `NotRunning`, its supervisor restarts
    it, and the restarted one begins with `init` and an empty mailbox.

    Args:
        capacity: messages that may wait; at least one.

    """

    def __init__(self, *, capacity: int = 1000) -> None:
        if capacity < 1:
            raise ValueError(f"a mailbox for {capacity!r} messages")
        self._capacity = capacity
        self._mailbox: deque[Any] = deque()
        self._arrived = trio.Event()
        self._room: trio.Event | None = None
        self._alive = False

    # -- to override -----------------------------------------------------------------------------------------------

    async def init(self, child: Child) -> None:
        """Make the state; runs before the actor is ready."""

    async def handle_call(self, message: M) -> R:
        """Answer a message."""
        raise NotRunning(f"{type(self).__name__} answers no calls")

    async def handle_cast(self, message: M) -> None:
        """Take a message that wants no answer."""

    async def terminate(self) -> None:
        """Clean up; runs when the actor was asked to stop and its mailbox is empty."""

    # -- for others ------------------------------------------------------------------------------------------------

    async def call(self, message: M, *, timeout: float = 5.0) -> R:
        """Send a message and wait for its answer. Raises `CallTimeout`, `MailboxFull`, `NotRunning`."""
        call = _Call(message)
        self._put(call)
        with trio.move_on_after(timeout):
            await call.answered.wait()
        if not call.answered.is_set():
            raise CallTimeout(f"no answer within {timeout} s")
        if call.error is not None:
            raise call.error
        answer: R = call.value
        return answer

    def cast(self, message: M) -> None:
        """Send a message and go on. Raises `MailboxFull`, `NotRunning`."""
        self._put((message,))

    async def cast_when_room(self, message: M) -> None:
        """Send a message, waiting while the mailbox is full: back-pressure on the sender. Raises `NotRunning`."""
        await trio.lowlevel.checkpoint()
        while self._alive and len(self._mailbox) >= self._capacity:
            if self._room is None:
                self._room = trio.Event()
            await self._room.wait()
        self._put((message,))

    def __len__(self) -> int:
        return len(self._mailbox)

    def _put(self, item: Any) -> None:
        if not self._alive:
            raise NotRunning(type(self).__name__)
        if len(self._mailbox) >= self._capacity:
            raise MailboxFull(f"{self._capacity} messages wait")
        self._mailbox.append(item)
        self._arrived.set()

    # -- the process -----------------------------------------------------------------------------------------------

    async def run(self, child: Child) -> None:
        """The actor's task. Asked to stop, it takes no more messages and works off those that wait."""
        self._mailbox.clear()
        await self.init(child)
        child.mailbox_length = self.__len__
        self._alive = True
        try:
            child.ready(self)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._wake_on_stop, child)
                while self._mailbox or not child.stopping:
                    if self._mailbox:
                        await self._take(self._mailbox.popleft())
                    else:
                        self._arrived = trio.Event()
                        if not child.stopping:
                            await self._arrived.wait()
                await self.terminate()
                nursery.cancel_scope.cancel()
        finally:
            self._alive = False
            for item in self._mailbox:
                if isinstance(item, _Call):
                    _refuse(item)
            self._mailbox.clear()
            self._tell_of_room()

    async def _wake_on_stop(self, child: Child) -> None:
        await child.stop_requested()
        self._alive = False
        self._tell_of_room()
        self._arrived.set()

    def _tell_of_room(self) -> None:
        if self._room is not None:
            self._room.set()
            self._room = None

    async def _take(self, item: Any) -> None:
        self._tell_of_room()
        if not isinstance(item, _Call):
            await self.handle_cast(item[0])
            return
        try:
            item.value = await self.handle_call(item.message)
        except BaseException:
            _refuse(item)
            raise
        item.answered.set()


def _refuse(call: _Call) -> None:
    call.error = NotRunning("the actor ended before it answered")
    call.answered.set()
