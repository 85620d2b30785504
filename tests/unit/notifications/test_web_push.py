"""Web Push, against a push service of the tests' own that checks and decrypts what it gets."""

from __future__ import annotations

import ssl
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import trio
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from handlers.notifications.endpoints import Reach
from handlers.notifications.sender import PushOptions
from handlers.notifications.vapid import Vapid
from handlers.notifications.web_push import WebPushSender
from persistence.ids import wall_clock
from persistence.memory import MemorySigningKeys, Record
from persistence.models import PushSubscription
from tests.push_endpoint import BREAK, STALL, Device, PushEndpoint, push_endpoint

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
OPTIONS = PushOptions(collapse="topic", ttl_s=60, urgent=True)
TIMEOUT_S = 30.0


@pytest.fixture
def service() -> Iterator[PushEndpoint]:
    with push_endpoint() as made:
        yield made


def make(reach: Reach | None = None, timeout_s: float = TIMEOUT_S) -> tuple[WebPushSender, Vapid]:
    keys = MemorySigningKeys(Record())
    vapid = Vapid(keys, wall_clock, private_key="", subject="mailto:ops@example.org", secret="")
    return WebPushSender(vapid, reach or Reach(LOOPBACK), timeout_s=timeout_s), vapid


@pytest.fixture
async def sender(service: PushEndpoint) -> AsyncIterator[WebPushSender]:
    made, vapid = make()
    service.key = await vapid.public_key()
    async with made.running():
        yield made


def subscription(device: Device, endpoint: str = "") -> PushSubscription:
    given = device.to_json()
    raw = {name: urlsafe_b64decode(text + "=" * (-len(text) % 4)) for name, text in given["keys"].items()}
    return PushSubscription(
        id=device.name,
        user_id="bob",
        device_id="d",
        endpoint=endpoint or device.endpoint,
        p256dh=raw["p256dh"],
        auth=raw["auth"],
        created_at=0,
    )


async def test_the_device_can_read_what_is_pushed_and_the_service_knows_who_pushes(
    service: PushEndpoint, sender: WebPushSender
) -> None:
    device = service.device("phone")
    answer = await sender.send(subscription(device), b'{"seq": 7}', OPTIONS)
    assert (answer.status, answer.reason) == (201, "")
    (pushed,) = service.taken("phone")
    assert pushed.said == {"seq": 7}
    assert pushed.headers["topic"] == "topic"
    assert pushed.headers["ttl"] == "60"
    assert pushed.headers["urgency"] == "high"


async def test_many_at_once_on_few_connections(service: PushEndpoint, sender: WebPushSender) -> None:
    devices = [service.device(f"d{number}") for number in range(20)]
    async with trio.open_nursery() as nursery:
        for device in devices:
            nursery.start_soon(sender.send, subscription(device), b'{"x": 1}', OPTIONS)
    assert len(service.pushed) == 20


@pytest.mark.parametrize("status", [400, 403, 404, 410, 413, 429, 500, 503])
async def test_refusals_are_told_with_their_reason(
    service: PushEndpoint, sender: WebPushSender, status: int
) -> None:
    service.answer = lambda *_: (status, {"Retry-After": "7"})
    answer = await sender.send(subscription(service.device("phone")), b"{}", OPTIONS)
    assert (answer.status, answer.retry_after, answer.reason) == (status, "7", "the reason")


async def test_a_redirect_is_not_followed(service: PushEndpoint, sender: WebPushSender) -> None:
    service.answer = lambda *_: (307, {"Location": f"{service.origin}/push/other"})
    service.device("other")
    answer = await sender.send(subscription(service.device("phone")), b"{}", OPTIONS)
    assert answer.status == 307
    assert service.asked("other") == 0


async def test_a_service_that_stalls_is_not_waited_for_longer_than_said(service: PushEndpoint) -> None:
    sender, _ = make(timeout_s=0.2)
    service.answer = lambda *_: STALL
    async with sender.running():
        answer = await sender.send(subscription(service.device("phone")), b"{}", OPTIONS)
        assert (answer.status, answer.reason) == (None, "no answer within 0.2 s")
        service.answer = lambda *_: 201
        assert (await sender.send(subscription(service.device("laptop")), b"{}", OPTIONS)).status == 201


async def test_a_service_that_breaks_off_or_is_not_there_is_no_crash(
    service: PushEndpoint, sender: WebPushSender
) -> None:
    service.answer = lambda *_: BREAK
    target = subscription(service.device("phone"))
    answer = await sender.send(target, b"{}", OPTIONS)
    assert answer.status is None
    assert answer.reason
    service.die()
    answer = await sender.send(target, b"{}", OPTIONS)
    assert answer.status is None
    assert "Connect" in answer.reason
    service.start()
    service.answer = lambda *_: 201
    assert (await sender.send(target, b"{}", OPTIONS)).status == 201


async def test_a_service_that_talks_nonsense_is_no_crash(
    sender: WebPushSender, service: PushEndpoint
) -> None:
    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        port = listeners[0].socket.getsockname()[1]

        async def babble(stream: trio.SocketStream) -> None:
            await stream.receive_some(1000)
            await stream.send_all(b"\x00\xff nonsense\r\n\r\n")
            await stream.aclose()

        nursery.start_soon(trio.serve_listeners, babble, listeners)
        endpoint = f"http://127.0.0.1:{port}/x"
        answer = await sender.send(subscription(service.device("phone"), endpoint), b"{}", OPTIONS)
        assert answer.status is None
        nursery.cancel_scope.cancel()


async def test_an_address_that_is_not_allowed_is_never_asked(service: PushEndpoint) -> None:
    sender, _ = make(Reach(()))
    async with sender.running():
        for endpoint in (
            "",
            f"http://localhost:{service.port}/push/phone",
            f"https://127.0.0.1:{service.port}/x",
        ):
            answer = await sender.send(subscription(service.device("phone"), endpoint), b"{}", OPTIONS)
            assert (answer.forbidden, answer.status) == (True, None)
    assert service.asked("phone") == 0


async def test_a_name_that_turns_out_to_be_private_is_never_asked(
    service: PushEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def resolve(host: str, port: int, **_: Any) -> list[Any]:
        await trio.lowlevel.checkpoint()
        return [(2, 1, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(trio.socket, "getaddrinfo", resolve)
    sender, _ = make(Reach(()))
    async with sender.running():
        endpoint = f"https://push.example.org:{service.port}/push/phone"
        answer = await sender.send(subscription(service.device("phone"), endpoint), b"{}", OPTIONS)
    assert answer.forbidden
    assert "not public" in answer.reason
    assert service.asked("phone") == 0


def certificate(folder: Path) -> Path:
    """Of 127.0.0.1, by nobody whom anybody trusts."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(pem + made.public_bytes(Encoding.PEM))
    return path


async def test_the_certificate_has_to_be_one_that_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = certificate(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(path)
    with push_endpoint(tls) as service:
        target = subscription(service.device("phone"))
        sender, _ = make()
        async with sender.running():
            answer = await sender.send(target, b"{}", OPTIONS)
        assert answer.status is None
        assert service.asked("phone") == 0
        trusting = ssl.create_default_context(cafile=str(path))
        monkeypatch.setattr(ssl, "create_default_context", lambda: trusting)
        sender, _ = make()
        async with sender.running():
            assert (await sender.send(target, b"{}", OPTIONS)).status == 201
