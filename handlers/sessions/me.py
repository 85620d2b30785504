"""The topic `me`, joined: a user's whole feed on one connection, and what its client pushes. How it is joined: `handlers.sessions.feed`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final

import msgspec
import trio

from handlers.bodies import EditPush, SendBody, SeqPush
from handlers.errors import ChatError
from handlers.limits import Bucket
from handlers.nodes.events import ContactEvent, Event, Joined, Left, StoryEvent, UserEvent
from handlers.policy import Action, check
from handlers.protocol import Prepared, Push, encode, reply_error, reply_ok
from handlers.routing.commands import Send
from handlers.routing.room import Room
from handlers.sessions.pushes import Served
from handlers.sessions.session import Rest, Session, error_view
from handlers.wire import message_view
from persistence.models import LogEntry, Member, MessageType

if TYPE_CHECKING:
    from handlers.sessions.feed import Feed


class _SocketSend(Send):
    """A message whose sender waits on a socket."""

    __slots__ = ("push", "session")
    push: Push
    session: Session

    def done(self, entry: LogEntry, encoded: bytes, *, created: bool) -> None:
        self.session.push(reply_ok(self.push, b'{"message":%b}' % encoded))

    def queued(self) -> None:
        self.session.push(reply_ok(self.push, b'{"queued":true}'))

    def failed(self, error: ChatError) -> None:
        self.session.push(reply_error(self.push, error_view(error)))


_decode_send: Final = msgspec.json.Decoder(SendBody).decode
_decode_edit: Final = msgspec.json.Decoder(EditPush).decode
_decode_seq: Final = msgspec.json.Decoder(SeqPush).decode


class MeTopic(Served):
    """`me`, joined by one connection."""

    __slots__ = ("_bucket", "_events", "began", "feed", "join_ref", "left", "rooms", "session")

    def __init__(self, feed: Feed, session: Session, join_ref: str | None) -> None:
        self.feed = feed
        self.session = session
        self.join_ref = join_ref
        self.began = feed.clock()
        self.rooms: dict[str, Room] = {}
        self.left = False
        self._bucket = Bucket(*feed.rate)
        self._events: list[Event] | None = []

    def joined(self) -> None:
        """The answer is out: what happened to the user meanwhile counts now."""
        events, self._events = self._events or [], None
        for happened in events:
            self.on_user_event(happened)

    def leave(self) -> None:
        """Stop being a subscriber of anything."""
        self.left = True
        for room in self.rooms.values():
            room.subscribers.pop(self.session, None)
        self.rooms = {}

    def chats(self) -> set[str] | None:
        """The chats that it gets events of; `None` while the join is under way."""
        return None if self._events is not None else set(self.rooms)

    def subscribe(self, room: Room, row: Member) -> bool:
        """Become a subscriber; `False` for a chat that the user turns out not to be in."""
        role = room.roles.setdefault(self.session.user_id, row.role)
        if role is None or room.chat.deleted:
            return False
        room.subscribers[self.session] = None
        self.rooms[room.chat.id] = room
        return True

    def left_chat(self, chat_id: str) -> None:
        """The user is no longer in this chat, as its log says."""
        room = self.rooms.pop(chat_id, None)
        if room is not None:
            room.subscribers.pop(self.session, None)

    def on_user_event(self, happened: Event) -> None:
        """Something that concerns the user on all devices."""
        if type(happened) is UserEvent:
            self.session.push(Prepared(happened.text))
        elif type(happened) is ContactEvent:
            if happened.anyway or not self.session.hides_contacts:
                self.session.push(Prepared(happened.text))
        elif type(happened) is StoryEvent:
            if not happened.before or self.began <= happened.before:
                self.session.push(Prepared(happened.text))
        elif self._events is not None:
            self._events.append(happened)
        elif type(happened) is Joined:
            self.feed.add_chat(self, happened.chat_id)
        elif type(happened) is Left and happened.chat_id in self.rooms:
            # The chat's own log says when exactly: members get everything up to there, and nothing after. It may not have come here yet.
            router = self.feed.routers.get(happened.chat_id)
            if router is not None:
                router.catch_up()

    def send(self, push: Push) -> Rest | None:
        """`message:send`: answered when it is durable, or waits in the retry queue, without holding up what the connection sends next."""
        body = _decode_send(push.payload)
        self._bucket.take(trio.current_time())
        self.feed.sends.take(self.session.user_id)
        if body.type is MessageType.LOCATION:
            return partial(self._send_location, push, body)
        router = self.feed.routers.get(body.chat_id)
        if (
            router is None
            or self.session.user_id not in router.room.roles
            or body.media_id is not None  # has to be looked at first
        ):
            return partial(self._send_later, push, body)
        self.feed.writer.submit(router, self._command(push, body))
        return None

    async def _send_location(self, push: Push, body: SendBody) -> None:
        await self.feed.writer.admit_live(self.session.user_id, body.chat_id, body)
        await self._send_later(push, body)

    async def _send_later(self, push: Push, body: SendBody) -> None:
        router = await self.feed.routers.router_for(body.chat_id, self.session.user_id)
        command, writer = self._command(push, body), self.feed.writer
        writer.submit(await writer.attach(router, command), command)

    def _command(self, push: Push, body: SendBody) -> _SocketSend:
        command = self.feed.writer.sending(_SocketSend, self.session.user_id, body)
        command.push = push
        command.session = self.session
        return command

    def edit(self, push: Push) -> Rest:
        """`message:edit`."""
        return partial(self._edit, push, _decode_edit(push.payload))

    async def _edit(self, push: Push, body: EditPush) -> None:
        message = await self.feed.writer.edit(self.session.principal, body.chat_id, body.seq, body.content)
        self.session.push(reply_ok(push, encode({"message": message_view(message)})))

    def delete(self, push: Push) -> Rest:
        """`message:delete`."""
        return partial(self._delete, push, _decode_seq(push.payload))

    async def _delete(self, push: Push, body: SeqPush) -> None:
        message = await self.feed.writer.delete(self.session.principal, body.chat_id, body.seq)
        self.session.push(reply_ok(push, encode({"message": message_view(message)})))

    def delivered(self, push: Push) -> Rest | None:
        """`message:delivered`."""
        return self._mark(push, read=False)

    def read(self, push: Push) -> Rest | None:
        """`message:read`."""
        return self._mark(push, read=True)

    def _mark(self, push: Push, *, read: bool) -> Rest | None:
        body = _decode_seq(push.payload)
        router = self.feed.routers.get(body.chat_id)
        if router is None or self.session.user_id not in router.room.roles or body.seq > router.room.head.seq:
            return partial(self._mark_new, push, body, read=read)
        self._raise_cursor(router.room, push, body, read=read)
        return None

    async def _mark_new(self, push: Push, body: SeqPush, *, read: bool) -> None:
        user_id = self.session.user_id
        room = (await self.feed.routers.router_for(body.chat_id, user_id)).room
        check(Action.MARK_READ, chat_type=room.chat.type, role=room.role(user_id))
        if body.seq > room.head.seq:
            await self.feed.require_seq(room, body.seq)
        self._raise_cursor(room, push, body, read=read)

    def _raise_cursor(self, room: Room, push: Push, body: SeqPush, *, read: bool) -> None:
        session = self.session
        check(Action.MARK_READ, chat_type=room.chat.type, role=room.role(session.user_id))

        def answer(error: ChatError | None) -> None:
            session.push(reply_ok(push) if error is None else reply_error(push, error_view(error)))

        if read:
            self.feed.receipts.mark(
                body.chat_id, session.user_id, answer, read=body.seq, hidden=session.hides_reads
            )
        else:
            self.feed.receipts.mark(body.chat_id, session.user_id, answer, delivered=body.seq)

    pushes: ClassVar[dict[str, Callable[[Any, Push], Rest | None]]] = {
        "message:send": send,
        "message:edit": edit,
        "message:delete": delete,
        "message:delivered": delivered,
        "message:read": read,
    }
