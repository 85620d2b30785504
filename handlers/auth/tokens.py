"""Access tokens: JWT signed with RSA, checked without a database, under keys that rotate.

RSA because tokens are checked on each request and connection, and issued rarely: on one core RSA-2048 takes 17 us to check, P-256 60, Ed25519 84.

A key is published (JWKS) for a while before it signs, so that every node knows it by then, and verifies as long as anything it signed can be valid.

A token says who (`sub`), on which device (`did`), until when (`exp`), and no more; `op` only of an operator. It stays good until it expires: a device
that is signed out is refused on every node as soon as the event of it arrives (`revoke`); while Redis is away, elsewhere than on the node that was
told, at the latest when the token has run out.

Source: RFC 7519 (JWT), RFC 7517 (JWK), RFC 7518 (RS256), RFC 8725 (best practices).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

import jwt
import trio
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from jwt.algorithms import RSAAlgorithm

from handlers.auth.sealing import KeyRingLocked, seal, unseal
from handlers.errors import ChatError, Code
from handlers.principal import Principal
from handlers.signal import Signal
from persistence.errors import StoreUnavailable
from persistence.models import User
from persistence.ports import SigningKeys
from supervisors import Child

ISSUER: Final = "chat-platform"
AUDIENCE: Final = "chat"
ALGORITHM: Final = "RS256"
KEY_BITS: Final = 2048
PUBLISHED_BEFORE_S: Final = 300
"""How long a new key is in the ring before it signs."""
RELOAD_S: Final = 60.0
"""A ring is read again at least so often: five times before a new key signs."""
LEEWAY_S: Final = 5
"""A token is taken for so long after it has expired: nodes' clocks differ."""
SLACK_S: Final = 86_400
"""A key is kept for so much longer than it should be needed: a node that could not read the ring goes on signing with what it knows."""

log: Final = logging.getLogger(__name__)


def new_private_key() -> rsa.RSAPrivateKey:
    """A key to sign with. Takes some 50 ms, once in a rotation."""
    return rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)


