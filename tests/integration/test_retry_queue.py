"""MongoDB is stopped for twenty seconds while people write on two nodes: whatever was acknowledged or queued is there once, in its senders' order.

Nobody here sends anything again: what was queued has to come by itself.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Literal

import pytest
import trio

from tests.integration.clients import PATIENCE_S, Device, joined, text_message
from tests.integration.nodes import Account, Cluster, Node
from tests.integration.test_chaos import calm, conversation, perfect, replaying, table
from tests.servers import Servers

pytestmark = [pytest.mark.real, pytest.mark.slow]

AWAY_S = 20.0
PAUSE_S = 0.1
BEFORE_S = 1.0
AFTER_S = 4.0
PEOPLE = 8
CHATS = 3
IN_A_ROW = 20
How = Literal["killed", "hangs"]


@pytest.fixture(scope="module")
def pair(cluster: Cluster) -> tuple[Node, Node]:
    """Two nodes; the slow head check, which heals what nothing else does, never comes."""
    one, two = cluster.start_many(2, HEAD_CHECK_S="3600")
    return one, two


class Person:
    """Somebody who writes all the time into all chats in turn, and never waits for an answer.

    Attributes:
        sent: `client_id`s by chat, in order.
        answers: what they were answered, by `ref`, in the order of the answers: "ok", "queued", or a code.
        seen: `(sender, client_id, seq)` of every message that came, by chat, in order.

    """

    def __init__(self, account: Account, device: Device, chats: Sequence[str]) -> None:
        self.account = account
        self.sent: dict[str, list[str]] = {chat_id: [] for chat_id in chats}
        self.answers: dict[str, str] = {}
        self.seen: dict[str, list[tuple[str, str, int]]] = {chat_id: [] for chat_id in chats}
        self._device = device
        self._came = trio.Event()

    async def write(self) -> None:
        """Until cancelled."""
        for number, chat_id in enumerate(itertools.cycle(self.sent)):
            client_id = f"{self.account.id[-6:]}-{number}"
            self.sent[chat_id].append(client_id)
            await self._device.push("me", "message:send", text_message(chat_id, client_id, client_id))
            await trio.sleep(PAUSE_S)

    async def read(self) -> None:
        """Until cancelled."""
        while True:
            message = await self._device.take(lambda m: m.event in ("phx_reply", "MESSAGE_SENT"))
            if message.event == "phx_reply":
                response = message.payload["response"]
                said = "queued" if response == {"queued": True} else response.get("code", "ok")
                self.answers[message.ref or ""] = said
            else:
                found = message.payload["message"]
                self.seen[found["chat_id"]].append((found["sender_id"], found["client_id"], found["seq"]))
            self._came.set()
            self._came = trio.Event()

    async def until(self, chat_id: str, messages: int) -> None:
        """Wait until so many have come."""
        while len(self.seen[chat_id]) < messages:
            await self._came.wait()

    async def all_answered(self) -> None:
        while len(self.answers) < sum(map(len, self.sent.values())):
            await self._came.wait()

    async def answered(self, last: int, what: str) -> None:
        """Wait until the last so many of what it sent were answered with this."""
        while True:
            newest = list(self.answers.values())[-last:]
            if len(newest) == last and set(newest) == {what}:
                return
            await self._came.wait()


@asynccontextmanager
async def people(cluster: Cluster, pair: Sequence[Node]) -> AsyncIterator[list[Person]]:
    """People on both nodes, in the same chats, who read from now on."""
    accounts = [cluster.sign_up(node) for node, _ in zip(itertools.cycle(pair), range(PEOPLE), strict=False)]
    first, *others = accounts
    chats = [first.group(*others, title=f"chat {number}") for number in range(CHATS)]
    async with AsyncExitStack() as stack, trio.open_nursery() as nursery:
        made = [
            Person(account, await stack.enter_async_context(joined(account)), chats) for account in accounts
        ]
        for person in made:
            nursery.start_soon(person.read)
        yield made
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def away(servers: Servers, how: How) -> AsyncIterator[None]:
    """MongoDB is not there for the block."""
    if how == "killed":
        async with servers.outage("mongodb"):
            yield
        return
    servers.pause("mongodb")
    try:
        yield
    finally:
        servers.resume("mongodb")


def check(crew: Sequence[Person]) -> None:
    """Everything once, at every seq one message, the same for all, and each sender's in its order."""
    first = crew[0]
    for chat_id in first.sent:
        for person in crew:
            assert person.seen[chat_id] == first.seen[chat_id]
        assert [seq for *_, seq in first.seen[chat_id]] == list(range(1, len(first.seen[chat_id]) + 1))
        history = first.account.history(chat_id)
        assert [(m["sender_id"], m["client_id"], m["seq"]) for m in history] == first.seen[chat_id]
        for person in crew:
            own = [c for sender, c, _ in first.seen[chat_id] if sender == person.account.id]
            assert own == person.sent[chat_id]


