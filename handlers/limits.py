"""How often a connection may do something: a token bucket."""

from __future__ import annotations

from handlers.errors import ChatError, Code


class Bucket:
    """`rate` tokens a second, at most `burst` saved up. A rate of zero means no limit."""

    __slots__ = ("_burst", "_rate", "_tokens", "_when")

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._when = 0.0

    def take(self, now: float) -> None:
        """Take one token at Trio time `now`. Raises `ChatError` (`RATE_LIMITED`) with the time until there is one."""
        if not self._rate:
            return
        tokens = min(self._burst, self._tokens + (now - self._when) * self._rate)
        self._when = now
        if tokens < 1:
            self._tokens = tokens
            wait_ms = int((1 - tokens) / self._rate * 1000) + 1
            raise ChatError(Code.RATE_LIMITED, "too many messages", retry_after_ms=wait_ms)
        self._tokens = tokens - 1
