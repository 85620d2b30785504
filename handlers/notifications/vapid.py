"""The key pair by which push services know this installation (VAPID), the same on all nodes.

Subscriptions are bound to it: a browser subscribes with the public key, and its push service takes pushes from whoever signs with the private one. So it
is made once and never rotates.

Source: RFC 8292.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import trio
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02

from config.vapid import parse_vapid_key
from handlers.auth.sealing import seal, unseal
from handlers.base64url import to_base64url
from persistence.ports import SigningKeys

KID: Final = "vapid"
ALGORITHM: Final = "vapid-P-256"
"""Tells it from the keys for tokens, which lie in the same ring."""
TOKEN_TTL_S: Final = 12 * 3600
"""RFC 8292 allows a day."""
RENEWED_BEFORE_S: Final = 3600
MOST_TOKENS: Final = 1_000
"""Push services whose tokens are kept."""


class Vapid:
    """The key pair, and tokens signed with it.

    Args:
        store: the key ring that all nodes share; used unless a key is given.
        clock: milliseconds since the epoch.
        private_key: the private key, from the settings; "" to make one at first need and keep it in the ring.
        subject: a `mailto:` or `https:` address, by which a push service reaches who runs this.
        secret: encrypts the key at rest; "" stores it as it is.
    """

    def __init__(
        self, store: SigningKeys, clock: Callable[[], int], *, private_key: str, subject: str, secret: str
    ) -> None:
        self._store = store
        self._clock = clock
        self._subject = subject
        self._secret = secret
        self._private = parse_vapid_key(private_key) if private_key else None
        self._tokens: dict[str, tuple[int, str]] = {}
        self._loading = trio.Lock()

    async def public_key(self) -> str:
        """The public key as browsers want it: the uncompressed point in base64url. Raises `StoreUnavailable`, `KeyRingLocked`."""
        private = await self._load()
        point = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return to_base64url(point)

    async def authorization(self, origin: str) -> str:
        """The header `Authorization` for a push service, like "https://push.example.org". Raises `StoreUnavailable`, `KeyRingLocked`."""
        now = self._clock() // 1000
        until, header = self._tokens.get(origin, (0, ""))
        if until - RENEWED_BEFORE_S <= now:
            vapid = Vapid02(private_key=await self._load())
            until = now + TOKEN_TTL_S
            signed: dict[str, str] = vapid.sign({"aud": origin, "exp": until, "sub": self._subject})
            header = signed["Authorization"]
            if len(self._tokens) >= MOST_TOKENS:
                self._tokens.clear()
            self._tokens[origin] = (until, header)
        return header

    async def _load(self) -> ec.EllipticCurvePrivateKey:
        if self._private is not None:
            return self._private
        async with self._loading:
            while self._private is None:
                row = await self._stored()
                if row is not None:
                    private = unseal(row, self._secret)
                    assert isinstance(private, ec.EllipticCurvePrivateKey), "it is a key of P-256"
                    self._private = private
                    break
                made = ec.generate_private_key(ec.SECP256R1())
                # Of several nodes that make one at once, one succeeds, and that one's is the key.
                await self._store.add(
                    {"kid": KID, "alg": ALGORITHM, "created_at": self._clock(), **seal(made, self._secret)}
                )
        return self._private

    async def _stored(self) -> dict[str, Any] | None:
        return next((row for row in await self._store.load() if row["kid"] == KID), None)
