"""A client that somebody else wrote for Phoenix, in Python on asyncio, against a running node: `phoenix-channels-python-client`."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

import pytest
from phoenix_channels_python_client import PHXChannelsClient
from phoenix_channels_python_client.exceptions import PHXConnectionError, PHXTopicError
from phoenix_channels_python_client.phx_messages import ChannelMessage, UserEvent
from phoenix_channels_python_client.utils import make_message

from tests.integration.clients import text_message
from tests.integration.nodes import HOST, Account, Cluster, Node

pytestmark = pytest.mark.real

PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def node(cluster: Cluster) -> Node:
    return cluster.start()


class Client:
    """The client, and what an application does around it: pushes by `ref`, and everything that arrives in queues by event."""

    def __init__(self, account: Account, **options: Any) -> None:
        url = f"ws://{HOST}:{account.node.port}/socket/websocket?token={account.token}"
        self.phoenix = PHXChannelsClient(url, "unused", **options)
        self._refs = (f"app-{number}" for number in count(1))
        self._arrived: dict[str, asyncio.Queue[ChannelMessage]] = {}

    def _queue(self, event: str) -> asyncio.Queue[ChannelMessage]:
        return self._arrived.setdefault(event, asyncio.Queue())

    async def _take_in(self, message: ChannelMessage) -> None:
        self._queue(str(message.event)).put_nowait(message)

    async def join(self, topic: str = "me") -> None:
        await self.phoenix.subscribe_to_topic(topic, self._take_in)

    async def push(self, event: str, payload: dict[str, Any], topic: str = "me") -> dict[str, Any]:
        """The whole payload of the answer, with its status."""
        ref = next(self._refs)
        join_ref = self.phoenix.get_current_subscriptions()[topic].join_ref
        message = make_message(UserEvent(event), topic, ref, payload, join_ref)
        assert self.phoenix.connection is not None
        await self.phoenix.get_protocol_handler().send_message(self.phoenix.connection, message)
        answer = await self._queue("phx_reply").get()
        assert answer.ref == ref
        found: dict[str, Any] = answer.payload
        return found

    async def event(self, name: str) -> dict[str, Any]:
        """The payload of the next event."""
        found: dict[str, Any] = (await self._queue(name).get()).payload
        return found

    def hear_broadcasts(self) -> None:
        """Take broadcasts in as phoenix.js does.

        A broadcast carries no `join_ref`, from Phoenix as from here (`Phoenix.Socket.V2.JSONSerializer.fastlane!`). This client (0.4.1) takes it for one of
        an earlier join and drops it, so it is given the one that it waits for.
        """
        handler = self.phoenix.get_protocol_handler()
        parse = handler.parse_message

        def parsed(raw: str | bytes) -> ChannelMessage:
            message = parse(raw)
            joined = self.phoenix.get_current_subscriptions().get(message.topic)
            if message.join_ref is None and joined is not None:
                return message.model_copy(update={"join_ref": joined.join_ref})
            return message

        handler.parse_message = parsed


def run(conversation: Callable[[], Awaitable[None]]) -> None:
    async def timed() -> None:
        async with asyncio.timeout(PATIENCE_S):
            await conversation()

    asyncio.run(timed())


def test_it_connects_joins_pushes_and_leaves(cluster: Cluster, node: Node) -> None:
    ana = cluster.sign_up(node)
    chat_id = ana.group(cluster.sign_up(node, "Ben"))

    async def conversation() -> None:
        client = Client(ana)
        async with client.phoenix:
            await client.join()
            body = text_message(chat_id, "hello", secrets.token_hex(8))
            first, repeated = await client.push("message:send", body), await client.push("message:send", body)
            assert first == repeated
            assert (first["status"], first["response"]["message"]["seq"]) == ("ok", 1)
            wrong = await client.push("message:read", {"chat_id": chat_id, "seq": 7})
            assert (wrong["status"], wrong["response"]["code"]) == ("error", "not_found")
            await client.join(f"chat:{chat_id}")
            assert (await client.push("typing", {"state": "start"}, f"chat:{chat_id}"))["status"] == "ok"
            await client.phoenix.unsubscribe_from_topic(f"chat:{chat_id}")
            assert client.phoenix.is_topic_joined("me")

    run(conversation)


def test_it_hears_of_what_others_do(cluster: Cluster, node: Node) -> None:
    ana, ben = cluster.sign_up(node, "Ana"), cluster.sign_up(node, "Ben")
    chat_id = ana.group(ben)

    async def conversation() -> None:
        client, other = Client(ana), Client(ben)
        client.hear_broadcasts()
        async with client.phoenix, other.phoenix:
            await client.join()
            await other.join()
            sent = await other.push("message:send", text_message(chat_id, "здравствуй", "1"))
            assert await client.event("MESSAGE_SENT") == sent["response"]

    run(conversation)


def test_it_is_told_when_it_may_not_join_or_not_connect(cluster: Cluster, node: Node) -> None:
    ana = cluster.sign_up(node)
    foreign = cluster.sign_up(node).group()

    async def conversation() -> None:
        client = Client(ana)
        async with client.phoenix:
            with pytest.raises(PHXTopicError):
                await client.join(f"chat:{foreign}")
            await client.join()
        ana.session["access_token"] += "x"
        with pytest.raises(PHXConnectionError):
            await Client(ana, auto_reconnect=False).phoenix.__aenter__()

    run(conversation)


def test_its_heartbeats_are_answered(cluster: Cluster, node: Node) -> None:
    ana = cluster.sign_up(node)

    async def conversation() -> None:
        beats: asyncio.Queue[None] = asyncio.Queue()
        client = Client(ana, heartbeat_interval_s=0.05, on_heartbeat_ack=lambda: beats.put_nowait(None))
        async with client.phoenix:
            for _ in range(3):
                await beats.get()

    run(conversation)
