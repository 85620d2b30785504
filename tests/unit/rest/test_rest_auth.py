"""Signing up, in and out, over REST."""

from __future__ import annotations

from typing import Any

import jwt
import pytest
import trio

from handlers.auth import auth as auth_module
from handlers.nodes.events import Revoked
from persistence.errors import StoreUnavailable

API = "/api/v1"


def body(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Ada",
        "phone": "+493012345678",
        "password": "correct horse",
        "device": {"name": "phone", "platform": "test"},
        **changes,
    }


async def test_signup_answers_a_session_that_works(world: Any) -> None:
    reply = await world.request("POST", f"{API}/auth/signup", body(name="  Ada  "))
    assert reply.status == 201
    session = reply.json
    assert set(session) == {"user", "device_id", "access_token", "access_expires_at", "refresh_token"}
    assert session["user"]["name"] == "Ada"
    assert session["user"]["phone"] == "+493012345678"
    assert session["access_expires_at"] == "2026-01-01T00:15:00.000Z"
    me = await world.request(
        "GET", f"{API}/users/me", headers={"Authorization": f"Bearer {session['access_token']}"}
    )
    assert me.status == 200
    assert me.json == session["user"]


async def test_signup_of_a_known_phone_is_refused(world: Any) -> None:
    await world.request("POST", f"{API}/auth/signup", body())
    again = await world.request("POST", f"{API}/auth/signup", body(phone="+49 (30) 1234 5678"))
    assert (again.status, again.json["code"]) == (409, "phone_taken")


async def test_signup_with_a_bad_device_makes_no_account(world: Any) -> None:
    bad = await world.request(
        "POST", f"{API}/auth/signup", body(device={"name": "a\u0000b", "platform": "x"})
    )
    assert (bad.status, bad.json["errors"][0]["field"]) == (422, "device.name")
    assert (await world.request("POST", f"{API}/auth/signup", body())).status == 201


async def test_every_bad_field_of_a_signup_is_named(world: Any) -> None:
    bad = {
        "name": ["", " \u200b ", "a\nb", "x" * 65, 7, "a\u2028b"],
        "phone": ["", "030 1234567", "+1", "+15550100", "+4930x12345", "call +493012345678", "+1" * 19, None],
        "password": ["short", "", "x" * 257, None],
        "device": ["phone", {"name": 5, "platform": "x"}, None],
    }
    for field, values in bad.items():
        for value in values:
            reply = await world.request("POST", f"{API}/auth/signup", body(**{field: value}))
            assert reply.status == 422, (field, value)
            assert reply.json["code"] == "invalid"
            assert reply.json["errors"][0]["field"].split(".")[0] == field, (field, value, reply.json)
        reply = await world.request(
            "POST", f"{API}/auth/signup", {k: v for k, v in body().items() if k != field}
        )
        if field != "device":
            assert (reply.status, reply.json["errors"][0]["field"]) == (422, field)


async def test_names_are_normalised(world: Any) -> None:
    reply = await world.request("POST", f"{API}/auth/signup", body(name="Ame\u0301lie"))
    assert reply.json["user"]["name"] == "Am\u00e9lie"


async def test_login_on_a_second_device(world: Any) -> None:
    first = (await world.request("POST", f"{API}/auth/signup", body())).json
    login = {
        "phone": "+49 30 12345678",
        "password": "correct horse",
        "device": {"name": "laptop", "platform": "linux"},
    }
    second = await world.request("POST", f"{API}/auth/login", login)
    assert second.status == 200
    assert second.json["user"]["id"] == first["user"]["id"]
    assert second.json["device_id"] != first["device_id"]


async def test_a_password_is_the_same_however_it_is_composed(world: Any) -> None:
    await world.request("POST", f"{API}/auth/signup", body(password="Ame\u0301lie1234"))
    reply = await world.request(
        "POST", f"{API}/auth/login", {"phone": "+493012345678", "password": "Am\u00e9lie1234"}
    )
    assert reply.status == 200


