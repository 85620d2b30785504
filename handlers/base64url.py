"""base64url without padding, as it stands in URLs, tokens and cursors. Source: RFC 4648, sections 3.2 and 5."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode


def to_base64url(raw: bytes) -> str:
    """Bytes as text."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """The bytes of a text; what is not of the alphabet is passed over. Raises `ValueError` for a length or characters that no bytes have."""
    return urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
