"""The JSON of what happens in a chat, made once per node."""

from handlers.protocol import ME, encode, event_text
from handlers.wire import ChatChange, MemberChange, message_view
from persistence.models import UNSEEN, Change, ChangeKind, LogEntry, Message


def message_json(message: Message) -> bytes:
    """The message as clients see it."""
    return encode(message_view(message))


def entry_text(entry: LogEntry, encoded: bytes, *, new: bool) -> bytes:
    """The frame that tells members of a log entry; empty for one that they are not told of. `encoded` is the JSON of a message, which may be needed elsewhere too."""
    if type(entry) is Message:
        name = "MESSAGE_SENT" if new else "MESSAGE_DELETED" if entry.deleted else "MESSAGE_EDITED"
        return event_text(ME, name, b'{"message":%b}' % encoded)
    assert type(entry) is Change
    return _change_text(entry)


def _change_text(change: Change) -> bytes:
    if change.kind in UNSEEN:
        return b""
    if change.kind in (ChangeKind.MEMBER_SET, ChangeKind.MEMBER_REMOVED):
        assert change.user_id is not None
        view = MemberChange(
            chat_id=change.chat_id,
            rev=change.rev,
            user_id=change.user_id,
            role=change.role,
            by=change.actor_id,
        )
        return event_text(ME, "MEMBER_CHANGED", encode(view))
    name = "CHAT_UPDATED" if change.kind is ChangeKind.CHAT_UPDATED else "CHAT_DELETED"
    return event_text(
        ME, name, encode(ChatChange(chat_id=change.chat_id, rev=change.rev, title=change.title))
    )
