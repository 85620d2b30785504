"""Who takes part in a replay, in which chats, and who says what."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from handlers.auth.auth import MAX_NAME
from handlers.chats.conversations import MAX_TITLE
from server.replay.irc import Log, same_nick

_NOT_IN_NAMES: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class Part:
    """A line to be sent: by whom (an index into `Cast.names`), and its number in the file."""

    number: int
    sender: int
    text: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """A file's: the members of the group (indexes into `Cast.names`, the first is its maker), and what they say, in order."""

    name: str
    title: str
    members: tuple[int, ...]
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody, and all conversations. A nick that appears in several files is one user in several groups."""

    names: tuple[str, ...]
    conversations: tuple[Conversation, ...]


def cast(logs: Sequence[Log]) -> Cast:
    """The cast of these logs: all who appear in one, whether they speak or not, are members of its group from the beginning."""
    index: dict[str, int] = {}
    names: list[str] = []
    conversations: list[Conversation] = []
    for log in logs:
        for nick in log.nicks:
            if same_nick(nick) not in index:
                index[same_nick(nick)] = len(names)
                names.append(_as_name(nick))
        title = f"{log.channel} {log.path.stem}".strip()
        conversations.append(
            Conversation(
                name=log.path.name,
                title=_clean(title)[:MAX_TITLE] or "conversation",
                members=tuple(index[same_nick(nick)] for nick in log.nicks),
                parts=tuple(Part(line.number, index[same_nick(line.nick)], line.text) for line in log.lines),
            )
        )
    return Cast(tuple(names), tuple(conversations))


def _as_name(nick: str) -> str:
    return _clean(nick)[:MAX_NAME] or "nick"


def _clean(text: str) -> str:
    return "".join(character for character in text if unicodedata.category(character) not in _NOT_IN_NAMES)
