"""The two kinds of job of which notifications are made, packed for their queues.

`Look`: look through a chat for whom to notify. `Push`: notify one device of one chat. Both may be done twice and do no harm: a chat is looked through from
where it was last, and a device is not told what it was told.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

LOOKS: Final = "looks"
PUSHES: Final = "pushes"
LEASE_S: Final = 15.0
"""A job whose worker has given no sign for so long is given to another, at least."""


class Look(msgspec.Struct, frozen=True, array_like=True):
    """Look through a chat.

    Attributes:
        chat_id: which.
        after: messages after this `seq`; -1 for where it was last looked at.
        upto: if not 0, it is a second look at those whom the message with this `seq` found active, whether they have seen it: `users`.

    """

    chat_id: str
    after: int = -1
    upto: int = 0
    users: list[str] = []


class Push(msgspec.Struct, frozen=True, array_like=True):
    """Notify a device that there is something new in a chat, from `first_seq` to `seq`.

    Attributes:
        at: when the newest of it was written.
        urgent: whether to wake the device.
        attempt: which try this is, from 1.

    """

    chat_id: str
    first_seq: int
    seq: int
    user_id: str
    subscription_id: str
    at: int
    urgent: bool
    attempt: int = 1

    @property
    def key(self) -> tuple[str, str]:
        """Of what one device is told about one chat only the newest counts."""
        return self.chat_id, self.subscription_id


_encode: Final = msgspec.msgpack.Encoder().encode
_looks: Final = msgspec.msgpack.Decoder(list[Look]).decode
_push: Final = msgspec.msgpack.Decoder(Push).decode


def pack_looks(looks: Sequence[Look]) -> bytes:
    """One job of several looks."""
    return _encode(looks)


def unpack_looks(data: bytes) -> list[Look]:
    """The looks of a job. Raises `msgspec.DecodeError`."""
    return _looks(data)


def pack_push(push: Push) -> bytes:
    """A job."""
    return _encode(push)


def unpack_push(data: bytes) -> Push:
    """The push of a job. Raises `msgspec.DecodeError`."""
    return _push(data)
