"""All chats of a node: finding or starting the room and router of a chat. What is written to them: `handlers.routing.writer`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import trio

from handlers.audit.audit import Audit
from handlers.chats.barriers import blockers_of
from handlers.errors import not_found, unavailable
from handlers.loader import Loader
from handlers.nodes.events import CHAT_TOPIC, OpenEvent
from handlers.nodes.fanout import Fanout
from handlers.notifications.notifier import Notifier
from handlers.outage import Outage
from handlers.policy import Action, Blocked
from handlers.retry.queue import RetryQueue
from handlers.routing.commands import Command
from handlers.routing.commit import GroupCommit
from handlers.routing.room import Room, tick
from handlers.routing.router import Router
from handlers.signal import Signal
from persistence.errors import StoreUnavailable
from persistence.models import DeadLetter, Head
from persistence.ports import Blocks, Bus, Chats, DeadLetters, MessageLog
from supervisors import Child, ChildExists, ChildSpec, NotRunning, PartitionSupervisor, Restart, StartError

log = logging.getLogger(__name__)

SWEEP_S: Final = 30.0
"""Seconds between looks for rooms that nobody needs. One goes when it has not been asked for between two of them."""
START_AGAIN_S: Final = 0.1
"""Pause before another try to start a router whose partition is just being restarted."""
REACH_S: Final = 5.0
"""How long a room is waited for that has to come as far as the log."""
MOST_HEADS: Final = 1000
"""Chats whose heads are read in one call."""


class Routers:
    """Rooms and routers by chat.

    A room is made for the first who needs the chat on this node: the node begins to follow the chat's topic, and only then reads the head of its
    log, so that everything after that head arrives. Its router's task is started with the first thing to do and ends when the chat is quiet;
    the room goes when nobody needs it.
    """

    def __init__(
        self,
        *,
        store: MessageLog,
        chats: Chats,
        blocks: Blocks,
        bus: Bus,
        dead_letters: DeadLetters,
        fanout: Fanout,
        notifier: Notifier,
        commit: GroupCommit,
        audit: Audit,
        retry: RetryQueue,
        partitions: PartitionSupervisor,
        clock: Callable[[], int],
        new_id: Callable[[], str],
        idle_s: float,
    ) -> None:
        self._store = store
        self._chats = chats
        self._blocks = blocks
        self._bus = bus
        self._dead_letters = dead_letters
        self._fanout = fanout
        self._notifier = notifier
        self._commit = commit
        self._audit = audit
        self._retry = retry
        self._partitions = partitions
        self._clock = clock
        self._new_id = new_id
        self._idle_s = idle_s
        self._by_chat: dict[str, Router] = {}
        self._loader: Loader[str, Router] = Loader(self._make)
        self._interest = trio.Lock()
        self._stray: dict[str, None] = {}
        self._asked: dict[str, None] = {}
        self._to_start: list[Router] = []
        self._letters: list[DeadLetter] = []
        self._work = Signal()
        # A node without the bus still serves its own clients; it follows everything anew, and catches up, when the bus is back.
        self._outage = Outage(log, "cannot follow chats while the bus is away", "chats are followed again")

    # -- rooms ----------------------------------------------------------------------------------------------------

    def get(self, chat_id: str) -> Router | None:
        """The chat's router, if the chat is in use on this node."""
        return self._by_chat.get(chat_id)

    def all(self) -> list[Router]:
        """Every router of this node."""
        return list(self._by_chat.values())

    async def use(self, chat_ids: Sequence[str]) -> dict[str, Router]:
        """The routers of these chats, made where they are not; chats that do not exist are left out.

        Raises:
            ChatError: `UNAVAILABLE` when the record does not answer.

        """
        # Whoever asks has a sweep's time to become a subscriber, or to do what else keeps a room.
        self._asked.update(dict.fromkeys(chat_ids))
        found = {
            chat_id: router for chat_id in chat_ids if (router := self._by_chat.get(chat_id)) is not None
        }
        missing = [chat_id for chat_id in chat_ids if chat_id not in found]
        if missing:
            found |= await self._loader.load(missing)
        return found

    async def _make(self, chat_ids: Sequence[str]) -> Mapping[str, Router]:
        found = {
            chat_id: router for chat_id in chat_ids if (router := self._by_chat.get(chat_id)) is not None
        }
        missing = [chat_id for chat_id in chat_ids if chat_id not in found]
        if not missing:
            return found
        async with self._interest:
            self._stray.update(dict.fromkeys(missing))
            born = tick()
            with self._outage.met():
                await self._bus.follow([CHAT_TOPIC + chat_id for chat_id in missing])
            queued = await self._queued(missing)
            chats = await self._chats.get_many(missing)
            heads = await self._store.heads(list(chats))
            # After the heads: a block that is in the log before a head has to be seen, one that comes later is met in the log once more.
            blockers = await blockers_of(self._blocks, chats)
            for chat_id, chat in chats.items():
                router = self._router(
                    Room(chat, heads.get(chat_id, Head()), born, blockers.get(chat_id, frozenset()))
                )
                self._by_chat[chat_id] = router
                self._stray.pop(chat_id, None)
                found[chat_id] = router
                if chat_id in queued:
                    self._retry.follow(router)
        return found

    async def _queued(self, chat_ids: Sequence[str]) -> set[str]:
        """Of which of these chats messages wait in the retry queue, as far as Redis answers."""
        try:
            return await self._retry.waiting(chat_ids)
        except StoreUnavailable as error:
            self._outage.failed(reason=error.reason)
            return set()

    async def look_for_queued(self) -> None:
        """Something may have been missed: see of which chats in use here messages wait in the retry queue."""
        for chat_id in await self._queued(list(self._by_chat)):
            router = self._by_chat.get(chat_id)
            if router is not None:
                self._retry.follow(router)

    def _router(self, room: Room) -> Router:
        return Router(
            room,
            self._store,
            self._fanout,
            retry=self._retry,
            notifier=self._notifier,
            commit=self._commit.enqueue,
            wake=self._wake,
            bury=self._bury,
            noted=self._audit.settle,
            idle_s=self._idle_s,
        )

    def tell_elsewhere(self, chat_id: str, text: bytes) -> None:
        """A frame for those on other nodes who have a chat open that is not in use here."""
        self._fanout.tell_chat(chat_id, OpenEvent(text))

    async def follow_all(self) -> None:
        """The bus has forgotten this node: follow every chat anew, then have each room catch up with what was missed."""
        async with self._interest:
            await self._bus.follow([CHAT_TOPIC + chat_id for chat_id in self._by_chat])
            self._outage.succeeded()

    async def catch_up_all(self) -> int:
        """Compare every room with the head of its log and have those behind catch up. Returns how many were."""
        behind = 0
        chat_ids = list(self._by_chat)
        for start in range(0, len(chat_ids), MOST_HEADS):
            heads = await self._store.heads(chat_ids[start : start + MOST_HEADS])
            for chat_id, head in heads.items():
                router = self._by_chat.get(chat_id)
                if router is not None and head.rev > router.room.head.rev and router.room.idle:
                    behind += 1
                    router.catch_up(head.rev)
        return behind

    # -- the process ----------------------------------------------------------------------------------------------

    def _wake(self, router: Router) -> None:
        if not router.running:
            self._to_start.append(router)
            self._work.set()

    def _bury(self, command: Command, chat_id: str, reason: str) -> None:
        letter = DeadLetter(
            id=self._new_id(),
            source="router",
            reason=reason,
            command={**command.describe(), "chat_id": chat_id},
            at=self._clock(),
        )
        self._letters.append(letter)
        self._work.set()

    async def run(self, child: Child) -> None:
        """Start routers that have something to do, keep dead letters, let go of rooms that nobody needs. A supervised child."""
        self._work.set()
        child.ready()
        sweep_at = trio.current_time() + SWEEP_S
        with child.cancel_on_stop():
            while True:
                with trio.move_on_at(sweep_at):
                    await self._work.wait()
                if trio.current_time() >= sweep_at:
                    await self._sweep()
                    sweep_at = trio.current_time() + SWEEP_S
                await self._start_routers()
                await self._keep_letters()

    async def _start_routers(self) -> None:
        while self._to_start:
            router = self._to_start.pop()
            if router.running:
                continue
            chat_id = router.room.chat.id
            spec = ChildSpec(id=chat_id, start=router.run, restart=Restart.TRANSIENT)
            try:
                await self._partitions.start_child(chat_id, spec)
            except (ChildExists, StartError) as error:
                # Restarting just now, or crashed again at once: its supervisor has reported that, and the sweep comes back to it.
                log.info("router not started", extra={"chat_id": chat_id, "reason": str(error)})
            except NotRunning:
                self._to_start.append(router)
                await trio.sleep(START_AGAIN_S)

    async def _keep_letters(self) -> None:
        while self._letters:
            try:
                await self._dead_letters.add(self._letters[0])
            except StoreUnavailable:
                return
            self._letters.pop(0)

    async def _sweep(self) -> None:
        for router in self.all():
            if router.needs_task and not router.running:
                self._to_start.append(router)
        async with self._interest:
            for chat_id, router in list(self._by_chat.items()):
                if router.room.unused and not router.running and chat_id not in self._asked:
                    del self._by_chat[chat_id]
                    self._stray[chat_id] = None
            self._asked.clear()
            await self._unfollow_strays()

    async def _unfollow_strays(self) -> None:
        """Stop following chats that have no room here any more, or never got one."""
        strays = list(self._stray)
        if not strays:
            return
        try:
            await self._bus.unfollow([CHAT_TOPIC + chat_id for chat_id in strays])
        except StoreUnavailable:
            log.info("interest is given up later", extra={"chats": len(strays)})
        else:
            self._stray.clear()

    # -- for whoever gives commands ---------------------------------------------------------------------------------

    async def router_for(self, chat_id: str, *user_ids: str) -> Router:
        """The chat's router, knowing what these users are in the chat. Raises `ChatError` (`NOT_FOUND`, `UNAVAILABLE`)."""
        self._asked[chat_id] = None
        try:
            router = self._by_chat.get(chat_id) or (await self.use([chat_id])).get(chat_id)
            if router is None:
                raise not_found("chat")
            for user_id in user_ids:
                if user_id not in router.room.roles:
                    member = await self._chats.member(chat_id, user_id)
                    router.room.roles.setdefault(user_id, None if member is None else member.role)
        except StoreUnavailable as error:
            raise unavailable(error.store) from error
        return router

    async def allow(self, router: Router, action: Action, user_id: str) -> None:
        """Whether the policy allows the user this. Before a block is held against somebody, the log is looked at. Raises `ChatError`."""
        try:
            router.room.allow(action, user_id)
        except Blocked:
            try:
                head = (await self._store.heads([router.room.chat.id]))[router.room.chat.id]
            except StoreUnavailable as error:
                raise unavailable("the record") from error
            with trio.move_on_after(REACH_S):
                await router.reach(head.rev)
            router.room.allow(action, user_id)
