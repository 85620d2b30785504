"""What follows from what a push service says, and how services that do not answer are left alone."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from handlers.notifications.outcomes import judge, pause, retry_after_s
from handlers.notifications.sender import Answer
from handlers.notifications.services import (
    BUSY_S,
    FAILURES,
    FIRST_REST_S,
    LONGEST_REST_S,
    MOST_SERVICES,
    Service,
    Services,
)
from persistence.models import PushResult

NOW_MS = 1_767_225_600_000


def verdict(answer: Answer, attempt: int = 1, chance: float = 1.0) -> tuple[PushResult, float, bool, bool]:
    found = judge(answer, attempt=attempt, most=5, now_ms=NOW_MS, chance=chance)
    return found.result, found.delay_s, found.forget, found.ill


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(status=200), (PushResult.DELIVERED, 0, False, False)),
        (Answer(status=201), (PushResult.DELIVERED, 0, False, False)),
        (Answer(status=204), (PushResult.DELIVERED, 0, False, False)),
        (Answer(status=404), (PushResult.GONE, 0, True, False)),
        (Answer(status=410), (PushResult.GONE, 0, True, False)),
        (Answer(status=400), (PushResult.FAILED, 0, False, False)),
        (Answer(status=403), (PushResult.FAILED, 0, False, False)),
        (Answer(status=413), (PushResult.FAILED, 0, False, False)),
        (Answer(status=307), (PushResult.FAILED, 0, False, False)),
        (Answer(forbidden=True), (PushResult.FAILED, 0, True, False)),
        (Answer(status=429), (PushResult.AGAIN, 2, False, False)),
        (Answer(status=429, retry_after="90"), (PushResult.AGAIN, 90, False, False)),
        (Answer(status=503, retry_after="1"), (PushResult.AGAIN, 2, False, True)),
        (Answer(status=500), (PushResult.AGAIN, 2, False, True)),
        (Answer(reason="ConnectError"), (PushResult.AGAIN, 2, False, True)),
    ],
)
def test_each_answer_has_its_verdict(answer: Answer, expected: tuple[PushResult, float, bool, bool]) -> None:
    assert verdict(answer) == expected


def test_after_the_last_try_it_is_given_up_with_the_reason() -> None:
    found = judge(Answer(status=503, reason="busy"), attempt=5, most=5, now_ms=NOW_MS, chance=0)
    assert (found.result, found.reason) == (PushResult.FAILED, "given up after 5 tries: 503 busy")
    assert (
        judge(Answer(), attempt=1, most=1, now_ms=NOW_MS, chance=0).reason
        == "given up after 1 tries: no answer"
    )


def test_pauses_double_up_to_a_longest_and_are_random_in_their_upper_half() -> None:
    assert [pause(n, 1.0) for n in range(1, 12)] == [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]
    assert [pause(n, 0.0) for n in range(1, 4)] == [1, 2, 4]
    assert pause(10_000, 1.0) == 900


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None), ("", None), ("soon", None), ("-5", None), ("1.5", None), ("\u0663", None), ("0", 0), (" 7 ", 7), ("120", 120),
        ("99999999999999999999999999", 3600), ("Thu, 01 Jan 2026 00:01:00 GMT", 60), ("Thu, 01 Jan 2026 00:01:00", 60),
        ("Thu, 01 Jan 2025 00:00:00 GMT", 0), ("Fri, 01 Jan 2027 00:00:00 GMT", 3600), ("Thu, 99 Foo 2026 00:00:00 GMT", None),
    ],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after_s(header, NOW_MS) == seconds


def test_a_date_as_a_service_writes_it() -> None:
    at = datetime.fromtimestamp(NOW_MS / 1000 + 30, UTC)
    assert retry_after_s(format_datetime(at, usegmt=True), NOW_MS) == 30


def begin(service: Service, now: float) -> bool:
    if service.wait_s(now):
        return False
    service.under_way += 1
    return True


def test_a_service_has_so_many_under_way() -> None:
    service = Service(2)
    assert [begin(service, 0) for _ in range(3)] == [True, True, False]
    assert service.wait_s(0) == BUSY_S
    service.ended(0, well=True)
    assert begin(service, 0)


def test_a_service_that_does_not_answer_is_left_alone_ever_longer_and_one_push_finds_out() -> None:
    service, now = Service(100), 0.0
    for _ in range(FAILURES + 3):  # those under way when it stalls all fail; that is one rest
        assert begin(service, now)
    for _ in range(FAILURES + 3):
        service.ended(now, well=False)
    assert service.wait_s(now) == FIRST_REST_S
    rests = []
    for _ in range(9):
        rests.append(service.wait_s(now))
        now += rests[-1]
        assert [begin(service, now), begin(service, now)] == [True, False]
        now += 10
        service.ended(now, well=False)
    assert rests == [5, 10, 20, 40, 80, 160, 300, 300, LONGEST_REST_S]
    now += service.wait_s(now)
    assert begin(service, now)
    service.ended(now, well=True)
    assert [begin(service, now) for _ in range(100)] == [True] * 100


def test_a_failure_now_and_then_is_none() -> None:
    service = Service(1)
    for _ in range(50):
        for well in (False, False, True):
            assert begin(service, 0)
            service.ended(0, well=well)
    assert service.idle


def test_services_that_are_remembered_are_bounded_and_those_with_something_under_way_stay() -> None:
    services = Services(4)
    busy = services["https://busy"]
    busy.under_way = 1
    for number in range(MOST_SERVICES * 2):
        _ = services[f"https://{number}"]
    assert services["https://busy"] is busy
    assert len(services._services) <= MOST_SERVICES
