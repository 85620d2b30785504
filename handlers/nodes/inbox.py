"""What other nodes did: each entry of this node's inbox, handed to its chat's router or its user's sessions."""

from __future__ import annotations

import logging
from typing import Final

import msgspec

from handlers.auth.tokens import Tokens
from handlers.nodes.events import (
    CHAT_TOPIC,
    NODES_TOPIC,
    PEER_TOPIC,
    USER_TOPIC,
    ContactEvent,
    Event,
    Gone,
    Revoked,
    StoryEvent,
    unpack,
)
from handlers.nodes.peers import Peers
from handlers.presence.news import PresenceNews
from handlers.routing.routers import Routers
from handlers.sessions.hub import Hub
from handlers.stories.news import StoryNews
from handlers.workers.recovery import Recovery
from persistence.models import Envelope
from persistence.ports import Bus
from supervisors import Child

log: Final = logging.getLogger(__name__)


class Inbox:
    """Reads the node's inbox. Whenever something may have been missed, everything is compared with the record."""

    def __init__(
        self,
        bus: Bus,
        routers: Routers,
        hub: Hub,
        tokens: Tokens,
        news: PresenceNews,
        stories: StoryNews,
        recovery: Recovery,
        peers: Peers,
    ) -> None:
        self._bus = bus
        self._routers = routers
        self._hub = hub
        self._tokens = tokens
        self._news = news
        self._stories = stories
        self._recovery = recovery
        self._peers = peers
        self.received = 0
        self.losses = 0

    async def run(self, child: Child) -> None:
        """The reader, as a supervised child."""
        with child.cancel_on_stop():
            child.ready()
            # After a restart of this child, what came in between has not been seen.
            self._recovery.request()
            async for delivery in self._bus.receive():
                for envelope in delivery.envelopes:
                    self._hand_over(envelope)
                if delivery.lost:
                    self.losses += 1
                    self._recovery.request()

    def _hand_over(self, envelope: Envelope) -> None:
        self.received += 1
        if envelope.topic.startswith(PEER_TOPIC):
            self._peers.receive(envelope.data)
            return
        try:
            events = unpack(envelope.data)
        except msgspec.DecodeError:
            # A newer node during a rolling upgrade; what it was about is in the record.
            log.warning("an event of an unknown kind was not understood", extra={"kind": envelope.topic[:2]})
            self._recovery.request()
            return
        if envelope.topic.startswith(CHAT_TOPIC):
            router = self._routers.get(envelope.topic.removeprefix(CHAT_TOPIC))
            if router is not None:
                for event in events:
                    router.receive(event)
        elif envelope.topic == NODES_TOPIC:
            for event in events:
                self._for_all(event)
        else:
            user_id = envelope.topic.removeprefix(USER_TOPIC)
            for event in events:
                if type(event) is ContactEvent:
                    self._news.deliver(user_id, event)
                elif type(event) is StoryEvent:
                    self._stories.deliver(user_id, event)
                else:
                    self._hub.user_event(user_id, event)

    def _for_all(self, event: Event) -> None:
        if isinstance(event, Revoked):
            self._tokens.revoke(event.device_id)
        elif isinstance(event, Gone):
            self._tokens.revoke(event.user_id)
