"""The web client, as a node serves it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from config.settings import NodeRole, Settings
from config.web import WebSettings
from persistence.memory import Record
from persistence.memory.objects import MemoryObjects
from server.demo.world import PEOPLE
from server.refusal import Refusal
from server.rest.app import create_app
from server.web import bundle
from server.web.bundle import Bundle
from server.web.site import Site, make_site

PAGE = b"<!doctype html><title>Chat</title>"
SCRIPT = b"console.log(1)" * 100
STORE = "https://files.example:9000"
AS_BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Encoding": "gzip, deflate, br"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A build."""
    folder = tmp_path / "dist"
    for name, content in {
        "index.html": PAGE,
        "sw.js": b"self",
        "manifest.webmanifest": b"{}",
        "assets/index-4f3a.js": SCRIPT,
        "assets/index-4f3a.js.br": b"br",
        "assets/index-4f3a.js.gz": b"gz",
        "assets/photo-1c2d.png": b"png",
        "assets/odd-1c2d.xyz": b"xyz",
        ".built": b"stamp",
        ".vite/manifest.json": b"{}",
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


class Browser:
    """Asks a node that serves the client."""

    def __init__(self, world: Any, root: Path) -> None:
        site = Site(Bundle.read(str(root)), STORE)
        self._app = create_app(replace(world.services, site=site, metrics=CollectorRegistry()))

    async def __call__(self, path: str, method: str = "GET", **headers: str) -> Any:
        given = AS_BROWSER | {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await self._app.test_client().open(path, method=method, headers=given)
        answer.body = await answer.get_data(as_text=False)
        return answer


@pytest.fixture
def browser(world: Any, root: Path) -> Browser:
    return Browser(world, root)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/index.html",
        "/signin",
        "/signup",
        "/chats/0193/info",
        "/new/group",
        "/stories/1",
        "/invite/x-_y",
        "/invite/01a2.x-_y",
    ],
)
async def test_every_route_of_the_client_is_its_page(browser: Browser, path: str) -> None:
    answer = await browser(path)
    assert (answer.status_code, answer.body) == (200, PAGE)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/nothing",
        "/api",
        "/socket/nothing",
        "/admin/nothing",
        "/docs/nothing",
        "/assets/gone-0000.js",
        "/assets/",
        "/gone.js",
        "/.well-known/nothing",
        "/.built",
        "/.vite/manifest.json",
        "/assets/index-4f3a.js.br",
        "/../dist/index.html",
        "/assets/../index.html",
        "/assets/%2e%2e/index.html",
        "/..%2f..%2fetc/passwd.txt",
        "/index.html%00",
        "/INDEX.HTML",
    ],
)
async def test_what_is_not_there_stays_a_problem(browser: Browser, path: str) -> None:
    answer = await browser(path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")
    assert msgspec.json.decode(answer.body)["code"] == "not_found"
    assert answer.headers["Cache-Control"] == "no-store"


async def test_only_somebody_who_takes_html_by_name_is_sent_the_page(browser: Browser) -> None:
    for accept in ("*/*", "application/json", "text/*", "", "text/html;q=0"):
        assert (await browser("/chats/1", Accept=accept)).status_code == 404, accept
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert (await browser("/chats/1", method)).status_code == 404, method


async def test_the_api_goes_before_the_client(browser: Browser) -> None:
    assert (await browser("/healthz")).body == b'{"status":"ok"}'
    assert (await browser("/docs")).body != PAGE
    assert (await browser("/api/v1/users/me")).status_code == 401
    assert (await browser("/api/v1/auth/login")).status_code == 405


async def test_what_has_a_hash_in_its_name_is_kept_for_ever_and_nothing_else(browser: Browser) -> None:
    for path, kind in {
        "/assets/index-4f3a.js": "text/javascript; charset=utf-8",
        "/assets/photo-1c2d.png": "image/png",
        "/assets/odd-1c2d.xyz": "application/octet-stream",
    }.items():
        answer = await browser(path)
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["Content-Type"] == kind
    for path in ("/sw.js", "/manifest.webmanifest"):
        assert (await browser(path)).headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    ("accepted", "coding", "body"),
    [
        ("gzip, deflate, br", "br", b"br"),
        ("br;q=0, gzip", "gzip", b"gz"),
        ("gzip;q=0.5", "gzip", b"gz"),
        ("*", "br", b"br"),
        ("", None, SCRIPT),
        ("identity", None, SCRIPT),
        ("br;q=0, gzip;q=0", None, SCRIPT),
        ("zstd", None, SCRIPT),
        ("gzip;q=x,,;", None, SCRIPT),
    ],
)
async def test_a_compressed_form_is_sent_to_those_who_take_it(
    browser: Browser, accepted: str, coding: str | None, body: bytes
) -> None:
    answer = await browser("/assets/index-4f3a.js", Accept_Encoding=accepted)
    assert (answer.headers.get("Content-Encoding"), answer.body) == (coding, body)
    assert answer.headers["Content-Length"] == str(len(body))
    assert answer.headers["Vary"] == "Accept-Encoding"


