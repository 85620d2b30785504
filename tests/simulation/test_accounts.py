"""Deleting an account, and archives of one, while nodes die and stores fail."""

from __future__ import annotations

import io
import json
import zipfile
from contextlib import suppress

import pytest
import trio
from msgspec import structs

from handlers.accounts.deletion import DeleteBody
from handlers.auth.auth import LoginBody
from handlers.chats.invitations import InviteBody
from handlers.errors import ChatError, Code
from handlers.workers.account_tasks import LEASE_MS, POLL_S
from persistence.errors import StoreUnavailable
from persistence.models import Device, Role, TaskState
from tests.simulation.client import Client, Refused
from tests.simulation.invariants import check_log
from tests.simulation.node import START_MS, Disconnected, Node
from tests.simulation.scenario import at_every_step, simulated
from tests.simulation.world import World, principal

PASSWORD = "correct horse"
AT_LAST_S = LEASE_MS / 1000 + 2 * POLL_S
"""Until another node has done what one did not live to do."""


async def sign_up(world: World, user_id: str, *devices: str) -> None:
    """A user with a password, and devices that are signed in."""
    world.user(user_id)
    core = world["n1"].core
    hashed = await core.people.auth._passwords.hash(PASSWORD)
    world.record.users[user_id] = structs.replace(world.record.users[user_id], password_hash=hashed)
    for name in devices:
        device_id = f"{user_id}-{name}"
        world.record.devices[device_id] = Device(
            id=device_id,
            user_id=user_id,
            name=name,
            platform="test",
            refresh_hash=b"",
            refresh_expires_at=START_MS * 2,
            created_at=START_MS,
            last_used_at=START_MS,
        )


async def delete(node: Node, user_id: str) -> None:
    deletion = node.core.accounts.deletion
    await node.call(deletion.request, principal(user_id), DeleteBody(PASSWORD), "192.0.2.1")


async def until_answered(world: World, user_id: str) -> None:
    """As a good client: again, on any node, until it is known to be done."""
    name = "n1"
    while True:
        with suppress(Disconnected, StoreUnavailable):
            try:
                await delete(world[name], user_id)
            except ChatError as error:
                if error.code is Code.BAD_CREDENTIALS:
                    return
            else:
                return
        name = next((node.name for node in world.living()), name)
        await trio.sleep(0.5)


async def signs_in(world: World, phone: str) -> bool:
    node = world.living()[0]
    try:
        await node.call(node.core.people.auth.login, LoginBody(phone=phone, password=PASSWORD), "192.0.2.2")
    except Disconnected:
        return await signs_in(world, phone)
    except ChatError as error:
        if error.code is not Code.BAD_CREDENTIALS:
            raise
        return False
    return True


def check_gone(world: World, owned: str, guest: str, direct: str, phone: str) -> None:
    record = world.record
    assert record.users["ann"].deleted
    assert phone not in {user.phone for user in record.users.values()}
    assert not any(device.user_id == "ann" for device in record.devices.values())
    assert {chat_id for chat_id, user_id in record.members if user_id == "ann"} == {direct}
    owners = [
        row.user_id for row in record.members.values() if row.chat_id == owned and row.role is Role.OWNER
    ]
    assert owners == ["bob"]
    assert (guest, "bob") in record.members
    assert record.blocks == {}
    assert record.invites == {}
    assert record.account_jobs == {}


async def set_the_scene(world: World) -> tuple[str, str, str, str, Client, Client]:
    await sign_up(world, "ann", "phone", "laptop")
    owned = await world.group("ann", "bob", "cat")
    guest = await world.group("bob", "ann")
    direct = await world.direct("ann", "bob")
    core = world["n1"].core
    await world["n1"].call(core.people.blocking.block, principal("ann"), "cat")
    await world["n1"].call(core.chats.invitations.create, principal("ann"), owned, InviteBody())
    ann, bob = await world.online("ann", "n2"), await world.online("bob", "n2")
    await ann.say(direct, "what I wrote")
    return owned, guest, direct, world.record.users["ann"].phone, ann, bob


