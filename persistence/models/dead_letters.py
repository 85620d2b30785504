"""What could not be carried out."""

from typing import Any

import msgspec


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A command that could not be carried out, kept for an operator with the reason."""

    id: str
    source: str
    reason: str
    command: dict[str, Any]
    at: int
