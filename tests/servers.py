"""The real servers, once per test session: MongoDB (a replica set of one), Redis and an object store, as the local stack runs them.

A test marked `real` takes the fixture `servers` and uses a database, a key prefix or a bucket folder of its own. Whoever kills a server starts it again
before the test ends, with what it kept: `with servers.outage("mongodb"):` does both.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final, Literal

import pytest
import trio

from config.sections import S3Settings
from config.settings import Settings, load
from server.local_stack import plan, probes
from server.local_stack.folder import Folder, opened
from server.local_stack.ports import LOOPBACK, Ports

Name = Literal["mongodb", "redis", "s3", "s3-virtual-hosts"]
PROBE_PAUSE_S: Final = 0.05
_PR_SET_PDEATHSIG: Final = 1
NAMES: Final[tuple[Name, ...]] = ("mongodb", "redis", "s3")
VIRTUAL_HOSTS: Final = "s3-virtual-hosts"
VIRTUAL_HOST: Final = "s3.test"
VIRTUAL_HOSTS_PORT: Final = 29_500


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@dataclass
class _Running:
    process: subprocess.Popen[bytes]
    log: Path

    def say(self) -> str:
        """The last lines that it printed."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-10:])


def halt(process: subprocess.Popen[bytes]) -> None:
    """Stop a process where it is. When this returns none of its threads runs any more: the signal alone is only on its way to them."""
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)


class Servers:
    """The three servers and the settings that lead to them.

    Args:
        folder: where data and logs are.
        parts: what to run.
        settings: a node's settings, with the servers' addresses.

    """

    def __init__(self, folder: Folder, parts: tuple[plan.Part, ...], settings: Settings) -> None:
        self.settings = settings
        self._folder = folder
        self._parts = {part.id: part for part in parts}
        self._running: dict[str, _Running] = {}

    @property
    def mongodb_uri(self) -> str:
        """The connection string of the replica set."""
        return self.settings.mongodb.uri.get_secret_value()

    @property
    def redis_url(self) -> str:
        """Redis' database 0."""
        return self.settings.redis.url.get_secret_value()

    @property
    def s3(self) -> S3Settings:
        """Address, key pair and a bucket that exists."""
        return self.settings.s3

    @property
    def env(self) -> dict[str, str]:
        """The addresses as variables, for a node that runs as a process."""
        return {
            "MONGODB_URI": self.mongodb_uri,
            "REDIS_URL": self.redis_url,
            "S3_ENDPOINT_URL": self.s3.endpoint_url,
            "S3_ACCESS_KEY_ID": self.s3.access_key_id.get_secret_value(),
            "S3_SECRET_ACCESS_KEY": self.s3.secret_access_key.get_secret_value(),
            "S3_BUCKET": self.s3.bucket,
            "S3_ADDRESSING_STYLE": self.s3.addressing_style,
        }

    def process(self, name: Name) -> int:
        """The id of a server's process."""
        return self._running[name].process.pid

    def launch(self, name: Name) -> None:
        """Start a server, with the data it had, on the port it had, without waiting until it serves. In the main thread only: it dies with it."""
        part = self._parts[name]
        path = self._folder.logs / f"{name}.log"
        with path.open("ab") as log:
            process = subprocess.Popen(
                part.command,
                env={**os.environ, **part.env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            )
        self._running[name] = _Running(process, path)

    async def start(self, name: Name) -> None:
        """Start a server and wait until it serves."""
        self.launch(name)
        await self.wait(name)

    async def wait(self, name: Name) -> None:
        """Wait until a server that was launched serves. Raises `AssertionError` with its last words."""
        part, running = self._parts[name], self._running[name]
        with trio.move_on_after(part.ready_s):
            while not await part.probe():
                assert running.process.poll() is None, f"{name} ended: {running.say()}"
                await trio.sleep(PROBE_PAUSE_S)
            return
        raise AssertionError(f"{name} did not serve within {part.ready_s} s: {running.say()}")

    def kill(self, name: Name) -> None:
        """End a server with SIGKILL, as a power cut would, and see it gone."""
        process = self._running[name].process
        process.kill()
        process.wait()

    def pause(self, name: Name) -> None:
        """Let a server hang: its connections stay open, and nothing is answered."""
        halt(self._running[name].process)

    def resume(self, name: Name) -> None:
        """Let it go on."""
        self._running[name].process.send_signal(signal.SIGCONT)

    @asynccontextmanager
    async def outage(self, name: Name) -> AsyncIterator[None]:
        """Killed at the beginning of the block, serving again at its end."""
        self.kill(name)
        try:
            yield
        finally:
            with trio.CancelScope(shield=True):
                await self.start(name)

    @asynccontextmanager
    async def virtual_hosts(self) -> AsyncIterator[S3Settings]:
        """A second object store, which takes the bucket's name from the host that it is asked for, and nothing else.

        That its host's names lead here is what the test has to see to: a machine need not resolve them.
        """
        with Ports() as ports, tempfile.TemporaryDirectory(prefix="chat-virtual-hosts-") as data:
            port = ports.choose(VIRTUAL_HOSTS_PORT, preferred=None, setting="tests")
            part = self._parts["s3"]
            (Path(data) / self.s3.bucket).mkdir()
            *command, _ = part.command
            command[command.index("--addr") + 1] = f"{LOOPBACK}:{port}"
            self._parts[VIRTUAL_HOSTS] = replace(
                part,
                command=(*command, "--force-path-style=false", data),
                probe=partial(probes.s3_answers, port),
            )
            try:
                await self.start(VIRTUAL_HOSTS)
                yield self.s3.model_copy(
                    update={
                        "endpoint_url": f"http://{VIRTUAL_HOST}:{port}",
                        "addressing_style": "virtual",
                    }
                )
            finally:
                self.kill(VIRTUAL_HOSTS)

    async def start_all(self) -> None:
        """Start the three side by side."""
        for name in NAMES:
            self.launch(name)
        async with trio.open_nursery() as nursery:
            for name in NAMES:
                nursery.start_soon(self.wait, name)

    def kill_all(self) -> None:
        """End them all; their data are thrown away anyway."""
        for running in self._running.values():
            running.process.kill()
        for running in self._running.values():
            running.process.wait()


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """MongoDB, Redis and an object store of this test session's own."""
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chat-servers-")))
        folder = stack.enter_context(opened(root))
        ports = stack.enter_context(Ports())
        # Which program to run may be set; which server to use may not: these tests kill servers and write what they like.
        chosen = {name: value for name, value in os.environ.items() if name.startswith("LOCAL_")}
        asked = Settings(var_dir=root, local=load(chosen).local)
        made = plan.make(asked, folder, ports, nodes=0)
        servers = Servers(folder, made.servers, made.settings)
        stack.callback(servers.kill_all)
        trio.run(servers.start_all)
        yield servers
