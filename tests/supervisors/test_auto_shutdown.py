"""Auto-shutdown: statements 49 to 52."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from supervisors import (
    AutoShutdown,
    Backoff,
    ChildSpec,
    InvalidSpec,
    Restart,
    Shutdown,
    Strategy,
    Supervisor,
    open_supervisor,
)
from tests.supervisors.workers import TEMPORARY, TRANSIENT, Journal, Worker, settle

ANY, ALL = AutoShutdown.ANY_SIGNIFICANT, AutoShutdown.ALL_SIGNIFICANT


class Nested:
    """A supervisor with auto-shutdown below a root that does not bring it back."""

    def __init__(self, journal: Journal, *workers: Worker, auto: AutoShutdown, **flags: object) -> None:
        self.journal = journal
        self.inner = Supervisor(
            [worker.spec for worker in workers],
            name="inner",
            auto_shutdown=auto,
            **flags,  # type: ignore[arg-type]
        )
        self.root = Supervisor([self.inner.spec(restart=TRANSIENT)], telemetry=journal.telemetry)

    @property
    def over(self) -> bool:
        exits = self.journal.exits("inner")
        assert exits in ([], [Shutdown("auto-shutdown")])
        return bool(exits)


@pytest.mark.parametrize(
    ("restart", "way", "over"),
    [
        (TRANSIENT, "end", True),
        (TRANSIENT, "shut_down", True),
        (TRANSIENT, "crash", False),
        (TEMPORARY, "end", True),
        (TEMPORARY, "shut_down", True),
        (TEMPORARY, "crash", True),
    ],
)
async def test_49_any_significant_stops_the_supervisor_with_reason_shutdown(
    restart: Restart, way: str, over: bool, journal: Journal, autojump_clock: MockClock
) -> None:
    a, s, z = journal.worker("a"), journal.worker("s", restart=restart, significant=True), journal.worker("z")
    tree = Nested(journal, a, s, z, auto=ANY)
    async with open_supervisor(tree.root):
        journal.take()
        await getattr(s, way)()
        assert tree.over is over
        assert journal.take() == (["stop z", "end z", "stop a", "end a"] if over else ["start s"])


async def test_49_the_end_of_a_child_that_is_not_significant_stops_nothing(
    journal: Journal, autojump_clock: MockClock
) -> None:
    a, s = journal.worker("a", restart=TRANSIENT), journal.worker("s", restart=TRANSIENT, significant=True)
    tree = Nested(journal, a, s, auto=ANY)
    async with open_supervisor(tree.root):
        await a.end()
        assert not tree.over


async def test_49_auto_shutdown_of_a_root_is_its_orderly_end(
    journal: Journal, autojump_clock: MockClock
) -> None:
    s = journal.worker("s", restart=TRANSIENT, significant=True)
    root = Supervisor([s.spec], auto_shutdown=ANY)
    async with trio.open_nursery() as nursery:
        await nursery.start(root.run)
        await s.end()


async def test_50_all_significant_waits_for_the_last(journal: Journal, autojump_clock: MockClock) -> None:
    a = journal.worker("a")
    s, t = journal.workers("st", restart=TRANSIENT, significant=True)
    u = journal.worker("u", restart=TEMPORARY, significant=True)
    tree = Nested(journal, a, s, t, u, auto=ALL)
    async with open_supervisor(tree.root):
        await t.end()
        await u.crash()
        assert not tree.over
        await s.end()
        assert tree.over
        assert journal.take()[-2:] == ["stop a", "end a"]


async def test_50_a_significant_child_that_is_restarting_is_still_waited_for(
    journal: Journal, autojump_clock: MockClock
) -> None:
    s, t = journal.workers("st", restart=TRANSIENT, significant=True)
    tree = Nested(journal, s, t, auto=ALL, backoff=Backoff(10, 1, 10, 0), intensity=1, period=100)
    async with open_supervisor(tree.root):
        await s.crash()
        await t.end()
        assert not tree.over
        await trio.sleep(11)
        await s.end()
        assert tree.over


def test_51_significant_with_permanent_or_with_never_is_refused(journal: Journal) -> None:
    permanent = journal.worker("a", significant=True).spec
    for auto in AutoShutdown:
        with pytest.raises(InvalidSpec, match="'a'"):
            Supervisor([permanent], auto_shutdown=auto)
    for restart in (TRANSIENT, TEMPORARY):
        with pytest.raises(InvalidSpec, match="'b'"):
            Supervisor([journal.worker("b", restart=restart, significant=True).spec])


async def test_51_start_child_refuses_it_too(journal: Journal, autojump_clock: MockClock) -> None:
    async def never(child: object) -> None:
        raise AssertionError("it was started")

    async with open_supervisor(Supervisor([])) as supervisor:
        with pytest.raises(InvalidSpec):
            await supervisor.start_child(ChildSpec("a", never, restart=TRANSIENT, significant=True))


@pytest.mark.parametrize("auto", [ANY, ALL])
@pytest.mark.parametrize("restart", [TRANSIENT, TEMPORARY])
async def test_52_a_manual_terminate_child_does_not_trigger_it(
    restart: Restart, auto: AutoShutdown, journal: Journal, autojump_clock: MockClock
) -> None:
    s = journal.worker("s", restart=restart, significant=True)
    tree = Nested(journal, s, auto=auto)
    async with open_supervisor(tree.root):
        await tree.inner.terminate_child("s")
        await settle()
        assert not tree.over


async def test_52_nor_does_being_stopped_by_the_strategy(journal: Journal, autojump_clock: MockClock) -> None:
    a, s = journal.worker("a"), journal.worker("s", restart=TEMPORARY, significant=True)
    tree = Nested(journal, a, s, auto=ANY, strategy=Strategy.ONE_FOR_ALL)
    async with open_supervisor(tree.root):
        await a.crash()
        assert not tree.over
        assert a.starts == 2
