"""Nodes as processes, over the test session's real servers, and the ways in which they end.

`cluster` (in `conftest.py`) gives a module nodes over a database and a Redis prefix of its own:

    node = cluster.start()            # serves when this returns; about 1.5 s
    other = cluster.start(DRAIN_BUDGET_S="2")
    ana = cluster.sign_up(node)
    node.kill()                       # as a power cut would
    node.start()                      # again, on the ports it had

What blocks here is the test's own process: nodes go on.
"""

from __future__ import annotations

import ctypes
import http.client
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import psutil

from server.local_stack.ports import Ports
from tests.servers import Servers, halt

ROOT: Final = Path(__file__).resolve().parents[2]
HOST: Final = "127.0.0.1"
FIRST_PORT: Final = 21_000
"""Below the ports that the kernel gives to outgoing connections."""
PATIENCE_S: Final = 60.0
PAUSE_S: Final = 0.02
PASSWORD: Final = "correct horse"
MIB: Final = 1 << 20

_PR_SET_PDEATHSIG: Final = 1
_BORN_WITH: Final = re.compile(r"(MONGODB|REDIS|S3|ARGON2|CHAT)_")
QUICK: Final = {
    "ARGON2_MEMORY_KIB": "8",
    "ARGON2_ITERATIONS": "1",
    "ARGON2_LANES": "1",
    "HEARTBEAT_S": "0.5",
    "LEASE_S": "2",
    "LOG_FORMAT": "json",
    "SOCKET_IDLE_S": "600",
}
"""Passwords that cost nothing, nodes that are missed soon, and sockets that are kept though their clients, which send no heartbeats, say nothing for minutes."""


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Answer(NamedTuple):
    """Of REST. `json` is `None` where there is no body; names of headers are in lower case."""

    status: int
    json: Any
    headers: dict[str, str]


def request(
    port: int, method: str, path: str, body: Any = None, *, token: str = "", content: bytes = b""
) -> Answer:
    """One request on a connection of its own.

    Args:
        port: of the node.
        method, path: what is asked; the path whole, with `/api/v1`.
        body: sent as JSON.
        token: an access token.
        content: sent as it is, instead of `body`.

    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if body is not None or content:
        headers["Content-Type"] = "application/json"
        content = content or json.dumps(body).encode()
    connection = http.client.HTTPConnection(HOST, port, timeout=PATIENCE_S)
    try:
        connection.request(method, path, content or None, headers)
        answer = connection.getresponse()
        text = answer.read()
        is_json = "json" in answer.headers.get("Content-Type", "")
        return Answer(answer.status, json.loads(text) if is_json else None, _headers(answer))
    finally:
        connection.close()


def _headers(answer: http.client.HTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.headers.items()}


class Account:
    """A user with a signed-in device, and REST calls in their name at a node.

    Attributes:
        node: the node that is asked; may be changed.
        session: what signing in gave.

    """

    def __init__(self, node: Node, session: dict[str, Any], phone: str) -> None:
        self.node = node
        self.session = session
        self.phone = phone

    @property
    def id(self) -> str:
        """Of the user."""
        return str(self.session["user"]["id"])

    @property
    def device_id(self) -> str:
        """Of the device."""
        return str(self.session["device_id"])

    @property
    def token(self) -> str:
        """The access token."""
        return str(self.session["access_token"])

    def call(self, method: str, path: str, body: Any = None) -> Answer:
        """A call below `/api/v1`, whatever the answer."""
        return request(self.node.port, method, f"/api/v1{path}", body, token=self.token)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """A call that has to be taken; what it is answered."""
        answer = self.call(method, path, body)
        assert answer.status < 300, (method, path, answer)
        return answer.json

    def another_device(self) -> Account:
        """The same user, signed in once more."""
        body = {"phone": self.phone, "password": PASSWORD, "device": {"name": "second", "platform": "test"}}
        return Account(self.node, self.ask("POST", "/auth/login", body), self.phone)

    def group(self, *others: Account, title: str = "group", kind: str = "group") -> str:
        """A new group (or channel) with the others; its id."""
        body = {"type": kind, "title": title, "member_ids": [other.id for other in others]}
        return str(self.ask("POST", "/chats", body)["id"])

    def history(self, chat_id: str) -> list[dict[str, Any]]:
        """Every message of the chat, oldest first."""
        found: list[dict[str, Any]] = []
        while True:
            last = found[-1]["seq"] if found else 0
            page = self.ask("GET", f"/chats/{chat_id}/messages?after_seq={last}&limit=200")
            if not page["items"]:
                return found
            found += sorted(page["items"], key=lambda message: message["seq"])


class Node:
    """A node as a process. Made by a `Cluster`.

    Attributes:
        port: its own, which reaches this node alone.
        shared_port: the one that all nodes of its cluster share.

    """

    def __init__(
        self, folder: Path, env: dict[str, str], port: int, shared_port: int, module: str = "server"
    ) -> None:
        self.port = port
        self.shared_port = shared_port
        self._command = [sys.executable, "-m", module, "serve"]
        self._env = env | {"OWN_PORT": str(port), "PORT": str(shared_port), "HOST": HOST}
        self._log = folder / f"node-{port}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process that was launched last."""
        assert self._process is not None, "the node was never started"
        return self._process

    # -- beginning ----------------------------------------------------------------------------------------------

    def launch(self) -> None:
        """Start the process without waiting for it. In the main thread only: the node dies with the thread."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            )

    def wait_ready(self) -> None:
        """Wait until it serves. Raises `AssertionError` with its last words."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"the node ended: {self.said()}"
            if self.readiness() == 200:
                return
            time.sleep(PAUSE_S)
        raise AssertionError(f"the node did not serve within {PATIENCE_S} s: {self.said()}")

    def start(self) -> None:
        """Launch, and wait until it serves."""
        self.launch()
        self.wait_ready()

    def readiness(self) -> int | None:
        """The status of `/readyz`; `None` when nobody answers."""
        try:
            return request(self.port, "GET", "/readyz").status
        except (OSError, http.client.HTTPException):
            return None

    # -- ending -------------------------------------------------------------------------------------------------

    def kill(self) -> None:
        """SIGKILL, and see it gone."""
        self.process.kill()
        self.process.wait()

    def pause(self) -> None:
        """Let it hang: its connections stay open, and nothing is answered."""
        halt(self.process)

    def resume(self) -> None:
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)

    def terminate(self) -> None:
        """SIGTERM, without waiting."""
        self.process.terminate()

    def wait(self, patience_s: float = PATIENCE_S) -> int:
        """Its exit status; negative is a signal's number."""
        return self.process.wait(patience_s)

    def stop(self) -> None:
        """End it if it runs, the quick way."""
        if self._process is not None and self._process.poll() is None:
            self.kill()

    # -- looking ------------------------------------------------------------------------------------------------

    def rss(self) -> int:
        """Bytes of memory that the process has."""
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def connections(self) -> int:
        """How many clients' connections it holds."""
        ports = {self.port, self.shared_port}
        found = psutil.Process(self.process.pid).net_connections("tcp")
        return sum(each.laddr.port in ports and each.status != psutil.CONN_LISTEN for each in found)

    def metrics(self) -> dict[str, float]:
        """Every sample of `/metrics` by name with labels."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=PATIENCE_S)
        try:
            connection.request("GET", "/metrics")
            lines = connection.getresponse().read().decode().splitlines()
        finally:
            connection.close()
        samples = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        return {name: float(value) for name, _, value in samples}

    def log(self, since: int = 0) -> list[dict[str, Any]]:
        """The lines that it has logged, after the first `since` bytes; whatever is no JSON as `{"message": line}`."""
        lines = self._log.read_bytes()[since:].decode(errors="replace").splitlines()
        return [_parsed(line) for line in lines]

    def log_size(self) -> int:
        """Bytes that it has logged so far."""
        return self._log.stat().st_size

    def said(self) -> str:
        """The last lines of its log, for people."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-20:])


