"""Events and the log."""

from __future__ import annotations

import logging

import pytest
from trio.testing import MockClock

from supervisors import (
    ChildExited,
    ChildRestarted,
    ChildStarted,
    Crash,
    Escalation,
    IntensityBreached,
    Killed,
    Normal,
    ShutdownOverrun,
    Supervisor,
    Telemetry,
    open_supervisor,
    to_log,
)
from supervisors.telemetry import Event
from tests.supervisors.workers import ASKED, Boom, Journal


async def test_events_come_in_the_order_of_what_happened_with_full_paths(
    journal: Journal, autojump_clock: MockClock
) -> None:
    a = journal.worker("a")
    inner = Supervisor([a.spec], name="inner")
    async with open_supervisor(Supervisor([inner.spec("left")], name="node", telemetry=journal.telemetry)):
        await a.crash()
    crash = journal.exits("a")[0]
    assert journal.events == [
        ChildStarted("node/left/a"),
        ChildStarted("node/left"),
        ChildExited("node/left/a", crash, 0, 0),
        ChildRestarted("node/left/a", 1, 0),
        ChildStarted("node/left/a"),
        ChildExited("node/left/a", ASKED, 0, 1),
        ChildExited("node/left", ASKED, 0, 0),
    ]


def test_listeners_are_called_in_the_order_of_their_subscription() -> None:
    heard: list[str] = []
    telemetry = Telemetry(lambda _: heard.append("first"))
    telemetry.subscribe(lambda _: heard.append("second"))
    telemetry.emit(ChildStarted("a"))
    assert heard == ["first", "second"]


@pytest.mark.parametrize(
    ("event", "level", "words"),
    [
        (ChildExited("node/a", Crash(Boom("why")), 1.5, 2), logging.ERROR, "Boom: why"),
        (ChildExited("node/a", Killed(), 1.5, 2), logging.WARNING, "did not stop in time"),
        (ChildExited("node/a", Normal(), 1.5, 2), logging.DEBUG, "normal exit"),
        (IntensityBreached("node", 3, 5), logging.ERROR, "over 3 restarts in 5 s"),
        (ShutdownOverrun("node/a", 1), logging.ERROR, "still alive 1.0 s"),
        (ChildRestarted("node/a", 1, 0.0), logging.INFO, "node/a is restarted"),
        (ChildStarted("node/a"), logging.DEBUG, "node/a"),
    ],
)
def test_the_log_has_each_event_at_its_level(
    event: Event, level: int, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "supervisors")
    to_log(event)
    assert [record.levelno for record in caplog.records] == [level]
    assert words in caplog.text


def test_a_report_of_an_orderly_end_has_no_traceback() -> None:
    report = ChildExited("node/a", Normal(), 1.5, 2).report()
    assert report == "node/a ended after 1.5 s, restarts: 2: normal exit"


def test_an_escalation_says_which_supervisor_gave_up() -> None:
    assert "node/left" in str(Escalation("node/left", None))
