"""What a request at `/socket/longpoll` is answered, whichever way it came in; without I/O but for the session's.

| request | HTTP | `status` in the body | phoenix.js |
| --- | --- | --- | --- |
| GET with an access token, without a session's ticket or with that of one that is gone | 200 | 410 and a `token` | open; with a former ticket it closes (3410) and begins anew |
| GET with a ticket | 200 | 200 with `messages`, 204 when nothing came; always a `token` | polls again with that |
| POST with a ticket | 200 | 200; 410 when the session is gone | goes on; else closes and begins anew |
| GET without a good access token, or in another version | 403 | 403 | closes for good |
| GET that cannot be served now | 503, 404, 405, ... | 500 | tries again later |

The status is in the body because phoenix.js reads it there, whatever the answer's own is; of any but these it would wait for ever. A refusal's own status is
for proxies, which may then ask another node. Requests from other origins are allowed, as in Phoenix: what identifies a client is no cookie.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

import msgspec
import trio

from config.settings import NodeRole
from handlers.auth.tokens import Tokens
from handlers.errors import ChatError, Code
from handlers.nodes.peers import NoAnswer, Peers
from handlers.principal import Principal
from server.admission import Admission
from server.longpoll import wire
from server.longpoll.sessions import LongPollSessions
from server.longpoll.tickets import PREFIX, Ticket, Tickets
from server.longpoll.wire import GONE, GONE_ANSWER, NOTHING, OK, TIMEOUT, Answer, Asked, Left, Poll, Post

PATH: Final = "/socket/longpoll"
VSN: Final = "2.0.0"
METHODS: Final = "GET, POST, OPTIONS"
NDJSON: Final = "application/x-ndjson"
ONE_FRAME: Final = frozenset({"", "application/json", "text/plain"})
FRAMES_AT_ONCE: Final = 16
"""Frames of the greatest length that fit into one body; phoenix.js puts up to 100 into one."""
POST_S: Final = 10.0
"""How long a post waits for those before it to be served."""
PREFLIGHT_S: Final = 3600
_HEADER_NAMES: Final = re.compile(r"[A-Za-z0-9_, -]{1,512}")
_NO_TOKEN: Final = frozenset({"", "null", "undefined"})
"""What JavaScript makes of a token that is not there."""

Headers = list[tuple[str, str]]


class TooLarge(Exception):
    """The body is longer than it may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request.

    Attributes:
        method: in capitals.
        peer: the address of the other end.
        query: the fields after "?", in order.
        headers: by name in lower case.
        body: reads all of it; raises `TooLarge` beyond a number of bytes.

    """

    method: str
    peer: str = ""
    query: Sequence[tuple[str, str]]
    headers: Mapping[str, str]
    body: Callable[[int], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Response:
    """What it is answered; the body is JSON, if there is one."""

    status: int
    body: bytes
    headers: Headers = field(default_factory=list)


class LongPoll:
    """Answers requests.

    Args:
        sessions: those of this node.
        peers: leads to those of others.
        tickets: what clients show.
        tokens: checks access tokens.
        admission: says who may open a session.
        roles: of this node: without `realtime` there is nothing here.
        window_s: how long a poll waits.
        max_message_bytes: of a frame.

    """

    def __init__(
        self,
        sessions: LongPollSessions,
        *,
        peers: Peers,
        tickets: Tickets,
        tokens: Tokens,
        admission: Admission,
        roles: frozenset[NodeRole],
        window_s: float,
        max_message_bytes: int,
    ) -> None:
        self._sessions = sessions
        self._peers = peers
        self._tickets = tickets
        self._tokens = tokens
        self._admission = admission
        self._roles = roles
        self._window_s = window_s
        self._max_body_bytes = FRAMES_AT_ONCE * max_message_bytes
        self._waiting: set[trio.CancelScope] = set()
        self._released = False
        self._numbers = count(1)

    # -- requests --------------------------------------------------------------------------------------------------

    async def respond(self, request: Request) -> Response:
        """Answer a request. Raises nothing that its client could cause. Cancelled, it tells the session that its client has left."""
        try:
            if NodeRole.REALTIME not in self._roles:
                raise ChatError(Code.NOT_FOUND, "there is nothing here")
            if request.method == "OPTIONS":
                return _preflight(request)
            if request.method == "GET":
                return await self._get(request)
            if request.method == "POST":
                return await self._post(request)
            raise ChatError(Code.METHOD_NOT_ALLOWED, f"only {METHODS}")
        except ChatError as error:
            return _refused(error)

    async def _get(self, request: Request) -> Response:
        if dict(reversed(request.query)).get("vsn") != VSN:
            raise ChatError(Code.FORBIDDEN, f"vsn must be {VSN}")
        ticket = self._ticket(request)
        if ticket is not None:
            answer = await self._poll(ticket)
            if answer.status != GONE:
                number = answer.number if answer.status == OK else ticket.number
                return self._polled(answer, msgspec.structs.replace(ticket, number=number))
        self._admission.check(request.headers, request.peer)
        principal = self._authenticate(request)
        name = await self._sessions.begin(principal)
        first = Ticket(self._peers.incarnation, name, principal.user_id, principal.device_id, 0)
        return self._polled(GONE_ANSWER, first)

    def _polled(self, answer: Answer, ticket: Ticket) -> Response:
        messages = [text.decode() for text in answer.messages]
        return _json(
            200, {"status": answer.status, "token": self._tickets.write(ticket), "messages": messages}
        )

    async def _post(self, request: Request) -> Response:
        ticket = self._ticket(request)
        if ticket is None:
            return _json(200, {"status": GONE})
        try:
            body = await request.body(self._max_body_bytes)
        except TooLarge:
            raise ChatError(
                Code.TOO_LARGE, f"the body must be at most {self._max_body_bytes} bytes"
            ) from None
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == NDJSON:
            frames = [line for line in body.split(b"\n") if line.strip()]
        elif kind in ONE_FRAME:
            frames = [body] if body.strip() else []
        else:
            raise ChatError(Code.UNSUPPORTED_MEDIA_TYPE, f"the body must be {NDJSON}")
        answer = await self._ask(
            ticket, Post(ticket.session, ticket.user_id, ticket.device_id, frames), POST_S
        )
        if answer is None:
            return _json(TIMEOUT, {"status": TIMEOUT})
        if answer.status in (OK, GONE):
            return _json(200, {"status": answer.status})
        return _json(answer.status, {"status": answer.status, "message": answer.reason})

    def _ticket(self, request: Request) -> Ticket | None:
        """The last that is one: phoenix.js appends it to whatever parameters an application has."""
        for name, value in reversed(request.query):
            if name == "token" and value.startswith(PREFIX):
                return self._tickets.read(value)
        return None

    def _authenticate(self, request: Request) -> Principal:
        """Whose session it will be. Raises `ChatError` (403 whatever is wrong with the token, as in Phoenix)."""
        token = request.headers.get("x-phoenix-authtoken")
        if token is None:
            scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
            token = credentials.strip() if scheme.lower() == "bearer" else None
        if token is None:
            others = (value for name, value in request.query if name == "token" and value not in _NO_TOKEN)
            token = next((value for value in others if not value.startswith(PREFIX)), "")
        return self._tokens.verify(token)

    # -- sessions, here or elsewhere -------------------------------------------------------------------------------

    async def _poll(self, ticket: Ticket) -> Answer:
        holder = f"{self._peers.incarnation}/{next(self._numbers)}"
        asked = Poll(ticket.session, ticket.user_id, ticket.device_id, ticket.number, holder)
        try:
            # No answer in time is no loss: what it may have held is given again to the next poll, which brings the same number.
            return await self._ask(ticket, asked, 0.0 if self._released else self._window_s) or Answer(
                NOTHING
            )
        except trio.Cancelled:
            self._leave(ticket, Left(ticket.session, ticket.user_id, ticket.device_id, holder))
            raise

    def _leave(self, ticket: Ticket, left: Left) -> None:
        if ticket.node == self._peers.incarnation:
            self._sessions.ask(left, lambda answer: None)
        else:
            self._peers.tell(ticket.node, wire.encode(left))

    async def _ask(self, ticket: Ticket, asked: Asked, timeout_s: float) -> Answer | None:
        """The session's answer; `None` if none came in time."""
        answer: Answer | None = None
        with trio.move_on_after(timeout_s) as scope:
            self._waiting.add(scope)
            try:
                if ticket.node == self._peers.incarnation:
                    answer = await self._ask_here(asked)
                else:
                    answer = await self._ask_there(ticket.node, asked)
            finally:
                self._waiting.discard(scope)
        return answer

    async def _ask_here(self, asked: Asked) -> Answer:
        answers: list[Answer] = []
        over = trio.Event()

        def reply(answer: Answer) -> None:
            answers.append(answer)
            over.set()

        self._sessions.ask(asked, reply)
        if not answers:
            await over.wait()
        return answers[0]

    async def _ask_there(self, node: str, asked: Asked) -> Answer:
        try:
            return wire.decode_answer(await self._peers.ask(node, wire.encode(asked)))
        except NoAnswer:
            return GONE_ANSWER

    # -- the end ---------------------------------------------------------------------------------------------------

    def release(self) -> None:
        """Answer all polls now, and from now on at once: clients are to ask other nodes."""
        self._released = True
        for scope in tuple(self._waiting):
            scope.cancel()

    def hold(self) -> None:
        """Let polls wait again, as at first."""
        self._released = False


