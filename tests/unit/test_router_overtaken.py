"""A chat's router on one node, while another node writes the same chat."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import msgspec
import trio

from handlers.nodes.events import Event, LogEvent
from handlers.nodes.fanout import Fanout
from handlers.notifications.jobs import LOOKS
from handlers.notifications.notifier import Notifier
from handlers.protocol import Prepared
from handlers.retry.queue import RetryQueue
from handlers.routing.commands import Send
from handlers.routing.room import Room
from handlers.routing.router import Router
from persistence.memory import Broker, MemoryJobs, MemoryLog, Record
from persistence.models import Chat, ChatType, Head, LogEntry, Message, MessageType, Role, Stored
from supervisors import Child


class Listener:
    user_id = "ann"

    def __init__(self) -> None:
        self.seqs: list[int] = []

    def push(self, prepared: Prepared) -> None:
        frames = map(msgspec.json.decode, prepared.texts)
        self.seqs += [payload["message"]["seq"] for *_, payload in frames]

    def left_chat(self, room: Room) -> None: ...


class Published:
    """Stands for the way to other nodes."""

    def __init__(self) -> None:
        self.seqs: list[int] = []

    def publish(self, topic: str, events: list[Event]) -> None:
        self.seqs += [event.seq for event in events if isinstance(event, LogEvent)]


class Running:
    """Stands for the supervised child that a router's task is."""

    stopping = False

    def ready(self) -> None: ...

    def cancel_on_stop(self) -> AbstractContextManager[None]:
        return nullcontext()


class Recorded(Send):
    __slots__ = ("answers",)

    def done(self, entry: LogEntry, encoded: bytes, *, created: bool) -> None:
        self.answers.append(cast("Message", entry).seq)


def sending(client_id: str) -> Recorded:
    fields: dict[str, Any] = {
        "type": MessageType.TEXT,
        "content": {"text": "x"},
        "media_id": None,
        "reply_to": None,
    }
    command = Recorded("ann", 0, 100.0, id=f"m-{client_id}", client_id=client_id, **fields)
    command.answers = []
    return command


async def test_a_message_that_catching_up_has_met_before_its_write_came_back_is_delivered_once(
    autojump_clock: trio.testing.MockClock,
) -> None:
    room = Room(Chat(id="c", type=ChatType.GROUP, created_by="ann", created_at=0), Head())
    room.roles["ann"] = Role.OWNER
    listener, published, log = Listener(), Published(), MemoryLog(Record())
    room.subscribers[listener] = None
    notifier = Notifier(MemoryJobs(Broker(), LOOKS, "n1", lease_s=60))
    nothing = lambda *_: None  # noqa: E731
    router = Router(
        room,
        log,
        cast("Fanout", published),
        retry=cast("RetryQueue", None),
        notifier=notifier,
        commit=nothing,
        wake=nothing,
        bury=nothing,
        noted=nothing,
        idle_s=1,
    )

    ours = sending("ours")
    router.submit(ours)
    (write,) = router.plan(10)
    theirs = sending("theirs").write("c", 2, 2)
    assert await log.append([write, theirs]) == [Stored(), Stored()]
    router.receive(LogEvent(2, 2, b""))  # rev 1, which is ours, is not back yet: there seems to be a hole
    await router.run(cast("Child", Running()))
    assert listener.seqs == [1, 2]

    router.settle([Stored()])
    assert listener.seqs == [1, 2]
    assert ours.answers == [1]
    assert published.seqs == [1]
    assert room.head == Head(seq=2, rev=2)
