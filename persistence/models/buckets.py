"""What was used of a token bucket."""

import msgspec


class BucketUse(msgspec.Struct, frozen=True):
    """So many tokens were used of the bucket of this name, in the last `since_s` seconds; `rate` a second come in, at most `burst` are kept."""

    key: str
    used: int
    rate: float
    burst: float
    since_s: float = 0.0
