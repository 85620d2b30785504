"""What messages contain, by type."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from persistence.models import MessageType

MAX_TEXT_CHARS: Final = 8192
"""Longest text or caption, in Unicode code points."""

_Text = Annotated[str, Meta(min_length=1, max_length=MAX_TEXT_CHARS)]
_Caption = Annotated[str, Meta(max_length=MAX_TEXT_CHARS)]
_Pixels = Annotated[int, Meta(ge=1, le=100_000)]
Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
Accuracy = Annotated[float, Meta(ge=0, le=1_000_000)]
_Millis = Annotated[int, Meta(ge=0, le=86_400_000)]


class TextContent(msgspec.Struct, frozen=True):
    """Content of `text`."""

    text: _Text


class PictureContent(msgspec.Struct, frozen=True, omit_defaults=True):
    """Content of `image` and `video`. `thumbnail` is a tiny preview, in base64."""

    width: _Pixels
    height: _Pixels
    caption: _Caption | None = None
    thumbnail: Annotated[bytes, Meta(max_length=12_288)] | None = None
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
    """Content of `location`: degrees in WGS 84, `accuracy` in metres, `live_until` in RFC 3339.

    With `live_until` its sender shows where they are until then, by `location:update`; when that is over, the last position is written into the message.
    """

    lat: Latitude
    lng: Longitude
    accuracy: Accuracy | None = None
    live_until: Annotated[datetime, Meta(tz=True)] | None = None


SHAPES: Final[Mapping[MessageType, type[msgspec.Struct]]] = {
    MessageType.TEXT: TextContent,
    MessageType.IMAGE: PictureContent,
    MessageType.VIDEO: PictureContent,
    MessageType.AUDIO: AudioContent,
    MessageType.DOCUMENT: DocumentContent,
    MessageType.LOCATION: LocationContent,
}
"""The content that each type has; `system` is the server's own."""

Content = Annotated[
    dict[str, Any],
    Meta(
        description="By the type of the message; empty for one that was deleted.",
        extra_json_schema={
            "anyOf": [
                *(
                    {"$ref": f"#/components/schemas/{kind.__name__}"}
                    for kind in dict.fromkeys(SHAPES.values())
                ),
                {"maxProperties": 0},
            ]
        },
    ),
]
"""Content as it travels: a plain object, because it is checked once, when it comes in, against its type (`handlers.bodies`)."""
