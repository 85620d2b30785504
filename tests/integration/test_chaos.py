"""Nodes, Redis and MongoDB are killed, frozen and started again while people talk: whatever was acknowledged is there once, in one order, for everyone.

Two nodes serve all of these tests; each leaves them serving. `calm` sees that the node which lives through a test neither grows nor floods its log.
"""

from __future__ import annotations

import random
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pymongo
import pytest
import trio

from tests.integration.clients import Device, joined, text_message
from tests.integration.nodes import HOST, MIB, PASSWORD, ROOT, Account, Cluster, Node, request
from tests.servers import Servers

pytestmark = [pytest.mark.real, pytest.mark.slow]

Pair = tuple[Node, Node]
Fault = Callable[[Servers, Pair], Awaitable[None]]

NICKS = ("Ädam", "[b]", "cleo|away", "dmitri", "эва", "田中", "g^", "h_", "i-i", "jörg")
PATIENCE_S = 120.0
NODE_AWAY_S = 2.0
REDIS_AWAY_S = 2.0
MONGODB_AWAY_S = 3.0
MORE_MEMORY = 48 * MIB
"""What a node may grow by in a test: it begins small, and everything is used for the first time in the first of them."""
MOST_LINES = 12
"""Warnings that a node may log in a test: each outage is told when it begins and when it is over, by whom it keeps from working."""


@pytest.fixture(scope="module")
def pair(cluster: Cluster) -> Pair:
    """Two nodes; lease and heartbeat are short (`QUICK`)."""
    one, two = cluster.start_many(2)
    return one, two


# -- a replay ---------------------------------------------------------------------------------------------------------


def conversation(folder: Path, lines: int, people: int) -> tuple[Path, list[str]]:
    """A log in which so many people say so many lines, and what is said; the same each time."""
    dice = random.Random(lines)
    nicks = [f"{NICKS[number % len(NICKS)]}{number}" for number in range(people)]
    said = [f"{number}: " + "grüße, 你好 " * dice.randint(0, 20) + "." for number in range(lines)]
    speakers = [*nicks, *dice.choices(nicks, k=lines - people)]
    path = folder / f"chaos-{lines}.txt"
    pairs = zip(speakers, said, strict=True)
    path.write_text("".join(f"[12:00] <{nick}> {text}\n" for nick, text in pairs))
    return path, said


class Replay:
    """`python -m server replay` of a log over two nodes."""

    def __init__(self, process: trio.Process) -> None:
        self._process = process
        self._said = ""

    async def acknowledged(self, number: int) -> None:
        """Wait until so many lines are; progress is told every two seconds."""
        with trio.fail_after(PATIENCE_S):
            while not any(int(n) >= number for n in re.findall(r"sending: (\d+) of", self._said)):
                await self._more()

    async def _more(self) -> None:
        assert self._process.stderr is not None
        data = await self._process.stderr.receive_some()
        assert data, f"the replay has ended: {self._said}"
        self._said += data.decode(errors="replace")

    async def end(self) -> tuple[int, str]:
        """Its exit status, and what it printed."""
        assert self._process.stdout is not None
        with trio.fail_after(PATIENCE_S):
            printed = b"".join([data async for data in self._process.stdout])
            return await self._process.wait(), printed.decode()


