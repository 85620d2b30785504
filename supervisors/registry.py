"""Unique names for things that live in the tree. A name vanishes with its owner, before a replacement starts.

Source: Elixir `Registry` with unique keys.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from supervisors.exits import SupervisionError

V = TypeVar("V")


class NameTaken(SupervisionError):
    """Somebody else has registered this name."""


class Registry(Generic[V]):
    """Names to values. Looking up is one dictionary access."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: dict[str, V] = {}

    @contextmanager
    def register(self, name: str, value: V) -> Iterator[V]:
        """Hold a name while the block runs: put it around a child's body. Raises `NameTaken`."""
        if name in self._values:
            raise NameTaken(name)
        self._values[name] = value
        try:
            yield value
        finally:
            del self._values[name]

    def lookup(self, name: str) -> V | None:
        """The value, or `None`."""
        return self._values.get(name)

    def names(self) -> list[str]:
        """All names at this moment."""
        return list(self._values)

    def __len__(self) -> int:
        return len(self._values)
