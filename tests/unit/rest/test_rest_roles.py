"""What a node serves with which roles."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from config.settings import NodeRole
from server.rest.app import create_app, operations
from server.rest.operation import PREFIX
from server.rest.roles import BY_PATH, role_of

ALWAYS = (
    "/healthz",
    "/readyz",
    "/metrics",
    "/.well-known/jwks.json",
    "/openapi.json",
    "/asyncapi.json",
    "/docs",
)
ROOT = Path(__file__).parents[3]


def with_roles(world: Any, *roles: NodeRole) -> Any:
    """What the REST side of a node with these roles is given."""
    settings = world.services.settings.model_copy(update={"roles": frozenset(roles)})
    return replace(world.services, settings=settings, metrics=CollectorRegistry())


def paths(found: Iterable[Any]) -> set[tuple[str, str]]:
    return {(each.method, each.path) for each in found}


async def test_each_call_is_served_by_one_role_and_all_roles_together_serve_all(world: Any) -> None:
    by_role = {role: paths(operations(with_roles(world, role))) for role in NodeRole}
    everything = paths(operations(world.services))
    assert set().union(*by_role.values()) == everything
    assert sum(map(len, by_role.values())) == len(everything)
    assert not by_role[NodeRole.REALTIME]
    for role, found in by_role.items():
        for _, path in found:
            assert role_of(path) is role


def test_the_role_is_in_the_first_part_of_the_path() -> None:
    for path, role in (
        ("/media/uploads", NodeRole.MEDIA),
        ("/media/{media_id}", NodeRole.MEDIA),
        ("/stories", NodeRole.STORIES),
        ("/stories/{story_id}/views", NodeRole.STORIES),
        ("/push/key", NodeRole.NOTIFICATIONS),
        ("/chats/{chat_id}/messages", NodeRole.API),
        ("/admin/tree", NodeRole.API),
        ("/storiesque", NodeRole.API),
    ):
        assert role_of(path) is role


@pytest.mark.parametrize("role", NodeRole)
async def test_what_a_role_has_not_is_not_there_and_not_in_the_document(role: NodeRole, world: Any) -> None:
    services = with_roles(world, role)
    client = create_app(services).test_client()
    document = await (await client.get("/openapi.json")).get_data()
    listed = msgspec.json.decode(document)["paths"]
    own = {PREFIX + path for _, path in paths(operations(services))}
    assert set(listed) == own
    for method, path in sorted(paths(operations(world.services))):
        if PREFIX + path in own:
            continue
        answer = await client.open(PREFIX + re.sub(r"{\w+}", "x", path), method=method)
        assert answer.status_code == 404, path
        assert msgspec.json.decode(await answer.get_data())["code"] == "not_found"
    for path in ALWAYS:
        assert (await client.get(path)).status_code == 200, path


def test_the_sample_for_nginx_routes_by_the_same_table() -> None:
    text = (ROOT / "config" / "deploy" / "nginx-roles.conf").read_text()
    routes = dict(re.findall(r"location ~ \^/api/v1/(\w+)\(/\|\$\) {\s+proxy_pass http://(\w+);", text))
    assert routes == {path: role.value for path, role in BY_PATH.items()}
