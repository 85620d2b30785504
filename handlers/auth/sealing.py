"""Private keys at rest: PEM, encrypted if there is a secret to encrypt them with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes


class KeyRingLocked(Exception):
    """A stored key cannot be read: it is encrypted with another secret than AUTH_KEY_SECRET, or damaged."""

    def __init__(self, kid: str) -> None:
        super().__init__(
            f"signing key {kid!r} cannot be read: AUTH_KEY_SECRET is not the one it was stored with"
        )
        self.kid = kid


def seal(private: PrivateKeyTypes, secret: str | None) -> dict[str, Any]:
    """The fields of a stored key that hold it."""
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if secret:
        encryption = serialization.BestAvailableEncryption(secret.encode())
    pem = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    return {"private_pem": pem.decode(), "encrypted": bool(secret)}


def unseal(row: Mapping[str, Any], secret: str | None) -> PrivateKeyTypes:
    """The key of a stored document. Raises `KeyRingLocked`."""
    password = secret.encode() if secret and row.get("encrypted") else None
    try:
        # Made by a node and kept where nobody else writes: proving anew that its numbers are primes takes longer than all else at a start.
        return serialization.load_pem_private_key(
            row["private_pem"].encode(), password, unsafe_skip_rsa_key_validation=True
        )
    except (ValueError, TypeError) as error:
        raise KeyRingLocked(row["kid"]) from error
