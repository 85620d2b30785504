"""Who may do what. Every rule is here; REST, sockets and routers all ask `check`. `docs/permissions.md` is the same as a table.

A chat's roles rank owner > admin > member. Both people of a direct chat are members, and equal. Whoever is not a member is told that the
chat does not exist.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from handlers.errors import ChatError, Code, not_found
from handlers.principal import Principal
from persistence.models import ChatType, Privacy, Role, Visibility


class Action(StrEnum):
    """What can be done in a chat."""

    VIEW = "view"
    SEND = "send"
    EDIT_OWN = "edit_own"
    EDIT_OTHER = "edit_other"
    EDIT_FORWARDED = "edit_forwarded"
    DELETE_OWN = "delete_own"
    DELETE_OTHER = "delete_other"
    READ_MESSAGES = "read_messages"
    MARK_READ = "mark_read"
    RECEIPTS_OWN = "receipts_own"
    RECEIPTS_OTHER = "receipts_other"
    LIST_MEMBERS = "list_members"
    OPEN_CHAT = "open_chat"
    TYPING = "typing"
    SHARE_LOCATION = "share_location"
    PIN = "pin"
    MUTE = "mute"
    UPDATE_CHAT = "update_chat"
    DELETE_CHAT = "delete_chat"
    ADD_MEMBER = "add_member"
    SET_ROLE = "set_role"
    REMOVE_MEMBER = "remove_member"
    LEAVE = "leave"
    INVITE = "invite"
    JOIN_BY_INVITE = "join_by_invite"


class Barrier(StrEnum):
    """A block between the two of a direct chat, as seen by one of them. Who has blocked and is blocked sees `OWN`: what they can do something about."""

    OWN = "own"  # they have blocked the other
    THEIRS = "theirs"  # the other has blocked them


_RANK: Final[Mapping[Role, int]] = {Role.MEMBER: 1, Role.ADMIN: 2, Role.OWNER: 3}
_NOBODY: Final = 9

_NEEDS: Final[Mapping[ChatType, Mapping[Action, int]]] = {
    # The least rank that an action needs; what is not listed, every member may do.
    ChatType.DIRECT: {
        Action.EDIT_OTHER: _NOBODY,
        Action.EDIT_FORWARDED: _NOBODY,
        Action.DELETE_OTHER: _NOBODY,
        Action.UPDATE_CHAT: _NOBODY,
        Action.DELETE_CHAT: _NOBODY,
        Action.ADD_MEMBER: _NOBODY,
        Action.SET_ROLE: _NOBODY,
        Action.REMOVE_MEMBER: _NOBODY,
        Action.LEAVE: _NOBODY,
        Action.INVITE: _NOBODY,
    },
    ChatType.GROUP: {
        Action.RECEIPTS_OTHER: 2,
        Action.EDIT_OTHER: _NOBODY,
        Action.EDIT_FORWARDED: _NOBODY,
        Action.DELETE_OTHER: 2,
        Action.UPDATE_CHAT: 2,
        Action.DELETE_CHAT: 3,
        Action.ADD_MEMBER: 2,
        Action.SET_ROLE: 3,
        Action.REMOVE_MEMBER: 2,
        Action.INVITE: 2,
    },
    ChatType.CHANNEL: {
        Action.SEND: 2,
        Action.RECEIPTS_OWN: 2,
        Action.RECEIPTS_OTHER: 2,
        Action.TYPING: 2,
        Action.SHARE_LOCATION: 2,
        Action.EDIT_OWN: 2,
        Action.EDIT_OTHER: _NOBODY,
        Action.EDIT_FORWARDED: _NOBODY,
        Action.DELETE_OTHER: 2,
        Action.UPDATE_CHAT: 2,
        Action.DELETE_CHAT: 3,
        Action.ADD_MEMBER: 2,
        Action.SET_ROLE: 3,
        Action.REMOVE_MEMBER: 2,
        Action.INVITE: 2,
    },
}


_BARRED: Final = frozenset(
    {Action.SEND, Action.EDIT_OWN, Action.TYPING, Action.SHARE_LOCATION, Action.OPEN_CHAT}
)
"""What a block stops, for both."""
_WHY: Final[Mapping[Barrier, str]] = {
    Barrier.OWN: "you have blocked this person; unblock them first",
    Barrier.THEIRS: "this person has blocked you",
}


class Blocked(ChatError):
    """Refused because one of the two of a direct chat has blocked the other. Whoever judged by what may be old looks at the record first."""

    def __init__(self, barrier: Barrier) -> None:
        super().__init__(Code.FORBIDDEN, _WHY[barrier])


def check(
    action: Action,
    *,
    chat_type: ChatType,
    role: Role | None,
    target_role: Role | None = None,
    new_role: Role | None = None,
    barrier: Barrier | None = None,
) -> None:
    """Return if a user with `role` may do this in a chat of this type.

    Args:
        action: what they want to do.
        chat_type: where.
        role: theirs; `None` for somebody who is not a member.
        target_role: that of the user it is done to, for changes of membership.
        new_role: the role that the target is to have.
        barrier: the block between the two of a direct chat, if there is one.

    Raises:
        ChatError: `NOT_FOUND` for non-members (`CONFLICT` for members who join), else `FORBIDDEN`; `Blocked` for what a block stops.

    """
    if action is Action.JOIN_BY_INVITE:
        _check_joining(chat_type, role)
        return
    if role is None:
        raise not_found("chat")
    if barrier is not None and action in _BARRED:
        raise Blocked(barrier)
    rank = _RANK[role]
    if rank < _NEEDS[chat_type].get(action, 1):
        raise ChatError(
            Code.FORBIDDEN,
            f"{_A[role]} may not {_WORDS.get(action, action.value.replace('_', ' '))} in {_IN[chat_type]}",
        )
    if action is Action.ADD_MEMBER and _RANK[new_role or Role.MEMBER] >= max(rank, _RANK[Role.ADMIN]):
        raise ChatError(Code.FORBIDDEN, "new members can only be given a role below one's own")
    if action in (Action.SET_ROLE, Action.REMOVE_MEMBER) and target_role is None:
        raise not_found("member")
    if action is Action.SET_ROLE and target_role is Role.OWNER:
        raise ChatError(Code.FORBIDDEN, "an owner's role does not change; an owner who leaves hands it on")
    if action is Action.REMOVE_MEMBER:
        assert target_role is not None
        if _RANK[target_role] >= rank:
            raise ChatError(Code.FORBIDDEN, f"{_A[role]} may not remove {_A[target_role]}")


def _check_joining(chat_type: ChatType, role: Role | None) -> None:
    """Whether somebody may come in by themselves; whether their invite is good, the record decides."""
    if chat_type is ChatType.DIRECT:
        raise not_found("chat")
    if role is not None:
        raise ChatError(Code.CONFLICT, "you are in this chat already")


def sees_presence(viewer: Privacy, shown: Privacy, *, contact: bool) -> bool:
    """Whether one user may see when another is and was online, if there is no block between them. Oneself always may.

    Args:
        viewer: what the one shows: who shows nobody when they are online sees nobody's.
        shown: what the other shows.
        contact: whether the one is a contact of the other, who has begun, or has written in, their direct chat.

    """
    if Visibility.NOBODY in (viewer.last_seen, shown.last_seen):
        return False
    return contact or shown.last_seen is Visibility.EVERYONE


def require_operator(principal: Principal) -> None:
    """Return if the caller runs the platform, which their token says. Raises `ChatError` (`FORBIDDEN`)."""
    if not principal.operator:
        raise ChatError(Code.FORBIDDEN, "this is for operators only")


_A: Final[Mapping[Role, str]] = {Role.OWNER: "an owner", Role.ADMIN: "an admin", Role.MEMBER: "a member"}
_IN: Final[Mapping[ChatType, str]] = {
    ChatType.DIRECT: "a direct chat",
    ChatType.GROUP: "this group",
    ChatType.CHANNEL: "this channel",
}
_WORDS: Final[Mapping[Action, str]] = {
    Action.SEND: "send messages",
    Action.TYPING: "type",
    Action.SHARE_LOCATION: "share a live location",
    Action.DELETE_OWN: "delete messages",
    Action.EDIT_OWN: "edit messages",
    Action.EDIT_OTHER: "edit the messages of others",
    Action.EDIT_FORWARDED: "edit forwarded messages",
    Action.DELETE_OTHER: "delete the messages of others",
    Action.RECEIPTS_OWN: "see who has read messages",
    Action.RECEIPTS_OTHER: "see who has read the messages of others",
    Action.UPDATE_CHAT: "change the chat",
    Action.DELETE_CHAT: "delete the chat",
    Action.ADD_MEMBER: "add members",
    Action.SET_ROLE: "change roles",
    Action.REMOVE_MEMBER: "remove members",
    Action.LEAVE: "leave",
    Action.INVITE: "invite people",
}
