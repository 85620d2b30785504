"""A connection made of requests: what is given to a poll is kept until the client has shown that it arrived, whatever becomes of answers on their way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.protocol import Prepared
from handlers.sessions.session import BadFrame, Rest
from server.flusher import Flusher
from server.longpoll.connection import LEFT_S, MOST_POSTS, PolledConnection
from server.longpoll.wire import BUSY, GONE, MALFORMED, NOTHING, OK, TOO_LARGE, Answer
from server.websocket import CLOSE_S, RESTART, TRY_AGAIN
from server.websocket import GONE as CLIENT_GONE
from supervisors import Child, ChildSpec, DynamicSupervisor, Restart, Supervisor, open_supervisor
from tests.examples import examples

WINDOW_S = 10.0
MOST = 1000
BOUND = 4000

Clock = trio.testing.MockClock


class Link:
    """A connection that is served as a child, and its client's requests."""

    def __init__(self, connection: PolledConnection) -> None:
        self.connection = connection
        self.got: list[bytes] = []
        self.take: Callable[[bytes], Rest | None] = lambda text: None
        self.served = trio.Event()
        self.gone = trio.Event()

    def taken(self, text: bytes) -> Rest | None:
        self.got.append(text)
        return self.take(text)

    def push(self, *texts: bytes) -> None:
        self.connection.push(Prepared(*texts))

    def ask(self, number: int) -> list[Answer]:
        """Poll; the answer is in the list when there is one."""
        answers: list[Answer] = []
        self.connection.poll(number, answers.append)
        return answers

    def say(self, *frames: bytes) -> list[Answer]:
        answers: list[Answer] = []
        self.connection.post(list(frames), answers.append)
        return answers


@asynccontextmanager
async def served(**options: Any) -> AsyncIterator[Link]:
    flusher = Flusher()
    connections = DynamicSupervisor(name="connections")
    root = Supervisor([ChildSpec("flusher", flusher.run), connections.spec()], name="node")
    async with open_supervisor(root):
        limits = {"window_s": WINDOW_S, "max_message_bytes": MOST, "outbox_bytes": BOUND} | options
        link = Link(PolledConnection(flusher, **limits))

        async def serve(child: Child) -> None:
            child.ready()
            try:
                await link.connection.serve(child, link.taken)
                link.served.set()
            finally:
                await link.connection.finish()
                link.gone.set()

        await connections.start_child(ChildSpec("c", serve, restart=Restart.TEMPORARY))
        yield link


async def settle() -> None:
    await trio.testing.wait_all_tasks_blocked()


async def test_what_was_pushed_before_a_poll_is_given_at_once_and_together(autojump_clock: Clock) -> None:
    async with served() as link:
        link.push(b"1")
        link.push(b"2", b"3")
        assert link.ask(0) == [Answer(OK, 1, (b"1", b"2", b"3"))]


async def test_a_poll_that_waits_is_answered_once_with_all_that_comes_in_the_same_turn(
    autojump_clock: Clock,
) -> None:
    async with served() as link:
        answers = link.ask(0)
        await settle()
        assert not answers
        link.push(b"1")
        link.push(b"2")
        assert not answers, "whatever produced it has its turn first"
        await settle()
        assert answers == [Answer(OK, 1, (b"1", b"2"))]
        link.push(b"3")
        await settle()
        assert link.ask(1) == [Answer(OK, 2, (b"3",))]


async def test_an_answer_that_was_lost_is_given_again_and_what_came_since_after_it(
    autojump_clock: Clock,
) -> None:
    async with served() as link:
        link.push(b"1")
        lost = link.ask(0)
        link.push(b"2")
        assert link.ask(0) == lost == [Answer(OK, 1, (b"1",))]
        assert link.ask(0) == lost
        assert link.ask(1) == [Answer(OK, 2, (b"2",))]


async def test_an_answer_with_nothing_in_it_may_be_lost(autojump_clock: Clock) -> None:
    async with served() as link:
        waiting = link.ask(0)
        again = link.ask(0)
        assert waiting == [Answer(NOTHING)], "the client, or who is between, has asked again"
        link.push(b"1")
        await settle()
        assert again == [Answer(OK, 1, (b"1",))]


@pytest.mark.parametrize("number", [-1, 0, 2, 7])
async def test_a_poll_with_a_number_that_nobody_can_have_is_answered_gone_and_changes_nothing(
    number: int, autojump_clock: Clock
) -> None:
    async with served() as link:
        link.push(b"1")
        assert link.ask(0)[0].number == 1
        waiting = link.ask(1)
        assert link.ask(number) == [Answer(GONE)]
        link.push(b"2")
        await settle()
        assert waiting == [Answer(OK, 2, (b"2",))]


