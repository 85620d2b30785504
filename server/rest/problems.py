"""Errors as `application/problem+json`.

Source: RFC 9457 (problem details), RFC 9110 (status codes, `Retry-After`), RFC 6750 (`WWW-Authenticate`).
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Final

import msgspec
from msgspec import Meta
from quart import Response
from werkzeug.exceptions import HTTPException

from handlers.errors import RETRY_AFTER_MS, ChatError, Code, FieldError, unavailable
from persistence.errors import AlreadyExists, NotFound, StoreError, StoreUnavailable

MEDIA_TYPE: Final = "application/problem+json"
"""When nothing better is known."""


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What went wrong. `code` is stable and for programs, `detail` is for people; `errors` names the fields at fault."""

    title: str
    status: int
    code: str
    detail: str
    type: Annotated[str, Meta(description="Always `about:blank`, which is also what its absence means.")] = (
        "about:blank"
    )
    errors: tuple[FieldError, ...] = ()
    retry_after_ms: int | None = None
    request_id: str = ""


_BY_STATUS: Final = {
    400: Code.MALFORMED,
    401: Code.UNAUTHENTICATED,
    403: Code.FORBIDDEN,
    404: Code.NOT_FOUND,
    405: Code.METHOD_NOT_ALLOWED,
    413: Code.TOO_LARGE,
    415: Code.UNSUPPORTED_MEDIA_TYPE,
    422: Code.INVALID,
    429: Code.RATE_LIMITED,
    503: Code.UNAVAILABLE,
}
_WORDS: Final = {
    400: "the request is malformed",
    404: "there is nothing here",
    405: "this method is not for this address",
    408: "the body did not arrive in time",
    413: "the body is too large",
    415: "the body must be application/json",
}


def response(problem: Problem) -> Response:
    """The answer that carries a problem."""
    answer = Response(msgspec.json.encode(problem), problem.status, content_type=MEDIA_TYPE)
    if problem.retry_after_ms is not None:
        answer.headers["Retry-After"] = str(max(1, -(-problem.retry_after_ms // 1000)))
    if problem.status == 401:
        answer.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
    return answer


def of_chat_error(error: ChatError, request_id: str) -> Problem:
    """The problem for a request that a handler refused."""
    retry_after_ms = error.retry_after_ms
    if retry_after_ms is None and error.code.status in (429, 503):
        retry_after_ms = RETRY_AFTER_MS
    return Problem(
        title=_title(error.code.status),
        status=error.code.status,
        code=error.code.slug,
        detail=error.message,
        errors=error.errors,
        retry_after_ms=retry_after_ms,
        request_id=request_id,
    )


def of_store_error(error: StoreError) -> ChatError:
    """What a caller is told of a store that did not do what it was asked."""
    if isinstance(error, StoreUnavailable):
        return unavailable(error.store)
    if isinstance(error, NotFound):
        return ChatError(Code.NOT_FOUND, f"{error.what} not found")
    if isinstance(error, AlreadyExists):
        return ChatError(Code.CONFLICT, f"{error.what} already exists")
    return ChatError(Code.INTERNAL, "this could not be served")


def of_http(error: HTTPException, request_id: str) -> Problem:
    """The problem for a request that did not get as far as a handler."""
    status = error.code or 500
    code = _BY_STATUS.get(status)
    return Problem(
        title=_title(status),
        status=status,
        code=code.slug if code is not None else _title(status).lower().replace(" ", "_"),
        detail=_WORDS.get(status, _title(status).lower()),
        retry_after_ms=RETRY_AFTER_MS if status in (429, 503) else None,
        request_id=request_id,
    )


def _title(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
