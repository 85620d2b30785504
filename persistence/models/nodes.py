"""What nodes tell each other."""

import msgspec


class Envelope(msgspec.Struct, frozen=True, array_like=True):
    """Something for whoever on another node follows `topic` ("c:<chat id>" or "u:<user id>"); opaque to the bus."""

    topic: str
    data: bytes


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What one read of a node's inbox gave, in each publisher's order.

    `lost` says that something before these may have been missed (dropped, trimmed, a restarted Redis, a publisher
    that could not publish): whoever keeps state from events has to catch up from the record.
    """

    envelopes: list[Envelope]
    lost: bool = False


class OpenChat(msgspec.Struct, frozen=True, kw_only=True):
    """A device that has a chat open on a node."""

    chat_id: str
    user_id: str
    device_id: str
    node: str
    since: int
