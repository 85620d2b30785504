"""How long a socket lives, and who may have one."""

from __future__ import annotations

import json

import pytest
import trio

from tests import client_frames as wire
from tests.integration.clients import (
    PATIENCE_S,
    Device,
    Refused,
    connect,
    handshake,
    joined,
    opened,
    read_all,
    read_head,
    text_frame,
)
from tests.integration.nodes import Account, Cluster, Node

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def nodes(cluster: Cluster) -> list[Node]:
    """Two nodes that close a socket which is silent for a second."""
    return cluster.start_many(2, SOCKET_IDLE_S="1")


@pytest.fixture
def ana(cluster: Cluster, nodes: list[Node]) -> Account:
    return cluster.sign_up(nodes[0])


async def test_a_silent_socket_is_closed_and_one_with_heartbeats_or_pings_is_kept(ana: Account) -> None:
    async def beat(device: Device) -> None:
        while True:
            await device.alive()
            await trio.sleep(0.2)

    async def ping(device: Device) -> None:
        while True:
            await device.send_bytes(wire.frame(wire.PING, b"there?"))
            answer = await device.frame()
            assert answer == (wire.PONG, b"there?", True)
            await trio.sleep(0.2)

    async with opened(ana) as beating, opened(ana) as pinging:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(beat, beating)
            nursery.start_soon(ping, pinging)
            async with opened(ana) as silent:
                assert await silent.closing() == 4408
            async with joined(ana) as silent:
                assert await silent.closing() == 4408
            nursery.cancel_scope.cancel()
        await beating.alive()
        await pinging.alive()


async def test_deleting_a_device_closes_its_sockets_on_every_node_and_no_others(
    ana: Account, nodes: list[Node]
) -> None:
    lost = ana.another_device()
    async with joined(lost, nodes[0]) as here, joined(lost, nodes[1]) as there, joined(ana, nodes[1]) as kept:
        ana.ask("DELETE", f"/devices/{lost.device_id}")
        with trio.fail_after(1):  # the contract's own second
            assert await here.closing() == 4001
            assert await there.closing() == 4001
        await kept.alive()
        for node in nodes:
            with pytest.raises(Refused) as refusal:
                async with opened(lost, node):
                    pytest.fail("a device that is signed out was let in")
            assert (refusal.value.status, refusal.value.problem["code"]) == (403, "unauthenticated")


async def test_signing_out_closes_the_socket_of_this_device(ana: Account, nodes: list[Node]) -> None:
    async with joined(ana, nodes[1]) as device:
        ana.ask("POST", "/auth/logout")
        assert await device.closing() == 4001


async def open_again_and_again(who: Account, meanwhile: Device) -> None:
    while True:
        await meanwhile.alive()
        async with opened(who):
            await trio.sleep(0.2)


async def test_a_socket_outlives_its_token_as_long_as_the_device_is_signed_in(cluster: Cluster) -> None:
    node = cluster.start(ACCESS_TOKEN_TTL_S="1", SOCKET_IDLE_S="1")
    ana = cluster.sign_up(node)
    async with opened(ana) as device:
        with trio.fail_after(PATIENCE_S), pytest.raises(Refused) as refusal:
            await open_again_and_again(ana, device)
        assert (refusal.value.status, refusal.value.problem["code"]) == (403, "token_expired")
        await device.alive()


async def test_more_connections_than_a_node_takes_are_hung_up_on_until_there_is_room(
    cluster: Cluster,
) -> None:
    node = cluster.start(MAX_CONNECTIONS="4")
    ana = cluster.sign_up(node)
    async with opened(ana) as first:
        async with opened(ana), opened(ana), opened(ana):
            async with await connect(node.port) as refused:
                assert await read_all(refused) == b""
            await first.alive()
        with trio.fail_after(PATIENCE_S):
            while node.connections() > 1:
                await first.alive()
        async with opened(ana) as another:
            await another.alive()
        await first.alive()
    assert node.metrics()["connections_refused_total"] == 1


async def test_frames_may_come_together_with_the_handshake(ana: Account, nodes: list[Node]) -> None:
    join = text_frame(json.dumps(["1", "1", "me", "phx_join", {}]).encode())
    async with await connect(nodes[0].port) as stream:
        await stream.send_all(handshake(ana.token) + join)
        head, rest = await read_head(stream)
        assert b" 101 " in head
        status, response = await Device(stream, rest).reply("1")
        assert (status, response["user"]["id"]) == ("ok", ana.id)


REFUSALS = {
    "another path": (404, "not_found", {"path": "/socket/elsewhere?vsn=2.0.0"}, {}),
    "the first serializer": (400, "malformed", {"path": "/socket/websocket?vsn=1.0.0"}, {}),
    "no serializer": (400, "malformed", {"path": "/socket/websocket"}, {}),
    "no upgrade": (426, "malformed", {}, {b"Upgrade: websocket\r\n": b""}),
    "an old version": (426, "malformed", {}, {b"Version: 13": b"Version: 8"}),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_what_is_no_handshake_gets_a_problem(ana: Account, nodes: list[Node], name: str) -> None:
    status, code, where, changes = REFUSALS[name]
    request = handshake(ana.token, **where)
    for old, new in changes.items():
        request = request.replace(old, new)
    async with await connect(nodes[0].port) as stream:
        await stream.send_all(request)
        head, _, body = (await read_all(stream)).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 %d " % status), head
        assert b"application/problem+json" in head
        problem = json.loads(body)
        assert (problem["status"], problem["code"]) == (status, code)
