"""Making the people and what they have said, through the API like anybody else.

Each step finds what an earlier try has left: whoever has an account signs in, a direct chat is the one of its pair, a group the one of its title, and a message the one of its
`client_id`. So it may be cut off anywhere, and run again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgspec

from server.demo.world import CHATS, PEOPLE, STORIES, Chat, Person
from server.replay.rest import Api, ApiError

T = TypeVar("T")

_NOTHING: Final = type(None)
_DEVICE: Final = {"name": "Demo", "platform": "demo"}


class _User(msgspec.Struct, frozen=True):
    id: str


class _Session(msgspec.Struct, frozen=True):
    user: _User
    access_token: str


class _Chat(msgspec.Struct, frozen=True):
    id: str
    title: str | None = None


class _Chats(msgspec.Struct, frozen=True):
    items: list[_Chat]


class _Message(msgspec.Struct, frozen=True):
    seq: int


Sessions = Mapping[Person, _Session]


async def make_world(api: Api) -> None:
    """Make everything that is not there yet. Raises `ApiError`, `NodeAway`."""
    sessions = {person: await _enter(api, person) for person in PEOPLE}
    for number, chat in enumerate(CHATS):
        await _talk(api, sessions, chat, await _open(api, sessions, chat), f"demo-{number}")
    for person, text in STORIES:
        story = {"type": "text", "content": {"text": text}, "client_id": "demo"}
        await _as(api, sessions[person], "POST", "/stories", msgspec.Raw, story)
    for session in sessions.values():
        await _as(api, session, "POST", "/auth/logout", _NOTHING)


async def _enter(api: Api, person: Person) -> _Session:
    credentials = {"phone": person.phone, "password": person.password, "device": _DEVICE}
    try:
        session = await api.call("POST", "/auth/signup", _Session, body={"name": person.name, **credentials})
    except ApiError as error:
        if error.code != "phone_taken":
            raise
        session = await api.call("POST", "/auth/login", _Session, body=credentials)
    await _as(api, session, "PATCH", "/users/me", msgspec.Raw, {"status": person.status})
    return session


async def _open(api: Api, sessions: Sessions, chat: Chat) -> str:
    """The chat's id; it is made if need be."""
    first, *others = (sessions[person] for person in chat.members)
    if chat.kind == "direct":
        body: dict[str, Any] = {"type": "direct", "user_id": others[0].user.id}
        return (await _as(api, first, "POST", "/chats", _Chat, body)).id
    there = await _as(api, first, "GET", "/chats?limit=100", _Chats)
    found = next((each.id for each in there.items if each.title == chat.title), None)
    if found is None:
        body = {"type": chat.kind, "title": chat.title, "member_ids": [each.user.id for each in others]}
        found = (await _as(api, first, "POST", "/chats", _Chat, body)).id
    for person in chat.admins:
        path = f"/chats/{found}/members/{sessions[person].user.id}"
        await _as(api, first, "PUT", path, msgspec.Raw, {"role": "admin"})
    return found


async def _talk(api: Api, sessions: Sessions, chat: Chat, chat_id: str, prefix: str) -> None:
    seqs: list[int] = []
    for number, line in enumerate(chat.lines):
        body: dict[str, Any] = {
            "client_id": f"{prefix}-{number}",
            "type": "text",
            "content": {"text": line.text},
        }
        if line.answers:
            body["reply_to"] = seqs[number - line.answers]
        sent = await _as(api, sessions[line.by], "POST", f"/chats/{chat_id}/messages", _Message, body)
        seqs.append(sent.seq)
    read = seqs[len(seqs) - chat.unread - 1]
    for person in chat.members:
        await _as(api, sessions[person], "PUT", f"/chats/{chat_id}/read", _NOTHING, {"seq": read})


async def _as(api: Api, session: _Session, method: str, path: str, answer: type[T], body: Any = None) -> T:
    return await api.call(method, path, answer, body=body, token=session.access_token)
