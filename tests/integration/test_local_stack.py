"""`python -m server local` with the real servers: what somebody sees who runs it, stops it, kills it, or runs it where it cannot."""

import http.client
import json
import os
import random
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pymongo
import pytest

pytestmark = pytest.mark.real

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60


def free_ports(count: int) -> int:
    """The first of some ports in a row on which nothing listens: below those that the kernel gives to outgoing connections, and seldom the same twice, since
    nothing keeps them.
    """
    for first in range(random.randrange(22_000, 25_000), 26_000, count):
        with_sockets = [socket.socket() for _ in range(count)]
        try:
            for offset, probe in enumerate(with_sockets):
                probe.bind(("127.0.0.1", first + offset))
        except OSError:
            continue
        else:
            return first
        finally:
            for probe in with_sockets:
                probe.close()
    raise AssertionError("no free ports")


@contextmanager
def taken(port: int) -> Iterator[None]:
    """Another program listens on the port, and hangs up on whoever calls."""

    class Server(socketserver.TCPServer):
        allow_reuse_address = True

    with Server(("127.0.0.1", port), socketserver.BaseRequestHandler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


class Stack:
    """A local stack as a process, in its own folder."""

    def __init__(self, var: Path, *arguments: str, **env: str) -> None:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("MONGODB_", "REDIS_", "S3_"))
        }
        self.var = var
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "server", "local", *arguments],
            cwd=ROOT,
            env={**inherited, "VAR_DIR": str(var), **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def read_until(self, text: str) -> None:
        """Read what it prints up to a line with this text."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if text in line:
                return
        raise AssertionError(f"{text!r} was not printed, but:\n" + "\n".join(self.lines))

    def rest(self) -> list[str]:
        """What it prints until its end."""
        out, _ = self.process.communicate(timeout=PATIENCE_S)
        self.lines += out.splitlines()
        return self.lines

    def descendants(self) -> list[psutil.Process]:
        """Every process below it."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def record(self) -> dict[str, Any]:
        """Where it says that everything listens."""
        record: dict[str, Any] = json.loads((self.var / "run" / "local.json").read_text())
        return record


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Stack]]:
    """Starts stacks; whatever still runs at the end of the test is killed."""
    stacks: list[Stack] = []

    def begin(*arguments: str, var: Path | None = None, **env: str) -> Stack:
        stacks.append(Stack(var or tmp_path / "var", *arguments, **env))
        return stacks[-1]

    yield begin
    for stack in stacks:
        if stack.process.poll() is None:
            stack.process.kill()
        stack.process.communicate()


