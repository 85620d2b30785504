"""Who is connected."""

import msgspec


class PresentDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A device that is connected to a node.

    `active_at` is when somebody last used it, coarsely: what a device does by itself (heartbeats, `message:delivered`) does not count.
    """

    user_id: str
    device_id: str
    node: str
    since: int
    active_at: int


class Online(msgspec.Struct, frozen=True, kw_only=True):
    """Who is online, and since when; `settled` if the others are not: else the store has lost its data of late, and not all nodes have written anew."""

    since: dict[str, int]
    settled: bool


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """A user has come online, or gone offline, and those who may know have to be told. `left_at` is when the last device of one who has gone left."""

    user_id: str
    online: bool
    left_at: int
