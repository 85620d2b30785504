"""nginx before nodes, with the configurations that operators copy."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from server.local_stack.binaries import NGINX
from server.local_stack.ports import Ports
from tests.integration.nodes import FIRST_PORT, HOST, PATIENCE_S, PAUSE_S, Node
from tests.servers import _die_with_parent

DEPLOY: Final = Path(__file__).resolve().parents[2] / "config" / "deploy"


def sample(name: str = "nginx.conf") -> str:
    """A sample's text."""
    return (DEPLOY / name).read_text()


def addresses(nodes: list[Node]) -> list[str]:
    """Where nodes are reached alone."""
    return [f"{HOST}:{node.port}" for node in nodes]


@contextmanager
def free_port() -> Iterator[int]:
    """A port for as long as the block lasts."""
    with Ports() as ports:
        yield ports.choose(FIRST_PORT, preferred=None, setting="FIRST_PORT")


@contextmanager
def serving(configuration: str, port: int, folder: Path) -> Iterator[Path]:
    """nginx with this configuration, listening; its log."""
    folder.mkdir(parents=True, exist_ok=True)
    path, log = folder / "nginx.conf", folder / "nginx.log"
    path.write_text(configuration)
    command = [NGINX.find(""), "-p", str(folder), "-c", str(path), "-g", "daemon off; master_process off;"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )
    try:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            assert process.poll() is None, log.read_text()
            try:
                socket.create_connection((HOST, port), timeout=1).close()
                break
            except OSError:
                time.sleep(PAUSE_S)
        else:
            raise AssertionError(log.read_text())
        yield log
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
