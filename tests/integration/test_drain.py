"""A node that is asked to stop: what those who are connected to it see."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise

import pytest

from tests.integration.clients import (
    PATIENCE_S,
    Device,
    Refused,
    connect,
    joined,
    opened,
    read_all,
    text_message,
)
from tests.integration.nodes import Account, Cluster, Node, request

pytestmark = pytest.mark.real

BUDGET_S = 5
SENDS = 500


@pytest.fixture(scope="module")
def keeper(cluster: Cluster) -> Node:
    """A node that stays, to ask afterwards what is stored."""
    return cluster.start()


@pytest.fixture
def leaving(cluster: Cluster, keeper: Node) -> Node:
    """A node that is about to go, behind a shared port of its own."""
    return cluster.sibling().start(DRAIN_BUDGET_S=str(BUDGET_S), SENDS_PER_SECOND="0")


@asynccontextmanager
async def crowd(who: Account, node: Node, size: int) -> AsyncIterator[list[Device]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(joined(who, node)) for _ in range(size)]


async def test_everyone_is_told_when_to_reconnect_and_disconnected_and_the_node_ends_well(
    cluster: Cluster, keeper: Node, leaving: Node
) -> None:
    ana = cluster.sign_up(keeper)
    async with joined(ana, leaving) as member, opened(ana, leaving) as bystander:
        leaving.terminate()
        assert await member.event("SERVER_DRAINING") == {"reconnect_after_ms": 0}

        # Draining now: whoever asks this node is told so, and the shared port is no longer its.
        readiness = request(leaving.port, "GET", "/readyz")
        assert (readiness.status, readiness.json["status"]) == (503, "draining")
        assert request(leaving.port, "GET", "/healthz").status == 200
        with pytest.raises(Refused) as refusal:
            async with opened(ana, leaving):
                pytest.fail("a node on its way down let somebody in")
        assert (refusal.value.status, refusal.value.problem["code"]) == (503, "draining")
        with pytest.raises(OSError, match="refused"):
            await connect(leaving.shared_port)

        assert await member.closing() == 1012
        assert await bystander.closing() == 1012  # it had joined nothing: it is told nothing
    assert leaving.wait(BUDGET_S + PATIENCE_S) == 0
    assert [line["left"] for line in leaving.log() if line["message"] == "drained"] == [0]
    assert not [line for line in leaving.log() if line.get("level") in ("warning", "error")]


async def test_two_hundred_clients_are_sent_away_one_after_the_other(
    cluster: Cluster, keeper: Node, leaving: Node
) -> None:
    ana = cluster.sign_up(keeper)
    async with crowd(ana, leaving, 200) as devices:
        leaving.terminate()
        times = []
        for device in devices:
            times.append((await device.event("SERVER_DRAINING"))["reconnect_after_ms"])
            assert await device.closing() == 1012
        assert times == sorted(times)
        steps = [later - earlier for earlier, later in pairwise(times)]
        assert min(steps) >= 1, "some come back in the same instant"
        assert max(steps) <= 2 * min(steps), "not evenly"
        assert times[-1] < BUDGET_S * 1000
    assert leaving.wait() == 0


async def test_sends_under_way_are_all_answered_and_what_was_acknowledged_is_there_once(
    cluster: Cluster, keeper: Node, leaving: Node
) -> None:
    ana, ben = cluster.sign_up(keeper), cluster.sign_up(keeper)
    chat_id = ana.group(ben)
    async with joined(ana, leaving) as writer, joined(ben, keeper) as reader:
        refs = []
        for index in range(SENDS):
            text = str(index)
            refs.append(await writer.push("me", "message:send", text_message(chat_id, text, f"m{text}")))
            if index == SENDS // 2:
                leaving.terminate()
        answers = [await writer.reply(ref) for ref in refs]
        acknowledged = [response["message"] for status, response in answers if status == "ok"]
        assert all(
            response["code"] in ("draining", "unavailable") for status, response in answers if status != "ok"
        )
        assert len(acknowledged) > SENDS // 2
        assert await writer.closed() == 1012
        assert leaving.wait() == 0

        stored = ana.history(chat_id)
        assert [message["seq"] for message in stored] == list(range(1, len(stored) + 1))
        by_client_id = {message["client_id"]: message for message in stored}
        assert len(by_client_id) == len(stored)
        assert all(by_client_id[message["client_id"]] == message for message in acknowledged)

        # Whoever resends what was not acknowledged ends with every message once, in one order.
        async with joined(ana, keeper) as again:
            for index in range(SENDS):
                await again.ask("me", "message:send", text_message(chat_id, str(index), f"m{index}"))
        seqs = [(await reader.event("MESSAGE_SENT"))["message"]["seq"] for _ in range(SENDS)]
        assert seqs == list(range(1, SENDS + 1))


def slow_post(who: Account, chat_id: str) -> tuple[bytes, bytes]:
    """A message over REST, in two halves."""
    client_id = secrets.token_hex(8).encode()
    body = b'{"client_id":"%b","type":"text","content":{"text":"late"}}' % client_id
    head = (
        f"POST /api/v1/chats/{chat_id}/messages HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {who.token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    return head + body[:20], body[20:]


async def drained_so_far(node: Node, device: Device) -> None:
    """Wait until the node has begun to leave."""
    await device.event("SERVER_DRAINING")
    assert node.readiness() == 503


async def test_a_request_under_way_is_served_to_its_end(
    cluster: Cluster, keeper: Node, leaving: Node
) -> None:
    ana = cluster.sign_up(keeper)
    chat_id = ana.group()
    first, second = slow_post(ana, chat_id)
    async with await connect(leaving.port) as stream, joined(ana, leaving) as device:
        await stream.send_all(first)
        await device.alive()
        leaving.terminate()
        await drained_so_far(leaving, device)
        assert await device.closing() == 1012
        await stream.send_all(second)
        assert (await read_all(stream)).startswith(b"HTTP/1.1 201 ")
    assert leaving.wait() == 0
    assert [message["content"]["text"] for message in ana.history(chat_id)] == ["late"]


async def test_an_idle_connection_holds_nobody_up(cluster: Cluster, keeper: Node, leaving: Node) -> None:
    ana = cluster.sign_up(keeper)
    async with await connect(leaving.port) as stream, joined(ana, leaving) as device:
        await stream.send_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        assert await stream.receive_some()
        await device.alive()
        leaving.terminate()
        await read_all(stream)
        assert leaving.wait() == 0
    assert not [line for line in leaving.log() if line.get("level") in ("warning", "error")]


async def test_a_second_signal_ends_it_at_once(cluster: Cluster, keeper: Node) -> None:
    leaving = cluster.sibling().start(DRAIN_BUDGET_S="600")
    ana = cluster.sign_up(keeper)
    first, _ = slow_post(ana, ana.group())
    async with await connect(leaving.port) as stream, joined(ana, leaving) as device:
        await stream.send_all(first)  # would be waited for
        await device.alive()
        leaving.terminate()
        await drained_so_far(leaving, device)
        leaving.terminate()
        leaving.wait()
        assert await read_all(stream) == b""
    assert [line["message"] for line in leaving.log() if line.get("level") == "warning"] == [
        "ending at once on a second SIGTERM"
    ]
