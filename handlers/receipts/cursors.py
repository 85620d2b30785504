"""Frames about how far members have received and read: made once on each node for everybody there. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from handlers.protocol import ME, Prepared, encode, event_text
from handlers.wire import CursorMoved


class Moved(NamedTuple):
    """How far one member has come now; 0 for what is not said."""

    user_id: str
    delivered: int
    read: int


def frames(chat_id: str, moved: Iterable[Moved]) -> Prepared:
    """For those who see what others have read."""
    texts: list[bytes] = []
    for each in moved:
        if each.delivered:
            texts.append(_text("MESSAGE_DELIVERED", chat_id, each.user_id, each.delivered))
        if each.read:
            texts.append(_text("MESSAGE_READ", chat_id, each.user_id, each.read))
    return Prepared(*texts)


def frames_without_reads(chat_id: str, moved: Iterable[Moved]) -> Prepared:
    """For those who do not: who has read has received, and that is said instead."""
    return Prepared(
        *(_text("MESSAGE_DELIVERED", chat_id, each.user_id, max(each.delivered, each.read)) for each in moved)
    )


def _text(name: str, chat_id: str, user_id: str, seq: int) -> bytes:
    return event_text(ME, name, encode(CursorMoved(chat_id=chat_id, user_id=user_id, seq=seq)))
