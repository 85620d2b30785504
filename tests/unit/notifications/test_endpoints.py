"""Where pushes may go, and what they say."""

from __future__ import annotations

import socket
from ipaddress import ip_address, ip_network
from typing import Any

import httpcore
import msgspec
import pytest
import trio
import trio.testing

from handlers.errors import ChatError
from handlers.notifications.egress import ForbiddenAddress, GuardedNetwork
from handlers.notifications.endpoints import Reach, parse
from handlers.notifications.jobs import Push
from handlers.notifications.payload import MOST_TEXT, Preview, payload, topic
from persistence.models import Message, MessageType, PushSubscription

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
PUSH = Push("chat", 3, 7, "bob", "s", 0, True)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://push.example.org/a/b?c#d", "https://push.example.org"),
        ("https://Push.Example.org:443/x", "https://push.example.org"),
        ("https://push.example.org:8443/x", "https://push.example.org:8443"),
        ("http://127.0.0.1:9000/x", "http://127.0.0.1:9000"),
        ("https://[2606:4700::1]/x", "https://[2606:4700::1]"),
    ],
)
def test_the_origin_is_what_a_token_is_for(url: str, origin: str) -> None:
    assert parse(url).origin == origin


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/x",
        "https://127.0.0.1/x",
        "http://[::1]:1/x",
        "http://localhost:1/x",
        "https://localhost/x",
        "https://push.example.org/x",
        "https://93.184.216.34/x",
    ],
)
def test_networks_that_are_named_are_as_good_as_public(url: str) -> None:
    Reach(LOOPBACK).check(parse(url))


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1/", "https://10.0.0.1/", "http://push.example.org/", "http://93.184.216.34/"]
)
def test_others_are_not(url: str) -> None:
    with pytest.raises(ChatError):
        Reach(LOOPBACK).check(parse(url))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "240.0.0.1", "255.255.255.255",
        "::1", "::", "fe80::1", "fc00::1", "::ffff:10.0.0.1", "2002:7f00:1::", "ff02::1",
    ],
)  # fmt: skip
def test_no_address_that_is_not_public(address: str) -> None:
    assert not Reach(()).public(ip_address(address))


class Names:
    """A resolver in which names mean what a test says."""

    def __init__(self, **names: list[str]) -> None:
        self.names = names
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int, **options: Any) -> list[Any]:
        await trio.lowlevel.checkpoint()
        self.asked.append(host)
        if host not in self.names:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in self.names[host]]


@pytest.mark.parametrize("addresses", [["10.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["169.254.169.254"]])
async def test_a_name_that_means_a_private_address_is_not_connected_to(
    monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    monkeypatch.setattr(trio.socket, "getaddrinfo", Names(evil=addresses))
    with pytest.raises(ForbiddenAddress):
        await GuardedNetwork(Reach(())).connect_tcp("evil", 443)


async def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names(good=["93.184.216.34"])
    tried: list[str] = []

    async def connect(self: Any, host: str, *_: Any) -> Any:
        await trio.lowlevel.checkpoint()
        tried.append(host)
        names.names["good"] = ["10.0.0.1"]  # it means something else by now
        raise httpcore.ConnectError("nobody there")

    monkeypatch.setattr(trio.socket, "getaddrinfo", names)
    monkeypatch.setattr(httpcore.TrioBackend, "connect_tcp", connect)
    with pytest.raises(httpcore.ConnectError, match="nobody there"):
        await GuardedNetwork(Reach(())).connect_tcp("good", 443)
    assert (tried, names.asked) == (["93.184.216.34"], ["good"])


async def test_a_name_that_means_nothing_may_mean_something_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trio.socket, "getaddrinfo", Names())
    with pytest.raises(httpcore.ConnectError) as caught:
        await GuardedNetwork(Reach(())).connect_tcp("unknown", 443)
    assert not isinstance(caught.value, ForbiddenAddress)


# -- what is said -----------------------------------------------------------------------------------------------------


def subscription(auth: bytes) -> PushSubscription:
    return PushSubscription(
        id="s", user_id="bob", device_id="d", endpoint="https://p/", p256dh=b"", auth=auth, created_at=0
    )


def test_a_notification_says_where_to_look_and_no_more() -> None:
    said = msgspec.json.decode(payload(PUSH, 4))
    assert said == {"type": "message", "chat_id": "chat", "seq": 7, "count": 4}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"text": "hi"}, "hi"),
        ({"caption": "look"}, "look"),
        ({"duration_ms": 1}, ""),
        ({"text": "x" * 500}, "x" * 139 + "…"),
    ],
)
def test_with_a_preview_it_says_who_wrote_what(content: dict[str, Any], text: str) -> None:
    message = Message(
        id="m", chat_id="chat", seq=7, rev=7, sender_id="ann", client_id="c", type=MessageType.TEXT, content=content, created_at=0
    )  # fmt: skip
    said = msgspec.json.decode(payload(PUSH, 1, Preview("Ann", message)))
    assert (said["from"], said["kind"], said["text"]) == ("Ann", "text", text)
    assert len(said["text"]) <= MOST_TEXT


def test_a_topic_is_one_per_chat_and_device_and_tells_nothing() -> None:
    one, other = subscription(b"a" * 16), subscription(b"b" * 16)
    elsewhere = msgspec.structs.replace(PUSH, chat_id="other")
    topics = {topic(PUSH, one), topic(PUSH, other), topic(elsewhere, one)}
    assert len(topics) == 3
    assert topic(msgspec.structs.replace(PUSH, seq=9), one) == topic(PUSH, one)
    for each in topics:
        assert 0 < len(each) <= 32
        assert set(each) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
