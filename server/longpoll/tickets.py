"""What a long-polling client shows with each request: which session it has, on which node, and what it has received so far.

Signed under a secret that all nodes derive from their key ring, so that any node can read it. Every answer brings a new one, so it lives no longer than an
access token. Whoever has it has the session, as with an access token; it is worth nothing elsewhere.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Final

import msgspec

from handlers.auth.tokens import LEEWAY_S, Tokens
from handlers.base64url import from_base64url, to_base64url

PREFIX: Final = "lp1."
_PURPOSE: Final = "long-poll session"
_MAC_BYTES: Final = 16
_MOST: Final = 1024


class Ticket(msgspec.Struct, frozen=True, array_like=True):
    """A session as its client names it.

    Attributes:
        node: whose memory it is in.
        session: its name there.
        user_id, device_id: whose it is.
        number: of the last answer with messages that has arrived.

    """

    node: str
    session: str
    user_id: str
    device_id: str
    number: int


class _Signed(msgspec.Struct, frozen=True, array_like=True):
    ticket: Ticket
    expires_at: int


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_Signed).decode


class Tickets:
    """Writes and reads tickets.

    Args:
        tokens: whose key ring it is.
        clock: milliseconds since the epoch.
        ttl_s: life of a ticket.

    """

    def __init__(self, tokens: Tokens, clock: Callable[[], int], *, ttl_s: int) -> None:
        self._tokens = tokens
        self._clock = clock
        self._ttl_s = ttl_s

    def write(self, ticket: Ticket) -> str:
        """The ticket as text, safe in a URL. Raises `ChatError` (`UNAVAILABLE`) when there is no key yet."""
        kid, secret = self._tokens.secret(_PURPOSE)
        content = _encode(_Signed(ticket, self._clock() // 1000 + self._ttl_s))
        signed = f"{PREFIX}{kid}.{to_base64url(content)}"
        return f"{signed}.{to_base64url(_mac(secret, signed))}"

    def read(self, text: str) -> Ticket | None:
        """The ticket, or `None` if it is none of ours, or has run out."""
        if not text.startswith(PREFIX) or len(text) > _MOST or not text.isascii():
            return None
        signed, _, mac = text.rpartition(".")
        kid, _, content = signed.removeprefix(PREFIX).partition(".")
        secret = self._tokens.secret_of(kid, _PURPOSE)
        if secret is None or not hmac.compare_digest(to_base64url(_mac(secret, signed)), mac):
            return None
        found = _decode(from_base64url(content))
        return found.ticket if self._clock() < (found.expires_at + LEEWAY_S) * 1000 else None


def _mac(secret: bytes, signed: str) -> bytes:
    return hmac.digest(secret, signed.encode(), "sha256")[:_MAC_BYTES]