def wait_gone(processes: list[psutil.Process]) -> None:
    """Wait until the processes have ended; somebody else may have to reap them."""
    deadline = time.monotonic() + PATIENCE_S
    left = processes
    while left and time.monotonic() < deadline:
        left = [p for p in left if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
        time.sleep(0.05)
    assert not left


def insert(stack: Stack, value: int) -> list[int]:
    """Store a value in the stack's database; all values that are there."""
    with pymongo.MongoClient[dict[str, Any]](
        stack.record()["settings"]["MONGODB_URI"], timeoutMS=20_000
    ) as client:
        client["kept"]["values"].insert_one({"value": value})
        return [row["value"] for row in client["kept"]["values"].find().sort("value")]


def test_servers_answer_and_stop_in_reverse_order_leaving_no_process(start: Callable[..., Stack]) -> None:
    stack = start("--nodes", "0")
    stack.read_until("Ready after")
    assert insert(stack, 1) == [1]
    processes = stack.descendants()
    assert {p.name() for p in processes} >= {"mongod", "redis-server", "rclone"}

    stack.process.send_signal(signal.SIGINT)
    stopped = [line for line in stack.rest() if line.endswith("has stopped")]
    assert stopped == ["s3 has stopped", "redis has stopped", "mongodb has stopped"]
    assert stack.process.returncode == 0
    wait_gone(processes)


def test_kill_9_of_the_parent_leaves_no_process_and_the_data(start: Callable[..., Stack]) -> None:
    stack = start("--nodes", "0")
    stack.read_until("Ready after")
    insert(stack, 1)
    processes = stack.descendants()
    stack.process.kill()
    wait_gone(processes)

    again = start("--nodes", "0")
    again.read_until("Ready after")
    assert insert(again, 2) == [1, 2]


def test_a_killed_server_is_started_again(start: Callable[..., Stack]) -> None:
    stack = start("--nodes", "0")
    stack.read_until("Ready after")
    insert(stack, 1)
    next(p for p in stack.descendants() if p.name() == "mongod").kill()
    stack.read_until("mongodb ended unasked: killed by signal 9")
    stack.read_until("mongodb is ready")
    assert insert(stack, 2) == [1, 2]


def test_data_survive_a_change_of_port_because_the_old_one_is_taken(start: Callable[..., Stack]) -> None:
    stack = start("--nodes", "0")
    stack.read_until("Ready after")
    insert(stack, 1)
    port = stack.record()["servers"]["mongodb"]
    stack.process.terminate()
    stack.rest()
    with taken(port):
        again = start("--nodes", "0")
        again.read_until("Ready after")
        assert again.record()["servers"]["mongodb"] != port
        assert insert(again, 2) == [1, 2]


def test_stopping_while_it_starts_starts_nothing_more(start: Callable[..., Stack]) -> None:
    stack = start("--nodes", "0")
    stack.read_until("starting mongodb")
    processes = stack.descendants()
    stack.process.send_signal(signal.SIGINT)
    lines = stack.rest()
    assert stack.process.returncode == 0
    assert not [line for line in lines if line.startswith(("starting s3", "error"))]
    wait_gone(processes)


def test_two_stacks_do_not_share_a_folder(start: Callable[..., Stack]) -> None:
    stack = start("--nodes", "0")
    stack.read_until("Ready after")
    second = start("--nodes", "0")
    lines = second.rest()
    assert second.process.returncode == 2
    assert len(lines) == 1
    assert lines[0].startswith("error: VAR_DIR: ")
    assert f"in use by another local stack (process {stack.process.pid})" in lines[0]


def test_two_stacks_in_two_folders_find_their_own_ports(start: Callable[..., Stack], tmp_path: Path) -> None:
    first, second = start("--nodes", "0"), start("--nodes", "0", var=tmp_path / "other")
    for stack in (first, second):
        stack.read_until("Ready after")
    assert not set(first.record()["servers"].values()) & set(second.record()["servers"].values())


def test_a_given_server_is_used_and_none_of_its_kind_started(
    start: Callable[..., Stack], tmp_path: Path
) -> None:
    first = start("--nodes", "0")
    first.read_until("Ready after")
    uri = first.record()["settings"]["MONGODB_URI"]
    second = start("--nodes", "0", var=tmp_path / "other", MONGODB_URI=uri)
    second.read_until("Ready after")
    assert sorted(second.record()["servers"]) == ["redis", "s3"]
    assert "mongod" not in {p.name() for p in second.descendants()}


def test_a_server_that_does_not_answer_is_one_line_that_names_its_setting(
    start: Callable[..., Stack],
) -> None:
    stack = start("--nodes", "0", MONGODB_URI="mongodb://127.0.0.1:1/?replicaSet=x", MONGODB_TIMEOUT_MS="300")
    errors = [line for line in stack.rest() if line.startswith("error:")]
    assert stack.process.returncode == 2
    assert len(errors) == 1
    assert errors[0].startswith("error: MONGODB_URI: ")


def test_nodes_share_a_port_have_their_own_and_come_back_after_a_kill(start: Callable[..., Stack]) -> None:
    port = free_ports(3)
    stack = start("--nodes", "2", "--port", str(port))
    stack.read_until("Ready after")
    for each in (port, port + 1, port + 2):
        with socket.create_connection(("127.0.0.1", each), timeout=10):
            pass
    processes = stack.descendants()
    next(p for p in processes if p.environ().get("OWN_PORT") == str(port + 2)).kill()
    stack.read_until("node-2 is ready")

    processes = stack.descendants()
    stack.process.terminate()
    stopped = [line for line in stack.rest() if line.endswith("has stopped")]
    assert stopped == [f"{name} has stopped" for name in ("node-2", "node-1", "s3", "redis", "mongodb")]
    assert stack.process.returncode == 0
    wait_gone(processes)


def test_behind_a_proxy_requests_go_to_all_nodes_and_one_that_dies_is_left_out(
    start: Callable[..., Stack],
) -> None:
    port = free_ports(4)
    stack = start("--nodes", "3", "--port", str(port), "--proxy")
    stack.read_until("Ready after")
    stack.read_until(f"nginx        http://127.0.0.1:{port}, in turn to:")

    def status(path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        finally:
            connection.close()

    assert {status("/api/v1/chats") for _ in range(9)} == {401}
    assert "temporarily disabled" not in (stack.var / "log" / "nginx.log").read_text(), (
        "no node was asked too early"
    )
    processes = stack.descendants()
    assert len([p for p in processes if p.name() == "nginx"]) == 1
    next(p for p in processes if p.environ().get("PORT") == str(port + 2)).kill()
    assert {status("/api/v1/chats") for _ in range(9)} == {401}, "nobody notices"
    stack.read_until("node-2 is ready")

    processes = stack.descendants()
    stack.process.terminate()
    stopped = [line for line in stack.rest() if line.endswith("has stopped")]
    names = ("node-3", "node-2", "node-1", "nginx", "s3", "redis", "mongodb")
    assert stopped == [f"{name} has stopped" for name in names]
    assert stack.process.returncode == 0
    wait_gone(processes)


def test_kill_9_of_the_parent_takes_the_proxy_with_it(start: Callable[..., Stack]) -> None:
    stack = start("--nodes", "1", "--port", str(free_ports(2)), "--proxy")
    stack.read_until("Ready after")
    processes = stack.descendants()
    assert "nginx" in {p.name() for p in processes}
    stack.process.kill()
    wait_gone(processes)


def test_kill_9_of_the_parent_takes_nodes_with_it(start: Callable[..., Stack]) -> None:
    stack = start("--nodes", "1", "--port", str(free_ports(2)))
    stack.read_until("Ready after")
    processes = stack.descendants()
    assert len(processes) == 4
    stack.process.kill()
    wait_gone(processes)


def test_secrets_are_among_neither_arguments_nor_output(start: Callable[..., Stack]) -> None:
    stack = start("--nodes", "0")
    stack.read_until("Ready after")
    secrets = stack.var / "secrets" / "s3.json"
    assert secrets.stat().st_mode & 0o777 == 0o600
    secret = json.loads(secrets.read_text())["secret_access_key"]
    commands = [" ".join(p.cmdline()) for p in stack.descendants()]
    stack.process.terminate()
    assert secret not in "\n".join([*commands, *stack.rest(), (stack.var / "run" / "local.json").read_text()])


def test_commands_beside_a_running_stack_use_it(start: Callable[..., Stack]) -> None:
    stack = start("--nodes", "0")
    stack.read_until("Ready after")

    def run(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        env = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("MONGODB_", "REDIS_", "S3_"))
        }
        return subprocess.run(
            [sys.executable, "-m", "server", *arguments],
            cwd=ROOT,
            env={**env, "VAR_DIR": str(stack.var)},
            input=given,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    checked = run("check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert [line.split()[:2] for line in checked.stdout.splitlines()] == [
        ["ok", "settings"],
        ["ok", "mongodb"],
        ["ok", "redis"],
        ["ok", "s3"],
    ]
    prepared = run("init-db")
    assert (prepared.returncode, prepared.stdout) == (0, "The database is up to date.\n")
    assert "note: S3_BUCKET: chat-media takes no CORS rule" in prepared.stderr
    assert "mongodb  (permanent, running" in run("tree").stdout
    made = run(
        "create-operator", "+49 30 123456", "--name", "Ann", "--password-file", "-", given="correct horse"
    )
    assert made.stdout == "Ann (+4930123456) is an operator.\n"
    assert run("create-operator", "+4930123456").stdout == made.stdout
