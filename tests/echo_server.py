"""`scripts/websocket-echo` as a process of its own, for tests that talk to it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class EchoServer:
    port: int
    process: subprocess.Popen[str]


@contextmanager
def echo_server(*options: str) -> Iterator[EchoServer]:
    """A server on a free port, until the block ends."""
    command = [sys.executable, "-m", "scripts.websocket_echo", "0", *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said, _, port = process.stdout.readline().strip().rpartition(":")
            assert said == "listening on 127.0.0.1"
            yield EchoServer(int(port), process)
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
