"""Stories and live locations between real nodes, of which one dies: who is told what, once, over the sockets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trio

from tests.integration.clients import Device, joined
from tests.integration.nodes import Account, Cluster, Node

pytestmark = pytest.mark.real

TTL_S = 4
TEXT = {"type": "text", "content": {"text": "hello"}}


@pytest.fixture(scope="module")
def nodes(cluster: Cluster) -> list[Node]:
    return cluster.start_many(2, STORY_TTL_S=str(TTL_S))


@pytest.fixture
def people(cluster: Cluster, nodes: list[Node]) -> tuple[Account, Account, str]:
    """Ana at the first node, Ben at the second, and the id of their chat."""
    ana, ben = cluster.sign_up(nodes[0]), cluster.sign_up(nodes[1])
    chat = ana.ask("POST", "/chats", {"type": "direct", "user_id": ben.id})
    return ana, ben, chat["id"]


async def told(device: Device, name: str, story_id: str) -> Any:
    """The event of this name about a story, of which there must be one."""
    with trio.fail_after(TTL_S + 40):
        payload = await device.event(name)
    assert payload.get("story", {"id": payload.get("story_id")})["id"] == story_id
    return payload


async def nothing_more(device: Device, seconds: float) -> None:
    """What comes within this time tells nothing of stories."""
    with trio.move_on_after(seconds):
        await device.take(lambda message: message.event.startswith("STORY_"))
        pytest.fail("told once more of a story")


async def test_a_story_begins_is_seen_and_ends_for_everyone_on_both_nodes_once(
    people: tuple[Account, Account, str],
) -> None:
    ana, ben, _ = people
    async with joined(ana) as phone, joined(ana, ben.node) as laptop, joined(ben) as other:
        story = ana.ask("POST", "/stories", TEXT)
        created = await told(other, "STORY_CREATED", story["id"])
        assert created["story"] == {k: v for k, v in story.items() if k != "audience"} | {"seen": False}
        (group,) = ben.ask("GET", "/stories")["items"]
        assert (group["user_id"], group["unseen"]) == (ana.id, 1)
        for _ in range(2):
            ben.ask("PUT", f"/stories/{story['id']}/view")
        for device in (phone, laptop):
            await told(device, "STORY_CREATED", story["id"])
            viewed = await told(device, "STORY_VIEWED", story["id"])
            assert viewed["user_id"] == ben.id
        assert [v["user_id"] for v in ana.ask("GET", f"/stories/{story['id']}/views")["items"]] == [ben.id]
        for device in (phone, laptop, other):
            assert (await told(device, "STORY_EXPIRED", story["id"]))["user_id"] == ana.id
        assert ben.ask("GET", "/stories")["items"] == []
        assert ben.call("PUT", f"/stories/{story['id']}/view").status == 404
        for device in (phone, laptop, other):
            await nothing_more(device, 1)


async def test_a_live_location_goes_on_from_another_node_and_ends_in_the_record(
    people: tuple[Account, Account, str], nodes: list[Node]
) -> None:
    ana, ben, chat_id = people
    topic = f"chat:{chat_id}"
    until = (datetime.now(UTC) + timedelta(seconds=60)).isoformat()
    body = {
        "chat_id": chat_id,
        "client_id": "live",
        "type": "location",
        "content": {"lat": 1, "lng": 2, "live_until": until},
    }
    async with joined(ben) as watching:
        await watching.join(topic)
        async with joined(ana) as phone:
            await phone.join(topic)
            status, sent = await phone.ask("me", "message:send", body)
            assert status == "ok"
            seq = sent["message"]["seq"]
            assert await phone.ask(topic, "location:update", {"seq": seq, "lat": 3, "lng": 4}) == ("ok", {})
        assert (await watching.event("LOCATION_UPDATED", topic))["lat"] == 3
        ana.node = nodes[1]
        async with joined(ana) as phone, joined(ben, nodes[0]) as late:
            await phone.join(topic)
            status, _ = await phone.ask(topic, "location:update", {"seq": seq, "lat": 5, "lng": 6})
            assert status == "ok"
            assert (await watching.event("LOCATION_UPDATED", topic))["lat"] == 5
            await late.join(topic)
            assert (await late.event("LOCATION_UPDATED", topic))["lat"] == 5
            status, stopped = await phone.ask(topic, "location:stop", {"seq": seq})
            assert (status, stopped["message"]["content"]["lat"]) == ("ok", 5)
            assert (await watching.event("MESSAGE_EDITED"))["message"]["content"]["lng"] == 6
            status, refused = await phone.ask(topic, "location:update", {"seq": seq, "lat": 7, "lng": 8})
            assert (status, refused["code"]) == ("error", "conflict")


async def test_a_story_ends_once_also_when_the_node_that_it_was_posted_on_is_killed(
    people: tuple[Account, Account, str], nodes: list[Node]
) -> None:
    ana, ben, _ = people
    async with joined(ben) as device:
        story = ana.ask("POST", "/stories", TEXT)
        nodes[0].kill()
        await told(device, "STORY_CREATED", story["id"])
        await told(device, "STORY_EXPIRED", story["id"])
        await nothing_more(device, 5)
