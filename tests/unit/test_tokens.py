"""Access tokens and the keys that sign them."""

from __future__ import annotations

import base64
import json
from typing import Any

import jwt
import pytest
import trio
import trio.testing
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.auth.sealing import KeyRingLocked
from handlers.auth.tokens import LEEWAY_S, PUBLISHED_BEFORE_S, Tokens, new_private_key
from handlers.errors import ChatError, Code
from persistence.errors import StoreUnavailable
from persistence.memory import MemorySigningKeys, Record
from persistence.models import User
from supervisors import ChildSpec, Supervisor, open_supervisor
from tests.examples import examples

DAY_S = 86_400
TTL_S = 900
ADA = User(id="ada", name="Ada", phone="+493012345678", password_hash="", created_at=0, updated_at=0)


class Clock:
    def __init__(self) -> None:
        self.ms = 1_767_225_600_000

    def __call__(self) -> int:
        return self.ms

    def pass_s(self, seconds: float) -> None:
        self.ms += int(seconds * 1000)


class Ring:
    """A key ring and nodes that share it."""

    def __init__(self, secret: str | None = None) -> None:
        self.record = Record()
        self.clock = Clock()
        self.secret = secret

    def node(self, **changes: Any) -> Tokens:
        options = {"ttl_s": TTL_S, "rotation_s": 30 * DAY_S, "secret": self.secret, **changes}
        return Tokens(MemorySigningKeys(self.record), self.clock, **options)


@pytest.fixture
def ring() -> Ring:
    return Ring()


def refused(tokens: Tokens, token: str) -> Code:
    with pytest.raises(ChatError) as caught:
        tokens.verify(token)
    return caught.value.code


def header_of(token: str) -> dict[str, Any]:
    return dict(jwt.get_unverified_header(token))


