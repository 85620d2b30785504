"""The rule of the bucket by which a browser lets pages send files to it and show what is there.

A server judges by the first rule that fits a request as a whole, so rules of others may stand before this one: they only ever allow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CORSRuleUnionTypeDef

RULE_ID: Final = "chat-platform"
"""By which the rule is known again. Not every server keeps it."""
METHODS: Final = ("GET", "HEAD", "PUT")
HEADERS: Final = ("Content-Type",)
"""What an upload carries beside what every page may send."""
MAX_AGE_S: Final = 86_400
ANY: Final = ("*",)
"""No danger: what is signed carries its right with it, and no cookie is sent."""


class CorsRefused(Exception):
    """The server knows no CORS rules, or takes none from this key pair."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def rule(origins: Sequence[str]) -> CORSRuleUnionTypeDef:
    """Pages of these origins may do what the web client does."""
    return {
        "ID": RULE_ID,
        "AllowedOrigins": list(origins),
        "AllowedMethods": list(METHODS),
        "AllowedHeaders": list(HEADERS),
        "ExposeHeaders": ["ETag"],
        "MaxAgeSeconds": MAX_AGE_S,
    }


def amended(
    there: Sequence[CORSRuleUnionTypeDef], origins: Sequence[str]
) -> list[CORSRuleUnionTypeDef] | None:
    """What the rules have to become so that pages of these origins are allowed; `None` if they may stay as they are.

    No origins are any, unless somebody has set rules of their own: these then say enough.
    """
    others = [each for each in there if each.get("ID") != RULE_ID]
    own = [each for each in there if each.get("ID") == RULE_ID]
    if not origins and others and not own:
        return None
    wanted = rule(origins or ANY)
    if any(_allows_the_same(each, wanted) for each in (own or others)):
        return None
    return [*others, wanted]


def _allows_the_same(one: CORSRuleUnionTypeDef, other: CORSRuleUnionTypeDef) -> bool:
    return _essence(one) == _essence(other)


def _essence(one: CORSRuleUnionTypeDef) -> tuple[frozenset[str], ...]:
    """What decides, whatever else a server adds, and in whichever order it answers."""
    return (
        frozenset(one["AllowedOrigins"]),
        frozenset(one["AllowedMethods"]),
        frozenset(header.lower() for header in one.get("AllowedHeaders", ())),
    )
