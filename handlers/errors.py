"""One error for everything a caller can be told: a code, its HTTP status, and whether trying again can help."""

from enum import Enum
from typing import Final

import msgspec


class Code(Enum):
    """Stable machine-readable codes with their HTTP status and whether a retry can succeed.

    The same code appears in `application/problem+json` bodies and in the `response` of a socket reply.
    """

    MALFORMED = ("malformed", 400, False)
    UNAUTHENTICATED = ("unauthenticated", 401, False)
    TOKEN_EXPIRED = ("token_expired", 401, False)
    BAD_CREDENTIALS = ("bad_credentials", 401, False)
    REFRESH_REUSED = ("refresh_reused", 401, False)
    FORBIDDEN = ("forbidden", 403, False)
    NOT_FOUND = ("not_found", 404, False)
    METHOD_NOT_ALLOWED = ("method_not_allowed", 405, False)
    CONFLICT = ("conflict", 409, False)
    PHONE_TAKEN = ("phone_taken", 409, False)
    TOO_LARGE = ("too_large", 413, False)
    UNSUPPORTED_MEDIA_TYPE = ("unsupported_media_type", 415, False)
    INVALID = ("invalid", 422, False)
    UNKNOWN_EVENT = ("unknown_event", 422, False)
    NOT_JOINED = ("not_joined", 409, False)
    RATE_LIMITED = ("rate_limited", 429, True)
    OVERLOADED = ("overloaded", 503, True)
    UNAVAILABLE = ("unavailable", 503, True)
    DRAINING = ("draining", 503, True)
    DEAD_LETTERED = ("dead_lettered", 500, False)
    INTERNAL = ("internal", 500, True)

    def __init__(self, slug: str, status: int, retryable: bool) -> None:
        self.slug: Final = slug
        self.status: Final = status
        self.retryable: Final = retryable


RETRY_AFTER_MS: Final = 2000
"""After how long a store that did not answer may be asked again."""


class FieldError(msgspec.Struct, frozen=True):
    """What is wrong with one field; `field` is a dotted path into the body."""

    field: str
    message: str


class ChatError(Exception):
    """A request that cannot be carried out, in words for its caller.

    Args:
        code: what went wrong.
        message: one sentence; shown to people, so without internals.
        errors: for `Code.INVALID`, the fields at fault.
        retry_after_ms: for retryable codes, when to try again.

    """

    def __init__(
        self,
        code: Code,
        message: str,
        *,
        errors: tuple[FieldError, ...] = (),
        retry_after_ms: int | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.errors = errors
        self.retry_after_ms = retry_after_ms


def invalid(field: str, message: str) -> ChatError:
    """A `ChatError` for one bad field."""
    return ChatError(Code.INVALID, f"{field}: {message}", errors=(FieldError(field, message),))


def unavailable(what: str) -> ChatError:
    """A `ChatError` for a store that does not answer; `what` is what people call it."""
    return ChatError(Code.UNAVAILABLE, f"{what} does not answer", retry_after_ms=RETRY_AFTER_MS)


def overloaded(retry_after_ms: int = 1000) -> ChatError:
    """A `ChatError` for a command that too many others wait before."""
    return ChatError(Code.OVERLOADED, "too much is waiting to be written", retry_after_ms=retry_after_ms)


def not_found(what: str) -> ChatError:
    """A `ChatError` for something that is not there, or that the caller may not know of."""
    return ChatError(Code.NOT_FOUND, f"{what} not found")
