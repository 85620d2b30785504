"""The frame codec: RFC 6455, sections 5 and 7, as a server must keep it."""

from __future__ import annotations

import itertools
import sys
import tracemalloc
from collections.abc import Iterable
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from wsproto.connection import Connection as Peer
from wsproto.connection import ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Message, Ping, Pong, TextMessage

from server import frames
from server.frames import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    FrameReader,
    ProtocolError,
    binary_frame,
    close_code,
    close_frame,
    ping_frame,
    pong_frame,
    seal,
    text_frame,
)
from tests import client_frames as client

LIMIT = 1 << 16
LITTLE = 1 << 14
"""Where each byte is looked at on its own."""


def read(data: bytes, *, limit: int = LIMIT) -> list[tuple[int, bytes]]:
    return list(FrameReader(limit).feed(data))


def read_pieces(pieces: Iterable[bytes], *, limit: int = LIMIT) -> list[tuple[int, bytes]]:
    reader = FrameReader(limit)
    return [event for piece in pieces for event in reader.feed(piece)]


def outcome(pieces: Iterable[bytes], *, limit: int = LIMIT) -> tuple[list[tuple[int, bytes]], int | None]:
    """What was read, and the close code of the breach that ended it."""
    reader = FrameReader(limit)
    events = []
    try:
        for piece in pieces:
            for event in reader.feed(piece):
                events.append(event)  # noqa: PERF402 - what came before an error counts
    except ProtocolError as error:
        return events, error.code
    return events, None


def refused(data: bytes, *, limit: int = LIMIT) -> int | None:
    return outcome([data], limit=limit)[1]


