"""One client that stops reading: it costs the others nothing and the node a bounded amount of memory, and it misses nothing."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from tests.integration.clients import PATIENCE_S, Device, joined, opened, text_message
from tests.integration.nodes import MIB, Account, Cluster

pytestmark = pytest.mark.real

OUTBOX_BYTES = 256 * 1024
AT_ONCE = 200
MOST = 40_000
"""Messages after which a client that reads nothing must be gone: more than any kernel keeps for a connection."""
BODY = "x" * 1024
SLACK = 24 * MIB
"""What a node's memory grows by anyhow while it is busy."""


async def write_many(writer: Device, chat_id: str, first: int, number: int) -> None:
    """Send messages one after the other without waiting for each; every one has to be taken."""
    refs = [
        await writer.push("me", "message:send", text_message(chat_id, BODY, f"m{index}"))
        for index in range(first, first + number)
    ]
    for ref in refs:
        status, response = await writer.reply(ref)
        assert status == "ok", response
    writer.seen("MESSAGE_SENT")


async def read_on(reader: Device, seqs: list[int]) -> None:
    while True:
        seqs.append((await reader.event("MESSAGE_SENT"))["message"]["seq"])


def missed(who: Account, chat_id: str, answer: dict[str, Any], rev: int) -> list[int]:
    """The `seq`s of everything after `rev`: what a join's answer holds, and the further pages if it names the chat in `more`."""
    found = {message["rev"]: message["seq"] for message in answer["messages"]}
    rev = max(found, default=rev)
    while chat_id in answer["more"]:
        page = who.ask("GET", f"/chats/{chat_id}/messages?after_rev={rev}&limit=200")
        found |= {message["rev"]: message["seq"] for message in page["items"]}
        if not page["items"]:
            break
        rev = max(found)
    return [found[key] for key in sorted(found)]


async def test_a_reader_that_stops_is_disconnected_while_the_others_read_on_and_catches_up_with_everything(
    cluster: Cluster,
) -> None:
    node = cluster.start(
        OUTBOX_BYTES=str(OUTBOX_BYTES), SENDS_PER_SECOND="0", RATE_SENDS="0", COMMIT_BATCH="256"
    )
    ana, ben, cleo = cluster.sign_up_many(node, 3)
    chat_id = ana.group(ben, cleo)
    seqs: list[int] = []
    async with joined(ana) as writer, joined(ben) as reader, joined(cleo, receive_buffer=4096) as lazy:
        await write_many(writer, chat_id, 0, 1000)
        read = [(await lazy.event("MESSAGE_SENT"))["message"] for _ in range(1000)]
        before = node.rss()
        sent = 1000
        async with trio.open_nursery() as nursery:
            nursery.start_soon(read_on, reader, seqs)
            while not node.metrics().get('sockets_closed_total{code="1013"}'):
                assert sent < MOST, "a client that reads nothing is still connected"
                await write_many(writer, chat_id, sent, AT_ONCE)
                sent += AT_ONCE
            await write_many(writer, chat_id, sent, AT_ONCE)  # and on without it
            sent += AT_ONCE
            while len(seqs) < sent:
                await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()
        assert seqs == list(range(1, sent + 1))
        assert node.rss() - before < SLACK

        # What had left the node for it before may still be read; then the connection is over.
        await lazy.closed()
        read += [payload["message"] for payload in lazy.seen("MESSAGE_SENT")]
        assert [message["seq"] for message in read] == list(range(1, len(read) + 1))
        assert len(read) < sent
        with trio.fail_after(PATIENCE_S):
            while node.metrics()["sockets_stalled"]:
                await reader.alive()

        async with opened(cleo) as again:
            answer = await again.join("me", {"known": {chat_id: read[-1]["rev"]}})
            caught_up = missed(cleo, chat_id, answer, read[-1]["rev"])
            assert caught_up == list(range(len(read) + 1, sent + 1))
            await write_many(writer, chat_id, sent, 1)
            assert (await again.event("MESSAGE_SENT"))["message"]["seq"] == sent + 1
    said = [line for line in node.log() if "too slowly" in line["message"]]
    assert len(said) == 1
