"""A child that is a process of the operating system.

It is ready when a probe says so, is asked to stop with SIGTERM, and its unasked end is a crash with its exit status and last words. Like every child
it is cancelled when its budget runs out, and a cancelled process is killed. It leads a process group of its own: a Ctrl-C at the terminal does not
reach it, and whatever it started and left in that group is killed with it or after it.

On Linux the kernel also kills it when this process dies, however that happens (`PR_SET_PDEATHSIG`). "Parent" means the *thread* that forked: when that
thread ends, so does the process. So it is forked in Trio's thread. `trio.run_process` and `trio.lowlevel.open_process` fork in a worker thread, which
ends after ten idle seconds.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Final

import trio

from supervisors.child import Child
from supervisors.exits import SupervisionError
from supervisors.spec import ChildSpec, Restart

PROBE_PAUSE_S: Final = 0.05
"""Seconds between two probes."""
DRAIN_S: Final = 1.0
"""Seconds to wait, after the end of a process, for the end of its output: somebody outside its group may hold the pipe."""
_POLL_S: Final = 0.02
_LAST_WORDS: Final = 10
_LONGEST_LINE: Final = 65536
_ASKED_TO_STOP: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_PR_SET_PDEATHSIG: Final = 1


class ProcessExited(SupervisionError):
    """The process ended without having been asked to. `status` is as in `subprocess`: negative for a signal."""

    def __init__(self, command: str, status: int, last_words: Sequence[str]) -> None:
        how = f"was killed by {_signal_name(-status)}" if status < 0 else f"ended with status {status}"
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
        on_line: gets each line that it prints, standard error included.
        ready_s: seconds until the probe must have succeeded.
        stop_signal: asks it to stop; sent to the process alone, which knows best how to stop what it has started.
        stop_s: seconds from then until its group is killed.

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
    return ChildSpec(child_id, run_process, (program,), restart=restart, shutdown=program.stop_s)


async def run_process(child: Child, program: Program) -> None:
    """Run the process until it is asked to stop; cancelled, kill it. Returns only when nothing of it is left.

    Raises:
        OSError: it cannot be run.
        ProcessExited: it ended unasked.
        ExceptionGroup: of `ProcessNotReady`, or of what `probe` or `on_line` raised.

    """
    read_end, write_end = os.pipe()
    output = trio.lowlevel.FdStream(read_end)
    try:
        process = _spawn(program, write_end)
    except BaseException:
        output.close()
        raise
    finally:
        os.close(write_end)
    reader = _Reader(output, program.on_line)
    async with trio.open_nursery() as nursery:
        try:
            nursery.start_soon(reader.run)
            nursery.start_soon(_stop_on_request, child, process, program)
            nursery.start_soon(_report_ready, child, program)
            await _ended(process)
            asked = child.stopping
        finally:
            with trio.CancelScope(shield=True):
                status = await _kill_and_reap(process)
                await reader.drain()
        nursery.cancel_scope.cancel()
    if not asked:
        raise ProcessExited(program.command[0], status, list(reader.last))


def _spawn(program: Program, output: int) -> subprocess.Popen[bytes]:
    before_program = None
    if sys.platform == "linux":
        _libc()  # loaded here: between fork and exec, locks that other threads held stay locked
        before_program = partial(_die_with_parent, os.getpid())
    return subprocess.Popen(  # noqa: S603 - the tree's own configuration
        list(program.command),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        env={**os.environ, **program.env},
        cwd=program.cwd,
        start_new_session=True,
        preexec_fn=before_program,
    )


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def _die_with_parent(parent: int) -> None:
    """Runs in the new process before the program: have the kernel kill it when the thread that forked it ends.

    It can be asked to stop even if this process was started with such signals ignored, as shells start what is to run in the background.
    """
    for number in _ASKED_TO_STOP:
        signal.signal(number, signal.SIG_DFL)
    _libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


async def _ended(process: subprocess.Popen[bytes]) -> None:
    """Wait until the process has ended. Where the system can tell so without reaping it, it is not reaped."""
    if sys.platform == "linux":
        try:
            pidfd = os.pidfd_open(process.pid)
        except OSError:
            pass  # an old kernel, or a sandbox that does not know the call
        else:
            try:
                await trio.lowlevel.wait_readable(pidfd)
            finally:
                os.close(pidfd)
            return
    while process.poll() is None:  # noqa: ASYNC110 - nothing portable reports it
        await trio.sleep(_POLL_S)


async def _kill_and_reap(process: subprocess.Popen[bytes]) -> int:
    """Kill what is left of the process's group, the process itself included, and take its status.

    Before it is reaped, because until then nobody else can get the number of the group.
    """
    with suppress(ProcessLookupError, PermissionError):  # PermissionError: macOS, for a group of zombies
        os.killpg(process.pid, signal.SIGKILL)
    await _ended(process)
    return process.wait()


class _Reader:
    """Cuts what a process prints into lines. Goes on while the process is being killed: cancelling is for `drain`."""

    def __init__(self, output: trio.lowlevel.FdStream, on_line: Callable[[str], None] | None) -> None:
        self.last: deque[str] = deque(maxlen=_LAST_WORDS)
        self._output = output
        self._on_line = on_line
        self._rest = b""
        self._scope = trio.CancelScope(shield=True)
        self._done = trio.Event()

    async def run(self) -> None:
        """Read to the end of the output."""
        try:
            with closing(self._output), self._scope:
                async for data in self._output:
                    self._feed(data)
            self._say(self._rest)  # what came after the last line break
        finally:
            self._done.set()

    async def drain(self) -> None:
        """Wait for the rest, but not for ever: it may explain the end."""
        with trio.move_on_after(DRAIN_S):
            await self._done.wait()
        self._scope.cancel()
        await self._done.wait()

    def _feed(self, data: bytes | bytearray) -> None:
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest[-_LONGEST_LINE:]
        for line in lines:
            self._say(line)

    def _say(self, raw: bytes) -> None:
        line = raw.decode(errors="replace").rstrip()
        if line:
            self.last.append(line)
            if self._on_line is not None:
                self._on_line(line)


async def _stop_on_request(child: Child, process: subprocess.Popen[bytes], program: Program) -> None:
    await child.stop_requested()
    if process.returncode is None:  # not yet reaped, so the number is still its own
        os.kill(process.pid, program.stop_signal)


async def _report_ready(child: Child, program: Program) -> None:
    if program.probe is not None:
        with trio.move_on_after(program.ready_s) as limit:
            while not await program.probe():  # noqa: ASYNC110 - another process sets no event here
                await trio.sleep(PROBE_PAUSE_S)
        if limit.cancelled_caught:
            raise ProcessNotReady(f"{program.command[0]} did not serve within {program.ready_s} s")
    child.ready()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # real-time signals have no name
        return f"signal {number}"
