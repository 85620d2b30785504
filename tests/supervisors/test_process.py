"""Children that are processes. These run real ones, in real time, and wait for what these do, never for a time."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import trio

from supervisors import (
    ChildExited,
    ChildStarted,
    Crash,
    Killed,
    ProcessExited,
    ProcessNotReady,
    Program,
    Restart,
    Shutdown,
    StartError,
    Supervisor,
    open_supervisor,
    process_child,
)
from tests.supervisors.workers import ASKED, Journal

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal")
PATIENCE_S = 60.0
"""How long a test waits for something that should happen at once."""


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def _open_files() -> int:
    return len(list(Path("/dev/fd").iterdir()))


class Lines:
    """What a process has printed, and a way to wait for a line."""

    def __init__(self) -> None:
        self.all: list[str] = []
        self._send, self._receive = trio.open_memory_channel[str](1000)

    def __call__(self, line: str) -> None:
        self.all.append(line)
        self._send.send_nowait(line)

    async def next(self) -> str:
        with trio.fail_after(PATIENCE_S):
            return await self._receive.receive()

    async def after(self, word: str) -> str:
        """The rest of the next line that begins with a word."""
        while not (line := await self.next()).startswith(word):
            pass
        return line.removeprefix(word).strip()


async def _gone(pid: int) -> None:
    """Wait for the end of a process that need not be a child of this one."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        with trio.fail_after(PATIENCE_S):
            await trio.lowlevel.wait_readable(pidfd)
    finally:
        os.close(pidfd)


def _supervisor(journal: Journal, program: Program, **flags: Any) -> Supervisor:
    restart = flags.pop("restart", Restart.PERMANENT)
    return Supervisor(
        [process_child("p", program, restart=restart)], name="root", telemetry=journal.telemetry, **flags
    )


async def _event(journal: Journal, kind: type) -> Any:
    seen = trio.Event()
    journal.telemetry.subscribe(lambda event: seen.set() if isinstance(event, kind) else None)
    if not journal.of(kind):
        with trio.fail_after(PATIENCE_S):
            await seen.wait()
    return journal.of(kind)[-1]


async def test_it_is_asked_to_stop_with_sigterm_and_has_its_time(journal: Journal) -> None:
    lines = Lines()
    program = Program(
        ["sh", "-c", "trap 'echo tidying up; exit 0' TERM; echo up; while :; do sleep 0.01; done"],
        on_line=lines,
    )
    async with open_supervisor(_supervisor(journal, program)):
        assert await lines.next() == "up"
    assert lines.all == ["up", "tidying up"]
    assert journal.exits("p") == [ASKED]


async def test_the_stop_signal_can_be_another_one(journal: Journal) -> None:
    lines = Lines()
    program = Program(
        ["sh", "-c", "trap 'echo interrupted; exit 7' INT; echo up; while :; do sleep 0.01; done"],
        on_line=lines,
        stop_signal=signal.SIGINT,
    )
    async with open_supervisor(_supervisor(journal, program)):
        await lines.next()
    assert lines.all[-1] == "interrupted"
    assert journal.exits("p") == [ASKED]  # it was asked, so its status is its own affair


async def test_past_its_budget_it_is_killed_and_reported_so(journal: Journal) -> None:
    lines = Lines()
    code = """import os, signal, time
signal.signal(signal.SIGTERM, lambda *_: print('not now', flush=True))
print('pid', os.getpid(), flush=True)
while True: time.sleep(10)"""
    async with open_supervisor(_supervisor(journal, Program(python(code), on_line=lines, stop_s=0.2))):
        pid = int(await lines.after("pid"))
    assert lines.all[-1] == "not now"
    assert journal.exits("p") == [Killed()]
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_its_unasked_end_is_a_crash_with_status_and_last_words_and_it_is_restarted(
    journal: Journal, tmp_path: Path
) -> None:
    once = tmp_path / "once"
    lines = Lines()
    code = f"if [ -e {once} ]; then echo again; sleep 100; fi; touch {once}; seq 1 20; printf 'no line end' >&2; exit 3"
    async with open_supervisor(_supervisor(journal, Program(["sh", "-c", code], on_line=lines))):
        await lines.after("again")
    crash, after = journal.exits("p")
    assert isinstance(crash, Crash)
    (error,) = crash.leaves
    assert isinstance(error, ProcessExited)
    assert error.status == 3
    assert error.last_words == (*(str(n) for n in range(12, 21)), "no line end")
    assert str(error).startswith("sh ended with status 3: 12 | 13 |")
    assert after == ASKED


