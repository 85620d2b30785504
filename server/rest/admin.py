"""What operators look at."""

from __future__ import annotations

from collections.abc import Sequence

from handlers.errors import Code
from handlers.policy import require_operator
from server.rest.operation import Call, NoQuery, Operation
from server.services import Services
from supervisors import Node

TAG = "admin"


def operations(services: Services) -> Sequence[Operation]:
    """The calls below `/admin`."""

    async def tree(call: Call[None, NoQuery]) -> Node:
        """What runs in this node at the moment. For operators.

        Made while nothing else runs, so it is one instant; `python -m server tree --url` shows it as text.
        """
        require_operator(call.principal)
        return services.tree()

    return (
        Operation(
            method="GET",
            path="/admin/tree",
            serve=tree,
            tag=TAG,
            answers={200: Node},
            refuses=(Code.FORBIDDEN,),
        ),
    )
