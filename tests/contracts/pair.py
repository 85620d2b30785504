"""Two nodes on a bus of which one has heard of the other: what most tests of what may get lost between them begin with."""

from __future__ import annotations

from tests.contracts.nodes import Node, Nodes, letters

PATIENCE_S = 60.0


async def pair(nodes: Nodes) -> tuple[Node, Node]:
    """One node that publishes, and one that follows the topic "t" and has heard of the first."""
    a, b = await nodes.start("a", "b")
    await b.bus.follow(["t"])
    await a.bus.publish(letters("t", "before"))
    await nodes.settle()
    assert b.texts == ["before"]
    assert not b.lost
    b.forget()
    return a, b
