"""Profiles and contacts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from handlers.errors import Code
from handlers.people.profiles import ProfileBody
from handlers.quotas import Quota
from handlers.wire import OwnUser, UserView
from server.rest.operation import Call, NoQuery, Operation
from server.services import Services

TAG = "users"


class PhoneQuery(msgspec.Struct, frozen=True):
    """Whom to look up."""

    phone: Annotated[str, Meta(max_length=40, description="E.164; the plus is `%2B` in an address.")]


def operations(services: Services) -> Sequence[Operation]:
    """The calls below `/users`."""
    profiles = services.profiles

    async def own(call: Call[None, NoQuery]) -> OwnUser:
        """One's own profile."""
        return await profiles.own(call.principal)

    async def update(call: Call[ProfileBody, NoQuery]) -> OwnUser:
        """Change one's own profile: what is given changes."""
        return await profiles.update(call.principal, call.body)

    async def look_up(call: Call[None, PhoneQuery]) -> UserView:
        """The user with a phone number."""
        phone = call.query.phone
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
            query=PhoneQuery,
            quotas=(Quota.LOOKUPS, Quota.LOOKUPS_FROM),
            answers={200: UserView},
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