def cut(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    ends = [0, *sorted({at % (len(data) + 1) for at in cuts}), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(ends)]


# -- messages ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 2, 125, 126, 127, 128, 65535, 65536, 70000])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_message_of_any_size_comes_unmasked_and_whole(opcode: int, size: int) -> None:
    payload = (b"0123456789" * 7000)[:size]
    assert read(client.frame(opcode, payload), limit=70000) == [(opcode, payload)]


def test_the_rfcs_example_of_a_masked_frame_says_hello() -> None:
    assert read(bytes.fromhex("818537fa213d7f9f4d5158")) == [(TEXT, b"Hello")]


def test_several_frames_in_one_piece_come_in_order() -> None:
    data = (
        client.frame(TEXT, b"one")
        + client.frame(PING, b"two")
        + client.frame(BINARY, b"three")
        + client.frame(TEXT)
    )
    assert read(data) == [(TEXT, b"one"), (PING, b"two"), (BINARY, b"three"), (TEXT, b"")]


def test_fragments_come_as_one_message_and_control_frames_between_them_at_once() -> None:
    first, second, third = client.fragments(TEXT, [b"a", b"", b"c"])
    reader = FrameReader(LIMIT)
    assert list(reader.feed(first + client.frame(PING, b"?"))) == [(PING, b"?")]
    assert list(reader.feed(second + client.frame(PONG, b"!"))) == [(PONG, b"!")]
    assert list(reader.feed(third + client.frame(TEXT, b"next"))) == [(TEXT, b"ac"), (TEXT, b"next")]


def test_a_character_may_be_cut_by_fragments() -> None:
    pieces = [bytes((byte,)) for byte in "κόσμε 𝄞".encode()]
    assert read(b"".join(client.fragments(TEXT, pieces))) == [(TEXT, "κόσμε 𝄞".encode())]


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_kind_of_buffer_is_read_and_nothing_refers_to_it_afterwards(kind: type) -> None:
    data = bytearray(
        client.frame(TEXT, b"whole") + client.frame(TEXT, b"x" * 200) + client.frame(PING, b"ping")
    )
    half = len(data) - 3
    reader = FrameReader(LIMIT)
    events = list(reader.feed(kind(data[:half])))
    again = bytearray(data[half:])
    data[:] = b"\0" * len(data)
    events += reader.feed(kind(again))
    assert events == [(TEXT, b"whole"), (TEXT, b"x" * 200), (PING, b"ping")]
    assert all(type(payload) is bytes for _, payload in events)


def test_what_follows_a_close_is_ignored() -> None:
    assert read(client.close(1000, b"bye") + client.frame(3)) == [(CLOSE, b"\x03\xe8bye")]


MESSAGE = st.tuples(
    st.sampled_from([TEXT, BINARY]),
    st.text(max_size=200).map(str.encode) | st.binary(max_size=3).map(lambda piece: piece * 50),
    st.lists(st.integers(0, 200), max_size=4),
    st.lists(st.tuples(st.sampled_from([PING, PONG]), st.binary(max_size=125)), max_size=2),
)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[bytes, list[tuple[int, bytes]]]:
    """The bytes of valid frames, and what they say."""
    wire, said = b"", []
    for opcode, payload, cuts, controls in draw(st.lists(MESSAGE, max_size=6)):
        opcode = opcode if _is_text(payload) else BINARY
        pieces = client.fragments(opcode, cut(payload, cuts))
        wire += pieces[0]
        for piece in pieces[1:]:
            for control in controls:
                wire += client.frame(*control)
                said.append(control)
            wire += piece
        said.append((opcode, payload))
    return wire, said


def _is_text(payload: bytes) -> bool:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True


@given(conversations(), st.lists(st.integers(0, 5000), max_size=30))
def test_any_chunking_of_any_valid_stream_gives_the_same_messages(
    conversation: tuple[bytes, list[tuple[int, bytes]]], cuts: list[int]
) -> None:
    wire, said = conversation
    assert read_pieces(cut(wire, cuts)) == said
    assert read_pieces([wire[at : at + 1] for at in range(len(wire))]) == said


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(client.frame(TEXT, b"x", key=None), id="not masked"),
        *(pytest.param(client.frame(TEXT, b"x" * 9, rsv=rsv), id=f"reserved bits {rsv}") for rsv in range(1, 8)),
        *(
            pytest.param(client.frame(opcode, b"x" * 9), id=f"opcode {opcode}")
            for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]
        ),
        *(
            pytest.param(client.frame(opcode, fin=False), id=f"fragmented control frame {opcode}")
            for opcode in [CLOSE, PING, PONG]
        ),
        pytest.param(client.frame(PING, b"x" * 126), id="long control frame"),
        pytest.param(client.header(CLOSE, 1 << 62, key=None), id="very long control frame, its length not yet here"),
        pytest.param(client.frame(client.CONTINUATION, b"x"), id="nothing to continue"),
        pytest.param(client.frame(client.CONTINUATION, b"x", fin=False), id="nothing to continue, and more to come"),
        pytest.param(client.frame(TEXT, b"a", fin=False) + client.frame(TEXT, b"another"), id="no continuation after a fragment"),
        pytest.param(client.frame(TEXT, fin=False) + client.frame(BINARY, fin=False), id="another kind after a fragment"),
        pytest.param(client.frame(TEXT, b"x" * 125, form=2), id="two bytes of length for 125"),
        pytest.param(client.frame(BINARY, b"x" * 200, form=8), id="eight bytes of length for 200"),
        pytest.param(client.header(TEXT, 1 << 63), id="length with the highest bit set"),
        pytest.param(client.frame(CLOSE, b"\x03"), id="half a close code"),
        *(
            pytest.param(client.close(code), id=f"close code {code}")
            for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535]
        ),
    ],
)  # fmt: skip
def test_a_breach_of_the_protocol_is_refused_with_1002(data: bytes) -> None:
    assert refused(data) == 1002


@pytest.mark.parametrize("code", [*range(1000, 1004), *range(1007, 1015), 3000, 3999, 4000, 4999])
def test_a_close_code_that_may_be_sent_is_taken(code: int) -> None:
    ((opcode, payload),) = read(client.close(code, "até".encode()))
    assert (opcode, close_code(payload), payload[2:].decode()) == (CLOSE, code, "até")


