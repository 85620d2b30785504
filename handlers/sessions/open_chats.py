"""Who has a chat open: `presence_state` and `presence_diff` as phoenix.js `Presence` reads them, one meta a device.

Source: phoenix.js 1.8 `presence.js`; Phoenix `Phoenix.Presence`.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final

import trio

from handlers.outage import Outage
from handlers.protocol import CHAT_PREFIX, Prepared, encode, event_text
from handlers.routing.routers import Routers
from handlers.signal import Signal
from persistence.errors import StoreUnavailable
from persistence.models import OpenChat
from persistence.ports import Cluster, OpenChats
from supervisors import Child

RETRY_S: Final = 1.0
"""Between tries to save while Redis is away."""

log: Final = logging.getLogger(__name__)


class OpenChatTracker:
    """Tells the other nodes, and those who have a chat open, who opens and closes it.

    A device counts once per chat, however many connections it has: the first opens, the last closes.
    """

    def __init__(
        self, node: str, store: OpenChats, cluster: Cluster, routers: Routers, clock: Callable[[], int]
    ) -> None:
        self._node = node
        self._store = store
        self._cluster = cluster
        self._routers = routers
        self._clock = clock
        self._here: dict[tuple[str, str, str], tuple[int, OpenChat]] = {}
        self._changes: deque[tuple[bool, OpenChat]] = deque()
        self._unsaved: dict[tuple[str, str, str], tuple[bool, OpenChat]] = {}
        self._work = Signal()
        self._outage = Outage(
            log, "presence pauses while Redis is away", "presence goes on", level=logging.DEBUG
        )

    def opened(self, chat_id: str, user_id: str, device_id: str) -> None:
        """A connection has opened the chat."""
        key = (chat_id, user_id, device_id)
        count, entry = self._here.get(key, (0, None))
        if entry is None:
            entry = OpenChat(
                chat_id=chat_id, user_id=user_id, device_id=device_id, node=self._node, since=self._clock()
            )
            self._changes.append((True, entry))
            self._work.set()
        self._here[key] = (count + 1, entry)

    def closed(self, chat_id: str, user_id: str, device_id: str) -> None:
        """A connection has closed the chat."""
        key = (chat_id, user_id, device_id)
        count, entry = self._here.pop(key)
        if count > 1:
            self._here[key] = (count - 1, entry)
        else:
            self._changes.append((False, entry))
            self._work.set()

    async def state(self, chat_id: str) -> Prepared:
        """The frame `presence_state`. While Redis is away, those on this node."""
        here = [entry for (chat, _, _), (_, entry) in self._here.items() if chat == chat_id]
        try:
            elsewhere = await self._elsewhere(chat_id)
        except StoreUnavailable:
            elsewhere = []
        return Prepared(
            event_text(CHAT_PREFIX + chat_id, "presence_state", encode(_metas([*here, *elsewhere])))
        )

    async def _elsewhere(self, chat_id: str) -> list[OpenChat]:
        """Those on other nodes. What a dead one has left behind, because whoever buried it did not live to remove it, is removed."""
        entries = [entry for entry in await self._store.in_chat(chat_id) if entry.node != self._node]
        nodes = dict.fromkeys(entry.node for entry in entries)
        dead = nodes.keys() - await self._cluster.nodes() if nodes else set()
        for node in sorted(dead):
            await self.forget_node(node)
        return [entry for entry in entries if entry.node not in dead]

    async def refresh(self) -> None:
        """Something may have been missed: tell those who have chats open here who else has. Raises nothing; without Redis there is nothing to tell."""
        for router in self._routers.all():
            room = router.room
            before = -1
            while room.openers and room.diffs != before:
                before = room.diffs
                state = await self.state(room.chat.id)
                if room.diffs == before:  # else it may be older than what was said meanwhile
                    for opener in room.openers:
                        opener.push(state)

    async def run(self, child: Child) -> None:
        """Keeps the store and tells changes, as a supervised child."""
        child.ready()
        with child.cancel_on_stop():
            while True:
                if await self._flush():
                    await self._work.wait()
                else:
                    await trio.sleep(RETRY_S)
        await self._flush()

    async def _flush(self) -> bool:
        """Save and tell what has changed; `False` when something could not be saved."""
        while self._changes:
            joined, entry = self._changes.popleft()
            self._unsaved[entry.chat_id, entry.user_id, entry.device_id] = (joined, entry)
            try:
                await self._save(joined, entry)
            except StoreUnavailable:
                self._outage.failed()
            # Only now: whoever opens the chat meanwhile finds it in the store, or is here to be told.
            self._tell(entry.chat_id, joins=[entry] if joined else [], leaves=[] if joined else [entry])
        try:
            for joined, entry in list(self._unsaved.values()):
                await self._save(joined, entry)
                # Once more: others may have looked before it was saved, and what they were told then may be lost.
                self._tell(entry.chat_id, joins=[entry] if joined else [], leaves=[] if joined else [entry])
        except StoreUnavailable:
            return False
        self._outage.succeeded()
        return True

    async def _save(self, joined: bool, entry: OpenChat) -> None:
        await (self._store.open(entry) if joined else self._store.close(entry))
        key = (entry.chat_id, entry.user_id, entry.device_id)
        if self._unsaved.get(key) == (joined, entry):
            del self._unsaved[key]

    def restore(self) -> None:
        """Redis may have lost what it knew: have this node's entries written anew."""
        self._unsaved |= {key: (True, entry) for key, (_, entry) in self._here.items()}
        self._work.set()

    async def forget_own(self) -> None:
        """This node leaves: nobody has anything open here any more. Raises `StoreUnavailable`."""
        await self.forget_node(self._node)

    async def forget_node(self, node: str) -> None:
        """A node is dead: whoever had chats open there has closed them. Raises `StoreUnavailable`."""
        for entry in await self._store.forget_node(node):
            self._tell(entry.chat_id, joins=[], leaves=[entry])

    def _tell(self, chat_id: str, *, joins: list[OpenChat], leaves: list[OpenChat]) -> None:
        diff = encode({"joins": _metas(joins), "leaves": _metas(leaves)})
        text = event_text(CHAT_PREFIX + chat_id, "presence_diff", diff)
        router = self._routers.get(chat_id)
        if router is not None:
            router.audience.tell_open(text)
        else:
            self._routers.tell_elsewhere(chat_id, text)


def _metas(entries: Iterable[OpenChat]) -> dict[str, Any]:
    state: dict[str, Any] = {}
    for entry in entries:
        meta = {
            "phx_ref": f"{entry.device_id}.{entry.node}.{entry.since}",
            "device_id": entry.device_id,
            "online_at": entry.since,
        }
        state.setdefault(entry.user_id, {"metas": []})["metas"].append(meta)
    return state
