"""What a tree looks like at this moment."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import trio

from supervisors.exits import Crash, Exit
from supervisors.spec import ChildSpec, ChildType

if TYPE_CHECKING:
    from supervisors.child import Child


@dataclass(frozen=True, slots=True)
class CrashReport:
    """A child crashed: `at` this time (milliseconds since the epoch), after it had run for `uptime_s`. `child` is its path."""

    child: str
    at: int
    uptime_s: float
    restarts: int
    reason: str
    traceback: str


@dataclass(frozen=True, slots=True)
class Node:
    """A child and what is below it. `uptime_s` is `None` for one that does not run, `mailbox` for one without.

    `crashes` are the last reports of it, and of children that are gone, the newest first, where somebody keeps them (`CrashLog`). `hidden`: children that were left out.
    """

    path: str
    id: str
    type: str
    restart: str
    state: str
    restarts: int
    uptime_s: float | None
    mailbox: int | None
    last_crash: str | None
    children: tuple[Node, ...]
    crashes: tuple[CrashReport, ...] = ()
    hidden: int = 0


@dataclass(frozen=True, slots=True)
class Counts:
    """How many children a supervisor has, by state and type. Those neither active nor restarting are stopped."""

    specs: int
    active: int
    restarting: int
    supervisors: int
    workers: int

    @property
    def stopped(self) -> int:
        """Specifications without a task, and none to come unless somebody asks for it."""
        return self.specs - self.active - self.restarting


class Branch(ABC):
    """A supervisor, as far as the picture of the tree needs to know it."""

    name: str
    path: str

    @abstractmethod
    def nodes(self) -> list[Node]:
        """What is below, in start order."""


def leaf(
    spec: ChildSpec, path: str, child: Child | None, state: str, restarts: int, last: Exit | None
) -> Node:
    """The node of one child, with its subtree."""
    branch = None if child is None else child.branch
    return Node(
        path=path,
        id=spec.id,
        type=spec.type.value,
        restart=spec.restart.value,
        state=state,
        restarts=restarts,
        uptime_s=None if child is None else trio.current_time() - child.started_at,
        mailbox=None if child is None or child.mailbox_length is None else child.mailbox_length(),
        last_crash="; ".join(f"{type(e).__name__}: {e}" for e in last.leaves)
        if isinstance(last, Crash)
        else None,
        children=() if branch is None else tuple(branch.nodes()),
    )


def snapshot(root: Branch) -> Node:
    """The whole tree below a root."""
    return Node(
        path=root.path,
        id=root.name,
        type=ChildType.SUPERVISOR.value,
        restart="root",
        state="running",
        restarts=0,
        uptime_s=None,
        mailbox=None,
        last_crash=None,
        children=tuple(root.nodes()),
    )


def pruned(node: Node, most: int) -> Node:
    """The tree with at most so many children of each: those that crashed or have work waiting first, else in their order."""
    children = node.children
    if len(children) > most:
        ranked = sorted(range(len(children)), key=lambda index: (not _stands_out(children[index]), index))
        children = tuple(children[index] for index in sorted(ranked[:most]))
    return replace(
        node,
        children=tuple(pruned(child, most) for child in children),
        hidden=node.hidden + len(node.children) - len(children),
    )


def _stands_out(node: Node) -> bool:
    return bool(node.restarts or node.crashes or node.mailbox or node.last_crash)


def render(node: Node, *, most: int = 20) -> str:
    """The tree as text for a terminal; of more than `most` siblings, the rest is counted."""
    return "\n".join(_lines(node, "", "", most))


def _lines(node: Node, first: str, rest: str, most: int) -> Iterator[str]:
    facts = [node.state if node.restart == "root" else f"{node.restart}, {node.state}"]
    if node.restarts:
        facts.append("1 restart" if node.restarts == 1 else f"{node.restarts} restarts")
    if node.uptime_s is not None:
        facts.append(f"up {node.uptime_s:.0f} s")
    if node.mailbox is not None:
        facts.append(f"mailbox {node.mailbox}")
    if node.last_crash:
        facts.append(f"last crash {node.last_crash}")
    yield f"{first}{node.id}  ({', '.join(facts)})"
    shown = node.children[:most]
    hidden = len(node.children) - len(shown) + node.hidden
    for index, child in enumerate(shown):
        last = index == len(shown) - 1 and not hidden
        yield from _lines(child, rest + ("└─ " if last else "├─ "), rest + ("   " if last else "│  "), most)
    if hidden:
        yield f"{rest}└─ ... and {hidden} more"
