"""Messages that wait for the record."""

import msgspec


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A message that waits in a chat's backlog. `id` is its place; what `data` is, the backlog does not know."""

    id: str
    data: bytes


class Added(msgspec.Struct, frozen=True, kw_only=True):
    """What has been added to the backlog: so many, from the first on, and of which chats nothing had waited before."""

    count: int
    begun: frozenset[str] = frozenset()


class BacklogState(msgspec.Struct, frozen=True, kw_only=True):
    """What waits.

    Attributes:
        counts: how many wait, by chat; chats of which nothing waits are left out.
        removed: a counter that grows with all that is removed: whether anybody gets on with the work.

    """

    counts: dict[str, int]
    removed: int = 0
