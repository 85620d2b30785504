"""Stories that end while people write: how long until everyone has been told, and what it costs those who write."""

from __future__ import annotations

import functools
import select
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import trio

from config.settings import Settings
from persistence.ids import Ids, wall_clock
from persistence.models import Story, StoryType
from persistence.mongo import Mongo
from persistence.stories import MongoStories
from scripts.benchmarks.connect import Opened
from scripts.benchmarks.measure import Step, quantile
from scripts.benchmarks.pairs import Pairs
from scripts.benchmarks.people import People
from scripts.benchmarks.wire import decode, frames

LEAD_S: Final = 2.0
"""The load runs so long before the stories end."""
POSTED_PER_S: Final = 250
"""At least so many are written a second."""
AT_ONCE: Final = 16
PATIENCE_S: Final = 60.0


async def post(settings: Settings, people: People, count: int) -> float:
    """Write stories of everybody in turn, announced already, that all end at one moment; that moment, as `time.perf_counter` will show it.

    Returns `LEAD_S` before it.
    """
    mongo = Mongo(settings.mongodb.uri.get_secret_value(), settings.mongodb.database, timeout_ms=20_000)
    new_id = Ids()
    began = wall_clock()
    ends_at = began + round(1000 * (LEAD_S + 3 + count / POSTED_PER_S))
    end = time.perf_counter() + (ends_at - began) / 1000
    async with mongo.running():
        stories = MongoStories(mongo)
        limiter = trio.CapacityLimiter(AT_ONCE)
        made: list[str] = []

        async def add(number: int) -> None:
            story_id = new_id()
            owner = people.people[number % len(people.people)]
            story = Story(
                id=story_id,
                user_id=owner.user_id,
                client_id=story_id,
                type=StoryType.TEXT,
                content={"text": "A story of the usual length."},
                created_at=began,
                expires_at=ends_at,
                moved_at=began,
            )
            async with limiter:
                await stories.add(story, due_at=ends_at)
            made.append(story_id)

        async with trio.open_nursery() as nursery:
            for number in range(count):
                nursery.start_soon(add, number)
        for start in range(0, count, 500):
            await stories.told(created=made[start : start + 500], ended=[], at=began)
    left = end - LEAD_S - time.perf_counter()
    if left < 0:
        sys.exit("error: the database takes too long to write the stories")
    await trio.sleep(left)
    return end


class StoryPairs(Pairs):
    """Pairs that are told of stories, too.

    Attributes:
        end: when the stories end.
        told: when each device was told of each story's end.

    """

    def __init__(self, chats: Sequence[str], opened: Opened, cpu: Callable[[], Mapping[str, float]]) -> None:
        super().__init__(chats, opened, cpu, both=True)
        self.end = float("inf")
        self.told: list[float] = []
        self._answers: list[tuple[float, float]] = []

    def watch(self, end: float) -> None:
        """From now on, what is told and answered counts."""
        self.end = end
        self._answers.clear()

    def other(self, event: str, now: float) -> bool:
        if event == "STORY_EXPIRED":
            self.told.append(now)
        return True

    def answered(self, due: float, latency: float) -> None:
        self._answers.append((due, latency))

    def drain(self, count: int) -> None:
        """Read what is still to be told, up to so many in all."""
        give_up = time.perf_counter() + PATIENCE_S
        while len(self.told) < count and time.perf_counter() < give_up:
            for fd, events in self._epoll.poll(0.1, len(self._by_fd)):
                if events & select.EPOLLIN:
                    self._drain(fd)

    def _drain(self, fd: int) -> None:
        end = self._by_fd[fd]
        data = end.data + end.sock.recv(262_144)
        rest = 0
        for body, rest in frames(data, 0):
            self.other(decode(data[body:rest]).event, time.perf_counter())
        end.data = data[rest:]

    def acknowledgements(self) -> list[float]:
        """How long those took that were due while stories were being announced."""
        last = max(self.told, default=self.end)
        return [latency for due, latency in self._answers if self.end <= due <= last]


def report(load: StoryPairs, before: Step, count: int) -> str:
    """What came of it, in words."""
    p99 = functools.partial(quantile, share=0.99)
    meanwhile = load.acknowledgements()
    if not load.told or not meanwhile:
        return "no story was announced"
    rise = p99(meanwhile) / p99(before.answers) - 1
    return (
        f"{count:,} stories ended: first told after {min(load.told) - load.end:.2f} s, last after {max(load.told) - load.end:.2f} s;"
        f" {len(load.told):,} of {2 * count:,} devices' events\n"
        f"acknowledgement p99 {p99(before.answers) * 1000:.1f} ms before, {p99(meanwhile) * 1000:.1f} ms meanwhile ({rise:+.0%})"
    )