async def test_wrong_password_and_unknown_phone_are_answered_alike(world: Any) -> None:
    await world.request("POST", f"{API}/auth/signup", body())
    wrong = await world.request(
        "POST", f"{API}/auth/login", {"phone": "+493012345678", "password": "wrong horse"}
    )
    unknown = await world.request(
        "POST", f"{API}/auth/login", {"phone": "+493099999999", "password": "wrong horse"}
    )
    assert (wrong.status, wrong.json["code"]) == (401, "bad_credentials")
    assert {**wrong.json, "request_id": ""} == {**unknown.json, "request_id": ""}


async def test_too_many_tries_with_one_phone(world: Any) -> None:
    await world.request("POST", f"{API}/auth/signup", body())
    wrong = {"phone": "+493012345678", "password": "wrong horse"}
    for _ in range(3):
        assert (await world.request("POST", f"{API}/auth/login", wrong)).status == 401
    right = {"phone": "+493012345678", "password": "correct horse"}
    refused = await world.request("POST", f"{API}/auth/login", right)
    assert (refused.status, refused.json["code"]) == (429, "rate_limited")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    await trio.sleep(61)
    assert (await world.request("POST", f"{API}/auth/login", right)).status == 200


async def test_a_refresh_token_is_good_once(world: Any) -> None:
    session = (await world.request("POST", f"{API}/auth/signup", body())).json
    fresh = await world.request("POST", f"{API}/auth/refresh", {"refresh_token": session["refresh_token"]})
    assert fresh.status == 200
    assert fresh.json["device_id"] == session["device_id"]
    assert fresh.json["refresh_token"] != session["refresh_token"]
    reused = await world.request("POST", f"{API}/auth/refresh", {"refresh_token": session["refresh_token"]})
    assert (reused.status, reused.json["code"]) == (401, "refresh_reused")
    dead = await world.request("POST", f"{API}/auth/refresh", {"refresh_token": fresh.json["refresh_token"]})
    assert (dead.status, dead.json["code"]) == (401, "unauthenticated")


def exchange(session: dict[str, Any], name: str | None) -> dict[str, Any]:
    return {"refresh_token": session["refresh_token"], "exchange": name}


NAME, OTHER = "first-exchange-0123456789", "other-exchange-0123456789"


async def test_an_exchange_whose_answer_is_lost_is_repeated_under_its_name(world: Any) -> None:
    session = (await world.request("POST", f"{API}/auth/signup", body())).json
    lost = await world.request("POST", f"{API}/auth/refresh", exchange(session, NAME))
    again = [await world.request("POST", f"{API}/auth/refresh", exchange(session, NAME)) for _ in range(2)]
    assert [reply.status for reply in again] == [200, 200]
    assert {reply.json["refresh_token"] for reply in again} == {lost.json["refresh_token"]}
    assert lost.json["refresh_token"] != session["refresh_token"]
    me = await world.request(
        "GET", f"{API}/users/me", headers={"Authorization": f"Bearer {again[0].json['access_token']}"}
    )
    assert me.status == 200
    fresh = await world.request("POST", f"{API}/auth/refresh", exchange(again[0].json, OTHER))
    assert fresh.status == 200
    late = await world.request("POST", f"{API}/auth/refresh", exchange(session, NAME))
    assert (late.status, late.json["code"]) == (401, "unauthenticated")
    assert list(world.record.devices) == [session["device_id"]]


@pytest.mark.parametrize("name", [None, OTHER])
@pytest.mark.parametrize("first", [None, NAME])
async def test_a_spent_token_without_the_name_of_its_exchange_is_a_copy(
    world: Any, first: str | None, name: str | None
) -> None:
    session = (await world.request("POST", f"{API}/auth/signup", body())).json
    fresh = await world.request("POST", f"{API}/auth/refresh", exchange(session, first))
    assert fresh.status == 200
    reused = await world.request("POST", f"{API}/auth/refresh", exchange(session, name))
    assert (reused.status, reused.json["code"]) == (401, "refresh_reused")
    assert world.record.devices == {}


async def test_two_repeats_at_once_are_one_exchange(world: Any) -> None:
    session = (await world.request("POST", f"{API}/auth/signup", body())).json
    tokens: list[str] = []

    async def spend() -> None:
        reply = await world.request("POST", f"{API}/auth/refresh", exchange(session, NAME))
        tokens.append(reply.json["refresh_token"])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(spend)
        nursery.start_soon(spend)
    assert len(tokens) == 2
    assert len(set(tokens)) == 1
    assert list(world.record.devices) == [session["device_id"]]


