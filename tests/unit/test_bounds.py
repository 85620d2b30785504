"""Whatever a client may send has a greatest size: each field of every body, query and push."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec import inspect

from handlers.content import SHAPES
from server.rest import app
from server.rest.asyncapi import PUSHES
from server.rest.documents import NoServices

# The content of a message is checked against its type, in `handlers.bodies`; its shapes are walked below.
ELSEWHERE = {
    ("JoinBody", "limit"): "brought into its range",
    ("JoinBody", "known"): "at most `MOST_KNOWN`; the numbers are compared, and no more",
}


def unbounded(kind: Any, path: str) -> Iterator[str]:
    """The parts of a type that may have any size."""
    match kind:
        case inspect.StructType():
            for field in kind.fields:
                if (kind.cls.__name__, field.encode_name) not in ELSEWHERE and field.encode_name != "content":
                    yield from unbounded(field.type, f"{path}.{field.encode_name}")
        case inspect.UnionType():
            for each in kind.types:
                yield from unbounded(each, path)
        case inspect.Metadata():
            yield from unbounded(kind.type, path)
        case _:
            if is_open(kind):
                yield f"{path}: {type(kind).__name__}"
            for part in ("item_type", "key_type", "value_type"):
                if hasattr(kind, part):
                    yield from unbounded(getattr(kind, part), f"{path}.{part}")


def is_open(kind: Any) -> bool:
    """Whether a plain value, or a list or object itself, may have any size."""
    if isinstance(kind, inspect.IntType | inspect.FloatType):
        return (kind.le is None and kind.lt is None) or (kind.ge is None and kind.gt is None)
    return isinstance(kind, inspect.AnyType | inspect.RawType) or getattr(kind, "max_length", 0) is None


def test_bodies_and_parameters() -> None:
    found = []
    services: Any = NoServices()
    for operation in app.operations(services):
        for part, kind in (("body", operation.body), ("query", operation.query)):
            if kind is not None:
                found += unbounded(inspect.type_info(kind), f"{operation.name} {part}")
    assert found == []


def test_pushes() -> None:
    assert [each for push in PUSHES for each in unbounded(inspect.type_info(push.payload), push.event)] == []


@pytest.mark.parametrize("shape", dict.fromkeys(SHAPES.values()))
def test_contents(shape: type) -> None:
    assert list(unbounded(inspect.type_info(shape), shape.__name__)) == []
