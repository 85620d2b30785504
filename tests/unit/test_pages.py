"""Cursors of lists."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.errors import ChatError, Code
from handlers.pages import MOST_CURSOR, CursorReader, to_cursor

read = CursorReader(tuple[int, int, str])
packed = st.binary(max_size=60).map(lambda raw: urlsafe_b64encode(raw).decode().rstrip("="))


@given(st.tuples(st.integers(0, 1), st.integers(-(2**53), 2**53), st.text("0123456789abcdef", max_size=64)))
def test_a_place_comes_back(place: tuple[int, int, str]) -> None:
    cursor = to_cursor(place)
    assert read(cursor) == place
    assert cursor.isascii()
    assert len(cursor) <= MOST_CURSOR
    assert not set(cursor) & set("+/=& ")


@given(st.text(max_size=80) | packed)
def test_any_other_text_is_refused(cursor: str) -> None:
    try:
        place: Any = read(cursor)
    except ChatError as error:
        assert error.errors[0].field == "cursor"  # noqa: PT017 - refused or read, both are right
        return
    assert read(to_cursor(place)) == place


def test_a_cursor_of_another_list_is_refused() -> None:
    with pytest.raises(ChatError) as caught:
        read(to_cursor(("u1",)))
    assert caught.value.code is Code.INVALID


def test_no_cursor_is_the_beginning() -> None:
    assert read(None) is None
