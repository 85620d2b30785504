"""What all tests share: the real servers, for those marked `real`, signing keys that were made before, a garbage collector that is seldom in the way, and
Hypothesis without a clock.
"""

import gc
from collections.abc import Iterator
from functools import cache
from itertools import count

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from hypothesis import HealthCheck, settings

from handlers.auth import tokens
from tests.examples import ANEW, examples

pytest_plugins = ["tests.servers"]

KEYS = 4
"""A new key differs from the last few; making one takes longer than most tests."""

FEW_COLLECTIONS = 50_000
"""As in `server.node`."""

# How long an example takes says how busy the machine is, not whether it is right.
settings.register_profile(
    "whatever the machine does",
    parent=settings.default,
    max_examples=examples(100),
    derandomize=not ANEW,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("whatever the machine does")

_make = tokens.new_private_key


@cache
def _key(number: int) -> RSAPrivateKey:
    return _make()


@pytest.fixture(scope="session", autouse=True)
def signing_keys() -> Iterator[None]:
    """Every key ring of the tests takes its keys from a few, in turn."""
    numbers = count()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokens, "new_private_key", lambda: _key(next(numbers) % KEYS))
        yield


def pytest_collection_finish() -> None:
    """What has been imported and collected lives as long as the process: looking through it again and again took a sixth of the time of all tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(FEW_COLLECTIONS, 20, 20)
