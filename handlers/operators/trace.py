"""Where is my message? What the record says of its way, and what each node knows: for operators. Nothing of what it says is shown."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Final
from urllib.parse import urlsplit

import msgspec

from handlers.audit.audit import Audit
from handlers.errors import not_found
from handlers.nodes.roll_call import Roll, RollCall
from handlers.operators.trail import Trail
from handlers.principal import Principal
from handlers.routing.routers import Routers
from handlers.sessions.hub import Hub
from handlers.wire import rfc3339, rfc3339_or_none
from persistence.models import AuditAction, Member, Message, PushResult, PushTry, User
from persistence.ports import Chats, MessageLog, PushSubscriptions, PushTries, Users

SUBJECT: Final = "trace"
MOST_MEMBERS: Final = 100
MOST_DEVICES: Final = 100
"""Devices that each node names."""
MOST_TRIES: Final = 100

log: Final = logging.getLogger(__name__)


class Asked(msgspec.Struct, frozen=True, array_like=True):
    """What the nodes are asked: about a message, and who of these users is connected."""

    chat_id: str
    seq: int
    user_ids: list[str]


class Told(msgspec.Struct, frozen=True, array_like=True):
    """What a node says. Times are milliseconds by its clock; `devices` are `(user_id, device_id)`, some of `device_count`."""

    in_use: bool
    head_seq: int
    wrote: bool
    durable_at: int | None
    published_at: int | None
    device_count: int
    devices: list[tuple[str, str]]
    connected: list[str]


class TraceDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A connected device."""

    user_id: str
    device_id: str


class TraceNode(msgspec.Struct, frozen=True, kw_only=True):
    """The message on one node. Of a node that has not `answered`, nothing more is known.

    `in_use`: somebody there needs the chat; `head_seq` is how far it has come there, and `reached` whether that is as far as the message. Then the message
    has been handed to the `devices` that get the chat's events there now (the first 100 of `device_count`), or they began after it. If the chat is not in use there, it needs nothing of it.
    """

    node: str
    answered: bool
    in_use: bool = False
    head_seq: int | None = None
    reached: bool = False
    device_count: int = 0
    devices: list[TraceDevice] = []


class TraceMember(msgspec.Struct, frozen=True, kw_only=True):
    """The message with one member. `read` is `null` of those who hide what they read; `connected` is `null` if no node knows them and not all have answered."""

    user_id: str
    delivered: bool
    read: bool | None
    connected: bool | None


class TraceTry(msgspec.Struct, frozen=True, kw_only=True):
    """A try to notify a device. `service` is the host of the push service; `null` when the device is no longer subscribed."""

    at: str
    user_id: str
    device_id: str
    attempt: int
    result: PushResult
    status: int | None
    service: str | None


class TraceView(msgspec.Struct, frozen=True, kw_only=True):
    """The way of a message, without what it says.

    `accepted_at` is the time that it carries. `node` wrote it, and knew it to be durable and published to the other nodes at these times by its own clock: all `null`
    when no node that answers remembers. `complete` is false when it is not known which nodes there are. Of members and tries, the first 100 are shown.
    """

    id: str
    chat_id: str
    seq: int
    client_id: str
    rev: int
    sender_id: str
    accepted_at: str
    deleted: bool
    node: str | None
    durable_at: str | None
    published_at: str | None
    complete: bool
    nodes: list[TraceNode]
    member_count: int
    members: list[TraceMember]
    push_tries: list[TraceTry]


_encode: Final = msgspec.msgpack.Encoder().encode
_decode_asked: Final = msgspec.msgpack.Decoder(Asked).decode
_decode_told: Final = msgspec.msgpack.Decoder(Told).decode

_NOBODY: Final[tuple[None, None]] = (None, None)


