"""What is not part of the API proper: health, metrics, keys, and the documents that describe the API. No token, no prefix."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from quart import Response

from server.rest.asyncapi import asyncapi
from server.rest.docs_page import STYLE, STYLE_PATH, docs_page
from server.rest.health import Health
from server.rest.openapi import openapi
from server.rest.operation import Operation
from server.services import Services

JSON: Final = "application/json"
_PAGE_POLICY: Final = (
    "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)

View = Callable[[], Awaitable[Response]]


def views(services: Services, operations: Sequence[Operation]) -> Mapping[str, View]:
    """Path -> view, all for GET."""
    health = Health(services.probes, services.required, services.draining)
    rest, socket = openapi(operations), asyncapi()

    async def healthz() -> Response:
        return _json({"status": "ok"})

    async def readyz() -> Response:
        readiness = await health.readiness()
        answer = _json(readiness, 200 if readiness.ready else 503)
        if not readiness.ready:
            answer.headers["Retry-After"] = "2"
        return answer

    async def metrics() -> Response:
        return Response(generate_latest(services.metrics), content_type=CONTENT_TYPE_LATEST)

    async def jwks() -> Response:
        answer = _json(services.tokens.jwks())
        answer.headers["Cache-Control"] = "public, max-age=60"
        return answer

    async def page() -> Response:
        answer = Response(docs_page(rest, socket), content_type="text/html; charset=utf-8")
        answer.headers["Content-Security-Policy"] = _PAGE_POLICY
        return answer

    async def style() -> Response:
        return Response(STYLE, content_type="text/css; charset=utf-8")

    return {
        "/healthz": healthz,
        "/readyz": readyz,
        "/metrics": metrics,
        "/.well-known/jwks.json": jwks,
        "/openapi.json": _document(rest),
        "/asyncapi.json": _document(socket),
        "/docs": page,
        STYLE_PATH: style,
    }


def _document(document: Mapping[str, Any]) -> View:
    encoded = msgspec.json.format(msgspec.json.encode(document))

    async def view() -> Response:
        return Response(encoded, content_type=JSON)

    return view


def _json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, content_type=JSON)
