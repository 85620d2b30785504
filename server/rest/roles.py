"""Which role of a node serves which call: the first part of its path decides, so that a proxy can route by it (`config/deploy/nginx-roles.conf`).

A node without the role has no such route, and answers 404 as for any path that does not exist; its OpenAPI document lists what it serves. What is not below
`/api/v1` (health, metrics, keys, documents) is served by every node.
"""

from __future__ import annotations

from typing import Final

from config.settings import NodeRole

BY_PATH: Final = {
    "media": NodeRole.MEDIA,
    "stories": NodeRole.STORIES,
    "push": NodeRole.NOTIFICATIONS,
}
"""First part of the path -> role; all others are `api`."""


def role_of(path: str) -> NodeRole:
    """The role that serves a call at this path, as OpenAPI writes it."""
    return BY_PATH.get(path.split("/")[1], NodeRole.API)
