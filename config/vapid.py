"""The key by which push services know an installation, as people write it down."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

_BYTES: Final = 32
_WRONG: Final = "must be a private key of P-256: 32 bytes in base64url, or PEM"


def parse_vapid_key(text: str) -> ec.EllipticCurvePrivateKey:
    """The private key. Raises `ValueError`, which says nothing of what was written."""
    try:
        found = _parse(text)
    except (ValueError, TypeError):
        raise ValueError(_WRONG) from None
    if not isinstance(found, ec.EllipticCurvePrivateKey) or not isinstance(found.curve, ec.SECP256R1):
        raise ValueError(_WRONG)
    return found


def _parse(text: str) -> Any:
    if "-----BEGIN" in text:
        return load_pem_private_key(text.encode(), None)
    raw = urlsafe_b64decode(re.sub(r"\s|=", "", text).encode("ascii") + b"==")
    if len(raw) != _BYTES:
        raise ValueError(_WRONG)
    return ec.derive_private_key(int.from_bytes(raw, "big"), ec.SECP256R1())
