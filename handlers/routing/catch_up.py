"""Catching up with a chat's log: what is new in the record, and the order in which it is delivered."""

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import structs

from persistence.models import ChangesQuery, Head, LogEntry, Message
from persistence.ports import MessageLog

PAGE: Final = 500
"""Entries read at once."""


async def read_new(log: MessageLog, chat_id: str, after_rev: int) -> list[LogEntry]:
    """All entries of a chat after this one. Raises `StoreUnavailable`."""
    entries: list[LogEntry] = []
    while True:
        (page,) = await log.changes([ChangesQuery(chat_id=chat_id, after_rev=after_rev, limit=PAGE)])
        entries += page
        if len(page) < PAGE:
            return entries
        after_rev = page[-1].rev


def in_order(entries: Sequence[LogEntry], head: Head) -> Iterator[tuple[LogEntry, bool]]:
    """The entries after `head` as a member must see them: `(entry, is a new message)`.

    The record gives them by `rev`, as they are now. A new message that has since been edited stands at the later `rev` of its edit, behind messages
    of a greater `seq`. Members get messages in order of `seq`: so it is given in its place first, under the `rev` reached there (a
    client that is cut off in between must not believe that it has seen more), and once more as the edit it also is.

    Raises:
        ValueError: a message is missing in between, which the record cannot mean.

    """
    latest: dict[int, Message] = {}
    for entry in entries:
        if type(entry) is Message:
            latest[entry.seq] = entry  # read twice, between two pages: the later state counts
    seq, rev = head.seq, head.rev
    for entry in sorted(entries, key=lambda e: e.rev):
        if entry.rev <= rev or (type(entry) is Message and latest[entry.seq] is not entry):
            continue
        if type(entry) is Message and entry.seq > seq:
            while entry.seq > seq + 1:
                seq += 1
                if seq not in latest:
                    raise ValueError(f"chat {entry.chat_id} has no message {seq} before {entry.seq}")
                yield structs.replace(latest[seq], rev=rev), True
            seq, rev = entry.seq, entry.rev
            yield entry, True
        else:
            rev = entry.rev
            yield entry, False