async def test_what_a_browser_has_is_not_sent_again(browser: Browser, root: Path, world: Any) -> None:
    first = await browser("/")
    tag = first.headers["ETag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await browser("/signin", If_None_Match=known)
        assert (again.status_code, again.body) == (304, b""), known
        # A browser puts the headers of a 304 in the place of those that it has.
        for name in ("ETag", "Cache-Control", "Vary", "Content-Security-Policy", "Permissions-Policy"):
            assert again.headers[name] == first.headers[name]
    assert (await browser("/", If_None_Match='"other"')).status_code == 200
    forms = {
        (await browser("/assets/index-4f3a.js", Accept_Encoding=each)).headers["ETag"]
        for each in ("br", "gzip", "")
    }
    assert len(forms) == 3
    (root / "index.html").write_bytes(PAGE + b"new")
    assert (await Browser(world, root)("/", If_None_Match=tag)).status_code == 200


async def test_head_is_get_without_the_body(browser: Browser) -> None:
    for path in ("/", "/signin", "/assets/index-4f3a.js"):
        got, asked = await browser(path), await browser(path, "HEAD")
        assert asked.status_code == 200
        for name in ("Content-Length", "Content-Type", "ETag", "Cache-Control"):
            assert asked.headers[name] == got.headers[name]


@pytest.mark.parametrize("path", ["/", "/chats/1", "/assets/index-4f3a.js", "/sw.js"])
async def test_the_client_may_do_what_it_needs_and_no_more(browser: Browser, path: str) -> None:
    headers = (await browser(path)).headers
    rules = dict(rule.split(" ", 1) for rule in headers["Content-Security-Policy"].split("; "))
    assert rules == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": f"'self' blob: data: {STORE}",
        "media-src": f"'self' blob: {STORE}",
        "connect-src": f"'self' ws: wss: {STORE}",
        "font-src": "'self'",
        "manifest-src": "'self'",
        "worker-src": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
    }
    for own in ("camera", "geolocation", "microphone"):
        assert f"{own}=(self)" in headers["Permissions-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Request-Id"]


def test_links_out_of_the_folder_are_left_out(root: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "secret.txt").write_text("secret")
    (root / "secret.txt").symlink_to(tmp_path / "secret.txt")
    (root / "more").symlink_to(tmp_path / "more")
    linked = tmp_path / "current"
    linked.symlink_to(root)
    found = Bundle.read(str(linked))  # the folder itself may be reached by one: so releases are changed
    assert found.index.bodies["identity"] == PAGE
    assert found.find("/secret.txt") is found.find("/more/secret.txt") is None


def test_a_folder_that_is_not_the_client_is_refused(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Refusal, match=r"WEB_ROOT: .*/nowhere cannot be read: No such file or directory"):
        Bundle.read(str(tmp_path / "nowhere"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(Refusal, match=r"WEB_ROOT: .*/empty has no index.html: build the client"):
        Bundle.read(str(tmp_path / "empty"))
    monkeypatch.setattr(bundle, "MOST_BYTES", 10)
    with pytest.raises(Refusal, match=r"WEB_ROOT: .* is not the built client"):
        Bundle.read(str(root))


async def test_a_node_serves_it_with_the_role_for_the_api_when_it_is_set(root: Path) -> None:
    objects = MemoryObjects(Record().bucket)

    def site(**settings: Any) -> Site | None:
        return make_site(Settings(**settings), objects)

    assert site() is None
    assert site(web=WebSettings(root=str(root))) is not None
    assert site(web=WebSettings(root=str(root)), roles=frozenset({NodeRole.MEDIA})) is None


async def test_without_a_client_the_api_is_alone(world: Any) -> None:
    for path in ("/", "/signin", "/index.html"):
        reply = await world.request("GET", path, headers=AS_BROWSER)
        assert (reply.status, reply.json["code"]) == (404, "not_found")


async def test_accounts_to_try_things_with_are_named_in_a_local_run_alone(world: Any) -> None:
    reply = await world.request("GET", "/client.json")
    assert (reply.status, reply.json["name"], reply.json["demo_accounts"]) == (200, "chat-platform", [])
    assert re.fullmatch(r"\d+\.\d+\.\d+", reply.json["version"])
    settings = world.services.settings.model_copy(update={"web": WebSettings(demo=True)})
    client = create_app(replace(world.services, settings=settings, metrics=CollectorRegistry())).test_client()
    offered = msgspec.json.decode(await (await client.get("/client.json")).get_data())["demo_accounts"]
    assert offered == [{"name": each.name, "phone": each.phone, "password": each.password} for each in PEOPLE]
