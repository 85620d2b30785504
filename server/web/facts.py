"""What a client has to know of an installation before anybody has signed in: `GET /client.json`."""

from __future__ import annotations

import msgspec

from config.settings import Settings
from server.demo.world import PEOPLE
from server.version import version


class DemoAccount(msgspec.Struct, frozen=True):
    """Somebody as whom anybody may sign in, to try things."""

    name: str
    phone: str
    password: str


class ClientFacts(msgspec.Struct, frozen=True):
    """The facts. `demo_accounts` is empty but in a local run."""

    name: str
    version: str
    demo_accounts: tuple[DemoAccount, ...] = ()


def client_facts(settings: Settings) -> ClientFacts:
    """Those of a node with these settings."""
    people = PEOPLE if settings.web.demo else ()
    return ClientFacts(
        "chat-platform",
        version(),
        tuple(DemoAccount(each.name, each.phone, each.password) for each in people),
    )