@asynccontextmanager
async def replaying(path: Path, nodes: Sequence[Node], *options: str) -> AsyncIterator[Replay]:
    urls = [word for node in nodes for word in ("--url", f"http://{HOST}:{node.port}")]
    command = [sys.executable, "-m", "server", "replay", str(path), *urls, *options]
    process = await trio.lowlevel.open_process(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        yield Replay(process)
    finally:
        if process.poll() is None:
            process.kill()
            with trio.CancelScope(shield=True):
                await process.wait()


def table(printed: str) -> list[int]:
    """The numbers of the only conversation's row."""
    return [int(cell.replace(",", "")) for cell in printed.splitlines()[2].split()[1:]]


def perfect(lines: int, people: int) -> list[int]:
    """Members, messages, acknowledged, expected, got, lost, repeated, out of order, history, differ."""
    return [people, lines, lines, lines * people, lines * people, 0, 0, 0, lines, 0]


def member_of(cluster: Cluster, servers: Servers, node: Node, path: Path) -> tuple[Account, str]:
    """Somebody who took part in the replay, signed in anew, and the id of the chat. They get a password that is known here."""
    known = cluster.sign_up(node)
    with pymongo.MongoClient(servers.mongodb_uri) as client:
        db: Any = client[cluster.database]
        chat_id = db.chats.find_one({"title": path.stem})["_id"]
        user_id = db.members.find_one({"chat_id": chat_id})["user_id"]
        secret = db.users.find_one({"_id": known.id})["password_hash"]
        user = db.users.find_one_and_update({"_id": user_id}, {"$set": {"password_hash": secret}})
    body = {"phone": user["phone"], "password": PASSWORD, "device": {"name": "look", "platform": "test"}}
    answer = request(node.port, "POST", "/api/v1/auth/login", body)
    assert answer.status == 200, answer
    return Account(node, answer.json, user["phone"]), chat_id


def check_history(cluster: Cluster, servers: Servers, pair: Pair, path: Path, said: list[str]) -> None:
    """On either node: every line is there once, and `seq` and `rev` have neither holes nor repeats."""
    who, chat_id = member_of(cluster, servers, pair[0], path)
    found = []
    for who.node in pair:
        history = who.history(chat_id)
        assert [message["seq"] for message in history] == list(range(1, len(said) + 1))
        assert len({message["rev"] for message in history}) == len(said)
        assert sorted(message["content"]["text"] for message in history) == sorted(said)
        assert len({message["client_id"] for message in history}) == len(said)
        found.append(history)
    assert found[0] == found[1]


# -- faults -----------------------------------------------------------------------------------------------------------


async def a_node(_: Servers, pair: Pair) -> None:
    pair[0].kill()
    await trio.sleep(NODE_AWAY_S)
    pair[0].start()


async def both_nodes(_: Servers, pair: Pair) -> None:
    for node in pair:
        node.process.send_signal(signal.SIGKILL)
    for node in pair:
        node.wait()
    await trio.sleep(NODE_AWAY_S)
    for node in pair:
        node.launch()
    for node in pair:
        node.wait_ready()


async def redis(servers: Servers, _: Pair) -> None:
    async with servers.outage("redis"):
        await trio.sleep(REDIS_AWAY_S)


async def mongodb(servers: Servers, _: Pair) -> None:
    async with servers.outage("mongodb"):
        await trio.sleep(MONGODB_AWAY_S)


@contextmanager
def calm(*nodes: Node) -> Iterator[None]:
    """These nodes live through the block: at its end they have logged no error and no traceback, few warnings, and have not grown."""
    before = [(node, node.process.pid, node.log_size(), node.rss()) for node in nodes]
    yield
    for node, pid, logged, memory in before:
        assert node.process.pid == pid
        lines = node.log(since=logged)
        assert not [line for line in lines if line.get("level") in (None, "error", "critical")], lines
        assert not [line for line in lines if "traceback" in line], lines
        assert len(lines) <= MOST_LINES, lines
        assert node.rss() - memory < MORE_MEMORY


# -- people -----------------------------------------------------------------------------------------------------------


async def see_everything_work(cluster: Cluster, pair: Pair) -> None:
    """Two who have just met, one on each node: messages, receipts, who is there and who types go both ways."""
    ana, ben = (cluster.sign_up(node) for node in pair)
    chat_id = ana.group(ben)
    topic = f"chat:{chat_id}"
    async with joined(ana) as first, joined(ben) as second:
        await first.join(topic)
        assert list(await first.event("presence_state", topic)) == [ana.id]
        await second.join(topic)
        await present(first, topic, ben.id)
        for writer, reader, who in ((first, second, ana), (second, first, ben)):
            sent = await writer.write(chat_id, f"from {who.id}")
            got = (await reader.take(lambda m, s=sent: is_message(m, s["seq"]))).payload["message"]
            assert got == sent
            assert await writer.ask(topic, "typing", {"state": "start"}) == ("ok", {})
            await typing(reader, topic, who.id)
            await reader.ask("me", "message:read", {"chat_id": chat_id, "seq": sent["seq"]})
            await writer.take(lambda m, s=sent: m.event == "MESSAGE_READ" and m.payload["seq"] == s["seq"])


def is_message(message: Any, seq: int) -> bool:
    return message.event == "MESSAGE_SENT" and message.payload["message"]["seq"] == seq


async def present(device: Device, topic: str, user_id: str, how: str = "joins") -> None:
    """Wait until the device is told that the user has opened the chat (or, with `leaves`, closed it)."""
    await device.take(
        lambda m: m.topic == topic and m.event == "presence_diff" and user_id in m.payload[how]
    )


async def typing(device: Device, topic: str, user_id: str) -> None:
    await device.take(lambda m: m.topic == topic and m.event == "TYPING" and m.payload["user_id"] == user_id)


async def read_upto(device: Device, seqs: list[int], last: int) -> None:
    """Take messages as they come, adding each `seq`, until one is `last`."""
    while not seqs or seqs[-1] != last:
        seqs.append((await device.event("MESSAGE_SENT"))["message"]["seq"])


# -- the tests --------------------------------------------------------------------------------------------------------


async def test_a_replay_in_which_a_node_and_then_redis_and_then_mongodb_are_killed_is_as_promised(
    cluster: Cluster, pair: Pair, servers: Servers, tmp_path: Path
) -> None:
    path, said = conversation(tmp_path, lines=600, people=30)
    with calm(pair[1]):
        async with replaying(path, pair, "--rate", "45", "--window", "8") as replay:
            await replay.acknowledged(60)
            await a_node(servers, pair)
            await replay.acknowledged(240)
            await redis(servers, pair)
            await replay.acknowledged(400)
            await mongodb(servers, pair)
            status, printed = await replay.end()
        assert (status, table(printed)) == (0, perfect(600, 30)), printed
        check_history(cluster, servers, pair, path, said)
        await see_everything_work(cluster, pair)


@pytest.mark.parametrize("fault", [a_node, redis, mongodb, both_nodes])
async def test_a_replay_with_one_fault_in_its_middle_is_as_promised(
    cluster: Cluster, pair: Pair, servers: Servers, tmp_path: Path, fault: Fault
) -> None:
    lines = 130 + [a_node, redis, mongodb, both_nodes].index(fault)  # the title tells the chats apart
    path, said = conversation(tmp_path, lines, people=12)
    with calm(*([] if fault is both_nodes else pair[1:])):
        async with replaying(path, pair, "--rate", "40") as replay:
            await replay.acknowledged(30)
            await fault(servers, pair)
            status, printed = await replay.end()
        assert (status, table(printed)) == (0, perfect(lines, 12)), printed
        check_history(cluster, servers, pair, path, said)
        await see_everything_work(cluster, pair)
