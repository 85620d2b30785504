"""Nodes, Redis and MongoDB are killed, frozen and started again while people talk: whatever was acknowledged is there once, in one order, for everyone.

Two nodes serve all of these tests; each leaves them serving. `calm` sees that the node which lives through a test neither grows nor floods its log.
"""

from __future__ import annotations

import random
import re
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

import pymongo
import pytest
import trio

from tests.integration.clients import PATIENCE_S, Device, joined, opened, text_message
from tests.integration.nodes import HOST, MIB, PASSWORD, ROOT, Account, Cluster, Node, request
from tests.servers import Servers

pytestmark = [pytest.mark.real, pytest.mark.slow]

Pair = tuple[Node, Node]
Fault = Callable[[Servers, Pair], Awaitable[None]]

NICKS = ("Ädam", "[b]", "cleo|away", "dmitri", "эва", "田中", "g^", "h_", "i-i", "jörg")
REPLAY_S = 120.0
"""Longer than a replay with its faults takes anywhere."""
NODE_AWAY_S = 2.0
NODE_HANGS_S = 4.0
"""Twice the lease."""
REDIS_AWAY_S = 2.0
MONGODB_AWAY_S = 3.0
WRITING_PAUSE_S = 0.02
STEADY = 40
MONGODB_HANGS_S = 6.0
"""Longer than one operation may take, shorter than sends are held (the defaults)."""
CROWD = 12
DEATHS = 20
AT_ONCE = 4
MORE_MEMORY = 48 * MIB
"""What a node may grow by in a test: it begins small, and everything is used for the first time in the first of them."""
MOST_LINES = 14
"""What a node may log of one outage: everybody whom it keeps from working says so when it begins and when it is over."""


@pytest.fixture(scope="module")
def pair(cluster: Cluster) -> Pair:
    """Two nodes; lease and heartbeat are short (`QUICK`), and the slow head check, which heals what nothing else does, never comes."""
    one, two = cluster.start_many(2, HEAD_CHECK_S="3600")
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
        with trio.fail_after(REPLAY_S):
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
        with trio.fail_after(REPLAY_S):
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
    client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(servers.mongodb_uri)
    with client:
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


async def a_hanging_node(_: Servers, pair: Pair) -> None:
    pair[0].pause()
    await trio.sleep(NODE_HANGS_S)
    pair[0].resume()


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


FAULTS: list[Fault] = [a_node, a_hanging_node, both_nodes, redis, mongodb]


@contextmanager
def calm(*nodes: Node, outages: int = 1) -> Iterator[None]:
    """These nodes live through the block: at its end they have logged no error and no traceback, and few lines, and have not grown."""
    before = [(node, node.process.pid, node.log_size(), node.rss()) for node in nodes]
    yield
    for node, pid, logged, memory in before:
        assert node.process.pid == pid
        lines = node.log(since=logged)
        assert not [line for line in lines if line.get("level") in (None, "error", "critical")], lines
        assert not [line for line in lines if "traceback" in line], lines
        assert len(lines) <= MOST_LINES * outages, [line["message"] for line in lines]
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
            assert await received(reader, sent["seq"]) == sent
            assert await writer.ask(topic, "typing", {"state": "start"}) == ("ok", {})
            await typing(reader, topic, who.id)
            await reader.ask("me", "message:read", {"chat_id": chat_id, "seq": sent["seq"]})
            await read_receipt(writer, sent["seq"])


async def received(device: Device, seq: int) -> dict[str, Any]:
    found = await device.take(lambda m: m.event == "MESSAGE_SENT" and m.payload["message"]["seq"] == seq)
    message: dict[str, Any] = found.payload["message"]
    return message


async def read_receipt(device: Device, seq: int) -> None:
    await device.take(lambda m: m.event == "MESSAGE_READ" and m.payload["seq"] == seq)


async def present(device: Device, topic: str, user_id: str, how: str = "joins") -> None:
    """Wait until the device is told that the user has opened the chat (or, with `leaves`, closed it)."""
    await device.take(lambda m: m.topic == topic and m.event == "presence_diff" and user_id in m.payload[how])


async def typing(device: Device, topic: str, user_id: str) -> None:
    await device.take(lambda m: m.topic == topic and m.event == "TYPING" and m.payload["user_id"] == user_id)


