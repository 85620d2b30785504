"""The servers and nodes that are measured: each on its core, in a temporary folder, with the CPU time that each has used."""

from __future__ import annotations

import ctypes
import http.client
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from config.settings import Settings, load
from server.local_stack.folder import Folder, opened
from server.local_stack.plan import make
from server.local_stack.ports import Ports

HOST: Final = "127.0.0.1"
PATIENCE_S: Final = 60.0
LOAD_SIDE: Final = ("load", "mongodb", "redis", "s3")
"""What shares the load's core."""
OTHERS: Final = "others"
_PR_SET_PDEATHSIG: Final = 1
NODE_SETTINGS: Final = {
    # Limits that are there to stop exactly what a benchmark does.
    "SENDS_PER_SECOND": "0",
    # Sockets stay open between steps without heartbeats, and tokens good, so that nothing but the load is measured.
    "SOCKET_IDLE_S": "3600",
    "ACCESS_TOKEN_TTL_S": "86400",
    "LOG_FORMAT": "json",
}


@dataclass(frozen=True, slots=True)
class Cores:
    """Which core whom belongs to."""

    server: int
    load: int


@dataclass(frozen=True, slots=True)
class Node:
    """A node that runs."""

    name: str
    port: int
    process: psutil.Process
    log: Path

    def rss(self) -> int:
        """Bytes of memory that it has."""
        return int(self.process.memory_info().rss)


class Stack:
    """MongoDB, Redis and an object store on the load's core, and nodes on the server's.

    Attributes:
        settings: a node's, with the servers' addresses.

    """

    def __init__(self, stack: ExitStack, root: Path, cores: Cores) -> None:
        self._stack = stack
        self._root = root
        self._cores = cores
        self._parts: dict[str, psutil.Process] = {}
        self._node_ports: list[int] = []
        self._ports = stack.enter_context(Ports())
        folder: Folder = stack.enter_context(opened(root))
        chosen = {name: value for name, value in os.environ.items() if name.startswith("LOCAL_")}
        plan = make(Settings(var_dir=root, local=load(chosen).local), folder, self._ports, nodes=0)
        self.settings = plan.settings
        self._probes = {part.id: part.probe for part in plan.servers}
        for part in plan.servers:
            self._parts[part.id] = self._launch(part.id, list(part.command), dict(part.env), cores.load)
        os.sched_setaffinity(0, {cores.load})
        self._parts["load"] = psutil.Process()

    async def ready(self) -> None:
        """Wait until the servers serve."""
        import trio

        with trio.fail_after(PATIENCE_S):
            for probe in self._probes.values():
                while not await probe():  # noqa: ASYNC110 - another process has no event
                    await trio.sleep(0.05)

    def _launch(self, name: str, command: list[str], env: dict[str, str], core: int) -> psutil.Process:
        with (self._root / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                command,
                env={**os.environ, **env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=lambda: _begin(core),
            )
        self._stack.callback(_end, process)
        return psutil.Process(process.pid)

    def start_node(self, **env: str) -> Node:
        """A node of its own port, ready."""
        name = f"node-{sum(part.startswith('node') for part in self._parts) + 1}"
        port = self._ports.choose(18_800, preferred=None, setting="PORT")
        settings = self.settings
        node_env = {
            "MONGODB_URI": settings.mongodb.uri.get_secret_value(),
            "REDIS_URL": settings.redis.url.get_secret_value(),
            "S3_ENDPOINT_URL": settings.s3.endpoint_url,
            "S3_ACCESS_KEY_ID": settings.s3.access_key_id.get_secret_value(),
            "S3_SECRET_ACCESS_KEY": settings.s3.secret_access_key.get_secret_value(),
            "S3_ADDRESSING_STYLE": settings.s3.addressing_style,
            "VAR_DIR": str(self._root),
            "HOST": HOST,
            "PORT": str(port),
            "NODE_NAME": name,
            **NODE_SETTINGS,
            **env,
        }
        process = self._launch(name, [sys.executable, "-m", "server", "serve"], node_env, self._cores.server)
        self._parts[name] = process
        self._node_ports.append(port)
        log = self._root / f"{name}.log"
        deadline = time.monotonic() + PATIENCE_S
        while not _ready(port):
            if (
                not process.is_running()
                or process.status() == psutil.STATUS_ZOMBIE
                or time.monotonic() > deadline
            ):
                sys.exit(f"error: {name} does not start:\n{log.read_text()[-2000:]}")
            time.sleep(0.05)
        return Node(name, port, process, log)

    def cpu(self) -> dict[str, float]:
        """Seconds of CPU time that each process has used so far, in user and kernel mode; `OTHERS` is what all other programs used of the two cores."""
        used = {}
        for name, process in self._parts.items():
            times = process.cpu_times()
            used[name] = times.user + times.system
        cores = psutil.cpu_times(percpu=True)
        busy = sum(
            sum(cores[core])
            - cores[core].idle
            - cores[core].iowait
            - cores[core].guest
            - cores[core].guest_nice
            for core in {self._cores.server, self._cores.load}
        )
        return {**used, OTHERS: busy - sum(used.values())}

    def wait_quiet(self) -> None:
        """Wait until no node has a client, or anything to write."""
        deadline = time.monotonic() + PATIENCE_S
        while not all(_quiet(port) for port in self._node_ports):
            if time.monotonic() > deadline:
                sys.exit("error: a node does not come to rest")
            time.sleep(0.2)

    def profile(self, node: Node, seconds: float, path: Path) -> subprocess.Popen[bytes]:
        """Record where the node spends its time; the file's ending says the form: .svg, .txt (raw) or .json (speedscope)."""
        form = {".txt": "raw", ".json": "speedscope"}.get(path.suffix, "flamegraph")
        command = ["py-spy", "record", "-p", str(node.process.pid), "-d", str(int(seconds)), "-r", "200"]
        return subprocess.Popen(
            [str(Path(sys.executable).parent / command[0]), *command[1:], "-f", form, "-o", str(path)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


@contextmanager
def running(cores: Cores) -> Iterator[Stack]:
    """Servers, as long as the block."""
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chat-bench-")))
        yield Stack(stack, root, cores)


def _begin(core: int) -> None:
    """In a process that begins: have its core alone, and end with the benchmark however that ends."""
    os.sched_setaffinity(0, {core})
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _ready(port: int) -> bool:
    try:
        return _get(port, "/readyz")[0] == 200
    except OSError:
        return False


def _quiet(port: int) -> bool:
    gauges = dict(line.rsplit(" ", 1) for line in _get(port, "/metrics")[1].splitlines() if line[0] != "#")
    return float(gauges["sockets_open"]) == float(gauges["commit_pending"]) == 0


def _get(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(HOST, port, timeout=PATIENCE_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
