"""Which request is which view's: compiled once, however many applications a process has with the same addresses."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from quart.routing import QuartMap, QuartRule


class Route(NamedTuple):
    """The view called `name` answers `method` at `rule`, a path as the web framework writes it."""

    rule: str
    name: str
    method: str


@cache
def routing(routes: tuple[Route, ...]) -> QuartMap:
    """The framework's map of these, not to be changed: compiling it costs more than the rest of an application, and it depends on nothing else."""
    return QuartMap(
        [QuartRule(route.rule, endpoint=route.name, methods={route.method}) for route in routes],
        strict_slashes=False,
        merge_slashes=False,
    )