def test_a_close_without_a_code_is_1005() -> None:
    ((_, payload),) = read(client.frame(CLOSE))
    assert close_code(payload) == 1005


BAD_TEXTS = [
    b"\xff",
    b"\x80",
    b"abc\xc3",
    b"\xc3(",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xc0\xaf",
    b"\xe0\x80\xaf",
    b"\xf8\x88\x80\x80\x80",
    "κόσμε".encode() + b"\xed\xa0\x80edited",
]


@pytest.mark.parametrize("text", BAD_TEXTS)
def test_text_that_is_not_utf_8_is_refused_with_1007_however_it_comes(text: bytes) -> None:
    assert refused(client.frame(TEXT, text + b" " * 10)) == 1007
    assert refused(client.frame(TEXT, text)) == 1007
    assert refused(b"".join(client.fragments(TEXT, [text[:1], text[1:]]))) == 1007
    assert refused(client.close(1000, text)) == 1007
    wire = client.frame(TEXT, text)
    assert outcome(wire[at : at + 1] for at in range(len(wire))) == ([], 1007)
    assert read(client.frame(BINARY, text)) == [(BINARY, text)]


def test_bad_text_is_refused_as_soon_as_the_byte_that_spoils_it_is_here() -> None:
    wire = client.frame(TEXT, b"\xf4\x90\x80\x80 and much more to come")
    start = len(client.header(TEXT, 10))
    reader = FrameReader(LIMIT)
    assert list(reader.feed(wire[: start + 1])) == []
    with pytest.raises(ProtocolError):
        list(reader.feed(wire[start + 1 : start + 2]))


def test_what_came_before_a_breach_is_given_first() -> None:
    wire = client.frame(TEXT, b"fine") + client.frame(PING) + client.frame(3)
    assert outcome([wire]) == ([(TEXT, b"fine"), (PING, b"")], 1002)


def test_a_breach_says_why() -> None:
    with pytest.raises(ProtocolError) as caught:
        read(client.frame(TEXT, b"x", key=None))
    assert caught.value.reason == "frame is not masked"


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=5))
@example(b"\x81\xff" + b"\xff" * 8, [])
def test_random_bytes_raise_nothing_but_a_protocol_error(data: bytes, cuts: list[int]) -> None:
    events, code = outcome(cut(data, cuts))
    assert code in {None, 1002, 1007, 1009}
    assert all(type(payload) is bytes for _, payload in events)


@given(conversations(), st.data())
def test_a_spoilt_stream_gives_what_came_before_and_then_at_most_a_protocol_error(
    conversation: tuple[bytes, list[tuple[int, bytes]]], data: st.DataObject
) -> None:
    wire, said = conversation
    at = data.draw(st.integers(0, len(wire)))
    spoilt = wire[:at] + data.draw(st.binary(max_size=20)) + wire[at + 1 :]
    before = read(wire[:at])
    events, code = outcome(cut(spoilt, data.draw(st.lists(st.integers(0, 5000), max_size=5))))
    assert events[: len(before)] == before == said[: len(before)]
    assert code in {None, 1002, 1007, 1009}


@given(
    st.binary(max_size=40),
    st.lists(st.integers(0, 40), max_size=4),
    st.lists(st.integers(0, 80), max_size=10),
)
def test_a_text_is_taken_exactly_if_it_is_utf_8(payload: bytes, parts: list[int], cuts: list[int]) -> None:
    wire = b"".join(client.fragments(TEXT, cut(payload, parts)))
    assert outcome(cut(wire, cuts)) == (([(TEXT, payload)], None) if _is_text(payload) else ([], 1007))