async def test_its_last_words_are_waited_for_when_its_end_is_noticed_first(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive = trio.lowlevel.FdStream.receive_some

    async def late(stream: trio.lowlevel.FdStream, most: int | None = None) -> bytes | bytearray:
        await trio.sleep(0.1)
        return await receive(stream, most)

    monkeypatch.setattr(trio.lowlevel.FdStream, "receive_some", late)
    root = _supervisor(journal, Program(["sh", "-c", "echo why; exit 1"]), restart=Restart.TEMPORARY)
    async with open_supervisor(root):
        event = await _event(journal, ChildExited)
    assert event.exit.leaves[0].last_words == ("why",)


async def test_its_end_with_status_zero_is_a_crash_too_when_nobody_asked(journal: Journal) -> None:
    root = _supervisor(journal, Program(["true"]), restart=Restart.TEMPORARY)
    async with open_supervisor(root):
        event: ChildExited = await _event(journal, ChildExited)
    assert isinstance(event.exit, Crash)
    assert "true ended with status 0" in str(event.exit.leaves[0])


@pytest.mark.parametrize(
    ("number", "words"),
    [(signal.SIGKILL, "was killed by SIGKILL"), (signal.SIGRTMIN + 1, "was killed by signal ")],
)
async def test_a_signal_that_ended_it_is_named(number: int, words: str, journal: Journal) -> None:
    root = _supervisor(journal, Program(["sh", "-c", f"kill -{number:d} $$"]), restart=Restart.TEMPORARY)
    async with open_supervisor(root):
        event = await _event(journal, ChildExited)
    assert words in str(event.exit.leaves[0])
    assert event.exit.leaves[0].status == -number


async def test_it_is_ready_when_its_probe_says_so(journal: Journal, tmp_path: Path) -> None:
    serves = tmp_path / "serves"
    asked = 0

    async def probe() -> bool:
        nonlocal asked
        asked += 1
        if asked == 2:
            serves.touch()
        return asked == 3

    code = f"while [ ! -e {serves} ]; do sleep 0.01; done; echo serving; sleep 100"
    async with open_supervisor(_supervisor(journal, Program(["sh", "-c", code], probe=probe))):
        assert asked == 3
        assert journal.of(ChildStarted) == [ChildStarted("root/p")]


async def test_a_probe_that_does_not_succeed_in_time_is_a_start_failure_and_the_process_is_killed(
    journal: Journal,
) -> None:
    lines = Lines()

    async def never() -> bool:
        return False

    program = Program(["sh", "-c", "echo pid $$; sleep 100"], probe=never, ready_s=0.2, on_line=lines)
    with pytest.raises(StartError) as caught:
        await _supervisor(journal, program).run()
    assert isinstance(caught.value.cause, Crash)
    (error,) = caught.value.cause.leaves
    assert isinstance(error, ProcessNotReady)
    await _gone(int(await lines.after("pid")))


async def test_a_probe_that_hangs_is_given_up_too(journal: Journal) -> None:
    program = Program(["sleep", "100"], probe=trio.sleep_forever, ready_s=0.1)
    with pytest.raises(StartError, match="did not serve within"):
        await _supervisor(journal, program).run()


async def test_one_that_ends_before_its_probe_succeeds_is_a_start_failure_with_its_last_words(
    journal: Journal,
) -> None:
    async def never() -> bool:
        return False

    program = Program(["sh", "-c", "echo address in use; exit 48"], probe=never)
    with pytest.raises(StartError, match="address in use"):
        await _supervisor(journal, program).run()


@pytest.mark.parametrize("command", ["/nowhere/program", "/"])
async def test_one_that_cannot_be_run_is_a_start_failure_and_leaves_no_pipe_open(
    command: str, journal: Journal
) -> None:
    before = _open_files()
    with pytest.raises(StartError) as caught:
        await _supervisor(journal, Program([command])).run()
    assert isinstance(caught.value.__cause__, OSError)
    assert _open_files() == before


async def test_stopping_while_the_probe_waits_ends_it_in_an_orderly_way(journal: Journal) -> None:
    lines = Lines()

    async def never() -> bool:
        return False

    root = _supervisor(journal, Program(["sh", "-c", "echo up; sleep 100"], probe=never, on_line=lines))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(root.run)
        await lines.next()
        root.request_stop()
    assert journal.exits("p") == [ASKED]


async def test_cancellation_from_outside_kills_it_and_waits_for_its_end(journal: Journal) -> None:
    lines = Lines()
    with trio.CancelScope() as scope:
        async with open_supervisor(
            _supervisor(journal, Program(["sh", "-c", "trap '' TERM; echo pid $$; sleep 100"], on_line=lines))
        ):
            pid = int(await lines.after("pid"))
            scope.cancel()
            await trio.sleep_forever()
    assert scope.cancelled_caught
    assert journal.exits("p") == [Shutdown("cancelled")]
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize("how", ["stop", "crash"])
async def test_what_it_started_and_left_behind_is_killed_with_its_group(how: str, journal: Journal) -> None:
    lines = Lines()
    end = "exec sleep 100" if how == "stop" else "exit 1"
    program = Program(["sh", "-c", f"sleep 100 & echo pid $!; {end}"], on_line=lines)
    async with open_supervisor(_supervisor(journal, program, restart=Restart.TEMPORARY)):
        pid = int(await lines.after("pid"))
        if how == "crash":
            await _event(journal, ChildExited)
    await _gone(pid)


async def test_output_held_open_by_a_process_outside_the_group_does_not_hold_up_the_end(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("supervisors.process.DRAIN_S", 0.1)
    lines = Lines()
    code = """import os, subprocess, sys
print('pid', subprocess.Popen(['sleep', '100'], start_new_session=True).pid, flush=True)
sys.exit(5)"""
    root = _supervisor(journal, Program(python(code), on_line=lines), restart=Restart.TEMPORARY)
    async with open_supervisor(root):
        event = await _event(journal, ChildExited)
    os.kill(int(await lines.after("pid")), signal.SIGKILL)
    assert event.exit.leaves[0].status == 5


async def test_a_listener_for_lines_that_raises_is_a_crash_and_the_process_is_killed(
    journal: Journal,
) -> None:
    def broken(line: str) -> None:
        raise ValueError(line)

    program = Program(["sh", "-c", "echo pid $$; exec sleep 100"], on_line=broken)
    async with open_supervisor(_supervisor(journal, program, restart=Restart.TEMPORARY)):
        event = await _event(journal, ChildExited)
    (error,) = event.exit.leaves
    assert isinstance(error, ValueError)
    await _gone(int(str(error).removeprefix("pid ")))


async def test_lines_are_decoded_whatever_they_contain(journal: Journal) -> None:
    lines = Lines()
    code = r"import sys; sys.stdout.buffer.write(b'gr\xc3\xbc\xc3\x9fe\r\n\xff\n' + b'x' * 200_000 + b'\n')"
    root = _supervisor(journal, Program(python(code), on_line=lines), restart=Restart.TEMPORARY)
    async with open_supervisor(root):
        await _event(journal, ChildExited)
    assert lines.all[:2] == ["grüße", "\ufffd"]
    assert set(lines.all[2]) == {"x"}


async def test_it_gets_variables_and_working_directory(journal: Journal, tmp_path: Path) -> None:
    lines = Lines()
    program = Program(
        ["sh", "-c", "echo $GREETING; pwd -P; echo ${PATH:+inherited}"],
        env={"GREETING": "hello"},
        cwd=str(tmp_path),
        on_line=lines,
    )
    async with open_supervisor(_supervisor(journal, program, restart=Restart.TEMPORARY)):
        await _event(journal, ChildExited)
    assert (lines.all[0], Path(lines.all[1]).name, lines.all[2]) == ("hello", tmp_path.name, "inherited")


async def test_a_terminal_interrupt_does_not_reach_it(journal: Journal) -> None:
    lines = Lines()
    async with open_supervisor(
        _supervisor(journal, Program(["sh", "-c", "echo pid $$; exec sleep 100"], on_line=lines))
    ):
        pid = int(await lines.after("pid"))
        assert os.getpgid(pid) == os.getsid(pid) == pid


async def test_where_the_system_has_no_pidfd_its_end_is_noticed_all_the_same(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(pid: int, flags: int = 0) -> int:
        raise OSError(38, "not implemented")

    monkeypatch.setattr(os, "pidfd_open", refuse, raising=False)
    root = _supervisor(journal, Program(["sh", "-c", "echo bye; exit 4"]), restart=Restart.TEMPORARY)
    async with open_supervisor(root):
        event = await _event(journal, ChildExited)
    assert (event.exit.leaves[0].status, event.exit.leaves[0].last_words) == (4, ("bye",))


# -- the death of the parent -------------------------------------------------------------------------------------------

PARENT = """
import trio
from supervisors import Program, Supervisor, open_supervisor, process_child

async def main():
    program = Program(["sh", "-c", "trap '' TERM INT HUP; echo pid $$; while :; do sleep 0.05; done"],
                      on_line=lambda line: print(line, flush=True))
    async with open_supervisor(Supervisor([process_child("p", program)])):
        await trio.sleep_forever()

trio.run(main)
"""


def _run_parent() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE)


@LINUX
async def test_kill_9_of_the_parent_takes_the_process_with_it() -> None:
    parent = _run_parent()
    assert parent.stdout is not None
    try:
        ready, _, _ = select.select([parent.stdout], [], [], PATIENCE_S)
        assert ready
        pid = int(parent.stdout.readline().split()[1])
        os.kill(pid, 0)
    finally:
        parent.kill()
        parent.wait()
        parent.stdout.close()
    await _gone(pid)


@LINUX
async def test_it_is_forked_in_trios_thread_to_which_its_parent_death_signal_belongs(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []

    class Recorded(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            threads.append(threading.current_thread())
            super().__init__(*args, **kwargs)

    monkeypatch.setattr(subprocess, "Popen", Recorded)
    async with open_supervisor(_supervisor(journal, Program(["sleep", "100"]))):
        assert threads == [threading.current_thread()]


@LINUX
async def test_it_outlives_trios_worker_threads(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """They end when idle: forked in one of them, it would be killed then."""
    monkeypatch.setattr("trio._core._thread_cache.IDLE_TIMEOUT", 0.01)
    lines = Lines()
    async with open_supervisor(
        _supervisor(journal, Program(["sh", "-c", "while :; do echo alive; sleep 0.01; done"], on_line=lines))
    ):
        worker = await trio.to_thread.run_sync(threading.current_thread)
        with trio.fail_after(PATIENCE_S):
            while worker.is_alive():
                await trio.lowlevel.checkpoint()
        seen = len(lines.all)
        while len(lines.all) < seen + 20:
            await lines.next()
        assert journal.of(ChildExited) == []
