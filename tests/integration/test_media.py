"""Files between clients, real nodes and a real object store, as a browser does it: over plain HTTP, with what the nodes have signed."""

from __future__ import annotations

import http.client
import json
import socket
import socketserver
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from tests.integration.nodes import MIB, Account, Cluster, Node, request
from tests.servers import Servers

pytestmark = pytest.mark.real

ORIGIN = "https://chat.example"
PNG = "image/png"
IMAGE = {"type": "image", "content": {"width": 1, "height": 1}}


class Reply(NamedTuple):
    status: int
    body: bytes
    headers: Mapping[str, str]


def ask(method: str, url: str, headers: Mapping[str, str] | None = None, body: Any = None) -> Reply:
    """One request to the object store."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    try:
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request(method, target, body, dict(headers or {}))
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, answer.read(), found)
    finally:
        connection.close()


def begin(who: Account, size: int, **fields: Any) -> dict[str, Any]:
    body = {"kind": "image", "content_type": PNG, "size": size, **fields}
    return dict(who.ask("POST", "/media/uploads", body))


def upload(who: Account, content: bytes, **fields: Any) -> str:
    begun = begin(who, len(content), **fields)
    target = begun["upload"]
    assert ask(target["method"], target["url"], target["headers"], content).status == 200
    return str(begun["media_id"])


def show(who: Account, chat_id: str, media_id: str, client_id: str = "c", **fields: Any) -> Any:
    body = {"client_id": client_id, "media_id": media_id, **IMAGE, **fields}
    return who.call("POST", f"/chats/{chat_id}/messages", body)


class Counting:
    """Passes bytes on to a server, and counts them."""

    def __init__(self, port: int) -> None:
        self.passed = 0
        counting = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with socket.create_connection(("127.0.0.1", port)) as other:
                    back = threading.Thread(target=counting._pump, args=(other, self.request), daemon=True)
                    back.start()
                    counting._pump(self.request, other)
                    back.join()

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self.server = Server(("127.0.0.1", 0), Handler)

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65_536):
                self.passed += len(data)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            return  # either end has hung up: then so has the other, with the handler

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"


@contextmanager
def counted(port: int) -> Iterator[Counting]:
    counting = Counting(port)
    thread = threading.Thread(target=counting.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield counting
    finally:
        counting.server.shutdown()
        counting.server.server_close()


@pytest.fixture(scope="module")
def between(servers: Servers) -> Iterator[Counting]:
    """On the nodes' way to the object store; clients go there directly."""
    with counted(urlsplit(servers.s3.endpoint_url).port or 0) as counting:
        yield counting


@pytest.fixture(scope="module")
def nodes(cluster: Cluster, servers: Servers, between: Counting) -> list[Node]:
    return cluster.start_many(
        2,
        S3_ENDPOINT_URL=between.url,
        S3_PUBLIC_ENDPOINT_URL=servers.s3.endpoint_url,
        MEDIA_DOWNLOAD_TTL_S="10",
        MEDIA_UPLOAD_TTL_S="10",
        MEDIA_REVIEW_S="1",
    )


@pytest.fixture
def people(cluster: Cluster, nodes: list[Node]) -> tuple[Account, Account, Account]:
    """Ann on one node, Bob and Eve on the other."""
    return cluster.sign_up(nodes[0]), cluster.sign_up(nodes[1]), cluster.sign_up(nodes[1])


def test_a_file_goes_from_one_to_another_and_a_browser_may_do_it(
    people: tuple[Account, Account, Account],
) -> None:
    ann, bob, eve = people
    chat_id = ann.group(bob)
    begun = begin(ann, 5, filename='ünï "x".png')
    target = begun["upload"]
    allowed = ask(
        "OPTIONS",
        target["url"],
        {
            "Origin": ORIGIN,
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": "content-type",
        },
    )
    assert allowed.status in (200, 204)
    assert allowed.headers["access-control-allow-origin"] in ("*", ORIGIN)
    assert "PUT" in allowed.headers["access-control-allow-methods"]
    assert "content-type" in allowed.headers["access-control-allow-headers"].lower()
    stored = ask("PUT", target["url"], {**target["headers"], "Origin": ORIGIN}, b"hello")
    assert stored.status == 200
    assert stored.headers["access-control-allow-origin"] in ("*", ORIGIN)
    assert show(ann, chat_id, begun["media_id"]).status == 201
    view = bob.ask("GET", f"/media/{begun['media_id']}")
    assert (view["size"], view["content_type"], view["kind"]) == (5, PNG, "image")
    got = ask("GET", view["url"], {"Origin": ORIGIN})
    assert (got.status, got.body) == (200, b"hello")
    assert got.headers["access-control-allow-origin"] in ("*", ORIGIN)
    assert got.headers["content-type"] == PNG
    assert got.headers["content-disposition"].startswith("inline; filename=")
    assert "filename*=UTF-8''%C3%BCn%C3%AF%20_x_.png" in got.headers["content-disposition"]
    assert eve.call("GET", f"/media/{begun['media_id']}").status == 404


