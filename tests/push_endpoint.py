"""A push service of the tests' own, on the loopback: it checks what it gets as a real one would, and reads it as the device would.

It runs in threads, so that tests whose own process blocks can use it. What its devices are told to answer: a status, with headers; to stall; or to break the
connection.
"""

from __future__ import annotations

import json
import ssl
import threading
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import http_ece
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

STALL: Final = 0
BREAK: Final = -1
PATIENCE_S: Final = 60.0
_MOST_STALLED_S: Final = 60.0

Said = tuple[int, dict[str, str]]


@dataclass(frozen=True)
class Pushed:
    """A notification that a device has been given: what it says, decrypted, and what it came with."""

    device: str
    said: dict[str, Any]
    headers: dict[str, str]
    at: float
    status: int


class Device:
    """A browser's subscription, with the keys that never leave it."""

    def __init__(self, name: str, origin: str) -> None:
        self.name = name
        self.endpoint = f"{origin}/push/{name}"
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.auth = name.encode().ljust(16, b".")[:16]

    def to_json(self) -> dict[str, Any]:
        """`PushSubscription.toJSON()`."""
        point = self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        keys = {"p256dh": _text(point), "auth": _text(self.auth)}
        return {"endpoint": self.endpoint, "expirationTime": None, "keys": keys}

    def read(self, body: bytes) -> dict[str, Any]:
        """What a push says."""
        plain = http_ece.decrypt(body, private_key=self.private, auth_secret=self.auth, version="aes128gcm")
        said: dict[str, Any] = json.loads(plain)
        return said


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256


class PushEndpoint:
    """The service.

    Attributes:
        answer: what it says to a push for a device of this name, at its n-th: a status and headers.
        pushed: everything it was given and could read, also what it refused.
        faults: what was wrong with a push.
        key: of the installation, if it is to be checked that pushes are signed with it.

    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.answer: Callable[[str, int], Said | int] = lambda _name, _n: 201
        self.pushed: list[Pushed] = []
        self.faults: list[str] = []
        self.key = ""
        self.devices: dict[str, Device] = {}
        self._tls = tls
        self._counts: dict[str, int] = defaultdict(int)
        self._lock = threading.Condition()
        self._over = threading.Event()
        self._server: ThreadingHTTPServer | None = None
        self.port = 0

    @property
    def origin(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Serve; again on the same port after `die`."""
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                service._serve(self)

            def log_message(self, *_: Any) -> None: ...

        self._server = _Server(("127.0.0.1", self.port), Handler)
        if self._tls is not None:
            self._server.socket = self._tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def die(self) -> None:
        """Nobody listens any more."""
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()
        self._server = None

    def close(self) -> None:
        """The end: whoever stalls is let go."""
        self._over.set()
        if self._server is not None:
            self.die()

    def device(self, name: str) -> Device:
        """A new device that subscribes here."""
        made = self.devices[name] = Device(name, self.origin)
        return made

    def taken(self, name: str) -> list[Pushed]:
        """What a device was given and has taken."""
        return [each for each in self.pushed if each.device == name and 200 <= each.status < 300]

    def asked(self, name: str) -> int:
        """How often it was asked."""
        return self._counts[name]

    def wait(self, what: Callable[[], bool], patience_s: float = PATIENCE_S) -> bool:
        """Block until something is so; `False` if it is not in time."""
        with self._lock:
            return self._lock.wait_for(what, patience_s)

    # -- one push ---------------------------------------------------------------------------------------------------

    def _serve(self, request: BaseHTTPRequestHandler) -> None:
        promised = int(request.headers.get("Content-Length", "0"))
        body = request.rfile.read(promised)
        if not body or len(body) < promised:
            # A worker that is killed while it sends leaves half a push, which no service would take for one.
            request.close_connection = True
            return
        headers = {name.lower(): value for name, value in request.headers.items()}
        name = request.path.rpartition("/")[2]
        with self._lock:
            self._counts[name] += 1
            answer = self.answer(name, self._counts[name])
            self._lock.notify_all()
        status, extra = answer if isinstance(answer, tuple) else (answer, {})
        if status == STALL:
            self._over.wait(_MOST_STALLED_S)
        if status <= 0:
            request.close_connection = True
            request.connection.close()
            return
        with self._lock:
            try:
                self._check(headers)
                said = self.devices[name].read(body)
                self.pushed.append(Pushed(name, said, headers, time.monotonic(), status))
            except Exception as error:  # noqa: BLE001 - told by the test
                self.faults.append(f"{name}: {error!r} {headers}")
            self._lock.notify_all()
        words = b"" if status < 300 else b"the reason"
        request.send_response(status)
        for each, value in {**extra, "Content-Length": str(len(words))}.items():
            request.send_header(each, value)
        request.end_headers()
        request.wfile.write(words)

    def _check(self, headers: dict[str, str]) -> None:
        """What RFC 8030 and 8292 ask of an application server."""
        scheme, _, rest = headers["authorization"].partition(" ")
        parts = dict(part.strip().split("=", 1) for part in rest.split(","))
        assert scheme == "vapid"
        assert not self.key or parts["k"] == self.key, "signed with another key"
        point = urlsafe_b64decode(parts["k"] + "=" * (-len(parts["k"]) % 4))
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        claims = jwt.decode(parts["t"], public, ["ES256"], audience=self.origin)
        assert claims["sub"].startswith(("mailto:", "https:"))
        assert claims["exp"] <= time.time() + 24 * 3600
        assert headers["content-encoding"] == "aes128gcm"
        assert int(headers["ttl"]) > 0
        assert headers["urgency"] in ("very-low", "low", "normal", "high")
        assert len(headers["topic"]) <= 32


@contextmanager
def push_endpoint(tls: ssl.SSLContext | None = None) -> Iterator[PushEndpoint]:
    """One that serves; what was wrong with what it got fails the block."""
    service = PushEndpoint(tls)
    service.start()
    try:
        yield service
    finally:
        service.close()
    assert service.faults == [], service.faults


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
