"""Work that any node may do."""

import msgspec


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A job, as a worker is given it. `tries` says how often it has been given out, this time included."""

    id: str
    data: bytes
    tries: int
