"""One call of the API: what it takes, what it gives, who serves it. Routes, checks and the OpenAPI document all come from this."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, TypeVar

import msgspec

from handlers.errors import Code, not_found
from handlers.principal import Principal
from handlers.quotas import Quota

BodyT = TypeVar("BodyT")
QueryT = TypeVar("QueryT")

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

PREFIX: Final = "/api/v1"
MOST_SEQ: Final = 2**53
"""Whole numbers beyond this are not exact in JavaScript."""
_DIGITS: Final = 16


class NoQuery(msgspec.Struct, frozen=True):
    """No parameters."""


@dataclass(frozen=True, slots=True)
class Call(Generic[BodyT, QueryT]):
    """A request, checked.

    Attributes:
        caller: whoever the token says; `None` where none is needed.
        body: of the operation's type.
        query: the parameters after "?".
        path: the parts of the path that vary.
        address: the client's, as far as the proxies on the way are trusted.

    """

    caller: Principal | None
    body: BodyT
    query: QueryT
    path: Mapping[str, str]
    address: str

    @property
    def principal(self) -> Principal:
        """The verified caller of an operation that needs a token."""
        assert self.caller is not None, "only operations that need no token have no caller"
        return self.caller

    def id(self, name: str) -> str:
        """An id from the path."""
        return self.path[name]

    def seq(self) -> int:
        """The message's `seq` from the path. Raises `ChatError` (`NOT_FOUND`) for what no message can have."""
        text = self.path["seq"]
        if len(text) > _DIGITS or not (text.isascii() and text.isdecimal()) or not 1 <= int(text) <= MOST_SEQ:
            raise not_found("message")
        return int(text)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with another status than the operation's first."""

    status: int
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A call of the API.

    Attributes:
        method, path: of the request; the path as OpenAPI writes it, below `PREFIX`.
        serve: does it; its docstring is the documentation. Returns a value of the first of `answers`, or an `Answer`.
        tag: the group it is listed in.
        answers: status -> type, or several of which the answer is one; `None` for an answer without a body. The first is the usual one.
        body: type of the body; `None` for none.
        body_required: without it, an absent body is an empty object.
        query: type of the parameters.
        public: needs no token.
        quotas: what it counts for, beside the caller's requests.
        refuses: codes that it may be refused with, beside those that any call may.

    """

    method: Method
    path: str
    serve: Callable[[Call[Any, Any]], Awaitable[Any]]
    tag: str
    answers: Mapping[int, Any]
    body: Any = None
    body_required: bool = True
    query: type[msgspec.Struct] = NoQuery
    public: bool = False
    quotas: tuple[Quota, ...] = ()
    refuses: tuple[Code, ...] = ()

    @property
    def name(self) -> str:
        """A stable name, for the document and the metrics."""
        words = [part.strip("{}") for part in self.path.split("/") if part]
        return "_".join([self.method.lower(), *words])

    @property
    def rule(self) -> str:
        """The path as the web framework writes it."""
        return PREFIX + self.path.replace("{", "<").replace("}", ">")
