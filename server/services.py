"""What the REST side needs of a node, handed over by whoever builds the node."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

from prometheus_client import CollectorRegistry

from config.settings import Settings
from handlers.auth import Auth
from handlers.chats import Conversations
from handlers.history import History
from handlers.routers import Routers
from handlers.tokens import Tokens
from handlers.users import Profiles
from persistence.ports import Probe

Network = IPv4Network | IPv6Network

LOOPBACK: Final[tuple[Network, ...]] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The parts of a node that requests reach.

    Attributes:
        settings: limits on bodies and on the rate of messages.
        tokens, auth, profiles, conversations, history, routers: what the routes call.
        probes: the dependencies that `/readyz` asks.
        required: names of those without which the node cannot serve; without the others it serves less.
        draining: whether the node is on its way down.
        metrics: what `/metrics` shows.
        trusted_proxies: where a load balancer may be, whose word on a client's address is taken (`X-Forwarded-For`).

    """

    settings: Settings
    tokens: Tokens
    auth: Auth
    profiles: Profiles
    conversations: Conversations
    history: History
    routers: Routers
    probes: Sequence[Probe]
    required: frozenset[str] = frozenset({"mongodb"})
    draining: Callable[[], bool] = lambda: False
    metrics: CollectorRegistry = field(default_factory=CollectorRegistry)
    trusted_proxies: tuple[Network, ...] = LOOPBACK
