"""What carries WebSocket frames, as the process `scripts/websocket-echo`: the categories 1-7, 9 and 10 of the Autobahn TestSuite, with a plain client.

Each conversation is sent whole, frame by frame, and byte by byte: how the bytes come must make no difference.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator, Sequence
from typing import Self

import psutil
import pytest

from tests import client_frames as client
from tests.client_frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, frame
from tests.echo_server import PATIENCE_S, EchoServer, echo_server

pytestmark = pytest.mark.real

HANDSHAKE = (
    b"GET /socket/websocket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
)
SWITCHED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


@pytest.fixture(scope="module")
def echo() -> Iterator[EchoServer]:
    with echo_server() as server:
        yield server


class Client:
    """A connection that writes what it is told and reads frames, without any rules of its own."""

    def __init__(self, server: EchoServer, request: bytes = HANDSHAKE) -> None:
        self.sock = socket.create_connection(("127.0.0.1", server.port), PATIENCE_S)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.data = bytearray()
        self.send(request)

    def __enter__(self) -> Self:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.sock.recv(1)
        assert head == SWITCHED
        return self

    def __exit__(self, *error: object) -> None:
        self.sock.close()

    def send(self, *pieces: bytes) -> None:
        """Send each piece by itself; to a server that has hung up, nothing."""
        try:
            for piece in pieces:
                self.sock.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def receive(self) -> Frame | None:
        """The next frame, or `None` when the server has closed its side after a whole one."""
        while (taken := client.take(self.data)) is None:
            piece = self.sock.recv(1 << 20)
            if not piece:
                assert not self.data, "the connection ended within a frame"
                return None
            self.data += piece
        found, size = taken
        del self.data[:size]
        return found

    def rest(self) -> list[Frame]:
        """All frames until the server closes its side."""
        return list(iter(self.receive, None))


@pytest.fixture(params=["whole", "frame by frame", "byte by byte"])
def chop(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def talk(server: EchoServer, chop: str, *wire: bytes) -> list[Frame]:
    """Send frames, and read until the server closes."""
    joined = b"".join(wire)
    pieces: Sequence[bytes] = {
        "whole": [joined],
        "frame by frame": wire,
        "byte by byte": [joined[at : at + 1] for at in range(len(joined))],
    }[chop]
    with Client(server) as connection:
        connection.send(*pieces)
        return connection.rest()


def message(opcode: int, payload: bytes) -> Frame:
    return Frame(opcode, payload, fin=True)


def closed(code: int | None) -> Frame:
    return message(CLOSE, code.to_bytes(2, "big") if code is not None else b"")


def ends_with(frames: list[Frame], code: int) -> list[Frame]:
    """The frames before the close, which must be the last one and have this code."""
    *before, last = frames
    assert last.opcode == CLOSE, last
    assert int.from_bytes(last.payload[:2], "big") == code, last
    assert len(last.payload) > 2, "a refusal says why"
    last.payload[2:].decode()
    return before


BYE = client.close(1000)
HELLO = frame(TEXT, b"Hello, world!")
HELLO_AGAIN = message(TEXT, b"Hello, world!")


# -- 1: messages ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 128])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_message_comes_back(echo: EchoServer, chop: str, opcode: int, size: int) -> None:
    assert talk(echo, chop, frame(opcode, b"*" * size), BYE) == [message(opcode, b"*" * size), closed(1000)]


@pytest.mark.parametrize("size", [65535, 65536])
@pytest.mark.parametrize("piece", [1 << 20, 997])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_message_comes_back_however_large_it_and_its_pieces_are(
    echo: EchoServer, opcode: int, piece: int, size: int
) -> None:
    wire = frame(opcode, b"*" * size) + BYE
    with Client(echo) as connection:
        connection.send(*(wire[at : at + piece] for at in range(0, len(wire), piece)))
        assert connection.rest() == [message(opcode, b"*" * size), closed(1000)]


# -- 2: pings and pongs --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("payload", [b"", b"Hello", b"\x00\xff\xfe\xfd", b"\xfe" * 125])
def test_a_ping_is_answered_with_its_payload(echo: EchoServer, chop: str, payload: bytes) -> None:
    assert talk(echo, chop, frame(PING, payload), BYE) == [message(PONG, payload), closed(1000)]


def test_ten_pings_get_ten_pongs_in_order(echo: EchoServer, chop: str) -> None:
    pings = [frame(PING, b"payload-%d" % number) for number in range(10)]
    pongs = [message(PONG, b"payload-%d" % number) for number in range(10)]
    assert talk(echo, chop, *pings, BYE) == [*pongs, closed(1000)]


def test_a_pong_that_nobody_asked_for_is_ignored(echo: EchoServer, chop: str) -> None:
    wire = [frame(PONG), frame(PONG, b"unsolicited"), frame(PING, b"?"), BYE]
    assert talk(echo, chop, *wire) == [message(PONG, b"?"), closed(1000)]


# -- 2 to 5: breaches ----------------------------------------------------------------------------------------------------

BREACHES = {
    "long ping": [frame(PING, b"\xfe" * 126)],
    "not masked": [frame(TEXT, b"Hello", key=None)],
    **{f"reserved bits {rsv} on a text": [frame(TEXT, b"Hello", rsv=rsv)] for rsv in range(1, 8)},
    **{f"reserved bits {rsv} on a ping": [frame(PING, rsv=rsv)] for rsv in range(1, 8)},
    **{f"reserved bits {rsv} on a close": [frame(CLOSE, rsv=rsv)] for rsv in range(1, 8)},
    **{f"opcode {code}": [frame(code)] for code in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)},
    **{f"opcode {code} with a payload": [frame(code, b"Hello")] for code in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)},
    "fragmented ping": [frame(PING, b"a", fin=False), frame(CONTINUATION, b"b")],
    "fragmented pong": [frame(PONG, b"a", fin=False), frame(CONTINUATION, b"b")],
    "last fragment of nothing": [frame(CONTINUATION, b"a"), HELLO],
    "fragment of nothing": [frame(CONTINUATION, b"a", fin=False), HELLO],
    "empty fragment of nothing": [frame(CONTINUATION), HELLO],
    "text within a fragmented text": [frame(TEXT, b"a", fin=False), HELLO],
    "binary within a fragmented text": [frame(TEXT, b"a", fin=False), frame(BINARY, b"b", fin=False)],
    "half a close code": [frame(CLOSE, b"\x03")],
    "long close": [client.close(1000, b"*" * 124)],
    **{
        f"close code {code}": [client.close(code, b"why")]
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)
    },
}  # fmt: skip


@pytest.mark.parametrize("breach", BREACHES)
def test_a_breach_of_the_protocol_ends_the_connection_after_what_came_before_it(
    echo: EchoServer, chop: str, breach: str
) -> None:
    frames = talk(echo, chop, HELLO, *BREACHES[breach], frame(PING), HELLO)
    assert ends_with(frames, 1002) == [HELLO_AGAIN]


# -- 5: fragments --------------------------------------------------------------------------------------------------------


def test_fragments_come_back_as_one_message(echo: EchoServer, chop: str) -> None:
    wire = [
        *client.fragments(TEXT, [b"fragment1", b"", b"fragment2"]),
        *client.fragments(BINARY, [b"", b""]),
        BYE,
    ]
    assert talk(echo, chop, *wire) == [
        message(TEXT, b"fragment1fragment2"),
        message(BINARY, b""),
        closed(1000),
    ]


def test_a_ping_between_fragments_is_answered_before_the_message(echo: EchoServer, chop: str) -> None:
    first, second = client.fragments(TEXT, [b"fragment1", b"fragment2"])
    frames = talk(echo, chop, first, frame(PING, b"ping"), second, BYE)
    assert frames == [message(PONG, b"ping"), message(TEXT, b"fragment1fragment2"), closed(1000)]


def test_a_ping_between_fragments_is_answered_before_the_rest_is_even_sent(echo: EchoServer) -> None:
    first, second, third = client.fragments(TEXT, [b"1", b"2", b"3"])
    with Client(echo) as connection:
        for number, piece in enumerate([first, second]):
            connection.send(piece, frame(PING, b"%d" % number))
            assert connection.receive() == message(PONG, b"%d" % number)
        connection.send(third, BYE)
        assert connection.rest() == [message(TEXT, b"123"), closed(1000)]


# -- 6: UTF-8 ------------------------------------------------------------------------------------------------------------

VALID = [
    "Hello-µ@ßöäüàá-UTF-8!!",
    "κόσμε",
    "\x00\x7f\x80߿ࠀ￿\U00010000\U0010ffff",
    "퟿�",
    "￾﷐\U0001fffe\U0010fffe",  # not for interchange, and yet UTF-8
]
"""Of every length of a character the first and the last, and the neighbours of what is not allowed."""
INVALID = {
    "surrogate": b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited",
    "first surrogate": b"\xed\xa0\x80",
    "last surrogate": b"\xed\xbf\xbf",
    "pair of surrogates": b"\xed\xa0\x80\xed\xb0\x80",
    "above the last character": b"\xf4\x90\x80\x80",
    "five bytes": b"\xf8\x88\x80\x80\x80",
    "six bytes": b"\xfc\x84\x80\x80\x80\x80",
    "continuation alone": b"\x80",
    "last continuation alone": b"\xbf",
    "continuations alone": b"\x80\xbf\x80\xbf\x80\xbf",
    **{f"start {start:x} alone": bytes((start, 0x20)) for start in (0xC2, 0xDF, 0xE0, 0xEF, 0xF0, 0xF4)},
    **{f"byte {byte:x}": b"a" + bytes((byte,)) + b"b" for byte in (0xC0, 0xC1, 0xF5, 0xF8, 0xFC, 0xFE, 0xFF)},
    "slash in two bytes": b"\xc0\xaf",
    "slash in three bytes": b"\xe0\x80\xaf",
    "slash in four bytes": b"\xf0\x80\x80\xaf",
    "longest two bytes too long": b"\xc1\xbf",
    "longest three bytes too long": b"\xe0\x9f\xbf",
    "longest four bytes too long": b"\xf0\x8f\xbf\xbf",
    "cut after one of two": "é".encode()[:1],
    "cut after two of three": "€".encode()[:2],
    "cut after three of four": "𝄞".encode()[:3],
}


@pytest.mark.parametrize("text", VALID)
def test_text_comes_back_as_it_was_wherever_it_is_cut(echo: EchoServer, chop: str, text: str) -> None:
    data = text.encode()
    pieces = [data[at : at + 1] for at in range(len(data))]
    wire = [frame(TEXT, data), *client.fragments(TEXT, pieces), BYE]
    assert talk(echo, chop, *wire) == [message(TEXT, data), message(TEXT, data), closed(1000)]


@pytest.mark.parametrize("case", INVALID)
def test_text_that_is_not_utf_8_ends_the_connection(echo: EchoServer, chop: str, case: str) -> None:
    data = INVALID[case]
    assert ends_with(talk(echo, chop, HELLO, frame(TEXT, data), HELLO), 1007) == [HELLO_AGAIN]
    pieces = [data[at : at + 1] for at in range(len(data))]
    assert ends_with(talk(echo, chop, *client.fragments(TEXT, pieces), HELLO), 1007) == []


def test_text_is_refused_before_its_end_has_come(echo: EchoServer) -> None:
    with Client(echo) as connection:
        connection.send(frame(TEXT, INVALID["surrogate"] + b"and so on" * 10)[:-50])
        assert ends_with(connection.rest(), 1007) == []
    with Client(echo) as connection:
        connection.send(frame(TEXT, b"\xf4\x90", fin=False))
        assert ends_with(connection.rest(), 1007) == []


# -- 7: closing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [*range(1000, 1004), *range(1007, 1015), 3000, 3999, 4000, 4999])
@pytest.mark.parametrize("reason", [b"", "Été".encode(), b"*" * 123])
def test_a_close_is_answered_with_its_code(echo: EchoServer, code: int, reason: bytes) -> None:
    assert talk(echo, "whole", HELLO, client.close(code, reason)) == [HELLO_AGAIN, closed(code)]


def test_a_close_without_a_code_is_answered_without_one(echo: EchoServer, chop: str) -> None:
    assert talk(echo, chop, frame(CLOSE)) == [closed(None)]


@pytest.mark.parametrize("late", [BYE, frame(PING), HELLO, frame(CONTINUATION, b"2"), frame(3)])
def test_what_comes_after_a_close_is_ignored(echo: EchoServer, chop: str, late: bytes) -> None:
    assert talk(echo, chop, frame(TEXT, b"1", fin=False), BYE, late) == [closed(1000)]


def test_a_large_message_is_sent_whole_before_the_close(echo: EchoServer) -> None:
    data = b"*" * (256 << 10)
    assert talk(echo, "whole", frame(TEXT, data), BYE, frame(PING)) == [message(TEXT, data), closed(1000)]


def test_a_close_reason_that_is_not_utf_8_is_refused(echo: EchoServer, chop: str) -> None:
    assert ends_with(talk(echo, chop, client.close(1000, INVALID["surrogate"])), 1007) == []


# -- 9 and 10: size ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("size", [256 << 10, 1 << 20, 4 << 20, 16 << 20])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_megabytes_come_back(echo: EchoServer, opcode: int, size: int) -> None:
    data = b"*" * size
    wire = (
        client.header(opcode, size, key=bytes(4)) + data
    )  # masked with zeros, which a plain client computes in no time
    with Client(echo) as connection:
        connection.send(wire)
        assert connection.receive() == message(opcode, data)


@pytest.mark.slow
@pytest.mark.parametrize("piece", [64, 1300, 65536])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_megabyte_in_fragments_comes_back_as_one_frame(echo: EchoServer, opcode: int, piece: int) -> None:
    data = ("é" * (512 << 10)).encode()
    wire = client.fragments(opcode, [data[at : at + piece] for at in range(0, len(data), piece)])
    assert talk(echo, "whole", *wire, BYE) == [message(opcode, data), closed(1000)]


def test_a_thousand_messages_come_back_in_order(echo: EchoServer) -> None:
    messages = [b"%d" % number for number in range(1000)]
    wire = [frame(TEXT, data) for data in messages]
    assert talk(echo, "whole", *wire, BYE) == [*(message(TEXT, data) for data in messages), closed(1000)]


# -- limits, and other people's connections ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def narrow() -> Iterator[EchoServer]:
    """Takes messages of up to a kilobyte and keeps a megabyte for a client that does not read."""
    with echo_server("--max-message-bytes", "1024", "--outbox-bytes", str(1 << 20)) as server:
        yield server


def test_a_message_over_the_limit_ends_the_connection(narrow: EchoServer, chop: str) -> None:
    at_most = frame(TEXT, b"*" * 1024)
    assert ends_with(talk(narrow, chop, at_most, frame(TEXT, b"*" * 1025), HELLO), 1009) == [
        message(TEXT, b"*" * 1024)
    ]
    assert ends_with(talk(narrow, chop, *client.fragments(TEXT, [b"*" * 1000, b"*" * 25])), 1009) == []


def test_four_gigabytes_are_refused_when_they_are_announced(narrow: EchoServer) -> None:
    with Client(narrow) as connection:
        connection.send(client.header(BINARY, 4 << 30))
        assert ends_with(connection.rest(), 1009) == []


def test_a_client_that_does_not_read_is_disconnected_and_costs_no_memory(narrow: EchoServer) -> None:
    process = psutil.Process(narrow.process.pid)
    wire = frame(TEXT, b"*" * 1024, key=bytes(4)) * 64
    with Client(narrow) as neighbour, Client(narrow) as lazy:
        neighbour.send(HELLO)
        assert neighbour.receive() == HELLO_AGAIN
        before = process.memory_info().rss
        for _ in range(1000):  # 64 MB: far more than the kernel keeps for both sides
            try:
                lazy.sock.sendall(wire)
            except (BrokenPipeError, ConnectionResetError):
                break
        else:
            pytest.fail("it is still listened to")
        assert process.memory_info().rss - before < 16 << 20
        neighbour.send(HELLO)
        assert neighbour.receive() == HELLO_AGAIN


def test_a_client_that_goes_without_a_word_leaves_nothing_behind(echo: EchoServer) -> None:
    process = psutil.Process(echo.process.pid)
    with Client(echo) as neighbour:
        neighbour.send(frame(PING))
        neighbour.receive()
        before = process.num_fds()
        gone = [Client(echo) for _ in range(20)]
        for connection in gone:
            with connection:
                connection.send(frame(TEXT, b"half", fin=False)[:-2])
        for _ in range(10_000):
            if process.num_fds() <= before:
                break
            neighbour.send(frame(PING))
            neighbour.receive()
        else:
            pytest.fail("their sockets are still open")
        neighbour.send(HELLO)
        assert neighbour.receive() == HELLO_AGAIN


# -- the handshake, and the end ------------------------------------------------------------------------------------------


def test_frames_may_come_together_with_the_handshake(echo: EchoServer) -> None:
    with Client(echo, HANDSHAKE + HELLO + BYE) as connection:
        assert connection.rest() == [HELLO_AGAIN, closed(1000)]


def test_a_handshake_may_come_byte_by_byte(echo: EchoServer) -> None:
    connection = Client(echo, b"")
    connection.send(*(HANDSHAKE[at : at + 1] for at in range(len(HANDSHAKE))))
    with connection:
        connection.send(HELLO)
        assert connection.receive() == HELLO_AGAIN


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (HANDSHAKE.replace(b"Version: 13", b"Version: 8"), 426),
        (HANDSHAKE.replace(b"Upgrade: websocket\r\n", b""), 426),
        (HANDSHAKE.replace(b"==", b""), 400),
        (b"\x16\x03\x01\r\n\r\n", 400),
        (HANDSHAKE[:-2] + b"X: " + b"x" * 20_000, 431),
    ],
)
def test_what_is_no_handshake_gets_a_problem_and_the_connection_ends(
    echo: EchoServer, request_: bytes, status: int
) -> None:
    connection = Client(echo, request_)
    answer = b""
    while piece := connection.sock.recv(65536):
        answer += piece
    connection.sock.close()
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert b"\r\nConnection: close\r\n" in answer
    assert answer.endswith(b"}")


def test_a_server_that_stops_tells_its_clients_to_come_back() -> None:
    with echo_server() as server, Client(server) as connection:
        connection.send(HELLO)
        assert connection.receive() == HELLO_AGAIN
        os.kill(server.process.pid, signal.SIGTERM)
        assert ends_with(connection.rest(), 1012) == []
        connection.sock.close()
        assert server.process.wait(PATIENCE_S) == 0
