"""A REST client that outlives nodes: it asks the next one when one does not answer, and waits when it is told to."""

from __future__ import annotations

import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import h11
import msgspec
import trio

from server.refusal import refuse

T = TypeVar("T")

REQUEST_S: Final = 20.0
"""A node that has not answered by then counts as away."""
CONNECT_S: Final = 5.0
PATIENCE_S: Final = 60.0
"""How long all nodes may be away, or say that it is too early."""
LONGEST_PAUSE_S: Final = 5.0
_MOST_BODY: Final = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Node:
    """Where a node is. `prefix` is a path before its own, without the last slash."""

    url: str
    secure: bool
    host: str
    port: int
    prefix: str

    @property
    def authority(self) -> str:
        """Host and port, as in an address."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def socket_url(self) -> str:
        """Of its WebSocket."""
        scheme = "wss" if self.secure else "ws"
        return f"{scheme}://{self.authority}{self.prefix}/socket/websocket?vsn=2.0.0"


def parse_node(url: str) -> Node:
    """The node at `http(s)://host[:port][/prefix]`. Raises `Refusal`."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise refuse("--url", f"{url!r} is no address: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise refuse("--url", f"must be like http://127.0.0.1:8000, not {url!r}")
    secure = parts.scheme == "https"
    return Node(url, secure, parts.hostname, port or (443 if secure else 80), parts.path.rstrip("/"))


class NodeAway(Exception):
    """A node does not answer, or what answers is none."""


class _Problem(msgspec.Struct, frozen=True):
    code: str = ""
    detail: str = ""
    retry_after_ms: int | None = None


class ApiError(Exception):
    """A call was refused. `code` is the contract's, `status` that of HTTP."""

    def __init__(self, what: str, status: int, code: str, detail: str) -> None:
        super().__init__(f"{what} is answered {status} {code}: {detail}")
        self.status = status
        self.code = code


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes


@dataclass(slots=True)
class _Connection:
    stream: trio.abc.Stream
    http: h11.Connection = field(default_factory=lambda: h11.Connection(h11.CLIENT))

    async def exchange(self, request: h11.Request, body: bytes) -> _Answer:
        data = self.http.send(request) or b""
        if body:
            data += self.http.send(h11.Data(data=body)) or b""
        data += self.http.send(h11.EndOfMessage()) or b""
        await self.stream.send_all(data)
        status, parts, size = 0, [], 0
        while True:
            event = await self._next_event()
            if isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                parts.append(bytes(event.data))
                size += len(event.data)
                if size > _MOST_BODY:
                    raise h11.RemoteProtocolError("the answer is too long")
            elif isinstance(event, h11.EndOfMessage):
                return _Answer(status, b"".join(parts))
            elif isinstance(event, h11.ConnectionClosed):
                raise h11.RemoteProtocolError("the connection was closed before the answer")

    async def _next_event(self) -> Any:
        while True:
            event = self.http.next_event()
            if event is not h11.NEED_DATA:
                return event
            self.http.receive_data(bytes(await self.stream.receive_some()))

    def reusable(self) -> bool:
        if self.http.our_state is not h11.DONE or self.http.their_state is not h11.DONE:
            return False
        self.http.start_next_cycle()
        return True