@pytest.mark.parametrize("how", ["killed", "hangs"])
async def test_mongodb_away_for_twenty_seconds_under_load(
    cluster: Cluster, pair: tuple[Node, Node], servers: Servers, how: How
) -> None:
    with calm(*pair):
        async with people(cluster, pair) as crew:
            async with trio.open_nursery() as writing:
                for person in crew:
                    writing.start_soon(person.write)
                await trio.sleep(BEFORE_S)
                async with away(servers, how):
                    await trio.sleep(AWAY_S)
                    # Long before it is back, nobody waits any more.
                    for person in crew:
                        assert set(list(person.answers.values())[-IN_A_ROW:]) == {"queued"}
                with trio.fail_after(PATIENCE_S):
                    for person in crew:  # and soon after, all is as before
                        await person.answered(IN_A_ROW, "ok")
                await trio.sleep(AFTER_S)
                writing.cancel_scope.cancel()
            with trio.fail_after(PATIENCE_S):
                for person in crew:
                    await person.all_answered()
                    for chat_id in crew[0].sent:
                        total = sum(len(other.sent[chat_id]) for other in crew)
                        await person.until(chat_id, total)
            answers = [answer for person in crew for answer in person.answers.values()]
            assert set(answers) == {"ok", "queued"}
            assert answers.count("queued") > 500
            check(crew)
    for node in pair:
        metrics = node.metrics()
        assert metrics["retry_queue_length"] == 0
        assert metrics["retry_dead_lettered_total"] == 0
    queued, applied = (
        sum(node.metrics()[name] for node in pair) for name in ("retry_queued_total", "retry_applied_total")
    )
    assert applied <= queued


async def test_a_node_that_dies_with_mongodb_away_leaves_what_it_queued_to_the_other(
    cluster: Cluster, pair: tuple[Node, Node], servers: Servers
) -> None:
    doomed, keeper = pair
    ana, ben = cluster.sign_up(doomed), cluster.sign_up(keeper)
    chat_id = ana.group(ben)
    ids = [f"m{number}" for number in range(50)]
    async with joined(ben) as reader, joined(ana) as device:
        async with away(servers, "killed"):
            for client_id in ids:
                await device.push("me", "message:send", text_message(chat_id, client_id, client_id))
            for _ in ids:
                reply = await device.take(lambda m: m.event == "phx_reply")
                assert reply.payload == {"status": "ok", "response": {"queued": True}}
            doomed.kill()
        for client_id in ids:
            assert (await reader.event("MESSAGE_SENT"))["message"]["client_id"] == client_id
    assert [message["client_id"] for message in ben.history(chat_id)] == ids
    doomed.start()


@pytest.mark.parametrize("how", ["killed", "hangs"])
async def test_a_replay_in_which_mongodb_is_away_for_twenty_seconds_is_as_promised(
    cluster: Cluster, pair: tuple[Node, Node], servers: Servers, tmp_path: Any, how: How
) -> None:
    path, _ = conversation(tmp_path, lines=300 + len(how), people=20)
    async with replaying(path, pair, "--rate", "60", "--window", "8") as replay:
        await replay.acknowledged(60)
        async with away(servers, how):
            await trio.sleep(AWAY_S)
        status, printed = await replay.end()
    assert (status, table(printed)) == (0, perfect(300 + len(how), 20)), printed
    assert "were queued at first" in printed
