"""`DeadLetters`: what `persistence.ports` promises, in memory and in MongoDB."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from persistence.errors import StoreUnavailable
from persistence.models import DeadLetter
from tests.contracts.samples import AT, new_id
from tests.contracts.world import World


def letter(letter_id: str = "", **command: Any) -> DeadLetter:
    return DeadLetter(
        id=letter_id or new_id(), source="router", reason="KeyError('x')", command=command, at=AT
    )


async def test_letters_come_newest_first_and_no_more_than_asked_for(world: World) -> None:
    first, second, third = letter("01"), letter("02"), letter("03")
    for each in (first, third, second):
        await world.one.letters.add(each)
    assert await world.two.letters.recent(10) == [third, second, first]
    assert await world.two.letters.recent(2) == [third, second]


async def test_a_letter_whose_reply_was_lost_is_there_once_after_repeating(world: World) -> None:
    one = letter(text="hello")
    async with world.losing_replies() as node:
        with pytest.raises(StoreUnavailable):
            await node.letters.add(one)
    await world.one.letters.add(one)
    assert await world.one.letters.recent(10) == [one]


async def test_a_command_is_kept_whatever_it_holds(world: World) -> None:
    command = {"$set": {"a.b": 1}, "": None, "text": "Zoë 👩‍👩‍👧 \u0000", "list": [1.5, True, "x"]}
    odd = structs.replace(letter(), command=command)
    await world.one.letters.add(odd)
    assert await world.two.letters.recent(1) == [odd]
