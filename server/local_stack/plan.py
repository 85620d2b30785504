"""What a local stack consists of, decided before anything is started: programs, ports, and the settings of its nodes."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from config.settings import LogFormat, Settings, load
from server.local_stack import probes, proxy
from server.local_stack.binaries import MONGOD, NGINX, RCLONE, REDIS_SERVER, Binary
from server.local_stack.folder import Folder
from server.local_stack.log_file import LogFile
from server.local_stack.ports import LOOPBACK, Ports, require
from server.refusal import refuse
from server.web.bundle import Bundle

MOST_NODES: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A process of the stack.

    Attributes:
        id: its name in the tree and of its log file.
        command, env: what is run.
        address: where it listens, for people.
        probe: whether it serves.
        log: takes what it prints.
        setting: to change if it cannot be started.
        ready_s, stop_s: seconds that it has to start and to stop.

    """

    id: str
    command: tuple[str, ...]
    env: Mapping[str, str]
    address: str
    probe: Callable[[], Awaitable[bool]]
    log: LogFile
    setting: str
    ready_s: float = 60.0
    stop_s: float = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that will run. `settings` are those of the nodes, with the addresses of the servers that will be started."""

    folder: Folder
    settings: Settings
    servers: tuple[Part, ...]
    proxy: tuple[Part, ...]
    nodes: tuple[Part, ...]

    @property
    def parts(self) -> tuple[Part, ...]:
        """All of it, in the order in which it is started."""
        return (*self.servers, *self.proxy, *self.nodes)


def make(
    settings: Settings,
    folder: Folder,
    ports: Ports,
    nodes: int,
    *,
    proxied: bool = False,
    text_logs: bool = False,
) -> Plan:
    """Decide.

    Args:
        settings: what was asked for; servers whose addresses are set are used, not started.
        folder: where data and logs go.
        ports: where servers get theirs from.
        nodes: how many; node i listens on `port` with all others, and on `port + i`. 0 for the servers alone.
        proxied: nginx listens on `port`, and nodes on their own ports alone.
        text_logs: whether nodes write their log for people.

    Raises:
        Refusal: a program is missing, or a port is taken.

    """
    if not 0 <= nodes <= MOST_NODES:
        raise refuse("--nodes", f"must be between 0 and {MOST_NODES}, not {nodes}")
    if proxied and not nodes:
        raise refuse("--proxy", "needs nodes to be before")
    if nodes:
        _check_node_ports(settings, nodes)
    if settings.web.root:
        Bundle.read(settings.web.root)  # refused here, and not by every node
    servers, env = _servers(settings, folder, ports)
    env["WEB_DEMO"] = str(_may_have_demo(settings, nodes)).lower()
    resolved = load({**os.environ, **env}, port=settings.port, host=settings.host, var_dir=folder.root)
    folder.record(
        {
            "process": os.getpid(),
            "servers": {server.id: int(server.address.rpartition(":")[2]) for server in servers},
            "nodes": [settings.port + i for i in range(1, nodes + 1)],
            "port": settings.port,
            # The key pair of the object store stays in its own file.
            "settings": {name: value for name, value in env.items() if "ACCESS_KEY" not in name},
        }
    )
    return Plan(
        folder=folder,
        settings=resolved,
        servers=servers,
        proxy=(_proxy(settings, folder, nodes),) if proxied else (),
        nodes=tuple(
            _node(i, settings, folder, env, proxied=proxied, text_logs=text_logs) for i in range(1, nodes + 1)
        ),
    )


def _may_have_demo(settings: Settings, nodes: int) -> bool:
    """Whether there are accounts to try things with: for a page to offer, on a database of this stack's own, where only this machine can come in."""
    alone = settings.host in ("localhost", "::1") or settings.host.startswith("127.")
    return bool(settings.web.root and nodes and alone and not settings.mongodb.uri.get_secret_value())


def _check_node_ports(settings: Settings, nodes: int) -> None:
    if settings.port == 0 or settings.port + nodes > 65_535:
        raise refuse("PORT", f"must leave room for the nodes' own ports: between 1 and {65_535 - nodes}")
    for port in range(settings.port, settings.port + nodes + 1):
        require(port, settings.host, "PORT")


def _servers(settings: Settings, folder: Folder, ports: Ports) -> tuple[tuple[Part, ...], dict[str, str]]:
    """The servers to start, and the settings that tell nodes of them."""
    parts: list[Part] = []
    env: dict[str, str] = {}
    recorded = folder.recorded().get("servers", {})

    def port_for(part: str, first: int, setting: str) -> int:
        before = recorded.get(part) if isinstance(recorded, dict) else None
        return ports.choose(first, preferred=before if isinstance(before, int) else None, setting=setting)

    if not settings.mongodb.uri.get_secret_value():
        port = port_for("mongodb", settings.local.mongodb_port, "LOCAL_MONGODB_PORT")
        parts.append(_mongodb(settings, folder, port))
        env["MONGODB_URI"] = f"mongodb://{LOOPBACK}:{port}/?replicaSet={probes.REPLICA_SET}"
    if not settings.redis.url.get_secret_value():
        port = port_for("redis", settings.local.redis_port, "LOCAL_REDIS_PORT")
        parts.append(_redis(settings, folder, port))
        env["REDIS_URL"] = f"redis://{LOOPBACK}:{port}/0"
    if not (settings.s3.access_key_id.get_secret_value() or settings.s3.endpoint_url):
        port = port_for("s3", settings.local.s3_port, "LOCAL_S3_PORT")
        part, keys = _s3(settings, folder, port)
        parts.append(part)
        env |= keys
    return tuple(parts), env


