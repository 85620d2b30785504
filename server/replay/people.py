"""Signing the cast up: a user with one device for every nick, and a group for every conversation."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import trio

from server.replay.cast import Cast, Conversation
from server.replay.rest import Api, ApiError

AT_ONCE: Final = 4
"""Sign-ups under way on each node: it hashes two passwords at a time."""
RENEW_S: Final = 60.0
"""A token that is good for no longer than this is renewed before it is used."""
_TRIES: Final = 5
_PHONE_PREFIX: Final = "+8835100"
"""Of iNum, a network of no country: numbers that are valid and nobody's on the phone networks."""


class _User(msgspec.Struct, frozen=True):
    id: str


class _Session(msgspec.Struct, frozen=True):
    user: _User
    access_token: str
    access_expires_at: datetime
    refresh_token: str


class _Chat(msgspec.Struct, frozen=True):
    id: str


class Account:
    """A user and the tokens of their device. `home` is the index of the node that is asked first."""

    def __init__(self, api: Api, session: _Session, home: int, credentials: dict[str, Any]) -> None:
        self.user_id = session.user.id
        self.home = home
        self._api = api
        self._session = session
        self._credentials = credentials
        self._renewing = trio.Lock()

    async def token(self, *, refused: str = "") -> str:
        """An access token that is good for a while, and is not the one that was `refused`. Raises `ApiError`, `NodeAway`."""
        async with self._renewing:
            left = (self._session.access_expires_at - datetime.now(UTC)).total_seconds()
            if left < RENEW_S or self._session.access_token == refused:
                self._session = await self._renewed()
            return self._session.access_token

    async def _renewed(self) -> _Session:
        body = {"refresh_token": self._session.refresh_token}
        try:
            return await self._api.call("POST", "/auth/refresh", _Session, body=body, first=self.home)
        except ApiError as error:
            if error.status != 401:
                raise
        # The answer to an earlier try was lost with its node, and the token in it: sign in anew.
        return await self._api.call("POST", "/auth/login", _Session, body=self._credentials, first=self.home)


async def sign_up(api: Api, cast: Cast, on_progress: Callable[[int], None]) -> list[Account]:
    """An account for everybody, in the order of `cast.names`; `on_progress` is told how many there are. Raises `ApiError`, `NodeAway`."""
    accounts: dict[int, Account] = {}
    waiting = iter(range(len(cast.names)))
    nodes = len(api.nodes)

    async def work(first: int) -> None:
        for index in waiting:
            home = index % nodes
            accounts[index] = await _sign_up(api, cast.names[index], first, home)
            on_progress(len(accounts))

    async with trio.open_nursery() as nursery:
        for worker in range(AT_ONCE * nodes):
            nursery.start_soon(work, worker % nodes)
    return [accounts[index] for index in range(len(cast.names))]


async def _sign_up(api: Api, name: str, first: int, home: int) -> Account:
    for tries_left in reversed(range(_TRIES)):
        credentials = {
            "phone": f"{_PHONE_PREFIX}{secrets.randbelow(10**8):08d}",
            "password": secrets.token_urlsafe(12),
            "device": {"name": "replay", "platform": "replay"},
        }
        body = {"name": name, **credentials}
        try:
            session = await api.call("POST", "/auth/signup", _Session, body=body, first=first)
            return Account(api, session, home, credentials)
        except ApiError as error:
            # Somebody's from an earlier run, or this one's, whose answer was lost with its node.
            if error.code != "phone_taken" or not tries_left:
                raise
    raise AssertionError("the last try returns or raises")


async def make_group(api: Api, conversation: Conversation, accounts: list[Account]) -> str:
    """The id of a new group of all members, made by the first. Raises `ApiError`, `NodeAway`."""
    maker, *others = (accounts[index] for index in conversation.members)
    body = {
        "type": "group",
        "title": conversation.title,
        "member_ids": [account.user_id for account in others],
    }
    chat = await api.call("POST", "/chats", _Chat, body=body, token=await maker.token(), first=maker.home)
    return chat.id
