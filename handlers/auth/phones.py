"""Phone numbers: E.164, as Google's library sees them."""

import re
from typing import Final

import phonenumbers

from handlers.errors import invalid

_WRITTEN: Final = re.compile(r"\+[0-9][0-9 ()./\u00a0-]{3,38}", re.ASCII)
"""A plus, digits, and what people put between them. The library would also find a number inside other text."""


def e164(text: str, field: str = "phone") -> str:
    """The number in E.164, for example "+4930123456". Raises `ChatError` for what cannot be a number in international form."""
    written = text.strip()
    if _WRITTEN.fullmatch(written) is None:
        raise invalid(field, "must be a phone number in international form, like +4930123456")
    try:
        number = phonenumbers.parse(written, None)
    except phonenumbers.NumberParseException:
        raise invalid(field, "must be a phone number in international form, like +4930123456") from None
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason != phonenumbers.ValidationResult.IS_POSSIBLE:  # a number without its area code is not enough
        raise invalid(field, "is not a possible phone number")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def masked(number: str) -> str:
    """The number, in E.164, with what identifies its owner taken out: for records of what was tried."""
    return f"{number[:3]}...{number[-2:]}"
