"""Invitations to chats."""

import msgspec


class Invite(msgspec.Struct, frozen=True, kw_only=True):
    """A link by which people come into a chat by themselves, as members.

    Of the link's secret only the hash is kept. `uses` counts who has come in by it, `max_uses` is their limit, `None` for none; `expires_at` is `None` for a link
    that does not run out.
    """

    id: str
    chat_id: str
    created_by: str
    secret_hash: bytes
    created_at: int
    expires_at: int | None = None
    max_uses: int | None = None
    uses: int = 0
