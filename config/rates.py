"""How often one user, or one address, may do something."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator

from config.fields import Section, Setting

_SECONDS: Final = {"s": 1, "min": 60, "h": 3600}
_RATE: Final = re.compile(r"(\d{1,6})/(s|min|h) burst (\d{1,6})")


def parse_rate(text: str) -> tuple[float, float]:
    """How many a second, and how many at once; no limit is a rate of 0. Raises `ValueError`."""
    if text in ("", "0"):
        return 0.0, 1.0
    match = _RATE.fullmatch(text)
    if match is None or not int(match[1]) or not int(match[3]):
        raise ValueError('must be like "10/s burst 100", with /s, /min or /h, or "0" for no limit')
    return int(match[1]) / _SECONDS[match[2]], float(match[3])


def _checked(text: str) -> str:
    parse_rate(text)
    return text


Rate = Annotated[str, AfterValidator(_checked)]
_NONE: Final = "no limit"


class RateSettings(Section):
    """How often one user, or for what needs no token one address, may do something, on all nodes together: so many a second, minute or hour, and so many at once after a pause."""

    sends: Annotated[Rate, Setting("RATE_SENDS", zero=_NONE)] = "1000/s burst 2000"
    """Messages of one user, from all devices. Each connection also has `SENDS_PER_SECOND`."""
    requests: Annotated[Rate, Setting("RATE_REQUESTS", zero=_NONE)] = "500/s burst 5000"
    """Requests of one user, of any kind."""
    joins: Annotated[Rate, Setting("RATE_JOINS", zero=_NONE)] = "50/s burst 1000"
    """Topics that one user joins."""
    lookups: Annotated[Rate, Setting("RATE_LOOKUPS", zero=_NONE)] = "1/s burst 300"
    """Phone numbers that one user looks up: enough for an address book, not for all numbers of a country."""
    uploads: Annotated[Rate, Setting("RATE_UPLOADS", zero=_NONE)] = "5/s burst 200"
    """Uploads that one user begins."""
    chats: Annotated[Rate, Setting("RATE_CHATS", zero=_NONE)] = "20/s burst 1000"
    """Chats that one user makes."""
    invites: Annotated[Rate, Setting("RATE_INVITES", zero=_NONE)] = "5/s burst 200"
    """Invites that one user makes or tries."""
    signups_from: Annotated[Rate, Setting("RATE_SIGNUPS_FROM", zero=_NONE)] = "1/s burst 200"
    """Accounts made from one address. This and what follows does not hold for `TRUSTED_PROXIES`, whose address says nothing of who asks."""
    logins_from: Annotated[Rate, Setting("RATE_LOGINS_FROM", zero=_NONE)] = "10/s burst 500"
    """Log-ins and renewed tokens from one address. Wrong passwords also have `LOGIN_TRIES`."""
    lookups_from: Annotated[Rate, Setting("RATE_LOOKUPS_FROM", zero=_NONE)] = "10/s burst 1000"
    """Phone numbers looked up from one address, by whomever."""
    connects_from: Annotated[Rate, Setting("RATE_CONNECTS_FROM", zero=_NONE)] = "100/s burst 2000"
    """Sockets and long-polling sessions opened from one address."""
