"""A store that will not write something, however often it is asked, costs those who sent it, and nobody else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import trio

from handlers.audit.audit import Audit
from handlers.bodies import SendBody
from handlers.errors import ChatError, Code
from handlers.media.attachments import Attachments
from handlers.media.library import MediaLibrary
from handlers.nodes.fanout import Fanout
from handlers.notifications.jobs import LOOKS
from handlers.notifications.notifier import Notifier
from handlers.operators.trail import Trail
from handlers.principal import Principal
from handlers.retry.queue import RetryQueue
from handlers.routing.commit import GroupCommit
from handlers.routing.routers import Routers
from handlers.routing.writer import Writer
from handlers.sessions.hub import Hub
from persistence.ids import Ids
from persistence.memory import (
    Broker,
    MemoryAuditLog,
    MemoryBacklog,
    MemoryBlocks,
    MemoryBus,
    MemoryChats,
    MemoryDeadLetters,
    MemoryJobs,
    MemoryLog,
    MemoryMedia,
    MemoryObjects,
    Record,
)
from persistence.models import Chat, ChatType, LogWrite, Member, Message, MessageType, Outcome, Role
from supervisors import ChildSpec, PartitionSupervisor, Supervisor, open_supervisor

ANN = Principal("ann", "d", 10**15)


class Picky(MemoryLog):
    """Takes no batch with a certain text in it, as MongoDB takes none with a number of more than 64 bits."""

    async def append(self, writes: Sequence[LogWrite]) -> list[Outcome]:
        if any(type(write) is Message and write.content["text"] == "poison" for write in writes):
            raise OverflowError("too large for the store")
        return await super().append(writes)


async def test_what_the_store_will_not_write_is_set_aside_and_everything_else_is_written(
    autojump_clock: trio.testing.MockClock,
) -> None:
    record, broker = Record(), Broker()
    store, chats, bus = Picky(record), MemoryChats(record), MemoryBus(broker, "n1")
    fanout = Fanout(bus, Hub())
    commit = GroupCommit(store, Trail(lambda: 0, fanout), batch=64)
    partitions = PartitionSupervisor(2, name="routers")
    retry = RetryQueue(MemoryBacklog(broker), bus, commit, most=1000, lead_s=-1)
    routers = Routers(
        store=store,
        chats=chats,
        blocks=MemoryBlocks(record),
        bus=bus,
        dead_letters=MemoryDeadLetters(record),
        fanout=fanout,
        notifier=Notifier(MemoryJobs(broker, LOOKS, "n1", lease_s=60)),
        commit=commit,
        audit=Audit(MemoryAuditLog(record), lambda: 0, "n1"),
        retry=retry,
        partitions=partitions,
        clock=lambda: 0,
        new_id=Ids(lambda: 0),
        idle_s=60,
    )
    library = MediaLibrary(
        MemoryMedia(record), MemoryObjects(record.bucket), lambda: 0, Ids(lambda: 0), upload_ttl_s=60
    )
    writer = Writer(
        routers,
        store=store,
        attachments=Attachments(library, store),
        commit=commit,
        retry=retry,
        clock=lambda: 0,
        new_id=Ids(lambda: 0),
        hold_s=30,
        most_pending=1000,
    )
    for chat_id in ("one", "two"):
        chat = Chat(id=chat_id, type=ChatType.GROUP, created_by="ann", created_at=0)
        await chats.create(
            chat, [Member(chat_id=chat_id, user_id="ann", role=Role.OWNER, joined_at=0, updated_at=0)]
        )
    outcomes: dict[tuple[str, str], Any] = {}

    async def send(chat_id: str, text: str, client_id: str) -> None:
        body = SendBody(chat_id=chat_id, client_id=client_id, type=MessageType.TEXT, content={"text": text})
        try:
            message, _ = await writer.send(ANN, chat_id, body)
            outcomes[chat_id, client_id] = message.seq
        except ChatError as error:
            outcomes[chat_id, client_id] = error.code

    children = [
        ChildSpec("fanout", fanout.run),
        ChildSpec("commit", commit.run),
        partitions.spec(),
        ChildSpec("chats", routers.run),
    ]
    async with open_supervisor(Supervisor(children, name="node")):
        async with trio.open_nursery() as nursery:
            for number, text in enumerate(("first", "poison", "third")):
                nursery.start_soon(send, "one", text, f"c{number}")
                nursery.start_soon(send, "two", "fine", f"c{number}")
        await trio.sleep(1)
    texts = [message.content["text"] for message in record.messages["one"].values()]
    assert sorted(texts) == ["first", "third"]
    assert outcomes["one", "c1"] is Code.DEAD_LETTERED
    assert sorted(outcomes["two", f"c{number}"] for number in range(3)) == [1, 2, 3]
    (letter,) = record.letters.values()
    assert "OverflowError" in letter.reason
