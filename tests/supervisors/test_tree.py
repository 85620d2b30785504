"""The picture of a running tree."""

from __future__ import annotations

import trio
from trio.testing import MockClock

from supervisors import (
    Backoff,
    DynamicSupervisor,
    Node,
    PartitionSupervisor,
    Supervisor,
    open_supervisor,
    render,
    snapshot,
)
from tests.supervisors.workers import TRANSIENT, Boom, Journal

PICTURE = """\
node  (running)
├─ stores  (permanent, running, up 10 s)
│  ├─ redis  (permanent, running, 1 restart, up 5 s, last crash Boom: gone)
│  └─ schema  (transient, stopped)
├─ sessions  (permanent, running, up 10 s)
│  ├─ 0  (permanent, running, up 10 s)
│  ├─ 1  (permanent, running, up 10 s)
│  ├─ 2  (permanent, running, up 10 s)
│  └─ ... and 2 more
└─ routers  (permanent, running, up 10 s)
   └─ 0  (permanent, running, up 10 s)"""


async def test_a_tree_is_drawn_with_state_restarts_uptime_and_last_crash(
    journal: Journal, autojump_clock: MockClock
) -> None:
    redis, schema = journal.worker("redis"), journal.worker("schema", restart=TRANSIENT)
    stores = Supervisor([redis.spec, schema.spec], name="stores")
    sessions = DynamicSupervisor(name="sessions")
    root = Supervisor(
        [stores.spec(), sessions.spec(), PartitionSupervisor(1, name="routers").spec()], name="node"
    )
    async with open_supervisor(root):
        for n in range(5):
            await sessions.start_child(journal.worker(str(n)).spec)
        await schema.end()
        await trio.sleep(5)
        await redis.crash(Boom("gone"))
        await trio.sleep(5)
        assert render(snapshot(root), most=3) == PICTURE


async def test_a_snapshot_shows_children_that_are_being_restarted(
    journal: Journal, autojump_clock: MockClock
) -> None:
    a, b = journal.workers("ab")
    curve = Backoff(10, 1, 10, 0)
    dynamic = DynamicSupervisor(name="dynamic", intensity=1, period=100, backoff=curve)
    root = Supervisor([b.spec, dynamic.spec()], name="root", intensity=1, period=100, backoff=curve)
    async with open_supervisor(root):
        await dynamic.start_child(a.spec)
        await a.crash(Boom("left"))
        await b.crash(Boom("right"))
        first, second = snapshot(root).children
        assert (first.state, first.last_crash, first.uptime_s) == ("restarting", "Boom: right", None)
        assert second.children == (
            Node(
                path="root/dynamic/a",
                id="a",
                type="worker",
                restart="permanent",
                state="restarting",
                restarts=1,
                uptime_s=None,
                mailbox=None,
                last_crash="Boom: left",
                children=(),
            ),
        )
