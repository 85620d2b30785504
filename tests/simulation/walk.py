"""A random walk: people do what people do while everything goes wrong that can; then all heals, and everything must be as it ought to be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import trio

from handlers.chats.conversations import ChatPatch, MemberBody, MuteBody
from handlers.errors import ChatError
from handlers.pages import PageQuery
from handlers.people.profiles import PrivacyBody, ProfileBody
from handlers.stories.views import NewStory
from handlers.wire import rfc3339
from persistence.errors import StoreUnavailable
from persistence.models import StoryType, Visibility
from supervisors import StartError
from tests import deterministic
from tests.simulation.client import Client, Refused
from tests.simulation.invariants import check_everything
from tests.simulation.node import Disconnected
from tests.simulation.world import World

NODES = 3
LASTS_S = 30.0
USERS = ("ann", "bob", "eve", "zoe")

Operation = Callable[["Walk", Client, str], Awaitable[None]]


class Walk:
    """One run.

    Attributes:
        story: what was done, in order: two runs of one seed tell the same.

    """

    def __init__(self, seed: int) -> None:
        self.world = World(seed)
        self.random = self.world.random
        self.story: list[str] = []

    def tell(self, what: str) -> None:
        self.story.append(f"{trio.current_time():9.3f} {what}")

    async def run(self) -> None:
        """Raises when anything is not as it ought to be."""
        world = self.world
        async with world.running(NODES):
            await self._set_the_scene()
            async with trio.open_nursery() as nursery:
                for client in world.clients:
                    nursery.start_soon(self._live, client)
                nursery.start_soon(self._weather)
                await trio.sleep(LASTS_S)
                nursery.cancel_scope.cancel()
            self.tell("all heals")
            await world.heal()
            await check_everything(world)
            assert not world.crashes, world.crashes
        self.story += [
            f"{chat_id} {seq} {message.sender_id} {message.content} {message.rev}"
            for chat_id, messages in world.record.messages.items()
            for seq, message in messages.items()
        ]

    async def _set_the_scene(self) -> None:
        world = self.world
        for user_id in USERS:
            world.client(user_id)
        world.client(USERS[0], "laptop")
        await world.group(*USERS[:3])
        await world.group(USERS[1], USERS[3], title="Pair")
        await world.direct(USERS[0], USERS[1])
        await world.direct(USERS[2], USERS[0])
        await world.direct(USERS[1], USERS[3])
        await world.channel(USERS[3], USERS[0], USERS[2])
        for client in world.clients:
            client.page = self.random.choice((0, 1, 3, 100))

    # -- people ----------------------------------------------------------------------------------------------------

    async def _live(self, client: Client) -> None:
        while True:
            await trio.sleep(self.random.expovariate(3))
            try:
                if not client.connected:
                    await self._connect(client)
                    continue
                operation = self.random.choice(_OPERATIONS)
                own = list(client.chats) if self.random.random() < 0.9 else None
                chat_id = self.random.choice(own or sorted(self.world.record.chats))
                self.tell(f"{client} {operation.__name__} {chat_id[-4:]}")
                await operation(self, client, chat_id)
            except (Disconnected, Refused, ChatError, StoreUnavailable) as error:
                self.tell(f"{client} {error!r}")

    async def _connect(self, client: Client) -> None:
        living = self.world.living()
        if living:
            node = self.random.choice(living)
            self.tell(f"{client} connects to {node.incarnation}")
            with trio.fail_after(50):
                await client.connect(node)

    async def rest(self, client: Client, name: str, *args: Any, **options: Any) -> Any:
        """A request of the client's user about chats, to the node that it is connected to."""
        if client.node is None:
            raise Disconnected
        function = getattr(client.node.core.chats.conversations, name)
        return await client.node.call(function, client.principal, *args, **options)

    async def stories(self, client: Client, name: str, *args: Any) -> Any:
        """The same about stories."""
        if client.node is None:
            raise Disconnected
        function = getattr(client.node.core.stories.stories, name)
        return await client.node.call(function, client.principal, *args)

    # -- what goes wrong ---------------------------------------------------------------------------------------------

    async def _weather(self) -> None:
        while True:
            await trio.sleep(self.random.expovariate(1 / 2))
            event = self.random.choice(_WEATHER)
            self.tell(event.__name__)
            await event(self)


# -- what people do ----------------------------------------------------------------------------------------------------


async def send(walk: Walk, client: Client, chat_id: str) -> None:
    for _ in range(walk.random.choice((1, 1, 1, 2, 8))):
        client.send(chat_id, f"{client} {len(client.outbox)}")


async def send_twice(walk: Walk, client: Client, chat_id: str) -> None:
    outgoing = client.send(chat_id, "twice")
    client.resend(outgoing)


async def repeat_old(walk: Walk, client: Client, chat_id: str) -> None:
    if client.outbox:
        client.resend(walk.random.choice(list(client.outbox.values())))


