"""The chat log and the cursors against models that fit on a screen: random operations on two nodes, of which one may lag behind, one after the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import deterministic
from tests.examples import examples
from tests.simulation.client import Client, Refused
from tests.simulation.invariants import check_client, check_log
from tests.simulation.world import World, principal

USERS = ("ann", "bob", "eve")
OWNER = "ann"
What = Literal["send", "edit", "delete", "read", "deliver", "unread"]


class Step(msgspec.Struct, frozen=True):
    """`number` is the name of a message to send, or the `seq` of one that is there (or not)."""

    what: What
    user: str
    node: int
    number: int


def step_lists(*what: What) -> st.SearchStrategy[list[Step]]:
    return st.lists(
        st.builds(
            Step,
            what=st.sampled_from(what),
            user=st.sampled_from(USERS),
            node=st.integers(1, 2),
            number=st.integers(1, 8),
        ),
        max_size=30,
    )


@dataclass
class Sent:
    sender: str
    name: str
    text: str
    deleted: bool = False


@dataclass
class Model:
    """What a group is. Each method gives the answer: a value, or the code of the refusal."""

    messages: list[Sent] = field(default_factory=list)
    read: dict[str, int] = field(default_factory=lambda: dict.fromkeys(USERS, 0))
    delivered: dict[str, int] = field(default_factory=lambda: dict.fromkeys(USERS, 0))

    def apply(self, step: Step) -> Any:
        at = self.messages[step.number - 1] if step.number <= len(self.messages) else None
        match step.what:
            case "send":
                return self._send(step.user, f"m{step.number}")
            case "unread":
                later = self.messages[self.read[step.user] :]
                return sum(1 for m in later if m.sender != step.user and not m.deleted)
            case "read" | "deliver":
                if at is None:
                    return "not_found"
                self.delivered[step.user] = max(step.number, self.delivered[step.user])
                if step.what == "read":
                    self.read[step.user] = max(step.number, self.read[step.user])
                return {}
        if at is None or (at.deleted and step.what == "edit"):
            return "not_found"
        if at.sender != step.user and (step.what == "edit" or step.user != OWNER):
            return "forbidden"
        at.text, at.deleted = ("edited", False) if step.what == "edit" else ("", True)
        return (step.number, at.text)

    def _send(self, sender: str, name: str) -> tuple[int, str]:
        for seq, message in enumerate(self.messages, 1):
            if (message.sender, message.name) == (sender, name):
                return seq, message.text
        self.messages.append(Sent(sender, name, name))
        return len(self.messages), name


async def _carry_out(world: World, client: Client, chat_id: str, step: Step) -> Any:
    assert client.node is not None
    try:
        match step.what:
            case "send":
                name = f"m{step.number}"
                answer = await client.ask(
                    "me", "message:send", chat_id=chat_id, client_id=name, type="text", content={"text": name}
                )
            case "edit":
                content = {"text": "edited"}
                answer = await client.ask(
                    "me", "message:edit", chat_id=chat_id, seq=step.number, content=content
                )
            case "delete":
                answer = await client.ask("me", "message:delete", chat_id=chat_id, seq=step.number)
            case "read":
                return await client.ask("me", "message:read", chat_id=chat_id, seq=step.number)
            case "deliver":
                return await client.ask("me", "message:delivered", chat_id=chat_id, seq=step.number)
            case "unread":
                conversations = client.node.core.chats.conversations
                return (await client.node.call(conversations.get, principal(step.user), chat_id)).unread
    except Refused as refused:
        return refused.code
    message = answer["message"]
    return message["seq"], message["content"].get("text", "")


async def _compare(steps: list[Step], lag_s: float, seed: int) -> None:
    world, model = World(seed), Model()
    async with world.running(2):
        chat_id = await world.group(*USERS)
        clients = {
            (user_id, number): await world.online(user_id, f"n{number}", f"device{number}")
            for user_id in USERS
            for number in (1, 2)
        }
        world.earliest_s = world.latest_s = lag_s
        for step in steps:
            got = await _carry_out(world, clients[step.user, step.node], chat_id, step)
            assert got == model.apply(step), step
            await trio.sleep(0.001)
        await world.settle(lag_s + 1)
        check_log(world)
        for client in clients.values():
            await check_client(world, client)
            messages = client.chats[chat_id].messages
            assert [
                (m["sender_id"], m["client_id"], m["content"].get("text", ""), m["deleted"])
                for _, m in sorted(messages.items())
            ] == [(m.sender, m.name, m.text, m.deleted) for m in model.messages]
        for user_id in USERS:
            row = world.record.members[chat_id, user_id]
            assert (row.delivered_seq, row.read_seq) == (model.delivered[user_id], model.read[user_id])
    assert not world.crashes


_lags = st.sampled_from((0.0, 0.003, 0.5))
_some = settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.too_slow])


@_some
@given(steps=step_lists("send", "edit", "delete"), lag_s=_lags, seed=st.integers(0, 9))
def test_the_chat_log_answers_as_its_model_does(steps: list[Step], lag_s: float, seed: int) -> None:
    deterministic.run(seed, _compare, steps, lag_s, seed)


@_some
@given(steps=step_lists("send", "delete", "read", "deliver", "unread"), lag_s=_lags, seed=st.integers(0, 9))
def test_cursors_and_unread_counts_answer_as_their_model_does(
    steps: list[Step], lag_s: float, seed: int
) -> None:
    deterministic.run(seed, _compare, steps, lag_s, seed)