# -- limits ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [0, 5, 125, 126, 300, 65535, 65536])
def test_a_message_may_be_as_large_as_the_limit_and_not_larger(limit: int) -> None:
    assert read(client.frame(TEXT, b"x" * limit), limit=limit) == [(TEXT, b"x" * limit)]
    assert refused(client.frame(TEXT, b"x" * (limit + 1)), limit=limit) == 1009
    half = limit // 2
    pieces = [b"x" * half, b"x" * (limit - half)]
    assert read(b"".join(client.fragments(BINARY, pieces)), limit=limit) == [(BINARY, b"x" * limit)]
    assert refused(b"".join(client.fragments(BINARY, [*pieces, b"x"])), limit=limit) == 1009


@pytest.mark.parametrize("size", [LIMIT + 1, 4 << 30, (1 << 63) - 1])
def test_a_frame_that_announces_too_much_is_refused_by_its_length_alone(size: int) -> None:
    assert refused(client.header(BINARY, size, key=b"")) == 1009
    assert (
        refused(client.frame(TEXT, b"x", fin=False) + client.header(client.CONTINUATION, size - 1, key=b""))
        == 1009
    )


def test_control_frames_do_not_count_into_a_messages_size() -> None:
    first, second = client.fragments(TEXT, [b"12", b"34"])
    wire = first + client.frame(PING, b"x" * 125) * 3 + second
    assert read(wire, limit=4)[-1] == (TEXT, b"1234")


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([client.header(BINARY, LITTLE), *[b"\0"] * LITTLE], id="byte by byte"),
        pytest.param(client.fragments(BINARY, [b"x"] * LITTLE), id="a byte a fragment"),
        pytest.param(
            [client.frame(TEXT, fin=False), *[client.frame(0, fin=False)] * LITTLE], id="empty fragments"
        ),
        pytest.param([client.frame(PING, b"x" * 125)[:-1]], id="most of a ping"),
    ],
)
def test_memory_stays_within_the_limit_however_the_bytes_come(pieces: list[bytes]) -> None:
    reader = FrameReader(LITTLE)
    tracemalloc.start()
    try:
        for piece in pieces:
            for _ in reader.feed(piece):
                pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (
        peak < 2.5 * LITTLE
    )  # the payload as it gathers, with a bytearray's slack, and once more when it is handed over


def test_each_byte_is_unmasked_once_though_it_comes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    unmasked = 0
    unmask = frames._unmask

    def counting(data: bytes, key: bytes) -> bytes:
        nonlocal unmasked
        unmasked += len(data)
        return unmask(data, key)

    monkeypatch.setattr(frames, "_unmask", counting)
    wire = client.frame(TEXT, b"x" * LIMIT)
    assert read_pieces([wire[at : at + 1] for at in range(len(wire))]) == [(TEXT, b"x" * LIMIT)]
    assert unmasked == LIMIT


def test_a_reader_between_messages_holds_nothing() -> None:
    reader = FrameReader(LIMIT)
    wire = client.fragments(TEXT, ["é".encode() * 5000, b"x"])
    events = [
        event
        for piece in [*wire, client.frame(TEXT, b"x"), client.frame(PING)]
        for event in reader.feed(piece)
    ]
    assert len(events) == 3
    assert not hasattr(reader, "__dict__")
    held = [
        value for name in FrameReader.__slots__ if (value := getattr(reader, name)) not in (None, b"", LIMIT)
    ]
    assert held == []
    assert sys.getsizeof(reader) < 100


# -- what the server writes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 70000])
def test_a_message_of_any_size_goes_out_in_one_frame_with_the_shortest_header(size: int) -> None:
    payload = b"x" * size
    assert text_frame(payload) == client.frame(TEXT, payload, key=None)
    assert binary_frame(payload) == client.frame(BINARY, payload, key=None)


def test_sealed_texts_are_the_frames_of_each_in_order() -> None:
    texts = [b"", b"a", b"b" * 126, b"c" * 65536]
    assert seal(texts) == b"".join(text_frame(text) for text in texts)
    assert seal([]) == b""


