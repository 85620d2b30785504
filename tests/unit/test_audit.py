"""A node's way to the audit log: nothing waits for it that need not, and nothing is lost without the log saying so."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
import trio
import trio.testing

from handlers.audit import audit as module
from handlers.audit.audit import SWEEP_S, Audit
from handlers.audit.chain import Verifier
from persistence.errors import StoreUnavailable
from persistence.memory import MemoryAuditLog, Record
from persistence.models import AuditAction, AuditNote
from supervisors import ChildSpec, Supervisor, open_supervisor

Running = Callable[..., AbstractAsyncContextManager[Audit]]


def clock() -> int:
    return int(trio.current_time() * 1000)


@asynccontextmanager
async def running(record: Record, node: str = "n1") -> AsyncIterator[Audit]:
    audit = Audit(MemoryAuditLog(record), clock, node)
    async with open_supervisor(Supervisor((ChildSpec("audit", audit.run, shutdown=5),), name="test")):
        yield audit


def written(record: Record) -> list[AuditNote]:
    verifier = Verifier()
    entries = [entry for _, entry in sorted(record.audit.items())]
    assert verifier.take(entries), verifier.fault
    return [entry.note for entry in entries]


async def test_a_note_never_waits_and_is_there_at_once(autojump_clock: trio.testing.MockClock) -> None:
    record = Record()
    async with running(record) as audit:
        audit.note(AuditAction.SIGNED_IN, actor_id="ann", device_id="d", address="::1", about={"n": 1})
        await trio.sleep(0.001)
        (note,) = written(record)
    assert (note.action, note.actor_id, note.device_id, note.address) == ("signed_in", "ann", "d", "::1")
    assert note.about == {"n": 1}


async def test_what_gathers_during_a_write_goes_into_the_next(autojump_clock: trio.testing.MockClock) -> None:
    record = Record()
    record.faults.delay = lambda _: 0.1
    async with running(record) as audit:
        for n in range(50):
            audit.note(AuditAction.SIGNED_IN, actor_id=f"u{n}")
            await trio.sleep(0.01)
        await trio.sleep(1)
    assert [note.actor_id for note in written(record)] == [f"u{n}" for n in range(50)]


async def test_to_record_is_to_wait_until_it_is_durable(autojump_clock: trio.testing.MockClock) -> None:
    record = Record()
    async with running(record) as audit:
        await audit.record(AuditAction.OPERATOR_READ, actor_id="ann")
        assert len(written(record)) == 1
        record.faults.down = True
        audit.note(AuditAction.SIGNED_IN)
        with pytest.raises(StoreUnavailable):
            await audit.record(AuditAction.OPERATOR_READ, actor_id="bob")
        record.faults.down = False
        await audit.record(AuditAction.OPERATOR_READ, actor_id="cat")
    assert [note.actor_id for note in written(record)] == ["ann", "", "cat"]


async def test_notes_wait_out_an_outage_in_their_order(autojump_clock: trio.testing.MockClock) -> None:
    record = Record()
    record.faults.down = True
    async with running(record) as audit:
        for n in range(500):
            audit.note(AuditAction.SIGN_IN_FAILED, about={"n": n})
        await trio.sleep(60)
        record.faults.down = False
        await trio.sleep(5)
    assert [note.about["n"] for note in written(record)] == list(range(500))


@pytest.mark.parametrize("failing", range(1, 8))
async def test_a_reply_that_is_lost_leaves_each_note_once(
    autojump_clock: trio.testing.MockClock, failing: int
) -> None:
    record = Record()
    async with running(record) as audit, running(record, "n2") as other:
        for n in range(10):
            audit.note(AuditAction.SIGNED_IN, about={"n": n})
            other.note(AuditAction.SIGNED_OUT, about={"n": n})
            if n == failing:
                record.faults.fail_after = 2
            await trio.sleep(0.001)
        await trio.sleep(5)
    for action in (AuditAction.SIGNED_IN, AuditAction.SIGNED_OUT):
        assert [n.about["n"] for n in written(record) if n.action == action] == list(range(10))


async def test_what_is_too_much_is_counted_in_the_log(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 5)
    record = Record()
    record.faults.down = True
    async with running(record) as audit:
        for n in range(8):
            audit.note(AuditAction.SIGNED_IN, about={"n": n})
        audit.settle(AuditNote(id="c#1", at=0, action=AuditAction.MEMBER_SET))
        with pytest.raises(StoreUnavailable):
            await audit.record(AuditAction.ACCOUNT_DELETED)
        await trio.sleep(10)
        record.faults.down = False
        await trio.sleep(5)
        assert audit.dropped == 4
    notes = written(record)
    assert [note.about.get("n") for note in notes if note.action == "signed_in"] == [0, 1, 2, 3, 4]
    assert [note.about for note in notes if note.action == "notes_lost"] == [{"count": 4}]


async def test_an_orderly_stop_writes_what_waits(autojump_clock: trio.testing.MockClock) -> None:
    record = Record()
    record.faults.delay = lambda _: 0.05
    async with running(record) as audit:
        for n in range(1000):
            audit.note(AuditAction.SIGNED_IN, about={"n": n})
    assert len(written(record)) == 1000


async def test_what_a_dead_node_left_is_brought_in_by_any_other_once(
    autojump_clock: trio.testing.MockClock,
) -> None:
    record = Record()
    left = AuditNote(id="c#7", at=0, action=AuditAction.MEMBER_REMOVED, about={"chat_id": "c"})
    async with running(record) as audit, running(record, "n2"):
        await trio.sleep(1)
        record.audit_pending[left.id] = left
        fresh = AuditNote(id="c#8", at=clock() + 25_000, action=AuditAction.MEMBER_SET)
        record.audit_pending[fresh.id] = fresh
        await trio.sleep(SWEEP_S)
        assert [note.id for note in written(record)] == ["c#7"]  # the other may be on its way
        audit.settle(fresh)
        await trio.sleep(0.01)
        assert [note.id for note in written(record)] == ["c#7", "c#8"]
        assert not record.audit_pending
