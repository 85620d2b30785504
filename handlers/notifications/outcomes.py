"""What follows from what a push service says, and when a push is tried again. Nothing here waits or asks.

Source: RFC 8030, sections 5.1, 7.3 and 8.4; RFC 9110, section 10.2.3 (`Retry-After`).
"""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

import msgspec

from handlers.notifications.sender import Answer
from persistence.models import PushResult

FIRST_PAUSE_S: Final = 2.0
LONGEST_PAUSE_S: Final = 900.0
LONGEST_RETRY_AFTER_S: Final = 3_600.0
"""What a push service may ask for at most."""

_GONE: Final = frozenset({404, 410})
_TEMPORARY: Final = frozenset({408, 425, 429})


class Verdict(msgspec.Struct, frozen=True):
    """What to do.

    Attributes:
        result: for the record.
        reason: in words.
        delay_s: until the next try, for `AGAIN`.
        forget: the subscription is of no use any more.
        ill: it was the service's fault, not this push's: whether it can be reached at all is in question.

    """

    result: PushResult
    reason: str = ""
    delay_s: float = 0.0
    forget: bool = False
    ill: bool = False


def judge(answer: Answer, *, attempt: int, most: int, now_ms: int, chance: float) -> Verdict:
    """The verdict on a try.

    Args:
        answer: what the service said.
        attempt: which try it was, from 1.
        most: tries altogether.
        now_ms: for a `Retry-After` that is a date.
        chance: between 0 and 1: spreads the next tries of many.

    """
    status = answer.status
    if answer.forbidden:
        return Verdict(PushResult.FAILED, answer.reason, forget=True)
    if status is not None and 200 <= status < 300:
        return Verdict(PushResult.DELIVERED)
    words = _words(answer)
    if status in _GONE:
        return Verdict(PushResult.GONE, words, forget=True)
    if status is not None and status < 500 and status not in _TEMPORARY:
        return Verdict(PushResult.FAILED, words)
    ill = status not in _TEMPORARY
    if attempt >= most:
        return Verdict(PushResult.FAILED, f"given up after {attempt} tries: {words}", ill=ill)
    delay_s = max(pause(attempt, chance), retry_after_s(answer.retry_after, now_ms) or 0.0)
    return Verdict(PushResult.AGAIN, words, delay_s=delay_s, ill=ill)


def pause(attempt: int, chance: float) -> float:
    """Seconds until the try after this one: ever longer, and random in the upper half."""
    longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(attempt - 1, 20))
    return longest * (0.5 + 0.5 * chance)


def retry_after_s(header: str | None, now_ms: int) -> float | None:
    """The seconds that a service asks for, bounded; `None` for none, or for what is neither seconds nor a date."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdecimal():
        seconds = float(text[:12])
    else:
        try:
            at = parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError):
            return None
        seconds = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now_ms / 1000
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_S)


def _words(answer: Answer) -> str:
    if answer.status is None:
        return answer.reason or "no answer"
    return f"{answer.status} {answer.reason}".strip()
