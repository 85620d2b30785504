"""The history of a chat, read back over REST, held against what was said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from server.replay.people import Account
from server.replay.rest import Api, NodeAway
from server.replay.stage import Chat, Message

PAGE = 200


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a history differs from what was said.

    Attributes:
        read: messages in it.
        differ: lines that are not in it, and messages that are no line, are one for the second time, or are not as they were typed.
        disordered: messages that stand after one that was said later, by the same user (or by anybody, where the file's order was kept).

    """

    read: int
    differ: int
    disordered: int


class _Page(msgspec.Struct, frozen=True):
    items: list[Message]


async def read_back(api: Api, node: int, reader: Account, chat_id: str) -> list[Message] | None:
    """All messages of a chat, by pages after a `seq`, from one node; `None` if that node does not answer. Raises `ApiError`."""
    messages: list[Message] = []
    after = 0
    while True:
        path = f"/chats/{chat_id}/messages?after_seq={after}&limit={PAGE}"
        try:
            page = await api.call("GET", path, _Page, token=await reader.token(), first=node, only=True)
        except NodeAway:
            return None
        messages += page.items
        if not page.items or page.items[-1].seq <= after:
            return messages
        after = page.items[-1].seq


def compare(chat: Chat, history: Sequence[Message], *, in_order: bool) -> Verdict:
    """Hold a history against the lines. `in_order`: the file's order was kept, not only each sender's."""
    differ = disordered = 0
    found: set[str] = set()
    last: dict[str, int] = {}
    for place, message in enumerate(history, 1):
        sending = chat.by_client_id.get(message.client_id)
        if (
            sending is None
            or message.client_id in found
            or message.seq != place
            or not sending.made(message)
            or sending.seq not in (0, message.seq)
        ):
            differ += 1
        if sending is None:
            continue
        found.add(message.client_id)
        whose = "" if in_order else message.sender_id
        if sending.part.number < last.get(whose, 0):
            disordered += 1
        last[whose] = max(last.get(whose, 0), sending.part.number)
    return Verdict(len(history), differ + len(chat.sendings) - len(found), disordered)
