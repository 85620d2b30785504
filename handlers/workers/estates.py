"""Looks after the chats that nodes which are gone had served: what they wrote last, they may not have lived to say.

A node follows a chat's topic before it writes there. When it is buried, or leaves, its topics are noted in the same step that takes its interest away, and
stay noted until the chats are queued to be looked through: whoever dies in between leaves them to the next. Looking once too often does no harm.
"""

from __future__ import annotations

import logging
from typing import Final

import trio

from handlers.nodes.events import CHAT_TOPIC
from handlers.notifications.jobs import Look, pack_looks
from handlers.outage import Outage
from persistence.ports import Cluster, Jobs
from supervisors import Child

AT_ONCE: Final = 500

log: Final = logging.getLogger(__name__)


class Estates:
    """The worker.

    Args:
        every_s: time between two questions.

    Attributes:
        adopted: chats so far.
        lengths: jobs in each queue, when it was last asked.

    """

    def __init__(self, cluster: Cluster, *, looks: Jobs, pushes: Jobs, every_s: float) -> None:
        self._cluster = cluster
        self._looks = looks
        self._pushes = pushes
        self._every_s = every_s
        self._outage = Outage(
            log,
            "chats of dead nodes wait while Redis is away",
            "chats of dead nodes are looked after again",
            level=logging.DEBUG,
        )
        self.adopted = 0
        self.lengths: dict[str, int] = {}

    async def run(self, child: Child) -> None:
        """The worker, as a supervised child."""
        child.ready()
        with child.cancel_on_stop():
            while True:
                with self._outage.met():
                    while await self._adopt():
                        await trio.lowlevel.checkpoint()
                    self.lengths = {
                        "looks": await self._looks.length(),
                        "pushes": await self._pushes.length(),
                    }
                await trio.sleep(self._every_s)

    async def _adopt(self) -> bool:
        topics = await self._cluster.orphans(AT_ONCE)
        if topics:
            await self._looks.add([pack_looks([Look(topic.removeprefix(CHAT_TOPIC)) for topic in topics])])
            await self._cluster.adopted(topics)
            self.adopted += len(topics)
        return bool(topics)
