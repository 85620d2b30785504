"""Web Push subscriptions, over REST."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any
from urllib.parse import quote

import pytest
import trio
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey

API = "/api/v1"
POINT = "BGkSROS9TA2uMV_zzX23NrzWzqUfQ4KSEK7QHaX8x1hSnixSx7BasYqRNFyJJIFBeYadtxg73TfVhuPdOY8ISJA"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"


def body(name: str = "one", **changes: Any) -> dict[str, Any]:
    endpoint = f"https://push.example.org/send/{name}"
    return {"endpoint": endpoint, "expirationTime": None, "keys": {"p256dh": POINT, "auth": AUTH}, **changes}


def kept(world: Any, account: Any) -> list[str]:
    return [row.endpoint for row in world.record.subscriptions.values() if row.user_id == account.id]


async def test_the_key_is_a_point_and_the_same_on_all_nodes(open_world: Any) -> None:
    async with open_world() as one, open_world(node="n2", record=one.record, broker=one.broker) as two:
        ada = await one.account()
        headers = {"Authorization": f"Bearer {ada.token}"}
        keys = []
        async with trio.open_nursery() as nursery:
            for world in (one, two, one):

                async def ask(world: Any = world) -> None:
                    keys.append((await world.request("GET", f"{API}/push/key", headers=headers)).json["key"])

                nursery.start_soon(ask)
        assert len(keys) == 3
        assert len(set(keys)) == 1
        raw = urlsafe_b64decode(keys[0] + "==")
        assert len(raw) == 65
        EllipticCurvePublicKey.from_encoded_point(SECP256R1(), raw)
        assert len([row for row in one.record.keys.values() if row["kid"] == "vapid"]) == 1
        # It lies among the keys for tokens, and is none of them.
        await two.core.people.tokens.load()
        published = (await two.request("GET", "/.well-known/jwks.json")).json["keys"]
        assert all(key["kid"] != "vapid" for key in published)


async def test_a_subscription_as_a_browser_gives_it(world: Any) -> None:
    ada = await world.account()
    reply = await ada("POST", f"{API}/push/subscriptions", body(expirationTime=1_800_000_000_000.5))
    assert reply.status == 201, reply.raw
    view = reply.json
    assert view == {
        "id": view["id"],
        "device_id": ada.device_id,
        "endpoint": body()["endpoint"],
        "created_at": "2026-01-01T00:00:00.000Z",
        "expires_at": "2027-01-15T08:00:00.000Z",
    }
    again = await ada("POST", f"{API}/push/subscriptions", body())
    assert (again.status, again.json["id"]) == (200, view["id"])
    assert kept(world, ada) == [body()["endpoint"]]


@pytest.mark.parametrize(
    "endpoint",
    [
        "", "x", "ftp://push.example.org/", "http://push.example.org/", "https://", "https:///x", "https://[::1/", "//push.example.org/",
        "https://user:pw@push.example.org/", "https://push.example.org:0/", "https://push.example.org:70000/", "https://push example.org/",
        "https://push.example.org/\r\nX: y", "https://push.example.org/\u00e9", "https://127.0.0.1/", "https://127.1/", "https://2130706433/",
        "https://0x7f.0.0.1/", "https://0x7f000001/", "https://10.0.0.1/", "https://172.16.0.1/", "https://192.168.1.1/", "https://169.254.169.254/latest",
        "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[fe80::1]/", "https://[fd00::1]/", "https://0.0.0.0/", "https://224.0.0.1/",
        "https://localhost/", "https://redis:6379/", "https://push.example.org/" + "x" * 3000,
    ],
)  # fmt: skip
async def test_an_endpoint_that_nodes_may_not_send_to_is_refused(world: Any, endpoint: str) -> None:
    ada = await world.account()
    reply = await ada("POST", f"{API}/push/subscriptions", body(endpoint=endpoint))
    assert (reply.status, reply.json["code"]) == (422, "invalid"), endpoint
    assert reply.json["errors"][0]["field"] == "endpoint"
    assert kept(world, ada) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"endpoint": None}, "endpoint"),
        ({"keys": None}, "keys"),
        ({"keys": {}}, "keys.p256dh"),
        ({"keys": {"p256dh": POINT}}, "keys.auth"),
        ({"keys": {"p256dh": POINT[:-4], "auth": AUTH}}, "keys.p256dh"),
        ({"keys": {"p256dh": "!" + POINT[1:], "auth": AUTH}}, "keys.p256dh"),
        ({"keys": {"p256dh": urlsafe_b64encode(b"\x04" + b"\x01" * 64).decode(), "auth": AUTH}}, "keys.p256dh"),
        ({"keys": {"p256dh": urlsafe_b64encode(b"\x02" * 65).decode(), "auth": AUTH}}, "keys.p256dh"),
        ({"keys": {"p256dh": POINT, "auth": AUTH + "AA"}}, "keys.auth"),
        ({"keys": {"p256dh": POINT, "auth": "\u00e9" * 22}}, "keys.auth"),
        ({"keys": {"p256dh": POINT, "auth": 7}}, "keys.auth"),
        ({"expirationTime": "soon"}, "expirationTime"),
        ({"expirationTime": -1}, "expirationTime"),
        ({"expirationTime": 1e300}, "expirationTime"),
        ({"expirationTime": 1}, "expirationTime"),
    ],
)  # fmt: skip
async def test_bad_fields_are_named(world: Any, changes: dict[str, Any], field: str) -> None:
    ada = await world.account()
    reply = await ada("POST", f"{API}/push/subscriptions", body(**changes))
    assert (reply.status, reply.json["code"], reply.json["errors"][0]["field"]) == (422, "invalid", field)
    assert kept(world, ada) == []


async def test_keys_may_be_padded_or_in_the_other_alphabet(world: Any) -> None:
    ada = await world.account()
    keys = {"p256dh": POINT.replace("-", "+").replace("_", "/") + "=", "auth": AUTH + "=="}
    assert (await ada("POST", f"{API}/push/subscriptions", body(keys=keys))).status == 201


async def test_a_subscription_is_removed_by_whom_it_belongs_to(world: Any) -> None:
    ada, bob = await world.account(), await world.account("Bob")
    path = f"{API}/push/subscriptions"
    ids = [(await ada("POST", path, body(name))).json["id"] for name in ("a", "b", "c")]
    for who, query, json in (
        (bob, "", {"endpoint": body("a")["endpoint"]}),
        (bob, f"?id={ids[0]}", {}),
        (ada, "?id=none", {}),
    ):
        reply = await who("DELETE", path + query, json)
        assert (reply.status, reply.json["code"]) == (404, "not_found")
    assert len(kept(world, ada)) == 3
    assert (await ada("DELETE", path, body("a"))).status == 204
    assert (await ada("DELETE", f"{path}?endpoint={quote(body('b')['endpoint'], safe='')}")).status == 204
    assert (await ada("DELETE", f"{path}?id={ids[2]}")).status == 204
    assert kept(world, ada) == []
    assert (await ada("DELETE", path, body("a"))).status == 404
    reply = await ada("DELETE", path)
    assert (reply.status, reply.json["errors"][0]["field"]) == (422, "endpoint")


async def test_the_next_user_of_a_browser_takes_its_subscription_over(world: Any) -> None:
    ada, bob, eve = await world.account(), await world.account("Bob"), await world.account("Eve")
    path = f"{API}/push/subscriptions"
    await ada("POST", path, body())
    other = {"p256dh": POINT, "auth": urlsafe_b64encode(b"x" * 16).decode()}
    reply = await eve("POST", path, body(keys=other))
    assert (reply.status, reply.json["code"]) == (409, "conflict")
    assert kept(world, ada) == [body()["endpoint"]]
    assert (await bob("POST", path, body())).status == 201
    assert (kept(world, ada), kept(world, bob)) == ([], [body()["endpoint"]])


async def test_a_user_has_a_bounded_number_of_subscriptions(world: Any) -> None:
    ada = await world.account()
    for number in range(25):
        assert (await ada("POST", f"{API}/push/subscriptions", body(str(number)))).status == 201
        await trio.sleep(1)
    assert kept(world, ada) == [body(str(number))["endpoint"] for number in range(5, 25)]


async def test_signing_a_device_out_removes_its_subscriptions(world: Any, scene: Any) -> None:
    path = f"{API}/push/subscriptions"
    world.record.subscriptions.clear()
    other = await scene.log_in()
    headers = {"Authorization": f"Bearer {other['access_token']}"}
    await scene.ada("POST", path, body("first"))
    await world.request("POST", path, body("second"), headers=headers)
    assert (await scene.ada("DELETE", f"{API}/devices/{other['device_id']}")).status == 204
    assert kept(world, scene.ada) == [body("first")["endpoint"]]
    # Its token may still be taken by a node that has not heard of it.
    world.core.people.tokens._revoked.clear()
    assert (await world.request("POST", path, body("second"), headers=headers)).status == 401
    assert kept(world, scene.ada) == [body("first")["endpoint"]]
    assert (await scene.ada("POST", f"{API}/auth/logout")).status == 204
    assert kept(world, scene.ada) == []