async def test_an_exchange_is_not_repeated_when_the_device_has_expired(world: Any) -> None:
    session = (await world.request("POST", f"{API}/auth/signup", body())).json
    await world.request("POST", f"{API}/auth/refresh", exchange(session, NAME))
    await trio.sleep(86_400)
    late = await world.request("POST", f"{API}/auth/refresh", exchange(session, NAME))
    assert (late.status, late.json["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize("name", ["", "short", "x" * 101, 7])
async def test_a_name_that_could_be_guessed_is_refused_and_spends_nothing(world: Any, name: Any) -> None:
    session = (await world.request("POST", f"{API}/auth/signup", body())).json
    bad = await world.request("POST", f"{API}/auth/refresh", exchange(session, name))
    assert (bad.status, bad.json["errors"][0]["field"]) == (422, "exchange")
    good = await world.request("POST", f"{API}/auth/refresh", {"refresh_token": session["refresh_token"]})
    assert good.status == 200


async def test_logout_ends_the_device(world: Any) -> None:
    ada = await world.account()
    listener = world.listen(ada)
    assert (await ada("POST", f"{API}/auth/logout")).status == 204
    assert listener.events == [Revoked(ada.device_id)]
    refused = await ada("GET", f"{API}/users/me")
    assert (refused.status, refused.json["code"]) == (401, "unauthenticated")
    dead = await world.request("POST", f"{API}/auth/refresh", {"refresh_token": ada.session["refresh_token"]})
    assert dead.status == 401


async def test_devices_are_listed_and_revoked(world: Any) -> None:
    session = (await world.request("POST", f"{API}/auth/signup", body())).json
    await trio.sleep(1)
    login = {
        "phone": "+493012345678",
        "password": "correct horse",
        "device": {"name": "laptop", "platform": "linux"},
    }
    other = (await world.request("POST", f"{API}/auth/login", login)).json
    headers = {"Authorization": f"Bearer {session['access_token']}"}
    listed = (await world.request("GET", f"{API}/devices", headers=headers)).json
    assert listed["next"] is None
    assert [(d["id"], d["name"], d["current"]) for d in listed["items"]] == [
        (other["device_id"], "laptop", False),
        (session["device_id"], "phone", True),
    ]
    path = f"{API}/devices/{other['device_id']}"
    assert (await world.request("DELETE", path, headers=headers)).status == 204
    assert (await world.request("DELETE", path, headers=headers)).status == 404
    stale = {"Authorization": f"Bearer {other['access_token']}"}
    assert (await world.request("GET", f"{API}/devices", headers=stale)).status == 401


async def test_nobody_revokes_another_users_device(world: Any) -> None:
    ada, eve = await world.account(), await world.account("Eve")
    listener = world.listen(ada)
    assert (await eve("DELETE", f"{API}/devices/{ada.device_id}")).status == 404
    assert listener.events == []
    assert (await ada("GET", f"{API}/users/me")).status == 200


async def test_an_expired_token_says_so(world: Any) -> None:
    ada = await world.account()
    await trio.sleep(906)
    refused = await ada("GET", f"{API}/users/me")
    assert (refused.status, refused.json["code"]) == (401, "token_expired")
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")


async def test_tokens_that_are_none(world: Any) -> None:
    for header in ("", "Bearer", "Bearer ", "Basic abc", "Bearer a.b.c", "Bearer ...", "Bearer \u00e9"):
        reply = await world.request("GET", f"{API}/users/me", headers={"Authorization": header})
        assert (reply.status, reply.json["code"]) == (401, "unauthenticated"), header
    assert (await world.request("GET", f"{API}/users/me")).status == 401


async def test_the_record_away_is_unavailable_with_a_time_to_come_back(world: Any) -> None:
    world.record.faults.down = True
    reply = await world.request("POST", f"{API}/auth/signup", body())
    assert (reply.status, reply.json["code"]) == (503, "unavailable")
    assert int(reply.headers["Retry-After"]) >= 1


async def test_signing_in_goes_on_without_redis(world: Any) -> None:
    await world.request("POST", f"{API}/auth/signup", body())
    world.broker.faults.down = True
    wrong = {"phone": "+493012345678", "password": "wrong horse"}
    for _ in range(2):
        assert (await world.request("POST", f"{API}/auth/login", wrong)).status == 401
    right = {"phone": "+493012345678", "password": "correct horse"}
    assert (await world.request("POST", f"{API}/auth/login", right)).status == 200
    for _ in range(3):
        assert (await world.request("POST", f"{API}/auth/login", wrong)).status == 401
    assert (await world.request("POST", f"{API}/auth/login", right)).status == 429


async def login(world: Any, name: str) -> dict[str, Any]:
    body = {
        "phone": "+493012345678",
        "password": "correct horse",
        "device": {"name": name, "platform": "x"},
    }
    reply = await world.request("POST", f"{API}/auth/login", body)
    assert reply.status == 200
    return dict(reply.json)


async def test_devices_come_in_pages(world: Any) -> None:
    await world.request("POST", f"{API}/auth/signup", body())
    for name in "bcdef":
        session = await login(world, name)
    headers = {"Authorization": f"Bearer {session['access_token']}"}
    seen: list[str] = []
    cursor = ""
    while True:
        reply = await world.request("GET", f"{API}/devices?limit=4{cursor}", headers=headers)
        seen += [device["id"] for device in reply.json["items"]]
        if reply.json["next"] is None:
            break
        cursor = f"&cursor={reply.json['next']}"
    assert seen == sorted(world.record.devices, reverse=True)
    assert len(seen) == 6


async def test_devices_that_were_not_used_for_long_are_signed_out_and_forgotten(open_world: Any) -> None:
    async with open_world(session_s=7_200) as world:
        old = (await world.request("POST", f"{API}/auth/signup", body())).json
        await trio.sleep(7_200)
        late = await world.request("POST", f"{API}/auth/refresh", {"refresh_token": old["refresh_token"]})
        assert (late.status, late.json["code"]) == (401, "unauthenticated")
        new = await login(world, "new")
        headers = {"Authorization": f"Bearer {new['access_token']}"}
        listed = (await world.request("GET", f"{API}/devices", headers=headers)).json["items"]
        assert [device["id"] for device in listed] == [new["device_id"]] == list(world.record.devices)


async def test_a_user_has_a_bounded_number_of_devices(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth_module, "MAX_DEVICES", 3)
    first = (await world.request("POST", f"{API}/auth/signup", body())).json
    ids = [first["device_id"]]
    for name in "bc":
        await trio.sleep(1)
        ids.append((await login(world, name))["device_id"])
    await trio.sleep(1)
    await world.request("POST", f"{API}/auth/refresh", {"refresh_token": first["refresh_token"]})
    ids.append((await login(world, "d"))["device_id"])
    assert set(world.record.devices) == {ids[0], ids[2], ids[3]}


async def test_of_two_that_spend_one_refresh_token_at_once_neither_keeps_the_device(world: Any) -> None:
    session = (await world.request("POST", f"{API}/auth/signup", body())).json
    codes: list[str] = []

    async def spend() -> None:
        reply = await world.request(
            "POST", f"{API}/auth/refresh", {"refresh_token": session["refresh_token"]}
        )
        codes.append(reply.json.get("code", "ok"))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(spend)
        nursery.start_soon(spend)
    assert sorted(codes) == ["ok", "refresh_reused"]
    assert world.record.devices == {}


async def test_a_revocation_whose_reply_is_lost_still_closes_the_sockets(world: Any) -> None:
    ada = await world.account()
    listener = world.listen(ada)

    async def hook(step: str) -> None:
        world.record.faults.down = step == "revoke:before"

    world.record.faults.hook = hook
    assert (await ada("DELETE", f"{API}/devices/{ada.device_id}")).status == 503
    assert listener.events == [Revoked(ada.device_id)]
    world.record.faults.hook, world.record.faults.down = None, False
    assert (await ada("GET", f"{API}/users/me")).status == 401


async def test_asking_who_has_an_account_counts_as_failing(world: Any) -> None:
    await world.request("POST", f"{API}/auth/signup", body())
    for _ in range(30):
        assert (await world.request("POST", f"{API}/auth/signup", body())).status == 409
    assert (await world.request("POST", f"{API}/auth/signup", body())).status == 429
    reply = await world.request(
        "POST", f"{API}/auth/signup", body(), headers={"X-Forwarded-For": "203.0.113.9"}
    )
    assert reply.status == 429, "the client of the test is no trusted proxy"


async def test_only_hashes_of_secrets_are_kept(world: Any) -> None:
    session = (await world.request("POST", f"{API}/auth/signup", body())).json
    kept = repr(world.record.users) + repr(world.record.devices)
    assert "correct horse" not in kept
    assert session["refresh_token"] not in kept
    assert session["refresh_token"].split(".")[1] not in kept


async def test_wrong_password_and_unknown_phone_take_the_same_steps(world: Any) -> None:
    """Not measured in time, but in everything that takes any: reads, counters, and hashing at the same cost."""
    await world.request("POST", f"{API}/auth/signup", body())
    hashed: list[str] = []
    steps: list[str] = []
    passwords = world.core.people.auth._passwords
    run = passwords._run

    async def counting(function: Any, password: str, phc: str) -> Any:
        hashed.append(phc.rsplit("$", 2)[0])
        return await run(function, password, phc)

    async def hook(step: str) -> None:
        steps.append(step)

    passwords._run = counting
    world.record.faults.hook = world.broker.faults.hook = hook

    async def try_with(phone: str) -> tuple[list[str], list[str]]:
        hashed.clear()
        steps.clear()
        reply = await world.request("POST", f"{API}/auth/login", {"phone": phone, "password": "wrong horse"})
        assert reply.status == 401
        return list(steps), list(hashed)

    known = await try_with("+493012345678")
    assert known == await try_with("+493099999999")
    assert len(known[1]) == 1


@pytest.mark.slow
async def test_new_keys_sign_nobody_out_and_old_ones_go(open_world: Any) -> None:
    """Devices that refresh, and one that only ever uses its token, over three changes of the key."""
    async with (
        open_world(key_rotation_s=3600) as one,
        open_world(node="n2", record=one.record, broker=one.broker, key_rotation_s=3600) as other,
    ):
        ada = await one.account()
        token, refresh_token = ada.token, ada.session["refresh_token"]
        kids: set[str] = set()
        for quarter in range(16):
            for node in (one, other):
                reply = await node.request(
                    "GET", f"{API}/users/me", headers={"Authorization": f"Bearer {token}"}
                )
                assert reply.status == 200, quarter
            await trio.sleep(890)
            for node in (other, one):
                reply = await node.request(
                    "GET", f"{API}/users/me", headers={"Authorization": f"Bearer {token}"}
                )
                assert reply.status == 200, quarter
            node = (one, other)[quarter % 2]
            reply = await node.request("POST", f"{API}/auth/refresh", {"refresh_token": refresh_token})
            assert reply.status == 200, quarter
            token, refresh_token = reply.json["access_token"], reply.json["refresh_token"]
            kids.add(jwt.get_unverified_header(token)["kid"])
        assert len(kids) >= 3
        published = (await other.request("GET", "/.well-known/jwks.json")).json["keys"]
        assert kids <= {key["kid"] for key in published}


async def test_a_hash_of_another_cost_is_renewed_when_its_owner_logs_in(scene: Any, world: Any) -> None:
    passwords, hashes = world.core.people.auth._passwords, world.record.users
    before = hashes[scene.ada.id].password_hash
    await scene.log_in()
    assert hashes[scene.ada.id].password_hash == before
    passwords._iterations = 2
    wrong = {**scene.credentials, "password": "wrong horse"}
    assert (await world.request("POST", f"{API}/auth/login", wrong)).status == 401
    assert hashes[scene.ada.id].password_hash == before
    await scene.log_in()
    after = hashes[scene.ada.id].password_hash
    assert (after != before, ",t=2," in after) == (True, True)
    await scene.log_in()
    assert hashes[scene.ada.id].password_hash == after


async def test_nobody_is_kept_out_because_a_hash_cannot_be_renewed(scene: Any, world: Any) -> None:
    world.core.people.auth._passwords._iterations = 2

    async def hook(step: str) -> None:
        if step.startswith("renew_hash"):
            raise StoreUnavailable("mongodb", "away")

    world.record.faults.hook = hook
    await scene.log_in()
    world.record.faults.hook = None
    await scene.log_in()
    assert ",t=2," in world.record.users[scene.ada.id].password_hash
