"""What runs, on this node and on all: for operators."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from handlers.nodes.roll_call import RollCall
from supervisors import CrashReport, Node, pruned

SUBJECT: Final = "tree"
MOST_EVERYWHERE: Final = 50
"""Children of one supervisor in the picture of all nodes, unless more or fewer are asked for."""

log: Final = logging.getLogger(__name__)


class TreeQuery(msgspec.Struct, frozen=True, kw_only=True):
    """How much of the tree. `all`: of every node. `most`: children of one supervisor; the rest is counted (`hidden`), those that crashed or have work waiting are shown first."""

    all: bool = False
    most: Annotated[int, Meta(ge=1, le=10_000, description="Children of one supervisor.")] | UnsetType = UNSET


class NodeTree(msgspec.Struct, frozen=True, kw_only=True):
    """One node, and its tree; `null` if it did not answer."""

    node: str
    tree: Node | None


class TreeView(msgspec.Struct, frozen=True, kw_only=True):
    """The tree of the node that was asked, which is called `node`.

    With `all`, its own children stand below `nodes` with those of all others; `complete` is false when it is not known which nodes there are.
    """

    node: str
    path: str
    id: str
    type: str
    restart: str
    state: str
    restarts: int
    uptime_s: float | None
    mailbox: int | None
    last_crash: str | None
    crashes: tuple[CrashReport, ...]
    hidden: int
    children: tuple[Node, ...]
    nodes: list[NodeTree] | UnsetType = UNSET
    complete: bool | UnsetType = UNSET


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Node).decode
_decode_most: Final = msgspec.msgpack.Decoder(int).decode


class LiveTree:
    """Looks at trees.

    Args:
        node: what this node is called.
        tree: what runs here at this moment.
        roll_call: the way to the other nodes, which are asked with it and answered.

    """

    def __init__(self, node: str, tree: Callable[[], Node], roll_call: RollCall) -> None:
        self._node = node
        self._tree = tree
        self._roll_call = roll_call
        roll_call.answer(SUBJECT, lambda body: _encode(pruned(tree(), _decode_most(body))))

    async def view(self, query: TreeQuery) -> TreeView:
        """The tree, or all trees."""
        tree = self._tree()
        if not query.all:
            return self._view(tree if query.most is UNSET else pruned(tree, query.most))
        most = MOST_EVERYWHERE if query.most is UNSET else query.most
        roll = await self._roll_call.ask(SUBJECT, _encode(most))
        nodes = [NodeTree(node=node, tree=_read(data)) for node, data in roll.answers.items()]
        own = self._view(tree)
        return msgspec.structs.replace(own, children=(), nodes=nodes, complete=roll.complete)

    def _view(self, tree: Node) -> TreeView:
        return TreeView(
            node=self._node,
            path=tree.path,
            id=tree.id,
            type=tree.type,
            restart=tree.restart,
            state=tree.state,
            restarts=tree.restarts,
            uptime_s=tree.uptime_s,
            mailbox=tree.mailbox,
            last_crash=tree.last_crash,
            crashes=tree.crashes,
            hidden=tree.hidden,
            children=tree.children,
        )


def _read(data: bytes | None) -> Node | None:
    try:
        return None if data is None else _decode(data)
    except msgspec.DecodeError:
        log.info("the tree of a node of another version was not understood")
        return None
