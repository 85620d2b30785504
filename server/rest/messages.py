"""Messages: the same as over the socket, for those who have none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import trio

from handlers.bodies import EditBody, MessageBody, SeqBody
from handlers.chats.history import HistoryQuery, MessagesPage
from handlers.errors import Code
from handlers.limits import Bucket
from handlers.quotas import Quota
from handlers.receipts.views import MessageReceipts
from handlers.routing.awaited import QUEUED
from handlers.wire import MessageView, QueuedView, message_view
from server.rest.operation import Answer, Call, NoQuery, Operation
from server.services import Services

TAG: Final = "messages"
MOST_DEVICES: Final = 10_000
"""Devices whose pace is remembered; the one that was quiet longest is forgotten first."""
_REFUSED: Final = (Code.NOT_FOUND, Code.FORBIDDEN)
_WRITTEN: Final = (*_REFUSED, Code.RATE_LIMITED, Code.OVERLOADED)


class Paces:
    """How fast each device may send: as over one socket."""

    def __init__(self, per_second: float, burst: float) -> None:
        self._per_second = per_second
        self._burst = burst
        self._buckets: dict[str, Bucket] = {}

    def take(self, device_id: str) -> None:
        """Count a message of this device. Raises `ChatError` (`RATE_LIMITED`)."""
        bucket = self._buckets.pop(device_id, None) or Bucket(self._per_second, self._burst)
        self._buckets[device_id] = bucket
        if len(self._buckets) > MOST_DEVICES:
            del self._buckets[next(iter(self._buckets))]
        bucket.take(trio.current_time())


def operations(services: Services) -> Sequence[Operation]:
    """The calls below `/chats/{id}/messages`, and the read cursor."""
    history, writer = services.history, services.writer
    limits = services.settings.limits
    paces = Paces(limits.sends_per_second, limits.sends_burst)

    async def page(call: Call[None, HistoryQuery]) -> MessagesPage:
        """A page of messages: the newest, those before or after a `seq`, or what changed after a `rev`."""
        return await history.page(call.principal, call.id("chat_id"), call.query)

    async def send(call: Call[MessageBody, NoQuery]) -> Answer:
        """Send a message: answered when it is durable, or with 202 when it could not be written in time and waits: the event `MESSAGE_SENT` then tells when it is.

        Sending a `client_id` again, at any time, gives the first answer again (200) and changes nothing: after an error, or no answer, send again.
        """
        paces.take(call.principal.device_id)
        outcome = await writer.send(call.principal, call.id("chat_id"), call.body)
        if outcome == QUEUED:
            return Answer(202, QueuedView())
        message, created = outcome
        return Answer(201 if created else 200, message_view(message))

    async def edit(call: Call[EditBody, NoQuery]) -> MessageView:
        """Replace the content of one's own message."""
        paces.take(call.principal.device_id)
        chat_id, seq = call.id("chat_id"), call.seq()
        return message_view(await writer.edit(call.principal, chat_id, seq, call.body.content))

    async def delete(call: Call[None, NoQuery]) -> MessageView:
        """Delete a message for everyone: it keeps its place, without content. To delete it again changes nothing."""
        paces.take(call.principal.device_id)
        chat_id, seq = call.id("chat_id"), call.seq()
        return message_view(await writer.delete(call.principal, chat_id, seq))

    async def receipts(call: Call[None, NoQuery]) -> MessageReceipts:
        """How many of the others have received and read a message; in a direct chat or small group, also who.

        For the sender and, in groups and channels, for owner and admins.
        """
        return await services.receipt_views.of_message(call.principal, call.id("chat_id"), call.seq())

    async def read(call: Call[SeqBody, NoQuery]) -> None:
        """Everything up to `seq` has been read. A lower one than before changes nothing."""
        await history.read(call.principal, call.id("chat_id"), call.body.seq)

    many, one = "/chats/{chat_id}/messages", "/chats/{chat_id}/messages/{seq}"
    return (
        Operation(
            method="GET",
            path=many,
            serve=page,
            tag=TAG,
            query=HistoryQuery,
            answers={200: MessagesPage},
            refuses=(Code.NOT_FOUND,),
        ),
        Operation(
            method="POST",
            path=many,
            serve=send,
            tag=TAG,
            body=MessageBody,
            quotas=(Quota.SENDS,),
            answers={201: MessageView, 200: MessageView, 202: QueuedView},
            refuses=_WRITTEN,
        ),
        Operation(
            method="PATCH",
            path=one,
            serve=edit,
            tag=TAG,
            body=EditBody,
            answers={200: MessageView},
            refuses=_WRITTEN,
        ),
        Operation(
            method="DELETE",
            path=one,
            serve=delete,
            tag=TAG,
            answers={200: MessageView},
            refuses=_WRITTEN,
        ),
        Operation(
            method="GET",
            path=f"{one}/receipts",
            serve=receipts,
            tag=TAG,
            answers={200: MessageReceipts},
            refuses=(Code.NOT_FOUND, Code.FORBIDDEN),
        ),
        Operation(
            method="PUT",
            path="/chats/{chat_id}/read",
            serve=read,
            tag=TAG,
            body=SeqBody,
            answers={204: None},
            refuses=(Code.NOT_FOUND, Code.OVERLOADED),
        ),
    )
