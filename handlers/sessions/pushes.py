"""What a client may push on a topic that it has joined: each event has what serves it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import msgspec

from handlers.bodies import from_validation
from handlers.errors import ChatError, Code
from handlers.protocol import Push
from handlers.sessions.session import Rest


class Served:
    """A topic with a table of its events. What is not in it is refused, and so is a payload that is not shaped as its event asks."""

    __slots__ = ()
    pushes: ClassVar[dict[str, Callable[[Any, Push], Rest | None]]]

    def handle(self, push: Push) -> Rest | None:
        """Serve a push. Raises `ChatError`."""
        serve = self.pushes.get(push.event)
        if serve is None:
            raise ChatError(Code.UNKNOWN_EVENT, "unknown event")
        try:
            return serve(self, push)
        except msgspec.ValidationError as error:
            raise from_validation(error) from None
