"""Where people are, as they share it."""

import msgspec


class LivePosition(msgspec.Struct, frozen=True, kw_only=True):
    """The last position of the user who shares it with message `seq`, until `until` at most. `lat` and `lng` are degrees in WGS 84, `accuracy` is in metres."""

    chat_id: str
    seq: int
    user_id: str
    lat: float
    lng: float
    accuracy: float | None = None
    at: int
    until: int
