"""The people to try things with come into being once, whatever cuts that off."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from server.demo.make import make_world
from server.demo.world import AMARA, CHATS, PEOPLE
from server.replay.rest import ApiError, NodeAway


class Calls:
    """The API without a network. `left` is how many more calls are answered; of what comes after, the first takes effect, and its answer is lost."""

    def __init__(self, world: Any, left: int = 10**9) -> None:
        self._world = world
        self._left = left
        self.made = 0

    async def call(self, method: str, path: str, answer: Any, *, body: Any = None, token: str = "") -> Any:
        self.made += 1
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        reply = await self._world.request(
            method, f"/api/v1{path}", msgspec.UNSET if body is None else body, headers=headers
        )
        if self.made > self._left:
            raise NodeAway("cut off")
        if reply.status >= 400:
            raise ApiError(path, reply.status, reply.json["code"], str(reply.json))
        return msgspec.json.decode(reply.raw or b"null", type=answer)


async def made(world: Any) -> dict[str, Any]:
    """What Amara finds."""
    credentials = {"phone": AMARA.phone, "password": AMARA.password, "device": {"name": "a", "platform": "b"}}
    session = (await world.request("POST", "/api/v1/auth/login", credentials)).json
    headers = {"Authorization": f"Bearer {session['access_token']}"}

    async def items(path: str) -> list[dict[str, Any]]:
        return list((await world.request("GET", f"/api/v1{path}", headers=headers)).json["items"])

    chats = await items("/chats")
    return {
        "chats": [(each["title"], each["type"], each["my_role"], each["unread"]) for each in chats],
        "texts": [
            [
                message["content"].get("text")
                for message in await items(f"/chats/{each['id']}/messages?after_seq=0")
            ]
            for each in chats
        ],
        "stories": [(group["name"], len(group["stories"])) for group in await items("/stories")],
        "devices": len(await items("/devices")),
        "status": session["user"]["status"],
    }


async def test_everybody_has_an_account_and_something_to_read(open_world: Any) -> None:
    async with open_world(max_members_group=50) as world:
        await make_world(Calls(world))  # type: ignore[arg-type]
        found = await made(world)
        assert len(found["chats"]) == len(CHATS)
        assert found["chats"][0][1:] == ("direct", "member", 1)
        assert sum(unread for *_, unread in found["chats"]) == 1
        assert ("Saturday hike", "group", "owner", 0) in found["chats"]
        assert ("Neighbourhood news", "channel", "admin", 0) in found["chats"]
        assert sorted(name for name, _ in found["stories"]) == ["Ben Fischer", "Chen Wei"]
        assert (found["devices"], found["status"]) == (1, AMARA.status)


@pytest.mark.parametrize("every", [31, pytest.param(7, marks=pytest.mark.slow)])
async def test_cut_off_anywhere_and_run_again_it_is_the_same(open_world: Any, every: int) -> None:
    async with open_world(max_members_group=50) as world:
        whole = Calls(world)
        await make_world(whole)  # type: ignore[arg-type]
        expected = await made(world)
    for left in range(0, whole.made, every):
        async with open_world(max_members_group=50) as world:
            with pytest.raises(NodeAway):
                await make_world(Calls(world, left))  # type: ignore[arg-type]
            await make_world(Calls(world))  # type: ignore[arg-type]
            found = await made(world)
            assert found["texts"] == expected["texts"], left
            assert (found["chats"], found["stories"]) == (expected["chats"], expected["stories"]), left


def test_no_two_have_one_number_and_none_is_anybodys() -> None:
    assert len({each.phone for each in PEOPLE}) == len(PEOPLE)
    for each in PEOPLE:
        assert each.phone.startswith("+1202555010"), "the numbers that are kept for stories"