def test_what_was_not_promised_is_refused_by_the_store_itself(
    people: tuple[Account, Account, Account],
) -> None:
    ann, bob, _ = people
    chat_id = ann.group(bob)
    begun = begin(ann, 5)
    url, headers = begun["upload"]["url"], begun["upload"]["headers"]
    for wrong, body in (
        ({"Content-Type": "text/html"}, b"hello"),
        ({}, b"hello"),
        (headers, b"hello!"),
        (headers, b"hell"),
        (headers, b"x" * MIB),
    ):
        assert ask("PUT", url, wrong, body).status == 403
    changed = url.replace(begun["media_id"], "0" * 28)
    assert ask("PUT", changed, headers, b"hello").status == 403
    forged = url[:-1] + ("0" if url[-1] != "0" else "1")
    assert ask("PUT", forged, headers, b"hello").status == 403
    refused = show(ann, chat_id, begun["media_id"])
    assert (refused.status, refused.json["errors"][0]["field"]) == (422, "media_id")
    assert ask("PUT", url, headers, b"hello").status == 200
    assert show(ann, chat_id, begun["media_id"]).status == 201


def test_a_second_upload_under_the_same_url_changes_nothing_that_others_see(
    people: tuple[Account, Account, Account],
) -> None:
    ann, bob, _ = people
    chat_id = ann.group(bob)
    begun = begin(ann, 5)
    target = begun["upload"]
    assert ask("PUT", target["url"], target["headers"], b"first").status == 200
    assert show(ann, chat_id, begun["media_id"]).status == 201
    assert ask("PUT", target["url"], target["headers"], b"other").status == 200, "or the test tests nothing"
    for who in (bob, ann):
        assert ask("GET", who.ask("GET", f"/media/{begun['media_id']}")["url"]).body == b"first"


def test_urls_expire(people: tuple[Account, Account, Account]) -> None:
    ann, bob, _ = people
    chat_id = ann.group(bob)
    late = begin(ann, 5)["upload"]
    media_id = upload(ann, b"hello")
    assert show(ann, chat_id, media_id).status == 201
    url = bob.ask("GET", f"/media/{media_id}")["url"]
    assert ask("GET", url).status == 200
    time.sleep(11.5)
    assert ask("GET", url).status in (400, 403)
    assert ask("PUT", late["url"], late["headers"], b"hello").status in (400, 403)
    assert ask("GET", bob.ask("GET", f"/media/{media_id}")["url"]).body == b"hello"


def test_after_a_deletion_it_is_refused_at_once_and_gone_in_seconds(
    people: tuple[Account, Account, Account],
) -> None:
    ann, bob, _ = people
    chat_id = ann.group(bob)
    media_id = upload(ann, b"hello")
    assert show(ann, chat_id, media_id).status == 201
    url = bob.ask("GET", f"/media/{media_id}")["url"]
    ann.ask("DELETE", f"/chats/{chat_id}/messages/1")
    for who in (ann, bob):
        assert who.call("GET", f"/media/{media_id}").status == 404
    deadline = time.monotonic() + 8
    while ask("GET", url).status == 200 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert ask("GET", url).status == 404


def test_no_byte_of_a_file_passes_through_a_node(
    people: tuple[Account, Account, Account], nodes: list[Node], between: Counting
) -> None:
    ann, bob, _ = people
    chat_id = ann.group(bob)
    content = bytes(range(256)) * (20 * MIB // 256)
    before, memory = between.passed, [node.rss() for node in nodes]
    media_id = upload(ann, content, kind="document", content_type="application/zip", filename="a.zip")
    document = {"type": "document", "content": {"filename": "a.zip", "size": len(content)}}
    assert show(ann, chat_id, media_id, **document).status == 201
    got = ask("GET", bob.ask("GET", f"/media/{media_id}")["url"])
    assert got.body == content
    assert got.headers["content-disposition"].startswith("attachment; ")
    ann.ask("DELETE", f"/chats/{chat_id}/messages/1")
    # All that nodes and the store have told each other meanwhile; and nodes take no body that a file would fit in.
    assert between.passed - before < 64 * 1024
    assert between.passed > before, "the nodes did not go this way: the test tests nothing"
    assert all(node.rss() - was < 10 * MIB for node, was in zip(nodes, memory, strict=True))
    for node in nodes:
        sent = request(node.port, "POST", "/api/v1/media/uploads", token=ann.token, content=b"x" * 100_000)
        assert sent.status == 413


async def test_without_the_object_store_text_goes_on_and_files_are_refused_clearly(
    people: tuple[Account, Account, Account], servers: Servers
) -> None:
    ann, bob, _ = people
    chat_id = ann.group(bob)
    media_id = upload(ann, b"hello")
    async with servers.outage("s3"):
        refused = show(ann, chat_id, media_id)
        assert (refused.status, refused.json["code"]) == (503, "unavailable")
        assert int(refused.headers["retry-after"]) >= 1
        text = {"client_id": "t", "type": "text", "content": {"text": "x"}}
        assert ann.call("POST", f"/chats/{chat_id}/messages", text).status == 201
        assert request(ann.node.port, "GET", "/readyz").json["status"] == "degraded"
    again = upload(ann, b"hello")
    assert show(ann, chat_id, again, "c2").status == 201


def test_bad_requests_are_refused_with_the_field(people: tuple[Account, Account, Account]) -> None:
    ann, _, _ = people
    good = {"kind": "image", "content_type": PNG, "size": 5}
    for wrong in (
        {"kind": "x"},
        {"content_type": "text/html"},
        {"size": 0},
        {"size": 10**15},
        {"filename": 1},
    ):
        refused = ann.call("POST", "/media/uploads", {**good, **wrong})
        assert refused.status == 422, json.dumps(wrong)
        assert [error["field"] for error in refused.json["errors"]] == list(wrong)
