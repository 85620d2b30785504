"""What hands a notification over to a push service. Web Push is one such service; Apple's and Google's own would be others."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

from persistence.models import PushSubscription


class PushOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a notification is to be treated.

    Attributes:
        collapse: of several with the same, the service keeps the last for a device that is away.
        ttl_s: how long the service keeps it.
        urgent: whether to wake the device for it.

    """

    collapse: str
    ttl_s: int
    urgent: bool


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a push service said.

    Attributes:
        status: of HTTP, or what is the same in that service's terms; `None` if it did not answer.
        retry_after: the header of that name, as it came.
        forbidden: it was not asked: its address is none that may be sent to.
        reason: in words, for operators; without addresses and keys.

    """

    status: int | None = None
    retry_after: str | None = None
    forbidden: bool = False
    reason: str = ""


class PushSender(Protocol):
    """A kind of push service."""

    def running(self) -> AbstractAsyncContextManager[None]:
        """Usable as long as the block."""

    def service(self, subscription: PushSubscription) -> str:
        """Which of the services of this kind it is about: those that stall do not hold up the others."""

    async def send(self, subscription: PushSubscription, payload: bytes, options: PushOptions) -> Answer:
        """Hand over, encrypted for the device, in bounded time. What the service does not take is an `Answer` too. Raises `StoreUnavailable`."""