async def seqs_of(device: Device, chat_id: str, last: int) -> list[int]:
    """Take the chat's messages as they come, until one is `last`."""
    seqs: list[int] = []
    while not seqs or seqs[-1] != last:
        found = await device.take(
            lambda m: m.event == "MESSAGE_SENT" and m.payload["message"]["chat_id"] == chat_id
        )
        seqs.append(found.payload["message"]["seq"])
    return seqs


class Listener:
    """A device that reads all the time. `seqs` are those of the messages that came, by chat, in order."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._came = trio.Event()
        self.seqs: defaultdict[str, list[int]] = defaultdict(list)

    async def run(self) -> None:
        """Read, for ever."""
        while True:
            message = (await self._device.event("MESSAGE_SENT"))["message"]
            self.seqs[message["chat_id"]].append(message["seq"])
            self._came.set()
            self._came = trio.Event()

    async def until(self, chat_id: str, seq: int) -> None:
        """Wait until the chat's message `seq`, or a later one, has come."""
        with trio.fail_after(PATIENCE_S):
            while not self.seqs[chat_id] or self.seqs[chat_id][-1] < seq:
                await self._came.wait()


class Talk:
    """Two people, each on a node of their own and with a listener. Each writes all the time in a chat of their own, of which both are members.

    Nobody writes to the other's chat: what that other wrote comes by way of Redis, or because the node compares with the record.

    Attributes:
        people: the two.
        chats: theirs, in the same order.

    """

    def __init__(
        self, people: Sequence[Account], chats: Sequence[str], listeners: Sequence[Listener]
    ) -> None:
        self.people = people
        self.chats = chats
        self.ending = False
        self._listeners = listeners
        self._written = dict.fromkeys(chats, 0)

    async def write_on(self, device: Device, chat_id: str) -> None:
        """Write until told to end. Every message has to be taken."""
        while not self.ending:
            message = await device.write(chat_id, "...")
            self._written[chat_id] += 1
            assert message["seq"] == self._written[chat_id]
            device.seen("MESSAGE_SENT")
            await trio.sleep(WRITING_PAUSE_S)

    async def goes_on(self) -> None:
        """Wait until each has got what both write from now on."""
        now = {chat_id: written + 2 for chat_id, written in self._written.items()}
        async with trio.open_nursery() as nursery:
            for listener in self._listeners:
                for chat_id, seq in now.items():
                    nursery.start_soon(listener.until, chat_id, seq)

    async def goes_on_well(self) -> None:
        """The same many times over: comparing with the record now and then would not do."""
        for _ in range(STEADY):
            await self.goes_on()

    async def all_came(self) -> None:
        """Once nobody writes any more: both got everything, once and in order."""
        for chat_id, last in self._written.items():
            for listener in self._listeners:
                await listener.until(chat_id, last)
                assert listener.seqs[chat_id] == list(range(1, last + 1))


@asynccontextmanager
async def talking(cluster: Cluster, pair: Pair) -> AsyncIterator[Talk]:
    """A talk over both nodes as long as the block; then everything has to have come."""
    people = [cluster.sign_up(node) for node in pair]
    chats = [maker.group(other) for maker, other in (people, people[::-1])]
    async with AsyncExitStack() as stack, trio.open_nursery() as listening:
        listeners = [Listener(await stack.enter_async_context(joined(who))) for who in people]
        writers = [await stack.enter_async_context(joined(who)) for who in people]
        talk = Talk(people, chats, listeners)
        for listener in listeners:
            listening.start_soon(listener.run)
        async with trio.open_nursery() as writing:
            for writer, chat_id in zip(writers, talk.chats, strict=True):
                writing.start_soon(talk.write_on, writer, chat_id)
            yield talk
            talk.ending = True
        await talk.all_came()
        listening.cancel_scope.cancel()


# -- the tests --------------------------------------------------------------------------------------------------------


async def test_a_replay_in_which_a_node_and_then_redis_and_then_mongodb_are_killed_is_as_promised(
    cluster: Cluster, pair: Pair, servers: Servers, tmp_path: Path
) -> None:
    path, said = conversation(tmp_path, lines=600, people=30)
    with calm(pair[1], outages=3):
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


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_replay_with_one_fault_in_its_middle_is_as_promised(
    cluster: Cluster, pair: Pair, servers: Servers, tmp_path: Path, fault: Fault
) -> None:
    lines = 130 + FAULTS.index(fault)  # the title tells the chats apart
    path, said = conversation(tmp_path, lines, people=12)
    with calm(*([] if fault is both_nodes else pair[1:])):
        async with replaying(path, pair, "--rate", "40") as replay:
            await replay.acknowledged(30)
            await fault(servers, pair)
            status, printed = await replay.end()
        assert (status, table(printed)) == (0, perfect(lines, 12)), printed
        check_history(cluster, servers, pair, path, said)
        await see_everything_work(cluster, pair)


