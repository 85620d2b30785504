"""An object store in memory, whose signed URLs tests can use: it refuses what a real one refuses."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import msgspec
import trio

from persistence.memory.faults import Faults
from persistence.models import SignedUpload, StoredObject

_HOST: Final = "https://objects.test"
_SECRET: Final = b"known to the store and to the nodes"


class Reply(msgspec.Struct, frozen=True):
    """What the store answers to a client."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = {}


class Bucket:
    """One bucket, for all nodes of a simulation.

    Attributes:
        objects: type and bytes, by key.
        clock: the store's own, in milliseconds.

    """

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults("s3")
        self.objects: dict[str, tuple[str, bytes]] = {}
        self.clock: Callable[[], int] = _trio_clock

    # -- what clients do -------------------------------------------------------------------------------------------

    def upload(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """`PUT`, as a client sends it."""
        key, given, reply = self._open("PUT", url)
        if reply is not None:
            return reply
        sent = {name.lower(): value for name, value in headers.items()}
        if sent.get("content-type") != given["type"] or len(body) != int(given["length"]):
            return Reply(403, b"SignatureDoesNotMatch")
        self.objects[key] = (given["type"], body)
        return Reply(200)

    def download(self, url: str) -> Reply:
        """`GET`, as a client sends it."""
        key, given, reply = self._open("GET", url)
        if reply is not None:
            return reply
        if key not in self.objects:
            return Reply(404, b"NoSuchKey")
        headers = {"Content-Type": given["type"], "Content-Disposition": given["disposition"]}
        return Reply(200, self.objects[key][1], headers)

    def _open(self, method: str, url: str) -> tuple[str, dict[str, str], Reply | None]:
        parts = urlsplit(url)
        key = unquote(parts.path).lstrip("/")
        given = dict(parse_qsl(parts.query, keep_blank_values=True))
        signature = given.pop("signature", "")
        if not hmac.compare_digest(signature, _signature(method, key, given)):
            return key, given, Reply(403, b"SignatureDoesNotMatch")
        if self.clock() >= int(given["expires"]):
            return key, given, Reply(403, b"AccessDenied")
        return key, given, None


class MemoryObjects:
    """`Objects` in memory."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def sign_upload(self, key: str, *, content_type: str, size: int, ttl_s: int) -> SignedUpload:
        url = self._sign("PUT", key, ttl_s, type=content_type, length=str(size))
        return SignedUpload("PUT", url, {"Content-Type": content_type})

    def sign_download(self, key: str, *, content_type: str, disposition: str, ttl_s: int) -> str:
        return self._sign("GET", key, ttl_s, type=content_type, disposition=disposition)

    def _sign(self, method: str, key: str, ttl_s: int, **given: str) -> str:
        given["expires"] = str(self._bucket.clock() + ttl_s * 1000)
        query = urlencode({**given, "signature": _signature(method, key, given)})
        return f"{_HOST}/{quote(key)}?{query}"

    async def head(self, key: str) -> StoredObject | None:
        await self._bucket.faults.before("head_object")
        there = self._bucket.objects.get(key)
        return None if there is None else StoredObject(len(there[1]), there[0])

    async def copy(self, source: str, target: str, *, content_type: str) -> bool:
        await self._bucket.faults.before("copy_object")
        there = self._bucket.objects.get(source)
        if there is not None:
            self._bucket.objects[target] = (content_type, there[1])
        await self._bucket.faults.after("copy_object")
        return there is not None

    async def put(self, key: str, body: bytes | Path, *, content_type: str) -> None:
        await self._bucket.faults.before("put_object")
        content = body if isinstance(body, bytes) else body.read_bytes()  # noqa: ASYNC240 - no threads in memory
        self._bucket.objects[key] = (content_type, content)
        await self._bucket.faults.after("put_object")

    async def delete(self, keys: Sequence[str]) -> None:
        if not keys:
            return
        await self._bucket.faults.before("delete_objects")
        for key in keys:
            self._bucket.objects.pop(key, None)
        await self._bucket.faults.after("delete_objects")


def _signature(method: str, key: str, given: Mapping[str, str]) -> str:
    text = "\n".join([method, key, *(f"{name}={value}" for name, value in sorted(given.items()))])
    return hmac.new(_SECRET, text.encode(), hashlib.sha256).hexdigest()


def _trio_clock() -> int:
    return int(trio.current_time() * 1000)
