"""What a good client keeps of a chat, and what it may rely on while frames come in."""

from __future__ import annotations

from typing import Any

_LOG_EVENTS = {
    "MESSAGE_SENT", "MESSAGE_EDITED", "MESSAGE_DELETED", "MEMBER_CHANGED", "CHAT_UPDATED", "CHAT_DELETED",
}  # fmt: skip


class Broken(Exception):
    """The contract is broken."""


class ChatCopy:
    """One chat on one device.

    Attributes:
        synced: everything of the log up to this `rev` is here: what to tell as `known`.
        rev: that of the last event on this connection; `None` before the first of a chat that the join's answer did not list.
        last_seq: of the last `MESSAGE_SENT`, or where events begin; `None` in the same case.
        paging: further pages are still to be read, so events do not move `synced`.
        messages: newest state by `seq`.
        cursors: by user, `[delivered, read]`.

    """

    def __init__(self, chat_id: str) -> None:
        self.id = chat_id
        self.view: dict[str, Any] = {}
        self.synced = 0
        self.rev: int | None = None
        self.last_seq: int | None = None
        self.paging = False
        self.messages: dict[int, dict[str, Any]] = {}
        self.members: dict[str, str] = {}
        self.cursors: dict[str, list[int]] = {}
        self.changed_members: set[str] = set()

    # -- answers ---------------------------------------------------------------------------------------------------

    def reconnected(self) -> None:
        """A new connection, whose join did not list this chat."""
        self.rev = self.last_seq = None

    def listed(self, view: dict[str, Any], *, more: bool) -> None:
        """The chat as a join's answer or `CHAT_CREATED` shows it; events go on from there."""
        if view["member_count"] < 1:
            raise Broken(f"nobody is in chat {view}")
        self.view = view
        self.rev, self.last_seq = view["rev"], view["last_seq"]
        self.paging = more
        if not more:
            self.synced = max(self.synced, view["rev"])
        for cursor in view["cursors"]:
            self.moved(cursor["user_id"], cursor["delivered_seq"], cursor["read_seq"])

    def page(self, items: list[dict[str, Any]], rev: int, *, last: bool) -> None:
        """A page by `after_rev`."""
        for message in items:
            self.keep(message)
        self.synced = max(self.synced, rev)
        if last:
            self.paging = False
            self.synced = max(self.synced, self.rev or 0)

    def keep(self, message: dict[str, Any]) -> None:
        """A message in some state; the newest counts."""
        there = self.messages.get(message["seq"])
        if there is not None and (there["id"], there["client_id"]) != (message["id"], message["client_id"]):
            raise Broken(f"two messages have one seq: {there} and {message}")
        if there is None or message["rev"] >= there["rev"]:
            self.messages[message["seq"]] = message

    def moved(self, user_id: str, delivered: int, read: int) -> None:
        """A cursor is at least here."""
        there = self.cursors.setdefault(user_id, [0, 0])
        there[0] = max(there[0], delivered, read)
        there[1] = max(there[1], read)

    # -- events ----------------------------------------------------------------------------------------------------

    def on_log_event(self, event: str, payload: dict[str, Any]) -> None:
        """An event of the chat's log. Raises `Broken`."""
        message = payload.get("message")
        rev = payload["rev"] if message is None else message["rev"]
        if self.rev is not None and (rev < self.rev or (rev == self.rev and event != "MESSAGE_SENT")):
            raise Broken(f"{event} of rev {rev} comes after rev {self.rev}: {payload}")
        if message is not None:
            self._on_message(event, message)
        elif event == "MEMBER_CHANGED":
            self.changed_members.add(payload["user_id"])
            if payload["role"] is None:
                self.members.pop(payload["user_id"], None)
            else:
                self.members[payload["user_id"]] = payload["role"]
        elif event == "CHAT_UPDATED":
            self.view["title"] = payload["title"]
        self.rev = rev
        if not self.paging:
            self.synced = max(self.synced, rev)

    def _on_message(self, event: str, message: dict[str, Any]) -> None:
        seq = message["seq"]
        if event == "MESSAGE_SENT":
            if self.last_seq is None:
                # The join listed nothing: events go on somewhere in what is here, or right after it.
                if seq > 1 and seq - 1 not in self.messages:
                    raise Broken(f"message {seq} after a join that listed nothing, but {seq - 1} is not here")
            elif seq != self.last_seq + 1:
                raise Broken(f"message {seq} comes after {self.last_seq}: {message}")
            self.last_seq = seq
        elif self.last_seq is not None and seq > self.last_seq:
            raise Broken(f"{event} of message {seq}, which has not come yet: {message}")
        if event == "MESSAGE_DELETED" and (not message["deleted"] or message["content"]):
            raise Broken(f"deleted, but there: {message}")
        self.keep(message)


def is_log_event(event: str, payload: dict[str, Any]) -> bool:
    """Whether the event takes a `rev` (pins and mutes are `CHAT_UPDATED` too, and do not)."""
    return event in _LOG_EVENTS and (event != "CHAT_UPDATED" or "rev" in payload)
