"""Phone numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.auth.phones import e164
from handlers.errors import ChatError, Code


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("+493012345678", "+493012345678"),
        ("  +49 (30) 1234-5678 ", "+493012345678"),
        ("+1 415 555 2671", "+14155552671"),
        ("+39 06 1234567", "+39061234567"),
        ("+44.20.7946.0018", "+442079460018"),
    ],
)
def test_numbers_are_written_in_one_way(written: str, expected: str) -> None:
    assert e164(written) == expected
    assert e164(expected) == expected


@pytest.mark.parametrize(
    "written",
    ["", "+", "030 12345678", "0049301234567", "+1 555 0100", "+999123456789", "+49" + "1" * 20, "tel:+493012345678", "+1-800-FLOWERS",
     "+493012345678;ext=5", "+493012345678 ext. 5", "call +493012345678", "+49\u0000301234567", "\uff0b493012345678", "+\u0664\u0669301234567"],
)  # fmt: skip
def test_what_is_no_number_in_international_form_is_refused(written: str) -> None:
    with pytest.raises(ChatError) as caught:
        e164(written, "who.phone")
    assert caught.value.code is Code.INVALID
    assert caught.value.errors[0].field == "who.phone"


@given(st.text(max_size=60) | st.text("+0123456789 ()-./x;", max_size=40))
def test_any_text_is_a_number_or_refused(text: str) -> None:
    try:
        number = e164(text)
    except ChatError:
        return
    assert e164(number) == number
    assert number[0] == "+"
    assert number[1:].isascii()
    assert number[1:].isdigit()
    assert len(number) <= 16
