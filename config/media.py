"""The group of settings for files that people send."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from config.fields import ContentTypes, Section, Setting

_Bytes = Field(gt=0, le=5 * 2**30)
"""S3 takes no more in one upload, and copies no more at once."""


class MediaSettings(Section):
    """Files that people send: what is taken, and for how long."""

    image_bytes: Annotated[int, _Bytes, Setting("MEDIA_IMAGE_BYTES")] = 20 * 2**20
    """Largest image."""
    image_types: Annotated[ContentTypes, Setting("MEDIA_IMAGE_TYPES")] = (
        "image/jpeg",
        "image/png",
        "image/gif",
        "image/webp",
        "image/avif",
        "image/heic",
        "image/heif",
    )
    """Types that an image may have."""
    video_bytes: Annotated[int, _Bytes, Setting("MEDIA_VIDEO_BYTES")] = 200 * 2**20
    """Largest video."""
    video_types: Annotated[ContentTypes, Setting("MEDIA_VIDEO_TYPES")] = (
        "video/mp4",
        "video/webm",
        "video/quicktime",
        "video/ogg",
        "video/3gpp",
    )
    """Types that a video may have."""
    audio_bytes: Annotated[int, _Bytes, Setting("MEDIA_AUDIO_BYTES")] = 50 * 2**20
    """Largest audio recording."""
    audio_types: Annotated[ContentTypes, Setting("MEDIA_AUDIO_TYPES")] = (
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
    )
    """Types that an audio recording may have."""
    document_bytes: Annotated[int, _Bytes, Setting("MEDIA_DOCUMENT_BYTES")] = 100 * 2**20
    """Largest document."""
    document_types: Annotated[ContentTypes, Setting("MEDIA_DOCUMENT_TYPES")] = ("*/*",)
    """Types that a document may have; `*/*` is any. Documents are only ever downloaded, never shown by a browser."""
    avatar_bytes: Annotated[int, _Bytes, Setting("MEDIA_AVATAR_BYTES")] = 5 * 2**20
    """Largest profile picture."""
    avatar_types: Annotated[ContentTypes, Setting("MEDIA_AVATAR_TYPES")] = (
        "image/jpeg",
        "image/png",
        "image/webp",
        "image/gif",
        "image/avif",
    )
    """Types that a profile picture may have."""
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

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.orphan_s < self.upload_ttl_s:
            raise ValueError("MEDIA_ORPHAN_S must not be shorter than MEDIA_UPLOAD_TTL_S")
        return self
