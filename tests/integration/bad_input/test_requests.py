"""What is no request, or has a body that is none, against a running node: its status, for that connection alone."""

from __future__ import annotations

import pytest

from tests.integration.bad_input.scene import Scene, unharmed
from tests.integration.clients import connect, handshake, read_all, read_head
from tests.integration.nodes import request

pytestmark = pytest.mark.real

HELLO_TLS = bytes.fromhex("16030100a5010000a10303") + bytes(160)
GARBAGE = {
    "nonsense": (400, b"hello\r\n\r\n"),
    "zeros": (400, bytes(64) + b"\r\n\r\n"),
    "a name without a version": (400, b"GET /\r\n\r\n"),
    "a header without a name": (400, b"GET /healthz HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n"),
    "no host": (400, b"GET /healthz HTTP/1.1\r\n\r\n"),
    "a length that is none": (
        400,
        b"POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    ),
    "two lengths": (
        400,
        b"POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{",
    ),
    "a handshake without a key": (
        400,
        handshake("TOKEN").replace(b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", b""),
    ),
    "an endless head": (431, b"GET / HTTP/1.1\r\nX: " + b"x" * 20_000),
    "an endless head of a handshake": (431, b"GET /socket/websocket HTTP/1.1\r\nX: " + b"x" * 20_000),
    "many short headers": (431, b"GET / HTTP/1.1\r\nHost: a\r\n" + b"a: b\r\n" * 10_000),
    "a body that is announced as too large": (
        413,
        b"POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 4294967296\r\n\r\n{",
    ),
}


@pytest.mark.parametrize("name", GARBAGE)
async def test_what_is_no_request_gets_its_status_and_ends_its_connection(scene: Scene, name: str) -> None:
    status, data = GARBAGE[name]
    async with unharmed(scene), await connect(scene.node.port) as stream:
        await stream.send_all(data.replace(b"TOKEN", scene.ana.token.encode()))
        answer = await read_all(stream)
        assert answer.startswith(b"HTTP/1.1 %d " % status), answer
        assert answer.endswith(b"}") or not answer.partition(b"\r\n\r\n")[2]


async def test_a_tls_hello_on_the_plain_port_is_hung_up_on(scene: Scene) -> None:
    async with unharmed(scene), await connect(scene.node.port) as stream:
        await stream.send_all(HELLO_TLS)
        await stream.send_eof()
        await read_all(stream)


async def test_a_body_nested_without_end_or_not_utf_8_is_a_400(scene: Scene) -> None:
    async with unharmed(scene, lines=0):
        for content in (
            b"[" * 60_000,
            b'{"phone":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
            b'{"phone":"\xff"}',
            b"\0",
            b"{",
        ):
            answer = request(scene.node.port, "POST", "/api/v1/auth/login", content=content)
            assert (answer.status, answer.json["code"]) == (400, "malformed"), content[:20]


async def test_a_refusal_leaves_its_connection_usable_whenever_the_body_comes(scene: Scene) -> None:
    head = b"POST /api/v1/chats HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\n"
    async with unharmed(scene, lines=0), await connect(scene.node.port) as stream:
        for _ in range(3):
            await stream.send_all(head)
            for _ in range(3):
                assert (
                    request(scene.node.port, "GET", "/healthz").status == 200
                )  # it has had the head for long
            await stream.send_all(b"{}  ")
            answer, rest = await read_head(stream)
            assert answer.startswith(b"HTTP/1.1 401 ")
            size = int(answer.lower().partition(b"content-length: ")[2].split(b"\r\n", 1)[0])
            while len(rest) < size:
                rest += await stream.receive_some()
