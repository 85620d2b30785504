"""Joining the topic `me`: from what a client knows to a feed without holes.

Joining catches up. The order of its steps is what makes the feed free of holes and repeats:

1. The node follows the user's own topic (from the start of the connection), so that joining or leaving a chat from now on is heard of.
2. Read which chats the user is in; see that each has a room (which follows the chat before it reads the head of its log), and has come as far as
   the client had on another node.
3. Become a subscriber of every room, at the head it has at that instant. What is delivered from then on waits in a buffer.
4. Read what is new after what the client knows, but of new messages only those up to that head.
5. Answer, then hand over the buffer.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import trio

from handlers.bodies import from_validation
from handlers.chats.views import ChatViews
from handlers.errors import ChatError, Code, not_found, unavailable
from handlers.loader import Loader
from handlers.presence.news import PresenceNews
from handlers.protocol import ME, Prepared, Push, encode, event, event_text, reply_ok
from handlers.quotas import Allowance
from handlers.receipts.receipts import Receipts
from handlers.routing.room import Room, tick
from handlers.routing.router import Router
from handlers.routing.routers import Routers
from handlers.routing.writer import Writer
from handlers.sessions.me import MeTopic
from handlers.sessions.session import Session
from handlers.signal import Signal
from handlers.wire import ChatView, MessageView, OwnUser, message_view, own_user, rfc3339
from persistence.errors import StoreUnavailable
from persistence.models import ChangesQuery, Chat, Head, Member, Message, User, Visibility
from persistence.pairs import other_of
from persistence.ports import Chats, MessageLog, Users
from supervisors import Child

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PER_CHAT: Final = 100
"""Changed messages of one chat in a join's answer, unless the client asks for fewer or more."""
MOST_MESSAGES: Final = 2_000
"""Messages in a join's answer."""
MOST_KNOWN: Final = 10_000
"""Chats that a client may say it knows."""
REACH_S: Final = 5.0
"""How long a join waits for rooms that have come less far than the client; after that it is served from where they are."""
SLACK_MS: Final = 10_000
"""How far the clocks of nodes may differ when a client says since when it knows things."""


Known = Annotated[dict[Annotated[str, msgspec.Meta(max_length=64)], int], msgspec.Meta(max_length=MOST_KNOWN)]
"""Chats, and how far their logs are known. A client may say anything: what is not so is as if it knew nothing, or everything."""


class JoinBody(msgspec.Struct, frozen=True):
    """The payload of joining `me`. `limit` is for the messages per chat in the answer; 0 for none."""

    known: Known = {}
    since: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    limit: int = PER_CHAT


class JoinAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What was missed. `removed` are chats the client knows and the user is not in (any more); `more` have further pages by `after_rev`.

    `online` are those of the user's contacts who are online, 1,000 at most; `USER_CONNECTED` and `USER_DISCONNECTED` go on from there.
    """

    user: OwnUser
    chats: list[ChatView]
    messages: list[MessageView]
    more: list[str]
    removed: list[str]
    online: list[str]
    server_time: str


_FEED: Final = event_text(ME, "", b"").partition(b'""')[0]
"""How every event of the feed begins."""
_decode_join: Final = msgspec.json.Decoder(JoinBody).decode


class Feed:
    """Joins connections to `me`, and to chats that their users come into later."""

    def __init__(
        self,
        *,
        routers: Routers,
        writer: Writer,
        receipts: Receipts,
        chats: Chats,
        users: Users,
        store: MessageLog,
        views: ChatViews,
        news: PresenceNews,
        clock: Callable[[], int],
        sends_per_second: float,
        sends_burst: float,
        sends: Allowance,
    ) -> None:
        self.routers = routers
        self.writer = writer
        self.receipts = receipts
        self.clock = clock
        self.rate = (sends_per_second, sends_burst)
        self.sends = sends
        self._store = store
        self._chats = chats
        self._views = views
        self._news = news
        self._memberships: Loader[str, list[Member]] = Loader(chats.memberships)
        self._users: Loader[str, User] = Loader(users.get_many)
        self._joins: list[tuple[MeTopic, str]] = []
        self._work = Signal()

    async def join(self, session: Session, push: Push) -> MeTopic:
        """Serve `phx_join` on `me`."""
        try:
            body = _decode_join(push.payload)
        except msgspec.ValidationError as error:
            raise from_validation(error) from None
        topic = MeTopic(self, session, push.join_ref)
        buffer: list[Prepared] = []
        session.push = buffer.append
        session.topics[ME] = topic
        try:
            answer = await self._catch_up(topic, body)
        except StoreUnavailable as error:
            self._give_up(topic, buffer)
            raise unavailable(error.store) from error
        except BaseException:
            self._give_up(topic, buffer)
            raise
        session.push = session.outlet.push
        session.push(reply_ok(push, encode(answer)))
        for prepared in buffer:
            session.push(prepared)
        topic.joined()
        return topic

    def _give_up(self, topic: MeTopic, buffer: list[Prepared]) -> None:
        topic.leave()
        session = topic.session
        session.topics.pop(ME, None)
        session.push = session.outlet.push
        for prepared in buffer:
            # Events of a topic that is not joined are not for the client.
            if not prepared.texts[0].startswith(_FEED):
                session.push(prepared)

    async def _catch_up(self, topic: MeTopic, body: JoinBody) -> JoinAnswer:
        user_id = topic.session.user_id
        server_time = rfc3339(self.clock())
        users = await self._users.load([user_id])
        if user_id not in users or users[user_id].deleted:
            raise ChatError(Code.UNAUTHENTICATED, "the user does not exist any more")
        user = users[user_id]
        topic.session.hides_reads = not user.privacy.read_receipts
        topic.session.hides_contacts = user.privacy.last_seen is Visibility.NOBODY
        rows, heads = await self._attach(topic, body.known)
        messages, more = await self._missed(body, heads)
        chats = await self._views.for_member(
            await self._changed(topic, body, rows, heads), heads, closed=True
        )
        removed = [chat_id for chat_id in body.known if chat_id not in heads]
        pairs = [room.chat.pair for room in topic.rooms.values() if room.chat.pair is not None]
        online = await self._news.for_join(user, [other_of(pair, user_id) for pair in pairs])
        return JoinAnswer(
            user=own_user(user),
            chats=chats,
            messages=messages,
            more=more,
            removed=removed,
            online=online,
            server_time=server_time,
        )

    async def _attach(self, topic: MeTopic, known: Mapping[str, int]) -> tuple[list[Member], dict[str, Head]]:
        """Make the connection a subscriber of its user's chats; the memberships, and each chat's head at that instant."""
        user_id = topic.session.user_id
        began = tick()
        found = {row.chat_id: row for row in (await self._memberships.load([user_id]))[user_id]}
        routers = await self.routers.use(list(found))
        await self._reach(routers, known)
        # A room vouches for what was read after it was made: later changes of membership it has seen itself.
        unsure = [
            chat_id
            for chat_id, router in routers.items()
            if router.room.born > began and user_id not in router.room.roles
        ]
        found = await self._read_again(user_id, found, unsure, gone=True)
        heads = {
            chat_id: routers[chat_id].room.head
            for chat_id, row in found.items()
            if chat_id in routers and topic.subscribe(routers[chat_id].room, row)
        }
        # What was told to the subscribers between the first read and this instant may be missing in the row.
        stale = [chat_id for chat_id in heads if routers[chat_id].room.touched > began]
        found = await self._read_again(user_id, found, stale, gone=False)
        return [found[chat_id] for chat_id in heads], heads

    async def _reach(self, routers: Mapping[str, Router], known: Mapping[str, int]) -> None:
        """Have rooms catch up that have come less far than the client has on another node: it would get again what it got there."""
        ahead = [
            chat_id for chat_id, router in routers.items() if known.get(chat_id, 0) > router.room.head.rev
        ]
        if not ahead:
            return
        heads = await self._store.heads(ahead)  # a client may say anything
        with trio.move_on_after(REACH_S):
            for chat_id, head in heads.items():
                await routers[chat_id].reach(min(head.rev, known[chat_id]))

    async def _read_again(
        self, user_id: str, rows: dict[str, Member], chat_ids: Sequence[str], *, gone: bool
    ) -> dict[str, Member]:
        """The memberships with those in these chats read once more; with `gone`, without those that are no more."""
        if not chat_ids:
            return rows
        fresh = await self._views.rows([(chat_id, user_id) for chat_id in chat_ids])
        kept = {c: row for c, row in rows.items() if not (gone and c in chat_ids)}
        return kept | {chat_id: row for (chat_id, _), row in fresh.items()}

    async def _changed(
        self, topic: MeTopic, body: JoinBody, rows: Sequence[Member], heads: Mapping[str, Head]
    ) -> list[Member]:
        """The memberships in chats that have changed since what the client knows: their log, the row itself, or the other's cursors in a direct chat."""
        changed: dict[str, Member] = {}
        peers: dict[tuple[str, str], Member] = {}
        for row in rows:
            room = topic.rooms.get(row.chat_id)
            if _has_changed(row, body, heads[row.chat_id]):
                changed[row.chat_id] = row
            elif room is not None and room.chat.pair is not None:
                peers[row.chat_id, other_of(room.chat.pair, row.user_id)] = row
        if peers:
            for key, peer in (await self._views.rows(list(peers))).items():
                if _is_since(peer, body):
                    changed[peer.chat_id] = peers[key]
        return list(changed.values())

    async def _missed(self, body: JoinBody, heads: Mapping[str, Head]) -> tuple[list[MessageView], list[str]]:
        limit = max(0, min(body.limit, 500))
        behind = [chat_id for chat_id, head in heads.items() if head.rev > body.known.get(chat_id, 0)]
        messages: list[MessageView] = []
        more: list[str] = []
        for start in range(0, len(behind), 20):
            some = behind[start : start + 20]
            if not limit or len(messages) >= MOST_MESSAGES:
                more += some
                continue
            queries = [
                ChangesQuery(
                    chat_id=chat_id,
                    after_rev=body.known.get(chat_id, 0),
                    limit=limit + 1,
                    upto_seq=heads[chat_id].seq,
                )
                for chat_id in some
            ]
            for chat_id, page in zip(some, await self._store.changes(queries), strict=True):
                if len(page) > limit:
                    more.append(chat_id)
                messages += [message_view(entry) for entry in page[:limit] if type(entry) is Message]
        return messages, more

    async def require_seq(self, room: Room, seq: int) -> None:
        """Raise `ChatError` (`NOT_FOUND`) unless the chat has this `seq`: a client may know of more than has reached this node."""
        try:
            head = (await self._store.heads([room.chat.id]))[room.chat.id]
        except StoreUnavailable as error:
            raise unavailable("the record") from error
        if seq > head.seq:
            raise not_found("message")

    # -- chats that a user comes into while connected ----------------------------------------------------------------

    def add_chat(self, topic: MeTopic, chat_id: str) -> None:
        """Connect the topic to a chat that its user is now in, and tell the client (`CHAT_CREATED`). Done by `run`."""
        self._joins.append((topic, chat_id))
        self._work.set()

    async def run(self, child: Child) -> None:
        """Serves `add_chat`, as a supervised child."""
        self._work.set()
        child.ready()
        with child.cancel_on_stop():
            while True:
                await self._work.wait()
                while self._joins:
                    # Taken out first: whatever is wrong with one must not crash this task again and again.
                    topic, chat_id = self._joins.pop(0)
                    try:
                        await self._introduce(topic, chat_id)
                    except StoreUnavailable:
                        self._joins.insert(0, (topic, chat_id))
                        await trio.sleep(0.5)

    async def _introduce(self, topic: MeTopic, chat_id: str) -> None:
        if chat_id in topic.rooms or topic.left:
            return
        router = (await self.routers.use([chat_id])).get(chat_id)
        if router is None:
            return
        # The view must be of exactly the instant at which the subscription begins; a busy chat may have gone on while it was made.
        while True:
            began = tick()
            head = router.room.head
            row = await self._chats.member(chat_id, topic.session.user_id)
            if row is None:
                return
            views = await self._views.for_member([row], {chat_id: head})
            if head == router.room.head and router.room.touched < began:
                break
        if not views or topic.left or chat_id in topic.rooms:
            return
        if topic.subscribe(router.room, row):
            topic.session.push(event(ME, "CHAT_CREATED", {"chat": views[0]}))
            await self._introduce_peer(topic, router.room.chat)
        else:
            router.catch_up()  # the record is ahead of the room; once it has seen that the user is back, it says so

    async def _introduce_peer(self, topic: MeTopic, chat: Chat) -> None:
        """Tell the client whether the other one of a new direct chat is online."""
        if chat.pair is None:
            return
        user_id = topic.session.user_id
        text = await self._news.introduce(user_id, other_of(chat.pair, user_id))
        if text is not None and not topic.left:
            topic.session.push(Prepared(text))


def _has_changed(row: Member, body: JoinBody, head: Head) -> bool:
    """Whether a client that knows this much has to be shown the chat: also when this node has come less far, so that it knows where events begin."""
    return row.chat_id not in body.known or head.rev != body.known[row.chat_id] or _is_since(row, body)


def _is_since(row: Member, body: JoinBody) -> bool:
    return body.since is None or row.updated_at + SLACK_MS >= body.since.timestamp() * 1000
