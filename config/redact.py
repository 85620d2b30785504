"""Keeps secrets out of text that people and machines will read: log lines above all.

Two nets: the values of secrets that are known (from the settings), and the shapes that secrets have here (tokens, passwords, phone numbers, URLs with a password).
The second is a guard, not a licence: nothing secret should be passed to a logger in the first place.
"""

import re
from collections.abc import Iterable
from typing import Final

HIDDEN: Final = "[hidden]"
_SHORTEST_SECRET: Final = 6  # a shorter value would blot out ordinary words

_NAMES: Final = (
    r"(?:[a-z0-9_-]{0,30}(?:token|password|passwd|secret|credential|api[_-]?key|access[_-]?key[a-z_]{0,20})"
    r"|authorization|cookie|set-cookie|phone|signature|x-amz-(?:signature|credential|security-token))"
)
_SECRET_NAME: Final = re.compile(_NAMES, re.IGNORECASE)
_SHAPES: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    # "Authorization: Bearer ..." and anything else that comes with a bearer token
    (re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    # the token as phoenix.js sends it
    (re.compile(r"(base64url\.bearer\.phx\.)[A-Za-z0-9_-]+"), rf"\1{HIDDEN}"),
    # a JWT wherever it stands
    (re.compile(r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*\.?[A-Za-z0-9_-]*"), HIDDEN),
    # a password hash
    (re.compile(r"\$argon2[a-z]*\$[^\s'\"]+"), HIDDEN),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), HIDDEN),
    # mongodb://user:password@host
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^\s/@'\"]*@", re.IGNORECASE), rf"\1{HIDDEN}@"),
    # "password": "...", password='...'
    (re.compile(rf"(\b{_NAMES}['\"]?\s*[:=]\s*)(?:b?'(?:[^'\\]|\\.)*'|b?\"(?:[^\"\\]|\\.)*\")", re.IGNORECASE), rf"\1{HIDDEN}"),
    # token=..., in an address or a form
    (re.compile(rf"(\b{_NAMES}=)(?!\[hidden\])[^\s&#'\",;)\]}}]+", re.IGNORECASE), rf"\1{HIDDEN}"),
    # the same with a colon, as headers and reprs have it
    (re.compile(rf"(\b{_NAMES}['\"]?:\s+)(?!\[hidden\]|bearer|basic)[^\s,;'\"}}]+", re.IGNORECASE), rf"\1{HIDDEN}"),
    # E.164
    (re.compile(r"(?<![\w+])(?:\+|%2B)[1-9]\d(?:[ -]?\d){5,13}(?!\w)", re.IGNORECASE), HIDDEN),
)  # fmt: skip


class Redactor:
    """Hides secrets in text.

    Args:
        secrets: values to hide wherever they appear; very short ones are left to the shapes.

    """

    __slots__ = ("_secrets",)

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = tuple(
            sorted({s for s in secrets if len(s) >= _SHORTEST_SECRET}, key=len, reverse=True)
        )

    def text(self, text: str) -> str:
        """The text with everything secret replaced."""
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, HIDDEN)
        for pattern, replacement in _SHAPES:
            text = pattern.sub(replacement, text)
        return text

    def value(self, name: str, value: object) -> object:
        """A named value: hidden whole if its name is that of a secret. Numbers and truth values have nothing to hide."""
        if value is None or isinstance(value, bool | int | float):
            return value if not _is_phone(name) else HIDDEN
        if _SECRET_NAME.fullmatch(name):
            return HIDDEN
        return self.text(str(value))


def _is_phone(name: str) -> bool:
    return name.lower() == "phone"
