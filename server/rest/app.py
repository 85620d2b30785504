"""The web application: routes from the operations, and one place where every error becomes a problem."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
import trio
from prometheus_client import Counter, Histogram
from quart import Response, g, request
from quart_trio import QuartTrio
from werkzeug.exceptions import HTTPException, NotFound

from config.logging import request_id as logged_request_id
from handlers.errors import ChatError, Code
from persistence.errors import StoreError
from server.addresses import Network, is_within
from server.rest import (
    account,
    admin,
    auth,
    blocks,
    chats,
    devices,
    invites,
    media,
    messages,
    push,
    stories,
    users,
)
from server.rest.meta import JSON, View, views
from server.rest.operation import PREFIX, Answer, Operation
from server.rest.problems import of_chat_error, of_http, of_store_error, response
from server.rest.requests import Requests
from server.rest.roles import role_of
from server.rest.routes import Route, routing
from server.rest.security import harden
from server.services import Services
from server.web.site import Site

BODY_TIMEOUT_S: Final = 15.0
"""A body that has not arrived by then is not waited for."""

Application = Callable[[Any, Any, Any], Awaitable[None]]

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")

log: Final = logging.getLogger(__name__)


def operations(services: Services) -> tuple[Operation, ...]:
    """Every call of the API that this node's roles serve."""
    modules = (auth, devices, users, account, blocks, chats, invites, messages, stories, push, media, admin)
    every = (operation for module in modules for operation in module.operations(services))
    return tuple(operation for operation in every if role_of(operation.path) in services.settings.roles)


def create_app(services: Services) -> QuartTrio:
    """The application, to be served by any ASGI server on Trio."""
    app = QuartTrio("server.rest", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = services.settings.limits.max_body_bytes
    app.config["BODY_TIMEOUT"] = BODY_TIMEOUT_S
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    metrics = _Metrics(services)
    every = operations(services)
    others = views(services, every)
    app.url_map = routing(
        (
            *(Route(operation.rule, operation.name, operation.method) for operation in every),
            *(Route(path, path, "GET") for path in others),
        )
    )
    for operation in every:
        app.endpoint(operation.name)(_serve(operation, services, metrics))
    for path, view in others.items():
        app.endpoint(path)(view)
    app.register_error_handler(NotFound, _elsewhere(services.site))
    app.register_error_handler(Exception, _refuse)
    app.before_request(_begin)
    app.after_request(_finisher(services.settings.trusted_proxies))
    app.asgi_app = _rooted(app.asgi_app)  # type: ignore[method-assign, assignment]
    return app


def _rooted(serve: Application) -> Application:
    """Quart crashes on a path that is empty, and on some whole addresses in its place (RFC 9112, section 3.2.2)."""

    async def rooted(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and not scope["path"].startswith("/"):
            scope = {**scope, "path": _path(scope["path"])}
        await serve(scope, receive, send)

    return rooted


def _path(target: str) -> str:
    try:
        path = urlsplit(target).path
    except ValueError:
        path = ""
    return path if path.startswith("/") else f"/{path}"


class _Metrics:
    """What `/metrics` tells of the REST side."""

    def __init__(self, services: Services) -> None:
        self.requests = Counter(
            "rest_requests",
            "Requests by operation and status.",
            ("operation", "status"),
            registry=services.metrics,
        )
        self.seconds = Histogram(
            "rest_request_seconds", "Time to answer a request.", ("operation",), registry=services.metrics
        )

    def count(self, operation: str, status: int, seconds: float) -> None:
        """A request has been answered."""
        self.requests.labels(operation, str(status)).inc()
        self.seconds.labels(operation).observe(seconds)


def _serve(operation: Operation, services: Services, metrics: _Metrics) -> Callable[..., Awaitable[Response]]:
    requests = Requests(operation, services)
    usual = next(iter(operation.answers))

    async def view(**path: str) -> Response:
        began = trio.current_time()
        try:
            answer = await operation.serve(await requests.read(request, path))
            if not isinstance(answer, Answer):
                answer = Answer(usual, answer)
            result = _answer(answer)
        except Exception as error:  # noqa: BLE001 - becomes the answer; what was not foreseen is logged
            result = await _refuse(error)
        metrics.count(operation.name, result.status_code, trio.current_time() - began)
        return result

    return view


def _answer(answer: Answer) -> Response:
    if answer.value is None:
        empty = Response(b"", answer.status)
        del empty.headers["Content-Type"]
        return empty
    return Response(msgspec.json.encode(answer.value), answer.status, content_type=JSON)


async def _refuse(error: Exception) -> Response:
    """The problem for whatever went wrong with a request."""
    if isinstance(error, HTTPException):
        refused = response(of_http(error, _current_id()))
        for name, value in error.get_headers():
            if name == "Allow":
                refused.headers[name] = value
        return refused
    if isinstance(error, StoreError):
        error = of_store_error(error)
    if not isinstance(error, ChatError):
        log.error(
            "a request crashed", exc_info=error, extra={"path": request.url_rule and request.url_rule.rule}
        )
        error = ChatError(Code.INTERNAL, "this could not be served")
    return response(of_chat_error(error, _current_id()))


def _elsewhere(site: Site | None) -> Callable[[Exception], Awaitable[Response]]:
    """What has no route here may be the web client's."""

    async def answer(error: Exception) -> Response:
        found = site.answer(request) if site is not None else None
        return found if found is not None else await _refuse(error)

    return answer


def _current_id() -> str:
    return str(g.get("request_id", ""))


async def _begin() -> None:
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
    logged_request_id.set(g.request_id)


def _finisher(trusted: Sequence[Network]) -> Callable[[Response], Awaitable[Response]]:
    async def finish(answer: Response) -> Response:
        try:
            # An answer may be ready before its request is in: a connection can be used again only when that is out of the way.
            await request.get_data(cache=False)
        except HTTPException:
            answer.headers["Connection"] = "close"  # too much, or too slow
        answer.headers["X-Request-Id"] = _current_id()
        by_tls = request.headers.get("X-Forwarded-Proto", "").strip().lower() == "https"
        harden(answer, secure=by_tls and is_within(request.remote_addr or "", trusted))
        return answer

    return finish


__all__ = ["PREFIX", "View", "create_app", "operations"]
