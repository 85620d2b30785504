"""People and their devices."""

from enum import StrEnum

import msgspec


class Visibility(StrEnum):
    """Who may see a private detail of a profile."""

    EVERYONE = "everyone"
    CONTACTS = "contacts"
    NOBODY = "nobody"


class Privacy(msgspec.Struct, frozen=True, kw_only=True):
    """What a user shows of themselves. `read_receipts` off hides one's own and, in return, the others'."""

    last_seen: Visibility = Visibility.EVERYONE
    read_receipts: bool = True


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A person. `phone` is E.164 and unique.

    Of a deleted account (`deleted_at`) this is what is left: an id that messages refer to, without anything of the person; its `phone` is no number.
    """

    id: str
    name: str
    phone: str
    password_hash: str
    status: str = ""
    avatar_media_id: str | None = None
    privacy: Privacy = Privacy()
    operator: bool = False
    last_seen: int | None = None
    created_at: int
    updated_at: int
    deleted_at: int | None = None

    @property
    def deleted(self) -> bool:
        """The account has been deleted."""
        return self.deleted_at is not None


def erased(user: User, at: int) -> User:
    """What is left of an account that is deleted."""
    return User(
        id=user.id,
        name="Deleted account",
        phone=f"deleted:{user.id}",
        password_hash="",
        privacy=Privacy(last_seen=Visibility.NOBODY, read_receipts=user.privacy.read_receipts),
        created_at=user.created_at,
        updated_at=at,
        deleted_at=at,
    )


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A signed-in device: one family of refresh tokens, of which only the newest hash is good.

    `previous_hash` is the token spent last: seeing it again means that somebody holds a copy.
    """

    id: str
    user_id: str
    name: str
    platform: str
    refresh_hash: bytes
    previous_hash: bytes | None = None
    refresh_expires_at: int
    created_at: int
    last_used_at: int
