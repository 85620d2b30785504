"""What each store promises. Most have a form in MongoDB or Redis, in the module of their name, and all have one in `memory`.

Every method may raise `StoreUnavailable`, is safe to repeat after it, and honours Trio cancellation at its await (a write under way
then still completes: it is never abandoned half-way, and nobody learns its result).
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Protocol

from persistence.models import (
    ChangesQuery,
    Chat,
    CursorWrite,
    DeadLetter,
    Delivery,
    Device,
    Envelope,
    Head,
    LogEntry,
    LogWrite,
    Member,
    Message,
    OpenChat,
    Outcome,
    Privacy,
    User,
)


class MessageLog(Protocol):
    """Every chat's log: messages and changes in one order of `rev`, messages densely numbered by `seq`."""

    async def append(self, writes: Sequence[LogWrite]) -> list[Outcome]:
        """Write a batch, durable at majority before this returns; one outcome per write, in order.

        Several nodes may append to one chat; unique `(chat_id, seq)`, `(chat_id, rev)` and `(chat_id, sender_id, client_id)` decide races.
        Within a batch, the writes of one chat are applied in the order given, and as soon as one of them is not `Stored`, the
        later ones of that chat are `Skipped`; other chats are not affected. A `Change` and its effect on the member list or the chat are one
        transaction. After `StoreUnavailable` any part may have been written; repeating the batch tells: what is there already, exactly
        as it was to be written, is `Stored`; a message that has been edited or has another place by now is a `Repeat`. Who gets a `Conflict` finds the
        entry that was faster with its next read.
        """

    async def heads(self, chat_ids: Sequence[str]) -> dict[str, Head]:
        """The end of each chat's log, read at majority; chats without entries have `Head(0, 0)`."""

    async def changes(self, queries: Sequence[ChangesQuery]) -> list[list[LogEntry]]:
        """What changed, per query, ordered by `rev`, read at majority. An entry appears once, as it is now."""

    async def page(
        self, chat_id: str, *, before_seq: int | None, after_seq: int | None, limit: int
    ) -> list[Message]:
        """Messages in ascending `seq`: the last `limit` before `before_seq` (or of all), or the first `limit` after `after_seq`. Deleted ones keep their place."""

    async def get(self, chat_id: str, seq: int) -> Message | None:
        """One message."""

    async def find(self, chat_id: str, sender_id: str, client_id: str) -> Message | None:
        """The message that this `client_id` made."""

    async def last_messages(self, chat_ids: Sequence[str]) -> dict[str, Message]:
        """The newest message of each chat that has one (a deleted one counts)."""

    async def unread(self, queries: Sequence[tuple[str, str, int]], *, cap: int) -> list[int]:
        """Per `(chat_id, user_id, read_seq)`: messages after the cursor, less the user's own and deleted ones, counted up to `cap`."""


class Chats(Protocol):
    """Chats and their members. Membership changes after creation go through `MessageLog.append`, which orders them with the messages."""

    async def create(self, chat: Chat, members: Sequence[Member]) -> tuple[Chat, bool]:
        """Store a new chat with its members in one transaction. `(chat, True)`, or for a direct chat whose pair exists `(existing, False)`."""

    async def get_many(self, chat_ids: Sequence[str]) -> dict[str, Chat]:
        """The chats among these that exist, deleted ones included."""

    async def members(self, chat_id: str, *, after_user_id: str | None, limit: int) -> list[Member]:
        """A page of members in order of user id."""

    async def member_count(self, chat_ids: Sequence[str]) -> dict[str, int]:
        """How many members each chat has."""

    async def member(self, chat_id: str, user_id: str) -> Member | None:
        """One member."""

    async def members_at(self, keys: Sequence[tuple[str, str]]) -> list[Member | None]:
        """The member with each `(chat_id, user_id)`, in order; `None` for a non-member."""

    async def memberships(self, user_ids: Sequence[str]) -> dict[str, list[Member]]:
        """Each user's memberships in chats that are not deleted; a user without any has an empty list."""

    async def raise_cursors(self, writes: Sequence[CursorWrite]) -> list[Member | None]:
        """Raise cursors, never lower them (`read_seq` raises `delivered_seq` with it); the member afterwards, or `None` for a non-member."""

    async def set_pinned(self, chat_id: str, user_id: str, pinned_at: int | None, *, at: int) -> Member:
        """Pin or unpin for this user. Raises `NotFound`."""

    async def set_muted(self, chat_id: str, user_id: str, muted_until: int | None, *, at: int) -> Member:
        """Mute until a time, or unmute. Raises `NotFound`."""


class Users(Protocol):
    """People."""

    async def create(self, user: User) -> None:
        """Raises `AlreadyExists("phone")`."""

    async def by_phone(self, phone: str) -> User | None:
        """The user with this E.164 number."""

    async def get_many(self, user_ids: Sequence[str]) -> dict[str, User]:
        """The users among these that exist."""

    async def update(
        self,
        user_id: str,
        *,
        at: int,
        name: str | None = None,
        status: str | None = None,
        avatar_media_id: str | None = None,
        clear_avatar: bool = False,
        privacy: Privacy | None = None,
    ) -> User:
        """Change what is given. Raises `NotFound`."""

    async def seen(self, last_seen: Mapping[str, int]) -> None:
        """Raise `last_seen` of each user id, never lower it."""

    async def set_operator(self, user_id: str, *, operator: bool) -> None:
        """Raises `NotFound`."""


class Devices(Protocol):
    """Signed-in devices and their refresh tokens (hashes only)."""

    async def create(self, device: Device) -> None:
        """Store a new device."""

    async def get(self, device_id: str) -> Device | None:
        """One device; `None` once revoked."""

    async def of_user(self, user_id: str) -> list[Device]:
        """The user's devices, newest first."""

    async def rotate(self, device_id: str, *, spent: bytes, fresh: bytes, expires_at: int, at: int) -> bool:
        """Replace the refresh hash if it still is `spent`: of two that try, one gets `True`, also when it repeats. `spent` becomes `previous_hash`."""

    async def revoke(self, device_id: str, user_id: str) -> bool:
        """Forget the user's device; `False` if there was none."""


class SigningKeys(Protocol):
    """The key ring for access tokens, shared by all nodes."""

    async def load(self) -> list[dict[str, Any]]:
        """All keys as stored documents `{kid, alg, private_pem, encrypted, created_at}`, newest first."""

    async def add(self, key: Mapping[str, Any]) -> bool:
        """Add a key; `False` if this `kid` is there."""


class DeadLetters(Protocol):
    """What could not be carried out."""

    async def add(self, letter: DeadLetter) -> None:
        """Keep it."""

    async def recent(self, limit: int) -> list[DeadLetter]:
        """Newest first."""


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


class Attempts(Protocol):
    """Counting tries in a fixed window, across nodes."""

    async def count(self, key: str, *, window_s: int) -> tuple[int, int]:
        """Add one to `key`; `(tries in this window so far, seconds until the window ends)`."""

    async def clear(self, key: str) -> None:
        """Start over."""


class Probe(Protocol):
    """A dependency that can be asked whether it answers."""

    name: str

    async def ping(self) -> None:
        """Return if the dependency answers. Raises `StoreUnavailable` with the reason."""
