"""Profiles and contacts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType, structs

from handlers.auth.auth import MAX_NAME
from handlers.auth.phones import e164
from handlers.errors import not_found
from handlers.media.library import MediaLibrary
from handlers.media.uses import REQUEST_S, avatar_use
from handlers.nodes.fanout import Fanout
from handlers.pages import CursorReader, Page, PageQuery, to_cursor
from handlers.presence.news import PresenceNews
from handlers.presence.sight import Sight
from handlers.principal import Principal
from handlers.text_fields import one_line
from handlers.wire import OwnUser, UserView, own_user, rfc3339, rfc3339_or_none
from persistence.errors import StoreUnavailable
from persistence.models import Device, MediaKind, User, Visibility
from persistence.ports import Blocks, Devices, Users

MAX_STATUS: Final = 140
_PICTURES: Final = frozenset({MediaKind.IMAGE, MediaKind.AVATAR})


class PrivacyBody(msgspec.Struct, frozen=True):
    """What of a profile is shown."""

    last_seen: Visibility | UnsetType = UNSET
    read_receipts: bool | UnsetType = UNSET


class ProfileBody(msgspec.Struct, frozen=True):
    """`PATCH /users/me`: what is given changes. `avatar_media_id: null` takes the picture away."""

    name: Annotated[str, Meta(max_length=4 * MAX_NAME)] | UnsetType = UNSET
    status: Annotated[str, Meta(max_length=4 * MAX_STATUS)] | UnsetType = UNSET
    avatar_media_id: Annotated[str, Meta(max_length=64)] | UnsetType | None = UNSET
    privacy: PrivacyBody | UnsetType = UNSET


class PeopleView(msgspec.Struct, frozen=True):
    """Profiles of several people."""

    items: list[UserView]


class DeviceView(msgspec.Struct, frozen=True):
    """A signed-in device; `current` is the one that asks."""

    id: str
    name: str
    platform: str
    created_at: str
    last_used_at: str
    current: bool


class Profiles:
    """One's own profile, others', and one's devices."""

    def __init__(
        self,
        *,
        users: Users,
        devices: Devices,
        blocks: Blocks,
        sight: Sight,
        news: PresenceNews,
        media: MediaLibrary,
        fanout: Fanout,
        clock: Callable[[], int],
    ) -> None:
        self._users = users
        self._devices = devices
        self._blocks = blocks
        self._sight = sight
        self._news = news
        self._media = media
        self._fanout = fanout
        self._clock = clock

    async def own(self, principal: Principal) -> OwnUser:
        """The caller's profile. Raises `ChatError`."""
        user = await self._get(principal.user_id)
        if user.deleted:
            raise not_found("user")
        return own_user(user)

    async def update(self, principal: Principal, body: ProfileBody) -> OwnUser:
        """Change what is given, and tell the caller's other devices. Raises `ChatError`."""
        user = await self._get(principal.user_id)
        privacy = None
        if body.privacy is not UNSET:
            given = {
                f: v for f in ("last_seen", "read_receipts") if (v := getattr(body.privacy, f)) is not UNSET
            }
            privacy = structs.replace(user.privacy, **given)
        name = None if body.name is UNSET else one_line(body.name, "name", most=MAX_NAME)
        status = None if body.status is UNSET else one_line(body.status, "status", most=MAX_STATUS, least=0)
        avatar = None if body.avatar_media_id is UNSET else body.avatar_media_id
        changes_avatar = body.avatar_media_id is not UNSET and avatar != user.avatar_media_id
        if changes_avatar and avatar is not None:
            use = avatar_use(user.id)
            await self._media.use(user.id, avatar, _PICTURES, use, field="avatar_media_id")
        former = user.avatar_media_id if changes_avatar else None
        if former is not None:  # should this request not live to say below that it is over
            await self._media.reconsider(former, after_s=REQUEST_S)
        after = await self._users.update(
            principal.user_id,
            at=self._clock(),
            name=name,
            status=status,
            avatar_media_id=avatar,
            clear_avatar=body.avatar_media_id is None,
            privacy=privacy,
        )
        if former is not None:
            await self._media.reconsider(former)
        if after.privacy.read_receipts != user.privacy.read_receipts:
            self._fanout.hide_reads(principal.user_id, hidden=not after.privacy.read_receipts)
        await self._news.privacy_changed(user, after)
        view = own_user(after)
        self._fanout.tell_user(principal.user_id, "USER_UPDATED", {"user": view})
        return view

    async def look_up(self, principal: Principal, phone: str) -> UserView:
        """The user with this number, in E.164. Raises `ChatError` (`INVALID`, `NOT_FOUND`)."""
        user = await self._users.by_phone(e164(phone))
        if user is None:
            raise not_found("user")
        return await self._view(principal, user)

    async def other(self, principal: Principal, user_id: str) -> UserView:
        """Somebody's profile, as far as they show it to the caller; to whom they have blocked, the name alone. Raises `ChatError` (`NOT_FOUND`)."""
        return await self._view(principal, await self._get(user_id))

    async def others(self, principal: Principal, user_ids: Sequence[str]) -> PeopleView:
        """Profiles of those of these people that there are, each once and as `other` shows it. Raises `StoreUnavailable`."""
        wanted = list(dict.fromkeys(user_ids))
        found = await self._users.get_many(wanted)
        return PeopleView(await self._views(principal, [found[each] for each in wanted if each in found]))

    async def _get(self, user_id: str) -> User:
        user = (await self._users.get_many([user_id])).get(user_id)
        if user is None:
            raise not_found("user")
        return user

    async def _view(self, principal: Principal, user: User) -> UserView:
        (view,) = await self._views(principal, [user])
        return view

    async def _views(self, principal: Principal, users: Sequence[User]) -> list[UserView]:
        """What the caller sees of each. The one place that decides it, for one as for many."""
        pairs = await self._blocks.among([(user.id, principal.user_id) for user in users])
        blocking = {who for who, _ in pairs}
        seen = await self._seen(principal.user_id, [user for user in users if user.id not in blocking])
        online = await self._online(seen)
        return [
            UserView(
                id=user.id, name=user.name, status="", avatar_media_id=None, online=False, last_seen=None
            )
            if user.id in blocking
            else UserView(
                id=user.id,
                name=user.name,
                status=user.status,
                avatar_media_id=user.avatar_media_id,
                deleted=user.deleted,
                online=user.id in online,
                last_seen=rfc3339_or_none(user.last_seen) if user.id in seen else None,
            )
            for user in users
        ]

    async def _seen(self, viewer_id: str, users: Sequence[User]) -> set[str]:
        """Those whose presence the viewer sees; oneself always."""
        others = [user for user in users if user.id != viewer_id]
        seen = {user.id for user in users if user.id == viewer_id}
        viewer = (await self._sight.users([viewer_id])).get(viewer_id) if others else None
        return seen if viewer is None else seen | await self._sight.seen_by(viewer, others)

    async def _online(self, user_ids: set[str]) -> set[str]:
        if not user_ids:
            return set()
        try:
            return set((await self._news.online(sorted(user_ids))).since) & user_ids
        except StoreUnavailable:
            return set()

    async def devices(self, principal: Principal, query: PageQuery) -> Page[DeviceView]:
        """The caller's signed-in devices, newest first; without those that have not been used for so long that they are signed out."""
        after = _read_place(query.cursor)
        now = self._clock()
        devices = [d for d in await self._devices.of_user(principal.user_id) if d.refresh_expires_at > now]
        rest = [d for d in devices if after is None or (d.created_at, d.id) < after]
        shown = rest[: query.limit]
        more = len(rest) > query.limit
        return Page(
            items=[_device_view(d, principal) for d in shown],
            next=to_cursor((shown[-1].created_at, shown[-1].id)) if more else None,
        )


_read_place: Final = CursorReader(tuple[int, str])


def _device_view(d: Device, principal: Principal) -> DeviceView:
    return DeviceView(
        d.id,
        d.name,
        d.platform,
        rfc3339(d.created_at),
        rfc3339(d.last_used_at),
        d.id == principal.device_id,
    )
