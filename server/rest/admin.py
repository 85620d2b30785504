"""What operators look at."""

from __future__ import annotations

from collections.abc import Sequence

from handlers.audit.reader import AuditFilter, AuditView
from handlers.errors import Code
from handlers.operators.live_tree import TreeQuery, TreeView
from handlers.operators.trace import TraceView
from handlers.pages import Page
from handlers.policy import require_operator
from server.rest.operation import Call, NoQuery, Operation
from server.services import Services

TAG = "admin"


def operations(services: Services) -> Sequence[Operation]:
    """The calls below `/admin`."""

    async def audit(call: Call[None, AuditFilter]) -> Page[AuditView]:
        """The audit log: who signed in, who changed roles and members, who deleted, which operator looked at what; the newest first. For operators.

        That it was read is in it before it is answered.
        """
        require_operator(call.principal)
        return await services.audit.page(call.principal, call.query, call.address)

    async def tree(call: Call[None, TreeQuery]) -> TreeView:
        """What runs in this node at the moment. For operators.

        Made while nothing else runs, so it is one instant; `python -m server tree --url` shows it as text.
        """
        require_operator(call.principal)
        services.audit.looked(call.principal, "tree", call.address)
        return await services.tree.view(call.query)

    async def trace(call: Call[None, NoQuery]) -> TraceView:
        """Where a message is: when it was durable and published, how far each node is, which devices and members have it, which pushes were tried. For operators.

        Nothing of what it says is shown. That it was asked for is in the audit log before it is answered. Nodes have a second to answer.
        """
        require_operator(call.principal)
        return await services.tracer.trace(call.principal, call.id("chat_id"), call.seq(), call.address)

    return (
        Operation(
            method="GET",
            path="/admin/audit",
            serve=audit,
            tag=TAG,
            query=AuditFilter,
            answers={200: Page[AuditView]},
            refuses=(Code.FORBIDDEN,),
        ),
        Operation(
            method="GET",
            path="/admin/tree",
            serve=tree,
            tag=TAG,
            query=TreeQuery,
            answers={200: TreeView},
            refuses=(Code.FORBIDDEN,),
        ),
        Operation(
            method="GET",
            path="/admin/chats/{chat_id}/messages/{seq}/trace",
            serve=trace,
            tag=TAG,
            answers={200: TraceView},
            refuses=(Code.FORBIDDEN, Code.NOT_FOUND),
        ),
    )