def _parsed(line: str) -> dict[str, Any]:
    try:
        parsed = json.loads(line)
    except ValueError:
        return {"message": line}
    return parsed if isinstance(parsed, dict) else {"message": line}


class Cluster:
    """Nodes over one database and one Redis prefix.

    Args:
        servers: what they are built on.
        folder: for logs and control sockets.
        name: of the database; a new one if not given.
        env: settings of every node, after `QUICK`.

    """

    def __init__(self, servers: Servers, folder: Path, *, name: str = "", **env: str) -> None:
        name = name or f"test_{secrets.token_hex(6)}"
        inherited = {key: value for key, value in os.environ.items() if not _BORN_WITH.match(key)}
        own = {"MONGODB_DATABASE": name, "REDIS_PREFIX": f"{name}:", "VAR_DIR": str(folder)}
        self._env = inherited | servers.env | own | QUICK | env
        self._servers = servers
        self._folder = folder
        self._ports = Ports()
        self._phones = count(1)
        self._siblings: list[Cluster] = []
        self.database = name
        self.shared_port = self._port()
        self.nodes: list[Node] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each in (self, *self._siblings):
            for node in each.nodes:
                node.stop()
            each._ports.__exit__(kind, error, trace)

    def sibling(self) -> Cluster:
        """More nodes of the same cluster, which share another port; they end with this one."""
        made = Cluster(self._servers, self._folder, name=self.database)
        self._siblings.append(made)
        return made

    def _port(self) -> int:
        return self._ports.choose(FIRST_PORT, preferred=None, setting="FIRST_PORT")

    def node(self, *, module: str = "server", **env: str) -> Node:
        """A further node, not started yet.

        Args:
            module: what to run instead of the node itself.
            env: settings of its own.

        """
        made = Node(self._folder, self._env | env, self._port(), self.shared_port, module)
        self.nodes.append(made)
        return made

    def start(self, **env: str) -> Node:
        """A further node, serving."""
        node = self.node(**env)
        node.start()
        return node

    def start_many(self, number: int, *, module: str = "server", **env: str) -> list[Node]:
        """Further nodes, started side by side."""
        nodes = [self.node(module=module, **env) for _ in range(number)]
        for node in nodes:
            node.launch()
        for node in nodes:
            node.wait_ready()
        return nodes

    def sign_up(self, node: Node, name: str = "Ana") -> Account:
        """A new user, signed up at this node."""
        phone = f"+4930{next(self._phones):07}"
        body = {
            "name": name,
            "phone": phone,
            "password": PASSWORD,
            "device": {"name": "first", "platform": "test"},
        }
        answer = request(node.port, "POST", "/api/v1/auth/signup", body)
        assert answer.status == 201, answer
        return Account(node, answer.json, phone)

    def sign_up_many(self, node: Node, number: int) -> Iterator[Account]:
        """New users, one after the other."""
        return (self.sign_up(node, f"User {index}") for index in range(number))
