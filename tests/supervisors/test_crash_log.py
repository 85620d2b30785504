"""Crash reports, kept for whoever looks at the tree, and the tree with only so much of it as can be looked at."""

from __future__ import annotations

from trio.testing import MockClock

from supervisors import CrashLog, Node, Supervisor, Telemetry, open_supervisor, pruned, snapshot
from supervisors.crash_log import MOST_CHARACTERS, MOST_PER_CHILD
from supervisors.exits import Crash
from supervisors.telemetry import ChildExited, ChildStarted
from tests.supervisors.workers import Boom, Journal


def crashed(path: str, reason: str = "gone") -> ChildExited:
    try:
        raise Boom(reason)
    except Boom as error:
        return ChildExited(path, Crash(error), 1.5, 2)


def node(path: str, *children: Node, restarts: int = 0, mailbox: int | None = None) -> Node:
    return Node(
        path=path,
        id=path.rpartition("/")[2],
        type="worker",
        restart="permanent",
        state="running",
        restarts=restarts,
        uptime_s=1.0,
        mailbox=mailbox,
        last_crash=None,
        children=children,
    )


def log_of(*events: ChildExited | ChildStarted, most: int = 200) -> CrashLog:
    log = CrashLog(lambda: 7, lambda text: text.replace("hunter2", "[hidden]"), most=most)
    for event in events:
        log(event)
    return log


async def test_a_crash_is_shown_at_its_child(journal: Journal, autojump_clock: MockClock) -> None:
    log = CrashLog(lambda: 42)
    worker = journal.worker("redis")
    inner = Supervisor([worker.spec], name="inner")
    root = Supervisor([inner.spec("stores")], name="node", telemetry=Telemetry(log))
    async with open_supervisor(root):
        await worker.crash()
        shown = log.shown_in(snapshot(root))
    (report,) = shown.children[0].children[0].crashes
    assert (report.child, report.at, report.restarts) == ("node/stores/redis", 42, 0)
    assert report.reason.startswith("Boom")
    assert "Traceback" in report.traceback
    assert not shown.crashes
    assert not shown.children[0].crashes


def test_that_of_a_child_that_is_gone_is_shown_at_what_is_left_above_it() -> None:
    tree = node("n", node("n/a", node("n/a/b")), node("n/ab"))
    log = log_of(crashed("n/a/gone/deep"), crashed("n/other"), crashed("n/ab"), crashed("n/a/b"))
    shown = log.shown_in(tree)
    assert [report.child for report in shown.crashes] == ["n/other"]
    a, ab = shown.children
    assert [report.child for report in a.crashes] == ["n/a/gone/deep"]
    assert [report.child for report in a.children[0].crashes] == ["n/a/b"]
    assert [report.child for report in ab.crashes] == ["n/ab"]


def test_what_nobody_may_read_is_taken_out() -> None:
    log = log_of(crashed("n", "the password hunter2 is wrong"))
    (report,) = log.shown_in(node("n")).crashes
    assert "[hidden]" in report.reason
    assert "[hidden]" in report.traceback
    assert "hunter2" not in report.traceback


def test_only_so_much_is_kept() -> None:
    log = log_of(*[crashed("n", f"{n} " + "x" * 9_000) for n in range(20)], ChildStarted("n"), most=10)
    shown = log.shown_in(node("n")).crashes
    assert len(shown) == MOST_PER_CHILD
    assert [report.reason.split()[1] for report in shown] == ["19", "18", "17", "16", "15"]
    assert all(len(report.traceback) <= MOST_CHARACTERS >= len(report.reason) for report in shown)
    assert len(log._kept) == 10


def test_of_many_children_those_that_stand_out_are_shown_and_the_rest_is_counted() -> None:
    many = [node(f"n/{n}", restarts=int(n == 70), mailbox=int(n == 90)) for n in range(100)]
    tree = pruned(node("n", *many), 4)
    assert [child.id for child in tree.children] == ["0", "1", "70", "90"]
    assert tree.hidden == 96
    assert pruned(tree, 2).hidden == 98
    assert [child.id for child in pruned(tree, 2).children] == ["70", "90"]
    assert pruned(node("n", *many), 100).hidden == 0
