"""Users, devices and chats, written straight into the database, with tokens signed by the cluster's own key.

Signing thousands of people up over REST would measure Argon2, which is slow on purpose. What a node finds is the same.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import trio

from config.settings import Settings
from handlers.auth.tokens import Tokens
from persistence.chats import MongoChats
from persistence.devices import MongoDevices
from persistence.ids import Ids, wall_clock
from persistence.indexes import init_db
from persistence.keys import MongoSigningKeys
from persistence.models import Chat, ChatType, Device, Member, Role, User
from persistence.mongo import Mongo
from persistence.pairs import pair_of
from persistence.users import MongoUsers

T = TypeVar("T")

AT_ONCE: Final = 16
TOKEN_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class Person:
    """A user with a device."""

    user_id: str
    token: str


@dataclass(frozen=True, slots=True)
class People:
    """Everybody, and the ids of their chats."""

    people: Sequence[Person]
    chats: Sequence[str]


async def populate(
    settings: Settings, count: int, *, senders: int = 0, pairs: int = 0, watchers: int = 0
) -> People:
    """Make users.

    Args:
        settings: that name the database.
        count: how many users.
        senders: if given, all are in one channel, and the first so many may post in it.
        pairs: so many direct chats: of users 0 and 1, 2 and 3, and so on.
        watchers: if given, each of the first so many has direct chats with a share of all others, who have one with their neighbour, too.

    """
    mongo = Mongo(settings.mongodb.uri.get_secret_value(), settings.mongodb.database, timeout_ms=20_000)
    new_id, now = Ids(), wall_clock()
    async with mongo.running():
        await init_db(mongo)
        tokens = Tokens(MongoSigningKeys(mongo), wall_clock, ttl_s=TOKEN_S, rotation_s=30 * TOKEN_S)
        await tokens.load()
        users, devices, chats = MongoUsers(mongo), MongoDevices(mongo), MongoChats(mongo)

        async def person(number: int) -> Person:
            user = User(
                id=new_id(),
                name=f"user {number}",
                phone=f"+8835100{number:08d}",
                password_hash="",
                created_at=now,
                updated_at=now,
            )
            device = Device(
                id=new_id(),
                user_id=user.id,
                name="bench",
                platform="bench",
                refresh_hash=b"",
                refresh_expires_at=now + TOKEN_S * 1000,
                created_at=now,
                last_used_at=now,
            )
            await users.create(user)
            await devices.create(device)
            return Person(user.id, tokens.issue(user, device.id)[0])

        async def chat(kind: ChatType, roles: dict[str, Role]) -> str:
            ids = list(roles)
            made = Chat(
                id=new_id(),
                type=kind,
                title="" if kind is ChatType.DIRECT else "bench",
                created_by=ids[0],
                pair=pair_of(*ids) if kind is ChatType.DIRECT else None,
                created_at=now,
            )
            members = [
                Member(chat_id=made.id, user_id=user_id, role=role, joined_at=now, updated_at=now)
                for user_id, role in roles.items()
            ]
            await chats.create(made, members)
            return made.id

        people = await _all(person, range(count))
        ids = [each.user_id for each in people]
        if senders:
            roles = dict.fromkeys(ids[:senders], Role.ADMIN) | dict.fromkeys(ids[senders:], Role.MEMBER)
            roles[ids[0]] = Role.OWNER
            return People(people, [await chat(ChatType.CHANNEL, roles)])

        if watchers:
            twos = [(ids[n % watchers], ids[n]) for n in range(watchers, count)]
            twos += list(zip(ids[watchers::2], ids[watchers + 1 :: 2], strict=False))

            async def between(number: int) -> str:
                return await chat(ChatType.DIRECT, dict.fromkeys(twos[number], Role.MEMBER))

            return People(people, await _all(between, range(len(twos))))

        async def direct(number: int) -> str:
            return await chat(ChatType.DIRECT, dict.fromkeys(ids[2 * number : 2 * number + 2], Role.MEMBER))

        return People(people, await _all(direct, range(pairs)))


async def _all(make: Callable[[int], Awaitable[T]], numbers: Iterable[int]) -> list[T]:
    made: dict[int, T] = {}
    waiting = iter(numbers)

    async def work() -> None:
        for number in waiting:
            made[number] = await make(number)

    async with trio.open_nursery() as nursery:
        for _ in range(AT_ONCE):
            nursery.start_soon(work)
    return [made[number] for number in sorted(made)]
