"""Who is asking."""

import msgspec


class Principal(msgspec.Struct, frozen=True):
    """A verified caller: everything that an access token says.

    `expires_at` is in milliseconds since the epoch.
    """

    user_id: str
    device_id: str
    expires_at: int
    operator: bool = False