async def test_a_node_that_was_frozen_and_buried_goes_on_and_its_clients_get_what_they_missed_once(
    cluster: Cluster, pair: Pair
) -> None:
    frozen = pair[0]
    ana, ben = (cluster.sign_up(node) for node in pair)
    chat_id, other_id = ana.group(ben), ana.group(ben, title="in which nobody on the frozen node writes")
    topic = f"chat:{chat_id}"
    with calm(*pair):
        async with joined(ana) as inside, joined(ben) as outside:
            await outside.join(topic)
            await inside.join(topic)
            await present(outside, topic, ana.id)
            assert (await inside.write(chat_id, "before"))["seq"] == 1
            frozen.pause()
            held = await inside.push("me", "message:send", text_message(chat_id, "meanwhile", "held"))
            for number in range(20):
                await outside.write(chat_id, str(number))
            await present(outside, topic, ana.id, how="leaves")  # the node has been buried
            for number in range(20):
                await outside.write(chat_id, str(number))
                await outside.write(other_id, str(number))
            frozen.resume()
            status, answer = await inside.reply(held)
            assert (status, answer["message"]["seq"]) == ("ok", 42)

            await present(outside, topic, ana.id)  # and has come back
            assert (await outside.write(chat_id, "after"))["seq"] == 43
            assert (await inside.write(chat_id, "and after that"))["seq"] == 44
            for device in (inside, outside):
                assert await seqs_of(device, chat_id, 44) == list(range(1, 45))
                assert await seqs_of(device, other_id, 20) == list(range(1, 21))
            for writer, reader, who in ((inside, outside, ana), (outside, inside, ben)):
                await writer.ask(topic, "typing", {"state": "start"})
                await typing(reader, topic, who.id)
                assert not reader.seen("MESSAGE_SENT")
    await see_everything_work(cluster, pair)


async def test_while_redis_is_away_and_after_it_is_back_empty_messages_between_nodes_arrive_once_in_order(
    cluster: Cluster, pair: Pair, servers: Servers
) -> None:
    with calm(*pair):
        async with talking(cluster, pair) as talk:
            await talk.goes_on()
            async with servers.outage("redis"):
                await talk.goes_on()
                ana, ben = talk.people
                async with joined(ana) as late:  # somebody who comes now, and a group that is made now
                    made = ben.group(ana)
                    assert (await late.event("CHAT_CREATED"))["chat"]["id"] == made
                    await talk.goes_on()
            await talk.goes_on_well()
    await see_everything_work(cluster, pair)


async def test_while_redis_hangs_messages_arrive_once_in_order_and_people_can_come_and_write(
    cluster: Cluster, pair: Pair, servers: Servers
) -> None:
    crowd = [cluster.sign_up(node) for node, _ in zip(cycle(pair), range(CROWD), strict=False)]
    chat_id = crowd[0].group(*crowd[1:])

    async def come(who: Account) -> None:
        async with joined(who) as device:
            await device.join(f"chat:{chat_id}")
            await device.write(chat_id, "here I am")

    with calm(*pair):
        async with talking(cluster, pair) as talk:
            await talk.goes_on()
            servers.pause("redis")
            try:
                await talk.goes_on()
                async with trio.open_nursery() as nursery:
                    for who in crowd:
                        nursery.start_soon(come, who)
                await talk.goes_on()
            finally:
                servers.resume("redis")
            await talk.goes_on_well()
    assert len(crowd[0].history(chat_id)) == CROWD
    await see_everything_work(cluster, pair)


