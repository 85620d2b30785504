"""The caller's signed-in devices."""

from __future__ import annotations

from collections.abc import Sequence

from handlers.errors import Code, not_found
from handlers.pages import Page, PageQuery
from handlers.people.profiles import DeviceView
from server.rest.operation import Call, NoQuery, Operation
from server.services import Services

TAG = "devices"


def operations(services: Services) -> Sequence[Operation]:
    """The calls below `/devices`."""

    async def devices(call: Call[None, PageQuery]) -> Page[DeviceView]:
        """The signed-in devices, the newest first."""
        return await services.profiles.devices(call.principal, call.query)

    async def revoke(call: Call[None, NoQuery]) -> None:
        """Sign a device out: its sockets close within a second, its refresh token is void.

        An access token that it has may go on being taken, by nodes that it has no socket on, until it expires.
        """
        if not await services.auth.sign_out(
            call.principal.user_id, call.id("device_id"), by=call.principal, address=call.address
        ):
            raise not_found("device")

    return (
        Operation(
            method="GET",
            path="/devices",
            serve=devices,
            tag=TAG,
            query=PageQuery,
            answers={200: Page[DeviceView]},
        ),
        Operation(
            method="DELETE",
            path="/devices/{device_id}",
            serve=revoke,
            tag=TAG,
            answers={204: None},
            refuses=(Code.NOT_FOUND,),
        ),
    )
