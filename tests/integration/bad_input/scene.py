"""What is around each attack: two people talk on the same node, the log is read, and the node's memory is measured."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import trio

from tests.integration.clients import PATIENCE_S, joined
from tests.integration.nodes import MIB, Account, Node

SLACK = 6 * MIB
"""What a node's memory may vary by anyhow."""
MISSING = "nothing-of-this-name"


@dataclass(frozen=True, slots=True)
class Scene:
    """Ana's and Ben's group at a node, with one message of Ana's; the two others who talk; and somebody who is in none of it."""

    node: Node
    ana: Account
    ben: Account
    chat_id: str
    cleo: Account
    dora: Account
    talk_id: str
    eve: Account


@asynccontextmanager
async def unharmed(scene: Scene, *, lines: int = 1) -> AsyncIterator[None]:
    """The attack in this block costs nobody anything: two others talk on meanwhile, at most `lines` are logged, and memory stays what it was."""
    node = scene.node
    async with joined(scene.cleo) as writer, joined(scene.dora) as reader:
        said = 0

        async def exchange() -> None:
            nonlocal said
            said += 1
            message = await writer.write(scene.talk_id, f"line {said}")
            assert await reader.event("MESSAGE_SENT") == {"message": message}
            await writer.event("MESSAGE_SENT")

        async def talk() -> None:
            while True:
                with trio.CancelScope(shield=True):  # each exchange whole
                    await exchange()
                await trio.lowlevel.checkpoint()

        await exchange()
        open_, memory, logged = node.connections(), node.rss(), node.log_size()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(talk)
            yield
            nursery.cancel_scope.cancel()
        await exchange()
        found = node.log(logged)
        assert len(found) <= lines, found
        assert not [
            line for line in found if "traceback" in line or line.get("level") in ("error", "critical")
        ]
        assert node.rss() - memory < SLACK
        with trio.fail_after(PATIENCE_S):
            while node.connections() > open_:  # a connection that was closed is let go of in a moment
                await exchange()
