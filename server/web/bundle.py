"""The built web client in memory: every file with its compressed forms, so that a request reads no disk and names no path.

What is served is what is in here. So there is nothing to traverse: a path that names no file of the bundle names nothing.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from server.refusal import refuse

SETTING: Final = "WEB_ROOT"
INDEX: Final = "/index.html"
HASHED: Final = "/assets/"
"""What is below has a hash of its content in its name: another content has another address."""
MOST_BYTES: Final = 128 * 2**20
"""A folder with more is not the client, but something else that was named in error."""
IDENTITY: Final = "identity"
_ENCODINGS: Final = {"br": ".br", "gzip": ".gz"}
"""Content codings, the shortest first, and how the build names files in them."""
_TYPES: Final = {
    ".avif": "image/avif",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
_UNKNOWN: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class File:
    """A file.

    Attributes:
        content_type: told by its name alone, the same on every machine.
        bodies: content coding -> bytes; the shortest coding first, and always as it is.
        digest: of its content.
        hashed: whether its address changes with its content, so that it may be kept for ever.

    """

    content_type: str
    bodies: Mapping[str, bytes]
    digest: str
    hashed: bool


class Bundle:
    """Every file of a folder by its path, like "/assets/index-4f3a.js"."""

    def __init__(self, files: Mapping[str, File]) -> None:
        self._files = dict(files)

    @classmethod
    def read(cls, root: str) -> Bundle:
        """Read a folder. Symbolic links, and whatever has a name that begins with a dot, are left out. Raises `Refusal`."""
        folder = Path(root).resolve()
        try:
            contents = dict(_contents(folder))
        except OSError as error:
            raise refuse(SETTING, f"{error.filename or root} cannot be read: {error.strerror}") from error
        if INDEX not in contents:
            raise refuse(
                SETTING,
                f"{root} has no index.html: build the client (npm run build in web/), or leave it empty",
            )
        return cls({path: _file(path, contents) for path in contents if not _is_form(path, contents)})

    def find(self, path: str) -> File | None:
        """The file at a path."""
        return self._files.get(path)

    @property
    def index(self) -> File:
        """The page that the client is."""
        return self._files[INDEX]


def _contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    size = 0
    for place, folders, names in os.walk(folder, onerror=_fail):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(place, name)
            if name.startswith(".") or path.is_symlink() or not path.is_file():
                continue
            size += path.stat().st_size
            if size > MOST_BYTES:
                raise refuse(
                    SETTING, f"{folder} is not the built client: it holds more than {MOST_BYTES >> 20} MiB"
                )
            yield f"/{path.relative_to(folder).as_posix()}", path.read_bytes()


def _fail(error: OSError) -> None:
    raise error


def _is_form(path: str, contents: Mapping[str, bytes]) -> bool:
    """Whether this is another file in a content coding."""
    return any(path.endswith(end) and path.removesuffix(end) in contents for end in _ENCODINGS.values())


def _file(path: str, contents: Mapping[str, bytes]) -> File:
    body = contents[path]
    forms = {coding: contents[path + end] for coding, end in _ENCODINGS.items() if path + end in contents}
    return File(
        content_type=_TYPES.get(Path(path).suffix.lower(), _UNKNOWN),
        bodies={**forms, IDENTITY: body},
        digest=hashlib.sha256(body).hexdigest()[:24],
        hashed=path.startswith(HASHED),
    )