async def test_frames_are_served_in_order_and_a_post_is_answered_when_they_are_taken(
    autojump_clock: Clock,
) -> None:
    async with served() as link:
        slow = trio.Event()

        async def wait() -> None:
            await slow.wait()

        link.take = lambda text: wait if text == b"slow" else None
        first, second = link.say(b"1", b"slow"), link.say(b"2")
        await settle()
        assert first == [Answer(OK)], "its last frame may go on for long"
        assert link.got == [b"1", b"slow"]
        assert not second
        link.push(b"meanwhile")
        assert link.ask(0)[0].messages == (b"meanwhile",)
        slow.set()
        await settle()
        assert second == [Answer(OK)]
        assert link.got == [b"1", b"slow", b"2"]
        assert link.say() == []
        await settle()


async def test_posts_that_nobody_waits_for_are_refused_beyond_a_few(autojump_clock: Clock) -> None:
    async with served() as link:
        link.take = lambda text: trio.sleep_forever
        link.say(b"0")
        await settle()
        waiting = [link.say(b"%d" % number) for number in range(MOST_POSTS)]
        assert [answer.status for answer in link.say(b"more")] == [BUSY]
        assert not any(waiting)
        link.connection.close(RESTART)
        await settle()
        assert waiting == [[Answer(GONE)]] * MOST_POSTS


@pytest.mark.parametrize(
    ("frame", "status", "code"),
    [(b"no", MALFORMED, 1003), (b"x" * (MOST + 1), TOO_LARGE, 1009), (b'"\xff"', MALFORMED, 1007)],
    ids=["no frame", "too long", "not UTF-8"],
)
async def test_what_is_no_frame_is_refused_and_ends_the_connection(
    frame: bytes, status: int, code: int, autojump_clock: Clock
) -> None:
    def take(text: bytes) -> None:
        if text == b"no":
            raise BadFrame(1003, "not a frame")

    async with served() as link:
        link.take = take
        polled = link.ask(0)
        answers = link.say(b"1", frame, b"2")
        await settle()
        assert [answer.status for answer in answers] == [status]
        assert link.connection.closed_with == code
        assert polled == [Answer(GONE)]
        assert link.got[:1] == [b"1"]
        assert b"2" not in link.got


async def test_a_client_that_does_not_poll_is_gone_after_the_window_and_one_that_does_is_not(
    autojump_clock: Clock,
) -> None:
    async with served() as link:
        for _ in range(5):
            link.ask(0)
            await trio.sleep(
                2 * WINDOW_S - 0.1
            )  # the poll waits for a window, and the client may be away for one
            assert link.connection.closed_with is None
        await trio.sleep(0.2)
        assert link.connection.closed_with == CLIENT_GONE
        assert link.ask(0) == [Answer(GONE)]
        assert link.say(b"1") == [Answer(GONE)]
        await link.gone.wait()


async def test_a_client_that_lets_go_of_its_poll_is_gone_soon_unless_it_asks_again(
    autojump_clock: Clock,
) -> None:
    async with served() as link:
        link.connection.poll(0, lambda answer: None, "first")
        link.connection.left("first")
        await trio.sleep(LEFT_S - 0.1)
        link.connection.poll(0, lambda answer: None, "second")
        await trio.sleep(LEFT_S)
        link.connection.left("first")
        await trio.sleep(LEFT_S + 0.1)
        assert link.connection.closed_with is None, "that was not the one that waits"
        link.push(b"1")
        await settle()
        assert link.ask(0) == [Answer(OK, 1, (b"1",))]
        link.connection.poll(1, lambda answer: None, "third")
        link.connection.left("third")
        link.push(b"2")
        assert link.connection.closed_with is None
        await trio.sleep(LEFT_S + 0.1)
        assert link.connection.closed_with == CLIENT_GONE


async def test_after_an_answer_the_client_has_the_window_to_come_again(autojump_clock: Clock) -> None:
    async with served() as link:
        link.push(b"1")
        link.ask(0)
        await trio.sleep(WINDOW_S - 0.1)
        assert link.connection.closed_with is None
        await trio.sleep(0.2)
        assert link.connection.closed_with == CLIENT_GONE


