"""A good client: keeps what it is told, reconnects anywhere, catches up, repeats what was not acknowledged, and checks the contract on every frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

import msgspec
import trio

from handlers.chats.history import HistoryQuery
from handlers.errors import ChatError
from handlers.pages import PageQuery
from handlers.principal import Principal
from persistence.errors import StoreUnavailable
from tests.simulation.copy import Broken, ChatCopy, is_log_event
from tests.simulation.node import START_MS, Connection, Disconnected, Node

if TYPE_CHECKING:
    from tests.simulation.world import World

RETRYABLE = {"unavailable", "overloaded", "rate_limited", "internal"}
ANSWERED_WITHIN_S = 60.0
SIGNED_OUT = 4001
QUEUED_S = 20.0
"""What was queued and has not come is sent again."""

Reply = dict[str, Any]


class Refused(Exception):
    """An answer with status "error"."""

    def __init__(self, response: Reply) -> None:
        super().__init__(response)
        self.code: str = response["code"]


@dataclass
class Outgoing:
    """A message that its sender has written; `message` once it is acknowledged, `refused` if it will not be.

    `queued` is when it was first said to be queued, which is no acknowledgement; `first_answer` what its first push was answered, and on which
    connection: "ok" or "queued".
    """

    chat_id: str
    client_id: str
    text: str
    message: dict[str, Any] | None = None
    refused: str | None = None
    tries: int = 0
    queued: float | None = None
    first_answer: tuple[Connection, str] | None = None
    changed: trio.Event = field(default_factory=trio.Event)

    def settled(self) -> None:
        """It is acknowledged, or will not be, or nobody knows."""
        self.changed.set()
        self.changed = trio.Event()


@dataclass
class Opened:
    """A chat that is open on the screen: who else is there by `Presence`, who types."""

    join_ref: str
    present: dict[str, dict[str, Any]] = field(default_factory=dict)
    pending: list[Any] | None = field(default_factory=list)
    typing: list[tuple[str, str]] = field(default_factory=list)
    moves: list[dict[str, Any]] = field(default_factory=list)


class Client:
    """A device of a user.

    Attributes:
        chats: what it keeps, by id; only chats that it knows the user to be in.
        outbox: everything it has ever sent, by `client_id`.
        page: messages per chat that it asks for in a join.
        others: events that are about no chat.
        refusals: codes that sends of its were refused with, for good or not.
        online: the contacts that it shows as online.
        stories: events about stories, on all connections.
        summed: sums of receipts that it was told.

    """

    def __init__(self, world: World, user_id: str, device_id: str) -> None:
        self.user_id = user_id
        self.device_id = device_id
        self.node: Node | None = None
        self.chats: dict[str, ChatCopy] = {}
        self.outbox: dict[str, Outgoing] = {}
        self.opened: dict[str, Opened] = {}
        self.page = 100
        self.since: str | None = None
        self.signed_out = False
        self.closed_with: int | None = None
        self.others: list[tuple[str, Any]] = []
        self.online: set[str] = set()
        self.stories: list[tuple[str, str, str]] = []
        self.summed: list[dict[str, Any]] = []
        self.answers: list[Reply] = []
        self.refusals: list[str] = []
        self._world = world
        self._connection: Connection | None = None
        self._joined = False
        self._refs = count(1)
        self._me_ref = ""
        self._waiting: dict[str, tuple[str, Callable[[Reply | None], None]]] = {}
        self._to_page: dict[str, None] = {}
        self._work = trio.Event()
        self._order: dict[str, int] = {}
        self._news: set[tuple[str, str, str]] = set()
        self._marks: dict[tuple[str, str], int] = {}

    def __repr__(self) -> str:
        return self.device_id

    @property
    def principal(self) -> Principal:
        return Principal(self.user_id, self.device_id, START_MS * 2)

    @property
    def connected(self) -> bool:
        return self._connection is not None and self._joined

    @property
    def idle(self) -> bool:
        """It waits for no answer and reads no pages."""
        return not self._waiting and not self._to_page

    # -- connecting ------------------------------------------------------------------------------------------------

    async def connect(self, node: Node) -> Reply:
        """Connect, join `me`, catch up, and repeat what is not acknowledged; the join's answer. Raises `Disconnected`, `Refused`."""
        self.disconnect()
        connection = self._connection = node.connect(self, self.principal)
        self.node = node
        self._me_ref = str(next(self._refs))
        body: dict[str, Any] = {"known": {chat.id: chat.synced for chat in self.chats.values()}}
        body["limit"] = self.page
        if self.since is not None:
            body["since"] = self.since
        try:
            answer = await self._ask(self._me_ref, "me", "phx_join", body, self._on_join)
        except BaseException:
            self.disconnect()
            raise
        assert self._world._nursery is not None
        self._work = trio.Event()
        self._world._nursery.start_soon(self._tend, connection)
        for outgoing in self.outbox.values():
            if outgoing.message is None and outgoing.refused is None:
                self._push_out(outgoing)
        for mark in self._marks:
            self._world._nursery.start_soon(self._mark, mark)
        return answer

    def disconnect(self) -> None:
        """Break the connection."""
        if self._connection is not None:
            self._connection.end()

    def on_close(self, connection: Connection, code: int) -> None:
        if connection is not self._connection:
            return
        self._connection = None
        self._joined = False
        self.closed_with = code
        self.signed_out |= code == SIGNED_OUT
        self.opened.clear()
        self._to_page.clear()
        self._order.clear()
        self._news.clear()
        self._work.set()
        self._give_up()

    def _give_up(self, topic: str | None = None) -> None:
        """What was asked on a topic, or at all, is not answered any more."""
        given_up = [ref for ref, (asked, _) in self._waiting.items() if topic in (None, asked)]
        for _, then in [self._waiting.pop(ref) for ref in given_up]:
            then(None)

    def _on_join(self, answer: Reply | None) -> None:
        if answer is None or answer["status"] != "ok":
            return
        response = answer["response"]
        self.answers.append(response)
        self._joined = True
        self.since = response["server_time"]
        self.online = set(response["online"])
        for chat_id in response["removed"]:
            self.chats.pop(chat_id, None)
        for chat in self.chats.values():
            chat.reconnected()
        more = set(response["more"])
        before = {chat_id: chat.synced for chat_id, chat in self.chats.items()}
        for view in response["chats"]:
            chat = self.chats.setdefault(view["id"], ChatCopy(view["id"]))
            chat.listed(view, more=view["id"] in more)
        for message in response["messages"]:
            self.chats[message["chat_id"]].keep(message)
        for chat_id in response["more"]:
            revs = [m["rev"] for m in response["messages"] if m["chat_id"] == chat_id]
            self.chats[chat_id].synced = max([before.get(chat_id, 0), *revs])
        self._to_page = dict.fromkeys(self.chats)

    # -- pages -----------------------------------------------------------------------------------------------------

    async def _tend(self, connection: Connection) -> None:
        """Reads further pages and members, as long as the connection lasts."""
        try:
            while connection is self._connection:
                if not self._to_page:
                    await self._work.wait()
                    self._work = trio.Event()
                    continue
                chat_id = next(iter(self._to_page))
                if await self._read(connection, chat_id) and connection is self._connection:
                    self._to_page.pop(chat_id, None)
        except Disconnected:
            connection.end()

    async def _read(self, connection: Connection, chat_id: str) -> bool:
        core = connection.node.core
        try:
            while (chat := self.chats.get(chat_id)) is not None and chat.paging:
                query = HistoryQuery(after_rev=chat.synced, limit=max(1, self.page))
                page = await connection.node.call(core.chats.history.page, self.principal, chat_id, query)
                if connection is not self._connection:
                    return False
                if self.chats.get(chat_id) is chat:
                    items = [msgspec.to_builtins(item) for item in page.items]
                    chat.page(items, page.rev or 0, last=page.next is None)
            if chat is not None:
                chat.changed_members.clear()
                members = await connection.node.call(
                    core.chats.conversations.members, self.principal, chat_id, PageQuery(limit=100)
                )
                if connection is self._connection and self.chats.get(chat_id) is chat:
                    for member in members.items:
                        chat.moved(member.user_id, member.delivered_seq, member.read_seq)
                        if member.user_id not in chat.changed_members:
                            chat.members[member.user_id] = member.role
                    shown = {member.user_id for member in members.items} | chat.changed_members
                    chat.members = {u: r for u, r in chat.members.items() if u in shown}
        except (ChatError, StoreUnavailable) as error:
            if isinstance(error, ChatError) and error.code.slug == "not_found":
                return True  # no longer in it: its events say so
            await trio.sleep(1)
            return False
        return True

    def sums(self, chat_id: str) -> list[dict[str, Any]]:
        """What it was told of how many have received and read, in order."""
        return [payload for payload in self.summed if payload["chat_id"] == chat_id]

    def heard_of(self, user_id: str) -> list[str]:
        """What it was told of a contact's coming and going, in order."""
        return [
            event
            for event, payload in self.others
            if event in ("USER_CONNECTED", "USER_DISCONNECTED") and payload["user_id"] == user_id
        ]

    async def refresh(self) -> None:
        """Wait until nothing is under way."""
        with trio.move_on_after(ANSWERED_WITHIN_S):
            while self.connected and not self.idle:  # noqa: ASYNC110 - many things have to be over, none is the last
                await trio.sleep(0.1)

    # -- asking ----------------------------------------------------------------------------------------------------

    async def ask(self, topic: str, event: str, **payload: Any) -> Reply:
        """Push, and wait for the answer; its response. Raises `Refused`, `Disconnected`."""
        return await self._ask(str(next(self._refs)), topic, event, payload)

    async def _ask(
        self,
        ref: str,
        topic: str,
        event: str,
        payload: Reply,
        first: Callable[[Reply | None], None] = lambda _: None,
    ) -> Reply:
        done = trio.Event()
        got: list[Reply | None] = []

        def then(answer: Reply | None) -> None:
            first(answer)
            got.append(answer)
            done.set()

        self._push(ref, topic, event, payload, then)
        with trio.move_on_after(ANSWERED_WITHIN_S):
            await done.wait()
        if not got:
            self._world.complain(f"{self}: {event} {payload} was not answered")
            await trio.sleep_forever()
        if got[0] is None:
            raise Disconnected
        if got[0]["status"] != "ok":
            raise Refused(got[0]["response"])
        response: Reply = got[0]["response"]
        return response

    def _push(
        self, ref: str, topic: str, event: str, payload: Reply, then: Callable[[Reply | None], None]
    ) -> None:
        if self._connection is None:
            raise Disconnected
        opened = self.opened.get(topic.removeprefix("chat:"))
        join_ref = self._me_ref if opened is None else opened.join_ref
        self._waiting[ref] = (topic, then)
        self._connection.send([join_ref, ref, topic, event, payload])

    def send(self, chat_id: str, text: str, client_id: str | None = None) -> Outgoing:
        """Write a message; it is repeated after each reconnection until it is acknowledged or refused for good."""
        tries = 0 if client_id is None else 1  # with a name of the caller's choice it may be a repeat
        client_id = client_id or f"{self.device_id}-{len(self.outbox) + 1}"
        outgoing = self.outbox[client_id] = Outgoing(chat_id, client_id, text, tries=tries)
        if self.connected:
            self._push_out(outgoing)
        return outgoing

    async def say(self, chat_id: str, text: str) -> dict[str, Any]:
        """Send, and wait for the acknowledgement; the message. Raises `Refused`, `Disconnected`."""
        outgoing = self.send(chat_id, text)
        with trio.move_on_after(ANSWERED_WITHIN_S):
            while outgoing.message is None and outgoing.refused is None and self.connected:
                await outgoing.changed.wait()
        if outgoing.message is None:
            raise Disconnected if outgoing.refused is None else Refused({"code": outgoing.refused})
        return outgoing.message

    def resend(self, outgoing: Outgoing) -> None:
        """Push a message once more."""
        self._push_out(outgoing)

    def _push_out(self, outgoing: Outgoing) -> None:
        connection = self._connection
        outgoing.tries += 1
        first = outgoing.tries == 1
        body = {
            "chat_id": outgoing.chat_id,
            "client_id": outgoing.client_id,
            "type": "text",
            "content": {"text": outgoing.text},
        }
        self._push(
            str(next(self._refs)),
            "me",
            "message:send",
            body,
            lambda reply: self._on_sent(connection, outgoing, first, reply),
        )

    def _on_sent(
        self, connection: Connection | None, outgoing: Outgoing, first: bool, reply: Reply | None
    ) -> None:
        outgoing.settled()
        if reply is None:
            return
        if reply["status"] != "ok":
            code = reply["response"]["code"]
            self.refusals.append(code)
            if code not in RETRYABLE and outgoing.message is None:
                outgoing.refused = code
            elif self.connected and code != "internal":
                assert self._world._nursery is not None
                self._world._nursery.start_soon(self._later, outgoing)
            return
        if first and connection is not None:
            outgoing.first_answer = connection, "queued" if "queued" in reply["response"] else "ok"
        if "queued" in reply["response"]:
            if reply["response"] != {"queued": True}:
                self._broken(f"neither queued nor acknowledged: {reply}")
            outgoing.queued = trio.current_time() if outgoing.queued is None else outgoing.queued
            assert self._world._nursery is not None
            self._world._nursery.start_soon(self._later, outgoing, QUEUED_S)
            return
        self._acknowledged(outgoing, reply["response"]["message"], first)

    def _acknowledged(self, outgoing: Outgoing, message: dict[str, Any], first: bool) -> None:
        there = outgoing.message
        if there is not None and (there["id"], there["seq"]) != (message["id"], message["seq"]):
            self._broken(f"acknowledged twice, differently: {there} and {message}")
        if message["client_id"] != outgoing.client_id or message["sender_id"] != self.user_id:
            self._broken(f"the acknowledgement of another message: {message}")
        if first:
            if message["seq"] <= self._order.get(outgoing.chat_id, 0):
                self._broken(f"overtaken by what was sent after it: {message}")
            self._order[outgoing.chat_id] = message["seq"]
        outgoing.message = message

    async def _later(self, outgoing: Outgoing, pause: float = 2) -> None:
        await trio.sleep(pause)
        if self.connected and outgoing.message is None and outgoing.refused is None:
            self._push_out(outgoing)

    async def mark(self, event: str, chat_id: str, seq: int) -> None:
        """Raise a cursor; that is repeated too until it is answered for good. Raises nothing."""
        key = (event, chat_id)
        self._marks[key] = max(seq, self._marks.get(key, 0))
        assert self._world._nursery is not None
        self._world._nursery.start_soon(self._mark, key)
        while self.connected and key in self._marks:  # noqa: ASYNC110 - somebody else may be repeating it
            await trio.sleep(0.05)

    async def _mark(self, key: tuple[str, str]) -> None:
        connection = self._connection
        while connection is not None and connection is self._connection and key in self._marks:
            seq = self._marks[key]
            try:
                await self.ask("me", key[0], chat_id=key[1], seq=seq)
            except Disconnected:
                return
            except Refused as refused:
                if refused.code in RETRYABLE:
                    await trio.sleep(2)
                    continue
            if self._marks.get(key) == seq:
                del self._marks[key]

    # -- open chats ------------------------------------------------------------------------------------------------

    async def open(self, chat_id: str) -> Opened:
        """Join `chat:<id>`. Raises `Refused`, `Disconnected`."""
        ref = str(next(self._refs))
        opened = self.opened[chat_id] = Opened(ref)

        def joined(reply: Reply | None) -> None:
            if (reply is None or reply["status"] != "ok") and self.opened.get(chat_id) is opened:
                del self.opened[chat_id]

        await self._ask(ref, f"chat:{chat_id}", "phx_join", {}, joined)
        return opened

    async def leave(self, chat_id: str) -> None:
        """Leave `chat:<id>`."""
        await self.ask(f"chat:{chat_id}", "phx_leave")

    # -- frames ----------------------------------------------------------------------------------------------------

    def on_frame(self, connection: Connection, frame: list[Any]) -> None:
        """Everything that comes."""
        if connection is not self._connection:
            return
        join_ref, ref, topic, event, payload = frame
        try:
            if event == "phx_reply":
                if ref not in self._waiting:
                    raise Broken(f"an answer to nothing, or a second one: {frame}")
                _, then = self._waiting.pop(ref)
                then(payload)
            elif topic == "me" and event == "phx_error":
                self.disconnect()  # and connect anew: what it has asked on this topic is not answered any more
            elif topic == "me":
                self._on_me(event, payload)
            else:
                self._on_open_chat(topic.removeprefix("chat:"), join_ref, event, payload)
        except Broken as broken:
            self._broken(str(broken))

    def _broken(self, what: str) -> None:
        self._world.complain(f"{self} on {self.node.incarnation if self.node else 'no node'}: {what}")

    def _on_me(self, event: str, payload: Any) -> None:
        if not self._joined:
            raise Broken(f"{event} before the join was answered")
        if event == "CHAT_CREATED":
            self._on_created(payload["chat"])
            return
        message = payload.get("message")
        chat_id = payload.get("chat_id") if message is None else message["chat_id"]
        if chat_id is None:
            self._on_other(event, payload)
            return
        known = self.chats.get(chat_id)
        if is_log_event(event, payload):
            self._on_log_event(known, event, payload)
        elif event == "MESSAGE_FAILED":
            self._on_failed(payload)
        elif event == "MESSAGE_RECEIPTS":
            self.summed.append(payload)
        elif event in ("MESSAGE_READ", "MESSAGE_DELIVERED"):
            if known is None and payload["user_id"] != self.user_id:
                raise Broken(f"{event} of a chat that it is not in: {payload}")
            if known is not None:
                read = payload["seq"] if event == "MESSAGE_READ" else 0
                known.moved(payload["user_id"], payload["seq"], read)
        elif event == "CHAT_UPDATED" and known is not None:
            known.view |= {key: value for key, value in payload.items() if key != "chat_id"}

    def _on_log_event(self, known: ChatCopy | None, event: str, payload: Any) -> None:
        if known is None:
            raise Broken(f"{event} of a chat that it is not in: {payload}")
        known.on_log_event(event, payload)
        if event == "MESSAGE_SENT":
            self._on_own(payload["message"])
        gone = event == "MEMBER_CHANGED" and payload["user_id"] == self.user_id and payload["role"] is None
        if gone or event == "CHAT_DELETED":
            del self.chats[known.id]
            self._to_page.pop(known.id, None)
        elif event == "MEMBER_CHANGED" and payload["user_id"] == self.user_id:
            known.view["my_role"] = payload["role"]

    def _on_own(self, message: dict[str, Any]) -> None:
        """A message, which may be one of its own that was queued."""
        outgoing = self.outbox.get(message["client_id"]) if message["sender_id"] == self.user_id else None
        if outgoing is not None and outgoing.chat_id == message["chat_id"] and outgoing.queued is not None:
            self._acknowledged(outgoing, message, first=False)
            outgoing.settled()

    def _on_failed(self, payload: dict[str, Any]) -> None:
        outgoing = self.outbox.get(payload["client_id"])
        if outgoing is not None and outgoing.chat_id == payload["chat_id"] and outgoing.message is None:
            outgoing.refused = payload["code"]
            outgoing.settled()

    def _on_other(self, event: str, payload: Any) -> None:
        self.others.append((event, payload))
        if event == "USER_CONNECTED":
            self.online.add(payload["user_id"])
        elif event == "USER_DISCONNECTED":
            self.online.discard(payload["user_id"])
        elif event.startswith("STORY_"):
            self._on_story(event, payload)

    def _on_story(self, event: str, payload: Any) -> None:
        story = payload.get("story", {"id": payload.get("story_id"), "user_id": payload.get("user_id")})
        news = (event, story["id"], story["user_id"])
        if news in self._news:
            raise Broken(f"told of the same again: {event} {payload}")
        if event == "STORY_CREATED" and ("STORY_EXPIRED", *news[1:]) in self._news:
            raise Broken(f"told of a story after its end: {payload}")
        if event == "STORY_CREATED" and (story.get("audience") is not None) != (
            story["user_id"] == self.user_id
        ):
            raise Broken(f"told for whom it is, or not told of one's own: {payload}")
        self._news.add(news)
        self.stories.append(news)

    def _on_created(self, view: dict[str, Any]) -> None:
        if view["id"] in self.chats:
            raise Broken(f"told of chat {view['id']} again: {view}")
        chat = self.chats[view["id"]] = ChatCopy(view["id"])
        chat.listed(view, more=True)
        self._to_page[chat.id] = None
        self._work.set()

    def _on_open_chat(self, chat_id: str, join_ref: str | None, event: str, payload: Any) -> None:
        opened = self.opened.get(chat_id)
        if event in ("phx_close", "phx_error"):
            if opened is not None and join_ref == opened.join_ref:
                del self.opened[chat_id]
                self._give_up(f"chat:{chat_id}")
            return
        if opened is None:
            raise Broken(f"{event} of a chat that is not open: {payload}")
        if event == "presence_state":
            opened.present = {}
            _join(opened.present, payload)
            pending, opened.pending = opened.pending or [], None
            for diff in pending:
                _diff(opened.present, diff)
        elif event == "presence_diff":
            if opened.pending is not None:
                opened.pending.append(payload)
            else:
                _diff(opened.present, payload)
        elif event == "TYPING":
            opened.typing.append((payload["user_id"], payload["state"]))
        elif event == "LOCATION_UPDATED":
            opened.moves.append(payload)


def _join(present: dict[str, dict[str, Any]], joins: dict[str, Any]) -> None:
    for user_id, metas in joins.items():
        present.setdefault(user_id, {}).update({meta["phx_ref"]: meta for meta in metas["metas"]})


def _diff(present: dict[str, dict[str, Any]], diff: dict[str, Any]) -> None:
    """As phoenix.js `Presence.syncDiff`: joins, then leaves."""
    _join(present, diff["joins"])
    for user_id, metas in diff["leaves"].items():
        for meta in metas["metas"]:
            present.get(user_id, {}).pop(meta["phx_ref"], None)
        if not present.get(user_id):
            present.pop(user_id, None)
