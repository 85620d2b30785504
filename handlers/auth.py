"""Signing up, in and out; refresh tokens.

A refresh token is `<device id>.<random>`; only its SHA-256 is stored. Each is good for one use. A token seen a second time means that somebody has a copy:
the device is signed out.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from collections.abc import Callable
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from handlers.errors import ChatError, Code, invalid
from handlers.fanout import Fanout
from handlers.passwords import Passwords
from handlers.phones import e164
from handlers.principal import Principal
from handlers.text_fields import one_line
from handlers.tokens import Tokens
from handlers.wire import OwnUser, own_user, rfc3339
from persistence.errors import AlreadyExists, StoreUnavailable
from persistence.models import Device, User
from persistence.ports import Attempts, Devices, Users

MAX_NAME: Final = 64
MIN_PASSWORD: Final = 8
MAX_PASSWORD: Final = 256

log: Final = logging.getLogger(__name__)


class DeviceBody(msgspec.Struct, frozen=True):
    """The device that signs in."""

    name: Annotated[str, Meta(max_length=200)] = "device"
    platform: Annotated[str, Meta(max_length=50)] = "unknown"


class SignupBody(msgspec.Struct, frozen=True):
    """`POST /auth/signup`."""

    name: str
    phone: Annotated[str, Meta(max_length=40)]
    password: Annotated[str, Meta(max_length=MAX_PASSWORD)]
    device: DeviceBody = DeviceBody()


class LoginBody(msgspec.Struct, frozen=True):
    """`POST /auth/login`."""

    phone: Annotated[str, Meta(max_length=40)]
    password: Annotated[str, Meta(max_length=MAX_PASSWORD)]
    device: DeviceBody = DeviceBody()


class RefreshBody(msgspec.Struct, frozen=True):
    """`POST /auth/refresh`."""

    refresh_token: Annotated[str, Meta(max_length=200)]


class SessionView(msgspec.Struct, frozen=True):
    """What a device gets when it signs in."""

    user: OwnUser
    device_id: str
    access_token: str
    access_expires_at: str
    refresh_token: str


class Auth:
    """Accounts and the devices that are signed in to them."""

    def __init__(
        self,
        *,
        users: Users,
        devices: Devices,
        attempts: Attempts,
        passwords: Passwords,
        tokens: Tokens,
        fanout: Fanout,
        clock: Callable[[], int],
        new_id: Callable[[], str],
        refresh_ttl_s: int,
        tries: int,
        window_s: int,
    ) -> None:
        self._users = users
        self._devices = devices
        self._attempts = attempts
        self._passwords = passwords
        self._tokens = tokens
        self._fanout = fanout
        self._clock = clock
        self._new_id = new_id
        self._refresh_ttl_ms = refresh_ttl_s * 1000
        self._tries = tries
        self._window_s = window_s

    async def signup(self, body: SignupBody) -> SessionView:
        """Make an account. Raises `ChatError` (`INVALID`, `PHONE_TAKEN`)."""
        name = one_line(body.name, "name", most=MAX_NAME)
        phone = e164(body.phone)
        if len(body.password) < MIN_PASSWORD:
            raise invalid("password", f"must be at least {MIN_PASSWORD} characters long")
        now = self._clock()
        user = User(
            id=self._new_id(),
            name=name,
            phone=phone,
            password_hash=await self._passwords.hash(body.password),
            created_at=now,
            updated_at=now,
        )
        try:
            await self._users.create(user)
        except AlreadyExists:
            raise ChatError(Code.PHONE_TAKEN, "this phone number has an account") from None
        return await self._sign_in(user, body.device)

    async def login(self, body: LoginBody, address: str) -> SessionView:
        """Sign a device in. A wrong password and an unknown phone are answered alike. Raises `ChatError` (`BAD_CREDENTIALS`, `RATE_LIMITED`)."""
        phone = e164(body.phone)
        await self._count_try(f"phone:{phone}", self._tries)
        await self._count_try(f"address:{address}", self._tries * 10)
        user = await self._users.by_phone(phone)
        if (
            not await self._passwords.verify(body.password, None if user is None else user.password_hash)
            or user is None
        ):
            raise ChatError(Code.BAD_CREDENTIALS, "phone number or password is wrong")
        await self._forgive(f"phone:{phone}", f"address:{address}")
        return await self._sign_in(user, body.device)

    async def _count_try(self, key: str, most: int) -> None:
        try:
            count, left_s = await self._attempts.count(key, window_s=self._window_s)
        except StoreUnavailable:
            return  # Argon2 and its bounded threads still set a pace; signing in goes on without Redis
        if count > most:
            raise ChatError(
                Code.RATE_LIMITED, "too many tries; wait before the next", retry_after_ms=left_s * 1000
            )

    async def _forgive(self, *keys: str) -> None:
        try:
            for key in keys:
                await self._attempts.clear(key)
        except StoreUnavailable:
            log.info("tries not forgotten while Redis is away")

    async def _sign_in(self, user: User, body: DeviceBody) -> SessionView:
        now = self._clock()
        device_id = self._new_id()
        token = _new_token(device_id)
        await self._devices.create(
            Device(
                id=device_id,
                user_id=user.id,
                name=one_line(body.name, "device.name", most=100),
                platform=one_line(body.platform, "device.platform", most=50),
                refresh_hash=_hash(token),
                refresh_expires_at=now + self._refresh_ttl_ms,
                created_at=now,
                last_used_at=now,
            )
        )
        return self._view(user, device_id, token)

    async def refresh(self, body: RefreshBody) -> SessionView:
        """Exchange a refresh token. Raises `ChatError` (`UNAUTHENTICATED`, `REFRESH_REUSED`)."""
        device_id = body.refresh_token.partition(".")[0]
        device = await self._devices.get(device_id)
        spent = _hash(body.refresh_token)
        refused = ChatError(Code.UNAUTHENTICATED, "the refresh token is not valid")
        if device is None:
            raise refused
        now = self._clock()
        current = hmac.compare_digest(spent, device.refresh_hash)
        token = _new_token(device_id)
        if current and device.refresh_expires_at > now:
            rotated = await self._devices.rotate(
                device_id, spent=spent, fresh=_hash(token), expires_at=now + self._refresh_ttl_ms, at=now
            )
            if rotated:
                user = (await self._users.get_many([device.user_id])).get(device.user_id)
                if user is None:
                    raise refused
                return self._view(user, device_id, token)
        elif current or device.previous_hash is None or not hmac.compare_digest(spent, device.previous_hash):
            raise refused
        await self.sign_out(device.user_id, device_id)
        log.warning(
            "a refresh token was used twice", extra={"device_id": device_id, "user_id": device.user_id}
        )
        raise ChatError(
            Code.REFRESH_REUSED, "this refresh token was used before; the device has been signed out"
        )

    async def sign_out(self, user_id: str, device_id: str) -> bool:
        """Forget a device and close its connections; `False` if the user has no such device."""
        revoked = await self._devices.revoke(device_id, user_id)
        if revoked:
            self._tokens.revoke(device_id)
            self._fanout.revoke_device(user_id, device_id)
        return revoked

    async def logout(self, principal: Principal) -> None:
        """Sign the caller's own device out."""
        await self.sign_out(principal.user_id, principal.device_id)

    async def still_signed_in(self, principal: Principal) -> bool:
        """Whether the device of a connection whose token has run out may stay. Raises `StoreUnavailable`."""
        device = await self._devices.get(principal.device_id)
        return device is not None and device.user_id == principal.user_id

    def _view(self, user: User, device_id: str, refresh_token: str) -> SessionView:
        access, expires_at = self._tokens.issue(user, device_id)
        return SessionView(own_user(user), device_id, access, rfc3339(expires_at), refresh_token)


def _new_token(device_id: str) -> str:
    return f"{device_id}.{secrets.token_urlsafe(32)}"


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