def _preflight(request: Request) -> Response:
    wanted = request.headers.get("access-control-request-headers", "")
    headers = [
        ("access-control-allow-methods", METHODS.lower()),
        ("access-control-max-age", str(PREFLIGHT_S)),
    ]
    if _HEADER_NAMES.fullmatch(wanted):
        headers.append(("access-control-allow-headers", wanted))
    return _response(200, b"", headers)


def _refused(error: ChatError) -> Response:
    status = 403 if error.code.status == 401 else error.code.status
    body: dict[str, Any] = {
        "status": 403 if status == 403 else 500,
        "code": error.code.slug,
        "message": error.message,
    }
    headers: Headers = []
    if error.retry_after_ms is not None:
        body["retry_after_ms"] = error.retry_after_ms
        headers.append(("retry-after", str(-(-error.retry_after_ms // 1000))))
    if error.code is Code.METHOD_NOT_ALLOWED:
        headers.append(("allow", METHODS))
    return _json(status, body, headers)


def _json(status: int, value: Any, headers: Sequence[tuple[str, str]] = ()) -> Response:
    return _response(
        status, msgspec.json.encode(value), [("content-type", "application/json; charset=utf-8"), *headers]
    )


def _response(status: int, body: bytes, headers: Headers) -> Response:
    return Response(
        status,
        body,
        [
            ("content-length", str(len(body))),
            ("access-control-allow-origin", "*"),
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            *headers,
        ],
    )
