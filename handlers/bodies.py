"""What clients may send about messages, and what is accepted of it. The same over REST and the socket."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from handlers.errors import ChatError, Code, FieldError
from persistence.models import MessageType

MAX_TEXT_CHARS: Final = 8192
"""Longest text or caption, in Unicode code points."""

ChatId = Annotated[str, Meta(min_length=1, max_length=64)]
Seq = Annotated[int, Meta(ge=1, le=2**53)]
_Text = Annotated[str, Meta(min_length=1, max_length=MAX_TEXT_CHARS)]
_Caption = Annotated[str, Meta(max_length=MAX_TEXT_CHARS)]
_Pixels = Annotated[int, Meta(ge=1, le=100_000)]
_Millis = Annotated[int, Meta(ge=0, le=86_400_000)]


class TextContent(msgspec.Struct, frozen=True):
    """Content of `text`."""

    text: _Text


class PictureContent(msgspec.Struct, frozen=True, omit_defaults=True):
    """Content of `image` and `video`. `thumbnail` is a tiny preview, base64."""

    width: _Pixels
    height: _Pixels
    caption: _Caption | None = None
    thumbnail: Annotated[str, Meta(max_length=16_384)] | None = None
    duration_ms: _Millis | None = None


class AudioContent(msgspec.Struct, frozen=True, omit_defaults=True):
    """Content of `audio`. `waveform` is loudness over time, 0 to 255, at most 256 values."""

    duration_ms: _Millis
    waveform: Annotated[list[Annotated[int, Meta(ge=0, le=255)]], Meta(max_length=256)] | None = None


class DocumentContent(msgspec.Struct, frozen=True, omit_defaults=True):
    """Content of `document`."""

    filename: Annotated[str, Meta(min_length=1, max_length=255)]
    size: Annotated[int, Meta(ge=0, le=2**40)]
    caption: _Caption | None = None


class LocationContent(msgspec.Struct, frozen=True, omit_defaults=True):
    """Content of `location`: degrees in WGS 84, `accuracy` in metres, `live_until` in RFC 3339."""

    lat: Annotated[float, Meta(ge=-90, le=90)]
    lng: Annotated[float, Meta(ge=-180, le=180)]
    accuracy: Annotated[float, Meta(ge=0, le=1_000_000)] | None = None
    live_until: Annotated[str, Meta(max_length=40)] | None = None


_CONTENT: Final[Mapping[MessageType, type[msgspec.Struct]]] = {
    MessageType.TEXT: TextContent,
    MessageType.IMAGE: PictureContent,
    MessageType.VIDEO: PictureContent,
    MessageType.AUDIO: AudioContent,
    MessageType.DOCUMENT: DocumentContent,
    MessageType.LOCATION: LocationContent,
}
_CARRIES_MEDIA: Final = frozenset(
    {MessageType.IMAGE, MessageType.VIDEO, MessageType.AUDIO, MessageType.DOCUMENT}
)


class MessageBody(msgspec.Struct, frozen=True, kw_only=True):
    """A new message: the body of `POST /chats/{id}/messages`.

    `client_id` is the sender's own name for it, unique for ever within the chat and sender. `reply_to` is a `seq`.
    """

    client_id: Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[\x21-\x7e]+\Z")]
    type: MessageType
    content: dict[str, Any]
    media_id: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    reply_to: Seq | None = None


class SendBody(MessageBody, frozen=True, kw_only=True):
    """The payload of `message:send`."""

    chat_id: ChatId


class EditBody(msgspec.Struct, frozen=True, kw_only=True):
    """The body of `PATCH /chats/{id}/messages/{seq}`: the new content, of the message's own type."""

    content: dict[str, Any]


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
    shape = _CONTENT.get(kind)
    if shape is None:
        raise ChatError(
            Code.INVALID,
            "type: only the server writes this type",
            errors=(FieldError("type", "only the server writes this type"),),
        )
    if (media_id is not None) != (kind in _CARRIES_MEDIA):
        what = "is required for this type" if media_id is None else "is not for this type"
        raise ChatError(Code.INVALID, f"media_id: {what}", errors=(FieldError("media_id", what),))
    if kind is MessageType.TEXT and len(content) == 1:
        text = content.get("text")
        if type(text) is str and 0 < len(text) <= MAX_TEXT_CHARS and "\0" not in text:
            return content  # nearly every message: as good as the general way below, at a tenth of its cost
    try:
        clean = msgspec.to_builtins(msgspec.convert(content, shape))
    except msgspec.ValidationError as error:
        raise from_validation(error, "content") from None
    for field, value in clean.items():
        if isinstance(value, str) and "\0" in value:
            raise ChatError(
                Code.INVALID,
                f"content.{field}: must not contain NUL",
                errors=(FieldError(f"content.{field}", "must not contain NUL"),),
            )
    result: dict[str, Any] = clean
    return result


def from_validation(error: msgspec.ValidationError, root: str = "") -> ChatError:
    """The `ChatError` for what msgspec found wrong: it names one field, as `at `$.path``."""
    text, _, path = str(error).partition(" - at `")
    dotted = ".".join(part for part in (root, path.rstrip("`").lstrip("$").lstrip(".")) if part)
    if "missing required field" in text:  # the path is that of the object, the name is in the text
        dotted = ".".join(part for part in (dotted, text.rsplit("`", 2)[1]) if part)
    return ChatError(
        Code.INVALID, f"{dotted}: {text}" if dotted else text, errors=(FieldError(dotted, text),)
    )
