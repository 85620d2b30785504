"""The chain of the audit log: whatever is done to an entry shows."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from handlers.audit.chain import BEFORE_FIRST, Verifier, digest, link
from persistence.models import AuditAction, AuditEntry, AuditNote

words = st.text(st.characters(codec="utf-8"), max_size=20)
notes = st.builds(
    AuditNote,
    id=words,
    at=st.integers(0, 2**53),
    action=st.sampled_from(AuditAction),
    actor_id=words,
    device_id=words,
    address=words,
    about=st.dictionaries(words, words | st.integers(-(2**53), 2**53) | st.booleans(), max_size=4),
)


def chain(count: int = 5) -> list[AuditEntry]:
    made = [
        AuditNote(id=f"n{n}", at=n, action=AuditAction.SIGNED_IN, actor_id="ann", about={"n": n})
        for n in range(count)
    ]
    return link(made, None)


def fault(entries: list[AuditEntry]) -> str:
    verifier = Verifier()
    verifier.take(entries)
    return verifier.fault


@given(note=notes, seq=st.integers(1, 2**53))
def test_the_hash_is_what_the_documentation_says(note: AuditNote, seq: int) -> None:
    facts = sorted([name, value] for name, value in note.about.items())
    row = [seq, BEFORE_FIRST, note.id, note.at, str(note.action), note.actor_id, note.device_id, note.address, facts]  # fmt: skip
    plain = json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()
    assert digest(seq, BEFORE_FIRST, note) == hashlib.sha256(plain).hexdigest()


@given(batches=st.lists(st.lists(notes, max_size=4), max_size=5))
def test_what_was_written_in_batches_is_right(batches: list[list[AuditNote]]) -> None:
    verifier, head = Verifier(), None
    for batch in batches:
        entries = link(batch, head)
        assert verifier.take(entries)
        head = entries[-1] if entries else head
    assert verifier.seq == sum(map(len, batches))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "other"),
        ("at", 7),
        ("action", "signed_out"),
        ("actor_id", "bob"),
        ("device_id", "d"),
        ("address", "::1"),
        ("about", {}),
        ("about", {"n": True}),
        ("about", {"n": "2"}),
        ("about", None),
        ("about", {"n": object()}),
        ("at", None),
    ],
)
def test_an_entry_that_was_changed_is_found(field: str, value: Any) -> None:
    entries = chain()
    entries[2] = structs.replace(entries[2], note=structs.replace(entries[2].note, **{field: value}))
    assert fault(entries) == "entry 3 has been changed"


def test_an_entry_that_was_changed_together_with_its_hash_is_found_at_the_next() -> None:
    entries = chain()
    forged = structs.replace(entries[2].note, actor_id="bob")
    entries[2] = structs.replace(
        entries[2], note=forged, hash=digest(entries[2].seq, entries[2].previous, forged)
    )
    assert fault(entries) == "entry 4 does not follow the entry before it, as that is now"


def test_what_was_taken_out_put_in_or_put_elsewhere_is_found() -> None:
    one, two, three, four, _ = chain()
    assert fault([one, three]) == "entry 2 is missing; 3 follows 1"
    assert fault([two]) == "entry 1 is missing; 2 follows 0"
    assert "entry 3 is missing" in fault([one, two, two])
    assert (
        fault([one, structs.replace(three, seq=2)])
        == "entry 2 does not follow the entry before it, as that is now"
    )
    assert fault([one, two, three, four]) == ""


def test_it_stops_at_the_first_fault_and_says_how_far_it_was_right() -> None:
    entries = chain()
    verifier = Verifier()
    assert not verifier.take([entries[0], entries[2]])
    assert not verifier.take(entries[1:])
    assert (verifier.seq, verifier.hash) == (1, entries[0].hash)
