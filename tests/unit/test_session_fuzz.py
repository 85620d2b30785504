"""Whatever frames come over a socket: each that is one is answered exactly once, each that is none is refused, and nothing crashes.

Two devices of two users at one node over the stores in memory, on the virtual clock, the order of tasks from a seed.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from random import Random
from typing import Any

import msgspec
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.sections import ClusterSettings
from config.settings import Settings
from handlers.auth.auth import SignupBody
from handlers.auth.passwords import Passwords
from handlers.chats.conversations import NewGroup
from handlers.errors import Code
from handlers.protocol import Prepared
from handlers.sessions.session import BadFrame, Session
from persistence.ids import Ids
from server.core import Core, make_core
from supervisors import Strategy, Supervisor, open_supervisor
from tests import deterministic
from tests.examples import examples
from tests.memory_stores import memory_stores

CODES = {code.slug for code in Code} - {Code.INTERNAL.slug, Code.DEAD_LETTERED.slug, Code.UNAVAILABLE.slug}
_parts = msgspec.json.Decoder(tuple[msgspec.Raw, msgspec.Raw, msgspec.Raw, msgspec.Raw, msgspec.Raw]).decode
START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z


Pushed = tuple[int, str, Any, str | None]
"""Which topic, the event, the payload (or what to make it of) and the `join_ref`."""


def clock() -> int:
    return START_MS + int(trio.current_time() * 1000)


async def on_the_spot(function: Any, *args: Any) -> Any:
    await trio.lowlevel.checkpoint()
    return function(*args)


def make_node() -> Core:
    quiet = ClusterSettings(heartbeat_s=1e6, lease_s=1e9, head_check_s=1e6)
    return make_core(
        Settings(cluster=quiet),
        memory_stores("n1"),
        clock=clock,
        new_id=Ids(clock, Random(1)),
        passwords=Passwords(memory_kib=8, iterations=1, lanes=1, run=on_the_spot),
        run=on_the_spot,
    )


class Client:
    """A device: what it has asked and what it got. After a frame that ended its connection it has a new one and joins again."""

    def __init__(self, core: Core, token: str, chat_id: str, refs: Iterator[int]) -> None:
        self._joins: list[Pushed] = [(0, "phx_join", {}, None), (1, "phx_join", {}, None)]
        self._chat_id = chat_id
        self._refs = refs
        self._core = core
        self._principal = core.people.tokens.verify(token)
        self._session: Session | None = None
        self.asked: Counter[str] = Counter()
        self.got: list[list[Any]] = []
        self.refused: Counter[int] = Counter()

    def push(self, prepared: Prepared) -> None:
        for text in prepared.texts:
            frame = json.loads(text)
            assert type(frame) is list
            assert len(frame) == 5
            self.got.append(frame)

    def close(self, code: int, reason: str) -> None:
        raise AssertionError(f"disconnected: {code} {reason}")

    async def send(self, text: bytes) -> None:
        if self._session is None:
            self._session = self._core.sessions.session(self._principal, self, "c")
            await self._core.sessions.sessions.opened(self._session)
            for join in self._joins:
                await self.send(frame(self._chat_id, self._refs, join))
        try:
            await self._session.receive(text)
        except BadFrame as error:
            self.refused[error.code] += 1
            self.leave()
        else:
            self.asked[_ref(json.loads(bytes(_parts(text)[1])))] += 1

    def leave(self) -> None:
        if self._session is not None:
            self._core.sessions.sessions.closed(self._session)
            self._session = None

    def check(self) -> None:
        """One answer to each, in the words of the contract."""
        replies = [frame for frame in self.got if frame[3] == "phx_reply"]
        assert Counter(_ref(frame[1]) for frame in replies) == self.asked
        for _, _, _, _, payload in replies:
            assert payload["status"] in ("ok", "error")
            if payload["status"] == "error":
                assert payload["response"]["code"] in CODES, payload
                assert payload["response"]["message"]
        assert not [frame for frame in self.got if frame[3] == "phx_error"]
        assert self.refused.keys() <= {1003, 1007}


def _ref(value: object) -> str:
    return json.dumps(value)


# -- what is sent --------------------------------------------------------------------------------------------------------

EVENTS = [
    *("phx_join", "phx_leave", "heartbeat", "typing", "phx_reply", "phx_close", "access_token"),
    *(f"message:{event}" for event in ("send", "edit", "delete", "delivered", "read")),
]
FIELDS = [
    "chat_id",
    "seq",
    "client_id",
    "type",
    "content",
    "media_id",
    "reply_to",
    "known",
    "since",
    "limit",
    "state",
]
INNER = ["text", "lat", "lng", "accuracy", "live_until", "width", "height", "duration_ms", "filename", "size"]
WORDS = [
    "",
    "me",
    "text",
    "image",
    "location",
    "system",
    "start",
    "\0",
    "a b",
    "$ne",
    "\ud800",
    "é" * 70,
    "x" * 8193,
]

numbers = (
    st.integers()
    | st.sampled_from([0, -0.0, 1, 1.0, 1.5, 2**31, 2**53 + 1, 2**63, -(2**63) - 1, 2**64, 10**40])
    | st.floats()
)
words = st.text(max_size=8) | st.sampled_from(WORDS)
values = st.recursive(
    st.none() | st.booleans() | numbers | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)


def in_order(chat_id: str) -> dict[str, Any]:
    """For each field of a payload a value that is in order."""
    return {
        "chat_id": chat_id,
        "seq": 1,
        "client_id": "c1",
        "type": "text",
        "content": {"text": "hello"},
        "known": {chat_id: 1},
        "since": "2026-01-01T00:00:00.000Z",
        "limit": 3,
        "state": "start",
    }


payloads = st.tuples(
    st.sets(st.sampled_from(FIELDS), max_size=1),  # left out
    st.dictionaries(st.sampled_from(FIELDS), values, max_size=2),
    st.dictionaries(st.sampled_from(INNER), values, max_size=2),
)
pushes = st.tuples(
    st.sampled_from([0, 0, 0, 1, 1, 2, 3, 4, 5]),  # which topic
    st.sampled_from(EVENTS) | words,
    payloads | values,
    words | st.none(),  # join_ref
)
others = (
    st.binary(max_size=40)
    | values.map(lambda value: json.dumps(value).encode())
    | st.lists(values, min_size=4, max_size=6).map(lambda value: json.dumps(value).encode())
)
conversations = st.lists(
    st.tuples(st.integers(0, 1), st.one_of(pushes, pushes, pushes, pushes, pushes, others)),
    min_size=20,
    max_size=40,
)


def frame(chat_id: str, refs: Iterator[int], push: Pushed) -> bytes:
    where, event, payload, join_ref = push
    topic = ["me", f"chat:{chat_id}", "phoenix", "chat:other", "lobby", ""][where]
    if type(payload) is tuple:
        missing, changed, inner = payload
        body = {**in_order(chat_id), **changed}
        if inner and type(body["content"]) is dict:
            body["content"] = {**body["content"], **inner}
        payload = {name: value for name, value in body.items() if name not in missing}
    return json.dumps([join_ref, str(next(refs)), topic, event, payload]).encode()


@contextmanager
def nothing_logged_as_a_crash() -> Iterator[None]:
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[method-assign, assignment]
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
    crashes = [
        record.getMessage() for record in records if record.levelno >= logging.ERROR or record.exc_info
    ]
    assert not crashes


async def converse(conversation: list[tuple[int, Any]]) -> None:
    core = make_node()
    async with open_supervisor(Supervisor(core.children(), name="node", strategy=Strategy.REST_FOR_ONE)):
        sessions = [
            await core.people.auth.signup(
                SignupBody(name, f"+4930000000{number}", "correct horse"), "127.0.0.1"
            )
            for number, name in enumerate(("Ana", "Ben"))
        ]
        body = NewGroup(title="x", member_ids=[sessions[1].user.id])
        view, _ = await core.chats.conversations.create(
            core.people.tokens.verify(sessions[0].access_token), body
        )
        refs = count(1)
        ana, ben = (Client(core, session.access_token, view.id, refs) for session in sessions)
        for who, what in conversation:
            await (ana, ben)[who].send(what if type(what) is bytes else frame(view.id, refs, what))
        await trio.sleep(60)  # whatever waits for an answer has it by then
        ana.check()
        ben.check()
        for client in (ana, ben):
            client.leave()


@settings(max_examples=examples(25), deadline=None, suppress_health_check=list(HealthCheck))
@given(conversation=conversations, seed=st.integers(0, 1000))
def test_every_frame_is_answered_exactly_once_or_refused(
    conversation: list[tuple[int, Any]], seed: int
) -> None:
    with nothing_logged_as_a_crash():
        deterministic.run(seed, converse, conversation)


def test_a_payload_nested_as_deep_as_a_frame_can_be_is_answered() -> None:
    """Decoding a payload happens further down the stack than decoding its frame did: there is a depth that only one of them bears."""

    def nested(depth: int) -> bytes:
        inner = "[" * depth + "]" * depth
        body = f'{{"chat_id":"c","client_id":"c","type":"text","content":{{"text":{inner}}}}}'
        return f'[null,"{depth}","me","message:send",{body}]'.encode()

    with nothing_logged_as_a_crash():
        deterministic.run(1, converse, [(0, nested(depth)) for depth in range(880, 1010)])
