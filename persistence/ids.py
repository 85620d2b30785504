"""Time-ordered, URL-safe identifiers, and the clock they take their time from."""

import time
from collections.abc import Callable
from random import Random
from typing import Final

_RANDOM_BITS: Final = 64


def wall_clock() -> int:
    """Milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000


class Ids:
    """Makes ids of 28 hexadecimal digits: 48 bits of milliseconds, then 64 random bits.

    Hexadecimal keeps text order the order of time at a tenth of the cost of base 32: one is made for each message. Unique, not secret: the random bits
    come from a generator that the system seeded, and knowing an id gives nobody a right to anything.
    """

    __slots__ = ("_bits", "_clock")

    def __init__(self, clock: Callable[[], int] = wall_clock, random: Random | None = None) -> None:
        self._clock = clock
        self._bits = (random or Random()).getrandbits  # noqa: S311 - see above

    def __call__(self) -> str:
        """A new id."""
        return f"{(self._clock() << _RANDOM_BITS) | self._bits(_RANDOM_BITS):028x}"
