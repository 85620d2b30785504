"""The group of settings for files that people send."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from config.fields import ContentTypes, Group, Section, Setting


class KindSettings(Section):
    """What files of one kind may be."""

    # S3 takes no more in one upload, and copies no more at once.
    most_bytes: Annotated[int, Field(gt=0, le=5 * 2**30), Setting("BYTES")]
    """Largest file of this kind."""
    types: Annotated[ContentTypes, Setting("TYPES")]
    """Types that it may have; `*/*` is any."""


class MediaSettings(Section):
    """Files that people send: what is taken, and for how long."""

    upload_ttl_s: Annotated[int, Field(ge=10, le=86_400), Setting("MEDIA_UPLOAD_TTL_S")] = 900
    """How long the URL for an upload is good. An upload must have begun by then."""
    download_ttl_s: Annotated[int, Field(ge=10, le=86_400), Setting("MEDIA_DOWNLOAD_TTL_S")] = 300
    """How long the URL for a download is good. A deleted file can be had for so long at most, should the object store be away."""
    orphan_s: Annotated[int, Field(ge=600), Setting("MEDIA_ORPHAN_S")] = 86_400
    """An upload that nothing uses for so long is removed."""
    max_unused: Annotated[int, Field(gt=0), Setting("MEDIA_MAX_UNUSED", unit="files")] = 100
    """Uploads that one user may have begun without using them."""
    review_s: Annotated[float, Field(gt=0), Setting("MEDIA_REVIEW_S")] = 5
    """Time between two looks for files to remove, beside those that a node is told of."""

    image: Annotated[KindSettings, Group("MEDIA_IMAGE_")] = KindSettings(
        most_bytes=20 * 2**20,
        types=(
            "image/jpeg",
            "image/png",
            "image/gif",
            "image/webp",
            "image/avif",
            "image/heic",
            "image/heif",
        ),
    )
    """Images."""
    video: Annotated[KindSettings, Group("MEDIA_VIDEO_")] = KindSettings(
        most_bytes=200 * 2**20,
        types=("video/mp4", "video/webm", "video/quicktime", "video/ogg", "video/3gpp"),
    )
    """Videos."""
    audio: Annotated[KindSettings, Group("MEDIA_AUDIO_")] = KindSettings(
        most_bytes=50 * 2**20,
        types=(
            "audio/mpeg",
            "audio/mp4",
            "audio/aac",
            "audio/ogg",
            "audio/opus",
            "audio/webm",
            "audio/wav",
            "audio/x-wav",
            "audio/x-m4a",
            "audio/flac",
        ),
    )
    """Audio recordings."""
    document: Annotated[KindSettings, Group("MEDIA_DOCUMENT_")] = KindSettings(
        most_bytes=100 * 2**20, types=("*/*",)
    )
    """Documents: only ever downloaded, never shown by a browser."""
    avatar: Annotated[KindSettings, Group("MEDIA_AVATAR_")] = KindSettings(
        most_bytes=5 * 2**20, types=("image/jpeg", "image/png", "image/webp", "image/gif", "image/avif")
    )
    """Profile pictures."""

    @field_validator("image", "video", "audio", "document", "avatar", mode="before")
    @classmethod
    def _completed(cls, value: object, info: ValidationInfo) -> object:
        """Of a kind of which only the size, or only the types, are set, the rest is as by default."""
        if not isinstance(value, Mapping) or info.field_name is None:
            return value
        default: Any = cls.model_fields[info.field_name].default
        return {**default.model_dump(), **value}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.orphan_s < self.upload_ttl_s:
            raise ValueError("MEDIA_ORPHAN_S must not be shorter than MEDIA_UPLOAD_TTL_S")
        return self
