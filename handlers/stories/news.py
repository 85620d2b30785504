"""What each user is told once, however often it is announced.

Who announces something writes first that it is to be announced, then announces it, then notes that this is done. If it dies in between, another node announces it
again: every node remembers, for those who are connected to it, what they have been told of late, and drops the rest.

Connections count one by one. Whoever joins `me` after something has happened learns of it from the record and not by a repeated announcement: `StoryEvent.before`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import trio

from handlers.nodes.events import USER_TOPIC, StoryEvent
from handlers.nodes.fanout import Fanout
from handlers.sessions.hub import Hub

KEEP_S: Final = 300.0
"""How long at least it is remembered what somebody has been told; longer than an announcement is repeated."""
MOST_REMEMBERED: Final = 200_000
"""Things told that are remembered at a time; beyond it the older half is forgotten."""


class StoryNews:
    """Tells users news, here and on other nodes."""

    def __init__(self, hub: Hub, fanout: Fanout) -> None:
        self._hub = hub
        self._fanout = fanout
        self._told: dict[tuple[str, str], int] = {}
        self._former: dict[tuple[str, str], int] = {}
        self._since = 0.0
        self.repeats = 0

    def tell(self, news: Mapping[str, Sequence[StoryEvent]]) -> None:
        """Tell each user these, in order, wherever they are connected. Never blocks."""
        for user_id, events in news.items():
            for event in events:
                self.deliver(user_id, event)
            self._fanout.publish(USER_TOPIC + user_id, list(events))

    def is_here(self, user_id: str) -> bool:
        """Whether the user is connected to this node."""
        return user_id in self._hub.users

    def deliver(self, user_id: str, event: StoryEvent) -> None:
        """Tell those of the user's connections that are here, unless that was done."""
        if user_id not in self._hub.users:
            return
        key = (user_id, event.subject)
        if max(self._told.get(key, 0), self._former.get(key, 0)) >= event.rank:
            self.repeats += 1
            return
        if len(self._told) >= MOST_REMEMBERED // 2:
            self._forget()
        self._told[key] = event.rank
        self._hub.user_event(user_id, event)

    def settle(self) -> None:
        """Nothing that was announced before now is missing here: what is older than `KEEP_S` need not be remembered."""
        if trio.current_time() - self._since > KEEP_S:
            self._forget()

    def _forget(self) -> None:
        self._former, self._told = self._told, {}
        self._since = trio.current_time()
