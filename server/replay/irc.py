"""IRC logs, as clients of the time wrote them.

A line is one of

    [05:29] <nick> what was said          said; without the time as well
    [20:02]  * nick does something        done ("/me")
    === nick [user@host]  has joined #x   came (also "has left", "has quit")
    === old is now known as new           changed their nick
    === mode/#x [+o nick]  by nick        the server's; not somebody's words
    === nick does something               done, in older logs

Source: the logs of irclogs.ubuntu.com, 2004 to 2017 (Kummerfeld et al., ACL 2019).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from handlers.content import MAX_TEXT_CHARS
from server.refusal import refuse

MOST_BYTES: Final = 64 * 2**20
"""Longest file; a day of the busiest channel is a hundredth of it."""

_TIME: Final = r"(?:\[?\d{1,2}:\d\d(?::\d\d)?\]?\s)?"
# Some logs have a space within a nick, or after it, where it has brackets: "<[set] >", "<[cro] smiley>".
_SAID: Final = re.compile(
    rf"{_TIME}\s*<[ @+%&~]?(?P<nick>[^\s<>/=]+(?: [^\s<>/=]+)*) ?>(?: (?P<text>.*))?", re.DOTALL
)
_DONE: Final = re.compile(rf"{_TIME}\s*\* (?P<nick>[^\s<>*]+) (?P<text>.*)", re.DOTALL)
_CAME: Final = re.compile(
    r"=== (?P<nick>\S+(?: \S+)??) (?:\[.*\]|\(.*\))\s+has (?:joined|left|quit)\b\s*(?P<channel>[#&][^\s,]+)?.*",
    re.DOTALL,
)
_RENAMED: Final = re.compile(r"=== (?P<nick>\S+) is now known as (?P<new>\S+)\s*", re.DOTALL)
_SERVER: Final = re.compile(r"=== (?:mode/|Topic\b|#|ServerMode/).*", re.DOTALL)
_OLD_DONE: Final = re.compile(r"=== (?P<nick>[^\s:/<>]+)\s(?P<text>.*)", re.DOTALL)
_SAME_LETTERS: Final = str.maketrans("[]\\~", "{}|^")


@dataclass(frozen=True, slots=True)
class Line:
    """Something that somebody said. `number` is that of the line in the file, from 1; what was done reads "/me does something"."""

    number: int
    nick: str
    text: str


@dataclass(frozen=True, slots=True)
class Log:
    """A log.

    Attributes:
        path: the file.
        channel: for example "#ubuntu"; "" if the file does not say.
        lines: what was said, in the file's order.
        nicks: everybody who appears, once each as first written, in order of appearance.
        empty: lines with a nick and no text, which is no message.
        unknown: lines that have none of the forms.

    """

    path: Path
    channel: str
    lines: tuple[Line, ...]
    nicks: tuple[str, ...]
    empty: int
    unknown: int


def same_nick(nick: str) -> str:
    """What two spellings of one nick have in common: IRC does not tell upper from lower case (RFC 1459, 2.2)."""
    return nick.lower().translate(_SAME_LETTERS)


def read(path: Path) -> Log:
    """The log in this file. Raises `Refusal` for what cannot be read, or is not a log."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise refuse("FILE", f"{path} is larger than {MOST_BYTES >> 20} MiB")
        content = path.read_bytes()
    except OSError as error:
        raise refuse("FILE", f"{path} cannot be read: {error.strerror or error}") from error
    if b"\0" in content:
        raise refuse("FILE", f"{path} is not a text file")
    return parse(content, path)


def parse(content: bytes, path: Path) -> Log:
    """The log in these bytes. Raises `Refusal` when nobody says anything in it, or more than one message can hold."""
    reader = _Reader()
    # Only "\n" ends a line: people typed form feeds and Unicode's own line separators.
    for number, raw in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        text = _decoded(raw.removesuffix(b"\r"))
        if text.strip():
            reader.take(number, text)
    if not reader.lines:
        raise refuse("FILE", f"{path} is not an IRC log: there is no line like `[12:34] <nick> text`")
    for line in reader.lines:
        if len(line.text) > MAX_TEXT_CHARS:
            raise refuse(
                "FILE",
                f"{path}, line {line.number}: longer than the {MAX_TEXT_CHARS} characters of a message",
            )
    return Log(
        path=path,
        channel=reader.channel,
        lines=tuple(reader.lines),
        nicks=tuple(reader.nicks.values()),
        empty=reader.empty,
        unknown=reader.unknown,
    )


class _Reader:
    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.nicks: dict[str, str] = {}
        self.channel = ""
        self.empty = 0
        self.unknown = 0

    def take(self, number: int, text: str) -> None:
        if text.startswith("==="):
            self._notice(number, text)
        elif said := _SAID.fullmatch(text):
            self._say(number, said["nick"], said["text"] or "")
        elif done := _DONE.fullmatch(text):
            self._say(number, done["nick"], f"/me {done['text']}")
        else:
            self.unknown += 1

    def _notice(self, number: int, text: str) -> None:
        if came := _CAME.fullmatch(text):
            self._meet(came["nick"])
            self.channel = self.channel or came["channel"] or ""
        elif renamed := _RENAMED.fullmatch(text):
            self._meet(renamed["nick"])
            self._meet(renamed["new"])
        elif _SERVER.fullmatch(text):
            return
        elif done := _OLD_DONE.fullmatch(text):
            self._say(number, done["nick"], f"/me {done['text']}")
        else:
            self.unknown += 1

    def _say(self, number: int, nick: str, text: str) -> None:
        self._meet(nick)
        if text:
            self.lines.append(Line(number, self.nicks[same_nick(nick)], text))
        else:
            self.empty += 1

    def _meet(self, nick: str) -> None:
        self.nicks.setdefault(same_nick(nick), nick)


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        # What the clients of Windows sent; latin-1 has a character for the few bytes that it has none for.
        return raw.decode("cp1252", errors="replace") if not set(raw) & _NOT_CP1252 else raw.decode("latin-1")


_NOT_CP1252: Final = frozenset(b"\x81\x8d\x8f\x90\x9d")
