"""The opening handshake of a WebSocket as a server sees it (RFC 6455, section 4), and what phoenix.js 1.8 puts into it; without I/O.

h11 reads the request and wsproto computes the accept token, so that no HTTP is parsed here. wsproto's own handshake costs more (73 us
against 55), and decides by itself whether a plain request is an error, when here it may be meant for REST.
"""

import binascii
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import h11
import msgspec
from wsproto.utilities import generate_accept_token

MAX_HEAD_BYTES: Final = 16 * 1024
"""Bytes of a request's head, above which nobody should wait for its end."""
MAX_QUERY_FIELDS: Final = 32

SUBPROTOCOL: Final = "phoenix"
AUTH_TOKEN_PREFIX: Final = "base64url.bearer.phx."  # noqa: S105
DEFAULT_VSN: Final = "1.0.0"
"""What Phoenix takes a request without `vsn` for."""

_VERSION: Final = "13"
_END: Final = b"\r\n\r\n"
_URL_SAFE: Final = str.maketrans("-_", "+/")


class BadRequest(Exception):
    """A request that gets an answer other than 101: an HTTP `status`, and the `reason` in a few words."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(status, reason)
        self.status: Final = status
        self.reason: Final = reason


@dataclass(frozen=True, slots=True)
class Request:
    """The head of an HTTP request. Of a query field that is repeated, the first counts; header names are in lower case, repeated ones joined by commas."""

    method: str
    path: str
    """As sent: not percent-decoded."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    subprotocols: tuple[str, ...]
    http_version: str


def head_end(data: bytes | bytearray, searched_from: int = 0) -> int:
    """The index just after the blank line that ends a request's head, or -1 if it is not there yet.

    Args:
        data: the connection's bytes from the first.
        searched_from: how many of them an earlier call has seen.

    """
    found = data.find(_END, max(0, searched_from - len(_END) + 1))
    return found + len(_END) if found >= 0 else -1


def parse(head: bytes | bytearray) -> Request:
    """Read a whole request head.

    Raises:
        BadRequest: it is not the head of an HTTP/1 request.

    """
    reader = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
    try:
        reader.receive_data(bytes(head))
        event = reader.next_event()
    except h11.RemoteProtocolError as error:
        raise BadRequest(error.error_status_hint, "not a request in HTTP/1.1") from None
    if not isinstance(event, h11.Request):
        raise BadRequest(HTTPStatus.BAD_REQUEST, "not a whole request")
    version = event.http_version.decode()
    if not version.startswith("1."):
        raise BadRequest(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "only HTTP/1 is spoken here")
    headers: dict[str, str] = {}
    for raw_name, raw_value in event.headers:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    path, query = _split(event.target.decode("latin-1"))
    return Request(
        method=event.method.decode(),
        path=path,
        query=query,
        headers=headers,
        subprotocols=tuple(_items(headers.get("sec-websocket-protocol", ""))),
        http_version=version,
    )


def _split(target: str) -> tuple[str, dict[str, str]]:
    try:
        if not target.startswith("/"):  # the absolute form, which proxies may send (RFC 9112, section 3.2.2)
            parts = urlsplit(target)
            path, query = parts.path, parts.query
        else:
            path, _, query = target.partition("?")
        fields = parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_QUERY_FIELDS) if query else ()
    except ValueError:
        raise BadRequest(HTTPStatus.BAD_REQUEST, "bad request target") from None
    return path, dict(reversed(fields))


def _items(value: str) -> list[str]:
    return [item for part in value.split(",") if (item := part.strip(" \t"))] if value else []


def _lists(request: Request, header: str, item: str) -> bool:
    return item in _items(request.headers.get(header, "").lower())


def is_upgrade(request: Request) -> bool:
    """Whether the client wants to speak WebSocket, be the request otherwise right (`accept`) or wrong."""
    return _lists(request, "upgrade", "websocket")


def accept(request: Request) -> bytes:
    """The complete 101 response to an upgrade; with the subprotocol `phoenix` if that was offered, and with no extensions.

    Raises:
        BadRequest: 426 for another version of the protocol, 400 for everything else that makes it no opening handshake.

    """
    headers = request.headers
    key = headers.get("sec-websocket-key", "")
    if request.method != "GET" or request.http_version == "1.0":
        raise BadRequest(HTTPStatus.BAD_REQUEST, "a WebSocket begins with GET in HTTP/1.1")
    if not is_upgrade(request) or not _lists(request, "connection", "upgrade"):
        raise BadRequest(
            HTTPStatus.BAD_REQUEST, "no upgrade to websocket in the headers Connection and Upgrade"
        )
    version = headers.get("sec-websocket-version")
    if version != _VERSION:
        status = HTTPStatus.BAD_REQUEST if version is None else HTTPStatus.UPGRADE_REQUIRED
        raise BadRequest(status, "the header Sec-WebSocket-Version must be 13")
    if len(_decoded(key) or b"") != 16:
        raise BadRequest(HTTPStatus.BAD_REQUEST, "the header Sec-WebSocket-Key must be 16 bytes in base64")
    if headers.get("content-length", "0") != "0" or "transfer-encoding" in headers:
        raise BadRequest(HTTPStatus.BAD_REQUEST, "an opening handshake has no body")
    chosen = b"Sec-WebSocket-Protocol: phoenix\r\n" if SUBPROTOCOL in request.subprotocols else b""
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %b\r\n%b\r\n"
        % (generate_accept_token(key.encode()), chosen)
    )


def _decoded(text: str) -> bytes | None:
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):  # ValueError: not ASCII
        return None


def token(request: Request) -> str | None:
    """The access token that the client brought, unchecked: phoenix.js' `authToken`, else `Authorization: Bearer`, else `?token=`.

    phoenix.js writes it with `btoa` and takes the padding off, so despite the prefix's name in the plain alphabet of base64; other clients follow the
    name. Both are read. None if there is no token, or one that is not base64 of ASCII.
    """
    for offered in request.subprotocols:
        if offered.startswith(AUTH_TOKEN_PREFIX):
            text = offered[len(AUTH_TOKEN_PREFIX) :].rstrip("=").translate(_URL_SAFE)
            found = _decoded(text + "=" * (-len(text) % 4))
            return found.decode() if found is not None and found.isascii() else None
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    return request.query.get("token")


def vsn(request: Request) -> str:
    """The serializer's version that the client speaks; this server's is `2.0.0`."""
    return request.query.get("vsn", DEFAULT_VSN)


def refusal(status: int, code: str, message: str, *, retry_after_ms: int | None = None) -> bytes:
    """A complete response other than 101, as `application/problem+json` (RFC 9457), after which the connection closes.

    Args:
        status: the HTTP status.
        code: one of the codes that REST answers with, for programs.
        message: one sentence, for people.
        retry_after_ms: when trying again can help.

    """
    phrase = HTTPStatus(status).phrase
    problem: dict[str, Any] = {"title": phrase, "status": int(status), "code": code, "detail": message}
    fields = [
        f"HTTP/1.1 {int(status)} {phrase}",
        f"Date: {formatdate(usegmt=True)}",
        "Content-Type: application/problem+json",
        "Connection: close",
    ]
    if status == HTTPStatus.UPGRADE_REQUIRED:
        fields += ("Upgrade: websocket", f"Sec-WebSocket-Version: {_VERSION}")
    if retry_after_ms is not None:
        problem["retry_after_ms"] = retry_after_ms
        fields.append(f"Retry-After: {-(-retry_after_ms // 1000)}")
    body = msgspec.json.encode(problem)
    fields.append(f"Content-Length: {len(body)}")
    return "\r\n".join(fields).encode() + _END + body
