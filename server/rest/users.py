"""Profiles and contacts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from handlers.errors import Code, invalid
from handlers.people.profiles import PeopleView, ProfileBody
from handlers.quotas import Quota
from handlers.wire import OwnUser, UserView
from server.rest.operation import Call, NoQuery, Operation
from server.services import Services

TAG = "users"


MOST_IDS: Final = 100
"""People in one call."""


class PeopleQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to look up: somebody by phone number, or people by id. One of the two is to be given."""

    phone: (
        Annotated[str, Meta(max_length=40, description="E.164; the plus is `%2B` in an address.")] | None
    ) = None
    id: (
        Annotated[
            list[Annotated[str, Meta(min_length=1, max_length=64)]],
            Meta(min_length=1, max_length=MOST_IDS, description="May be given many times."),
        ]
        | None
    ) = None


def operations(services: Services) -> Sequence[Operation]:
    """The calls below `/users`."""
    profiles = services.profiles

    async def own(call: Call[None, NoQuery]) -> OwnUser:
        """One's own profile."""
        return await profiles.own(call.principal)

    async def update(call: Call[ProfileBody, NoQuery]) -> OwnUser:
        """Change one's own profile: what is given changes."""
        return await profiles.update(call.principal, call.body)

    async def look_up(call: Call[None, PeopleQuery]) -> UserView | PeopleView:
        """The user with a phone number, or the users with these ids, as far as they show themselves.

        By `phone` the answer is a user, by `id` a list of those that there are, in the order asked for, each once. One of the two is to be given.
        """
        phone, ids = call.query.phone, call.query.id
        if ids is not None:
            if phone is not None:
                raise invalid("id", "cannot be given with a phone number")
            return await profiles.others(call.principal, ids)
        if phone is None:
            raise invalid("phone", "is required where no `id` is given")
        # A plus that was not escaped arrives as a space.
        return await profiles.look_up(call.principal, "+" + phone[1:] if phone[:1] == " " else phone)

    async def other(call: Call[None, NoQuery]) -> UserView:
        """Somebody's profile, as far as they show it."""
        return await profiles.other(call.principal, call.id("user_id"))

    return (
        Operation(method="GET", path="/users/me", serve=own, tag=TAG, answers={200: OwnUser}),
        Operation(
            method="PATCH",
            path="/users/me",
            serve=update,
            tag=TAG,
            body=ProfileBody,
            answers={200: OwnUser},
        ),
        Operation(
            method="GET",
            path="/users",
            serve=look_up,
            tag=TAG,
            query=PeopleQuery,
            quotas=(Quota.LOOKUPS, Quota.LOOKUPS_FROM),
            answers={200: (UserView, PeopleView)},
            refuses=(Code.NOT_FOUND,),
        ),
        Operation(
            method="GET",
            path="/users/{user_id}",
            serve=other,
            tag=TAG,
            answers={200: UserView},
            refuses=(Code.NOT_FOUND,),
        ),
    )
