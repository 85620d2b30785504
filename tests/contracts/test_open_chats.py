"""`OpenChats`: what `persistence.ports` promises, in memory and in Redis."""

from __future__ import annotations

import msgspec
import trio

from persistence.models import OpenChat
from tests.contracts.nodes import Node, Nodes
from tests.contracts.samples import AT


def entry(chat_id: str, node: Node, *, user: str = "ann", device: str = "phone", since: int = AT) -> OpenChat:
    """A device that has a chat open."""
    return OpenChat(chat_id=chat_id, user_id=user, device_id=device, node=node.name, since=since)


def ordered(entries: list[OpenChat]) -> list[OpenChat]:
    """In some order that is always the same."""
    return sorted(entries, key=lambda each: (each.chat_id, each.user_id, each.device_id, each.node))


async def test_every_node_sees_who_has_a_chat_open(nodes: Nodes) -> None:
    a, b = await nodes.start("a", "b")
    opened = [
        entry("c1", a),
        entry("c1", a, device="laptop", since=AT + 1),
        entry("c1", b, user="bob"),
        entry("c1", b),
    ]
    for each in opened:
        await a.open_chats.open(each)
    await b.open_chats.open(entry("c2", b, user="cid"))
    for node in (a, b):
        assert ordered(await node.open_chats.in_chat("c1")) == ordered(opened)
        assert await node.open_chats.in_chat("c2") == [entry("c2", b, user="cid")]
        assert await node.open_chats.in_chat("c3") == []


async def test_closing_removes_that_device_and_no_other(nodes: Nodes) -> None:
    (a,) = await nodes.start("a")
    phone, laptop = entry("c1", a), entry("c1", a, device="laptop")
    for each in (phone, laptop, entry("c2", a)):
        await a.open_chats.open(each)
    await a.open_chats.close(phone)
    await a.open_chats.close(phone)
    assert await a.open_chats.in_chat("c1") == [laptop]
    assert await a.open_chats.in_chat("c2") == [entry("c2", a)]


async def test_opening_again_is_the_same_device_with_the_newer_time(nodes: Nodes) -> None:
    (a,) = await nodes.start("a")
    first = entry("c1", a)
    again = msgspec.structs.replace(first, since=AT + 5)
    await a.open_chats.open(first)
    await a.open_chats.open(again)
    assert await a.open_chats.in_chat("c1") == [again]


async def test_a_dead_nodes_entries_are_removed_and_given_to_one_caller(nodes: Nodes) -> None:
    a, b, x = await nodes.start("a", "b", "x")
    dead = [
        entry("c1", x, since=AT + 3),
        entry("c2", x, user="bob"),
        entry("c2", x, user="bob", device="laptop"),
    ]
    for each in dead:
        await x.open_chats.open(each)
    await a.open_chats.open(entry("c1", a))
    found: list[list[OpenChat]] = []

    async def forget(node: Node) -> None:
        found.append(await node.open_chats.forget_node(x.name))

    async with trio.open_nursery() as nursery:
        for node in (a, b, a):
            nursery.start_soon(forget, node)
    assert [ordered(entries) for entries in found if entries] == [ordered(dead)]
    assert await a.open_chats.in_chat("c1") == [entry("c1", a)]
    assert await a.open_chats.in_chat("c2") == []


async def test_what_was_closed_before_is_not_given_back(nodes: Nodes) -> None:
    a, x = await nodes.start("a", "x")
    await x.open_chats.open(entry("c1", x))
    await x.open_chats.open(entry("c2", x))
    await x.open_chats.close(entry("c1", x))
    assert await a.open_chats.forget_node(x.name) == [entry("c2", x)]
    assert await a.open_chats.forget_node("never-heard-of") == []


async def test_entries_go_with_the_brokers_data_and_can_be_written_anew(nodes: Nodes) -> None:
    (a,) = await nodes.start("a")
    await a.open_chats.open(entry("c1", a))
    nodes.flush()
    assert await a.open_chats.in_chat("c1") == []
    await a.open_chats.open(entry("c1", a))
    assert await a.open_chats.in_chat("c1") == [entry("c1", a)]


async def test_whoever_opens_a_chat_is_buried_should_it_die(nodes: Nodes) -> None:
    """A node that was buried in error, opens a chat and dies before its next heartbeat leaves no ghost."""
    a, b = await nodes.start("a", "b")
    nodes.expire(b)
    await a.cluster.bury()
    await b.open_chats.open(entry("c1", b))
    nodes.expire(b)
    assert await a.cluster.bury() == [b.name]
    assert await a.open_chats.forget_node(b.name) == [entry("c1", b)]