@pytest.mark.slow
@pytest.mark.parametrize("dies", ["n1", "n2"])
def test_a_node_may_die_at_any_step_of_a_deletion(dies: str) -> None:
    async def story(world: World) -> None:
        owned, guest, direct, phone, ann, bob = await set_the_scene(world)
        world.begin()
        await until_answered(world, "ann")
        assert not await signs_in(world, phone)
        with trio.fail_after(2 * AT_LAST_S):
            while world.record.account_jobs:  # noqa: ASYNC110 - any node may be the one that does it
                await trio.sleep(1)
        world.begun = False
        await world.settle(1)
        check_gone(world, owned, guest, direct, phone)
        assert not ann.connected
        ann.signed_out = True
        if not bob.connected:
            await bob.connect(world.living()[0])
        await world.settle(10)
        assert [m["content"]["text"] for m in bob.chats[direct].messages.values()] == ["what I wrote"]
        assert "ann" not in bob.chats[owned].members
        assert bob.chats[owned].members["bob"] == "owner"
        check_log(world)

    assert len(at_every_step(story, dies)) > 20


@pytest.mark.slow
@simulated(nodes=3, seeds=6)
async def test_whatever_fails_on_the_way_it_is_done_once_at_last(world: World) -> None:
    owned, guest, direct, phone, _, bob = await set_the_scene(world)
    world.mongo.fail_rate = world.mongo.lose_reply_rate = 0.05
    world.redis.fail_rate = world.redis.lose_reply_rate = 0.05
    world.mongo.slowest_s = 0.05
    async with trio.open_nursery() as nursery:
        for _ in range(2):
            nursery.start_soon(until_answered, world, "ann")
    await world.settle(200)
    world.clear_weather()
    await world.settle(700)  # the longest pause
    check_gone(world, owned, guest, direct, phone)
    with pytest.raises((Refused, Disconnected)):
        await world.online("ann", "n1", "tablet")
    await bob.say(owned, "go on")


@simulated(nodes=2, seeds=3)
async def test_messages_flow_while_somebody_disappears(world: World) -> None:
    owned, guest, direct, phone, ann, bob = await set_the_scene(world)
    world.mongo.slowest_s = 0.02
    cat = await world.online("cat", "n1")
    async with trio.open_nursery() as nursery:

        async def chatter(client: Client) -> None:
            for number in range(60):
                if not client.connected:
                    return
                client.send(owned, f"{client} {number}")
                await trio.sleep(world.random.uniform(0, 0.02))

        for client in (ann, bob, cat):
            nursery.start_soon(chatter, client)
        await trio.sleep(0.2)
        await delete(world["n1"], "ann")
        await trio.sleep(1)
        assert not ann.connected
    await world.settle(2 * POLL_S)
    check_gone(world, owned, guest, direct, phone)
    assert [*bob.chats[owned].messages.values()] == [*cat.chats[owned].messages.values()]


# -- archives ------------------------------------------------------------------------------------------------------


async def ask_for_archive(world: World, user_id: str) -> None:
    """As a good client: again, on any node, until it is answered."""
    while True:
        node = world.living()[0]
        try:
            await node.call(node.core.accounts.exports.request, principal(user_id), "192.0.2.1")
        except (Disconnected, StoreUnavailable):
            await trio.sleep(0.5)
        except ChatError as error:
            if error.code is Code.RATE_LIMITED:
                return  # it has been made meanwhile
            await trio.sleep(0.5)
        else:
            return


@pytest.mark.slow
@pytest.mark.parametrize("dies", ["n1", "n2"])
def test_a_node_may_die_at_any_step_of_an_archive(dies: str) -> None:
    async def story(world: World) -> None:
        chat_id = await world.direct("ann", "bob")
        ann = await world.online("ann", "n2")
        await ann.say(chat_id, "what I wrote")
        world.begin()
        await ask_for_archive(world, "ann")
        with trio.fail_after(2 * AT_LAST_S):
            while not ready(world):  # noqa: ASYNC110 - any node may be the one that does it
                await trio.sleep(1)
        world.begun = False
        await world.settle(1)
        ((kind, content),) = world.record.bucket.objects.values()
        assert kind == "application/zip"
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            (message,) = json.loads(archive.read(f"messages/{chat_id}.json"))
        assert message["content"] == {"text": "what I wrote"}

    assert len(at_every_step(story, dies)) > 5


def ready(world: World) -> bool:
    return any(job.state is TaskState.READY for job in world.record.account_jobs.values())
