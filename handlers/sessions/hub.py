"""Who is connected to this node: sessions by user."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from handlers.nodes.events import Event


class UserSession(Protocol):
    """A connection of a user, as far as the hub needs to know it."""

    user_id: str
    device_id: str

    def on_user_event(self, event: Event) -> None:
        """Something that concerns the user. Never blocks and never raises."""


class Hub:
    """The node's directory of users. What follows from a change is its caller's business."""

    __slots__ = ("users",)

    def __init__(self) -> None:
        self.users: dict[str, dict[UserSession, None]] = {}

    def add(self, session: UserSession) -> bool:
        """A session has begun to follow its user; `True` for the user's first here."""
        sessions = self.users.get(session.user_id)
        if sessions is None:
            self.users[session.user_id] = {session: None}
            return True
        sessions[session] = None
        return False

    def remove(self, session: UserSession) -> bool:
        """A session is gone; `True` for the user's last here."""
        sessions = self.users.get(session.user_id)
        if sessions is None or session not in sessions:
            return False
        del sessions[session]
        if sessions:
            return False
        del self.users[session.user_id]
        return True

    def user_event(self, user_id: str, event: Event) -> None:
        """Hand an event to the user's sessions here."""
        for session in tuple(self.users.get(user_id, ())):
            session.on_user_event(event)

    def sessions(self) -> Iterator[UserSession]:
        """Every session here."""
        for sessions in self.users.values():
            yield from sessions