def claims_of(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


def unpadded(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def private_key(ring: Ring) -> RSAPrivateKey:
    (row,) = ring.record.keys.values()
    key = serialization.load_pem_private_key(row["private_pem"].encode(), None)
    assert isinstance(key, RSAPrivateKey)
    return key


async def test_a_token_says_who_and_nothing_more(ring: Ring) -> None:
    tokens = ring.node()
    await tokens.load()
    token, expires_at = tokens.issue(ADA, "d1")
    principal = tokens.verify(token)
    assert (principal.user_id, principal.device_id, principal.operator) == ("ada", "d1", False)
    assert principal.expires_at == expires_at == ring.clock() + TTL_S * 1000
    assert set(claims_of(token)) == {"iss", "aud", "sub", "did", "iat", "exp"}
    assert header_of(token)["alg"] == "RS256"


async def test_an_operator_is_one_on_every_node(ring: Ring) -> None:
    one, other = ring.node(), ring.node()
    await one.load()
    await other.load()
    operator = User(id="o", name="O", phone="+1", password_hash="", operator=True, created_at=0, updated_at=0)
    assert other.verify(one.issue(operator, "d")[0]).operator


async def test_expired_tokens_are_told_from_bad_ones(ring: Ring) -> None:
    tokens = ring.node()
    await tokens.load()
    token, _ = tokens.issue(ADA, "d1")
    ring.clock.pass_s(TTL_S + LEEWAY_S - 1)
    tokens.verify(token)
    ring.clock.pass_s(1)
    assert refused(tokens, token) is Code.TOKEN_EXPIRED


async def test_forgeries(ring: Ring) -> None:
    tokens = ring.node()
    await tokens.load()
    token, _ = tokens.issue(ADA, "d1")
    head, payload, signature = token.split(".")
    kid = header_of(token)["kid"]
    claims = claims_of(token)
    key = private_key(ring)
    public_pem = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    public_der = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    hmac_head = unpadded({"alg": "HS256", "typ": "JWT", "kid": kid})
    forged = {
        "another subject": f"{head}.{unpadded({**claims, 'sub': 'eve'})}.{signature}",
        "another signature": f"{head}.{payload}.{signature[:-4]}AAAA",
        "no signature": f"{head}.{payload}.",
        "two parts": f"{head}.{payload}",
        "alg none": f"{unpadded({'alg': 'none', 'kid': kid})}.{payload}.",
        "alg None": f"{unpadded({'alg': 'None', 'kid': kid})}.{payload}.",
        "alg none, signed": f"{unpadded({'alg': 'none', 'kid': kid})}.{payload}.{signature}",
        "somebody's own key": jwt.encode(claims, new_private_key(), algorithm="RS256", headers={"kid": kid}),
        "no kid": jwt.encode(claims, key, algorithm="RS256"),
        "unknown kid": jwt.encode(claims, key, algorithm="RS256", headers={"kid": "k99"}),
        "kid of another type": f"{unpadded({'alg': 'RS256', 'kid': ['k1']})}.{payload}.{signature}",
        "empty": "",
        "not a token": "\ud800 \x00",
    }
    for name, secret in (("PEM", public_pem), ("DER", public_der)):
        digest = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(
            f"{hmac_head}.{payload}".encode(), secret
        )
        mac = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        forged[f"HS256 with the public key, {name}"] = f"{hmac_head}.{payload}.{mac}"
    for name, value in forged.items():
        assert refused(tokens, value) is Code.UNAUTHENTICATED, name
    tokens.verify(token)
    for name, value in forged.items():  # also once the node knows what a good token begins with
        assert refused(tokens, value) is Code.UNAUTHENTICATED, name


@pytest.mark.parametrize(
    "changes",
    [{"aud": "other"}, {"aud": None}, {"iss": "other"}, {"iss": None}, {"sub": None}, {"did": None}, {"exp": None}, {"exp": "soon"}],
)  # fmt: skip
async def test_well_signed_tokens_for_something_else(ring: Ring, changes: dict[str, Any]) -> None:
    tokens = ring.node()
    await tokens.load()
    token, _ = tokens.issue(ADA, "d1")
    claims = {name: value for name, value in (claims_of(token) | changes).items() if value is not None}
    payload = unpadded(claims)
    head = token.split(".")[0]
    signature = private_key(ring).sign(f"{head}.{payload}".encode(), padding.PKCS1v15(), hashes.SHA256())
    forged = f"{head}.{payload}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
    assert refused(tokens, forged) is Code.UNAUTHENTICATED


async def test_keys_rotate_without_signing_anybody_out(ring: Ring) -> None:
    one, other = ring.node(), ring.node()
    await one.load()
    await other.load()
    ring.clock.pass_s(30 * DAY_S)
    old, _ = one.issue(ADA, "d1")
    await one.load()
    assert len(one.jwks()["keys"]) == 2, "the new key is published"
    assert header_of(one.issue(ADA, "d1")[0])["kid"] == header_of(old)["kid"], "before it signs"
    ring.clock.pass_s(PUBLISHED_BEFORE_S)
    new, _ = one.issue(ADA, "d1")
    assert header_of(new)["kid"] != header_of(old)["kid"]
    assert one.verify(old).user_id == "ada"
    await other.load()
    assert other.verify(new).user_id == "ada"
    assert len(ring.record.keys) == 2


async def test_a_key_goes_when_nothing_it_signed_can_be_valid(ring: Ring) -> None:
    tokens = ring.node()
    await tokens.load()
    first = header_of(tokens.issue(ADA, "d")[0])["kid"]
    ring.clock.pass_s(30 * DAY_S)
    await tokens.load()
    ring.clock.pass_s(2 * DAY_S)
    await tokens.load()
    assert first not in [key["kid"] for key in tokens.jwks()["keys"]]


async def test_after_a_long_standstill_tokens_of_the_old_key_hold_until_the_new_one_signs(ring: Ring) -> None:
    one, other = ring.node(), ring.node()
    await one.load()
    ring.clock.pass_s(400 * DAY_S)
    await other.load()
    token, _ = other.issue(ADA, "d1")
    await one.load()
    assert one.verify(token).user_id == "ada"
    assert other.verify(token).user_id == "ada"


async def test_a_shorter_rotation_takes_nobodys_token_away(ring: Ring) -> None:
    before = ring.node()
    await before.load()
    ring.clock.pass_s(20 * DAY_S)
    token, _ = before.issue(ADA, "d1")
    after = ring.node(rotation_s=DAY_S)
    await after.load()
    assert after.verify(token).user_id == "ada"


async def test_nodes_that_start_or_rotate_at_once_make_one_key(ring: Ring) -> None:
    nodes = [ring.node() for _ in range(4)]
    for round_ in (1, 2):
        async with trio.open_nursery() as nursery:
            for node in nodes:
                nursery.start_soon(node.load)
        assert len(ring.record.keys) == round_
        ring.clock.pass_s(30 * DAY_S)


async def test_the_jwks_verifies_elsewhere(ring: Ring) -> None:
    tokens = ring.node()
    await tokens.load()
    token, _ = tokens.issue(ADA, "d1")
    (published,) = tokens.jwks()["keys"]
    assert {name: published[name] for name in ("kty", "alg", "use")} == {
        "kty": "RSA",
        "alg": "RS256",
        "use": "sig",
    }
    assert not {"d", "p", "q", "dp", "dq", "qi"} & set(published), "the private half stays here"
    key = jwt.PyJWK.from_dict(published)
    untimed = {"verify_exp": False, "verify_iat": False}  # the clock here is not the wall's
    claims = jwt.decode(token, key, algorithms=["RS256"], audience="chat", options=untimed)
    assert claims["sub"] == "ada"


async def test_private_keys_are_encrypted_at_rest_with_a_secret() -> None:
    ring = Ring(secret="a long secret")
    tokens = ring.node()
    await tokens.load()
    (row,) = ring.record.keys.values()
    assert "ENCRYPTED" in row["private_pem"]
    same = ring.node()
    await same.load()
    assert same.verify(tokens.issue(ADA, "d")[0]).user_id == "ada"
    for wrong in ("another", None):
        with pytest.raises(KeyRingLocked, match="AUTH_KEY_SECRET"):
            await ring.node(secret=wrong).load()


async def test_a_secret_may_be_introduced_later() -> None:
    ring = Ring()
    await ring.node().load()
    await ring.node(secret="new").load()


async def test_keys_of_another_algorithm_are_left_alone(ring: Ring) -> None:
    await ring.node().load()
    (kid,) = ring.record.keys
    ring.record.keys[kid]["alg"] = "EdDSA"
    tokens = ring.node()
    await tokens.load()
    assert len(ring.record.keys) == 2
    assert tokens.verify(tokens.issue(ADA, "d1")[0]).user_id == "ada"


async def test_the_worker_reads_the_ring_when_it_meets_an_unknown_key(
    ring: Ring, autojump_clock: trio.testing.MockClock
) -> None:
    one, other = ring.node(), ring.node()
    async with open_supervisor(Supervisor([ChildSpec("tokens", one.run)], name="node")):
        ring.clock.pass_s(30 * DAY_S)
        await other.load()
        ring.clock.pass_s(PUBLISHED_BEFORE_S)
        token, _ = other.issue(ADA, "d1")
        assert refused(one, token) is Code.UNAUTHENTICATED
        await trio.sleep(1.5)
        assert one.verify(token).user_id == "ada"


async def test_unknown_keys_cannot_make_a_node_read_often(
    ring: Ring, autojump_clock: trio.testing.MockClock
) -> None:
    tokens = ring.node()
    reads: list[str] = []

    async def hook(step: str) -> None:
        reads.append(step)

    async with open_supervisor(Supervisor([ChildSpec("tokens", tokens.run)], name="node")):
        token, _ = tokens.issue(ADA, "d1")
        forged = f"{unpadded({'alg': 'RS256', 'kid': 'nope'})}.{token.split('.', 1)[1]}"
        ring.record.faults.hook = hook
        for _ in range(1000):
            refused(tokens, forged)
            await trio.sleep(0.01)
        assert len(reads) <= 10


async def test_the_worker_outlives_a_record_that_is_away(
    ring: Ring, autojump_clock: trio.testing.MockClock
) -> None:
    tokens = ring.node()
    async with open_supervisor(Supervisor([ChildSpec("tokens", tokens.run)], name="node")):
        ring.record.faults.down = True
        await trio.sleep(600)
        assert tokens.verify(tokens.issue(ADA, "d1")[0]).user_id == "ada"


async def test_a_node_without_a_key_does_not_start(ring: Ring) -> None:
    ring.record.faults.down = True
    tokens = ring.node()
    with pytest.raises(StoreUnavailable):
        await tokens.load()
    with pytest.raises(ChatError) as caught:
        tokens.issue(ADA, "d1")
    assert caught.value.code is Code.UNAVAILABLE


async def test_a_signed_out_device_is_refused_until_its_tokens_have_run_out(
    ring: Ring, autojump_clock: trio.testing.MockClock
) -> None:
    tokens = ring.node()
    async with open_supervisor(Supervisor([ChildSpec("tokens", tokens.run)], name="node")):
        token, _ = tokens.issue(ADA, "d1")
        other, _ = tokens.issue(ADA, "d2")
        tokens.revoke("d1")
        assert refused(tokens, token) is Code.UNAUTHENTICATED
        assert tokens.verify(other).device_id == "d2"
        ring.clock.pass_s(TTL_S + LEEWAY_S)
        await trio.sleep(120)
        assert refused(tokens, token) is Code.TOKEN_EXPIRED
        assert tokens._revoked == {}


@settings(max_examples=examples(200), deadline=None)
@given(st.text(max_size=200) | st.lists(st.text(max_size=40), min_size=3, max_size=3).map(".".join))
def test_any_text_is_refused_politely(text: str) -> None:
    tokens = Ring().node()
    assert refused(tokens, text) is Code.UNAUTHENTICATED


@settings(max_examples=examples(100), deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=8) | st.integers(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    )
)
def test_any_json_as_header_is_refused_politely(value: Any) -> None:
    head = base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
    assert refused(Ring().node(), f"{head}.e30.AAAA") is Code.UNAUTHENTICATED
