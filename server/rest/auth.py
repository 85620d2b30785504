"""Signing up, in and out."""

from __future__ import annotations

from collections.abc import Sequence

from handlers.auth.auth import LoginBody, RefreshBody, SessionView, SignupBody
from handlers.errors import Code
from handlers.quotas import Quota
from server.rest.operation import Call, NoQuery, Operation
from server.services import Services

TAG = "auth"


def operations(services: Services) -> Sequence[Operation]:
    """The calls below `/auth`."""
    auth = services.auth

    async def signup(call: Call[SignupBody, NoQuery]) -> SessionView:
        """Make an account and sign this device in.

        The refresh token is good for one use; keep the newest.
        """
        return await auth.signup(call.body, call.address)

    async def login(call: Call[LoginBody, NoQuery]) -> SessionView:
        """Sign this device in.

        A wrong password and an unknown phone number are answered alike.
        """
        return await auth.login(call.body, call.address)

    async def refresh(call: Call[RefreshBody, NoQuery]) -> SessionView:
        """Exchange the refresh token for a new one and a new access token.

        The old one is spent: using it again signs the device out (`refresh_reused`). Only the same `exchange`, when its answer is lost, may be asked
        for again.
        """
        return await auth.refresh(call.body, call.address)

    async def logout(call: Call[None, NoQuery]) -> None:
        """Sign this device out, and close its sockets."""
        await auth.logout(call.principal, call.address)

    return (
        Operation(
            method="POST",
            path="/auth/signup",
            serve=signup,
            tag=TAG,
            body=SignupBody,
            answers={201: SessionView},
            public=True,
            quotas=(Quota.SIGNUPS_FROM,),
            refuses=(Code.PHONE_TAKEN, Code.RATE_LIMITED, Code.OVERLOADED),
        ),
        Operation(
            method="POST",
            path="/auth/login",
            serve=login,
            tag=TAG,
            body=LoginBody,
            answers={200: SessionView},
            public=True,
            quotas=(Quota.LOGINS_FROM,),
            refuses=(Code.BAD_CREDENTIALS, Code.RATE_LIMITED, Code.OVERLOADED),
        ),
        Operation(
            method="POST",
            path="/auth/refresh",
            serve=refresh,
            tag=TAG,
            body=RefreshBody,
            answers={200: SessionView},
            public=True,
            quotas=(Quota.LOGINS_FROM,),
            refuses=(Code.UNAUTHENTICATED, Code.REFRESH_REUSED),
        ),
        Operation(method="POST", path="/auth/logout", serve=logout, tag=TAG, answers={204: None}),
    )
