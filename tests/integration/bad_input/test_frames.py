"""Frames that are none, or break the protocol, against a running node: the proper close code, for that connection alone."""

from __future__ import annotations

import json

import pytest

from tests import client_frames as wire
from tests.client_frames import BINARY, CONTINUATION, PING, TEXT
from tests.integration.bad_input.scene import Scene, unharmed
from tests.integration.clients import opened, text_frame

pytestmark = pytest.mark.real

LARGEST_FRAME = 65_536

NO_FRAMES = {
    "no text at all": b"",
    "a blank": b" ",
    "no JSON": b"hello",
    "half of JSON": b'["1","1","me","phx_join",{}',
    "two of them": b'["1","1","me","phx_join",{}]["1","1","me","phx_join",{}]',
    "a byte order mark": b'\xef\xbb\xbf["1","1","me","phx_join",{}]',
    "an object": b'{"topic":"me","event":"phx_join","payload":{},"ref":"1"}',
    "a string": b'"phx_join"',
    "null": b"null",
    "an empty array": b"[]",
    "too short": b'["1","1","me","phx_join"]',
    "too long": b'["1","1","me","phx_join",{},{}]',
    "a ref that is a number": b'["1",1,"me","phx_join",{}]',
    "a topic that is a number": b'["1","1",7,"phx_join",{}]',
    "a topic that is null": b'["1","1",null,"phx_join",{}]',
    "an event that is an object": b'["1","1","me",{},{}]',
    "a payload that is missing": b'["1","1","me","phx_join",]',
    "not a number": b'["1","1","me","phx_join",{"known":{"c":NaN}}]',
    "a number that is none": b'["1","1","me","phx_join",{"known":{"c":01}}]',
    "half a surrogate pair": b'["1","1","me","phx_join",{"since":"\\ud83d and on"}]',
    "half a surrogate pair in a topic": b'["1","1","me\\udc00","phx_join",{}]',
    "a control character": b'["1","1","me","phx_join",{"since":"\x01"}]',
    "nested without end": b'["1","1","me","phx_join",' + b"[" * 30_000 + b"]" * 30_000 + b"]",
    "never closed": b"[" * 60_000,
}


@pytest.mark.parametrize("name", NO_FRAMES)
async def test_a_text_that_is_no_frame_closes_its_connection_with_1003(scene: Scene, name: str) -> None:
    async with unharmed(scene), opened(scene.ana) as device:
        await device.send_text(NO_FRAMES[name])
        assert await device.closing() == 1003


BROKEN = {
    "binary": (1003, [wire.frame(BINARY, b"\x00\x01")]),
    "not UTF-8": (1007, [wire.frame(TEXT, b'["1","1","me","phx_join",{"a":"\xff"}]')]),
    "an encoded surrogate": (1007, [wire.frame(TEXT, b'["1","1","m\xed\xa0\x80","phx_join",{}]')]),
    "not UTF-8 across fragments": (1007, wire.fragments(TEXT, [b'["1"\xe2\x82', b"\x20"])),
    "larger than allowed": (1009, [text_frame(b" " * (LARGEST_FRAME + 1))]),
    "larger than allowed in fragments": (1009, wire.fragments(TEXT, [b" " * 40_000, b" " * 40_000])),
    "four gigabytes, announced": (1009, [wire.header(TEXT, 4 << 30)]),
    "as long as can be written": (1009, [wire.header(TEXT, (1 << 63) - 1)]),
    "longer than can be": (1002, [wire.header(TEXT, (1 << 64) - 1)]),
    "not masked": (1002, [wire.frame(TEXT, b"[]", key=None)]),
    "a reserved bit": (1002, [wire.frame(TEXT, b"[]", rsv=4)]),
    "an unknown opcode": (1002, [wire.frame(3, b"")]),
    "a continuation of nothing": (1002, [wire.frame(CONTINUATION, b"")]),
    "a long ping": (1002, [wire.frame(PING, b"*" * 126)]),
    "a length not in its shortest form": (1002, [wire.frame(TEXT, b"[]", form=8)]),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_a_frame_that_breaks_the_protocol_closes_its_connection_with_the_code_for_it(
    scene: Scene, name: str
) -> None:
    code, frames = BROKEN[name]
    async with unharmed(scene), opened(scene.ana) as device:
        await device.send_bytes(b"".join(frames))
        assert await device.closing() == code


async def test_a_frame_as_large_as_allowed_is_taken(scene: Scene) -> None:
    async with opened(scene.ana) as device:
        text = json.dumps(["1", "1", "phoenix", "heartbeat", {}]).encode()
        await device.send_text(text[:-1] + b" " * (LARGEST_FRAME - len(text)) + b"]")
        assert await device.reply("1") == ("ok", {})
