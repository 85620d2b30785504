"""What clients may send about messages, and what is accepted of it. The same over REST and the socket."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from handlers.content import MAX_TEXT_CHARS, SHAPES, Content, LocationContent, TextContent
from handlers.errors import ChatError, Code, FieldError, invalid
from handlers.wire import Mark, rfc3339
from persistence.models import Message, MessageType

ChatId = Annotated[str, Meta(min_length=1, max_length=64)]
Seq = Annotated[int, Meta(ge=1, le=2**53)]
# "$" also matches before a line break at the end, which "\Z" does not; but JSON Schema has no "\Z".
Token = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[!-~]+(?!\n)$")]


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_CARRIES_MEDIA: Final = frozenset(
    {MessageType.IMAGE, MessageType.VIDEO, MessageType.AUDIO, MessageType.DOCUMENT}
)


class MessageBody(msgspec.Struct, frozen=True, kw_only=True):
    """A new message: the body of `POST /chats/{id}/messages`.

    `client_id` is the sender's own name for it, unique for ever within the chat and sender. `reply_to` is the `seq` of a message that is there.
    `forwarded`: it was written elsewhere and is passed on as it is.
    """

    client_id: Token
    type: MessageType
    content: Content
    media_id: Token | None = None
    reply_to: Seq | None = None
    forwarded: Mark | UnsetType = UNSET


class SendBody(MessageBody, frozen=True, kw_only=True):
    """The payload of `message:send`."""

    chat_id: ChatId


class EditBody(msgspec.Struct, frozen=True, kw_only=True):
    """The body of `PATCH /chats/{id}/messages/{seq}`: the new content, of the message's own type."""

    content: Content


class EditPush(EditBody, frozen=True, kw_only=True):
    """The payload of `message:edit`."""

    chat_id: ChatId
    seq: Seq


class SeqPush(msgspec.Struct, frozen=True, kw_only=True):
    """The payload of `message:delete`, `message:delivered` and `message:read`."""

    chat_id: ChatId
    seq: Seq


class SeqBody(msgspec.Struct, frozen=True, kw_only=True):
    """The body of `PUT /chats/{id}/read`."""

    seq: Seq


def clean_content(kind: MessageType, content: dict[str, Any], media_id: str | None) -> dict[str, Any]:
    """The content with only what its type has, checked.

    Raises:
        ChatError: `INVALID`, naming the field.

    """
    shape = SHAPES.get(kind)
    if shape is None:
        raise invalid("type", "only the server writes this type")
    if (media_id is not None) != (kind in _CARRIES_MEDIA):
        what = "is required for this type" if media_id is None else "is not for this type"
        raise invalid("media_id", what)
    if kind is MessageType.TEXT and len(content) == 1:
        text = content.get("text")
        if type(text) is str and 0 < len(text) <= MAX_TEXT_CHARS and "\0" not in text and not text.isspace():
            return content  # nearly every message: as good as the general way below, at a tenth of its cost
    try:
        typed = msgspec.convert(content, shape)
    except msgspec.ValidationError as error:
        raise from_validation(error, "content") from None
    clean: dict[str, Any] = msgspec.to_builtins(typed)
    for field, value in clean.items():
        if isinstance(value, str) and "\0" in value:
            raise invalid(f"content.{field}", "must not contain NUL")
    if isinstance(typed, TextContent) and typed.text.isspace():
        raise invalid("content.text", "must contain something visible")
    if isinstance(typed, LocationContent) and typed.live_until is not None:
        clean["live_until"] = _instant(typed.live_until, "content.live_until")
    return clean


def end_of_live(kind: MessageType, content: Mapping[str, Any]) -> int | None:
    """Until when somebody wants a location to be live, in milliseconds; `None` for anything else, and for what is not a time, which `clean_content` refuses."""
    given = content.get("live_until") if kind is MessageType.LOCATION else None
    if given is None:
        return None
    try:
        return _millis(msgspec.convert(given, Annotated[datetime, Meta(tz=True)]))
    except msgspec.ValidationError:
        return None


def is_forwarded(body: MessageBody) -> bool:
    """Whether the message is passed on. Raises `ChatError` (`INVALID`): a mark is there or is absent, and where somebody is at the moment only they themselves show."""
    if body.forwarded is UNSET:
        return False
    if not body.forwarded:
        raise invalid("forwarded", "can only be true, or absent")
    if end_of_live(body.type, body.content) is not None:
        raise invalid("forwarded", "is not for a live location")
    return True


def require_not_later(message: Message, content: Mapping[str, Any]) -> None:
    """An edit can end a live location earlier, and not make it longer. Raises `ChatError` (`INVALID`). Both contents are clean: their times compare as texts."""
    until = content.get("live_until")
    if until is not None and until > message.content.get("live_until", ""):
        raise invalid("content.live_until", "must not be later than before")


def _instant(at: datetime, field: str) -> str:
    """The time as all times are written. Raises `ChatError` (`INVALID`) for one before 1970: no clock shows it."""
    if at < _EPOCH:
        raise invalid(field, "must not be before 1970")
    return rfc3339(_millis(at))


def _millis(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=1)


def from_validation(error: msgspec.ValidationError, root: str = "") -> ChatError:
    """The `ChatError` for what msgspec found wrong: it names one field, as `at `$.path``."""
    text, _, path = str(error).partition(" - at `")
    path = path.removeprefix("key` in `")  # what is wrong is the name of something in it
    dotted = ".".join(part for part in (root, path.rstrip("`").lstrip("$").lstrip(".")) if part)
    if "missing required field" in text:  # the path is that of the object, the name is in the text
        dotted = ".".join(part for part in (dotted, text.rsplit("`", 2)[1]) if part)
    return ChatError(
        Code.INVALID, f"{dotted}: {text}" if dotted else text, errors=(FieldError(dotted, text),)
    )
