"""What a node remembers of its batches."""

from __future__ import annotations

from typing import cast

import pytest

from handlers.nodes.fanout import Fanout
from handlers.operators import trail
from handlers.operators.trail import Trail, Written, stored_span
from persistence.models import Conflict, LogWrite, Message, MessageType, Outcome, Skipped, Stored
from persistence.models.log import Edit

STORED = Stored()


def message(chat_id: str, seq: int) -> Message:
    return Message(
        id=f"{chat_id}{seq}", chat_id=chat_id, seq=seq, rev=seq, sender_id="u", client_id=str(seq),
        type=MessageType.TEXT, content={}, created_at=0,
    )  # fmt: skip


def edit(chat_id: str) -> Edit:
    return Edit(chat_id=chat_id, seq=1, rev=9, content={}, at=0)


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([STORED, STORED, STORED], ("b", 4, 6)),
        ([STORED, STORED, Conflict()], ("b", 4, 5)),
        ([STORED, Conflict(), Skipped()], ("b", 4, 4)),
        ([Conflict(), Skipped(), Skipped()], None),
    ],
)
def test_only_what_is_durable_is_in_a_span(outcomes: list[Outcome], expected: object) -> None:
    writes = [message("a", 1), *(message("b", seq) for seq in (4, 5, 6)), message("c", 1)]
    assert stored_span(writes, 1, outcomes) == expected


def test_edits_have_no_span_and_do_not_end_one() -> None:
    writes: list[LogWrite] = [edit("a"), message("a", 2), edit("a"), message("a", 3), edit("a")]
    assert stored_span(writes, 0, [STORED] * 5) == ("a", 2, 3)
    assert stored_span(writes, 0, [STORED]) is None


class Outgoing:
    """Stands for the fanout."""

    def __init__(self) -> None:
        self.queued = 0

    def watch(self, watch: object) -> None:
        self.told = watch


class Clock:
    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


def test_a_message_is_published_with_its_own_envelope_and_no_other() -> None:
    clock, fanout = Clock(), Outgoing()
    kept = Trail(clock, cast("Fanout", fanout))
    kept.wrote(10, [("a", 1, 2, 5), ("b", 1, 1, 6), ("c", 7, 7, 7)])
    assert kept.of("a", 1) == Written(10, None)
    for at, after, upto, published in (
        (11, 3, 4, True),
        (12, 4, 5, True),
        (13, 5, 6, False),
        (14, 6, 9, True),
    ):
        clock.now = at
        kept._passed(after, upto, published)
    assert kept.of("a", 2) == Written(10, 12)
    assert kept.of("b", 1) == Written(10, None)
    assert kept.of("c", 7) == Written(10, 14)
    assert kept.of("a", 3) is None
    assert kept.of("d", 1) is None


def test_the_oldest_batches_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trail, "MOST_SPANS", 3)
    kept = Trail(Clock(), cast("Fanout", Outgoing()))
    for at in range(5):
        kept.wrote(at, [("a", 2 * at + 1, 2 * at + 1, 0), ("b", 1, 1, 0)])
        kept.wrote(at, [])
    assert kept.of("a", 9) == Written(4, None)
    assert kept.of("a", 7) is None
    assert len(kept._written) == 1
