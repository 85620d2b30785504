"""Answers for whatever the API has no route for: a file of the web client, or its page, which then finds its own way."""

from __future__ import annotations

from typing import Final

from quart import Request, Response

from config.settings import NodeRole, Settings
from persistence.ports import Objects
from server.web.bundle import HASHED, IDENTITY, Bundle, File
from server.web.policy import PERMISSIONS, content_security_policy, store_origin

_FOR_EVER: Final = "public, max-age=31536000, immutable"
_ASK_EACH_TIME: Final = "no-cache"
_NOT_PAGES: Final = frozenset({"api", "socket", "admin", "docs", ".well-known", HASHED.strip("/")})
"""First parts of paths that are never the client's own: what is not there is told as a problem."""
_INVITE: Final = "invite"
"""First part of an invite link's path. The token behind it has a dot in it, as names of files have."""


class Site:
    """The client, for requests.

    Args:
        bundle: its files.
        store: origin of the object store.

    """

    def __init__(self, bundle: Bundle, store: str) -> None:
        self._bundle = bundle
        self._policy = content_security_policy(store)

    def answer(self, request: Request) -> Response | None:
        """The answer to a request; `None` if it asks for nothing of the client."""
        if request.method not in ("GET", "HEAD"):
            return None
        file = self._find(request)
        return None if file is None else self._serve(file, request)

    def _find(self, request: Request) -> File | None:
        path = request.path
        if path == "/":
            return self._bundle.index
        found = self._bundle.find(path)
        if found is None and _wants_page(request):
            return self._bundle.index
        return found

    def _serve(self, file: File, request: Request) -> Response:
        accepted = request.accept_encodings
        coding = next(
            (coding for coding in file.bodies if coding == IDENTITY or accepted.quality(coding) > 0), IDENTITY
        )
        body = file.bodies[coding]
        tag = f"{file.digest}-{coding}"
        if request.if_none_match.contains_weak(tag):
            answer = Response(b"", 304)
            del answer.headers["Content-Type"], answer.headers["Content-Length"]
        else:
            answer = Response(body, content_type=file.content_type)
            if coding != IDENTITY:
                answer.headers["Content-Encoding"] = coding
        # On a 304 as well: browsers put what it says in the place of what they had.
        answer.set_etag(tag)
        answer.headers["Cache-Control"] = _FOR_EVER if file.hashed else _ASK_EACH_TIME
        answer.headers["Vary"] = "Accept-Encoding"
        answer.headers["Content-Security-Policy"] = self._policy
        answer.headers["Permissions-Policy"] = PERMISSIONS
        return answer


def _wants_page(request: Request) -> bool:
    """Whether somebody goes to a page of the client: takes HTML, and says so by name, at a path that is no file's and none of the server's."""
    first, *_ = request.path.lstrip("/").split("/")
    by_name = any(kind == "text/html" and quality > 0 for kind, quality in request.accept_mimetypes)
    file = first != _INVITE and "." in request.path.rpartition("/")[2]
    return by_name and first not in _NOT_PAGES and not file


def make_site(settings: Settings, objects: Objects) -> Site | None:
    """The client that the settings name, on nodes that serve the API. Raises `Refusal`: it is not there."""
    if not settings.web.root or NodeRole.API not in settings.roles:
        return None
    return Site(Bundle.read(settings.web.root), store_origin(objects))