def _server(
    part: str,
    binary: Binary,
    command: list[str],
    port: int,
    probe: Callable[[int], Awaitable[bool]],
    folder: Folder,
) -> Part:
    return Part(
        id=part,
        command=tuple(command),
        env={},
        address=f"{LOOPBACK}:{port}",
        probe=partial(probe, port),
        log=LogFile(folder.logs / f"{part}.log"),
        setting=binary.setting,
    )


def _mongodb(settings: Settings, folder: Folder, port: int) -> Part:
    command = [
        MONGOD.find(settings.local.mongod),
        *("--dbpath", str(folder.data("mongodb"))),
        *("--bind_ip", LOOPBACK, "--port", str(port), "--nounixsocket"),
        *("--replSet", probes.REPLICA_SET, "--oplogSize", "512"),
        *("--wiredTigerCacheSizeGB", f"{settings.local.mongodb_cache_mib / 1024:.3f}"),
        "--quiet",
        # A second of work every second that nobody here looks at.
        *("--setParameter", "diagnosticDataCollectionEnabled=false"),
        # What a node that died had under way in a transaction is held against others for so long.
        *("--setParameter", "transactionLifetimeLimitSeconds=3"),
        # There is no other member that could take over.
        *("--setParameter", "shutdownTimeoutMillisForSignaledShutdown=100"),
    ]
    return _server("mongodb", MONGOD, command, port, probes.mongodb_leads, folder)


def _redis(settings: Settings, folder: Folder, port: int) -> Part:
    command = [
        REDIS_SERVER.find(settings.local.redis_server),
        *("--bind", LOOPBACK, "--port", str(port), "--dir", str(folder.data("redis"))),
        # Nothing in it is worth keeping: nodes rebuild what they need.
        *("--save", "", "--appendonly", "no"),
        *("--maxmemory", "256mb", "--maxmemory-policy", "noeviction", "--daemonize", "no"),
    ]
    return _server("redis", REDIS_SERVER, command, port, probes.redis_answers, folder)


def _s3(settings: Settings, folder: Folder, port: int) -> tuple[Part, dict[str, str]]:
    pair = folder.key_pair()
    data = folder.data("s3")
    (data / settings.s3.bucket).mkdir(mode=0o700, exist_ok=True)  # a bucket is a folder
    command = [
        RCLONE.find(settings.local.rclone),
        "serve",
        "s3",
        "--addr",
        f"{LOOPBACK}:{port}",
        "--config",
        "",
        # Any page may use a URL that a node has signed for its user: it carries no cookie, and works for nobody without it.
        *("--allow-origin", "*"),
        str(data),
    ]
    part = _server("s3", RCLONE, command, port, probes.s3_answers, folder)
    # In the environment, not among the arguments, which all users of the machine can see.
    env = {"RCLONE_AUTH_KEY": f'"{pair.access_key_id},{pair.secret_access_key}"'}
    return (
        replace(part, env=env),
        {
            "S3_ENDPOINT_URL": f"http://{LOOPBACK}:{port}",
            "S3_ACCESS_KEY_ID": pair.access_key_id,
            "S3_SECRET_ACCESS_KEY": pair.secret_access_key,
            "S3_ADDRESSING_STYLE": "path",
        },
    )


def _proxy(settings: Settings, folder: Folder, nodes: int) -> Part:
    own = folder.run / "nginx"
    own.mkdir(mode=0o700, exist_ok=True)
    listen = (
        f"[{settings.host}]:{settings.port}" if ":" in settings.host else f"{settings.host}:{settings.port}"
    )
    addresses = [f"{LOOPBACK}:{settings.port + i}" for i in range(1, nodes + 1)]
    host = reachable(settings.host)
    return Part(
        id="nginx",
        command=proxy.command(NGINX.find(settings.local.nginx), own, listen, addresses),
        env={},
        address=f"{host}:{settings.port}",
        probe=partial(probes.proxy_answers, host, settings.port),
        log=LogFile(folder.logs / "nginx.log"),
        setting=NGINX.setting,
    )


def _node(
    i: int,
    settings: Settings,
    folder: Folder,
    env: Mapping[str, str],
    *,
    proxied: bool,
    text_logs: bool,
) -> Part:
    own_port = settings.port + i
    # Behind the proxy, nobody else is to reach it, and it has no port to share.
    host = LOOPBACK if proxied else settings.host
    own = {
        **env,
        "HOST": host,
        "PORT": str(own_port if proxied else settings.port),
        "OWN_PORT": "0" if proxied else str(own_port),
        "VAR_DIR": str(folder.root),
        "PYTHONUNBUFFERED": "1",
    }
    if text_logs and settings.log_format is LogFormat.AUTO:
        own["LOG_FORMAT"] = LogFormat.TEXT
    if not settings.push.networks:
        own["PUSH_NETWORKS"] = "127.0.0.0/8,::1/128"  # a push service to try things with is on this machine
    if settings.node_name:
        own["NODE_NAME"] = f"{settings.node_name}-{i}"
    host = reachable(host)
    return Part(
        id=f"node-{i}",
        command=(sys.executable, "-m", "server", "serve"),
        env=own,
        address=f"{host}:{own_port}",
        probe=partial(probes.node_ready, host, own_port),
        log=LogFile(folder.logs / f"node-{i}.log"),
        setting=f"node-{i}",
        stop_s=settings.drain.budget_s + 10,
    )


def reachable(host: str) -> str:
    """An address at which something that listens on `host` can be reached from here."""
    return {"0.0.0.0": LOOPBACK, "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
