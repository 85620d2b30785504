"""What nodes tell each other, and which of them are alive."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from persistence.models import Delivery, Envelope, OpenChat


class Bus(Protocol):
    """The streams between nodes: each node has one inbox; events go to the nodes that follow their topic, and to no other.

    Follow a topic before reading the record, publish after writing it: then an event is either in what was read or delivered, never neither.
    """

    async def follow(self, topics: Sequence[str]) -> None:
        """From when this returns, events published on these topics reach this node's inbox."""

    async def unfollow(self, topics: Sequence[str]) -> None:
        """Stop following. Events may still arrive for a moment."""

    async def publish(self, envelopes: Sequence[Envelope]) -> None:
        """Deliver to the inbox of every *other* node that follows each envelope's topic, in this order.

        When it fails (`StoreUnavailable`), the next thing that any node gets from this one says `lost`, on whatever topic, within two heartbeats of recovery.
        """

    def gap(self) -> None:
        """Something was not published: say `lost` with the next thing that other nodes get, as after a failed `publish`."""

    async def followed(self, topics: Sequence[str]) -> list[bool]:
        """Whether any living node, this one included, follows each topic."""

    def receive(self) -> AsyncIterator[Delivery]:
        """Everything from the node's own inbox, for ever, from now on. Rides out failures of the backend; afterwards says `lost`."""


class Cluster(Protocol):
    """Which nodes are alive."""

    async def heartbeat(self) -> bool:
        """Renew this node's lease. `False` if it had been forgotten (expired and buried, or Redis lost its data), at the first time, and after a `follow`
        that failed: whoever called must follow all topics anew and catch up. A reply that was lost is made up for by the next one.
        """

    async def nodes(self) -> list[str]:
        """Nodes that are registered, this one included."""

    async def bury(self) -> list[str]:
        """Forget the nodes whose lease has run out; each dead node is returned to exactly one caller in the cluster. Its inbox and its interest
        are removed, and the next delivery of every living node says `lost`: what the dead had not published yet is in the record alone.
        """

    async def orphans(self, most: int) -> list[str]:
        """Topics of chats ("c:...") that nodes which are gone had followed, until somebody has `adopted` them. Any, and the same to any number of callers."""

    async def adopted(self, topics: Sequence[str]) -> None:
        """What was to be done about these is done."""

    async def leave(self) -> None:
        """Remove this node, its inbox and its interest, on an orderly stop."""


class OpenChats(Protocol):
    """Which devices have which chat open, across nodes (what phoenix.js `Presence` shows). Lost with Redis, and rebuilt by the nodes."""

    async def open(self, entry: OpenChat) -> None:
        """Add a device."""

    async def close(self, entry: OpenChat) -> None:
        """Remove a device."""

    async def in_chat(self, chat_id: str) -> list[OpenChat]:
        """Who has this chat open."""

    async def forget_node(self, node: str) -> list[OpenChat]:
        """Remove a dead node's entries and return them (to one caller only)."""
