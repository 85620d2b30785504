"""Names of files that people send: what is kept of them, and how a browser is told.

Source: RFC 6266 (`Content-Disposition`), RFC 5987 (`filename*`).
"""

from __future__ import annotations

import unicodedata
from typing import Final
from urllib.parse import quote

MOST_CHARS: Final = 255
MOST_BYTES: Final = 200
"""Of what is kept, in UTF-8: file systems take 255, and a browser that has the name already adds " (1)"."""
NOTHING_LEFT: Final = "file"
_NOT_IN_NAMES: Final = frozenset('/\\:*?"<>|')
"""Separators of paths, and what Windows refuses."""
_SHOWN_INLINE: Final = frozenset(
    {
        "image/jpeg", "image/png", "image/gif", "image/webp", "image/avif", "image/heic", "image/heif", "video/mp4", "video/webm", "video/quicktime",
        "video/ogg", "video/3gpp", "audio/mpeg", "audio/mp4", "audio/aac", "audio/ogg", "audio/opus", "audio/webm", "audio/wav", "audio/x-wav",
        "audio/x-m4a", "audio/flac",
    }
)  # fmt: skip
"""What a browser only shows or plays. Whatever may hold a script (SVG, HTML, PDF) is not among them: it is saved, never opened in place."""
_ACTIVE: Final = ("html", "xml", "svg", "script", "mathml", "xsl")
"""In the names of types that a browser may run something of."""
PLAIN: Final = "application/octet-stream"


def clean_filename(name: str) -> str:
    """The name with nothing in it that could mislead anybody, or any program, about where it is or what it is.

    The last part of a path, in Unicode NFC, without control and direction characters, without a dot at its ends, and not longer than file systems take.
    """
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    text = "".join(
        "_" if character in _NOT_IN_NAMES else character
        for character in unicodedata.normalize("NFC", last)
        if unicodedata.category(character)[0] != "C"
    )
    text = " ".join(text.split()).strip(". ")
    return _shortened(text) or NOTHING_LEFT


def _shortened(text: str) -> str:
    """The name cut to `MOST_BYTES`, with its ending if it has a short one."""
    if len(text.encode()) <= MOST_BYTES:
        return text
    stem, dot, ending = text.rpartition(".")
    if not dot or len(ending.encode()) > 16:
        stem, ending = text, ""
    end = (dot + ending) if ending else ""
    room = MOST_BYTES - len(end.encode())
    return stem.encode()[:room].decode(errors="ignore").rstrip(". ") + end


def disposition(content_type: str, filename: str | None) -> str:
    """The `Content-Disposition` of a file: shown in place only where that is harmless, and under its name."""
    kind = "inline" if content_type in _SHOWN_INLINE else "attachment"
    if filename is None:
        return kind
    ascii_name = unicodedata.normalize("NFKD", filename).encode("ascii", "ignore").decode()
    plain = "".join(c if c.isalnum() or c in " .-_()+,@" else "_" for c in ascii_name).strip(". ")
    return f"{kind}; filename=\"{plain or NOTHING_LEFT}\"; filename*=UTF-8''{quote(filename, safe='')}"


def served_type(content_type: str) -> str:
    """The `Content-Type` that the file is given to browsers with: never one that they might run."""
    if content_type in _SHOWN_INLINE or not any(word in content_type for word in _ACTIVE):
        return content_type
    return PLAIN
