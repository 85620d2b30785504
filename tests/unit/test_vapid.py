"""The key pair by which push services know the installation."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable

import jwt
import pytest
import trio
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import ValidationError

from config.push import PushSettings
from config.vapid import parse_vapid_key
from handlers.auth.sealing import KeyRingLocked
from handlers.notifications.vapid import TOKEN_TTL_S, Vapid
from persistence.memory import MemorySigningKeys, Record

START_S = 1_767_225_600


def clock() -> int:
    return START_S * 1000 + int(trio.current_time() * 1000)


def make(record: Record, *, private_key: str = "", secret: str = "", now: Callable[[], int] = clock) -> Vapid:
    keys = MemorySigningKeys(record)
    return Vapid(keys, now, private_key=private_key, subject="mailto:ops@example.org", secret=secret)


async def test_a_token_is_for_one_push_service_and_signed_with_the_public_key(autojump_clock: object) -> None:
    vapid = make(Record())
    header = await vapid.authorization("https://push.example.org")
    scheme, _, rest = header.partition(" ")
    parts = dict(part.strip().split("=", 1) for part in rest.split(","))
    assert scheme == "vapid"
    assert parts["k"] == await vapid.public_key()
    point = urlsafe_b64decode(parts["k"] + "==")
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    claims = jwt.decode(
        parts["t"], public, ["ES256"], audience="https://push.example.org", options={"verify_exp": False}
    )
    assert claims["sub"] == "mailto:ops@example.org"
    assert START_S < claims["exp"] <= START_S + 24 * 3600
    assert await vapid.authorization("https://other.example.org") != header


async def test_a_token_is_used_again_until_it_is_about_to_expire(autojump_clock: object) -> None:
    vapid = make(Record())
    first = await vapid.authorization("https://a")
    await trio.sleep(TOKEN_TTL_S - 3700)
    assert await vapid.authorization("https://a") == first
    await trio.sleep(200)
    assert await vapid.authorization("https://a") != first


async def test_a_key_from_the_settings_goes_before_the_stored_one(autojump_clock: object) -> None:
    record = Record()
    private = ec.generate_private_key(ec.SECP256R1())
    raw = private.private_numbers().private_value.to_bytes(32, "big")
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    written = urlsafe_b64encode(raw).decode()
    keys = [await make(record, private_key=text).public_key() for text in (written, written.rstrip("="), pem)]
    assert len(set(keys)) == 1
    assert record.keys == {}
    assert await make(record).public_key() not in keys


async def test_the_stored_key_is_encrypted(autojump_clock: object) -> None:
    record = Record()
    public = await make(record, secret="s3cret").public_key()
    assert "ENCRYPTED" in record.keys["vapid"]["private_pem"]
    assert await make(record, secret="s3cret").public_key() == public
    with pytest.raises(KeyRingLocked):
        await make(record, secret="another").public_key()


@pytest.mark.parametrize(
    "text", ["x", "A" * 43 + "B" * 20, "-----BEGIN PRIVATE KEY-----\nx\n", "\u00e9" * 43, "A" * 43]
)
def test_what_is_no_key_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="must be a private key of P-256") as caught:
        parse_vapid_key(text)
    assert text not in str(caught.value)
    with pytest.raises(ValidationError, match="VAPID_PRIVATE_KEY must be"):
        PushSettings.model_validate({"vapid_private_key": text})


def test_a_key_of_another_curve_is_refused() -> None:
    private = ec.generate_private_key(ec.SECP384R1())
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with pytest.raises(ValueError, match="P-256"):
        parse_vapid_key(pem)