async def edit(walk: Walk, client: Client, chat_id: str) -> None:
    seq = _some_seq(walk, client, chat_id)
    content = {"text": f"edited {walk.random.random()}"}
    await client.ask("me", "message:edit", chat_id=chat_id, seq=seq, content=content)


async def delete(walk: Walk, client: Client, chat_id: str) -> None:
    await client.ask("me", "message:delete", chat_id=chat_id, seq=_some_seq(walk, client, chat_id))


async def read(walk: Walk, client: Client, chat_id: str) -> None:
    await client.mark("message:read", chat_id, _some_seq(walk, client, chat_id))


async def deliver(walk: Walk, client: Client, chat_id: str) -> None:
    await client.mark("message:delivered", chat_id, _some_seq(walk, client, chat_id))


async def open_chat(walk: Walk, client: Client, chat_id: str) -> None:
    if chat_id not in client.opened:
        await client.open(chat_id)


async def leave_topic(walk: Walk, client: Client, chat_id: str) -> None:
    if chat_id in client.opened:
        await client.leave(chat_id)


async def rejoin(walk: Walk, client: Client, chat_id: str) -> None:
    client.disconnect()
    await walk._connect(client)


async def go(walk: Walk, client: Client, chat_id: str) -> None:
    client.disconnect()
    await trio.sleep(walk.random.uniform(0, 6))


async def type_(walk: Walk, client: Client, chat_id: str) -> None:
    if chat_id in client.opened:
        await client.ask(f"chat:{chat_id}", "typing", state="start")


async def add(walk: Walk, client: Client, chat_id: str) -> None:
    role = walk.random.choice(("member", "member", "admin"))
    await walk.rest(client, "put_member", chat_id, walk.random.choice(USERS), MemberBody(role=role))


async def remove(walk: Walk, client: Client, chat_id: str) -> None:
    await walk.rest(client, "remove_member", chat_id, walk.random.choice(USERS))


async def rename(walk: Walk, client: Client, chat_id: str) -> None:
    await walk.rest(client, "update", chat_id, ChatPatch(title=f"title {walk.random.randrange(1000)}"))


async def pin(walk: Walk, client: Client, chat_id: str) -> None:
    await walk.rest(client, "pin", chat_id, pinned=walk.random.random() < 0.5)


async def mute(walk: Walk, client: Client, chat_id: str) -> None:
    await walk.rest(client, "mute", chat_id, MuteBody())


async def hide(walk: Walk, client: Client, chat_id: str) -> None:
    body = ProfileBody(privacy=PrivacyBody(last_seen=walk.random.choice(tuple(Visibility))))
    if client.node is not None:
        await client.node.call(client.node.core.people.profiles.update, client.principal, body)


async def new_group(walk: Walk, client: Client, chat_id: str) -> None:
    if len(walk.world.record.chats) < 8 and client.node is not None and client.node.alive:
        await walk.world.group(client.user_id, walk.random.choice(USERS), node=client.node.name)


async def close_group(walk: Walk, client: Client, chat_id: str) -> None:
    if walk.random.random() < 0.2:
        await walk.rest(client, "delete", chat_id)


async def post_story(walk: Walk, client: Client, chat_id: str) -> None:
    chosen: Any = walk.random.choice(
        ("contacts", [user_id for user_id in USERS if user_id != client.user_id])
    )
    await walk.stories(client, "post", NewStory(type=StoryType.TEXT, content={"text": "x"}, audience=chosen))


async def see_story(walk: Walk, client: Client, chat_id: str) -> None:
    page = await walk.stories(client, "page", PageQuery(limit=2))
    for group in page.items:
        await walk.stories(client, "view", group.stories[0].id)


async def end_story(walk: Walk, client: Client, chat_id: str) -> None:
    kept = list(walk.world.record.stories.values())
    if kept:
        await walk.stories(client, "delete", walk.random.choice(kept).story.id)


async def share_location(walk: Walk, client: Client, chat_id: str) -> None:
    if client.node is not None:
        content = {"lat": 1, "lng": 1, "live_until": rfc3339(client.node.clock() + 20_000)}
        body = {"chat_id": chat_id, "client_id": f"{client} live {walk.random.random()}", "type": "location"}
        await client.ask("me", "message:send", **body, content=content)


async def move(walk: Walk, client: Client, chat_id: str) -> None:
    for seq in _shared(client, chat_id):
        await client.ask(f"chat:{chat_id}", "location:update", seq=seq, lat=walk.random.uniform(-9, 9), lng=0)


async def stop_moving(walk: Walk, client: Client, chat_id: str) -> None:
    for seq in _shared(client, chat_id):
        await client.ask(f"chat:{chat_id}", "location:stop", seq=seq)


def _shared(client: Client, chat_id: str) -> list[int]:
    """Locations that the client's user has sent to a chat that it has open."""
    if chat_id not in client.opened or chat_id not in client.chats:
        return []
    messages = client.chats[chat_id].messages.values()
    return [m["seq"] for m in messages if m["type"] == "location" and m["sender_id"] == client.user_id]


