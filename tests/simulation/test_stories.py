"""Stories over several nodes: everyone concerned hears once of each that begins, is seen and ends, and nobody sees one that is over."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from config.settings import NodeRole
from handlers.errors import ChatError
from handlers.pages import PageQuery
from handlers.stories.views import NewStory, StoryView
from handlers.workers.announcer import KEEP_MS, LEASE_MS, PURGE_S
from persistence.models import Block, StoryType
from tests.simulation.client import Client
from tests.simulation.invariants import check_everything
from tests.simulation.node import START_MS, Disconnected, Node
from tests.simulation.scenario import at_every_step, simulated
from tests.simulation.world import HEARTBEAT_S, LEASE_S, STORY_TTL_S, World, principal

LEASE = LEASE_MS / 1000


async def call(world: World, node: str, user_id: str, name: str, *args: Any) -> Any:
    """A request of a user."""
    stories = world[node].core.stories.stories
    return await world[node].call(getattr(stories, name), principal(user_id), *args)


async def post(world: World, user_id: str, node: str, **fields: Any) -> StoryView:
    body = NewStory(**{"type": StoryType.TEXT, "content": {"text": "hello"}, **fields})
    view, _ = await call(world, node, user_id, "post", body)
    return view


async def shown(world: World, user_id: str, node: str = "n1") -> list[str]:
    """The ids of all stories that the user sees."""
    page = await call(world, node, user_id, "page", PageQuery(limit=100))
    return [story.id for group in page.items for story in group.stories]


def heard(client: Client, story_id: str) -> list[str]:
    """What a client was told of a story, in order."""
    return [event for event, story, _ in client.stories if story == story_id]


async def friends(world: World, nodes: int = 2) -> list[Client]:
    """Ann, with Bob and Eve as contacts, and Dan, who is none; one or two nodes, from the first on."""
    await world.direct("ann", "bob")
    await world.direct("eve", "ann")
    names = ("ann", "bob", "eve", "dan")
    return [await world.online(name, f"n{index % nodes + 1}") for index, name in enumerate(names)]


WHOLE = ["STORY_CREATED", "STORY_EXPIRED"]


# -- who hears what ------------------------------------------------------------------------------------------------------


@simulated(nodes=3)
async def test_every_device_of_everyone_concerned_hears_once_of_each_thing(world: World) -> None:
    ann, bob, eve, dan = await friends(world, 3)
    tablet, laptop = await world.online("ann", "n3", "tablet"), await world.online("bob", "n1", "laptop")
    story = await post(world, "ann", "n1")
    await world.settle(0.1)
    assert await shown(world, "bob", "n2") == await shown(world, "ann") == [story.id]
    assert await shown(world, "dan") == []
    for _ in range(2):
        await call(world, "n2", "bob", "view", story.id)
    await call(world, "n3", "ann", "view", story.id)
    await world.settle(STORY_TTL_S + 3)
    for client in (bob, laptop, eve):
        assert heard(client, story.id) == WHOLE
    for client in (ann, tablet):
        assert client.stories == [
            ("STORY_CREATED", story.id, "ann"),
            ("STORY_VIEWED", story.id, "bob"),
            ("STORY_EXPIRED", story.id, "ann"),
        ]
    assert dan.stories == []
    await world.heal()
    await check_everything(world)


@simulated()
async def test_a_story_for_chosen_ones_is_for_those_of_them_that_are_contacts(world: World) -> None:
    ann, bob, eve, dan = await friends(world)
    story = await post(world, "ann", "n1", audience=["bob", "dan"])
    await world.settle(0.1)
    assert [await shown(world, who) for who in ("ann", "bob", "eve", "dan")] == [
        [story.id],
        [story.id],
        [],
        [],
    ]
    for who in ("eve", "dan"):
        with pytest.raises(ChatError, match="not found"):
            await call(world, "n2", who, "view", story.id)
    await world.direct("dan", "ann")
    assert await shown(world, "dan", "n2") == [story.id]
    await world.settle(STORY_TTL_S + 3)
    assert heard(ann, story.id) == heard(bob, story.id) == WHOLE
    assert eve.stories == []
    assert heard(dan, story.id) == ["STORY_EXPIRED"]  # a contact only since


@pytest.mark.parametrize("pair", [("ann", "bob"), ("bob", "ann")])
@simulated()
async def test_nothing_of_a_story_crosses_a_block(world: World, pair: tuple[str, str]) -> None:
    ann, bob, eve, _ = await friends(world)
    seen = await post(world, "ann", "n1")
    await world.settle(0.1)
    for who in ("bob", "eve"):
        await call(world, "n2", who, "view", seen.id)
    await world.settle(0.1)
    await world["n1"].core.stores.blocks.put(Block(user_id=pair[0], blocked_id=pair[1], at=START_MS))
    later = await post(world, "ann", "n1")
    await world.settle(0.1)
    assert await shown(world, "bob", "n2") == []
    assert sorted(await shown(world, "eve", "n2")) == sorted([seen.id, later.id])
    with pytest.raises(ChatError, match="not found"):
        await call(world, "n2", "bob", "view", later.id)
    viewers = await call(world, "n1", "ann", "viewers", seen.id, PageQuery())
    assert [viewer.user_id for viewer in viewers.items] == ["eve"]
    await world.settle(STORY_TTL_S + 3)
    assert bob.stories == [("STORY_CREATED", seen.id, "ann")]
    assert heard(eve, later.id) == heard(ann, later.id) == WHOLE


@simulated()
async def test_a_deleted_story_ends_at_once_for_everyone(world: World) -> None:
    ann, bob, _, _ = await friends(world)
    story = await post(world, "ann", "n1")
    await world.settle(0.1)
    with pytest.raises(ChatError, match="owner only"):
        await call(world, "n2", "bob", "delete", story.id)
    await call(world, "n2", "ann", "delete", story.id)
    assert await shown(world, "bob") == await shown(world, "ann") == []
    for name, *rest in (("delete",), ("view",), ("viewers", PageQuery())):
        with pytest.raises(ChatError, match="not found"):
            await call(world, "n1", "ann", name, story.id, *rest)
    await world.settle(0.1)
    assert heard(ann, story.id) == heard(bob, story.id) == WHOLE
    await world.settle(STORY_TTL_S + LEASE + 3)
    assert heard(ann, story.id) == heard(bob, story.id) == WHOLE


@simulated()
async def test_nobody_sees_a_story_from_the_moment_of_its_end_whether_or_not_anybody_announced_it(
    world: World,
) -> None:
    ann, bob, _, _ = await friends(world)
    story = await post(world, "ann", "n1")
    ends = trio.current_time() + STORY_TTL_S

    async def never() -> None:
        await trio.sleep_forever()

    world.hook = lambda node, store, step: never() if step == "claim_stories:before" else None
    await trio.sleep_until(ends - 0.01)
    assert await shown(world, "bob") == [story.id]
    await trio.sleep_until(ends)
    assert await shown(world, "bob") == await shown(world, "ann") == []
    with pytest.raises(ChatError, match="not found"):
        await call(world, "n2", "bob", "view", story.id)
    assert heard(bob, story.id) == heard(ann, story.id) == ["STORY_CREATED"]


# -- what goes wrong -----------------------------------------------------------------------------------------------------


@simulated(nodes=3, seeds=6)
async def test_what_the_bus_loses_is_told_from_the_record_once(world: World) -> None:
    ann, bob, eve, dan = await friends(world, 3)
    world.lose_rate = 0.5
    stories = [await post(world, "ann", f"n{number % 3 + 1}") for number in range(6)]
    for number, story in enumerate(stories):
        await call(world, f"n{number % 3 + 1}", "bob", "view", story.id)
    deleted = await post(world, "ann", "n1")
    await call(world, "n2", "ann", "delete", deleted.id)
    await world.settle(STORY_TTL_S + 3)
    world.lose_rate = 0.0
    await world.settle(4 * HEARTBEAT_S + LEASE_S)
    for story in stories:
        assert heard(bob, story.id) == heard(eve, story.id) == WHOLE
        assert sorted(heard(ann, story.id)) == sorted([*WHOLE, "STORY_VIEWED"])
    for client in (ann, bob, eve):
        assert heard(client, deleted.id) in (
            WHOLE,
            WHOLE[1:],
        )  # of one that is over nobody is told that it began
    assert dan.stories == []


@simulated(nodes=3, seeds=6)
async def test_what_the_bus_repeats_or_brings_late_and_out_of_order_is_told_once(world: World) -> None:
    ann, bob, eve, _ = await friends(world, 3)
    world.repeat_rate, world.latest_s = 0.5, 2.0
    stories = [await post(world, "ann", f"n{number % 3 + 1}") for number in range(6)]
    for number, story in enumerate(stories):
        await call(world, f"n{number % 3 + 1}", "bob", "view", story.id)
        await call(world, f"n{number % 3 + 1}", "ann", "delete", story.id)
    await world.settle(STORY_TTL_S)
    for story in stories:
        for client in (ann, bob, eve):
            assert heard(client, story.id).count("STORY_EXPIRED") == 1
            assert heard(client, story.id).count("STORY_CREATED") <= 1


@simulated(nodes=3)
async def test_while_redis_is_away_everyone_is_told_from_the_record_once(world: World) -> None:
    ann, bob, eve, _ = await friends(world, 3)
    before = await post(world, "ann", "n1")
    await world.settle(1)
    world.redis.faults.down = True
    story = await post(world, "ann", "n2")
    await call(world, "n3", "bob", "view", story.id)
    await world.settle(3 * HEARTBEAT_S)
    assert heard(bob, story.id) == heard(eve, story.id) == ["STORY_CREATED"]
    assert heard(ann, story.id) == ["STORY_CREATED", "STORY_VIEWED"]
    await world.settle(STORY_TTL_S + 3 * HEARTBEAT_S)
    world.redis.faults.down = False
    await world.settle(3 * LEASE_S)
    for each in (before, story):
        assert heard(bob, each.id) == heard(eve, each.id) == WHOLE
    await world.heal()
    await check_everything(world)


@simulated(nodes=2)
async def test_what_ends_while_the_record_is_away_is_told_once_it_is_back(world: World) -> None:
    ann, bob, eve, _ = await friends(world)
    story = await post(world, "ann", "n1")
    await world.settle(STORY_TTL_S - 5)
    world.mongo.faults.down = True
    await world.settle(20)
    assert heard(bob, story.id) == ["STORY_CREATED"]
    world.mongo.faults.down = False
    await world.settle(5)
    for client in (ann, bob, eve):
        assert heard(client, story.id) == WHOLE


@simulated(nodes=2, seeds=6)
async def test_whatever_a_shaky_record_does_each_is_told_once(world: World) -> None:
    clients = await friends(world)
    world.mongo.fail_rate = world.mongo.lose_reply_rate = 0.15
    made: list[str] = []
    for number in range(5):
        try:
            made.append((await post(world, "ann", f"n{number % 2 + 1}", client_id=f"c{number}")).id)
        except Exception:  # noqa: BLE001 - it may be there, or not
            continue
    await world.settle(LEASE + 20)
    world.mongo.clear()
    await world.settle(STORY_TTL_S + 2 * LEASE)
    stored = list(world.record.stories)
    assert set(made) <= set(stored)
    for story_id in stored:
        for client in clients[:3]:
            assert heard(client, story_id) == WHOLE, client


@simulated(nodes=3)
async def test_whoever_moves_to_another_node_is_not_told_again_of_what_happened_before(world: World) -> None:
    _, bob, eve, _ = await friends(world, 3)
    story = await post(world, "ann", "n1")
    await call(world, "n1", "ann", "view", story.id)
    await world.settle(0.1)
    await bob.connect(world["n3"])
    world["n2"].kill()
    await world.settle(LEASE_S + 3 * HEARTBEAT_S)  # now n3 has asked the record what it may have missed
    assert await shown(world, "bob", "n3") == [story.id]
    assert heard(bob, story.id) == heard(eve, story.id) == ["STORY_CREATED"]


@simulated(nodes=2)
async def test_a_story_that_ends_while_every_node_is_down_is_announced_by_the_first_that_starts(
    world: World,
) -> None:
    ann, bob, _, _ = await friends(world)
    story = await post(world, "ann", "n1")
    await world.settle(1)
    for name in ("n1", "n2"):
        world[name].kill()
        await world[name].over.wait()
    await world.settle(STORY_TTL_S)
    await world.start("n1")
    await bob.connect(world["n1"])
    await world.settle(LEASE + 5)
    assert heard(bob, story.id) in (WHOLE, ["STORY_CREATED"])
    assert world.record.stories[story.id].next is None
    assert await shown(world, "bob") == []
    assert heard(ann, story.id) == ["STORY_CREATED"]


@simulated(nodes=2)
async def test_a_node_without_the_role_announces_what_it_has_written_and_leaves_the_rest(
    world: World,
) -> None:
    world["n1"].kill()
    await world["n1"].over.wait()
    both = world.settings
    world.settings = structs_like(both, frozenset(NodeRole) - {NodeRole.STORIES})
    await world.start("n1")
    world["n2"].kill()
    await world["n2"].over.wait()
    await world.direct("ann", "bob")
    bob = await world.online("bob", "n1")
    story = await post(world, "ann", "n1")
    await world.settle(STORY_TTL_S + 5)
    assert heard(bob, story.id) == ["STORY_CREATED"]
    world.settings = both
    await world.start("n2")
    await world.settle(5)
    assert heard(bob, story.id) == WHOLE


def structs_like(settings: Any, roles: frozenset[NodeRole]) -> Any:
    return settings.model_copy(update={"roles": roles})


# -- a node dies at any step ---------------------------------------------------------------------------------------------


def told_once(world: World, clients: list[Client]) -> None:
    """Each story that is there was announced, from its beginning to its end, once to each of these, who were connected all the time."""
    for story_id in world.record.stories:
        for client in clients:
            assert heard(client, story_id) == WHOLE, f"{client}: {client.stories}"


async def _post_and_die(world: World) -> None:
    _, bob, _, _ = await friends(world)
    laptop = await world.online("ann", "n2", "laptop")
    world.begin()
    try:
        await post(world, "ann", "n1")
        await world.settle(0.5)
    except (Disconnected, ChatError):
        pass
    world.begun = False
    await world.settle(LEASE + 3)
    for story_id in world.record.stories:
        assert heard(bob, story_id) == ["STORY_CREATED"]
    await world.settle(STORY_TTL_S + 2)
    told_once(world, [bob, laptop])
    await world.heal()
    await check_everything(world)


@pytest.mark.slow
def test_the_posters_node_may_die_at_any_step() -> None:
    steps = at_every_step(_post_and_die, "n1")
    assert {"add_story:after", "publish:before", "publish:after", "told_stories:before"} <= set(steps)


@simulated(nodes=2)
async def test_another_node_tells_of_a_story_within_a_lease_of_its_authors_node_dying(world: World) -> None:
    _, bob, _, _ = await friends(world)
    await world.settle(30)  # long after anything happened the nodes are as attentive

    def hook(node: Node, store: str, step: str) -> None:
        if step == "add_story:after":
            node.kill()

    world.hook = hook
    with pytest.raises(Disconnected):
        await post(world, "ann", "n1")
    (story_id,) = world.record.stories
    await world.settle(LEASE + 1)
    assert heard(bob, story_id) == ["STORY_CREATED"]
    assert world.record.stories[story_id].next == "ended", "its announcement is not done with"


async def _view_and_die(world: World) -> None:
    await world.direct("ann", "bob")
    ann, bob = await world.online("ann", "n2"), await world.online("bob", "n1")
    story = await post(world, "ann", "n2")
    await world.settle(1)
    world.begin()
    try:
        await call(world, "n1", "bob", "view", story.id)
        await world.settle(0.5)
    except (Disconnected, ChatError):
        pass
    world.begun = False
    await world.settle(LEASE + 3)
    seen = [("STORY_VIEWED", story.id, "bob")] if world.record.story_views else []
    assert [news for news in ann.stories if news[0] == "STORY_VIEWED"] == seen
    await world.settle(STORY_TTL_S)
    assert heard(ann, story.id) == ["STORY_CREATED", *(event for event, _, _ in seen), "STORY_EXPIRED"]
    assert bob.stories[0] == ("STORY_CREATED", story.id, "ann")


@pytest.mark.slow
def test_the_viewers_node_may_die_at_any_step() -> None:
    steps = at_every_step(_view_and_die, "n1")
    assert {"add_view:after", "publish:after", "told_views:before"} <= set(steps)


async def _expire_and_die(world: World) -> None:
    ann, bob, eve, _ = await friends(world)
    of_ann = await post(world, "ann", "n1")
    of_bob = await post(world, "bob", "n2")
    await world.settle(STORY_TTL_S - 1)
    world.begin()
    await world.settle(3)
    world.begun = False
    await world.settle(LEASE + 3)
    for story_id, clients in ((of_ann.id, (ann, bob, eve)), (of_bob.id, (ann, bob))):
        assert world.record.stories[story_id].next is None
        for client in clients:
            stayed = client.closed_with is None
            assert heard(client, story_id) in ((WHOLE,) if stayed else (WHOLE, WHOLE[:1])), client
    assert heard(eve, of_bob.id) == []


@pytest.mark.slow
def test_a_node_that_announces_the_end_may_die_at_any_step() -> None:
    steps = {*at_every_step(_expire_and_die, "n1"), *at_every_step(_expire_and_die, "n2")}
    assert {"claim_stories:after", "publish:before", "publish:after", "told_stories:after"} <= steps


async def _delete_and_die(world: World) -> None:
    _, bob, _, _ = await friends(world)
    story = await post(world, "ann", "n1")
    await world.settle(1)
    world.begin()
    try:
        await call(world, "n1", "ann", "delete", story.id)
        await world.settle(0.5)
    except (Disconnected, ChatError):
        pass
    world.begun = False
    await world.settle(LEASE + 3)
    ended = world.record.stories[story.id].story.deleted
    assert heard(bob, story.id) == (WHOLE if ended else ["STORY_CREATED"])
    await world.settle(STORY_TTL_S + 3)
    told_once(world, [bob])


@pytest.mark.slow
def test_a_node_that_deletes_a_story_may_die_at_any_step() -> None:
    steps = at_every_step(_delete_and_die, "n1")
    assert {"end_story:after", "publish:after", "told_stories:before"} <= set(steps)


@simulated(nodes=1, seeds=1)
async def test_what_is_over_is_forgotten_in_the_end(world: World) -> None:
    await friends(world, 1)
    story = await post(world, "ann", "n1")
    await call(world, "n1", "bob", "view", story.id)
    await world.settle(STORY_TTL_S + 3)
    kept = world.record.stories[story.id]
    assert kept.over_at is not None
    kept.over_at -= KEEP_MS
    await world.settle(PURGE_S + 2)
    assert world.record.stories == {}
    assert world.record.story_views == {}
