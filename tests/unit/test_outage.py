"""An outage in the log: a line when it begins, one when it is over."""

from __future__ import annotations

import logging

import pytest
import trio
import trio.testing

from handlers.outage import Outage
from persistence.errors import StoreUnavailable

log = logging.getLogger(__name__)


def outage() -> Outage:
    return Outage(log, "it is away", "it is back")


async def test_tries_that_fail_are_one_outage_until_one_succeeds(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    one = outage()
    for _ in range(3):
        with one.met():
            raise StoreUnavailable("store", "no answer")
        assert one.away
    with one.met():
        pass
    assert not one.away
    assert [record.message for record in caplog.records] == ["it is away", "it is back"]
    assert caplog.records[0].__dict__["reason"] == "no answer"


async def test_what_is_no_outage_goes_on_and_changes_nothing(autojump_clock: trio.testing.MockClock) -> None:
    one = outage()
    with one.met():
        raise StoreUnavailable("store", "no answer")
    with pytest.raises(ValueError, match="of the try"), one.met():
        raise ValueError("of the try")
    assert one.away
    with trio.move_on_after(1) as scope, one.met():
        await trio.sleep_forever()
    assert scope.cancelled_caught
    assert one.away, "a try that was abandoned says nothing"
