"""Who wants nothing to do with whom."""

import msgspec


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """`user_id` has blocked `blocked_id`."""

    user_id: str
    blocked_id: str
    at: int
