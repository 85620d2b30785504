"""A push service as nodes meet it: it takes notifications or says why not, and may be slow; what it has taken is there to be looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import trio

from handlers.notifications.sender import Answer, PushOptions
from persistence.models import PushSubscription

if TYPE_CHECKING:
    from tests.simulation.world import World

TAKEN = Answer(status=201)


@dataclass(frozen=True)
class Received:
    """A notification that was taken. `device` is the subscription's id."""

    at: float
    device: str
    chat_id: str
    seq: int
    count: int
    said: dict[str, Any]
    options: PushOptions


class PushService:
    """The service.

    Attributes:
        answer: what a subscription's next push is told.
        seconds: how long it takes for it.
        received: what it has taken, in order.
        asked: how often it was asked, by subscription.

    """

    def __init__(self, world: World) -> None:
        self._world = world
        self.answer: Callable[[PushSubscription], Answer] = lambda _: TAKEN
        self.seconds: Callable[[PushSubscription], float] = lambda _: 0.1
        self.received: list[Received] = []
        self.asked: Counter[str] = Counter()
        self.times: list[float] = []

    def sender(self, touch: Callable[[str, str], Awaitable[None]]) -> Sender:
        """A node's way to it."""
        return Sender(self, touch)

    def take(self, subscription: PushSubscription, payload: bytes, options: PushOptions) -> Answer:
        self.asked[subscription.id] += 1
        self.times.append(trio.current_time())
        answer = self.answer(subscription)
        if answer.status is not None and answer.status < 300:
            said = msgspec.json.decode(payload)
            self.received.append(
                Received(
                    at=trio.current_time(),
                    device=subscription.id,
                    chat_id=said["chat_id"],
                    seq=said["seq"],
                    count=said["count"],
                    said=said,
                    options=options,
                )
            )
        return answer

    def told(self, device: str, chat_id: str | None = None) -> list[int]:
        """Of which messages a device has been told, in order."""
        return [
            each.seq for each in self.received if each.device == device and chat_id in (None, each.chat_id)
        ]


class Sender:
    """`PushSender` of one node; it dies with its node."""

    def __init__(self, service: PushService, touch: Callable[[str, str], Awaitable[None]]) -> None:
        self._service = service
        self._touch = touch

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        yield

    def service(self, subscription: PushSubscription) -> str:
        return subscription.endpoint.rpartition("/")[0]

    async def send(self, subscription: PushSubscription, payload: bytes, options: PushOptions) -> Answer:
        await trio.lowlevel.checkpoint()
        await self._touch("push", "send:before")
        with trio.move_on_after(10):
            await trio.sleep(self._service.seconds(subscription))
            answer = self._service.take(subscription, payload, options)
            await self._touch("push", "send:after")
            return answer
        return Answer(reason="no answer within 10 s")
