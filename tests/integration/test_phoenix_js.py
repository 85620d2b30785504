"""The official `phoenix` client, unmodified, in Node.js, against running nodes: what its users rely on.

`phoenix_js/driver.mjs` does with it what a test says, and tells everything that happens.
"""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.integration.clients import text_message
from tests.integration.nodes import HOST, Account, Cluster, Node

pytestmark = [pytest.mark.real, pytest.mark.node]

FOLDER = Path(__file__).parent / "phoenix_js"
PATIENCE_S = 60.0
EVENTS = ["MESSAGE_SENT", "MESSAGE_READ", "CHAT_CREATED", "SERVER_DRAINING"]
TRANSPORTS = ("WebSocket", "LongPoll")
CLOSES = {
    "WebSocket": {"refused": {1006}, "died": {1006}, "draining": {1012}, "signed out": {4001}},
    # 3410 is phoenix.js' own: the session is gone. 1008 is for good, 1011 to try again.
    "LongPoll": {
        "refused": {1008},
        "died": {1011, 3410},
        "draining": {1011, 3410},
        "signed out": {1008, 3410},
    },
}
"""What a client sees of the end of a connection. Requests have no close codes, so phoenix.js makes up its own."""


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    if shutil.which("node") is None:
        pytest.skip("Node.js is not installed")
    assert (FOLDER / "node_modules" / "phoenix").is_dir(), "`scripts/test` installs the client with `npm ci`"


@pytest.fixture(scope="module")
def nodes(cluster: Cluster) -> list[Node]:
    """Two nodes, which no test ends."""
    return cluster.start_many(2)


