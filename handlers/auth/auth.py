"""Signing up, in and out; refresh tokens.

A refresh token is `<device id>.<256 random bits>`; only its SHA-256 is stored. Each is good for one use. The one before the current seen again means
that somebody has a copy: the device is signed out. (Older ones are refused and nothing more: they cannot be told from invented ones, and device ids are
no secret.)

A device whose answer is lost does not know whether its token is spent. So it may name the exchange: asking again under that name, which nobody else
knows, is the same use, and is given the same refresh token again, for as long as that one has not been used.
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

from handlers.audit.audit import Audit
from handlers.auth.passwords import Passwords
from handlers.auth.phones import e164, masked
from handlers.auth.tokens import Tokens
from handlers.auth.tries import Tries
from handlers.base64url import to_base64url
from handlers.errors import ChatError, Code
from handlers.nodes.fanout import Fanout
from handlers.principal import Principal
from handlers.text_fields import one_line
from handlers.wire import OwnUser, own_user, rfc3339
from persistence.errors import AlreadyExists, StoreUnavailable
from persistence.models import AuditAction, Device, User
from persistence.ports import Attempts, Devices, PushSubscriptions, Users

MAX_NAME: Final = 64
MIN_PASSWORD: Final = 8
MAX_PASSWORD: Final = 256
MAX_DEVICES: Final = 100
"""Devices of one user; with one more, the one that was used longest ago is signed out."""

log: Final = logging.getLogger(__name__)


_Password = Annotated[str, Meta(min_length=1, max_length=MAX_PASSWORD)]
_Phone = Annotated[str, Meta(max_length=40, description="E.164, for example +4930123456.")]
_Exchange = Annotated[
    str,
    Meta(
        min_length=22,
        max_length=100,
        description="A name for this exchange: at least 128 random bits that nobody else knows. When the answer is lost, the same call with "
        "the same name is answered with the same refresh token, as long as that one has not been used.",
    ),
]


class DeviceBody(msgspec.Struct, frozen=True):
    """The device that signs in, in words that its owner recognises in the list of devices."""

    name: Annotated[str, Meta(max_length=400)] = "device"
    platform: Annotated[str, Meta(max_length=200)] = "unknown"


class SignupBody(msgspec.Struct, frozen=True):
    """`POST /auth/signup`."""

    name: Annotated[str, Meta(max_length=4 * MAX_NAME)]
    phone: _Phone
    password: Annotated[str, Meta(min_length=MIN_PASSWORD, max_length=MAX_PASSWORD)]
    device: DeviceBody = DeviceBody()


class LoginBody(msgspec.Struct, frozen=True):
    """`POST /auth/login`."""

    phone: _Phone
    password: _Password
    device: DeviceBody = DeviceBody()


class RefreshBody(msgspec.Struct, frozen=True):
    """`POST /auth/refresh`."""

    refresh_token: Annotated[str, Meta(max_length=200)]
    exchange: _Exchange | None = None


class SessionView(msgspec.Struct, frozen=True):
    """What a device gets when it signs in. `access_expires_at` is RFC 3339."""

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
        subscriptions: PushSubscriptions,
        attempts: Attempts,
        passwords: Passwords,
        tokens: Tokens,
        fanout: Fanout,
        audit: Audit,
        clock: Callable[[], int],
        new_id: Callable[[], str],
        refresh_ttl_s: int,
        tries: int,
        window_s: int,
    ) -> None:
        self._users = users
        self._devices = devices
        self._subscriptions = subscriptions
        self._passwords = passwords
        self._tokens = tokens
        self._fanout = fanout
        self._audit = audit
        self._clock = clock
        self._new_id = new_id
        self._refresh_ttl_ms = refresh_ttl_s * 1000
        self._tries = Tries(attempts, clock, most=tries, window_s=window_s)

    async def signup(self, body: SignupBody, address: str) -> SessionView:
        """Make an account and sign the device in.

        Args:
            body: what was asked.
            address: where it came from. Asking for numbers that are taken counts there like a failed log-in: it tells who has an account.

        Raises:
            ChatError: `INVALID`, `PHONE_TAKEN`, `RATE_LIMITED`, `OVERLOADED`.

        """
        name = one_line(body.name, "name", most=MAX_NAME)
        phone = e164(body.phone)
        device = _clean(body.device)
        self._tries.check_address(address)
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
            await self._tries.failed(address)
            raise ChatError(Code.PHONE_TAKEN, "this phone number has an account") from None
        return await self._sign_in(user, device, address, AuditAction.SIGNED_UP)

    async def login(self, body: LoginBody, address: str) -> SessionView:
        """Sign a device in. A wrong password and an unknown phone are answered alike, and take as long.

        Raises:
            ChatError: `INVALID`, `BAD_CREDENTIALS`, `RATE_LIMITED`, `OVERLOADED`.

        """
        phone = e164(body.phone)
        device = _clean(body.device)
        await self._tries.admit(phone, address)
        user = await self._users.by_phone(phone)
        right = await self._passwords.verify(body.password, None if user is None else user.password_hash)
        if user is None or not right:
            self._note_failure(phone, user, address)
            await self._tries.failed(address)
            raise ChatError(Code.BAD_CREDENTIALS, "phone number or password is wrong")
        await self._tries.succeeded(phone)
        if self._passwords.is_outdated(user.password_hash):
            await self._renew_hash(user, body.password)
        await self._make_room(user.id)
        return await self._sign_in(user, device, address, AuditAction.SIGNED_IN)

    async def _renew_hash(self, user: User, password: str) -> None:
        """Hash the password, which is known at this moment, at the present cost. If that does not work out now, then at the next log-in."""
        try:
            fresh = await self._passwords.hash(password)
            await self._users.renew_hash(user.id, old=user.password_hash, new=fresh)
        except (ChatError, StoreUnavailable) as error:
            log.info("a password is hashed anew later", extra={"user_id": user.id, "reason": str(error)})

    def _note_failure(self, phone: str, user: User | None, address: str) -> None:
        who = {"phone": masked(phone)} if user is None else {"user_id": user.id}
        self._audit.note(AuditAction.SIGN_IN_FAILED, address=address, about=who)

    async def confirm(self, principal: Principal, password: str, address: str) -> User:
        """The caller, if this is their password: for what a stolen token must not do. Tries count as with signing in.

        Raises:
            ChatError: `BAD_CREDENTIALS`, `RATE_LIMITED`, `OVERLOADED`.

        """
        user = (await self._users.get_many([principal.user_id])).get(principal.user_id)
        if user is None or user.deleted:
            raise ChatError(Code.BAD_CREDENTIALS, "the account does not exist any more")
        await self._tries.admit(user.phone, address)
        if not await self._passwords.verify(password, user.password_hash):
            self._note_failure(user.phone, user, address)
            await self._tries.failed(address)
            raise ChatError(Code.BAD_CREDENTIALS, "the password is wrong")
        await self._tries.succeeded(user.phone)
        return user

    async def _make_room(self, user_id: str) -> None:
        """Sign out the devices whose time has run out, and those beyond what a user may have."""
        now = self._clock()
        devices = sorted(await self._devices.of_user(user_id), key=lambda d: d.last_used_at, reverse=True)
        for index, device in enumerate(devices):
            if device.refresh_expires_at <= now or index >= MAX_DEVICES - 1:
                why = "expired" if device.refresh_expires_at <= now else "too_many"
                await self.sign_out(user_id, device.id, why=why)

    async def _sign_in(self, user: User, body: DeviceBody, address: str, action: AuditAction) -> SessionView:
        now = self._clock()
        device_id = self._new_id()
        token = _new_token(device_id)
        await self._devices.create(
            Device(
                id=device_id,
                user_id=user.id,
                name=body.name,
                platform=body.platform,
                refresh_hash=_hash(token),
                refresh_expires_at=now + self._refresh_ttl_ms,
                created_at=now,
                last_used_at=now,
            )
        )
        self._audit.note(action, actor_id=user.id, device_id=device_id, address=address)
        return self._view(user, device_id, token)

    async def refresh(self, body: RefreshBody, address: str = "") -> SessionView:
        """Exchange a refresh token for a new one and an access token; again, under the same name, for the same one.

        Raises:
            ChatError: `UNAUTHENTICATED`, `REFRESH_REUSED`.

        """
        device_id = body.refresh_token.partition(".")[0]
        device = await self._devices.get(device_id)
        spent = _hash(body.refresh_token)
        refused = ChatError(Code.UNAUTHENTICATED, "the refresh token is not valid")
        if device is None:
            raise refused
        now = self._clock()
        current = hmac.compare_digest(spent, device.refresh_hash)
        previous = device.previous_hash is not None and hmac.compare_digest(spent, device.previous_hash)
        token = (
            _new_token(device_id)
            if body.exchange is None
            else _token_of(device_id, body.refresh_token, body.exchange)
        )
        repeated = previous and hmac.compare_digest(_hash(token), device.refresh_hash)
        if (current or repeated) and device.refresh_expires_at > now:
            # Everything that can fail comes before the token is spent.
            user = (await self._users.get_many([device.user_id])).get(device.user_id)
            if user is None or user.deleted:
                raise refused
            rotated = await self._devices.rotate(
                device_id, spent=spent, fresh=_hash(token), expires_at=now + self._refresh_ttl_ms, at=now
            )
            if rotated:
                return self._view(user, device_id, token)
        elif current or repeated or not previous:
            raise refused
        await self.sign_out(device.user_id, device_id, why="refresh_reused")
        self._audit.note(
            AuditAction.REFRESH_REUSED,
            address=address,
            about={"user_id": device.user_id, "device_id": device_id},
        )
        log.warning(
            "a refresh token was used twice", extra={"device_id": device_id, "user_id": device.user_id}
        )
        raise ChatError(
            Code.REFRESH_REUSED, "this refresh token was used before; the device has been signed out"
        )

    async def sign_out(
        self,
        user_id: str,
        device_id: str,
        *,
        by: Principal | None = None,
        why: str = "asked",
        address: str = "",
    ) -> bool:
        """Forget a device and close its connections; `False` if the user has no such device.

        Args:
            user_id: whose device.
            device_id: which.
            by: who asked; `None` when nobody did.
            why: for the audit log.
            address: where they asked from.

        """
        device = await self._devices.get(device_id)
        if device is None or device.user_id != user_id:
            return False
        try:
            # First, because asking again after a failure finds nothing to sign out; and once more, for what was being added meanwhile.
            await self._subscriptions.remove_device(user_id, device_id)
            await self._devices.revoke(device_id, user_id)
            await self._subscriptions.remove_device(user_id, device_id)
        finally:
            # Also when the reply was lost, after which asking again finds nothing to revoke.
            self._tokens.revoke(device_id)
            self._fanout.revoke_device(user_id, device_id)
            self._audit.note(
                AuditAction.SIGNED_OUT,
                actor_id="" if by is None else by.user_id,
                device_id="" if by is None else by.device_id,
                address=address,
                about={"user_id": user_id, "device_id": device_id, "why": why},
            )
        return True

    async def sign_out_all(self, user_id: str) -> None:
        """Forget all devices of a user whose account is deleted, and close their connections; also those forgotten before where nobody lived to tell."""
        try:
            for device in await self._devices.of_user(user_id):
                await self._devices.revoke(device.id, user_id)
            await self._subscriptions.remove_user(user_id)
        finally:
            self._tokens.revoke(user_id)
            self._fanout.revoke_user(user_id)

    async def logout(self, principal: Principal, address: str = "") -> None:
        """Sign the caller's own device out."""
        await self.sign_out(principal.user_id, principal.device_id, by=principal, address=address)

    async def still_signed_in(self, principal: Principal) -> bool:
        """Whether the device of a connection whose token has run out may stay. Raises `StoreUnavailable`."""
        device = await self._devices.get(principal.device_id)
        return (
            device is not None
            and device.user_id == principal.user_id
            and device.refresh_expires_at > self._clock()
        )

    def _view(self, user: User, device_id: str, refresh_token: str) -> SessionView:
        access, expires_at = self._tokens.issue(user, device_id)
        return SessionView(own_user(user), device_id, access, rfc3339(expires_at), refresh_token)


def _new_token(device_id: str) -> str:
    return f"{device_id}.{secrets.token_urlsafe(32)}"


def _token_of(device_id: str, spent: str, exchange: str) -> str:
    """The token that this exchange gives, whenever it is asked for. As hard to guess as the one that is spent for it."""
    bits = hmac.digest(spent.encode(), exchange.encode(), "sha256")
    return f"{device_id}.{to_base64url(bits)}"


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _clean(body: DeviceBody) -> DeviceBody:
    return DeviceBody(
        one_line(body.name, "device.name", most=100), one_line(body.platform, "device.platform", most=50)
    )
