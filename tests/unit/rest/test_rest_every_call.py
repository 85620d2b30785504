"""What holds of every call of the API alike: who may ask, what is ignored, what happens when a store fails."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from itertools import count
from typing import Any

import pytest
import trio

from handlers.errors import Code
from handlers.routing.routers import SWEEP_S
from persistence.models import User
from server.rest.app import operations
from server.rest.operation import Operation

API = "/api/v1"
WITHOUT_STORE = {"get_admin_tree"}
QUEUED = "post_chats_chat_id_messages"
"""What is not refused while MongoDB is away, but waits."""


def by_name(world: Any) -> dict[str, Operation]:
    return {operation.name: operation for operation in operations(world.services)}


async def ask(scene: Any, name: str) -> Any:
    method, path, body = scene.calls()[name]
    return await scene.ada(method, path, body)


async def each_call(
    open_world: Any, make_scene: Any, check: Callable[[Any, str, Operation], Awaitable[None]]
) -> None:
    """Check each call in a scene of its own; those that only read have one together."""
    async with open_world() as world:
        scene, calls = await make_scene(world), by_name(world)
        for name, operation in calls.items():
            if operation.method == "GET":
                await check(scene, name, operation)
    for name, operation in calls.items():
        if operation.method != "GET":
            async with open_world() as world:
                await check(await make_scene(world), name, operation)


async def test_the_sample_has_every_call(world: Any, scene: Any) -> None:
    assert set(scene.calls()) == set(by_name(world))


async def test_each_call_does_what_it_says(open_world: Any, make_scene: Any, nothing_crashes: Any) -> None:
    async def check(scene: Any, name: str, operation: Operation) -> None:
        reply = await ask(scene, name)
        assert reply.status in operation.answers, (name, reply.raw)
        if operation.answers[reply.status] is None:
            assert reply.raw == b"", name
        else:
            assert reply.content_type == "application/json", name

    with nothing_crashes():
        await each_call(open_world, make_scene, check)


async def test_all_but_signing_in_needs_a_token(world: Any, scene: Any) -> None:
    for name, (method, path, body) in scene.calls().items():
        reply = await world.request(method, path, body)
        if name in ("post_auth_signup", "post_auth_login", "post_auth_refresh"):
            assert reply.status < 300, name
        else:
            assert (reply.status, reply.json["code"]) == (401, "unauthenticated"), name
            assert reply.headers["WWW-Authenticate"].startswith("Bearer"), name


async def test_only_operators_see_what_runs(world: Any, scene: Any) -> None:
    refused = await scene.bob("GET", f"{API}/admin/tree")
    assert (refused.status, refused.json["code"]) == (403, "forbidden")
    tree = (await ask(scene, "get_admin_tree")).json
    assert (tree["id"], tree["type"], tree["state"]) == ("node", "supervisor", "running")
    assert [child["id"] for child in tree["children"]][:3] == ["stores", "registry", "routers"]
    assert {"tokens", "fanout", "commit"} <= {child["id"] for child in tree["children"][0]["children"]}
    user: User = world.record.users[scene.ada.id]
    await world.core.stores.users.set_operator(user.id, operator=False)
    later = await scene.log_in()
    headers = {"Authorization": f"Bearer {later['access_token']}"}
    assert (await world.request("GET", f"{API}/admin/tree", headers=headers)).status == 403


async def test_what_is_not_known_is_ignored(open_world: Any, make_scene: Any) -> None:
    async def check(scene: Any, name: str, operation: Operation) -> None:
        method, path, body = scene.calls()[name]
        path += ("&" if "?" in path else "?") + "unknown=1&%00=%ff"
        if isinstance(body, dict):
            body = {**body, "unknown": {"deep": [None]}, "": 1}
        reply = await scene.ada(method, path, body)
        assert reply.status in operation.answers, (name, reply.raw)

    await each_call(open_world, make_scene, check)


async def test_every_path_refuses_the_methods_it_does_not_have(world: Any, scene: Any) -> None:
    served: dict[str, set[str]] = {}
    for operation in by_name(world).values():
        served.setdefault(scene.fill(operation.path), set()).add(operation.method)
    served[f"{API}/media/uploads"].add(
        "GET"
    )  # of a file whose id is "uploads": there is none, but the method is right
    for path in (
        "/healthz",
        "/readyz",
        "/metrics",
        "/.well-known/jwks.json",
        "/openapi.json",
        "/docs",
        "/admin/",
    ):
        served[path] = {"GET"}
    for path, methods in served.items():
        for method in {
            "GET",
            "POST",
            "PUT",
            "PATCH",
            "DELETE",
            "OPTIONS",
            "TRACE",
            "CONNECT",
            "BREW",
        } - methods:
            reply = await scene.ada(method, path)
            assert (reply.status, reply.json["code"]) == (405, "method_not_allowed"), (
                method,
                path,
                reply.raw,
            )
            allowed = set(reply.headers["Allow"].replace(" ", "").split(","))
            assert allowed - {"HEAD"} == methods, path


# -- a store that fails ------------------------------------------------------------------------------------------


async def test_while_mongodb_is_away_every_call_says_when_to_come_back(
    world: Any, scene: Any, nothing_crashes: Any
) -> None:
    world.record.faults.down = True
    with nothing_crashes():
        for name in scene.calls():
            reply = await ask(scene, name)
            if name in WITHOUT_STORE:
                assert reply.status == 200
                continue
            if name == QUEUED:
                assert (reply.status, reply.json) == (202, {"queued": True})
                continue
            assert (reply.status, reply.json["code"]) == (503, "unavailable"), (name, reply.raw)
            assert int(reply.headers["Retry-After"]) >= 1, name
            assert reply.content_type == "application/problem+json"
            if (
                name == "post_auth_logout"
            ):  # the token is refused from then on, whether or not the record knows
                world.core.people.tokens._revoked.clear()


async def test_while_redis_is_away_every_call_works(
    open_world: Any, make_scene: Any, nothing_crashes: Any
) -> None:
    async def check(scene: Any, name: str, operation: Operation) -> None:
        scene.world.broker.faults.down = True
        reply = await ask(scene, name)
        assert reply.status in operation.answers, (name, reply.raw)

    with nothing_crashes():
        await each_call(open_world, make_scene, check)


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_store_that_fails_at_any_step_is_never_a_crash(
    open_world: Any, make_scene: Any, nothing_crashes: Any, when: str
) -> None:
    """`before`: the step did not take effect. `after`: it did, and its reply was lost."""
    async with open_world() as world:
        names = by_name(world)
    for name, operation in names.items():
        refusals = {Code.UNAVAILABLE.status, 401, *(code.status for code in operation.refuses)}
        manager: AbstractAsyncContextManager[Any] = open_world()
        with nothing_crashes():
            async with manager as world:
                scene = await make_scene(world)
                for failing in count(1):
                    steps = 0

                    async def hook(step: str, failing: int = failing) -> None:
                        nonlocal steps
                        faults = world.record.faults
                        faults.down = False
                        if step.endswith(when):
                            steps += 1
                            faults.down = when == "before" and steps == failing
                            faults.fail_after = int(when == "after" and steps == failing)

                    world.record.faults.hook = hook
                    reply = await ask(scene, name)
                    assert reply.status in {*operation.answers, *refusals}, (name, failing, reply.raw)
                    if steps < failing:
                        break


async def test_a_record_that_fails_while_refreshing_costs_nobody_their_session(
    scene: Any, world: Any
) -> None:
    for failing in count(1):
        steps = 0

        async def hook(step: str, failing: int = failing) -> None:
            nonlocal steps
            if step.endswith(":before"):
                steps += 1
                world.record.faults.down = steps == failing

        world.record.faults.hook = hook
        reply = await ask(scene, "post_auth_refresh")
        if steps < failing:
            assert reply.status == 200
            break
        assert reply.status == 503


async def test_asking_about_chats_that_do_not_exist_leaves_nothing_behind(scene: Any, world: Any) -> None:
    before = {topic for topic, nodes in world.broker.interest.items() if nodes}
    for n in range(20):
        reply = await scene.ada(
            "POST",
            f"{API}/chats/none-{n}/messages",
            {"client_id": "c", "type": "text", "content": {"text": "x"}},
        )
        assert reply.status == 404
    await trio.sleep(2 * SWEEP_S)
    assert {topic for topic, nodes in world.broker.interest.items() if nodes} <= before
    assert len(world.core.messages.routers.all()) <= 1


# -- signing out, everywhere -------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["revoked", "logged out", "refresh token used twice"])
async def test_a_device_that_is_signed_out_is_disconnected_on_every_node_within_a_second(
    open_world: Any, make_scene: Any, how: str
) -> None:
    async with open_world() as one, open_world(node="n2", record=one.record, broker=one.broker) as other:
        scene = await make_scene(one)
        stolen = await scene.log_in()
        headers = {"Authorization": f"Bearer {stolen['access_token']}"}
        here = await type(await scene.ada.connect()).open(one, stolen["access_token"])
        there = await type(here).open(other, stolen["access_token"])
        kept = await type(here).open(other, scene.ada.token)
        if how == "revoked":
            path = f"{API}/devices/{stolen['device_id']}"
            assert (await scene.ada("DELETE", path)).status == 204
        elif how == "logged out":
            assert (await one.request("POST", f"{API}/auth/logout", headers=headers)).status == 204
        else:
            spent = {"refresh_token": stolen["refresh_token"]}
            assert (await one.request("POST", f"{API}/auth/refresh", spent)).status == 200
            assert (await one.request("POST", f"{API}/auth/refresh", spent)).status == 401
        await trio.sleep(1)
        assert here.closed is not None
        assert there.closed is not None
        assert kept.closed is None
        for node in (one, other):
            refused = await node.request("GET", f"{API}/users/me", headers=headers)
            assert (refused.status, refused.json["code"]) == (401, "unauthenticated")
            assert (
                await node.request(
                    "GET", f"{API}/users/me", headers={"Authorization": f"Bearer {scene.ada.token}"}
                )
            ).status == 200


async def test_online_is_whoever_has_a_connection_on_any_node(open_world: Any, make_scene: Any) -> None:
    async with open_world() as one, open_world(node="n2", record=one.record, broker=one.broker) as other:
        scene = await make_scene(one)
        await trio.sleep(60)

        async def view() -> dict[str, Any]:
            return dict((await scene.ada("GET", f"{API}/users/{scene.bob.id}")).json)

        assert (await view())["online"] is False
        first = await type(await scene.ada.connect()).open(other, scene.bob.token)
        second = await type(first).open(one, scene.bob.token)
        assert (await view())["online"] is True
        other.core.sessions.sessions.closed(first.session)
        await trio.sleep(5)
        assert (await view())["online"] is True
        one.core.sessions.sessions.closed(second.session)
        await trio.sleep(5)
        gone = await view()
        assert (gone["online"], gone["last_seen"]) == (False, "2026-01-01T00:01:05.000Z")
