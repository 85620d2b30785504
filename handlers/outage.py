"""A dependency that is away, in the log: a line when its outage begins and one when it is over, however much fails in between."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import trio

from persistence.errors import StoreUnavailable


class Outage:
    """Of one dependency, as one of those who need it meets it.

    Args:
        log: of whoever needs it.
        began: what to say at the first failure.
        over: what to say at the first success afterwards.
        level: of the first line; `DEBUG` for work in the background that only waits meanwhile, so that an outage is a few lines and not one for each of them.

    Attributes:
        away: whether the last try failed.

    """

    __slots__ = ("_began", "_level", "_log", "_over", "_since", "away")

    def __init__(self, log: logging.Logger, began: str, over: str, *, level: int = logging.WARNING) -> None:
        self._log: Final = log
        self._began: Final = began
        self._over: Final = over
        self._level: Final = level
        self._since = 0.0
        self.away = False

    @contextmanager
    def met(self) -> Iterator[None]:
        """One try. It has succeeded when the block ends, and failed when that raises `StoreUnavailable`, which goes no further: `away` says which it was."""
        try:
            yield
        except StoreUnavailable as error:
            self.failed(reason=error.reason)
        else:
            self.succeeded()

    def failed(self, **fields: Any) -> None:
        """A try has failed; `fields` go with the line, if this is the first."""
        if not self.away:
            self.away = True
            self._since = trio.current_time()
            self._log.log(self._level, self._began, extra=fields)

    def succeeded(self, **fields: Any) -> None:
        """A try has succeeded; `fields` go with the line, if one before had failed."""
        if self.away:
            self.away = False
            self._log.log(
                min(self._level, logging.INFO),
                self._over,
                extra={"seconds": round(trio.current_time() - self._since, 1), **fields},
            )
