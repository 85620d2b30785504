"""Notifications, with real nodes and servers: from a message to what a device can read, whoever dies on the way.

`n1` takes messages and does not notify; `workers` do.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pymongo
import pytest

from tests.integration.nodes import Account, Cluster, Node
from tests.push_endpoint import BREAK, STALL, Device, PushEndpoint, push_endpoint
from tests.servers import Servers

pytestmark = [pytest.mark.real, pytest.mark.slow]

OTHERS = "api,realtime,media,stories"
SETTINGS = {"PUSH_NETWORKS": "127.0.0.0/8", "PUSH_TIMEOUT_S": "2", "HEAD_CHECK_S": "3600"}
RECLAIMED_S = 40.0
"""By then what a dead worker had taken has been done by another; its lease is 15 s."""


@pytest.fixture(scope="module")
def node(cluster: Cluster) -> Node:
    """The node that takes messages."""
    return cluster.start(ROLES=OTHERS, **SETTINGS)


@pytest.fixture
def worker(cluster: Cluster, node: Node) -> Iterator[Node]:
    """A node that notifies."""
    made = cluster.start(**SETTINGS)
    yield made
    made.stop()


@pytest.fixture
def service() -> Iterator[PushEndpoint]:
    with push_endpoint() as made:
        yield made


class Chat:
    """Ann, who writes, and members who are not connected."""

    def __init__(
        self, cluster: Cluster, node: Node, worker: Node, service: PushEndpoint, members: int
    ) -> None:
        self.service = service
        self._worker = worker
        self.ann = cluster.sign_up(node, "Ann")
        service.key = self._of_push(self.ann, "GET", "/push/key")["key"]
        self.members = list(cluster.sign_up_many(node, members))
        self.devices: list[Device] = []
        for account in self.members:
            self.subscribe(account)
        self.id = self.ann.group(*self.members)
        self.said = 0

    def _of_push(self, account: Account, method: str, path: str, body: Any = None) -> Any:
        """A call that only nodes with the role `notifications` serve."""
        return Account(self._worker, account.session, account.phone).ask(method, path, body)

    def subscribe(self, account: Account) -> Device:
        device = self.service.device(f"{account.id}-{len(self.devices)}")
        self._of_push(account, "POST", "/push/subscriptions", device.to_json())
        self.devices.append(device)
        return device

    def say(self, text: str = "hello", by: Account | None = None) -> int:
        self.said += 1
        body = {"client_id": f"c{self.said}", "type": "text", "content": {"text": text}}
        return int((by or self.ann).ask("POST", f"/chats/{self.id}/messages", body)["seq"])

    def last_told(self, device: Device) -> int:
        return max((each.said["seq"] for each in self.service.taken(device.name)), default=0)

    def all_told(self, seq: int) -> bool:
        return all(self.last_told(device) == seq for device in self.devices)


def test_who_is_not_connected_is_told_and_can_read_it(
    cluster: Cluster, node: Node, worker: Node, service: PushEndpoint
) -> None:
    chat = Chat(cluster, node, worker, service, 3)
    seq = chat.say()
    assert service.wait(lambda: chat.all_told(seq)), service.pushed
    for device in chat.devices:
        (pushed,) = service.taken(device.name)
        assert pushed.said == {"type": "message", "chat_id": chat.id, "seq": 1, "count": 1}
        assert pushed.headers["urgency"] == "high"
        assert chat.id not in pushed.headers["topic"]
    reader = chat.members[0]
    reader.ask("PUT", f"/chats/{chat.id}/read", {"seq": 1})
    chat.members[1].ask("PUT", f"/chats/{chat.id}/mute")
    seq = chat.say(by=reader)
    assert service.wait(lambda: chat.last_told(chat.devices[2]) == seq)
    assert service.taken(chat.devices[2].name)[-1].said["count"] == 2
    time.sleep(1)
    assert chat.last_told(chat.devices[0]) == chat.last_told(chat.devices[1]) == 1
    samples = worker.metrics()
    assert samples['push_tries_total{result="delivered"}'] == 4


def test_what_the_service_says_is_heeded(
    cluster: Cluster, node: Node, worker: Node, service: PushEndpoint, servers: Servers
) -> None:
    chat = Chat(cluster, node, worker, service, 6)
    gone, unknown, slow, ill, breaks, refused = (device.name for device in chat.devices)
    answers: dict[str, list[Any]] = {
        gone: [410],
        unknown: [404],
        slow: [(429, {"Retry-After": "4"}), 201],
        ill: [500, 503, 201],
        breaks: [BREAK, STALL, 201],
        refused: [413],
    }
    service.answer = lambda name, n: answers[name][min(n, len(answers[name])) - 1]
    chat.say()
    good = [slow, ill, breaks]
    assert service.wait(lambda: all(service.taken(name) for name in good)), service.pushed
    refusal, success = [each.at for each in service.pushed if each.device == slow]
    assert success - refusal >= 4
    assert [service.asked(name) for name in (ill, breaks)] == [3, 3]
    with pymongo.MongoClient[dict[str, Any]](servers.mongodb_uri) as client:
        db = client[cluster.database]
        left = {row["endpoint"].rpartition("/")[2] for row in db["push_subscriptions"].find()}
        assert {gone, unknown} & left == set()
        assert {slow, ill, breaks, refused} <= left
        (letter,) = [row for row in db["dead_letters"].find() if row["command"].get("chat_id") == chat.id]
        assert letter["reason"] == "413 the reason"
        tries = list(db["push_tries"].find({"chat_id": chat.id}))
        assert len(tries) == 3 + 2 + 3 + 3
    assert [service.asked(name) for name in (gone, unknown, refused)] == [1, 1, 1]


def test_a_service_that_is_down_gets_what_has_waited(
    cluster: Cluster, node: Node, worker: Node, service: PushEndpoint
) -> None:
    chat = Chat(cluster, node, worker, service, 2)
    service.die()
    for _ in range(3):
        chat.say()
    time.sleep(3)
    service.start()
    assert service.wait(lambda: chat.all_told(3)), service.pushed
    for device in chat.devices:
        assert service.taken(device.name)[-1].said["count"] == 3
        assert len({each.headers["topic"] for each in service.taken(device.name)}) == 1


def test_a_worker_that_is_killed_in_the_middle_loses_nobody_a_notification(
    cluster: Cluster, node: Node, worker: Node, service: PushEndpoint
) -> None:
    chat = Chat(cluster, node, worker, service, 20)
    half = {device.name for device in chat.devices[::2]}
    stalling = True
    service.answer = lambda name, n: STALL if stalling and name in half else 201
    for _ in range(3):
        chat.say()
    assert service.wait(lambda: all(service.asked(name) for name in half))
    worker.kill()
    stalling = False
    other = cluster.start(**SETTINGS)
    try:
        assert service.wait(lambda: chat.all_told(3), RECLAIMED_S), sorted(
            (device.name, chat.last_told(device)) for device in chat.devices
        )
        for device in chat.devices:
            told = service.taken(device.name)
            assert len({each.headers["topic"] for each in told}) == 1
            assert len(told) <= 3
    finally:
        other.stop()


def test_a_node_that_is_killed_after_it_has_written_loses_nobody_a_notification(
    cluster: Cluster, node: Node, worker: Node, service: PushEndpoint
) -> None:
    chat = Chat(cluster, node, worker, service, 2)
    writer = cluster.start(ROLES=OTHERS, **SETTINGS)
    try:
        for round_ in range(3):
            chat.ann.node = writer
            seq = chat.say()
            writer.kill()
            assert service.wait(lambda seq=seq: chat.all_told(seq), RECLAIMED_S), round_
            writer.start()
    finally:
        writer.stop()


def test_redis_that_comes_back_without_its_data_loses_nobody_a_notification(
    cluster: Cluster, node: Node, worker: Node, service: PushEndpoint, servers: Servers
) -> None:
    chat = Chat(cluster, node, worker, service, 2)
    service.answer = lambda *_: 429
    seq = chat.say()
    assert service.wait(lambda: all(service.asked(device.name) for device in chat.devices))
    servers.kill("redis")
    service.answer = lambda *_: 201
    later = chat.say()
    time.sleep(1)
    servers.launch("redis")
    assert service.wait(lambda: chat.all_told(later), RECLAIMED_S), (seq, later, service.pushed)
