"""Who is notified, of what, and where."""

from __future__ import annotations

from typing import Any

import pytest

from handlers.notifications.rules import call, call_again, news_for
from persistence.models import Member, Message, MessageType, PresentDevice, PushSubscription, Role

NOW = 1_000_000_000
ACTIVE_MS = 60_000


def message(seq: int, sender: str = "ann", *, age_s: float = 1, **fields: Any) -> Message:
    made: dict[str, Any] = {"type": MessageType.TEXT, "content": {"text": "x"}} | fields
    at = NOW - int(age_s * 1000)
    return Message(
        id=f"m{seq}",
        chat_id="c",
        seq=seq,
        rev=seq,
        sender_id=sender,
        client_id=f"{seq}",
        created_at=at,
        **made,
    )


def member(user_id: str = "bob", **fields: Any) -> Member:
    return Member(chat_id="c", user_id=user_id, role=Role.MEMBER, joined_at=0, updated_at=0, **fields)


def subscription(device: str) -> PushSubscription:
    return PushSubscription(
        id=device, user_id="bob", device_id=device, endpoint="https://p/", p256dh=b"", auth=b"", created_at=0
    )


def present(device: str, idle_s: float, node: str = "n1") -> PresentDevice:
    active_at = NOW - int(idle_s * 1000)
    return PresentDevice(user_id="bob", device_id=device, node=node, since=0, active_at=active_at)


@pytest.mark.parametrize(
    ("who", "messages", "told"),
    [
        (member(), [message(1), message(2)], 2),
        (member(), [message(1), message(2, "bob")], 1),
        (member(), [message(1, "bob")], None),
        (member(read_seq=1), [message(1)], None),
        (member(read_seq=1), [message(1), message(2)], 2),
        (member(read_seq=1), [message(1), message(2, "bob")], None),
        (member(), [message(1, deleted=True)], None),
        (member(), [message(1), message(2, deleted=True)], 1),
        (member(), [message(1, type=MessageType.SYSTEM)], None),
        (member(), [message(1, age_s=7200)], None),
        (member(), [message(1, age_s=7200), message(2)], 2),
        (member(muted_until=NOW + 1), [message(1)], None),
        (member(muted_until=NOW), [message(1)], 1),
        (member(delivered_seq=1), [message(1)], 1),
        (member(), [], None),
    ],
)
def test_a_member_is_told_of_the_newest_that_is_news_to_them(
    who: Member, messages: list[Message], told: int | None
) -> None:
    found = news_for(who, messages, now=NOW, oldest=NOW - 3_600_000)
    assert (None if found is None else found.seq) == told


@pytest.mark.parametrize(
    ("devices", "called", "later"),
    [
        ([], ["laptop", "phone"], False),
        ([present("phone", 0)], [], True),
        ([present("tablet", 59)], [], True),
        ([present("phone", 61)], ["laptop"], True),
        ([present("tablet", 61)], ["laptop", "phone"], False),
        ([present("phone", 61), present("laptop", 3600)], [], True),
        ([present("phone", 61), present("laptop", 1)], [], True),
        ([present("phone", 0, "dead")], ["laptop", "phone"], False),
        ([present("phone", 0, "dead"), present("phone", 90)], ["laptop"], True),
    ],
)
def test_a_user_is_called_where_they_are_not(
    devices: list[PresentDevice], called: list[str], later: bool
) -> None:
    own = [subscription("laptop"), subscription("phone")]
    found = call(own, devices, living={"n1"}, now=NOW, active_ms=ACTIVE_MS)
    assert ([s.id for s in found.subscriptions], found.later) == (called, later)


@pytest.mark.parametrize(
    ("devices", "called"),
    [
        ([], ["laptop", "phone"]),
        ([present("phone", 99)], []),  # used since it was written
        ([present("phone", 101)], ["laptop"]),
        ([present("tablet", 101)], ["laptop", "phone"]),
        ([present("phone", 0, "dead")], ["laptop", "phone"]),
    ],
)
def test_the_second_time_only_who_has_used_the_app_since_is_left_alone(
    devices: list[PresentDevice], called: list[str]
) -> None:
    own = [subscription("laptop"), subscription("phone")]
    found = call_again(own, devices, living={"n1"}, written_at=NOW - 100_000)
    assert [s.id for s in found] == called
