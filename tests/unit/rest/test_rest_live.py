"""What runs, on all nodes, and the page that shows it."""

from __future__ import annotations

import re
from typing import Any

import trio

from supervisors import ChildSpec

API = "/api/v1"
PAGE = ("/admin/", "/admin/live.css", "/admin/live.js")


async def tree(who: Any, query: str = "") -> dict[str, Any]:
    reply = await who("GET", f"{API}/admin/tree{query}")
    assert reply.status == 200, reply.raw
    return dict(reply.json)


def find(node: dict[str, Any], *path: str) -> dict[str, Any]:
    for part in path:
        node = next(child for child in node["children"] if child["id"] == part)
    return node


async def crash_once(world: Any, reason: str) -> None:
    """Something on this node crashes, and is started again."""
    crashed = False

    async def worker(child: Any) -> None:
        nonlocal crashed
        child.ready()
        if not crashed:
            crashed = True
            raise ZeroDivisionError(reason)
        await child.stop_requested()

    await world.root.start_child(ChildSpec("fragile", worker))
    await trio.sleep(5)


async def test_a_crash_is_shown_with_its_reason_when_and_without_secrets(scene: Any, world: Any) -> None:
    await crash_once(world, "Authorization: Bearer abcdefghijkl for +493012345678")
    fragile = find(await tree(scene.ada), "fragile")
    assert (fragile["restarts"], fragile["state"]) == (1, "running")
    (report,) = fragile["crashes"]
    assert report["child"] == "node/fragile"
    assert report["reason"].startswith("ZeroDivisionError")
    assert "crash_once" in report["traceback"] or "worker" in report["traceback"]
    assert report["at"] >= 1_767_225_600_000
    text = str(fragile)
    assert "abcdefghijkl" not in text
    assert "493012345678" not in text


async def test_what_waits_is_shown(scene: Any) -> None:
    shown = await tree(scene.ada)
    for name in ("audit", "fanout", "commit"):
        assert find(shown, "stores", name)["mailbox"] is not None


async def test_only_so_many_children_are_shown(scene: Any) -> None:
    shown = await tree(scene.ada, "?most=2")
    assert len(shown["children"]) == 2
    assert shown["hidden"] == len((await tree(scene.ada))["children"]) - 2


async def test_all_nodes_are_shown_by_any(open_world: Any, make_scene: Any) -> None:
    async with open_world() as one, open_world(node="n2", record=one.record, broker=one.broker) as other:
        scene = await make_scene(one)
        await crash_once(other, "elsewhere")
        scene.ada.world = one
        shown = await tree(scene.ada, "?all=true")
        assert (shown["node"], shown["complete"], shown["children"]) == ("n1", True, [])
        assert [each["node"] for each in shown["nodes"]] == ["n1", "n2"]
        (report,) = find(shown["nodes"][1]["tree"], "fragile")["crashes"]
        assert "elsewhere" in report["reason"]
        assert find(shown["nodes"][0]["tree"], "stores", "commit")["state"] == "running"


async def test_without_redis_the_own_node_is_shown(scene: Any, world: Any) -> None:
    world.broker.faults.down = True
    shown = await tree(scene.ada, "?all=true")
    assert [each["node"] for each in shown["nodes"]] == ["n1"]
    assert shown["complete"] is False


async def test_others_are_not_shown_anything(scene: Any) -> None:
    for query in ("", "?all=true", "?most=2"):
        assert (await scene.bob("GET", f"{API}/admin/tree{query}")).status == 403


async def test_the_page_loads_nothing_but_its_own(world: Any) -> None:
    for path in PAGE:
        reply = await world.request("GET", path)
        assert reply.status == 200, path
        policy = reply.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
    page = (await world.request("GET", "/admin/")).raw.decode()
    assert (await world.request("GET", "/admin")).status == 200
    loaded = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert sorted(loaded) == sorted(PAGE[1:])
    assert "<style" not in page
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert not re.search(r"\son\w+=", page)


async def test_the_page_writes_nothing_as_markup(world: Any) -> None:
    script = (await world.request("GET", "/admin/live.js")).raw.decode()
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "localStorage"):
        assert way not in script
