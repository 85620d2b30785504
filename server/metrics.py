"""What a node tells Prometheus of itself, read from the parts at the moment of asking: counting costs the hot path nothing but plain integers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from server.connections import Connections
from server.core import Core
from server.endpoint import Endpoint
from server.flusher import Flusher
from server.longpoll.sessions import LongPollSessions
from supervisors import ChildExited, ChildRestarted, Crash, IntensityBreached
from supervisors.telemetry import Event

DEPTH: Final = 3
"""Levels of the tree that crashes are counted by; what is below is one chat or one connection."""

CODES: Final = frozenset({1000, 1001, 1002, 1003, 1005, 1006, 1007, 1009, 1012, 1013, 4001, 4408})
"""Close codes that mean something here. Clients may choose among thousands: all others are counted together."""


class TreeMetrics:
    """Counts what happens in the supervision tree. A telemetry listener."""

    def __init__(self) -> None:
        self.crashes: dict[str, int] = {}
        self.restarts: dict[str, int] = {}
        self.breaches = 0

    def __call__(self, event: Event) -> None:
        """Take in an event."""
        match event:
            case ChildExited(exit=Crash()):
                _add(self.crashes, event.path)
            case ChildRestarted():
                _add(self.restarts, event.path)
            case IntensityBreached():
                self.breaches += 1


def _add(counts: dict[str, int], path: str) -> None:
    branch = "/".join(path.split("/")[:DEPTH])
    counts[branch] = counts.get(branch, 0) + 1


class NodeMetrics(Collector):
    """A collector of everything but REST, which counts for itself."""

    def __init__(
        self,
        core: Core,
        endpoint: Endpoint,
        connections: Connections,
        polled: LongPollSessions,
        flusher: Flusher,
        tree: TreeMetrics,
    ) -> None:
        self._core = core
        self._endpoint = endpoint
        self._connections = connections
        self._polled = polled
        self._flusher = flusher
        self._tree = tree

    def collect(self) -> Iterable[Metric]:
        """Every metric, now."""
        yield from self._of_connections()
        yield from self._of_messages()
        yield from self._of_notifications()
        yield from self._of_tree()

    def _of_connections(self) -> Iterator[Metric]:
        yield _gauge(
            "sockets_open", "Connections of clients, over either transport.", len(self._connections.open)
        )
        yield _gauge("longpoll_sessions", "Those that are long-polled.", len(self._polled))
        yield _counter("longpoll_begun", "Long-polled connections begun.", self._polled.begun)
        yield _counter("peers_asked", "Requests handed on to other nodes.", self._core.cluster.peers.asked)
        yield _counter(
            "peers_given_up", "Those to nodes that did not answer.", self._core.cluster.peers.given_up
        )
        yield _gauge("users_connected", "Users with a connection here.", len(self._core.hub.users))
        yield _gauge(
            "sockets_stalled", "Sockets whose client reads too slowly at the moment.", self._flusher.stalled
        )
        yield _counter("connections_accepted", "Connections accepted.", self._endpoint.accepted)
        yield _counter("connections_refused", "Connections refused.", self._endpoint.refused)
        closed = CounterMetricFamily(
            "sockets_closed", "Connections of clients that ended, by close code.", labels=["code"]
        )
        by_code: Counter[str] = Counter()
        for code, count in self._connections.closed.items():
            by_code[str(code) if code in CODES else "other"] += count
        for label, count in sorted(by_code.items()):
            closed.add_metric([label], count)
        yield closed

    def _of_messages(self) -> Iterator[Metric]:
        core = self._core
        routers = core.messages.routers.all()
        yield _gauge("chats_active", "Chats that somebody uses here.", len(routers))
        yield _gauge("routers_running", "Tasks of chats.", sum(router.running for router in routers))
        yield _gauge("commit_pending", "Commands that wait to be written.", core.messages.commit.pending)
        yield _counter("commit_entries", "Entries written to the log.", core.messages.commit.written)
        yield _counter("commit_batches", "Writes to the log.", core.messages.commit.batches)
        yield _counter(
            "commit_failures", "Writes that the store did not answer.", core.messages.commit.failures
        )
        yield _counter(
            "retry_queued", "Messages that the store did not take in time.", core.messages.retry.queued
        )
        yield _counter("retry_applied", "Queued messages taken to the record.", core.messages.retries.applied)
        yield _counter(
            "retry_dead_lettered",
            "Queued messages that could not be carried out.",
            core.messages.retries.dead_lettered,
        )
        yield _gauge(
            "retry_queue_length", "Queued messages of chats in use here.", core.messages.retry.length
        )
        yield _counter("bus_published", "Envelopes published to other nodes.", core.fanout.published)
        yield _counter(
            "bus_dropped",
            "Envelopes not published; other nodes catch up from the record.",
            core.fanout.dropped,
        )
        yield _counter("bus_received", "Envelopes from other nodes.", core.cluster.inbox.received)
        yield _counter(
            "bus_losses", "Times at which something from other nodes was missing.", core.cluster.inbox.losses
        )
        yield _counter("recovery_rounds", "Comparisons with the record.", core.cluster.recovery.rounds)
        yield _counter("nodes_buried", "Dead nodes that this one found.", core.cluster.membership.buried)

    def _of_notifications(self) -> Iterator[Metric]:
        parts = self._core.notifications
        yield _counter(
            "notify_chats", "Chats queued to be looked through for whom to notify.", parts.notifier.queued
        )
        yield _counter("notify_dropped", "Chats for which there was no room to wait.", parts.notifier.dropped)
        yield _counter("notify_looked", "Chats looked through.", parts.looks.looked)
        yield _counter("notify_called", "Pushes queued.", parts.looks.called)
        yield _counter("notify_adopted", "Chats of dead nodes queued.", parts.estates.adopted)
        tries = CounterMetricFamily("push_tries", "Pushes, by what became of them.", labels=["result"])
        for result, count in sorted(parts.pushes.results.items()):
            tries.add_metric([result], count)
        yield tries
        yield _gauge("push_under_way", "Pushes that were not answered yet.", len(parts.pushes.under_way))
        yield _gauge("push_services_resting", "Push services that are left alone.", parts.pushes.resting)
        queues = GaugeMetricFamily(
            "push_queue", "Jobs in the queue, as a node last saw it.", labels=["queue"]
        )
        for queue, length in sorted(parts.estates.lengths.items()):
            queues.add_metric([queue], length)
        yield queues

    def _of_tree(self) -> Iterator[Metric]:
        for name, what, counts in (
            ("crashes", "Crashes, by place in the tree.", self._tree.crashes),
            ("restarts", "Restarts, by place in the tree.", self._tree.restarts),
        ):
            family = CounterMetricFamily(name, what, labels=["path"])
            for path, count in sorted(counts.items()):
                family.add_metric([path], count)
            yield family
        yield _counter("intensity_breaches", "Supervisors that gave up.", self._tree.breaches)


def process_metrics(registry: CollectorRegistry) -> None:
    """Add what Prometheus' own library knows of the process: memory, CPU, files, garbage collection. Counters are told without their time of creation."""
    disable_created_metrics()  # type: ignore[no-untyped-call]
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(name, what, value)


def _counter(name: str, what: str, value: float) -> Metric:
    return CounterMetricFamily(name, what, value)
