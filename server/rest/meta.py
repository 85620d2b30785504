"""What is not part of the API proper: health, metrics, keys, and the documents that describe the API. No token, no prefix."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from quart import Response

from server.rest.asyncapi import asyncapi
from server.rest.docs_page import STYLE, STYLE_PATH, docs_page
from server.rest.health import Health
from server.rest.live_page import live_page
from server.rest.openapi import openapi
from server.rest.operation import Operation
from server.services import Services
from server.web.facts import client_facts

JSON: Final = "application/json"
_PAGE_POLICY: Final = (
    "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)

View = Callable[[], Awaitable[Response]]


def views(services: Services, operations: Sequence[Operation]) -> Mapping[str, View]:
    """Path -> view, all for GET."""
    health = Health(services.probes, services.required, services.draining)

    @cache
    def documents() -> tuple[dict[str, Any], dict[str, Any]]:
        """Made for the first who asks: that takes as long as the rest of starting."""
        return openapi(operations), asyncapi()

    facts = client_facts(services.settings)

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

    async def client() -> Response:
        return _json(facts)

    async def page() -> Response:
        answer = Response(docs_page(*documents()), content_type="text/html; charset=utf-8")
        answer.headers["Content-Security-Policy"] = _PAGE_POLICY
        return answer

    async def style() -> Response:
        return Response(STYLE, content_type="text/css; charset=utf-8")

    return {
        "/healthz": healthz,
        "/readyz": readyz,
        "/metrics": metrics,
        "/.well-known/jwks.json": jwks,
        "/client.json": client,
        "/openapi.json": _document(lambda: documents()[0]),
        "/asyncapi.json": _document(lambda: documents()[1]),
        "/docs": page,
        STYLE_PATH: style,
        **live_page(),
    }


def _document(make: Callable[[], Mapping[str, Any]]) -> View:
    async def view() -> Response:
        return Response(msgspec.json.format(msgspec.json.encode(make())), content_type=JSON)

    return view


def _json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, content_type=JSON)