def test_control_frames_carry_their_payload() -> None:
    assert client.frames(ping_frame() + ping_frame(b"a") + pong_frame(b"b" * 125)) == [
        (PING, b"", True),
        (PING, b"a", True),
        (PONG, b"b" * 125, True),
    ]


@pytest.mark.parametrize("make", [ping_frame, pong_frame])
def test_a_control_frame_that_would_be_too_long_is_not_made(make: object) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match="125"):
        make(b"x" * 126)


@pytest.mark.parametrize(
    ("reason", "sent"),
    [("", ""), ("bye", "bye"), ("x" * 123, "x" * 123), ("x" * 124, "x" * 123), ("x" + "é" * 70, "x" + "é" * 61), ("𝄞" * 40, "𝄞" * 30)],
)  # fmt: skip
def test_a_close_reason_that_does_not_fit_is_cut_between_characters(reason: str, sent: str) -> None:
    ((opcode, payload, _),) = client.frames(close_frame(1008, reason))
    assert (opcode, close_code(payload), payload[2:].decode()) == (CLOSE, 1008, sent)


def test_a_close_without_a_code_is_empty() -> None:
    assert close_frame(None) == b"\x88\x00"


# -- with another implementation at the other end ----------------------------------------------------------------------

SAID = st.one_of(
    st.tuples(st.just(TEXT), st.text(max_size=300).map(str.encode)),
    st.tuples(st.just(BINARY), st.binary(max_size=300)),
    st.tuples(st.sampled_from([PING, PONG]), st.binary(max_size=125)),
)
MAKE = {TEXT: text_frame, BINARY: binary_frame, PING: ping_frame, PONG: pong_frame}


def _event(opcode: int, payload: bytes) -> Message[str] | Message[bytes] | Ping | Pong:
    match opcode:
        case frames.TEXT:
            return TextMessage(payload.decode())
        case frames.BINARY:
            return BytesMessage(payload)
        case frames.PING:
            return Ping(payload)
    return Pong(payload)


@given(st.lists(SAID, max_size=8), st.sampled_from([1000, 1001, 3000, 4999]), st.text(max_size=30))
def test_what_wsproto_sends_is_read(said: list[tuple[int, bytes]], code: int, reason: str) -> None:
    peer = Peer(ConnectionType.CLIENT)
    wire = b"".join(peer.send(_event(*item)) for item in said) + peer.send(CloseConnection(code, reason))
    *events, (last, payload) = read(wire)
    assert events == said
    assert (last, close_code(payload), payload[2:].decode()) == (CLOSE, code, reason)


@given(st.lists(SAID, max_size=8), st.sampled_from([1000, 1012, 4001]), st.text(max_size=30))
def test_what_is_written_wsproto_reads(said: list[tuple[int, bytes]], code: int, reason: str) -> None:
    peer = Peer(ConnectionType.CLIENT)
    peer.receive_data(b"".join(MAKE[opcode](payload) for opcode, payload in said) + close_frame(code, reason))
    *events, last = peer.events()
    assert events == [_event(*item) for item in said]
    assert isinstance(last, CloseConnection)
    assert (last.code, last.reason or "") == (code, reason)


@pytest.fixture(scope="module")
def plain() -> ModuleType:
    """The codec as it is where websockets has no compiled form."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "websockets.speedups", None)
        assert frames.__file__
        spec = spec_from_file_location("plain_frames", frames.__file__)
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


@given(payload=st.binary(max_size=70), key=st.binary(min_size=4, max_size=4))
def test_unmasking_is_the_same_in_c_and_in_python(plain: ModuleType, payload: bytes, key: bytes) -> None:
    assert plain.apply_mask.__module__ == "plain_frames"
    assert plain.apply_mask(payload, key) == client.masked(payload, key)
    assert frames.apply_mask(payload, key) == client.masked(payload, key)
