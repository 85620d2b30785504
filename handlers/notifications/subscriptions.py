"""A device's push subscriptions, as browsers describe them: `PushSubscription.toJSON()`.

Source: W3C Push API; RFC 8291, section 2 (the keys).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Annotated, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from msgspec import UNSET, Meta, UnsetType

from handlers.base64url import from_base64url, to_base64url
from handlers.errors import ChatError, Code, invalid, not_found
from handlers.notifications.endpoints import MAX_ENDPOINT, Reach, parse
from handlers.notifications.vapid import Vapid
from handlers.principal import Principal
from handlers.wire import rfc3339, rfc3339_or_none
from persistence.errors import AlreadyExists
from persistence.models import FOREVER, PushSubscription
from persistence.ports import Devices
from persistence.ports import PushSubscriptions as Store

MOST: Final = 20
"""Subscriptions of one user; the oldest go."""
POINT_BYTES: Final = 65
AUTH_BYTES: Final = 16

_Key = Annotated[str, Meta(max_length=200)]
_Endpoint = Annotated[str, Meta(max_length=MAX_ENDPOINT)]


class PushKey(msgspec.Struct, frozen=True):
    """What browsers subscribe with: `applicationServerKey`, the uncompressed point in base64url."""

    key: str


class SubscriptionKeys(msgspec.Struct, frozen=True):
    """What only the device can read with: its public key of P-256 (uncompressed) and its secret of 16 bytes, both in base64url."""

    p256dh: _Key
    auth: _Key


class SubscriptionBody(msgspec.Struct, frozen=True, rename="camel"):
    """`PushSubscription.toJSON()`. `expirationTime` is in milliseconds since the epoch."""

    endpoint: _Endpoint
    keys: SubscriptionKeys
    expiration_time: Annotated[float, Meta(ge=0, le=FOREVER)] | None = None


class UnsubscribeBody(msgspec.Struct, frozen=True):
    """Which subscription; the parameter of that name does as well."""

    endpoint: _Endpoint | UnsetType = UNSET


class UnsubscribeQuery(msgspec.Struct, frozen=True):
    """Which subscription; or in the body."""

    endpoint: Annotated[str, Meta(max_length=MAX_ENDPOINT, description="The subscription's.")] | UnsetType = (
        UNSET
    )
    id: Annotated[str, Meta(max_length=64, description="The one it was given.")] | UnsetType = UNSET


class SubscriptionView(msgspec.Struct, frozen=True):
    """A subscription of the caller's device."""

    id: str
    device_id: str
    endpoint: str
    created_at: str
    expires_at: str | None


class PushSubscriptions:
    """What clients ask about push."""

    def __init__(
        self, store: Store, devices: Devices, vapid: Vapid, reach: Reach, clock: Callable[[], int]
    ) -> None:
        self._store = store
        self._devices = devices
        self._vapid = vapid
        self._reach = reach
        self._clock = clock

    async def key(self) -> PushKey:
        """The key to subscribe with. Raises `StoreUnavailable`."""
        return PushKey(await self._vapid.public_key())

    async def add(self, principal: Principal, body: SubscriptionBody) -> tuple[SubscriptionView, bool]:
        """Have the caller's device notified there; whether that is new. Raises `ChatError` (`INVALID`, `CONFLICT`, `UNAUTHENTICATED`)."""
        self._reach.check(parse(body.endpoint))
        now = self._clock()
        expires_at = None if body.expiration_time is None else int(body.expiration_time)
        if expires_at is not None and expires_at <= now:
            raise invalid("expirationTime", "is over")
        subscription = PushSubscription(
            id=subscription_id(body.endpoint),
            user_id=principal.user_id,
            device_id=principal.device_id,
            endpoint=body.endpoint,
            p256dh=_point(body.keys.p256dh),
            auth=_bytes(body.keys.auth, "keys.auth", AUTH_BYTES),
            expires_at=expires_at,
            created_at=now,
        )
        try:
            fresh = await self._store.put(subscription, most=MOST)
        except AlreadyExists:
            raise ChatError(Code.CONFLICT, "this endpoint is another user's") from None
        # A token outlives its device for a while. Asked afterwards: signing out removes what it finds.
        device = await self._devices.get(principal.device_id)
        if device is None or device.user_id != principal.user_id:
            await self._store.remove(subscription.id, principal.user_id)
            raise ChatError(Code.UNAUTHENTICATED, "the device has been signed out")
        return _view(subscription), fresh

    async def remove(self, principal: Principal, body: UnsubscribeBody, query: UnsubscribeQuery) -> None:
        """Forget one of the caller's subscriptions. Raises `ChatError` (`INVALID`, `NOT_FOUND`)."""
        endpoint = query.endpoint if body.endpoint is UNSET else body.endpoint
        if endpoint is UNSET and query.id is UNSET:
            raise invalid("endpoint", "is required")
        wanted = query.id if endpoint is UNSET else subscription_id(endpoint)
        assert wanted is not UNSET
        if not await self._store.remove(wanted, principal.user_id):
            raise not_found("subscription")


def subscription_id(endpoint: str) -> str:
    """The id of whatever subscription has this endpoint."""
    return to_base64url(hashlib.sha256(endpoint.encode()).digest())


def _view(s: PushSubscription) -> SubscriptionView:
    return SubscriptionView(
        id=s.id,
        device_id=s.device_id,
        endpoint=s.endpoint,
        created_at=rfc3339(s.created_at),
        expires_at=rfc3339_or_none(s.expires_at),
    )


def _bytes(text: str, field: str, count: int) -> bytes:
    # Browsers write base64url without padding; some libraries pad, or use the other alphabet.
    plain = text.rstrip("=").replace("+", "-").replace("/", "_")
    try:
        raw = from_base64url(plain)
    except ValueError:
        raise invalid(field, "is not base64url") from None
    if len(raw) != count or to_base64url(raw) != plain:
        raise invalid(field, f"must be {count} bytes in base64url")
    return raw


def _point(text: str) -> bytes:
    raw = _bytes(text, "keys.p256dh", POINT_BYTES)
    try:
        EllipticCurvePublicKey.from_encoded_point(SECP256R1(), raw)
    except ValueError:
        raise invalid("keys.p256dh", "is not a point of P-256") from None
    return raw
