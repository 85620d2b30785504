"""Limits of a cluster: one user's sends, over whatever nodes and whoever dies."""

from __future__ import annotations

from itertools import count
from typing import Any

import trio

from config.rates import RateSettings
from handlers.quotas import REPORT_S, SHARE
from tests.simulation.node import Connection, Node
from tests.simulation.scenario import simulated
from tests.simulation.world import World, principal

RATE, BURST = 4, 20
RATES = RateSettings(sends=f"{RATE}/s burst {BURST}")


class Hammer:
    """A client that sends whatever it is told, and reads no more than what became of it."""

    numbers = count(1)

    def __init__(self, node: Node) -> None:
        self.taken = 0
        self.open = True
        self._connection = node.connect(self, principal("ann", f"d{next(self.numbers)}"))
        self._connection.send(["1", "1", "me", "phx_join", {"limit": 0}])

    def on_frame(self, connection: Connection, frame: list[Any]) -> None:
        if frame[3] == "phx_reply" and "message" in frame[4]["response"]:
            self.taken += frame[4]["status"] == "ok"

    def on_close(self, connection: Connection, code: int) -> None:
        self.open = False

    def hit(self, chat_id: str) -> None:
        if self.open:
            number = str(next(self.numbers))
            body = {"chat_id": chat_id, "client_id": number, "type": "text", "content": {"text": "x"}}
            self._connection.send(["1", number, "me", "message:send", body])


async def storm(world: World, chat_id: str, seconds: float, *nodes: str) -> int:
    """One user sends from a device on each of these nodes, ten messages a second each; how many were taken."""
    hammers = [Hammer(world[name]) for name in nodes]
    await world.settle(0.1)
    for _ in range(int(seconds * 10)):
        for hammer in hammers:
            hammer.hit(chat_id)
        await trio.sleep(0.1)
    await world.settle(1)
    taken = sum(hammer.taken for hammer in hammers)
    assert taken > 0
    return taken


@simulated(nodes=3, rates=RATES)
async def test_a_user_on_several_nodes_is_held_to_one_limit_within_the_documented_bound(world: World) -> None:
    chat_id = await world.group("ann", "bob")
    total = await storm(world, chat_id, 60, "n1", "n2", "n3")
    once = 2 * BURST + 3 * (RATE * REPORT_S + BURST / SHARE)
    assert RATE * 60 * 0.9 <= total <= BURST + RATE * 61 + once


@simulated(nodes=2, rates=RATES)
async def test_a_limit_holds_when_a_node_dies_and_comes_back(world: World) -> None:
    chat_id = await world.group("ann", "bob")
    await storm(world, chat_id, 10, "n1", "n2")
    world["n2"].kill()
    await world["n2"].over.wait()
    await world.start("n2")
    total = await storm(world, chat_id, 30, "n2")
    # The new node knows nothing yet: a burst, until its first report is answered.
    assert total <= BURST + RATE * 31 + 2 * RATE * REPORT_S + BURST / SHARE


@simulated(nodes=2, rates=RATES)
async def test_without_redis_each_node_holds_its_own(world: World) -> None:
    chat_id = await world.group("ann", "bob")
    world.redis.faults.down = True
    total = await storm(world, chat_id, 30, "n1", "n2")
    assert RATE * 30 <= total <= 2 * (BURST + RATE * 31)
    world.redis.faults.down = False
    await world.settle(60)
    again = await storm(world, chat_id, 30, "n1", "n2")
    assert again <= BURST + RATE * 31 + BURST + 2 * (RATE * REPORT_S + BURST / SHARE)
