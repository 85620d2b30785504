"""Short texts that people type: names, titles, statuses."""

import unicodedata
from typing import Final

from handlers.errors import invalid

_REFUSED: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
_VISIBLE: Final = frozenset("LNPS")


def one_line(text: str, field: str, *, most: int, least: int = 1) -> str:
    """The text in Unicode NFC, trimmed, without control characters and line breaks.

    Args:
        text: as it was typed.
        field: named in the error.
        most: longest, in code points.
        least: shortest; from 1 on, something in it must be visible.

    Raises:
        ChatError: `INVALID`, naming the field.

    """
    if (
        len(text) > 4 * most
    ):  # NFC can shorten, but not by more than this; a huge text is not worth normalising
        raise invalid(field, f"must be {least} to {most} characters long")
    clean = unicodedata.normalize("NFC", text).strip()
    categories = {unicodedata.category(character) for character in clean}
    if categories & _REFUSED:
        raise invalid(field, "must not contain control characters")
    if not least <= len(clean) <= most:
        raise invalid(field, f"must be {least} to {most} characters long")
    if least and not any(category[0] in _VISIBLE for category in categories):
        raise invalid(field, "must contain something visible")
    return clean
