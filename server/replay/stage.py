"""What all users of a replay share: the chats, what is under way in them, and what has been counted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import msgspec
import trio

from server.replay.cast import Conversation, Part
from server.replay.latency import Latencies
from server.replay.reception import Reception

CONNECTING_AT_ONCE: Final = 32
MOST_FRAMES: Final = 8_192
"""Broadcast frames whose meaning is remembered: every receiver gets the same bytes."""


class _Content(msgspec.Struct, frozen=True):
    text: str = ""


class Message(msgspec.Struct, frozen=True):
    """A message, as far as a replay looks at it."""

    chat_id: str
    seq: int
    rev: int
    sender_id: str
    client_id: str
    content: _Content


class _Payload(msgspec.Struct, frozen=True):
    message: Message


class _Broadcast(msgspec.Struct, array_like=True, frozen=True):
    join_ref: None
    ref: None
    topic: str
    event: str
    payload: _Payload


class Sending:
    """A line on its way. `seq` is 0 and `sent_at` (Trio time) is infinite until it has one; `refusal` says why it never will.

    `came` is the `seq` under which its sender got it pushed, 0 until then: that may be before its sending is answered.
    """

    __slots__ = ("came", "client_id", "part", "refusal", "sender_id", "sent_at", "seq", "settled")

    def __init__(self, client_id: str, part: Part, sender_id: str) -> None:
        self.client_id = client_id
        self.part = part
        self.sender_id = sender_id
        self.sent_at = float("inf")
        self.seq = 0
        self.came = 0
        self.refusal = ""
        self.settled = trio.Event()

    def made(self, message: Message) -> bool:
        """Whether this is the message that was sent."""
        return message.content.text == self.part.text and message.sender_id == self.sender_id


class Chat:
    """A conversation's group.

    Attributes:
        id: the chat's.
        conversation: what is replayed in it.
        sendings: a line each, in the file's order.
        receptions: what each member gets, by the index of the user.
        acknowledged: lines that have a `seq`.
        caught_up: deliveries that came with a join's answer or further pages.
        altered: messages that are not what was sent, or that nobody sent.

    """

    def __init__(self, chat_id: str, conversation: Conversation, run: str, user_ids: Sequence[str]) -> None:
        self.id = chat_id
        self.conversation = conversation
        self.sendings = tuple(
            Sending(f"{run}-{part.number}", part, user_ids[part.sender]) for part in conversation.parts
        )
        self.by_client_id = {sending.client_id: sending for sending in self.sendings}
        self.receptions = {index: Reception() for index in conversation.members}
        self.acknowledged = 0
        self.caught_up = 0
        self.altered = 0

    @property
    def got(self) -> int:
        """Deliveries so far."""
        return sum(reception.got for reception in self.receptions.values())

    @property
    def expected(self) -> int:
        """Deliveries that there have to be: every line to every member, the sender included."""
        return len(self.sendings) * len(self.receptions)

    def find(self, message: Message) -> Sending | None:
        """The line that this message is; one that is not what was sent is counted as altered."""
        sending = self.by_client_id.get(message.client_id)
        if sending is None or not sending.made(message):
            self.altered += 1
        return sending


class Delivery(NamedTuple):
    """What a broadcast frame means."""

    chat: Chat
    message: Message
    sending: Sending | None


_decode_broadcast: Final = msgspec.json.Decoder(_Broadcast).decode


class Stage:
    """All chats, and the counters.

    Attributes:
        chats: by id.
        acknowledging, delivering: latencies from a line's first sending.
        under_way: lines that have been sent and not been answered for good.
        settled: lines that have been answered for good.
        acknowledged: lines that are durable.
        delivered: deliveries so far, in all chats.
        reconnects: connections that were lost.
        queued: answers that a line waits until it can be written.
        connecting: taken while a connection is being made, so that nodes are not rushed.

    """

    def __init__(self, chats: Iterable[Chat]) -> None:
        self.chats = {chat.id: chat for chat in chats}
        self.acknowledging = Latencies()
        self.delivering = Latencies()
        self.under_way = 0
        self.settled = 0
        self.acknowledged = 0
        self.delivered = 0
        self.reconnects = 0
        self.queued = 0
        self.connecting = trio.CapacityLimiter(CONNECTING_AT_ONCE)
        self._frames: dict[str, Delivery | None] = {}

    def meaning(self, frame: str) -> Delivery | None:
        """What a `MESSAGE_SENT` says; `None` if it is of another chat. Raises `msgspec.DecodeError`."""
        frames = self._frames
        try:
            return frames[frame]
        except KeyError:
            message = _decode_broadcast(frame).payload.message
        chat = self.chats.get(message.chat_id)
        delivery = None if chat is None else Delivery(chat, message, chat.find(message))
        frames[frame] = delivery
        if len(frames) > MOST_FRAMES:
            del frames[next(iter(frames))]
        return delivery

    def acknowledge(self, chat: Chat, sending: Sending, seq: int) -> None:
        """A line is durable as message `seq`. Twice, under another, it is an alteration."""
        if sending.seq:
            chat.altered += sending.seq != seq
            return
        sending.seq = seq
        self._settle(sending)
        chat.acknowledged += 1
        self.acknowledged += 1
        self.acknowledging.add(trio.current_time() - sending.sent_at)

    def refuse(self, sending: Sending, why: str) -> None:
        """A line was refused, and sending it again would not help."""
        if not sending.seq:
            sending.refusal = why
            self._settle(sending)

    def _settle(self, sending: Sending) -> None:
        if not sending.settled.is_set():
            sending.settled.set()
            self.settled += 1
            self.under_way -= 1

    def deliver(self, sending: Sending | None) -> None:
        """A user got a line for the first time."""
        self.delivered += 1
        if sending is not None:
            self.delivering.add(trio.current_time() - sending.sent_at)

    @property
    def outstanding(self) -> bool:
        """Whether anything has been sent that is not acknowledged, or acknowledged and not delivered to everyone."""
        due = sum(chat.acknowledged * len(chat.receptions) for chat in self.chats.values())
        return self.under_way > 0 or self.delivered < due
