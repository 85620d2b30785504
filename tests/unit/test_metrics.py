"""What `/metrics` tells: text that Prometheus reads, about as many things as there are parts of a node, and documented."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from server.connections import Connections
from server.core import Core
from server.endpoint import Endpoint
from server.flusher import Flusher
from server.longpoll.sessions import LongPollSessions
from server.metrics import CODES, NodeMetrics, TreeMetrics
from supervisors import ChildExited, ChildRestarted, Crash, IntensityBreached, Killed, Normal
from tests.unit import memory_node

ROOT = Path(__file__).parents[2]
OF_THE_LIBRARY = ("process_", "python_")


def told(registry: Any) -> dict[str, dict[tuple[str, ...], float]]:
    """Name of each sample -> its labels' values -> its value."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(generate_latest(registry).decode()):
        assert family.documentation, family.name
        assert family.type in ("counter", "gauge", "histogram", "info"), family
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return found


class _NoPolls:
    begun = 0

    def __len__(self) -> int:
        return 0


def of_tree(tree: TreeMetrics, connections: Any = None) -> dict[str, dict[tuple[str, ...], float]]:
    """What is told of the tree alone, and of closed connections."""
    metrics = NodeMetrics(
        cast(
            "Core",
            SimpleNamespace(
                hub=SimpleNamespace(users={}),
                cluster=SimpleNamespace(peers=SimpleNamespace(asked=0, given_up=0)),
            ),
        ),
        cast("Endpoint", SimpleNamespace(accepted=0, refused=0)),
        cast("Connections", connections or SimpleNamespace(open={}, closed={})),
        cast("LongPollSessions", _NoPolls()),
        Flusher(),
        tree,
    )
    families = [*metrics._of_connections(), *metrics._of_tree()]
    return told(SimpleNamespace(collect=lambda: families))


def documented() -> dict[str, tuple[str, ...]]:
    """Name -> labels, of the tables in the document."""
    text = (ROOT / "docs" / "operating.md").read_text()
    section = text.split("\n## Metrics\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`.+?) \|(.*?)\|", section, re.MULTILINE)
    return {
        name: tuple(re.findall(r"`(\w+)`", labels))
        for names, labels in rows
        for name in re.findall(r"`(\w+)`", names)
    }


async def test_every_metric_is_documented_with_its_labels_and_no_other_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with memory_node.running(monkeypatch, tmp_path) as node:
        families = list(text_string_to_metric_families(generate_latest(node.metrics).decode()))
    assert families
    found = {}
    for family in families:
        if not family.name.startswith(OF_THE_LIBRARY):
            found[family.name + ("_total" if family.type == "counter" else "")] = family
    table = documented()
    assert sorted(found) == sorted(table)
    for name, family in found.items():
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == set(table[name]), sample


async def test_a_running_node_tells_of_itself_in_prometheus_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with memory_node.running(monkeypatch, tmp_path) as node:
        assert (await node.request("GET", "/api/v1/chats"))[0] == 401
        status, text = await node.request("GET", "/metrics")
        assert status == 200
        found = told(node.metrics)
    names = {
        line.split("{")[0].split()[0] for line in text.decode().splitlines() if line[:1] not in ("#", "")
    }
    assert names == set(found)
    assert found["sockets_open"] == {(): 0}
    assert found["connections_accepted_total"] == {(): 2}
    assert found["rest_requests_total"] == {("get_chats", "401"): 1}
    assert not [name for name in names if name.endswith("_created")]
    assert "process_resident_memory_bytes" in names


def test_clients_cannot_make_metrics_grow_by_closing_with_codes_of_their_own() -> None:
    closed = dict.fromkeys((*range(1000, 1015), *range(3000, 5000)), 1)
    found = of_tree(TreeMetrics(), SimpleNamespace(open={}, closed=closed))["sockets_closed_total"]
    assert set(found) == {(str(code),) for code in CODES} | {("other",)}
    assert sum(found.values()) == len(closed)


def test_every_documented_close_code_is_counted_by_itself() -> None:
    text = (ROOT / "docs" / "websocket.md").read_text()
    table = text.split("\n## Close codes\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (\d{4}.*?) \|", table, re.MULTILINE)
    assert {int(code) for row in rows for code in re.findall(r"\d{4}", row)} == CODES


def test_crashes_and_restarts_are_counted_by_their_place_above_chats_and_connections() -> None:
    tree = TreeMetrics()
    crash = Crash(RuntimeError("broken by the test"))
    for number in range(1000):
        tree(ChildExited(f"node/sessions/connections/{number:x}", crash, 1.0, 0))
        tree(ChildRestarted(f"node/routers/{number % 8}/chat-{number}", 1, 0.0))
    tree(ChildExited("node/inbox", crash, 1.0, 0))
    tree(ChildExited("node/inbox", Normal(), 1.0, 0))
    tree(ChildExited("node/inbox", Killed(), 1.0, 0))
    tree(IntensityBreached("node/routers/3", 20, 10.0))
    found = of_tree(tree)
    assert found["crashes_total"] == {("node/sessions/connections",): 1000, ("node/inbox",): 1}
    assert found["restarts_total"] == {(f"node/routers/{number}",): 125 for number in range(8)}
    assert found["intensity_breaches_total"] == {(): 1}