async def test_one_that_polls_too_slowly_is_disconnected_and_holds_nothing(autojump_clock: Clock) -> None:
    async with served() as link:
        link.push(b"x" * 10 * BOUND)  # however large: what comes first is not counted
        for _ in range(4):
            link.push(b"x" * (BOUND // 4))
            assert link.connection.closed_with is None
        link.push(b"x")
        assert link.connection.closed_with == TRY_AGAIN
        assert link.ask(0) == [Answer(GONE)]
        await link.gone.wait()


async def test_one_that_waits_for_it_is_given_more_than_may_wait(autojump_clock: Clock) -> None:
    async with served() as link:
        answers = link.ask(0)
        for _ in range(9):
            link.push(b"x" * (BOUND // 4))
        assert link.connection.closed_with is None
        await settle()
        assert len(answers[0].messages) + len(link.ask(1)[0].messages) == 9


async def test_what_was_pushed_before_the_end_can_still_be_fetched(autojump_clock: Clock) -> None:
    async with served() as link:
        link.push(b"1")
        link.connection.close(RESTART)
        link.push(b"never")
        await settle()
        assert link.ask(0) == [Answer(OK, 1, (b"1",))]
        assert link.ask(0) == [Answer(OK, 1, (b"1",))]
        assert not link.gone.is_set()
        assert link.ask(1) == [Answer(GONE)]
        with trio.fail_after(0.01):
            await link.gone.wait()


async def test_the_end_is_not_waited_for_long(autojump_clock: Clock) -> None:
    async with served() as link:
        link.push(b"1")
        link.connection.close(RESTART)
        with trio.fail_after(CLOSE_S + 0.01):
            await link.gone.wait()
        assert link.ask(0) == [Answer(GONE)]


async def test_a_deaf_one_serves_what_was_posted_and_takes_no_more(autojump_clock: Clock) -> None:
    async with served() as link:
        before = link.say(b"1")
        link.connection.stop_reading()
        assert link.say(b"2") == [Answer(GONE)]
        await settle()
        assert before == [Answer(OK)]
        assert link.got == [b"1"]
        link.push(b"answer")
        assert link.ask(0)[0].messages == (b"answer",)


async def test_closing_interrupts_what_waits_and_answers_everybody(autojump_clock: Clock) -> None:
    async with served() as link:
        link.take = lambda text: trio.sleep_forever
        poll, done, waiting = link.ask(0), link.say(b"1"), link.say(b"2")
        await settle()
        link.connection.close(4001)
        await link.gone.wait()
        assert (poll, done, waiting) == ([Answer(GONE)], [Answer(OK)], [Answer(GONE)])
        assert link.connection.closed_with == 4001


async def test_one_whose_first_request_never_comes_is_not_begun(autojump_clock: Clock) -> None:
    connection = PolledConnection(Flusher(), window_s=WINDOW_S, max_message_bytes=MOST, outbox_bytes=BOUND)
    began = trio.current_time()
    assert not await connection.wanted()
    assert trio.current_time() - began == WINDOW_S
    connection.poll(0, lambda answer: None)
    assert await connection.wanted()


class World:
    """A client that believes what it is told, over a network that loses and repeats."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.number = 0
        self.pushed: list[bytes] = []
        self.received: list[bytes] = []
        self.asked: list[list[Answer]] = []

    def push(self) -> None:
        text = b"%d" % len(self.pushed)
        self.pushed.append(text)
        self.link.push(text)

    def poll(self) -> None:
        self.asked.append(self.link.ask(self.number))

    def arrive(self) -> None:
        """The answer to the newest request arrives; those to earlier ones are lost, or nobody waits for them."""
        if self.asked and (answers := self.asked.pop()):
            self.asked.clear()
            (answer,) = answers
            if answer.status == OK:
                assert answer.number == self.number + 1
                self.number = answer.number
                self.received += answer.messages

    def lose(self) -> None:
        if self.asked:
            self.asked.pop()


@given(st.lists(st.sampled_from(["push", "poll", "arrive", "lose", "turn"]), max_size=60))
@settings(max_examples=examples(150), deadline=None)
def test_whatever_is_lost_and_repeated_the_client_receives_everything_once_and_in_order(
    steps: list[str],
) -> None:
    async def run() -> None:
        async with served() as link:
            world = World(link)
            for step in steps:
                if step == "turn":
                    await settle()
                else:
                    getattr(world, step)()
                assert world.received == world.pushed[: len(world.received)]
            world.poll()
            await settle()
            world.arrive()
            world.poll()
            world.arrive()
            assert world.received == world.pushed

    trio.run(run, clock=trio.testing.MockClock(autojump_threshold=0))
