"""Lists in pages. A cursor is opaque to clients: where the next page begins, packed."""

from __future__ import annotations

from typing import Annotated, Any, Final, Generic, TypeVar

import msgspec
from msgspec import Meta

from handlers.base64url import from_base64url, to_base64url
from handlers.errors import invalid

T = TypeVar("T")

MOST_CURSOR: Final = 256
"""Longest cursor, in characters."""

_pack: Final = msgspec.msgpack.Encoder().encode


class PageQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which page of a list."""

    limit: Annotated[int, Meta(ge=1, le=200, description="Items in a page, at most.")] = 50
    cursor: Annotated[str, Meta(max_length=MOST_CURSOR, description="`next` of the page before.")] | None = (
        None
    )


class Page(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A page of a list. `next` asks for what follows; `null` on the last page."""

    items: list[T]
    next: str | None = None


def to_cursor(place: Any) -> str:
    """A cursor for a place in a list, which is a tuple of plain values."""
    return to_base64url(_pack(place))


class CursorReader(Generic[T]):
    """Reads the cursors of one list. `shape` is the type of its places."""

    __slots__ = ("_decode",)

    def __init__(self, shape: type[T]) -> None:
        self._decode = msgspec.msgpack.Decoder(shape).decode

    def __call__(self, cursor: str | None) -> T | None:
        """The place, or `None` without a cursor. Raises `ChatError` (`INVALID`) for one that this list did not give."""
        if cursor is None:
            return None
        try:
            return self._decode(from_base64url(cursor))
        except (ValueError, RecursionError, OverflowError):
            raise invalid("cursor", "is not one that this list gave") from None
