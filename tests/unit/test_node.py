"""The node as a whole: its tree, and what it serves with which roles."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
import trio

from config.sections import DrainSettings
from config.settings import NodeRole
from server import node as module
from server.poller import Poller
from server.rest.operation import PREFIX
from server.rest.roles import role_of
from supervisors import Child, Node, snapshot
from tests.unit import memory_node

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
UNPREFIXED = [
    "/healthz",
    "/readyz",
    "/metrics",
    "/.well-known/jwks.json",
    "/openapi.json",
    "/asyncapi.json",
    "/docs",
]
ALL = frozenset(NodeRole)


def branch(tree: Node, *path: str) -> list[str]:
    """Ids of the children there, in order."""
    for name in path:
        tree = next(node for node in tree.children if node.id == name)
    return [node.id for node in tree.children]


async def test_the_tree_has_the_children_that_are_documented_in_that_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    documented = re.findall(r"^[├└]─ (\S+)", module.__doc__ or "", re.MULTILINE)
    async with memory_node.running(monkeypatch, tmp_path) as node:
        tree = snapshot(node.root)
        assert branch(tree) == documented
        assert branch(tree, "sessions") == ["poller", "flusher", "sweep", "connections"]
        assert branch(tree, "endpoint") == ["control", "shared"]
        assert branch(tree, "registry") == ["chats", "users"]
        assert branch(tree, "stores") == ["tokens", "audit", "fanout", "notifier", "commit", "retry-queue"]
        assert len(branch(tree, "routers")) == 8
        supervisors = [child.id for child in tree.children if child.type == "supervisor"]
        assert supervisors == ["stores", "registry", "routers", "workers", "sessions", "endpoint"]


async def test_a_port_of_its_own_is_a_second_listener(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with trio.socket.socket() as sock:
        await sock.bind(("127.0.0.1", 0))
        free = sock.getsockname()[1]
    async with memory_node.running(monkeypatch, tmp_path, own_port=free) as node:
        assert branch(snapshot(node.root), "endpoint") == ["control", "shared", "own"]


@pytest.mark.parametrize(
    ("roles", "api", "socket"),
    [
        (ALL, 401, 403),
        (ALL - {NodeRole.API}, 404, 403),
        (ALL - {NodeRole.REALTIME}, 401, 404),
        (ALL - {NodeRole.MEDIA}, 401, 403),
    ],
    ids=["all", "no api", "no realtime", "no media"],
)
async def test_a_node_serves_what_its_roles_say_and_always_what_operators_need(
    roles: frozenset[NodeRole], api: int, socket: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with memory_node.running(monkeypatch, tmp_path, roles=roles) as node:
        assert (await node.request("GET", "/api/v1/chats"))[0] == api
        status, _ = await node.request("GET", "/socket/websocket?vsn=2.0.0", UPGRADE)
        assert status == socket
        for path in UNPREFIXED:
            assert (await node.request("GET", path))[0] == 200, path
        _, document = await node.request("GET", "/openapi.json")
        described = {role_of(path.removeprefix(PREFIX)) for path in msgspec.json.decode(document)["paths"]}
        assert described <= roles
        assert (NodeRole.API in described) == (NodeRole.API in roles)
        assert (NodeRole.MEDIA in described) == (NodeRole.MEDIA in roles)


WORKERS: dict[NodeRole, set[str]] = {
    NodeRole.API: {"accounts"},
    NodeRole.REALTIME: set(),
    NodeRole.MEDIA: {"media"},
    NodeRole.STORIES: {"stories"},
    NodeRole.NOTIFICATIONS: {"looks", "pushes", "estates"},
}
"""What runs only on nodes with the role."""


async def test_a_node_has_the_workers_that_its_roles_ask_for_and_those_that_every_node_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: dict[frozenset[NodeRole], list[str]] = {}
    for roles in (ALL, *(frozenset({role}) for role in NodeRole)):
        with monkeypatch.context() as patch:
            async with memory_node.running(patch, tmp_path, roles=roles) as node:
                found[roles] = branch(snapshot(node.root), "workers")
    everywhere = [name for name in found[ALL] if name not in set().union(*WORKERS.values())]
    for roles, workers in found.items():
        own = set().union(*(WORKERS[role] for role in roles))
        assert workers == [name for name in found[ALL] if name in own or name in everywhere], roles
    assert set().union(*WORKERS.values()) <= set(found[ALL])


async def test_an_upgrade_elsewhere_is_refused_and_no_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with memory_node.running(monkeypatch, tmp_path) as node:
        for path, status in (("/", 404), ("/socket", 404), ("/api/v1/chats", 405)):
            assert (await node.request("GET", path, UPGRADE))[0] == status
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_a_part_that_gives_up_is_started_again_with_all_that_depends_on_it_and_the_node_serves_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also the drainer: its stop must not leave a node behind that refuses everybody."""
    run, fault, left = Poller.run, trio.Event(), 4

    async def breakable(self: Poller, child: Child) -> None:
        async def fail() -> None:
            nonlocal left
            await fault.wait()
            if left:
                left -= 1
                raise RuntimeError("broken by the test")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(fail)
            await run(self, child)
            nursery.cancel_scope.cancel()

    monkeypatch.setattr(Poller, "run", breakable)
    async with memory_node.running(monkeypatch, tmp_path, drain=DrainSettings(budget_s=0.1)) as node:
        socket = "/socket/websocket?vsn=2.0.0&token=bad"
        assert (await node.request("GET", socket, UPGRADE))[0] == 403
        fault.set()
        await node.listens(again=True)
        with trio.fail_after(30):
            while (await node.request("GET", "/readyz"))[0] != 200:
                continue
        assert left == 0
        assert (await node.request("GET", socket, UPGRADE))[0] == 403
