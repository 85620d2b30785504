"""More than anybody can take, against a running node: one connection ends, and it costs no memory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import count

import pytest
import trio

from tests import client_frames as wire
from tests.client_frames import CONTINUATION, TEXT
from tests.integration.bad_input.scene import Scene, unharmed
from tests.integration.clients import PATIENCE_S, connect, handshake, read_head
from tests.integration.nodes import MIB

pytestmark = pytest.mark.real

FLOOD_S = 2.0
ZEROS = bytes(1 << 18)


async def flood(stream: trio.SocketStream, next_piece: Callable[[], bytes]) -> int:
    """Send at full speed, without ever listening, until the node hangs up or for `FLOOD_S`; how many bytes went out."""
    sent = 0
    with trio.move_on_after(FLOOD_S):
        try:
            while True:
                await stream.send_all(next_piece())
                sent += len(ZEROS)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return sent
    return sent


def zeros() -> bytes:
    return ZEROS


def chunk_of_zeros() -> bytes:
    return b"%x\r\n%b\r\n" % (len(ZEROS), ZEROS)


POST = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
Begin = Callable[[Scene, trio.SocketStream], Awaitable[None]]


async def nothing(scene: Scene, stream: trio.SocketStream) -> None:
    """Zeros from the first byte."""


async def in_a_frame(scene: Scene, stream: trio.SocketStream) -> None:
    await stream.send_all(handshake(scene.ana.token))
    assert b" 101 " in (await read_head(stream))[0]
    await stream.send_all(wire.header(TEXT, 4 << 30, key=bytes(4)))


async def in_fragments(scene: Scene, stream: trio.SocketStream) -> None:
    await stream.send_all(handshake(scene.ana.token))
    assert b" 101 " in (await read_head(stream))[0]
    await stream.send_all(wire.frame(TEXT, b"", fin=False))


def fragment_of_zeros() -> bytes:
    return wire.header(CONTINUATION, len(ZEROS), fin=False, key=bytes(4)) + ZEROS


async def in_a_body(scene: Scene, stream: trio.SocketStream) -> None:
    await stream.send_all(POST + b"Content-Length: 4294967296\r\n\r\n")


async def in_a_chunked_body(scene: Scene, stream: trio.SocketStream) -> None:
    await stream.send_all(POST + b"Transfer-Encoding: chunked\r\n\r\n")


async def in_one_chunk(scene: Scene, stream: trio.SocketStream) -> None:
    await stream.send_all(POST + b"Transfer-Encoding: chunked\r\n\r\n100000000\r\n")


async def after_a_request(scene: Scene, stream: trio.SocketStream) -> None:
    await stream.send_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
    assert b" 200 " in (await read_head(stream))[0]


async def as_http_2(scene: Scene, stream: trio.SocketStream) -> None:
    await stream.send_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")


FLOODS: dict[str, tuple[Begin, Callable[[], bytes]]] = {
    "from the first byte": (nothing, zeros),
    "in a frame announced as four gigabytes": (in_a_frame, zeros),
    "in a message without a last fragment": (in_fragments, fragment_of_zeros),
    "in a body announced as four gigabytes": (in_a_body, zeros),
    "in a chunked body": (in_a_chunked_body, chunk_of_zeros),
    "in one chunk": (in_one_chunk, zeros),
    "after a request in order": (after_a_request, zeros),
    "as HTTP/2": (as_http_2, zeros),
}


@pytest.mark.parametrize("name", FLOODS)
async def test_gigabytes_of_nothing_end_one_connection_and_cost_no_memory(scene: Scene, name: str) -> None:
    begin, next_piece = FLOODS[name]
    async with unharmed(scene), await connect(scene.node.port) as stream:
        await begin(scene, stream)
        sent = await flood(stream, next_piece)
        assert sent < 16 * MIB, "it is listened to without end"


async def test_heads_that_never_end_are_hung_up_on_and_hold_nobody_up(scene: Scene) -> None:
    """Fifty connections that send a byte now and then; a node gives a head 15 seconds."""
    hung_up = count(1)
    done = 0

    async def dribble(stream: trio.SocketStream) -> None:
        nonlocal done
        async with stream, trio.open_nursery() as nursery:

            async def listen() -> None:
                nonlocal done
                try:
                    while await stream.receive_some():
                        pass
                except trio.BrokenResourceError:
                    pass
                done = next(hung_up)
                nursery.cancel_scope.cancel()

            nursery.start_soon(listen)
            await stream.send_all(b"GET /healthz HTTP/1.1\r\nX-Slow: ")
            while True:
                await trio.sleep(0.5)
                try:
                    await stream.send_all(b"x")
                except trio.BrokenResourceError:
                    await trio.sleep_forever()

    async with unharmed(scene, lines=50):
        with trio.fail_after(2 * PATIENCE_S):
            async with trio.open_nursery() as nursery:
                for _ in range(50):
                    nursery.start_soon(dribble, await connect(scene.node.port))
    assert done == 50
