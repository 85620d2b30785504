"""A message on its way through the retry queue: as bytes, and as a command again, on whichever node carries it out."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from handlers.routing.awaited import Awaited, Awaits
from handlers.routing.commands import Send
from persistence.models import MessageType


class _Packed(msgspec.Struct, frozen=True, array_like=True):
    actor_id: str
    submitted: int
    id: str
    client_id: str
    type: MessageType
    content: dict[str, Any]
    media_id: str | None
    reply_to: int | None
    forwarded: bool = False  # after the others: a version that does not know it reads the rest


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_Packed).decode


class Requeued(Awaits, Send):
    """A message that comes back from the retry queue. It keeps the id and the time that it was accepted with."""

    __slots__ = ("outcome",)

    fresh = False


def pack_send(command: Send) -> bytes:
    """The message as the queue keeps it."""
    return _encode(
        _Packed(
            command.actor_id,
            command.submitted,
            command.id,
            command.client_id,
            command.type,
            command.content,
            command.media_id,
            command.reply_to,
            command.forwarded,
        )
    )


def unpack_send(data: bytes, deadline: float) -> Requeued:
    """The message as a command. Raises `msgspec.DecodeError` for what another version of the software has packed."""
    packed = _decode(data)
    command = Requeued(
        packed.actor_id,
        packed.submitted,
        deadline,
        id=packed.id,
        client_id=packed.client_id,
        type=packed.type,
        content=packed.content,
        media_id=packed.media_id,
        reply_to=packed.reply_to,
        forwarded=packed.forwarded,
    )
    command.outcome = Awaited()
    return command
