"""The people to try things with, in a local stack: made once, before it is announced as ready."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import trio

from server.demo.make import make_world
from server.local_stack.folder import Folder
from server.replay.rest import Api, ApiError, Node, NodeAway
from supervisors.child import Child

MOST_S: Final = 60.0
"""A stack whose people are not made by then goes on without them, until its next start."""


async def prepare_demo(child: Child, folder: Folder, node: Node, warn: Callable[[str], None]) -> None:
    """Make them, unless an earlier run has. The stack starts whether or not that succeeds."""
    made = folder.data("demo") / "made"
    if not made.exists():
        api = Api((node,), patience_s=MOST_S)
        try:
            with trio.fail_after(MOST_S):
                await make_world(api)
            made.touch()
        except (ApiError, NodeAway, trio.TooSlowError) as error:
            warn(f"the demo accounts could not be made: {error or 'it took too long'}")
        finally:
            await api.close()
    child.ready()
