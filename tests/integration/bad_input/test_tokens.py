"""Every way in which a token can be wrong, against a running node: refused at the socket and at REST."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pymongo
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.integration.bad_input.scene import Scene, unharmed
from tests.integration.clients import Refused, opened
from tests.integration.nodes import Cluster, request
from tests.servers import Servers

pytestmark = pytest.mark.real


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def bad_tokens(scene: Scene, servers: Servers, database: str) -> dict[str, str]:
    """Every way in which a token can be wrong."""
    header, claims, signature = scene.ana.token.split(".")
    public = request(scene.node.port, "GET", "/.well-known/jwks.json").json["keys"][0]
    raw = base64.urlsafe_b64decode(public["n"] + "==")
    with pymongo.MongoClient[dict[str, Any]](servers.mongodb_uri) as client:
        stored = client[database]["signing_keys"].find_one()
    assert stored is not None
    private, kid = stored["private_pem"], stored["_id"]
    pem = jwt.PyJWK(public).key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    right = decoded(claims)

    def signed(change: dict[str, Any], **headers: Any) -> str:
        wanted = {key: value for key, value in (right | change).items() if value is not None}
        return jwt.encode(wanted, private, algorithm="RS256", headers={"kid": kid, **headers})

    def hs256(key: bytes) -> str:
        start = f"{encoded(json.dumps({'alg': 'HS256', 'typ': 'JWT', 'kid': kid}).encode())}.{claims}"
        return f"{start}.{encoded(hmac.digest(key, start.encode(), hashlib.sha256))}"

    none = encoded(json.dumps({"alg": "none", "typ": "JWT", "kid": kid}).encode())
    return {
        "nothing": "",
        "nonsense": "hello",
        "dots": "..",
        "two parts": f"{header}.{claims}",
        "no signature": f"{header}.{claims}.",
        "another signature": f"{header}.{claims}.{encoded(bytes(64))}",
        "a signature cut short": f"{header}.{claims}.{signature[:-2]}",
        "somebody else's claims": f"{header}.{encoded(json.dumps(right | {'sub': scene.ben.id}).encode())}.{signature}",
        "operator": f"{header}.{encoded(json.dumps(right | {'op': True}).encode())}.{signature}",
        "alg none": f"{none}.{claims}.",
        "alg none with a signature": f"{none}.{claims}.{signature}",
        "HS256 with the public key": hs256(raw),
        "HS256 with the public key as PEM": hs256(pem),
        "expired": signed({"iat": right["iat"] - 3600, "exp": int(time.time()) - 60}),
        "never expires": signed({"exp": None}),
        "for others": signed({"aud": "others"}),
        "by others": signed({"iss": "others"}),
        "of nobody": signed({"sub": None}),
        "of no device": signed({"did": None}),
        "an unknown key": signed({}, kid="k999"),
        "expires when nobody knows": signed({"exp": "soon"}),
        "claims that are no object": f"{header}.{encoded(b'[]')}.{signature}",
        "a header nested without end": f"{encoded(b'[' * 5000)}.{claims}.{signature}",
        "endless": "x" * 9000,
    }


async def test_a_token_that_is_not_good_is_refused_with_403_at_the_socket_and_401_at_rest(
    scene: Scene, servers: Servers, cluster: Cluster
) -> None:
    tokens = bad_tokens(scene, servers, cluster.database)
    async with unharmed(scene, lines=0):
        for name, token in tokens.items():
            with pytest.raises(Refused) as refusal:
                async with opened(token, scene.node):
                    pytest.fail(f"let in with: {name}")
            wanted = "token_expired" if name == "expired" else "unauthenticated"
            assert (refusal.value.status, refusal.value.problem["code"]) == (403, wanted), name
            answer = request(scene.node.port, "GET", "/api/v1/users/me", token=token or "-")
            assert (answer.status, answer.json["code"]) == (401, wanted), name
            assert "www-authenticate" in answer.headers
