"""What waits for a supervisor to decide: exits, commands and due restarts, in the order in which they came."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import trio

from supervisors.child import Child
from supervisors.exits import NotRunning, SupervisionError
from supervisors.slots import Retry


@dataclass(slots=True, eq=False)
class Command:
    """A request from another task."""

    run: Callable[[], Awaitable[Any]]
    done: trio.Event = field(default_factory=trio.Event)
    result: Any = None
    error: Exception | None = None

    async def carry_out(self, path: str) -> None:
        """Run it, and tell whoever waits. Raises what is no refusal; they are told that the supervisor at `path` does not run."""
        try:
            self.result = await self.run()
        except SupervisionError as error:
            self.error = error
        except BaseException:
            self.error = NotRunning(path)
            raise
        finally:
            self.done.set()


class Queue:
    """Filled by any task, taken from by the supervisor's."""

    def __init__(self) -> None:
        self._items: deque[Child | Command | Retry] = deque()
        self._wake = trio.Event()

    def post(self, item: Child | Command | Retry) -> None:
        """Have it decided after what waits already."""
        self._items.append(item)
        self._wake.set()

    async def ask(self, run: Callable[[], Awaitable[Any]]) -> Any:
        """What `run` returned when its turn came, or raises what it raised as `SupervisionError`."""
        command = Command(run)
        self.post(command)
        await command.done.wait()
        if command.error is not None:
            raise command.error
        return command.result

    def take(self) -> Child | Command | Retry | None:
        """What has waited longest; `None` if nothing waits."""
        return self._items.popleft() if self._items else None

    async def wait(self) -> None:
        """Wait until something is posted, or the queue is woken."""
        self._wake = trio.Event()
        await self._wake.wait()

    def wake(self) -> None:
        """Have the supervisor look, though nothing may have come."""
        self._wake.set()

    def void(self, path: str) -> None:
        """Nothing of what waits is decided any more; whoever waits for a command is told that the supervisor at `path` does not run."""
        for item in self._items:
            if isinstance(item, Command):
                item.error = NotRunning(path)
                item.done.set()
        self._items.clear()
