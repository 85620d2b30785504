"""From a change that is durable to everyone it concerns: the sessions on this node at once, other nodes through the bus.

Publishing gathers: what comes together while one publication is under way leaves in the next.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any, Final

import trio

from handlers.nodes.events import (
    CHAT_TOPIC,
    NODES_TOPIC,
    USER_TOPIC,
    ContactsHidden,
    Event,
    Gone,
    Joined,
    Left,
    ReadsHidden,
    Revoked,
    UserEvent,
    pack,
)
from handlers.outage import Outage
from handlers.protocol import ME, encode, event_text
from handlers.sessions.hub import Hub
from handlers.signal import Signal
from persistence.errors import StoreUnavailable
from persistence.models import Envelope
from persistence.ports import Bus
from supervisors import Child

MOST_WAITING: Final = 50_000
"""Envelopes that may wait for the bus. Beyond, they are dropped and the other nodes are told to catch up from the record."""
MOST_AT_ONCE: Final = 500
"""Envelopes in one publication."""

log = logging.getLogger(__name__)


class Fanout:
    """Tells users and chats of what happened, wherever they are connected."""

    def __init__(self, bus: Bus, hub: Hub) -> None:
        self._bus = bus
        self._hub = hub
        self._waiting: list[Envelope] = []
        self.queued = 0
        self._passed = 0
        self._watch: Callable[[int, int, bool], None] | None = None
        self._progress = trio.Event()
        self._work = Signal()
        self._outage = Outage(
            log, "publication failed; other nodes catch up from the record", "publications arrive again"
        )
        self.published = 0
        self.dropped = 0

    def watch(self, watch: Callable[[int, int, bool], None]) -> None:
        """Have this called with each publication: after which envelope, up to which (as `queued` counts them), and whether they went out."""
        self._watch = watch

    def publish(self, topic: str, events: list[Event]) -> None:
        """Queue events for the nodes that follow the topic. Never blocks."""
        self.send(topic, pack(events))

    def send(self, topic: str, data: bytes) -> None:
        """The same for what is no event. Never blocks."""
        if len(self._waiting) >= MOST_WAITING:
            self.dropped += len(self._waiting)
            self._pass(len(self._waiting), published=False)
            self._waiting.clear()
            self._bus.gap()
        self._waiting.append(Envelope(topic, data))
        self.queued += 1
        self._work.set()

    async def settled(self) -> None:
        """Wait until what is queued now has been published, or the other nodes have been told that something is missing."""
        upto = self.queued
        while self._passed < upto:
            await self._progress.wait()

    def _pass(self, count: int, *, published: bool) -> None:
        if self._watch is not None:
            self._watch(self._passed, self._passed + count, published)
        self._passed += count
        self._progress.set()
        self._progress = trio.Event()

    def tell_chat(self, chat_id: str, event: Event) -> None:
        """Publish one event to the other nodes where members of the chat are connected."""
        self.publish(CHAT_TOPIC + chat_id, [event])

    def tell_user(self, user_id: str, event: str, payload: Any) -> None:
        """Send an event to all devices of a user, on the topic `me`."""
        text = event_text(ME, event, encode(payload))
        self._to_user(user_id, UserEvent(text))

    def chat_created(self, chat_id: str, user_ids: Iterable[str]) -> None:
        """Connect the users' sessions, everywhere, to a chat they are now in; each gets `CHAT_CREATED` with its own view."""
        for user_id in user_ids:
            self._to_user(user_id, Joined(chat_id))

    def joined_here(self, chat_id: str, user_id: str) -> None:
        """The same for one user's sessions on this node: the chat's log has shown that the user is in it."""
        self._hub.user_event(user_id, Joined(chat_id))

    def chat_left(self, chat_id: str, user_id: str) -> None:
        """Disconnect the user's sessions from a chat."""
        self._to_user(user_id, Left(chat_id))

    def hide_reads(self, user_id: str, *, hidden: bool) -> None:
        """Tell the user's sessions, everywhere, whether to show what they read."""
        self._to_user(user_id, ReadsHidden(hidden))

    def hide_contacts(self, user_id: str, *, hidden: bool) -> None:
        """Tell the user's sessions, everywhere, whether they hear of contacts who come and go."""
        self._to_user(user_id, ContactsHidden(hidden))

    def revoke_device(self, user_id: str, device_id: str) -> None:
        """Close the device's connections, wherever they are, and have every node refuse its tokens."""
        self._to_user(user_id, Revoked(device_id))
        self.publish(NODES_TOPIC, [Revoked(device_id)])

    def revoke_user(self, user_id: str) -> None:
        """The same for all devices of a user, also those that nobody knows any more."""
        self._to_user(user_id, Gone(user_id))
        self.publish(NODES_TOPIC, [Gone(user_id)])

    def _to_user(self, user_id: str, event: Event) -> None:
        self._hub.user_event(user_id, event)
        self.publish(USER_TOPIC + user_id, [event])

    async def run(self, child: Child) -> None:
        """The publisher, as a supervised child. When asked to stop, it first sends what waits."""
        self._work.set()
        child.mailbox_length = lambda: len(self._waiting)
        child.ready()
        with child.cancel_on_stop():
            while True:
                await self._work.wait()
                await self._flush()
        await self._flush()

    async def _flush(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
            published = False
            try:
                # A stop lets it finish: nobody would be left to tell the others that something is missing.
                with trio.CancelScope(shield=True):
                    await self._bus.publish(batch)
                self.published += len(batch)
                published = True
                self._outage.succeeded()
            except StoreUnavailable as error:
                self.dropped += len(batch)
                self._outage.failed(reason=error.reason)
            finally:
                self._pass(len(batch), published=published)
