"""The live page for operators, at `/admin/`: three files, with a policy that lets it load nothing else and speak with its own node alone.

The page holds no data. What it shows it asks of `GET /admin/tree` with an operator's token, which stays in the tab (`sessionStorage`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from importlib.resources import files
from typing import Final

from quart import Response

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
_FILES: Final = {
    "/admin/": ("page.html", "text/html; charset=utf-8"),
    "/admin/live.css": ("live.css", "text/css; charset=utf-8"),
    "/admin/live.js": ("live.js", "text/javascript; charset=utf-8"),
}


def live_page() -> Mapping[str, Callable[[], Awaitable[Response]]]:
    """Path -> view."""
    folder = files("server.rest") / "live"
    return {path: _view((folder / name).read_bytes(), kind) for path, (name, kind) in _FILES.items()}


def _view(content: bytes, kind: str) -> Callable[[], Awaitable[Response]]:
    async def view() -> Response:
        answer = Response(content, content_type=kind)
        answer.headers["Content-Security-Policy"] = POLICY
        return answer

    return view
