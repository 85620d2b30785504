"""A question to all nodes at once, answered by whoever is there within a moment: for what is only in the nodes' memory, and only wanted by people who look."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import trio

from handlers.nodes.peers import NoAnswer, Peers, Reply
from persistence.errors import StoreUnavailable
from persistence.ports import Cluster

KIND: Final = b"*"
"""How questions to all begin, among those that nodes ask each other."""
PATIENCE_S: Final = 1.0

Answer = Callable[[bytes], bytes]
"""What this node says. Called in the task that reads what other nodes say: never blocks."""

log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Roll:
    """What the nodes have said.

    Attributes:
        answers: by node, in order of names; `None` of one that did not answer in time.
        complete: it was known which nodes there are. Else there is this one alone.

    """

    answers: dict[str, bytes | None]
    complete: bool


class RollCall:
    """Asks all nodes, this one included, and answers them.

    Args:
        peers: the way to the others.
        cluster: knows who they are.

    """

    def __init__(self, peers: Peers, cluster: Cluster) -> None:
        self._peers = peers
        self._cluster = cluster
        self._subjects: dict[str, Answer] = {}
        peers.serve(self._asked, KIND)

    def answer(self, subject: str, answer: Answer) -> None:
        """Have questions about this answered, on this node."""
        self._subjects[subject] = answer

    async def ask(self, subject: str, body: bytes = b"", *, timeout_s: float = PATIENCE_S) -> Roll:
        """What each node says to this, as far as they say it in time. Never fails: without Redis there is this node alone."""
        own = self._peers.incarnation
        complete = True
        try:
            with trio.move_on_after(timeout_s) as scope:
                nodes = await self._cluster.nodes()
            complete = not scope.cancelled_caught
        except StoreUnavailable:
            complete = False
        others = [node for node in nodes if node != own] if complete else []
        answers: dict[str, bytes | None] = dict.fromkeys(sorted([own, *others]))
        answers[own] = self._say(subject, body)
        question = KIND + subject.encode() + b"\0" + body

        async def call(node: str) -> None:
            try:
                answers[node] = (await self._peers.ask(node, question))[1:] or None
            except NoAnswer:
                return  # it says nothing, which is what is shown

        with trio.move_on_after(timeout_s):
            async with trio.open_nursery() as nursery:
                for node in others:
                    nursery.start_soon(call, node)
        return Roll(answers, complete)

    def _asked(self, question: bytes, reply: Reply) -> None:
        subject, _, body = question[1:].partition(b"\0")
        said = self._say(subject.decode("utf-8", "replace"), body)
        reply(KIND if said is None else KIND + said)

    def _say(self, subject: str, body: bytes) -> bytes | None:
        answer = self._subjects.get(subject)
        if answer is None:
            return None  # another version during a rolling upgrade
        try:
            return answer(body)
        except Exception:  # whatever fault it has: raised, it would be the crash of the inbox, through which every chat of this node hears from the others
            log.exception("a question to all nodes could not be answered", extra={"subject": subject})
            return None
