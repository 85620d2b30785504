"""Files on several nodes, whatever dies and fails: none is removed that anybody is shown, and none stays that nobody is."""

from __future__ import annotations

import pytest
import trio

from handlers.errors import ChatError, Code
from persistence.models import MediaKind
from tests.simulation.files import LITTLE_S, SHORT, Files, picture
from tests.simulation.node import Disconnected, Node
from tests.simulation.scenario import at_every_step, simulated
from tests.simulation.shelf import shown
from tests.simulation.world import World, principal


@simulated(settings=SHORT)
async def test_a_file_is_shown_to_members_on_every_node_until_its_message_is_deleted(world: World) -> None:
    files = Files(world)
    chat_id = await world.group("ann", "bob")
    media_id = await files.upload("ann")
    await files.send("ann", chat_id, media_id)
    files.nodes = ("n2",)
    assert await files.seen("bob", media_id) == files.content[media_id]
    assert await files.seen("eve", media_id) is None
    await files.delete("ann", chat_id, 1)
    for name in ("n1", "n2"):
        files.nodes = (name,)
        assert await files.seen("bob", media_id) is None
        assert await files.seen("ann", media_id) is None
    await trio.sleep(1)
    assert not world.record.bucket.objects, "the node that has deleted the message looks at once"
    await files.all_quiet()
    assert not world.record.media


async def sent(world: World) -> None:
    files = Files(world)
    chat_id = await world.group("ann", "bob")
    world.begin()
    media_id = await files.upload("ann")
    message = await files.send("ann", chat_id, media_id)
    assert message.media_id == media_id
    await trio.sleep(LITTLE_S)
    assert await files.seen("bob", media_id) == files.content[media_id]
    await files.all_quiet()
    assert list(world.record.media) == [media_id]


async def sent_and_deleted(world: World) -> None:
    files = Files(world)
    chat_id = await world.group("ann", "bob")
    media_id = await files.upload("ann")
    await files.send("ann", chat_id, media_id)
    kept = await files.upload("bob")
    await files.send("bob", chat_id, kept, "kept")
    await trio.sleep(1)
    world.begin()
    await files.delete("ann", chat_id, 1)
    assert await files.seen("bob", media_id) is None
    await trio.sleep(6)
    await files.all_quiet()
    assert list(world.record.media) == [kept]


async def never_sent(world: World) -> None:
    files = Files(world)
    world.user("ann")
    world.begin()
    await files.upload("ann")
    await trio.sleep(LITTLE_S + 11)
    await files.all_quiet()
    assert not world.record.media


async def pictures(world: World) -> None:
    files = Files(world)
    world.user("ann")
    first, second = [await files.upload("ann", MediaKind.AVATAR) for _ in range(2)]
    await files.take_picture("ann", first)
    world.begin()
    await files.take_picture("ann", second)
    assert await files.seen("bob", second) == files.content[second]
    await trio.sleep(1)
    await files.all_quiet()
    assert list(world.record.media) == [second]


STEPS = frozenset(
    {
        "create_media", "get_media", "pending_media", "due_media", "swap_media", "remove_media", "head_object", "copy_object", "delete_objects", "append",
        "update_user",
    }
)  # fmt: skip
"""All that happens to files and to what shows them; what else a node does meanwhile are no steps of this."""
STORIES = (sent, sent_and_deleted, never_sent, pictures)


@pytest.mark.slow
@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("dies", ["n1", "n2"])
def test_a_node_dies_at_any_step(story: object, dies: str) -> None:
    steps = at_every_step(story, dies, settings=SHORT, only=STEPS)  # type: ignore[arg-type]
    assert dies == "n2" or len(steps) >= 4, "nothing was tested"


@pytest.mark.slow
@pytest.mark.parametrize("story", STORIES)
def test_whatever_takes_a_step_crashes_there(story: object) -> None:
    assert len(at_every_step(story, "n1", crash=True, settings=SHORT, only=STEPS)) >= 4  # type: ignore[arg-type]


