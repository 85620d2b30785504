"""`Bus`: what `persistence.ports` promises of what is published and arrives, in memory and in Redis."""

from __future__ import annotations

import trio

from persistence.models import Envelope
from tests.contracts.nodes import Nodes, letters, numbered
from tests.contracts.pair import pair


async def test_events_published_once_follow_has_returned_arrive(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    await b.bus.follow(["t", "u"])
    await a.bus.publish(letters("t", 1))
    await a.bus.publish(letters("u", 2))
    await nodes.settle()
    assert b.got == [*letters("t", 1), *letters("u", 2)]
    assert not b.lost


async def test_following_works_before_the_first_heartbeat(nodes: Nodes) -> None:
    (a,) = await nodes.start("a")
    early = await nodes._make("early")
    nodes.all.append(early)
    await early.bus.follow(["t"])
    await nodes.resume_reading(early)
    await a.bus.publish(letters("t", 1))
    await nodes.settle()
    assert early.texts == ["1"]
    assert not early.lost
    assert early.name in await a.cluster.nodes()


async def test_events_go_to_the_nodes_that_follow_their_topic_and_to_no_other(nodes: Nodes) -> None:
    a, b, c, bystander = await nodes.start("a", "b", "c", "bystander")
    await b.bus.follow(["t"])
    await c.bus.follow(["u"])
    await a.bus.publish([*letters("t", 1), *letters("u", 2), *letters("t", 3), *letters("nobody", 4)])
    await nodes.settle()
    assert (b.texts, c.texts) == (["1", "3"], ["2"])
    assert bystander.deliveries == []


async def test_events_never_come_back_to_the_node_that_published_them(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    await a.bus.follow(["t"])
    await b.bus.follow(["t"])
    await a.bus.publish(letters("t", 1))
    await b.bus.publish(letters("t", 2))
    await nodes.settle()
    assert (a.texts, b.texts) == (["2"], ["1"])


async def test_a_topic_can_be_followed_by_many(nodes: Nodes) -> None:
    a, *others = await nodes.start("a", *"bcdefg")
    for node in others:
        await node.bus.follow(["t"])
    await a.bus.publish(letters("t", 1, 2))
    await nodes.settle()
    assert [node.texts for node in others] == [["1", "2"]] * len(others)


async def test_the_events_of_one_node_stay_in_order(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    topics = ["t", "u", "v"]
    await b.bus.follow(topics)
    sent = numbered(topics, range(3_000))
    for start, end in ((0, 1), (1, 40), (40, 41), (41, 2_500), (2_500, 3_000)):
        await a.bus.publish(sent[start:end])
        await a.cluster.heartbeat()
    await nodes.settle()
    assert b.got == sent
    assert not b.lost


async def test_publications_begun_together_arrive_whole(nodes: Nodes) -> None:
    a, b, c = await nodes.start("a", "b", "c")
    await c.bus.follow(["t"])
    async with trio.open_nursery() as nursery:
        for number in range(20):
            for node in (a, b):
                nursery.start_soon(node.bus.publish, letters("t", f"{node.name} {number}", "end"))
    await nodes.settle()
    assert len(c.texts) == 80
    assert set(c.texts[1::2]) == {"end"}
    assert not c.lost


async def test_topics_and_data_arrive_byte_for_byte(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    sent = [
        Envelope("c:ä✓", bytes(range(256))),
        Envelope("c:ä✓", b""),
        Envelope("x" * 1_000, b"\x00" * 100_000),
    ]
    await b.bus.follow([envelope.topic for envelope in sent])
    await a.bus.publish(sent)
    await nodes.settle()
    assert b.got == sent


async def test_publishing_nothing_is_nothing(nodes: Nodes) -> None:
    a, b = await pair(nodes)
    await a.bus.publish([])
    await a.bus.publish(letters("t", 1))
    await nodes.settle()
    assert b.texts == ["1"]
    assert not b.lost


async def test_after_unfollow_nothing_arrives_any_more(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    await b.bus.follow(["t", "u"])
    await b.bus.unfollow(["t", "never followed"])
    await a.bus.publish([*letters("t", 1), *letters("u", 2)])
    await nodes.settle()
    assert b.texts == ["2"]


async def test_following_twice_delivers_once(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    await b.bus.follow(["t", "t"])
    await b.bus.follow(["t"])
    await a.bus.publish(letters("t", 1))
    await nodes.settle()
    assert b.texts == ["1"]


async def test_a_node_can_follow_thousands_of_topics_at_once(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    topics = [f"t{number}" for number in range(2_345)]
    await b.bus.follow(topics)
    assert all(await a.bus.followed(topics))
    await a.bus.publish([Envelope(topic, b"") for topic in topics])
    await nodes.settle()
    assert [envelope.topic for envelope in b.got] == topics
    await b.bus.unfollow(topics)
    assert not any(await a.bus.followed(topics))


async def test_followed_tells_whether_any_node_follows_a_topic_this_one_included(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    await a.bus.follow(["mine"])
    await b.bus.follow(["theirs", "former"])
    await b.bus.unfollow(["former"])
    assert await a.bus.followed(["mine", "theirs", "former", "never"]) == [True, True, False, False]
    nodes.expire(b)
    await a.cluster.bury()
    assert await a.bus.followed(["theirs", "mine"]) == [False, True]


async def test_an_interrupted_reader_goes_on_where_it_stopped(nodes: Nodes) -> None:
    a, b = await pair(nodes)
    await b.stop_reading()
    await a.bus.publish(letters("t", 1, 2))
    await nodes.resume_reading(b)
    await a.bus.publish(letters("t", 3))
    await nodes.settle()
    assert b.texts == ["1", "2", "3"]
    assert not b.lost


async def test_in_a_long_normal_run_no_loss_is_reported(nodes: Nodes) -> None:
    """Several publishers, heartbeats, topics that come and go, nodes that join and leave."""
    running = await nodes.start("a", "b", "c", "d")
    for node in running:
        await node.bus.follow(["t"])
    sent: dict[str, list[str]] = {node.name: [] for node in running}
    for number in range(200):
        for node in running:
            texts = [f"{node.name} {number}.{part}" for part in range(number % 3 + 1)]
            await node.bus.publish(letters("t", *texts))
            sent[node.name] += texts
        if number % 5 == 0:
            for node in nodes.all:
                await node.cluster.heartbeat()
        if number % 20 == 0:
            await running[0].bus.follow([f"extra {number}"])
            await running[1].bus.unfollow([f"extra {number}"])
        if number == 100:
            (late,) = await nodes.start("late")
            await late.bus.follow(["t"])
        if number == 150:
            nodes.all.remove(late)
            await late.stop_reading()
            await late.cluster.leave()
        assert await running[number % 4].cluster.bury() == []
    await nodes.settle()
    for node in running:
        assert not node.lost
        for other in running:
            got = [text for text in node.texts if text.startswith(other.name)]
            assert got == ([] if other is node else sent[other.name])
    assert not late.lost
    assert len(late.texts) >= 50 * 4