async def test_who_comes_from_a_node_that_had_come_further_gets_nothing_twice(
    cluster: Cluster, pair: Pair, servers: Servers
) -> None:
    ana, ben = cluster.sign_up(pair[0]), cluster.sign_up(pair[1])
    chat_id = ana.group(ben)
    async with joined(ben) as resident:
        servers.pause("redis")  # what one node writes does not reach the other
        try:
            async with joined(ana) as before:
                for number in range(5):
                    last = await before.write(chat_id, str(number))
            async with opened(ana, pair[1]) as after:
                answer = await after.join(payload={"known": {chat_id: last["rev"]}, "since": None})
                assert answer["messages"] == []
                assert [chat["last_seq"] for chat in answer["chats"] if chat["id"] == chat_id] == [5]
                assert (await after.write(chat_id, "5"))["seq"] == 6
                assert await seqs_of(after, chat_id, 6) == [6]
        finally:
            servers.resume("redis")
        assert await seqs_of(resident, chat_id, 6) == [1, 2, 3, 4, 5, 6]


async def test_sends_are_held_while_mongodb_hangs_and_then_taken_once(
    cluster: Cluster, pair: Pair, servers: Servers
) -> None:
    with calm(*pair):
        async with talking(cluster, pair) as talk:
            await talk.goes_on()
            servers.pause("mongodb")
            try:
                await trio.sleep(MONGODB_HANGS_S)
            finally:
                servers.resume("mongodb")
            await talk.goes_on_well()
    await see_everything_work(cluster, pair)


async def test_what_could_not_be_held_long_enough_is_refused_and_taken_once_when_it_is_sent_again(
    cluster: Cluster, pair: Pair, servers: Servers
) -> None:
    hasty = cluster.start(STORE_HOLD_S="1", MONGODB_TIMEOUT_MS="1000")
    ana = cluster.sign_up(hasty)
    chat_id = ana.group()
    ids = [f"m{number}" for number in range(50)]
    with calm(hasty):
        async with joined(ana) as device:
            await device.write(chat_id, "before", "before")
            servers.pause("mongodb")
            try:
                refs = [await device.push("me", "message:send", text_message(chat_id, i, i)) for i in ids]
                for ref in refs:
                    status, response = await device.reply(ref)
                    assert (status, response["code"]) == ("error", "unavailable")
                    assert response["retry_after_ms"] > 0
            finally:
                servers.resume("mongodb")
            taken = [await device.write(chat_id, i, i) for i in ids]
    assert sorted(message["seq"] for message in taken) == list(range(2, len(ids) + 2))
    assert [m["client_id"] for m in ana.history(chat_id)] == ["before", *ids]
    hasty.kill()


async def test_what_a_node_acknowledged_in_the_instant_before_it_was_killed_is_there_every_time(
    cluster: Cluster, pair: Pair
) -> None:
    keeper = pair[1]
    ana, ben = cluster.sign_up(keeper), cluster.sign_up(keeper)
    chat_id = ana.group(ben)
    acknowledged: dict[str, int] = {}
    with calm(keeper, outages=DEATHS):
        async with joined(ben) as device, trio.open_nursery() as nursery:
            listener = Listener(device)
            nursery.start_soon(listener.run)
            for turn in range(DEATHS // AT_ONCE):
                doomed = cluster.sibling().start_many(AT_ONCE)
                for node in doomed:
                    acknowledged |= await killed_at_the_first_ok(ana, node, chat_id, f"{turn}-{node.port}")
            history = ana.history(chat_id)
            assert [message["seq"] for message in history] == list(range(1, len(history) + 1))
            stored = {message["client_id"]: message["seq"] for message in history}
            assert len(stored) == len(history)
            assert len(acknowledged) >= DEATHS
            assert acknowledged.items() <= stored.items()
            # The dead told nobody: what they wrote shows when they are buried, or sooner.
            await listener.until(chat_id, len(history))
            assert listener.seqs[chat_id] == list(range(1, len(history) + 1))
            nursery.cancel_scope.cancel()


async def killed_at_the_first_ok(who: Account, node: Node, chat_id: str, name: str) -> dict[str, int]:
    """Send messages all at once and kill the node as soon as it acknowledges one; `client_id` and `seq` of all that it did acknowledge."""
    found: dict[str, int] = {}
    async with joined(who, node) as device:
        for number in range(8):
            client_id = f"{name}-{number}"
            await device.push("me", "message:send", text_message(chat_id, client_id, client_id))
        reply = await device.take(lambda m: m.event == "phx_reply")
        node.kill()
        await device.closed()
        for payload in (reply.payload, *device.seen("phx_reply")):
            assert payload["status"] == "ok", payload
            message = payload["response"]["message"]
            found[message["client_id"]] = message["seq"]
    return found
