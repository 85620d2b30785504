"""Actors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import MockClock

from supervisors import (
    Actor,
    CallTimeout,
    Child,
    ChildSpec,
    MailboxFull,
    NotRunning,
    Supervisor,
    open_supervisor,
    snapshot,
)
from tests.supervisors.workers import Boom, Journal, escalates, settle


class Counter(Actor[int | str, int]):
    """Adds what it is sent, one message a second."""

    def __init__(self, *, capacity: int = 1000) -> None:
        super().__init__(capacity=capacity)
        self.total = -1
        self.terminated_with: int | None = None

    async def init(self, child: Child) -> None:
        self.total = 0

    async def handle_call(self, message: int | str) -> int:
        await self.handle_cast(message)
        return self.total

    async def handle_cast(self, message: int | str) -> None:
        await trio.sleep(1)
        if isinstance(message, str):
            raise Boom(message)
        self.total += message

    async def terminate(self) -> None:
        self.terminated_with = self.total


@asynccontextmanager
async def running(actor: Actor[int | str, int], journal: Journal | None = None) -> AsyncIterator[Supervisor]:
    telemetry = None if journal is None else journal.telemetry
    spec = ChildSpec("actor", actor.run, shutdown=60)
    async with open_supervisor(Supervisor([spec], telemetry=telemetry)) as supervisor:
        yield supervisor


async def test_messages_are_taken_one_at_a_time_in_the_order_they_were_sent(
    autojump_clock: MockClock,
) -> None:
    counter = Counter()
    async with running(counter):
        counter.cast(1)
        counter.cast(2)
        zero = trio.current_time()
        assert await counter.call(4) == 7
        assert trio.current_time() - zero == 3


async def test_a_call_without_an_answer_in_time_raises_call_timeout_and_the_actor_goes_on(
    autojump_clock: MockClock,
) -> None:
    counter = Counter()
    async with running(counter):
        zero = trio.current_time()
        with pytest.raises(CallTimeout):
            await counter.call(1, timeout=0.5)
        assert trio.current_time() - zero == 0.5
        assert await counter.call(1) == 2


async def test_a_full_mailbox_refuses(autojump_clock: MockClock) -> None:
    counter = Counter(capacity=2)
    async with running(counter):
        counter.cast(1)
        await settle()  # it is being handled
        counter.cast(2)
        counter.cast(3)
        assert len(counter) == 2
        with pytest.raises(MailboxFull):
            counter.cast(4)
        with pytest.raises(MailboxFull):
            await counter.call(4)


async def test_cast_when_room_holds_the_sender_back(autojump_clock: MockClock) -> None:
    counter = Counter(capacity=1)
    async with running(counter):
        zero = trio.current_time()
        for _ in range(5):
            await counter.cast_when_room(1)
        assert trio.current_time() - zero == 3  # one handled, one waiting, three waited for


async def test_a_handler_that_raises_crashes_the_actor_and_all_callers_are_told(
    journal: Journal, autojump_clock: MockClock
) -> None:
    counter = Counter()
    told = 0

    async def call(message: int | str) -> None:
        nonlocal told
        with pytest.raises(NotRunning):
            await counter.call(message)
        told += 1

    async with running(counter, journal):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(call, "broken")
            await settle()
            nursery.start_soon(call, 1)
            nursery.start_soon(call, 2)
        assert told == 3
        await settle()
        assert journal.reports() == ["actor"]
        assert await counter.call(5) == 5  # state and mailbox begin anew


async def test_senders_held_back_are_told_when_the_actor_crashes(autojump_clock: MockClock) -> None:
    counter = Counter(capacity=1)

    async def send() -> None:
        with pytest.raises(NotRunning):
            await counter.cast_when_room(1)

    root = Supervisor([ChildSpec("actor", counter.run)], intensity=0)
    with escalates():
        async with open_supervisor(root):
            counter.cast("broken")
            await settle()
            counter.cast(1)
            async with trio.open_nursery() as nursery:
                with trio.CancelScope(shield=True):
                    await send()
                nursery.cancel_scope.cancel()


async def test_asked_to_stop_it_refuses_new_messages_works_off_the_old_ones_and_cleans_up(
    autojump_clock: MockClock,
) -> None:
    counter = Counter()
    async with running(counter) as supervisor:
        for _ in range(5):
            counter.cast(1)
        supervisor.request_stop()
        await trio.sleep(2.5)
        assert counter.total == 2
        with pytest.raises(NotRunning):
            counter.cast(1)
    assert counter.terminated_with == 5


async def test_one_that_does_not_run_refuses(autojump_clock: MockClock) -> None:
    counter = Counter()
    for _ in range(2):
        with pytest.raises(NotRunning):
            counter.cast(1)
        with pytest.raises(NotRunning):
            await counter.call(1)
        with pytest.raises(NotRunning):
            await counter.cast_when_room(1)
        async with running(counter):
            pass


async def test_after_a_restart_senders_wait_for_room_again_without_spinning(
    journal: Journal, autojump_clock: MockClock
) -> None:
    counter = Counter(capacity=1)
    async with running(counter, journal):
        counter.cast("broken")
        await trio.sleep(1.5)
        assert len(journal.reports()) == 1
        zero = trio.current_time()
        for _ in range(4):  # a virtual clock never jumps while a task spins
            await counter.cast_when_room(1)
        assert trio.current_time() - zero == 2


async def test_an_actor_without_calls_says_so(autojump_clock: MockClock) -> None:
    actor: Actor[int | str, int] = Actor()
    async with running(actor):
        with pytest.raises(NotRunning):
            await actor.call(1)


async def test_the_tree_shows_how_many_messages_wait(autojump_clock: MockClock) -> None:
    counter = Counter()
    async with running(counter) as supervisor:
        counter.cast(1)
        await settle()
        counter.cast(1)
        counter.cast(1)
        assert snapshot(supervisor).children[0].mailbox == 2


@pytest.mark.parametrize("capacity", [0, -1])
def test_a_mailbox_without_room_is_refused(capacity: int) -> None:
    with pytest.raises(ValueError, match="mailbox"):
        Counter(capacity=capacity)
