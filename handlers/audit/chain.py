"""The chain of the audit log: each entry holds the hash of the one before, so that nothing can be changed, taken out or put in unseen.

Pure; `handlers.audit.audit` is what writes, `python -m server verify-audit` what reads it all again.

The hash is SHA-256 over the JSON array

    [seq, previous, id, at, action, actor_id, device_id, address, [[name, value], ... by name]]

in UTF-8, without spaces, with nothing escaped that need not be: what Python's `json.dumps(..., ensure_ascii=False, separators=(",", ":"))` gives.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from persistence.models import AuditEntry, AuditNote

BEFORE_FIRST: Final = "0" * 64
"""What stands in the first entry for the hash of the one before."""

_encode: Final = msgspec.json.Encoder().encode


def digest(seq: int, previous: str, note: AuditNote) -> str:
    """The hash of an entry."""
    facts = sorted(note.about.items())
    row = (
        seq,
        previous,
        note.id,
        note.at,
        note.action,
        note.actor_id,
        note.device_id,
        note.address,
        facts,
    )
    return hashlib.sha256(_encode(row)).hexdigest()


def link(notes: Sequence[AuditNote], head: AuditEntry | None) -> list[AuditEntry]:
    """The notes as the entries that follow `head`."""
    seq, previous = (0, BEFORE_FIRST) if head is None else (head.seq, head.hash)
    entries: list[AuditEntry] = []
    for note in notes:
        seq += 1
        entry = AuditEntry(seq=seq, note=note, previous=previous, hash=digest(seq, previous, note))
        entries.append(entry)
        previous = entry.hash
    return entries


class Verifier:
    """Takes the entries in order and finds the first that is not as it was written.

    Attributes:
        seq, hash: of the last entry that is right.
        fault: what is wrong with the next one; empty as long as nothing is.

    """

    def __init__(self) -> None:
        self.seq = 0
        self.hash = BEFORE_FIRST
        self.fault = ""

    def take(self, entries: Iterable[AuditEntry]) -> bool:
        """Check what follows; whether all of it, and all before, is right."""
        for entry in entries:
            if self.fault:
                break
            self.fault = self._fault(entry)
            if not self.fault:
                self.seq, self.hash = entry.seq, entry.hash
        return not self.fault

    def _fault(self, entry: AuditEntry) -> str:
        if entry.seq != self.seq + 1:
            return f"entry {self.seq + 1} is missing; {entry.seq} follows {self.seq}"
        if entry.previous != self.hash:
            return f"entry {entry.seq} does not follow the entry before it, as that is now"
        return "" if _is_whole(entry) else f"entry {entry.seq} has been changed"


def _is_whole(entry: AuditEntry) -> bool:
    try:
        return entry.hash == digest(entry.seq, entry.previous, entry.note)
    except (AttributeError, TypeError, ValueError, OverflowError):
        return False  # it holds what nothing here writes
