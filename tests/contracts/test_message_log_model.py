"""Random histories of a few chats, written to the log in memory and to MongoDB's side by side: every answer is the same, and the log's invariants hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from persistence.models import (
    Change,
    ChangeKind,
    ChangesQuery,
    CursorWrite,
    Deletion,
    Edit,
    Head,
    LogWrite,
    Message,
    Role,
    Stored,
)
from tests.contracts.samples import AT, chat, member, new_id, text
from tests.contracts.world import Database, Node, World, memory_world, real_world
from tests.examples import examples

_USERS = ("ann", "bob", "eve")


@dataclass(frozen=True)
class Step:
    """One write, to be numbered when its turn comes.

    Attributes:
        what: kind of write.
        chat: which of the chats.
        user: sender, or whom a change is about.
        lag: how far behind the head the writer is; 0 has seen everything.
        seq: which message is edited or deleted.
        key: which client id.

    """

    what: str
    chat: int
    user: str
    lag: int
    seq: int
    key: int


_WHAT = (
    "message", "message", "message", "edit", "delete", "join", "promote", "leave", "rename", "delete chat",
)  # fmt: skip
_STEPS = st.builds(
    Step,
    what=st.sampled_from(_WHAT),
    chat=st.integers(0, 2),
    user=st.sampled_from(_USERS),
    lag=st.sampled_from((0, 0, 0, 0, 1, 2)),
    seq=st.integers(1, 6),
    key=st.integers(0, 12),
)
_BATCHES = st.lists(_STEPS, min_size=1, max_size=6)
_AGAIN = st.integers(1, 3)
_HISTORIES = st.lists(_BATCHES | _BATCHES | _AGAIN, max_size=8)
"""Batches of steps; a number repeats the batch that was written so many before."""


class Writer:
    """Turns steps into writes as a router does, with the heads that it believes in."""

    def __init__(self, chats: Sequence[str]) -> None:
        self.chats = chats
        self.written: list[list[LogWrite]] = []

    def batch(self, steps: Sequence[Step], heads: dict[str, Head]) -> list[LogWrite]:
        """The writes of the next batch, numbered one after the other."""
        heads = dict(heads)
        batch: list[LogWrite] = []
        for number, step in enumerate(steps):
            chat_id = self.chats[step.chat]
            head = heads[chat_id]
            at = AT + 10 * len(self.written) + number
            write = self._write(step, chat_id, head.seq + 1 - step.lag, head.rev + 1 - step.lag, at)
            batch.append(write)
            grown = 1 if type(write) is Message else 0
            heads[chat_id] = Head(seq=head.seq + grown, rev=head.rev + 1)
        self.written.append(batch)
        return batch

    def again(self, back: int) -> list[LogWrite]:
        """An earlier batch, as after a lost reply."""
        return self.written[-back] if back <= len(self.written) else []

    def _write(self, step: Step, chat_id: str, seq: int, rev: int, at: int) -> LogWrite:
        seq, rev = max(seq, 1), max(rev, 1)
        match step.what:
            case "message":
                return text(chat_id, seq, rev, sender=step.user, client_id=f"key-{step.key}", created_at=at)
            case "edit":
                return Edit(chat_id=chat_id, seq=step.seq, rev=rev, content={"text": f"at {at}"}, at=at)
            case "delete":
                return Deletion(chat_id=chat_id, seq=step.seq, rev=rev, at=at)
        kind, fields = _CHANGES[step.what]
        about = step.user if kind in (ChangeKind.MEMBER_SET, ChangeKind.MEMBER_REMOVED) else None
        return Change(chat_id=chat_id, rev=rev, kind=kind, actor_id="ann", at=at, user_id=about, **fields)


_CHANGES: dict[str, tuple[ChangeKind, dict[str, Any]]] = {
    "join": (ChangeKind.MEMBER_SET, {"role": Role.MEMBER}),
    "promote": (ChangeKind.MEMBER_SET, {"role": Role.ADMIN}),
    "leave": (ChangeKind.MEMBER_REMOVED, {}),
    "rename": (ChangeKind.CHAT_UPDATED, {"title": "Lunch"}),
    "delete chat": (ChangeKind.CHAT_DELETED, {}),
}


async def view(node: Node, chats: Sequence[str]) -> dict[str, Any]:
    """What can be read of the chats, in every way that there is."""
    log = node.log
    queries = [
        ChangesQuery(chat_id=chat_id, after_rev=after, limit=limit, upto_seq=upto)
        for chat_id in chats
        for after, limit, upto in ((0, 1000, None), (2, 3, None), (1, 1000, 2))
    ]
    return {
        "heads": await log.heads(chats),
        "each head": [await log.heads([chat_id]) for chat_id in chats],
        "changes": await log.changes(queries),
        "pages": [
            await log.page(chat_id, before_seq=before, after_seq=after, limit=3)
            for chat_id in chats
            for before, after in ((None, None), (3, None), (None, 1))
        ],
        "got": [await log.get(chat_id, 2) for chat_id in chats],
        "found": [await log.find(chat_id, "ann", "key-1") for chat_id in chats],
        "last": await log.last_messages(chats),
        "unread": await log.unread([(chat_id, u, 1) for chat_id in chats for u in _USERS], cap=3),
        "chats": await node.chats.get_many(chats),
        "members": [await node.chats.members(c, after_user_id=None, limit=9) for c in chats],
        "memberships": {
            user_id: sorted(found, key=lambda m: m.chat_id)
            for user_id, found in (await node.chats.memberships(_USERS)).items()
        },
    }


def check_invariants(seen: dict[str, Any], chats: Sequence[str]) -> None:
    """What holds of any log whose writers number after the head, whatever they wrote."""
    for number, chat_id in enumerate(chats):
        entries = seen["changes"][3 * number]
        revs = [entry.rev for entry in entries]
        messages = sorted((e for e in entries if type(e) is Message), key=lambda m: m.seq)
        assert revs == sorted(set(revs))
        assert [m.seq for m in messages] == list(range(1, len(messages) + 1))
        assert len({(m.sender_id, m.client_id) for m in messages}) == len(messages)
        assert seen["heads"][chat_id] == Head(seq=len(messages), rev=revs[-1] if revs else 0)


async def prepare(world: World, chats: Sequence[str]) -> None:
    for chat_id in chats:
        await world.one.chats.create(chat(chat_id), [member(chat_id, "ann"), member(chat_id, "bob")])


async def play(history: Sequence[list[Step] | int], worlds: Sequence[World]) -> None:
    """Write the history to each world, and compare."""
    chats = sorted(new_id() for _ in range(3))
    for world in worlds:
        await prepare(world, chats)
    writer = Writer(chats)
    for steps in history:
        heads = await worlds[0].one.log.heads(chats)
        batch = writer.again(steps) if isinstance(steps, int) else writer.batch(steps, heads)
        answers = [await world.one.log.append(batch) for world in worlds]
        assert all(answer == answers[0] for answer in answers)
        cursors = [
            CursorWrite(chat_id=w.chat_id, user_id="bob", read_seq=w.seq, at=AT)
            for w, outcome in zip(batch, answers[0], strict=True)
            if type(w) is Message and type(outcome) is Stored
        ]
        raised = [await world.one.chats.raise_cursors(cursors) for world in worlds]
        assert all(each == raised[0] for each in raised)
    seen = [await view(world.two, chats) for world in worlds]
    for each in seen:
        each["memberships"] = {
            user_id: [m for m in found if m.chat_id in chats]
            for user_id, found in each["memberships"].items()
        }
    assert all(each == seen[0] for each in seen)
    check_invariants(seen[0], chats)


@settings(deadline=None)
@given(history=_HISTORIES)
def test_the_log_keeps_its_invariants_whatever_is_written(history: list[list[Step] | int]) -> None:
    async def run() -> None:
        await play(history, [memory_world()])

    trio.run(run)


@pytest.mark.real
@settings(max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history=_HISTORIES)
def test_the_log_in_memory_answers_as_mongodb_does(
    module_database: Database, history: list[list[Step] | int]
) -> None:
    async def run() -> None:
        async with real_world(module_database) as real:
            await play(history, [memory_world(), real])

    trio.run(run)
