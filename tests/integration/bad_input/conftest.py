"""A node to attack, for each module."""

from __future__ import annotations

import pytest

from tests.integration.bad_input.scene import Scene
from tests.integration.nodes import Cluster


@pytest.fixture(scope="module")
def scene(cluster: Cluster) -> Scene:
    node = cluster.start(SENDS_PER_SECOND="0")
    ana, ben, cleo, dora, eve = cluster.sign_up_many(node, 5)
    chat_id = ana.group(ben)
    ana.ask(
        "POST", f"/chats/{chat_id}/messages", {"client_id": "0", "type": "text", "content": {"text": "0"}}
    )
    return Scene(node, ana, ben, chat_id, cleo, dora, cleo.group(dora), eve)
