"""What a notification says. As little as will do: where to look. The device has the rest, or gets it when it connects.

    {"type": "message", "chat_id": ..., "seq": ..., "count": ...}

`seq` is the newest message's, `count` the unread ones in the chat (at most 100). With `PUSH_PREVIEW` also `from`, the sender's name, and `text`, the
beginning of what they wrote.
"""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec

from handlers.base64url import to_base64url
from handlers.notifications.jobs import Push
from persistence.models import Message, PushSubscription

MOST_UNREAD: Final = 100
MOST_TEXT: Final = 140
_TOPIC_BYTES: Final = 18


class Preview(msgspec.Struct, frozen=True):
    """Who wrote, and the message."""

    sender: str
    message: Message


def payload(push: Push, count: int, preview: Preview | None = None) -> bytes:
    """The text of a notification, before it is encrypted."""
    said = {"type": "message", "chat_id": push.chat_id, "seq": push.seq, "count": count}
    if preview is not None:
        content = preview.message.content
        words = content.get("text") or content.get("caption") or ""
        said |= {"from": preview.sender, "kind": preview.message.type.value, "text": _beginning(words)}
    return msgspec.json.encode(said)


def _beginning(text: str) -> str:
    return text if len(text) <= MOST_TEXT else text[: MOST_TEXT - 1] + "…"


def topic(push: Push, subscription: PushSubscription) -> str:
    """What makes notifications of one chat replace each other at the push service, which learns nothing from it: different for each device."""
    digest = hashlib.blake2b(push.chat_id.encode(), key=subscription.auth, digest_size=_TOPIC_BYTES).digest()
    return to_base64url(digest)
