"""Messages to people who are not connected: what they cost the node that takes them, and the one that notifies."""

from __future__ import annotations

import functools
import http.client
import subprocess
import sys
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import trio
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from config.settings import Settings
from handlers.notifications.subscriptions import MOST, subscription_id
from persistence.ids import wall_clock
from persistence.models import PushSubscription
from persistence.mongo import Mongo
from persistence.push import MongoPushSubscriptions
from scripts.benchmarks.connect import Opened
from scripts.benchmarks.measure import Step, quantile
from scripts.benchmarks.pairs import Pairs
from scripts.benchmarks.people import Person

HOST: Final = "127.0.0.1"
WRITES: Final = {"ROLES": "api,realtime,media,stories"}
NOTIFIES: Final = {"ROLES": "notifications", "PUSH_NETWORKS": "127.0.0.0/8"}
AT_ONCE: Final = 16


class Alone(Pairs):
    """Direct chats in which one writes and the other is not connected."""

    def __init__(self, chats: Sequence[str], opened: Opened, cpu: Callable[[], Any]) -> None:
        super().__init__(chats, opened, cpu, both=False, each=1)


@contextmanager
def push_service() -> Iterator[int]:
    """A push service that takes everything, in a process of its own on the load's core; its port."""
    process = subprocess.Popen([sys.executable, "-m", __spec__.name], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


def taken(port: int) -> int:
    """How many pushes the service has taken."""
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request("GET", "/")
        return int(connection.getresponse().read())
    finally:
        connection.close()


async def subscribe(settings: Settings, people: Sequence[Person], port: int) -> None:
    """Have these notified at the push service."""
    private = ec.generate_private_key(ec.SECP256R1())
    point = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    mongo = Mongo(settings.mongodb.uri.get_secret_value(), settings.mongodb.database, timeout_ms=20_000)
    async with mongo.running():
        store = MongoPushSubscriptions(mongo)
        limiter = trio.CapacityLimiter(AT_ONCE)

        async def add(person: Person) -> None:
            endpoint = f"http://{HOST}:{port}/{urlsafe_b64encode(person.user_id.encode()).decode()}"
            row = PushSubscription(
                id=subscription_id(endpoint),
                user_id=person.user_id,
                device_id="bench",
                endpoint=endpoint,
                p256dh=point,
                auth=b"sixteen bytes...",
                created_at=wall_clock(),
            )
            async with limiter:
                await store.put(row, most=MOST)

        async with trio.open_nursery() as nursery:
            for person in people:
                nursery.start_soon(functools.partial(add, person))


def report(without: Step, told: Step, writer: str, notifier: str, pushes: int) -> str:
    """What being notified of costs."""
    before, after = (step.cpu[writer] / step.messages * 1e6 for step in (without, told))
    p99 = [quantile(step.answers, 0.99) * 1000 for step in (without, told)]
    per_push = f"{told.cpu[notifier] / pushes * 1e6:.0f} us a push" if pushes else "no push"
    return (
        f"the node that takes messages: {before:.1f} us a message that nobody is told of, {after:.1f} us one that somebody is"
        f" ({after - before:+.1f}); acknowledgements p99 {p99[0]:.1f} and {p99[1]:.1f} ms\n"
        f"the node that notifies: {told.cpu[notifier] / told.seconds:.0%} of a core for {pushes:,} pushes ({per_push},"
        f" {told.messages / max(1, pushes):.1f} messages each)"
    )


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    taken = 0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        _Handler.taken += 1
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        said = str(_Handler.taken).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: Any) -> None: ...


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


def main() -> None:
    with _Server((HOST, 0), _Handler) as server:
        print(server.server_port, flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