def _some_seq(walk: Walk, client: Client, chat_id: str) -> int:
    chat = client.chats.get(chat_id)
    return walk.random.choice(list(chat.messages)) if chat is not None and chat.messages else 1


_OPERATIONS: tuple[Operation, ...] = (
    *(send,) * 12, *(send_twice, repeat_old, edit, delete, read, deliver) * 2, *(open_chat, leave_topic, type_, rejoin, go),
    *(add, add, remove, rename, pin, mute, hide, new_group, close_group),
    *(add, add, remove, rename, pin, mute, new_group, close_group), *(post_story, see_story, see_story, end_story),
    *(share_location, move, move, stop_moving),
)  # fmt: skip


# -- what goes wrong ---------------------------------------------------------------------------------------------------


async def kill_node(walk: Walk) -> None:
    living = walk.world.living()
    if len(living) > 1:
        node = walk.random.choice(living)
        node.kill()
        await trio.sleep(walk.random.choice((0.1, 3, 12)))
        await _restart(walk, node.name)


async def stop_node(walk: Walk) -> None:
    living = walk.world.living()
    if len(living) > 1:
        node = walk.random.choice(living)
        with trio.CancelScope(shield=True):
            await node.stop()
        await trio.sleep(walk.random.choice((0.1, 3)))
        await _restart(walk, node.name)


async def _restart(walk: Walk, name: str) -> None:
    try:
        with trio.CancelScope(shield=True):
            await walk.world[name].over.wait()
            await walk.world.start(name, skew_ms=walk.random.randint(-2000, 2000))
    except StartError as error:
        walk.tell(f"{name} does not start: {error}")


async def cut_from_redis(walk: Walk) -> None:
    node = walk.random.choice(list(walk.world.nodes.values()))
    node.redis.down = True
    await trio.sleep(walk.random.choice((0.5, 5, 12)))
    node.redis.down = False


async def cut_from_mongodb(walk: Walk) -> None:
    node = walk.random.choice(list(walk.world.nodes.values()))
    node.mongo.down = True
    await trio.sleep(walk.random.choice((0.5, 5, 15)))
    node.mongo.down = False


async def redis_away(walk: Walk) -> None:
    walk.world.redis.faults.down = True
    await trio.sleep(walk.random.choice((0.5, 5, 12)))
    walk.world.redis.faults.down = False


async def mongodb_away(walk: Walk) -> None:
    walk.world.mongo.faults.down = True
    await trio.sleep(walk.random.choice((0.5, 5, 15)))
    walk.world.mongo.faults.down = False


async def redis_loses_all(walk: Walk) -> None:
    walk.world.broker.forget_everything()


async def forget_a_node(walk: Walk) -> None:
    walk.world.broker.forget_node(walk.random.choice(list(walk.world.nodes.values())).incarnation)


async def empty_an_inbox(walk: Walk) -> None:
    if walk.world.broker.inboxes:
        walk.world.broker.delete_inbox(walk.random.choice(sorted(walk.world.broker.inboxes)))


async def bad_bus(walk: Walk) -> None:
    world = walk.world
    world.lose_rate, world.repeat_rate = walk.random.choice(((0.3, 0.0), (0.0, 0.5), (0.1, 0.3)))
    world.latest_s = walk.random.choice((0.0, 0.2, 2.0))
    await trio.sleep(walk.random.uniform(1, 5))
    world.lose_rate = world.repeat_rate = world.latest_s = 0.0


async def flaky_stores(walk: Walk) -> None:
    for weather in (walk.world.mongo, walk.world.redis):
        weather.fail_rate, weather.lose_reply_rate = walk.random.choice(((0.1, 0.1), (0.0, 0.3), (0.3, 0.0)))
    await trio.sleep(walk.random.uniform(1, 4))
    for weather in (walk.world.mongo, walk.world.redis):
        weather.fail_rate = weather.lose_reply_rate = 0.0


async def slow_stores(walk: Walk) -> None:
    walk.world.mongo.slowest_s = walk.random.choice((0.01, 0.3))
    walk.world.redis.slowest_s = walk.random.choice((0.01, 0.3))
    await trio.sleep(walk.random.uniform(1, 6))
    walk.world.mongo.slowest_s = walk.world.redis.slowest_s = 0.0


_WEATHER = (
    kill_node, kill_node, stop_node, cut_from_redis, cut_from_mongodb, redis_away, mongodb_away, redis_loses_all, forget_a_node,
    empty_an_inbox, bad_bus, bad_bus, flaky_stores, slow_stores, slow_stores,
)  # fmt: skip


def walk(seed: int) -> list[str]:
    """One run of the seed; its story. Raises what was wrong, with the story."""
    one = Walk(seed)
    try:
        deterministic.run(seed, one.run)
    except BaseException as error:
        error.add_note(f"seed {seed}; replay: scripts/simulate --seed {seed} --story")
        error.__dict__["story"] = one.story
        raise
    return one.story
