"""Notifications: where to send them, and what became of them."""

from enum import StrEnum

import msgspec


class PushSubscription(msgspec.Struct, frozen=True, kw_only=True):
    """Where a device's notifications go: an address at a push service, and the keys that only the device can read with.

    `id` follows from the endpoint alone. `p256dh` is a point of P-256, uncompressed; `auth` 16 secret bytes.
    """

    id: str
    user_id: str
    device_id: str
    endpoint: str
    p256dh: bytes
    auth: bytes
    expires_at: int | None = None
    created_at: int


class PushResult(StrEnum):
    """What became of a try: taken by the push service, to be tried again, or given up (the subscription is `gone`, or the push `failed` for good)."""

    DELIVERED = "delivered"
    AGAIN = "again"
    GONE = "gone"
    FAILED = "failed"


class PushTry(msgspec.Struct, frozen=True, kw_only=True):
    """One try to notify a device of the messages `first_seq` to `seq` of a chat."""

    id: str
    chat_id: str
    first_seq: int
    seq: int
    user_id: str
    device_id: str
    subscription_id: str
    attempt: int
    at: int
    result: PushResult
    status: int | None = None
    reason: str = ""
