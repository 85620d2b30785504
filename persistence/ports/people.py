"""People, their devices, and the keys that sign their tokens."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from persistence.models import Device, Privacy, User


class Users(Protocol):
    """People."""

    async def create(self, user: User) -> None:
        """Raises `AlreadyExists("phone")`."""

    async def by_phone(self, phone: str) -> User | None:
        """The user with this E.164 number."""

    async def get_many(self, user_ids: Sequence[str]) -> dict[str, User]:
        """The users among these that exist, deleted accounts included."""

    async def update(
        self,
        user_id: str,
        *,
        at: int,
        name: str | None = None,
        status: str | None = None,
        avatar_media_id: str | None = None,
        clear_avatar: bool = False,
        privacy: Privacy | None = None,
    ) -> User:
        """Change what is given. Raises `NotFound`, also for a deleted account."""

    async def erase(self, user_id: str, *, at: int) -> None:
        """Delete the account: nothing of the person stays, and the number is free. Again, or for a user who is not there, changes nothing."""

    async def seen(self, last_seen: Mapping[str, int]) -> None:
        """Raise `last_seen` of each user id, never lower it; not of deleted accounts."""

    async def renew_hash(self, user_id: str, *, old: str, new: str) -> None:
        """Put a new hash of the same password in the place of the old one, if that is still there."""

    async def set_operator(self, user_id: str, *, operator: bool) -> None:
        """Raises `NotFound`."""


class Devices(Protocol):
    """Signed-in devices and their refresh tokens (hashes only)."""

    async def create(self, device: Device) -> None:
        """Store a new device."""

    async def get(self, device_id: str) -> Device | None:
        """One device; `None` once revoked."""

    async def of_user(self, user_id: str) -> list[Device]:
        """The user's devices, newest first."""

    async def rotate(self, device_id: str, *, spent: bytes, fresh: bytes, expires_at: int, at: int) -> bool:
        """Replace the refresh hash if it still is `spent`: of two that try, one gets `True`, also when it repeats. `spent` becomes `previous_hash`."""

    async def revoke(self, device_id: str, user_id: str) -> bool:
        """Forget the user's device; `False` if there was none."""


class SigningKeys(Protocol):
    """The key ring for access tokens, shared by all nodes."""

    async def load(self) -> list[dict[str, Any]]:
        """All keys as stored documents `{kid, alg, private_pem, encrypted, created_at}`, newest first."""

    async def add(self, key: Mapping[str, Any]) -> bool:
        """Add a key; `False` if this `kid` is there."""
