"""Who is online, with real nodes and a real Redis: a node that is killed, and Redis without its data."""

from __future__ import annotations

import pytest
import trio

from tests.integration.clients import Device, joined
from tests.integration.nodes import Account, Cluster, Node
from tests.servers import Servers

pytestmark = [pytest.mark.real, pytest.mark.slow]

Pair = tuple[Node, Node]
QUIET_S = 2.0
"""Nothing that was told once is told again within so long."""


@pytest.fixture(scope="module")
def pair(cluster: Cluster) -> Pair:
    """Two nodes with a short grace period."""
    one, two = cluster.start_many(2, PRESENCE_GRACE_S="1")
    return one, two


def direct(one: Account, other: Account) -> None:
    """Let two have a direct chat."""
    one.ask("POST", "/chats", {"type": "direct", "user_id": other.id})


async def told(device: Device, event: str, user_id: str) -> None:
    """Wait until the device is told."""
    await device.take(lambda m: m.event == event and m.payload["user_id"] == user_id)


async def nothing_more(device: Device) -> None:
    """Nobody's coming or going is told for a while."""
    with trio.move_on_after(QUIET_S):
        await device.take(lambda m: m.event in ("USER_CONNECTED", "USER_DISCONNECTED"))
        raise AssertionError("told again")


async def test_contacts_are_told_across_nodes(cluster: Cluster, pair: Pair) -> None:
    ana, ben = (cluster.sign_up(node) for node in pair)
    direct(ana, ben)
    async with joined(ana) as first:
        async with joined(ben) as phone, joined(ben.another_device(), pair[0]):
            await told(first, "USER_CONNECTED", ben.id)
            await phone.alive()
        await told(first, "USER_DISCONNECTED", ben.id)
        await nothing_more(first)
        view = ana.ask("GET", f"/users/{ben.id}")
        assert view["online"] is False
        assert view["last_seen"] is not None


async def test_the_users_of_a_node_that_is_killed_go_offline_once(cluster: Cluster, pair: Pair) -> None:
    ana, ben, eve = cluster.sign_up(pair[0]), cluster.sign_up(pair[1]), cluster.sign_up(pair[1])
    for other in (ben, eve):
        direct(ana, other)
    async with joined(ana) as first, joined(ben), joined(eve), joined(eve.another_device(), pair[0]):
        for other in (ben, eve):
            await told(first, "USER_CONNECTED", other.id)
        pair[1].kill()
        await told(first, "USER_DISCONNECTED", ben.id)
        await nothing_more(first)
        pair[1].start()
        assert ana.ask("GET", f"/users/{ben.id}")["last_seen"] is not None
        async with joined(ben, pair[1]):
            await told(first, "USER_CONNECTED", ben.id)


async def test_a_redis_without_its_data_makes_nobody_come_or_go(
    cluster: Cluster, pair: Pair, servers: Servers
) -> None:
    ana, ben = (cluster.sign_up(node) for node in pair)
    direct(ana, ben)
    async with joined(ana) as first, joined(ben) as second:
        await told(first, "USER_CONNECTED", ben.id)
        async with servers.outage("redis"):
            await trio.sleep(1)
        await trio.sleep(15)  # longer than it takes until it is known who has gone
        await first.alive()
        await second.alive()
        assert first.seen("USER_DISCONNECTED") == second.seen("USER_DISCONNECTED") == []
        assert first.seen("USER_CONNECTED") == []
