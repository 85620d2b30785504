"""Clients whose requests go to any node, over either transport and from one to the other, and what they notice when nodes die: nothing, or a reconnection."""

from __future__ import annotations

import http.client
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trio

from server.local_stack.proxy import configuration
from tests.integration import proxies
from tests.integration.clients import text_message
from tests.integration.nodes import HOST, Account, Answer, Cluster, Node, request
from tests.integration.test_phoenix_js import Phoenix, connected, installed, pair, phoenix

__all__ = ["installed"]

pytestmark = [pytest.mark.real, pytest.mark.node]

WINDOW_S = "2"
"""Polls that are answered soon, so that those of a node that dies are."""


@pytest.fixture(scope="module")
def nodes(cluster: Cluster) -> list[Node]:
    """Three nodes, which no test ends."""
    return cluster.start_many(3, LONGPOLL_WINDOW_S=WINDOW_S)


@pytest.fixture
def port() -> Iterator[int]:
    """For a proxy."""
    with proxies.free_port() as port:
        yield port


async def texts(client: Phoenix, number: int) -> list[str]:
    """Of the next so many messages, which have to be in the order of `seq` without a hole."""
    messages = [(await client.event("MESSAGE_SENT"))["message"] for _ in range(number)]
    seqs = [message["seq"] for message in messages]
    assert seqs == list(range(seqs[0], seqs[0] + number))
    return [message["content"]["text"] for message in messages]


async def test_polls_and_posts_at_two_nodes_in_turn_are_one_conversation(
    cluster: Cluster, nodes: list[Node]
) -> None:
    ana, ben, chat_id = pair(cluster, nodes)
    ports = [node.port for node in nodes[:2]]
    async with (
        connected(ana, transport="Alternating", ports=ports) as sender,
        connected(ben, transport="Alternating", ports=ports[::-1]) as receiver,
    ):
        for number in range(20):
            await sender.write(chat_id, f"ana {number}")
            await receiver.write(chat_id, f"ben {number}")
        assert await texts(sender, 40) == await texts(receiver, 40)
        await trio.sleep(2 * float(WINDOW_S))  # idle polls change their nodes too
        await sender.write(chat_id, "still there")
        assert await texts(receiver, 1) == ["still there"]
        for client in (sender, receiver):
            assert not client.seen("close")
            assert not client.seen("errored")
    asked = [node.metrics()["peers_asked_total"] for node in nodes[:2]]
    assert min(asked) > 0, "both have handed on requests"


async def received(client: Phoenix, last: int, pages: Account | None = None) -> list[int]:
    """The `seq` of every message that the client is given, by events and by the answers of its joins, up to one. `pages` reads what an answer has no room for."""
    seqs: list[int] = []
    while last not in seqs:
        line = await client.take(
            lambda line: line.get("on") == "joined" or line.get("event") == "MESSAGE_SENT"
        )
        if line["on"] == "event":
            seqs.append(line["payload"]["message"]["seq"])
            continue
        answer = line["response"]
        seqs += [message["seq"] for message in answer["messages"]]
        for chat in answer["chats"]:
            if chat["id"] in answer["more"]:
                assert pages is not None
                found = [message["seq"] for message in pages.history(chat["id"])]
                seqs += [seq for seq in found if seqs[-1] < seq <= chat["last_seq"]]
    return seqs


async def test_a_conversation_that_changes_transport_in_the_middle_loses_and_repeats_nothing(
    cluster: Cluster, nodes: list[Node]
) -> None:
    ana, ben, chat_id = pair(cluster, nodes)
    ports = [node.port for node in nodes]
    async with connected(ana) as client, connected(ben, transport="LongPoll") as writer:
        for turn, transport in enumerate(("LongPoll", "WebSocket", "Alternating", "WebSocket")):
            for number in range(5):
                await writer.write(chat_id, f"{turn}.{number}")
            await client.do("replace", transport=transport, ports=ports)
            for number in range(5, 10):
                await writer.write(chat_id, f"{turn}.{number}")
        assert await received(client, 40) == list(range(1, 41))
        await client.write(chat_id, "from the other side")
        assert await received(writer, 41) == list(range(1, 42))


async def test_a_client_that_no_websocket_gets_through_for_changes_to_polling_by_itself(
    cluster: Cluster, nodes: list[Node], port: int, tmp_path: Path
) -> None:
    """A proxy that knows nothing of WebSockets: it leaves out the headers of an upgrade."""
    ana, ben, chat_id = pair(cluster, nodes)
    text = configuration(proxies.sample(), f"{HOST}:{port}", proxies.addresses(nodes))
    blind = text.replace("proxy_set_header Upgrade $http_upgrade;", "")
    blind = blind.replace(
        "proxy_set_header Connection $connection_header;", 'proxy_set_header Connection "";'
    )
    with proxies.serving(blind, port, tmp_path):
        async with phoenix() as client, connected(ben) as other:
            await client.connect(port, ana.token, longPollFallbackMs=2500)
            await client.join()
            assert await client.do("transport") == "LongPoll"
            await other.write(chat_id, "hello")
            assert await texts(client, 1) == ["hello"]
            await client.write(chat_id, "and back")
            assert await texts(other, 2) == ["hello", "and back"]


async def test_one_that_gets_through_stays_with_its_websocket(
    cluster: Cluster, nodes: list[Node], port: int, tmp_path: Path
) -> None:
    ana, _, chat_id = pair(cluster, nodes)
    text = configuration(proxies.sample(), f"{HOST}:{port}", proxies.addresses(nodes))
    with proxies.serving(text, port, tmp_path):
        async with connected(ana, port, longPollFallbackMs=2500) as client:
            await client.write(chat_id, "hello")
            assert await client.do("transport") == "WebSocket"


