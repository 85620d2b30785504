"""A journal for each test, and supervisors of both kinds."""

from __future__ import annotations

import pytest

from tests.supervisors.workers import Journal, Opener, opener


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
def open_static(journal: Journal) -> Opener:
    return opener(journal, "static")


@pytest.fixture(params=["static", "dynamic"])
def open_any(journal: Journal, request: pytest.FixtureRequest) -> Opener:
    """For what holds for static and dynamic supervisors alike."""
    return opener(journal, request.param)
