"""Who asks, from where, and the headers that keep browsers from doing more with an answer than they should."""

from __future__ import annotations

from typing import Final

from quart import Response

from handlers.auth.tokens import Tokens
from handlers.errors import ChatError, Code
from handlers.principal import Principal

_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Permitted-Cross-Domain-Policies": "none",
}
_HSTS: Final = "max-age=31536000"
"""For a year, a browser that has come by TLS comes by nothing else."""


def bearer(authorization: str | None, tokens: Tokens) -> Principal:
    """Whoever the header `Authorization` speaks for. Raises `ChatError` (`UNAUTHENTICATED`, `TOKEN_EXPIRED`)."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise ChatError(Code.UNAUTHENTICATED, "an access token is required: Authorization: Bearer <token>")
    return tokens.verify(token.strip())


def harden(response: Response, *, secure: bool) -> None:
    """Add the security headers that the answer does not have. `secure`: the client came by TLS, as a trusted proxy says."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if secure:
        response.headers.setdefault("Strict-Transport-Security", _HSTS)
