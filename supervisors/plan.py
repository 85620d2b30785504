"""What a supervisor decides: whom a failure touches, who comes back, when it is over. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from supervisors.exits import Crash, Exit, Killed
from supervisors.spec import AutoShutdown, ChildSpec, Restart, Strategy


def comes_back(restart: Restart, exit_: Exit) -> bool:
    """Whether a child that ended on its own is to be started again."""
    if restart is Restart.PERMANENT:
        return True
    return restart is Restart.TRANSIENT and isinstance(exit_, Crash | Killed)


def affected(strategy: Strategy, ids: Sequence[str], failed: str) -> list[str]:
    """The children, in start order, that are stopped and started when `failed` is restarted, itself included."""
    if strategy is Strategy.ONE_FOR_ONE:
        return [failed]
    if strategy is Strategy.ONE_FOR_ALL:
        return list(ids)
    return list(ids[list(ids).index(failed) :])


def ends_supervisor(auto: AutoShutdown, spec: ChildSpec, exit_: Exit, significant_left: int) -> bool:
    """Whether the end of this child, which does not come back, ends its supervisor; `significant_left` others are still there."""
    if not spec.significant or auto is AutoShutdown.NEVER:
        return False
    if spec.restart is Restart.TRANSIENT and comes_back(spec.restart, exit_):
        return False
    return auto is AutoShutdown.ANY_SIGNIFICANT or significant_left == 0
