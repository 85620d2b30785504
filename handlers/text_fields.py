"""Short texts that people type: names, titles, statuses."""

import unicodedata

from handlers.errors import invalid


def one_line(text: str, field: str, *, most: int, least: int = 1) -> str:
    """The text in Unicode NFC, trimmed, without control characters. Raises `ChatError` when it is too short or too long."""
    clean = unicodedata.normalize("NFC", text).strip()
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in clean):
        raise invalid(field, "must not contain control characters")
    if not least <= len(clean) <= most:
        raise invalid(field, f"must be {least} to {most} characters long")
    return clean
