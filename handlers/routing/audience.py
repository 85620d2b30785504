"""Who is told what happens in one chat: whoever is connected to it on this node, and over the bus whoever is elsewhere.

Synchronous, like all that a message passes. A subscriber gets everything that happens in the chat; an opener, who has it open, also what lasts only a moment.
"""

from __future__ import annotations

from typing import Final

from handlers.nodes.events import CursorsMoved, Event, OpenEvent, ReceiptsSummed
from handlers.nodes.fanout import Fanout
from handlers.protocol import Prepared
from handlers.receipts.cursors import Moved, frames, frames_without_reads
from handlers.routing.room import Room, tick
from persistence.models import UNSEEN, Change, ChangeKind, Role

_MANAGING: Final = frozenset({Role.OWNER, Role.ADMIN})


class Audience:
    """Of one room.

    Args:
        room: the chat's state here: who is connected, and what they are.
        fanout: the way to other nodes.

    """

    __slots__ = ("_fanout", "_room")

    def __init__(self, room: Room, fanout: Fanout) -> None:
        self._room = room
        self._fanout = fanout

    # -- here ------------------------------------------------------------------------------------------------------

    def deliver(self, prepared: Prepared) -> None:
        """To every subscriber on this node."""
        for subscriber in self._room.subscribers:
            subscriber.push(prepared)

    def deliver_open(self, prepared: Prepared) -> None:
        """To everyone on this node who has the chat open."""
        self._room.diffs += 1
        for opener in self._room.openers:
            opener.push(prepared)

    def hear(self, event: Event) -> None:
        """To those on this node, what another node has told everywhere."""
        if type(event) is CursorsMoved:
            self._tell_cursors_here([Moved(*each) for each in event.moved])
        elif type(event) is ReceiptsSummed:
            self._tell_sum_here(event)
        elif type(event) is OpenEvent:
            self.deliver_open(Prepared(event.text))

    # -- everywhere ------------------------------------------------------------------------------------------------

    def tell_cursors(self, moved: list[Moved]) -> None:
        """To everyone in the chat, everywhere: how far these members have come now."""
        self._tell_cursors_here(moved)
        self._fanout.tell_chat(self._room.chat.id, CursorsMoved([*moved]))

    def _tell_cursors_here(self, moved: list[Moved]) -> None:
        room = self._room
        room.touched = tick()
        shown, others = frames(room.chat.id, moved), None
        for subscriber in room.subscribers:
            if not subscriber.hides_reads:
                subscriber.push(shown)
                continue
            others = others or frames_without_reads(room.chat.id, moved)
            subscriber.push(others)

    def tell_sum(self, text: bytes, sender_id: str) -> None:
        """A frame about how many have received and read, to the owner and admins everywhere, and to the sender of a message."""
        event = ReceiptsSummed(text, sender_id)
        self._tell_sum_here(event)
        self._fanout.tell_chat(self._room.chat.id, event)

    def _tell_sum_here(self, event: ReceiptsSummed) -> None:
        prepared = Prepared(event.text)
        for subscriber in self._room.subscribers:
            role = self._room.roles.get(subscriber.user_id)
            concerned = role in _MANAGING or subscriber.user_id == event.sender_id
            if concerned and not subscriber.hides_reads:
                subscriber.push(prepared)

    def tell_open(self, text: bytes) -> None:
        """A frame for everyone, everywhere, who has the chat open."""
        self.deliver_open(Prepared(text))
        self._fanout.tell_chat(self._room.chat.id, OpenEvent(text))

    # -- who belongs to it -----------------------------------------------------------------------------------------

    def changed(self, change: Change, *, joined: bool, own: bool = True) -> None:
        """Who is connected to the chat follows from who is in it; `own` changes are also told to the user they concern."""
        room = self._room
        if change.kind in UNSEEN:
            if room.blockers:
                # Who is there is seen by whoever has the chat open.
                for session in tuple(room.openers):
                    session.close_chat(room)
            return
        gone = change.kind is ChangeKind.CHAT_DELETED
        if gone or change.kind is ChangeKind.MEMBER_REMOVED:
            # Openers too: a connection can have the chat open without having joined `me`.
            for session in (*room.subscribers, *room.openers):
                if gone or session.user_id == change.user_id:
                    session.left_chat(room)
            if own and change.user_id is not None:
                self._fanout.chat_left(room.chat.id, change.user_id)
        elif change.user_id is not None and joined:
            if own:
                self._fanout.chat_created(room.chat.id, [change.user_id])
            else:
                self._fanout.joined_here(room.chat.id, change.user_id)

    def tell_user(self, change: Change) -> None:
        """To the user whom a change of this node's concerns, when the room has come past it already."""
        if change.user_id is not None and change.kind is ChangeKind.MEMBER_SET:
            self._fanout.chat_created(self._room.chat.id, [change.user_id])
        elif change.user_id is not None and change.kind is ChangeKind.MEMBER_REMOVED:
            self._fanout.chat_left(self._room.chat.id, change.user_id)
