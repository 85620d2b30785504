"""A child that is a process of the operating system.

It is ready when a probe says so, is asked to stop with SIGTERM and killed past its budget, and its unasked end is a crash with its exit status and last
words. On Linux the kernel kills it when this process dies, however that happens (`PR_SET_PDEATHSIG`).
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import trio

from supervisors.child import Child
from supervisors.exits import SupervisionError
from supervisors.spec import ChildSpec, Restart

PROBE_PAUSE_S: Final = 0.05
KILL_GRACE_S: Final = 2.0
"""Of a child's budget, what is kept back for SIGKILL to take effect."""
_LAST_WORDS: Final = 10
_PR_SET_PDEATHSIG: Final = 1


class ProcessExited(SupervisionError):
    """The process ended without having been asked to. `status` is as in `subprocess`: negative for a signal."""

    def __init__(self, command: str, status: int, last_words: Sequence[str]) -> None:
        how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        super().__init__(f"{command} {how}" + (": " + " | ".join(last_words) if last_words else ""))
        self.command = command
        self.status = status
        self.last_words = tuple(last_words)


class ProcessNotReady(SupervisionError):
    """The process ran, but its probe did not succeed in time."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run.

    Attributes:
        command: program and arguments.
        probe: returns whether the process serves; called until it says so. `None`: ready at once.
        env: variables to set besides the inherited ones.
        cwd: its working directory.
        on_line: gets each line that it prints.
        ready_s: seconds until the probe must have succeeded.
        stop_signal: asks it to stop.
        stop_s: seconds until it is killed.

    """

    command: Sequence[str]
    probe: Callable[[], Awaitable[bool]] | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str | None = None
    on_line: Callable[[str], None] | None = None
    ready_s: float = 30.0
    stop_signal: signal.Signals = signal.SIGTERM
    stop_s: float = 10.0


def process_child(child_id: str, program: Program, *, restart: Restart = Restart.PERMANENT) -> ChildSpec:
    """The specification of a process as a child."""
    return ChildSpec(
        child_id, run_process, (program,), restart=restart, shutdown=program.stop_s + KILL_GRACE_S
    )


async def run_process(child: Child, program: Program) -> None:
    """Run the process until it is asked to stop. Raises `ProcessExited`, `ProcessNotReady`, `OSError`."""
    process = await trio.lowlevel.open_process(
        list(program.command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **program.env},
        cwd=program.cwd,
        start_new_session=True,
        preexec_fn=partial(_die_with_parent, os.getpid()) if sys.platform == "linux" else None,
    )
    last_words: deque[str] = deque(maxlen=_LAST_WORDS)
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_read_lines, process, program, last_words)
            nursery.start_soon(_stop_on_request, child, process, program)
            nursery.start_soon(_report_ready, child, program)
            status = await process.wait()
            with trio.move_on_after(0.2):  # what it printed last may explain its end
                await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()
    finally:
        with trio.CancelScope(shield=True):
            await _kill(process)
    if not child.stopping:
        raise ProcessExited(program.command[0], status, list(last_words))


def _die_with_parent(parent: int) -> None:
    """Runs in the new process before the program: have the kernel kill it when its parent dies."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


async def _read_lines(process: trio.Process, program: Program, last_words: deque[str]) -> None:
    assert process.stdout is not None
    rest = b""
    async for chunk in process.stdout:
        *lines, rest = (rest + chunk).split(b"\n")
        rest = rest[-65536:]
        for raw in lines:
            line = raw.decode(errors="replace").rstrip()
            last_words.append(line)
            if program.on_line is not None:
                program.on_line(line)


async def _stop_on_request(child: Child, process: trio.Process, program: Program) -> None:
    await child.stop_requested()
    _signal_group(process, program.stop_signal)
    await trio.sleep(program.stop_s)
    _signal_group(process, signal.SIGKILL)


async def _report_ready(child: Child, program: Program) -> None:
    if program.probe is not None:
        with trio.move_on_after(program.ready_s) as limit:
            while not await program.probe():  # noqa: ASYNC110 - another process sets no event here
                await trio.sleep(PROBE_PAUSE_S)
        if limit.cancelled_caught:
            raise ProcessNotReady(f"{program.command[0]} did not serve within {program.ready_s} s")
    child.ready()


def _signal_group(process: trio.Process, number: signal.Signals) -> None:
    if process.returncode is None:
        process.send_signal(number)


async def _kill(process: trio.Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()
    if process.stdout is not None:
        await process.stdout.aclose()
