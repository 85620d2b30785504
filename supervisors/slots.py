"""What a supervisor keeps of each child."""

from __future__ import annotations

from dataclasses import dataclass

import trio

from supervisors.child import Child
from supervisors.exits import Exit
from supervisors.spec import ChildSpec


@dataclass(slots=True, eq=False)
class Slot:
    """A child's place: its specification, and the child if there is one."""

    spec: ChildSpec
    child: Child | None = None
    retry: Retry | None = None
    restarts: int = 0
    last: Exit | None = None

    @property
    def state(self) -> str:
        """Running, restarting or stopped."""
        if self.child is not None:
            return "running"
        return "stopped" if self.retry is None else "restarting"

    def give_up(self) -> None:
        """Do not restart it any more."""
        if self.retry is not None and self.retry.pause is not None:
            self.retry.pause.cancel()
        self.retry = None


@dataclass(slots=True, eq=False)
class Retry:
    """A restart that is due, or will be after its pause; `counted` already, or not yet. Void once it is no more the one its slot has."""

    slot: Slot
    counted: bool
    pause: trio.CancelScope | None = None