class Tracer:
    """Finds out where a message is, and answers other nodes that do.

    Args:
        log, chats, users, tries, subscriptions: the record.
        routers, hub, trail: what this node knows.
        roll_call: the way to the others, which are asked with it and answered.
        audit: has its entry before anything is shown.

    """

    def __init__(
        self,
        *,
        log: MessageLog,
        chats: Chats,
        users: Users,
        tries: PushTries,
        subscriptions: PushSubscriptions,
        routers: Routers,
        hub: Hub,
        trail: Trail,
        roll_call: RollCall,
        audit: Audit,
    ) -> None:
        self._log = log
        self._chats = chats
        self._users = users
        self._tries = tries
        self._subscriptions = subscriptions
        self._routers = routers
        self._hub = hub
        self._trail = trail
        self._roll_call = roll_call
        self._audit = audit
        roll_call.answer(SUBJECT, lambda body: _encode(self._say(_decode_asked(body))))

    async def trace(self, principal: Principal, chat_id: str, seq: int, address: str) -> TraceView:
        """The way of the message. That it was asked for is durable before it is shown. Raises `ChatError` (`NOT_FOUND`), `StoreUnavailable`."""
        await self._audit.record(
            AuditAction.OPERATOR_READ,
            actor_id=principal.user_id,
            device_id=principal.device_id,
            address=address,
            about={"what": "trace", "chat_id": chat_id, "seq": seq},
        )
        message = await self._log.get(chat_id, seq)
        if message is None:
            raise not_found("message")
        members = await self._chats.members(chat_id, after_user_id=None, limit=MOST_MEMBERS)
        counts = await self._chats.member_count([chat_id])
        user_ids = [member.user_id for member in members]
        users = await self._users.get_many(user_ids)
        tries = await self._push_tries(chat_id, seq)
        roll = await self._roll_call.ask(SUBJECT, _encode(Asked(chat_id, seq, user_ids)))
        return _view(message, counts.get(chat_id, 0), members, users, tries, roll)

    async def _push_tries(self, chat_id: str, seq: int) -> list[TraceTry]:
        tries = await self._tries.tries(chat_id, seq, limit=MOST_TRIES)
        owners = list(dict.fromkeys(each.user_id for each in tries))
        subscribed = await self._subscriptions.of_users(owners) if owners else {}
        services = {
            each.id: urlsplit(each.endpoint).hostname for some in subscribed.values() for each in some
        }
        return [_try(each, services.get(each.subscription_id)) for each in tries]

    def _say(self, asked: Asked) -> Told:
        """What this node knows."""
        router = self._routers.get(asked.chat_id)
        written = self._trail.of(asked.chat_id, asked.seq)
        subscribers = {} if router is None else router.room.subscribers
        return Told(
            in_use=router is not None,
            head_seq=0 if router is None else router.room.head.seq,
            wrote=written is not None,
            durable_at=None if written is None else written.durable_at,
            published_at=None if written is None else written.published_at,
            device_count=len(subscribers),
            devices=sorted((each.user_id, each.device_id) for each in islice(subscribers, MOST_DEVICES)),
            connected=[user_id for user_id in asked.user_ids if user_id in self._hub.users],
        )


def _view(
    message: Message,
    member_count: int,
    members: Sequence[Member],
    users: Mapping[str, User],
    tries: list[TraceTry],
    roll: Roll,
) -> TraceView:
    seq = message.seq
    told = {node: _read(said) for node, said in roll.answers.items()}
    heard = [(node, said) for node, said in told.items() if said is not None]
    connected = {user_id for _, said in heard for user_id in said.connected}
    absent = False if roll.complete and len(heard) == len(told) else None
    writer, wrote = next(((node, said) for node, said in heard if said.wrote), _NOBODY)
    return TraceView(
        id=message.id,
        chat_id=message.chat_id,
        seq=seq,
        client_id=message.client_id,
        rev=message.rev,
        sender_id=message.sender_id,
        accepted_at=rfc3339(message.created_at),
        deleted=message.deleted,
        node=writer,
        durable_at=rfc3339_or_none(None if wrote is None else wrote.durable_at),
        published_at=rfc3339_or_none(None if wrote is None else wrote.published_at),
        complete=roll.complete,
        nodes=[_node(node, said, seq) for node, said in told.items()],
        member_count=member_count,
        members=[
            TraceMember(
                user_id=member.user_id,
                delivered=member.delivered_seq >= seq,
                read=_was_read(member, users.get(member.user_id), seq),
                connected=True if member.user_id in connected else absent,
            )
            for member in members
        ],
        push_tries=tries,
    )


def _node(node: str, told: Told | None, seq: int) -> TraceNode:
    if told is None:
        return TraceNode(node=node, answered=False)
    return TraceNode(
        node=node,
        answered=True,
        in_use=told.in_use,
        head_seq=told.head_seq if told.in_use else None,
        reached=told.in_use and told.head_seq >= seq,
        device_count=told.device_count,
        devices=[TraceDevice(user_id=user_id, device_id=device_id) for user_id, device_id in told.devices],
    )


def _was_read(member: Member, user: User | None, seq: int) -> bool | None:
    """Whether the member has read it, for others to know; `None` if that is theirs alone."""
    if user is None or not user.privacy.read_receipts:
        return None
    if member.read_seq < seq:
        return False
    return True if member.shown_seq >= seq else None


def _try(tried: PushTry, service: str | None) -> TraceTry:
    return TraceTry(
        at=rfc3339(tried.at),
        user_id=tried.user_id,
        device_id=tried.device_id,
        attempt=tried.attempt,
        result=tried.result,
        status=tried.status,
        service=service,
    )


def _read(said: bytes | None) -> Told | None:
    try:
        return None if said is None else _decode_told(said)
    except msgspec.DecodeError:
        log.info("what a node of another version says of a message was not understood")
        return None
