"""What nodes tell each other about chats and users, and how it is packed for the bus."""

from typing import Final

import msgspec

from persistence.models import Change

CHAT_TOPIC: Final = "c:"
USER_TOPIC: Final = "u:"
NODES_TOPIC: Final = "n:"
"""What concerns every node."""
PEER_TOPIC: Final = "peer:"
"""What is meant for one node; not events, see `handlers.nodes.peers`."""


class LogEvent(msgspec.Struct, frozen=True, array_like=True, tag="l"):
    """The chat's log grew by `rev`. `seq` is that of a new message, else 0; `text` the frame for the members; `change` what it does to the chat."""

    rev: int
    seq: int
    text: bytes
    change: Change | None = None


class CursorsMoved(msgspec.Struct, frozen=True, array_like=True, tag="cm"):
    """How far members have come now: user, delivered, read; 0 for what is not said. For everyone connected who is in the chat; not part of the log."""

    moved: list[tuple[str, int, int]]


class ReceiptsSummed(msgspec.Struct, frozen=True, array_like=True, tag="rs"):
    """A frame for the owner and admins of the chat, and for the sender of a message, who show what they read themselves."""

    text: bytes
    sender_id: str


class OpenEvent(msgspec.Struct, frozen=True, array_like=True, tag="o"):
    """A frame for those who have the chat open."""

    text: bytes


class UserEvent(msgspec.Struct, frozen=True, array_like=True, tag="u"):
    """A frame for all devices of the user."""

    text: bytes


class StoryEvent(msgspec.Struct, frozen=True, array_like=True, tag="n"):
    """A frame for all devices of the user that may be sent more than once; each is to get it once (`handlers.stories.news`).

    Of one subject, what has a greater `rank` comes later and leaves nothing to say of what came before. With `before`, it is only for connections that had
    joined `me` by then, in milliseconds since the epoch.
    """

    subject: str
    rank: int
    text: bytes
    before: int = 0


class Joined(msgspec.Struct, frozen=True, array_like=True, tag="j"):
    """The user is now in this chat."""

    chat_id: str


class Left(msgspec.Struct, frozen=True, array_like=True, tag="x"):
    """The user is no longer in this chat."""

    chat_id: str


class Revoked(msgspec.Struct, frozen=True, array_like=True, tag="r"):
    """The user's device has been signed out."""

    device_id: str


class Gone(msgspec.Struct, frozen=True, array_like=True, tag="g"):
    """The user's account has been deleted: every device of theirs is signed out."""

    user_id: str


class ReadsHidden(msgspec.Struct, frozen=True, array_like=True, tag="h"):
    """Whether the user, from now on, shows nobody what they have read."""

    hidden: bool


class Detoured(msgspec.Struct, frozen=True, array_like=True, tag="q"):
    """Messages of the chat wait in the retry queue: what comes after them goes behind them."""


class ContactEvent(msgspec.Struct, frozen=True, array_like=True, tag="pc"):
    """A frame for all devices of the user about whether a contact is online; not for a user who hides that of their own, unless it says `anyway`."""

    contact_id: str
    text: bytes
    anyway: bool = False


class ContactsHidden(msgspec.Struct, frozen=True, array_like=True, tag="ph"):
    """Whether the user, from now on, shows nobody when they are online, and so does not see it of others."""

    hidden: bool


Event = (
    LogEvent
    | CursorsMoved
    | ReceiptsSummed
    | OpenEvent
    | UserEvent
    | StoryEvent
    | Joined
    | Left
    | Revoked
    | Gone
    | ReadsHidden
    | ContactEvent
    | ContactsHidden
    | Detoured
)

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(list[Event]).decode


def pack(events: list[Event]) -> bytes:
    """Events of one topic, in order, for one envelope."""
    return _encode(events)


def unpack(data: bytes) -> list[Event]:
    """The events of an envelope. Raises `msgspec.DecodeError` when another version of the software packed something unknown."""
    return _decode(data)
