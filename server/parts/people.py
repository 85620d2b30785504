"""Users, wired: how they sign in, their profiles, whom they have blocked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from config.settings import Settings
from handlers.audit.audit import Audit
from handlers.auth.auth import Auth
from handlers.auth.passwords import Passwords
from handlers.auth.tokens import Tokens
from handlers.media.library import MediaLibrary
from handlers.nodes.fanout import Fanout
from handlers.people.blocking import Blocking
from handlers.people.profiles import Profiles
from handlers.routing.writer import Writer
from server.parts.presence import PresenceParts
from server.stores import Stores


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleParts:
    """What a node has for users."""

    tokens: Tokens
    auth: Auth
    profiles: Profiles
    blocking: Blocking


def make_people(
    settings: Settings,
    stores: Stores,
    *,
    writer: Writer,
    presence: PresenceParts,
    library: MediaLibrary,
    fanout: Fanout,
    audit: Audit,
    passwords: Passwords | None,
    clock: Callable[[], int],
    new_id: Callable[[], str],
) -> PeopleParts:
    """Wire it. Without `passwords` they are hashed in threads, at the cost that the settings ask for."""
    how = settings.auth
    tokens = Tokens(
        stores.keys,
        clock,
        ttl_s=how.access_token_ttl_s,
        rotation_s=how.key_rotation_s,
        secret=how.key_secret.get_secret_value(),
    )
    auth = Auth(
        users=stores.users,
        devices=stores.devices,
        subscriptions=stores.subscriptions,
        attempts=stores.attempts,
        passwords=passwords
        or Passwords(
            memory_kib=how.argon2_memory_kib, iterations=how.argon2_iterations, lanes=how.argon2_lanes
        ),
        tokens=tokens,
        fanout=fanout,
        audit=audit,
        clock=clock,
        new_id=new_id,
        refresh_ttl_s=how.refresh_token_ttl_s,
        tries=how.login_tries,
        window_s=how.login_window_s,
    )
    profiles = Profiles(
        users=stores.users,
        devices=stores.devices,
        blocks=stores.blocks,
        sight=presence.sight,
        news=presence.news,
        media=library,
        fanout=fanout,
        clock=clock,
    )
    blocking = Blocking(
        blocks=stores.blocks,
        chats=stores.chats,
        users=stores.users,
        writer=writer,
        fanout=fanout,
        news=presence.news,
        clock=clock,
    )
    return PeopleParts(tokens=tokens, auth=auth, profiles=profiles, blocking=blocking)