class Api:
    """Calls of the contract's REST side. `nodes` are alike: whichever answers will do."""

    def __init__(self, nodes: Sequence[Node], *, patience_s: float = PATIENCE_S) -> None:
        self.nodes = tuple(nodes)
        self._patience_s = patience_s
        self._idle: dict[Node, list[_Connection]] = {node: [] for node in nodes}
        self._tls = ssl.create_default_context() if any(node.secure for node in nodes) else None

    async def close(self) -> None:
        """Close what is open."""
        for connections in self._idle.values():
            while connections:
                await trio.aclose_forcefully(connections.pop().stream)

    async def greet(self, node: Node) -> None:
        """See that a node is there and ready. Raises `NodeAway`."""
        with trio.move_on_after(CONNECT_S):
            answer = await self._once(node, "GET", "/readyz", b"", None)
            try:
                status = msgspec.json.decode(answer.body)["status"]
            except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError):
                raise NodeAway(f"what answers there is not a node (GET /readyz: {answer.status})") from None
            if answer.status != 200:
                raise NodeAway(f"the node is not ready, but {status}")
            return
        raise NodeAway(f"no answer within {CONNECT_S:.0f} s")

    async def call(
        self,
        method: str,
        path: str,
        answer: type[T],
        *,
        body: Any = None,
        token: str | None = None,
        first: int = 0,
        only: bool = False,
    ) -> T:
        """Call, until there is an answer.

        Args:
            method: of HTTP.
            path: below `/api/v1`.
            body: to be sent as JSON.
            answer: the shape of the answer; `type(None)` for one without a body.
            token: an access token.
            first: index of the node to ask first.
            only: ask no other, and once.

        Raises:
            ApiError: the call was refused.
            NodeAway: no node answered, or all said again and again that it is too early.

        """
        deadline = trio.current_time() + self._patience_s
        encoded = b"" if body is None else msgspec.json.encode(body)
        what = f"{method} {path.partition('?')[0]}"
        attempt = 0
        while True:
            node = self.nodes[(first + attempt) % len(self.nodes)]
            pause = min(LONGEST_PAUSE_S, 0.1 * 2**attempt)
            try:
                got = await self._once(node, method, f"/api/v1{path}", encoded, token)
            except NodeAway as missing:
                away = missing
            else:
                if got.status < 400:
                    return _decoded(got, answer, node)
                problem = _problem(got)
                refused = ApiError(what, got.status, problem.code, problem.detail)
                if got.status not in (429, 502, 503, 504):
                    raise refused
                pause = max(pause, (problem.retry_after_ms or 0) / 1000)
                away = NodeAway(f"{node.url}: {refused}")
            if only or trio.current_time() + pause > deadline:
                raise away
            attempt += 1
            await trio.sleep(pause)

    async def _once(self, node: Node, method: str, path: str, body: bytes, token: str | None) -> _Answer:
        headers = [("Host", node.authority), ("Accept", "application/json")]
        if token is not None:
            headers.append(("Authorization", f"Bearer {token}"))
        if body:
            headers += [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        elif method != "GET":
            headers.append(("Content-Length", "0"))
        request = h11.Request(method=method, target=node.prefix + path, headers=headers)
        while self._idle[node]:
            try:
                return await self._exchange(node, self._idle[node].pop(), request, body)
            except NodeAway:
                continue  # a node closes what was idle for long
        return await self._exchange(node, await self._connect(node), request, body)

    async def _connect(self, node: Node) -> _Connection:
        try:
            with trio.fail_after(CONNECT_S):
                if not node.secure:
                    return _Connection(await trio.open_tcp_stream(node.host, node.port))
                stream = await trio.open_ssl_over_tcp_stream(
                    node.host, node.port, ssl_context=self._tls, https_compatible=True
                )
                await stream.do_handshake()
                return _Connection(stream)
        except trio.TooSlowError:
            raise NodeAway(f"{node.url} does not answer: no connection within {CONNECT_S:.0f} s") from None
        except (OSError, trio.BrokenResourceError) as error:
            raise NodeAway(f"{node.url} does not answer: {_reason(error)}") from error

    async def _exchange(
        self, node: Node, connection: _Connection, request: h11.Request, body: bytes
    ) -> _Answer:
        keep = False
        try:
            with trio.fail_after(REQUEST_S):
                answer = await connection.exchange(request, body)
            keep = connection.reusable()
        except trio.TooSlowError:
            raise NodeAway(f"{node.url} does not answer: nothing within {REQUEST_S:.0f} s") from None
        except (OSError, trio.BrokenResourceError, trio.ClosedResourceError, h11.ProtocolError) as error:
            raise NodeAway(f"{node.url} does not answer: {_reason(error)}") from error
        finally:
            if not keep:
                with trio.CancelScope(shield=True):  # closing by force does not wait
                    await trio.aclose_forcefully(connection.stream)
        self._idle[node].append(connection)
        return answer


def _problem(got: _Answer) -> _Problem:
    try:
        return msgspec.json.decode(got.body, type=_Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Problem("", "an answer that is no problem document")


def _decoded(got: _Answer, answer: type[T], node: Node) -> T:
    try:
        return msgspec.json.decode(got.body or b"null", type=answer)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NodeAway(f"{node.url} answers with something else than a node does: {error}") from error


def _reason(error: BaseException) -> str:
    cause: BaseException | None = error
    while cause is not None:  # Trio says only that it could not connect; why is in what it caught
        error = cause
        cause = error.exceptions[0] if isinstance(error, ExceptionGroup) else error.__cause__
    number = getattr(error, "errno", None)
    return os.strerror(number) if number else str(error) or type(error).__name__