@simulated(settings=SHORT)
async def test_a_message_that_never_came_to_be_keeps_no_file(world: World) -> None:
    files = Files(world)
    chat_id = await world.group("ann", "bob")
    media_id = await files.upload("ann")

    def dies(node: Node, store: str, step: str) -> None:
        if step == "append:before":
            node.kill()

    world.hook = dies
    node = world["n1"]
    with pytest.raises(Disconnected):
        await node.call(node.core.messages.writer.send, principal("ann"), chat_id, picture(media_id, "c"))
    assert world.record.media[media_id].uses
    await files.all_quiet()
    assert not world.record.media


@simulated(settings=SHORT, seeds=5)
async def test_a_file_used_twice_at_once_on_two_nodes_is_one(world: World) -> None:
    files = Files(world)
    one, other = await world.group("ann", "bob"), await world.group("ann", "eve")
    media_id = await files.upload("ann")
    world.mongo.slowest_s = world.s3.slowest_s = 0.05

    async def send(chat_id: str, node: str) -> None:
        call = world[node].core.messages.writer.send
        await world[node].call(call, principal("ann"), chat_id, picture(media_id, "c"))

    async with trio.open_nursery() as nursery:
        for chat_id, node in ((one, "n1"), (other, "n2")):
            nursery.start_soon(send, chat_id, node)
    assert len(shown(world)) == 1
    await files.delete("ann", one, 1)
    await trio.sleep(LITTLE_S)
    assert await files.seen("eve", media_id) == files.content[media_id]
    assert await files.seen("bob", media_id) is None
    await files.all_quiet()


@simulated(settings=SHORT, seeds=5)
async def test_using_and_deleting_race(world: World) -> None:
    """Each round one message of a file is deleted while another one with it is being sent."""
    files = Files(world)
    chat_id = await world.group("ann", "bob")
    media_id = await files.upload("ann")
    await files.send("ann", chat_id, media_id, "c0")
    await trio.sleep(1)
    world.mongo.slowest_s = world.s3.slowest_s = 0.02
    for n in range(1, 12):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(files.delete, "ann", chat_id, n)
            await trio.sleep(world.random.uniform(0, 0.1))
            try:
                await files.send("ann", chat_id, media_id, f"c{n}")
            except ChatError as error:
                if error.code is not Code.INVALID:  # the file had gone before
                    raise
                return
        shown(world)
    await files.all_quiet()


@pytest.mark.slow
@simulated(settings=SHORT, seeds=8, nodes=3, crashes=True)
async def test_everything_at_once(world: World) -> None:
    """People send, delete and change pictures while stores fail and nodes die."""
    files = Files(world)
    random = world.random
    people = ("ann", "bob")
    chats = [await world.group(*people), await world.direct(*people)]
    world.mongo.slowest_s = world.s3.slowest_s = 0.1

    async def live(user_id: str) -> None:
        mine: list[tuple[str, int]] = []
        for n in range(12):
            media_id = await files.upload(user_id, random.choice((MediaKind.IMAGE, MediaKind.AVATAR)))
            chat_id = random.choice(chats)
            try:
                message = await files.send(user_id, chat_id, media_id, f"c{n}")
                mine.append((chat_id, message.seq))
                if random.random() < 0.3:
                    again = await files.send(user_id, random.choice(chats), media_id, f"d{n}")
                    mine.append((again.chat_id, again.seq))
            except ChatError as error:
                if error.code is not Code.INVALID:
                    raise
                await files.take_picture(user_id, media_id)
            if mine and random.random() < 0.5:
                await files.delete(user_id, *mine.pop(random.randrange(len(mine))))
            await trio.sleep(random.uniform(0, 60))

    async def weather() -> None:
        while True:
            await trio.sleep(random.uniform(1, 20))
            store = random.choice((world.mongo, world.s3))
            store.fail_rate = random.choice((0.0, 0.1))
            store.lose_reply_rate = random.choice((0.0, 0.1))
            files.nodes = tuple(random.sample(("n1", "n2", "n3"), 3))
            if random.random() < 0.2:
                name = random.choice(("n1", "n2", "n3"))
                world[name].kill()
                await world[name].over.wait()
                world.mongo.clear()
                await world.start(name)
                world.mongo.slowest_s = 0.1

    files.nodes = ("n1", "n2", "n3")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(weather)
        async with trio.open_nursery() as lives:
            for user_id in people:
                lives.start_soon(live, user_id)
        nursery.cancel_scope.cancel()
    await files.all_quiet()
