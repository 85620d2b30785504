"""Rates, as they are written in the settings."""

import pytest
from pydantic import ValidationError

from config.rates import RateSettings, parse_rate
from handlers.quotas import Quota


def test_a_rate_is_so_many_in_a_time_and_at_once() -> None:
    assert parse_rate("10/s burst 100") == (10.0, 100.0)
    assert parse_rate("30/min burst 5") == (0.5, 5.0)
    assert parse_rate("1/h burst 1") == (1 / 3600, 1.0)
    assert parse_rate("0") == parse_rate("") == (0.0, 1.0)


@pytest.mark.parametrize("text", ["10", "10/s", "10/d burst 1", "-1/s burst 1", "1.5/s burst 1", "0/s burst 1", "1/s burst 0", "x", "10/s burst 1e9"])  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="must be like"):
        RateSettings(sends=text)


def test_every_limit_has_its_setting() -> None:
    assert set(RateSettings.model_fields) == set(Quota)
