"""Long polls among the requests of the web application, before it: they need nothing of it, and wait long."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import parse_qsl

import trio

from server.longpoll.requests import PATH, LongPoll, Request, Response, TooLarge

MOST_FIELDS: Final = 32
BODY_S: Final = 15.0
"""A body that has not arrived by then is not waited for."""

Application = Callable[[Any, Any, Any], Awaitable[None]]


def with_long_poll(app: Application, long_poll: LongPoll) -> Application:
    """The application, and long polls."""

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != PATH:
            await app(scope, receive, send)
            return
        response = await _response(long_poll, scope, receive)
        if response is None:
            return
        headers = [(name.encode(), value.encode()) for name, value in response.headers]
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        content = b"" if scope["method"] == "HEAD" else response.body
        await send({"type": "http.response.body", "body": content, "more_body": False})

    return serve


async def _response(long_poll: LongPoll, scope: Any, receive: Any) -> Response | None:
    """The answer; `None` when the client went away while its poll waited."""
    request = _request(scope, receive)
    if scope["method"] != "GET":
        return await long_poll.respond(request)
    response: Response | None = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_until_gone, receive, nursery.cancel_scope)
        response = await long_poll.respond(request)
        nursery.cancel_scope.cancel()
    return response


async def _until_gone(receive: Any, scope: trio.CancelScope) -> None:
    while (await receive())["type"] == "http.request":
        pass  # the body of a GET, which has none
    scope.cancel()


def _request(scope: Any, receive: Any) -> Request:
    async def body(most: int) -> bytes:
        pieces: list[bytes] = []
        size = 0
        with trio.move_on_after(BODY_S):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise TooLarge  # the client is gone, and reads no answer
                pieces.append(message.get("body", b""))
                size += len(pieces[-1])
                if size > most:
                    raise TooLarge
                if not message.get("more_body", False):
                    return b"".join(pieces)
        raise TooLarge

    try:
        query = parse_qsl(
            scope["query_string"].decode("latin-1"), keep_blank_values=True, max_num_fields=MOST_FIELDS
        )
    except ValueError:
        query = []
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    client = scope.get("client")
    peer = str(client[0]) if client else ""
    return Request(method=scope["method"], peer=peer, query=query, headers=headers, body=body)
