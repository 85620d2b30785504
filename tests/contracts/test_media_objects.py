"""The object store as nodes and clients use it: what `persistence.ports.Objects` promises, in memory and of a real S3 server.

Clients are played by plain HTTP, as a browser sends it: what the store refuses, it refuses by itself. The real one is addressed in both ways: by path, and by
virtual host, where the bucket is part of the name that is signed.
"""

from __future__ import annotations

import http.client
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import trio

from config.sections import S3Settings
from persistence.memory import Bucket, MemoryObjects
from persistence.memory.objects import Reply
from persistence.models import StoredObject
from persistence.objects import ObjectStore
from persistence.ports import Objects
from server.web.policy import store_origin
from tests.contracts.samples import new_id
from tests.servers import VIRTUAL_HOST, Servers

PNG = "image/png"


@dataclass(frozen=True)
class Store:
    """The store, and the two requests that clients send to it."""

    objects: Objects
    put: Callable[[str, Mapping[str, str], bytes], Reply]
    get: Callable[[str], Reply]


def ask(method: str, url: str, headers: Mapping[str, str], body: Any = None) -> Reply:
    """One request, as it is."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    try:
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request(method, target, body, dict(headers))
        answer = connection.getresponse()
        return Reply(answer.status, answer.read(), {k.title(): v for k, v in answer.getheaders()})
    finally:
        connection.close()


VIRTUAL = "virtual host"
REAL = ("path", VIRTUAL)


@pytest.fixture(params=["memory", *(pytest.param(form, marks=pytest.mark.real) for form in REAL)])
def form(request: pytest.FixtureRequest) -> str:
    """The real form is there twice."""
    name: str = request.param
    return name


@pytest.fixture
async def s3(
    form: str, form_servers: Servers | None, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[S3Settings | None]:
    if form_servers is None or form != VIRTUAL:
        yield form_servers and form_servers.s3
        return
    resolve = socket.getaddrinfo

    def resolve_here(host: Any, *args: Any, **options: Any) -> Any:
        ours = isinstance(host, str) and host.endswith(f".{VIRTUAL_HOST}")
        return resolve("127.0.0.1" if ours else host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve_here)
    async with form_servers.virtual_hosts() as settings:
        yield settings


@pytest.fixture
async def store(s3: S3Settings | None, clock: trio.testing.MockClock | None) -> AsyncIterator[Store]:
    if s3 is None:
        bucket = Bucket()
        yield Store(MemoryObjects(bucket), bucket.upload, bucket.download)
        return
    objects = ObjectStore.from_settings(s3)
    async with objects.running():
        yield Store(
            objects,
            lambda url, headers, body: ask("PUT", url, headers, body),
            lambda url: ask("GET", url, {}),
        )


def download(store: Store, key: str, *, ttl_s: int = 60) -> Reply:
    url = store.objects.sign_download(key, content_type=PNG, disposition="inline", ttl_s=ttl_s)
    return store.get(url)


async def test_what_was_promised_is_taken_and_given_back(store: Store) -> None:
    key = f"uploads/{new_id()}"
    assert await store.objects.head(key) is None
    assert download(store, key).status == 404
    signed = store.objects.sign_upload(key, content_type=PNG, size=5, ttl_s=60)
    assert (signed.method, signed.headers) == ("PUT", {"Content-Type": PNG})
    assert store.put(signed.url, signed.headers, b"hello").status == 200
    assert await store.objects.head(key) == StoredObject(5, PNG)
    reply = download(store, key)
    assert (reply.status, reply.body) == (200, b"hello")


@pytest.mark.parametrize("form", [pytest.param(form, marks=pytest.mark.real) for form in REAL], indirect=True)
async def test_what_is_signed_names_the_bucket_where_the_settings_say(store: Store, s3: S3Settings) -> None:
    """By virtual host the name is among what is signed: under another one nothing is given."""
    await store.objects.put("media/a", b"hello", content_type=PNG)
    url = store.objects.sign_download("media/a", content_type=PNG, disposition="inline", ttl_s=60)
    parts, host = urlsplit(url), urlsplit(s3.endpoint_url).netloc
    by_path = s3.addressing_style == "path"
    assert parts.netloc == (host if by_path else f"{s3.bucket}.{host}")
    assert parts.path == (f"/{s3.bucket}/media/a" if by_path else "/media/a")
    assert store_origin(store.objects) == f"http://{parts.netloc}"
    if not by_path:
        other = url.replace(f"{s3.bucket}.", "other-bucket.")
        assert store.get(other).status == 403
    assert store.get(url).body == b"hello"


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Content-Type": "text/html"}, b"hello"),
        ({"Content-Type": "image/png; charset=x"}, b"hello"),
        ({}, b"hello"),
        ({"Content-Type": PNG}, b"hell"),
        ({"Content-Type": PNG}, b"hello!"),
        ({"Content-Type": PNG}, b""),
        ({"Content-Type": PNG}, b"x" * 1_000_000),
    ],
)
async def test_another_type_or_size_is_refused_by_the_store(
    store: Store, headers: dict[str, str], body: bytes
) -> None:
    key = f"uploads/{new_id()}"
    signed = store.objects.sign_upload(key, content_type=PNG, size=5, ttl_s=60)
    assert store.put(signed.url, headers, body).status == 403
    assert await store.objects.head(key) is None


async def test_what_was_signed_is_good_for_one_key_one_method_and_as_it_is(store: Store) -> None:
    key, other = f"uploads/{new_id()}", f"uploads/{new_id()}"
    signed = store.objects.sign_upload(key, content_type=PNG, size=5, ttl_s=60)
    for wrong in (signed.url.replace(key, other), signed.url[:-1] + ("1" if signed.url[-1] != "1" else "2")):
        assert store.put(wrong, signed.headers, b"hello").status == 403
    assert store.get(signed.url).status == 403
    assert store.put(signed.url, signed.headers, b"hello").status == 200
    url = store.objects.sign_download(key, content_type=PNG, disposition="inline", ttl_s=60)
    assert store.put(url, {}, b"other").status in (400, 403)
    for wrong in (url.replace(key, other), url.replace("inline", "attachment"), url.partition("?")[0]):
        assert store.get(wrong).status in (400, 403)
    assert (await store.objects.head(other), store.get(url).body) == (None, b"hello")


async def test_what_was_signed_expires(store: Store) -> None:
    key = f"uploads/{new_id()}"
    signed = store.objects.sign_upload(key, content_type=PNG, size=5, ttl_s=1)
    await store.objects.put(key, b"there", content_type=PNG)
    url = store.objects.sign_download(key, content_type=PNG, disposition="inline", ttl_s=1)
    await trio.sleep(2.1)
    assert store.put(signed.url, signed.headers, b"hello").status in (400, 403)
    assert store.get(url).status in (400, 403)
    assert download(store, key).body == b"there"


async def test_a_download_has_the_type_and_the_name_that_were_signed(store: Store) -> None:
    key = f"media/{new_id()}/1"
    await store.objects.put(key, b"<script>", content_type="text/html")
    name = "attachment; filename=\"a b.png\"; filename*=UTF-8''%C3%BC%20b.png"
    url = store.objects.sign_download(key, content_type=PNG, disposition=name, ttl_s=60)
    reply = store.get(url)
    assert (reply.status, reply.body) == (200, b"<script>")
    assert reply.headers["Content-Type"] == PNG
    assert reply.headers["Content-Disposition"] == name


async def test_a_copy_is_a_copy(store: Store) -> None:
    source, target = f"uploads/{new_id()}", f"media/{new_id()}/1"
    assert await store.objects.copy(source, target, content_type=PNG) is False
    assert await store.objects.head(target) is None
    signed = store.objects.sign_upload(source, content_type=PNG, size=5, ttl_s=60)
    store.put(signed.url, signed.headers, b"first")
    assert await store.objects.copy(source, target, content_type=PNG) is True
    assert store.put(signed.url, signed.headers, b"other").status == 200
    assert await store.objects.head(target) == StoredObject(5, PNG)
    assert download(store, target).body == b"first"
    assert download(store, source).body == b"other"


async def test_a_node_can_store_what_it_has_made(store: Store, tmp_path: Path) -> None:
    key, other = f"exports/{new_id()}", f"exports/{new_id()}"
    await store.objects.put(key, b"bytes", content_type="application/zip")
    path = tmp_path / "archive"
    path.write_bytes(b"x" * 9_000_000)  # more than one part of what boto3 uploads in parts
    await store.objects.put(other, path, content_type="application/zip")
    assert await store.objects.head(key) == StoredObject(5, "application/zip")
    found = await store.objects.head(other)
    assert found is not None
    assert found.size == 9_000_000
    assert len(download(store, other).body) == 9_000_000


async def test_removing_is_final_and_may_be_repeated(store: Store) -> None:
    keys = [f"media/{new_id()}/{n}" for n in range(5)]
    for key in keys:
        await store.objects.put(key, b"x", content_type=PNG)
    for _ in range(2):
        await store.objects.delete([*keys[:4], f"media/{new_id()}"])
    await store.objects.delete([])
    assert [await store.objects.head(key) for key in keys[:4]] == [None] * 4
    assert await store.objects.head(keys[4]) is not None
    assert download(store, keys[0]).status == 404


async def test_more_can_be_removed_than_one_request_takes(store: Store) -> None:
    key = f"media/{new_id()}"
    await store.objects.put(key, b"x", content_type=PNG)
    await store.objects.delete([*(f"media/none/{n}" for n in range(1500)), key])
    assert await store.objects.head(key) is None
