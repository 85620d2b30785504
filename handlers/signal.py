"""A signal that one task waits for and anything on the Trio thread can give."""

from typing import Any

import trio
from trio.lowlevel import Abort


class Signal:
    """Like `trio.Event`, but used again and again by one waiter, at no cost per cycle.

    `set` is remembered until the next `wait` returns.
    """

    __slots__ = ("_is_set", "_task")

    def __init__(self) -> None:
        self._is_set = False
        self._task: trio.lowlevel.Task | None = None

    def set(self) -> None:
        """Wake the waiter, now or when it next waits."""
        self._is_set = True
        task = self._task
        if task is not None:
            self._task = None
            trio.lowlevel.reschedule(task)

    async def wait(self) -> None:
        """Wait until set since the last return. A checkpoint in any case."""
        if self._is_set:
            self._is_set = False
            await trio.lowlevel.checkpoint()
            return
        self._task = trio.lowlevel.current_task()

        def abort(_raise_cancel: Any) -> Abort:
            self._task = None
            return Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)
        self._is_set = False
