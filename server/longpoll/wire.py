"""What a request to a session asks and is answered, within a node and between nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

OK: Final = 200
NOTHING: Final = 204
MALFORMED: Final = 400
TIMEOUT: Final = 408
GONE: Final = 410
TOO_LARGE: Final = 413
BUSY: Final = 429


class Poll(msgspec.Struct, frozen=True, array_like=True, tag="g"):
    """What is new? Everything up to the answer with this number has arrived. `holder` names the request that waits for it."""

    session: str
    user_id: str
    device_id: str
    number: int
    holder: str


class Post(msgspec.Struct, frozen=True, array_like=True, tag="p"):
    """Frames from the client, in order."""

    session: str
    user_id: str
    device_id: str
    frames: list[bytes]


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """What became of it.

    Attributes:
        status: as in Phoenix, one of the constants here.
        number: of this answer, when it has messages.
        messages: frames for the client.
        reason: of a refusal, for developers.

    """

    status: int
    number: int = 0
    messages: tuple[bytes, ...] = ()
    reason: str = ""


class Left(msgspec.Struct, frozen=True, array_like=True, tag="l"):
    """The client has let go of the request that waited. There is no answer to that."""

    session: str
    user_id: str
    device_id: str
    holder: str


Asked = Poll | Post | Left
Reply = Callable[[Answer], None]
"""Takes the answer. Never blocks and never raises."""

GONE_ANSWER: Final = Answer(GONE)

encode: Final = msgspec.msgpack.Encoder().encode
decode_asked: Final = msgspec.msgpack.Decoder(Poll | Post | Left).decode
decode_answer: Final = msgspec.msgpack.Decoder(Answer).decode