class Phoenix:
    """A process with one `Socket` of the official client."""

    def __init__(self, process: trio.Process) -> None:
        self._process = process
        self._ids = count(1)
        self._data = b""
        self._waiting: list[dict[str, Any]] = []

    async def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        while b"\n" not in self._data:
            data = await self._process.stdout.receive_some()
            assert data, "the client's process ended"
            self._data += data
        line, _, self._data = self._data.partition(b"\n")
        found: dict[str, Any] = json.loads(line)
        return found

    async def take(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The next line that is wanted; others wait for their turn."""
        for index, line in enumerate(self._waiting):
            if wanted(line):
                return self._waiting.pop(index)
        with trio.move_on_after(PATIENCE_S):
            while not wanted(line := await self._line()):
                self._waiting.append(line)
            return line
        raise AssertionError(f"it did not happen; what did: {self._waiting}")

    async def start(self, op: str, **given: Any) -> int:
        """Give a command; its id."""
        number = next(self._ids)
        assert self._process.stdin is not None
        await self._process.stdin.send_all(json.dumps({"id": number, "op": op, **given}).encode() + b"\n")
        return number

    async def result(self, number: int) -> Any:
        """What the command gives."""
        return (await self.take(lambda line: line.get("id") == number))["result"]

    async def do(self, op: str, **given: Any) -> Any:
        """Give a command and wait for what it gives."""
        return await self.result(await self.start(op, **given))

    async def happens(self, what: str, **fields: Any) -> dict[str, Any]:
        """The next thing of this kind, with these fields."""
        return await self.take(lambda line: line.get("on") == what and fields.items() <= line.items())

    async def event(self, event: str, topic: str = "me") -> Any:
        """The payload of the next event."""
        return (await self.happens("event", topic=topic, event=event))["payload"]

    def seen(self, what: str, **fields: Any) -> list[dict[str, Any]]:
        """What has happened and was not asked for yet."""
        return [line for line in self._waiting if line.get("on") == what and fields.items() <= line.items()]

    async def connect(
        self,
        port: int,
        token: str,
        *,
        transport: str = "WebSocket",
        ports: list[int] | None = None,
        **options: Any,
    ) -> None:
        url = f"ws://{HOST}:{port}/socket"
        await self.do("connect", url=url, token=token, transport=transport, ports=ports, options=options)

    async def closes(self, transport: str, why: str) -> int:
        """The code with which the connection ends; fails if that is not for this reason."""
        code = (await self.happens("close"))["code"]
        assert code in CLOSES[transport][why], (why, code)
        return int(code)

    async def join(self, topic: str = "me", **params: Any) -> Any:
        """Join, which has to be allowed; what it is answered."""
        status, response = await self.do("join", topic=topic, events=EVENTS, params=params)
        assert status == "ok", response
        await self.happens("joined", topic=topic)
        return response

    async def push(self, event: str, payload: Any, *, topic: str = "me", timeout_ms: int = 10_000) -> Any:
        """`[status, response]` of a push."""
        return await self.do("push", topic=topic, event=event, payload=payload, timeout=timeout_ms)

    async def write(self, chat_id: str, text: str) -> dict[str, Any]:
        """Send a text, which has to be taken; the message."""
        status, response = await self.push("message:send", text_message(chat_id, text, secrets.token_hex(8)))
        assert status == "ok", response
        message: dict[str, Any] = response["message"]
        return message

    async def present(self, chat_id: str, *who: Account) -> None:
        """Wait until exactly these are shown as present in the chat, one meta each."""
        wanted = sorted([account.id, 1] for account in who)
        topic = f"chat:{chat_id}"
        await self.take(
            lambda line: (
                line.get("on") == "presence"
                and line["topic"] == topic
                and line["change"] == "sync"
                and sorted(line["users"]) == wanted
            )
        )


@asynccontextmanager
async def phoenix() -> AsyncIterator[Phoenix]:
    """A client that is not connected yet."""
    process = await trio.lowlevel.open_process(
        ["node", "driver.mjs"], cwd=FOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        yield Phoenix(process)
    finally:
        process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()


@pytest.fixture(params=TRANSPORTS)
def transport(request: pytest.FixtureRequest) -> str:
    """The test is run over each."""
    return str(request.param)


@asynccontextmanager
async def connected(account: Account, port: int | None = None, **options: Any) -> AsyncIterator[Phoenix]:
    """A client that has joined `me`."""
    async with phoenix() as client:
        await client.connect(port or account.node.port, account.token, **options)
        await client.join()
        yield client


def pair(cluster: Cluster, nodes: list[Node]) -> tuple[Account, Account, str]:
    """Two users at two nodes, and their group."""
    ana, ben = cluster.sign_up(nodes[0], "Ana"), cluster.sign_up(nodes[-1], "Ben")
    return ana, ben, ana.group(ben)


async def test_it_connects_with_its_auth_token_and_joins_the_feed(
    cluster: Cluster, nodes: list[Node], transport: str
) -> None:
    ana, _, chat_id = pair(cluster, nodes)
    async with phoenix() as client:
        await client.connect(nodes[0].port, ana.token, transport=transport)
        await client.happens("open")
        answer = await client.join()
    assert answer["user"]["id"] == ana.id
    assert [chat["id"] for chat in answer["chats"]] == [chat_id]


async def test_a_token_that_is_no_good_is_refused_with_403(
    cluster: Cluster, nodes: list[Node], transport: str
) -> None:
    ana = cluster.sign_up(nodes[0])
    async with phoenix() as client:
        await client.connect(nodes[0].port, ana.token[:-4] + "AAAA", transport=transport)
        assert "403" in (await client.happens("error"))["message"]
        await client.closes(transport, "refused")


async def test_a_push_is_answered_ok_and_reaches_the_other_node_as_an_event(
    cluster: Cluster, nodes: list[Node], transport: str
) -> None:
    ana, ben, chat_id = pair(cluster, nodes)
    async with connected(ana, transport=transport) as sender, connected(ben, transport=transport) as receiver:
        message = await sender.write(chat_id, "καλημέρα")
        assert message["content"] == {"text": "καλημέρα"}
        assert (await sender.event("MESSAGE_SENT"))["message"] == message
        assert (await receiver.event("MESSAGE_SENT"))["message"] == message
        assert await receiver.push("message:read", {"chat_id": chat_id, "seq": 1}) == ["ok", {}]
        assert await sender.event("MESSAGE_READ") == {"chat_id": chat_id, "user_id": ben.id, "seq": 1}


async def test_a_push_that_is_wrong_is_answered_error_and_the_channel_goes_on(
    cluster: Cluster, nodes: list[Node], transport: str
) -> None:
    ana, _, chat_id = pair(cluster, nodes)
    async with connected(ana, transport=transport) as client:
        status, response = await client.push("message:send", {"chat_id": chat_id, "client_id": "1"})
        assert (status, response["code"]) == ("error", "invalid")
        status, response = await client.push("message:dance", {})
        assert (status, response["code"]) == ("error", "unknown_event")
        assert (await client.write(chat_id, "and on"))["seq"] == 1
        assert not client.seen("errored")


async def test_a_push_that_timed_out_may_be_repeated_and_is_one_message(
    cluster: Cluster, nodes: list[Node], transport: str
) -> None:
    ana, ben, chat_id = pair(cluster, nodes)
    body = text_message(chat_id, "once", "once")
    async with connected(ana, transport=transport) as client:
        nodes[0].pause()
        try:
            assert (await client.push("message:send", body, timeout_ms=100))[0] == "timeout"
        finally:
            nodes[0].resume()
        status, response = await client.push("message:send", body)
        assert status == "ok"
    assert [message["seq"] for message in ben.history(chat_id)] == [1] == [response["message"]["seq"]]


async def test_joining_a_chat_that_is_not_ones_own_is_refused_like_one_that_is_not_there(
    cluster: Cluster, nodes: list[Node], transport: str
) -> None:
    ana, _, chat_id = pair(cluster, nodes)
    stranger = cluster.sign_up(nodes[0])
    async with connected(stranger, transport=transport) as client:
        foreign = await client.do("join", topic=f"chat:{chat_id}")
        missing = await client.do("join", topic="chat:nothing")
        assert foreign == missing
        assert (foreign[0], foreign[1]["code"]) == ("error", "not_found")
        assert (await client.do("join", topic="room:lobby"))[1]["code"] == "not_found"
    assert ana.ask("GET", f"/chats/{chat_id}")["id"] == chat_id


async def test_presence_shows_who_has_the_chat_open_on_either_node(
    cluster: Cluster, nodes: list[Node], transport: str
) -> None:
    ana, ben, chat_id = pair(cluster, nodes)
    topic = f"chat:{chat_id}"
    async with connected(ana, transport=transport) as first, connected(ben, transport=transport) as second:
        await first.join(topic)
        await first.present(chat_id, ana)
        await second.join(topic)
        await second.present(chat_id, ana, ben)
        await first.present(chat_id, ana, ben)
        await first.happens("presence", change="join", id=ben.id, metas=1)

        assert (await second.do("leave", topic=topic))[0] == "ok"
        await second.happens("closed", topic=topic)
        await first.happens("presence", change="leave", id=ben.id, left=0)
        await first.present(chat_id, ana)

        # A client that is gone without a word has left too.
        await second.join(topic)
        await first.present(chat_id, ana, ben)
    async with connected(ana, transport=transport) as third:
        await third.join(topic)
        await third.present(chat_id, ana)


async def test_a_channel_that_was_left_gets_nothing_more_and_may_be_joined_again(
    cluster: Cluster, nodes: list[Node], transport: str
) -> None:
    ana, ben, chat_id = pair(cluster, nodes)
    async with connected(ana, transport=transport) as client, connected(ben, transport=transport) as other:
        assert (await client.do("leave", topic="me"))[0] == "ok"
        await client.happens("closed", topic="me")
        await other.write(chat_id, "unseen")
        answer = await client.join()
        assert [message["content"]["text"] for message in answer["messages"]] == ["unseen"]
        assert not client.seen("event")


async def test_after_kill_9_of_its_node_it_finds_another_and_has_missed_nothing(
    cluster: Cluster, nodes: list[Node], transport: str
) -> None:
    ana, ben, chat_id = pair(cluster, nodes)
    topic = f"chat:{chat_id}"
    pool = cluster.sibling()  # the same users and data, behind an address of its own
    doomed = pool.start()
    async with (
        connected(ana, pool.shared_port, transport=transport) as client,
        connected(ben, transport=transport) as writer,
    ):
        await client.join(topic)
        await writer.join(topic)
        await writer.present(chat_id, ana, ben)
        await writer.write(chat_id, "1")
        assert (await client.event("MESSAGE_SENT"))["message"]["seq"] == 1

        doomed.kill()
        await client.closes(transport, "died")
        await client.happens("errored", topic="me")
        await writer.write(chat_id, "2")
        await writer.write(chat_id, "3")
        await writer.present(chat_id, ben)  # those on a dead node are gone

        pool.start()
        again = (await client.happens("joined", topic="me"))["response"]
        assert [message["seq"] for message in again["messages"]] == [2, 3]
        await client.happens("joined", topic=topic)
        await client.present(chat_id, ana, ben)
        await writer.present(chat_id, ana, ben)
        await writer.write(chat_id, "4")
        assert (await client.event("MESSAGE_SENT"))["message"]["seq"] == 4
        assert not client.seen("event", event="MESSAGE_SENT")
    for node in pool.nodes:
        node.stop()


async def test_heartbeats_keep_a_socket_that_has_nothing_else_to_say(
    cluster: Cluster, nodes: list[Node]
) -> None:
    impatient = cluster.start(SOCKET_IDLE_S="1")
    ana = cluster.sign_up(impatient)
    async with connected(ana, heartbeatIntervalMs=250) as lively, connected(ana) as silent:
        await silent.happens("close", code=4408)
        beats = [await lively.happens("heartbeat", event="phx_reply", status="ok") for _ in range(6)]
        assert len({beat["ref"] for beat in beats}) == 6
        assert not lively.seen("close")
        await silent.happens("joined", topic="me")  # it comes back by itself


async def test_a_crash_in_one_channel_ends_that_channel_alone_and_it_comes_back_by_itself(
    cluster: Cluster, nodes: list[Node], transport: str
) -> None:
    faulty = cluster.node(module="tests.integration.faulty_node")
    faulty.start()
    ana, _, chat_id = pair(cluster, [faulty])
    topic = f"chat:{chat_id}"
    async with connected(ana, transport=transport) as client:
        await client.join(topic)
        await client.start("push", topic="me", event="test:crash", payload={})
        await client.happens("errored", topic="me")
        assert await client.push("typing", {"state": "start"}, topic=topic) == ["ok", {}]
        await client.happens("joined", topic="me")
        assert (await client.write(chat_id, "and on"))["seq"] == 1
        assert not client.seen("errored", topic=topic)
        assert not client.seen("close")


async def test_a_node_that_is_stopped_says_when_to_come_back_and_closes_so_that_it_does(
    cluster: Cluster, nodes: list[Node], transport: str
) -> None:
    pool = cluster.sibling()
    leaving = pool.start(DRAIN_BUDGET_S="2")
    ana = cluster.sign_up(nodes[0])
    async with connected(ana, pool.shared_port, transport=transport) as client:
        successor = pool.start()
        leaving.terminate()
        assert (await client.event("SERVER_DRAINING")).keys() == {"reconnect_after_ms"}
        await client.closes(transport, "draining")
        await client.happens("joined", topic="me")
        assert successor.metrics()["sockets_open"] == 1
        assert leaving.wait() == 0
    for node in pool.nodes:
        node.stop()


async def test_a_device_that_is_signed_out_is_told_and_not_let_in_again(
    cluster: Cluster, nodes: list[Node], transport: str
) -> None:
    ana = cluster.sign_up(nodes[0])
    elsewhere = ana.another_device()
    elsewhere.node = nodes[1]
    async with connected(elsewhere, transport=transport) as client:
        ana.ask("DELETE", f"/devices/{elsewhere.device_id}")
        await client.closes(transport, "signed out")
        assert "403" in (await client.happens("error"))["message"]
