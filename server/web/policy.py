"""What a browser lets the web client do: run its own script, talk to its own node, fetch and store files at the object store; nothing else, from nobody else."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from persistence.ports import Objects

PERMISSIONS: Final = "camera=(self), geolocation=(self), microphone=(self), payment=(), usb=()"
"""Voice notes, pictures and places are the client's own; no page that it might ever show gets at them."""


def content_security_policy(store: str) -> str:
    """The policy, where `store` is the origin of the object store. No `unsafe-` anything: what was injected does not run, and has no style."""
    rules = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": f"'self' blob: data: {store}",
        "media-src": f"'self' blob: {store}",
        # Not every browser takes 'self' for a socket of the same origin.
        "connect-src": f"'self' ws: wss: {store}",
        "font-src": "'self'",
        "manifest-src": "'self'",
        "worker-src": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
    }
    return "; ".join(f"{name} {sources}" for name, sources in rules.items())


def store_origin(objects: Objects) -> str:
    """Where clients reach the object store, told by an address that it signs: the bucket may be in the host's name."""
    url = objects.sign_download(
        "origin", content_type="application/octet-stream", disposition="attachment", ttl_s=60
    )
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
