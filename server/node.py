"""A node: the composition root. Reads like the tree that it makes.

node                rest_for_one: what comes later depends on what comes before
├─ stores           MongoDB, Redis, S3; the key ring; the audit log; the publisher, the group-commit writer and the way into the retry queue
├─ registry         chats and users in use on this node
├─ routers          hash-partitioned: a task per active chat
├─ inbox            what other nodes did
├─ workers          receipts, the retry queue, open chats, who is online, repairs from the record, membership of the cluster, questions to other nodes
├─ sessions         poller, flusher, idle sweep, and a task per connection
├─ endpoint         listeners, and the control socket that answers `python -m server tree`
└─ drainer          last to start, so first to stop
"""

from __future__ import annotations

import gc
import secrets
from typing import Final

from prometheus_client import CollectorRegistry

from config.redact import Redactor
from config.settings import Settings
from handlers.operators.live_tree import LiveTree
from persistence.ids import wall_clock
from server.admission import Admission
from server.connections import Connections
from server.control import control_spec
from server.core import make_core
from server.drain import Drainer
from server.endpoint import Endpoint
from server.flusher import Flusher
from server.http import Http
from server.longpoll.asgi import with_long_poll
from server.longpoll.requests import LongPoll
from server.longpoll.sessions import LongPollSessions
from server.longpoll.tickets import Tickets
from server.metrics import NodeMetrics, TreeMetrics, process_metrics
from server.poller import Poller
from server.rest.app import create_app
from server.services import make_services
from server.stores import real_stores
from server.web.site import make_site
from supervisors import (
    ChildSpec,
    CrashLog,
    DynamicSupervisor,
    Node,
    Strategy,
    Supervisor,
    Telemetry,
    run_root,
    snapshot,
    to_log,
)

SHARED: Final = "shared"
OWN: Final = "own"
DRAIN_MARGIN_S: Final = 2.0
FEW_COLLECTIONS: Final = 50_000
"""Allocations between two looks of the garbage collector at young objects. Hardly anything here is cyclic, and many objects live long."""


async def serve(settings: Settings) -> int:
    """Run a node until SIGTERM or SIGINT; the exit status for the process."""
    node = make_node(settings)
    gc.collect()
    gc.freeze()
    gc.set_threshold(FEW_COLLECTIONS, 20, 20)
    return await run_root(node)


def make_node(settings: Settings) -> Supervisor:
    """The tree of a node over the real stores."""
    core = make_core(settings, real_stores(settings, f"{settings.name}.{secrets.token_hex(4)}"))
    tree = TreeMetrics()
    crashes = CrashLog(wall_clock, Redactor(settings.secrets).text)

    def look() -> Node:
        return crashes.shown_in(snapshot(root))

    poller = Poller(busy=lambda: core.messages.commit.writing)
    flusher = Flusher()
    connections = Connections(
        core.people.auth,
        wall_clock,
        idle_s=settings.limits.socket_idle_s,
        token_ttl_s=settings.auth.access_token_ttl_s,
    )
    supervisor = DynamicSupervisor(name="connections", max_children=settings.limits.max_connections)
    metrics = CollectorRegistry()
    services = make_services(
        core,
        tree=LiveTree(settings.name, look, core.cluster.roll_call),
        probes=core.stores.probes,
        site=make_site(settings, core.stores.objects),
        draining=lambda: connections.draining,
        metrics=metrics,
    )
    polled = LongPollSessions(
        core, supervisor=supervisor, connections=connections, flusher=flusher, limits=settings.limits
    )
    admission = Admission(core.quotas, trusted=settings.trusted_proxies, origins=settings.allowed_origins)
    long_poll = LongPoll(
        polled,
        peers=core.cluster.peers,
        tickets=Tickets(core.people.tokens, wall_clock, ttl_s=settings.auth.access_token_ttl_s),
        tokens=core.people.tokens,
        admission=admission,
        roles=settings.roles,
        window_s=settings.limits.longpoll_window_s,
        max_message_bytes=settings.limits.max_frame_bytes,
    )
    http = Http(with_long_poll(create_app(services), long_poll))
    endpoint = Endpoint(
        core,
        supervisor=supervisor,
        connections=connections,
        poller=poller,
        flusher=flusher,
        http=http,
        limits=settings.limits,
        roles=settings.roles,
        admission=admission,
    )
    metrics.register(NodeMetrics(core, endpoint, connections, polled, flusher, tree))
    process_metrics(metrics)
    drainer = Drainer(
        endpoint, connections, http, long_poll, listeners=(SHARED,), budget_s=settings.drain.budget_s
    )
    root = Supervisor(
        (
            *core.children(),
            Supervisor(
                (
                    ChildSpec("poller", poller.run),
                    ChildSpec("flusher", flusher.run),
                    ChildSpec("sweep", connections.run),
                    supervisor.spec(),
                ),
                name="sessions",
            ).spec(),
            Supervisor(
                (
                    control_spec(settings.control_socket, look),
                    *_listeners(settings, endpoint),
                ),
                name="endpoint",
            ).spec(),
            ChildSpec("drainer", drainer.run, shutdown=settings.drain.budget_s + DRAIN_MARGIN_S),
        ),
        name="node",
        strategy=Strategy.REST_FOR_ONE,
        telemetry=Telemetry(to_log, tree, crashes),
    )
    return root


def _listeners(settings: Settings, endpoint: Endpoint) -> tuple[ChildSpec, ...]:
    shared = endpoint.listener(SHARED, settings.host, settings.port, shared=True)
    if not settings.own_port:
        return (shared,)
    return (shared, endpoint.listener(OWN, settings.host, settings.own_port, shared=False))
