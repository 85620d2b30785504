"""Unique names."""

from __future__ import annotations

import pytest

from supervisors import NameTaken, Registry
from tests.supervisors.workers import Boom


def test_a_name_is_found_while_it_is_held_and_not_after() -> None:
    registry: Registry[int] = Registry()
    assert registry.lookup("a") is None
    with registry.register("a", 7) as value:
        assert value == registry.lookup("a") == 7
        assert registry.names() == ["a"]
        assert len(registry) == 1
    assert registry.lookup("a") is None
    assert len(registry) == 0


def test_a_name_that_is_held_is_refused_and_stays_with_its_owner() -> None:
    registry: Registry[int] = Registry()
    with registry.register("a", 1):
        with pytest.raises(NameTaken, match="a"), registry.register("a", 2):
            raise AssertionError("it was given twice")
        assert registry.lookup("a") == 1


def test_a_name_vanishes_when_its_owner_crashes() -> None:
    registry: Registry[int] = Registry()
    with pytest.raises(Boom), registry.register("a", 1):
        raise Boom
    assert registry.names() == []