async def test_when_the_node_of_the_session_is_killed_the_client_begins_anew_and_misses_nothing(
    cluster: Cluster, nodes: list[Node]
) -> None:
    ana, ben, chat_id = pair(cluster, nodes)
    doomed = cluster.start(LONGPOLL_WINDOW_S=WINDOW_S)
    ports = [doomed.port, nodes[0].port, nodes[1].port]  # the first request makes the session
    async with connected(ana, transport="Alternating", ports=ports) as client, connected(ben) as writer:
        await writer.write(chat_id, "1")
        assert await texts(client, 1) == ["1"]
        assert doomed.metrics()["longpoll_sessions"] == 1
        await client.do("use", ports=ports[1:])
        doomed.kill()
        for number in range(2, 6):
            await writer.write(chat_id, f"{number}")
        assert await received(client, 5) == [2, 3, 4, 5]
        assert client.seen("close")


def whole(*args: Any, **kwargs: Any) -> Answer:
    """A request, made once more if a node died between the head of its answer, which the proxy had passed on, and the rest."""
    try:
        return request(*args, **kwargs)
    except http.client.IncompleteRead:
        return request(*args, **kwargs)


@pytest.mark.parametrize("transport", ["WebSocket", "LongPoll"])
async def test_behind_the_proxy_a_node_is_killed_and_another_stopped_and_every_request_is_answered(
    cluster: Cluster, port: int, tmp_path: Path, transport: str
) -> None:
    """The official client and REST, all through nginx with the configuration that operators copy."""
    behind = cluster.start_many(3, LONGPOLL_WINDOW_S=WINDOW_S, DRAIN_BUDGET_S="2")
    ana, ben, chat_id = pair(cluster, behind)
    text = configuration(proxies.sample(), f"{HOST}:{port}", proxies.addresses(behind))
    over = trio.Event()
    sent: list[str] = []
    wrong: list[object] = []
    answered = trio.Semaphore(0)

    async def more() -> None:
        """Until a few more have been answered with things as they are now."""
        while answered.value:
            answered.acquire_nowait()
        for _ in range(8):
            await answered.acquire()

    async def write_by_rest() -> None:
        while not over.is_set():
            name = secrets.token_hex(8)
            body = text_message(chat_id, name, name)
            del body["chat_id"]
            path = f"/api/v1/chats/{chat_id}/messages"
            answer = await trio.to_thread.run_sync(
                lambda path=path, body=body: whole(port, "POST", path, body, token=ana.token)
            )
            if answer.status in (200, 201):
                sent.append(name)
            else:
                wrong.append(answer)
            answered.release()

    async def read_by_rest() -> None:
        while not over.is_set():
            answer = await trio.to_thread.run_sync(
                lambda: whole(port, "GET", "/api/v1/chats", token=ben.token)
            )
            if answer.status != 200:
                wrong.append(answer)

    with proxies.serving(text, port, tmp_path):
        async with connected(ben, port, transport=transport) as client:
            async with trio.open_nursery() as nursery:
                for _ in range(3):
                    nursery.start_soon(write_by_rest)
                    nursery.start_soon(read_by_rest)
                await more()
                behind[0].kill()
                await more()
                behind[1].terminate()
                await trio.to_thread.run_sync(behind[1].wait)
                await more()
                over.set()
            ana.node = ben.node = behind[2]
            last = ana.history(chat_id)
            seqs = await received(client, len(last), ben)
    assert not wrong, wrong[:3]
    assert seqs == [message["seq"] for message in last] == list(range(1, len(last) + 1))
    names = [message["client_id"] for message in last]
    assert len(set(names)) == len(names), "none twice, though requests were repeated"
    assert set(sent) <= set(names)


async def test_one_role_a_node_behind_nginx_is_one_platform(
    cluster: Cluster, port: int, tmp_path: Path
) -> None:
    text = proxies.sample("nginx-roles.conf").replace("listen 8080;", f"listen {HOST}:{port};")
    roles = ("api", "realtime", "media", "stories", "notifications")
    single = [cluster.node(ROLES=role, LONGPOLL_WINDOW_S=WINDOW_S) for role in roles]
    for node in single:
        node.launch()
    for number, (role, node) in enumerate(zip(roles, single, strict=True), 1):
        node.wait_ready()
        text = text.replace(f"127.0.0.1:800{number} ", f"{HOST}:{node.port} ")
        alone = request(node.port, "GET", "/api/v1/chats").status
        assert alone == (401 if role == "api" else 404), role
    with proxies.serving(text, port, tmp_path):

        class Front(Node):
            """The proxy, in the place of a node."""

            def __init__(self) -> None:
                self.port = port

        front = Front()
        ana, ben = cluster.sign_up(front), cluster.sign_up(front)
        chat_id = ana.group(ben)
        async with connected(ana) as sender, connected(ben, transport="LongPoll") as receiver:
            await sender.write(chat_id, "hello")
            assert await texts(receiver, 1) == ["hello"]
            body = {"client_id": "by-rest", "type": "text", "content": {"text": "by REST"}}
            ana.ask("POST", f"/chats/{chat_id}/messages", body)
            assert await texts(receiver, 1) == ["by REST"]
        for path in ("/media/x", "/stories", "/push/key"):
            assert ana.call("GET", path).status in (200, 404, 405), path