class _Key:
    __slots__ = ("created_at", "kid", "private", "public", "secrets")

    def __init__(self, kid: str, private: rsa.RSAPrivateKey, created_at: int) -> None:
        self.kid = kid
        self.private = private
        self.public: rsa.RSAPublicKey = private.public_key()
        self.created_at = created_at
        self.secrets: dict[str, bytes] = {}

    def secret(self, purpose: str) -> bytes:
        """Derived from the private key, so that only nodes have it, and all of them; of no use for any other purpose."""
        found = self.secrets.get(purpose)
        if found is None:
            pem = self.private.private_bytes(
                serialization.Encoding.DER,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            found = HKDF(hashes.SHA256(), 32, salt=None, info=purpose.encode()).derive(pem)
            self.secrets[purpose] = found
        return found


class Tokens:
    """Issues and verifies access tokens.

    Args:
        store: the key ring that all nodes share.
        clock: milliseconds since the epoch.
        ttl_s: life of a token.
        rotation_s: age at which a key is followed by a new one.
        secret: encrypts private keys at rest; `None` or "" stores them as they are.

    """

    def __init__(
        self,
        store: SigningKeys,
        clock: Callable[[], int],
        *,
        ttl_s: int,
        rotation_s: int,
        secret: str | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._ttl_s = ttl_s
        self._rotation_s = rotation_s
        self._secret = secret
        self._keys: dict[str, _Key] = {}
        self._by_header: dict[str, _Key] = {}
        self._revoked: dict[str, int] = {}
        self._reload = Signal()

    # -- the ring --------------------------------------------------------------------------------------------------

    async def load(self) -> None:
        """Read the ring, and see that there is a key to sign with. Raises `StoreUnavailable`, `KeyRingLocked`."""
        serial = await self._read()
        newest = max((key.created_at for key in self._keys.values()), default=None)
        if newest is None or newest + self._rotation_s * 1000 <= self._clock():
            await self._add(serial + 1)
            await self._read()

    async def _read(self) -> int:
        """Take in what is stored; the highest serial number of all keys ever."""
        rows = sorted(await self._store.load(), key=lambda row: int(row["created_at"]), reverse=True)
        keys: dict[str, _Key] = {}
        # A key signs until its successor does; what it signed then lives for one more `ttl_s`.
        after_ms = (PUBLISHED_BEFORE_S + self._ttl_s + LEEWAY_S + SLACK_S) * 1000
        successor: int | None = None
        for row in rows:
            if row["alg"] != ALGORITHM:
                continue  # another release's
            if successor is None or successor + after_ms > self._clock():
                keys[row["kid"]] = self._keys.get(row["kid"]) or _Key(
                    row["kid"], self._open(row), row["created_at"]
                )
            successor = row["created_at"]
        self._keys = keys
        self._by_header = {}
        return max((_serial(row["kid"]) for row in rows), default=0)

    def _open(self, row: Mapping[str, Any]) -> rsa.RSAPrivateKey:
        private = unseal(row, self._secret)
        assert isinstance(private, rsa.RSAPrivateKey), "the ring holds RSA keys for tokens only"
        return private

    async def _add(self, serial: int) -> None:
        private = new_private_key()
        # Numbered: of several nodes that add a key at once, one succeeds, and that one's is the key.
        await self._store.add(
            {
                "kid": f"k{serial}",
                "alg": ALGORITHM,
                **seal(private, self._secret),
                "created_at": self._clock(),
            }
        )

    async def run(self, child: Child) -> None:
        """Keeps the ring current, as a supervised child; ready once there is a key to sign with. Raises `StoreUnavailable`, `KeyRingLocked`."""
        await self.load()
        child.ready()
        with child.cancel_on_stop():
            while True:
                with trio.move_on_after(RELOAD_S):
                    await self._reload.wait()
                    await trio.sleep(1)  # unknown key ids cannot make a node read more often than this
                try:
                    await self.load()
                except (StoreUnavailable, KeyRingLocked) as error:
                    log.warning(
                        "the key ring cannot be read; the known keys go on", extra={"reason": str(error)}
                    )
                self._forget_expired()

    def jwks(self) -> dict[str, Any]:
        """The public keys, as a JSON Web Key Set."""
        keys = []
        for key in self._keys.values():
            public: dict[str, Any] = RSAAlgorithm.to_jwk(key.public, as_dict=True)
            keys.append({**public, "kid": key.kid, "use": "sig", "alg": ALGORITHM})
        return {"keys": keys}

    # -- tokens ----------------------------------------------------------------------------------------------------

    def issue(self, user: User, device_id: str) -> tuple[str, int]:
        """A token for a device, and when it expires, in milliseconds since the epoch."""
        key = self._signing_key()
        now = self._clock() // 1000
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": user.id,
            "did": device_id,
            "iat": now,
            "exp": now + self._ttl_s,
        }
        if user.operator:
            claims["op"] = True
        token = jwt.encode(claims, key.private, algorithm=ALGORITHM, headers={"kid": key.kid})
        return token, (now + self._ttl_s) * 1000

    def verify(self, token: str) -> Principal:
        """Who the bearer is. Raises `ChatError` (`UNAUTHENTICATED`, `TOKEN_EXPIRED`)."""
        try:
            header = token.partition(".")[0]
            key = self._by_header.get(header) or self._key_of(token)
            claims = jwt.decode(
                token,
                key.public,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                options={"require": ["exp", "sub", "did"], "verify_exp": False, "verify_iat": False},
            )
            self._by_header[header] = (
                key  # all tokens of a key begin alike; parsing that once saves 20 us of 150
            )
            principal = Principal(
                user_id=str(claims["sub"]),
                device_id=str(claims["did"]),
                expires_at=int(claims["exp"]) * 1000,
                operator=claims.get("op") is True,
            )
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            raise ChatError(Code.UNAUTHENTICATED, "the access token is not valid") from None
        if principal.expires_at + LEEWAY_S * 1000 <= self._clock():
            raise ChatError(Code.TOKEN_EXPIRED, "the access token has expired")
        if principal.device_id in self._revoked or principal.user_id in self._revoked:
            raise ChatError(Code.UNAUTHENTICATED, "the device has been signed out")
        return principal

    def _key_of(self, token: str) -> _Key:
        kid = jwt.get_unverified_header(token).get("kid")
        key = self._keys.get(kid) if isinstance(kid, str) else None
        if key is None:
            self._reload.set()  # another node may just have made it; `run` limits how often this reads
            raise ChatError(Code.UNAUTHENTICATED, "the access token is not valid")
        return key

    def secret(self, purpose: str) -> tuple[str, bytes]:
        """A key id, and a secret that all nodes share for this purpose under it: for what only nodes write and read. Raises `ChatError` (`UNAVAILABLE`)."""
        key = self._signing_key()
        return key.kid, key.secret(purpose)

    def secret_of(self, kid: str, purpose: str) -> bytes | None:
        """The secret under a key id, or `None` when there is no such key (any more)."""
        key = self._keys.get(kid)
        if key is None:
            self._reload.set()
            return None
        return key.secret(purpose)

    def revoke(self, whose: str) -> None:
        """Refuse, on this node, the tokens that a signed-out device still has, or, by the id of a user, all of theirs."""
        self._revoked[whose] = self._clock() + (self._ttl_s + LEEWAY_S) * 1000

    def _forget_expired(self) -> None:
        now = self._clock()
        self._revoked = {device_id: until for device_id, until in self._revoked.items() if until > now}

    def _signing_key(self) -> _Key:
        settled = self._clock() - PUBLISHED_BEFORE_S * 1000
        keys = sorted(self._keys.values(), key=lambda key: key.created_at)
        if not keys:
            raise ChatError(Code.UNAVAILABLE, "no signing key yet", retry_after_ms=1000)
        known = [key for key in keys if key.created_at <= settled]
        return known[-1] if known else keys[0]


def _serial(kid: str) -> int:
    digits = kid.removeprefix("k")
    return int(digits) if digits.isascii() and digits.isdecimal() else 0
