"""A WebSocket client's frames, right or wrong in any way: independent of the server's codec, as slow and plain as can be."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
KEY = b"\x37\xfa\x21\x3d"


def masked(payload: bytes, key: bytes = KEY) -> bytes:
    return bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))


def header(
    opcode: int,
    size: int,
    *,
    fin: bool = True,
    rsv: int = 0,
    key: bytes | None = KEY,
    form: int | None = None,
) -> bytes:
    """`form` is how many bytes the length takes (1, 2 or 8), when that is not the shortest; `rsv` the three reserved bits as a number."""
    form = form or (1 if size < 126 else 2 if size < 65536 else 8)
    mask_bit = 0x80 if key is not None else 0
    length = {1: size, 2: 126, 8: 127}[form]
    extended = b"" if form == 1 else size.to_bytes(form, "big")
    return bytes(((0x80 if fin else 0) | rsv << 4 | opcode, mask_bit | length)) + extended + (key or b"")


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    key: bytes | None = KEY,
    form: int | None = None,
) -> bytes:
    body = payload if key is None else masked(payload, key)
    return header(opcode, len(payload), fin=fin, rsv=rsv, key=key, form=form) + body


def fragments(opcode: int, pieces: Iterable[bytes]) -> list[bytes]:
    """The frames of one message."""
    pieces = list(pieces)
    last = len(pieces) - 1
    return [
        frame(opcode if at == 0 else CONTINUATION, piece, fin=at == last) for at, piece in enumerate(pieces)
    ]


def close(code: int, reason: bytes = b"") -> bytes:
    return frame(CLOSE, code.to_bytes(2, "big") + reason)


class Frame(NamedTuple):
    """A server's frame."""

    opcode: int
    payload: bytes
    fin: bool


def take(data: bytes) -> tuple[Frame, int] | None:
    """The first server's frame in `data` and its size on the wire; `None` while it is incomplete."""
    if len(data) < 2:
        return None
    assert data[0] & 0x70 == 0, "no extension has been agreed on"
    assert data[1] < 0x80, "a server's frames are not masked"
    form = {126: 2, 127: 8}.get(data[1], 0)
    size = int.from_bytes(data[2 : 2 + form], "big") if form else data[1]
    end = 2 + form + size
    if len(data) < end:
        return None
    return Frame(data[0] & 0x0F, bytes(data[2 + form : end]), data[0] >= 0x80), end


def frames(data: bytes) -> list[Frame]:
    """All of a server's frames; there must be nothing else."""
    found = []
    while data:
        taken = take(data)
        assert taken is not None, f"not a whole frame: {data[:20]!r}"
        found.append(taken[0])
        data = data[taken[1] :]
    return found
