"""What a user got of a chat, judged: the checker itself must not be fooled."""

import pytest

from server.replay.reception import Reception


def pushed(*seqs: int) -> Reception:
    reception = Reception()
    for seq in seqs:
        reception.push(seq, seq + 100)
    return reception


@pytest.mark.parametrize(
    ("seqs", "got", "repeated", "disordered", "missing"),
    [
        ((1, 2, 3), 3, 0, 0, set()),
        ((1, 2, 2, 3), 3, 1, 0, set()),
        ((1, 3), 2, 0, 1, {2}),
        ((1, 3, 2, 4), 4, 0, 1, set()),
        ((1, 4, 2, 2), 3, 1, 1, {3}),
        ((2,), 1, 0, 1, {1}),
    ],
)
def test_what_is_pushed_has_to_be_dense_and_in_order(
    seqs: tuple[int, ...], got: int, repeated: int, disordered: int, missing: set[int]
) -> None:
    reception = pushed(*seqs)
    assert (reception.got, reception.repeated, reception.disordered) == (got, repeated, disordered)
    assert reception.missing == missing


def test_catching_up_counts_what_was_missed_once() -> None:
    reception = pushed(1, 2)
    assert reception.read([3, 4], head=4, rev=110) == [3, 4]
    assert (reception.got, reception.upto, reception.rev) == (4, 4, 110)
    assert reception.push(5, 111)
    assert (reception.repeated, reception.disordered) == (0, 0)


def test_what_a_further_page_holds_beyond_the_head_is_left_to_be_pushed() -> None:
    reception = pushed(1)
    assert reception.read([2, 3], head=2, rev=102) == [2]
    assert reception.push(3, 103)
    assert (reception.got, reception.repeated) == (3, 0)


def test_a_hole_in_the_answer_of_a_join_is_seen_within_and_at_its_end() -> None:
    reception = pushed(1)
    reception.read([3], head=4, rev=104)
    assert (reception.missing, reception.disordered) == ({2, 4}, 2)


def test_an_answer_that_repeats_what_was_known_is_a_repeat() -> None:
    reception = pushed(1, 2)
    assert reception.read([2, 3], head=3, rev=103) == [3]
    assert reception.repeated == 1


def test_a_push_after_the_answer_that_held_it_is_a_repeat() -> None:
    reception = Reception()
    reception.read([1, 2], head=2, rev=102)
    assert not reception.push(2, 102)
    assert reception.repeated == 1
