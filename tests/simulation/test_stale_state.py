"""Stale state and what came since make fresh state: for random histories, and a client that was away from any point on."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handlers.chats.conversations import ChatPatch, MemberBody, MuteBody
from handlers.errors import ChatError
from tests import deterministic
from tests.examples import examples
from tests.simulation.client import Client, Refused
from tests.simulation.invariants import check_client, check_log
from tests.simulation.world import World, principal

What = Literal[
    "send", "edit", "delete", "read", "delivered", "rename", "add", "remove", "promote", "pin", "mute", "direct", "close", "pass",
]  # fmt: skip
USERS = ("ann", "bob", "eve")


class Step(msgspec.Struct, frozen=True):
    """What somebody does in one of the chats; `number` chooses whatever there is to choose."""

    what: What
    user: str
    chat: int
    number: int


steps = st.lists(
    st.builds(
        Step,
        what=st.sampled_from(What.__args__) | st.just("send"),  # type: ignore[attr-defined]
        user=st.sampled_from(USERS),
        chat=st.integers(0, 2),
        number=st.integers(0, 9),
    ),
    max_size=40,
)


async def act(world: World, clients: dict[str, Client], step: Step) -> None:
    """Do it, as far as it is allowed."""
    client = clients[step.user]
    assert client.node is not None
    chats = sorted(world.record.chats)
    chat_id = chats[step.chat % len(chats)]
    other = USERS[step.number % 3]
    seq = step.number + 1
    name = f"c{trio.current_time()}"
    pushes: dict[str, dict[str, Any]] = {
        "send": {"client_id": name, "type": "text", "content": {"text": name}},
        "edit": {"seq": seq, "content": {"text": f"edited {step.number}"}},
        "delete": {"seq": seq},
        "read": {"seq": seq},
        "delivered": {"seq": seq},
    }
    requests: dict[str, tuple[str, tuple[Any, ...], dict[str, Any]]] = {
        "rename": ("update", (ChatPatch(title=f"title {step.number}"),), {}),
        "add": ("put_member", (other, MemberBody()), {}),
        "promote": ("put_member", (other, MemberBody(role="admin")), {}),
        "remove": ("remove_member", (other,), {}),
        "pin": ("pin", (), {"pinned": step.number % 2 == 0}),
        "mute": ("mute", (MuteBody(),), {}),
        "close": ("delete", (), {}),
    }
    try:
        if step.what in pushes:
            await client.ask("me", f"message:{step.what}", chat_id=chat_id, **pushes[step.what])
        elif step.what in requests and (step.what != "close" or step.number == 0):
            function, args, options = requests[step.what]
            conversations = client.node.core.chats.conversations
            await client.node.call(
                getattr(conversations, function), principal(step.user), chat_id, *args, **options
            )
        elif step.what == "direct" and other != step.user:
            await world.direct(step.user, other, node=client.node.name)
        elif step.what == "pass":
            await trio.sleep(15)
    except (Refused, ChatError):
        pass


@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    history=steps,
    leaves=st.integers(0, 40),
    page=st.sampled_from((0, 1, 2, 100)),
    elsewhere=st.booleans(),
    seed=st.integers(0, 9),
)
def test_a_client_that_was_away_ends_with_the_state_that_a_fresh_one_gets(
    history: list[Step], leaves: int, page: int, elsewhere: bool, seed: int
) -> None:
    async def run() -> None:
        world = World(seed)
        async with world.running(2):
            await world.group(*USERS)
            await world.group("bob", "ann", title="Two")
            await world.direct("ann", "eve")
            clients = {
                user_id: await world.online(user_id, f"n{1 + number % 2}")
                for number, user_id in enumerate(USERS)
            }
            stale = await world.online("ann", "n2", "laptop")
            stale.page = page
            await trio.sleep(20)
            for number, step in enumerate(history):
                if number == leaves:
                    stale.disconnect()
                await act(world, clients, step)
                await trio.sleep(0.01)
            await stale.connect(world["n1" if elsewhere else "n2"])
            await world.settle(1)
            fresh = await world.online("ann", "n1", "tablet")
            await world.settle(1)
            for client in (stale, fresh, *clients.values()):
                await check_client(world, client)
            assert state(stale) == state(fresh)
            check_log(world)
        assert not world.crashes

    deterministic.run(seed, run)


def state(client: Client) -> dict[str, Any]:
    """All that a client shows."""
    return {
        chat.id: (
            chat.messages,
            chat.members,
            {user_id: cursor for user_id, cursor in chat.cursors.items() if user_id in chat.members},
            {name: chat.view[name] for name in ("title", "my_role", "pinned", "muted", "type")},
            chat.synced,
        )
        for chat in client.chats.values()
    }
