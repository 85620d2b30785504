"""Who may do what: the whole table of action x role x chat type x membership, written out."""

from __future__ import annotations

from itertools import product

import pytest

from handlers.errors import ChatError, Code
from handlers.policy import Action, check
from persistence.models import ChatType, Role

# o owner, a admin, m member: who may. A direct chat has members only; the other columns there say that no role would help.
SIMPLE = {
    #                       direct  group  channel
    Action.SEND: ("oam", "oam", "oa"),
    Action.EDIT_OWN: ("oam", "oam", "oa"),
    Action.DELETE_OWN: ("oam", "oam", "oam"),
    Action.DELETE_OTHER: ("", "oa", "oa"),
    Action.READ_MESSAGES: ("oam", "oam", "oam"),
    Action.MARK_READ: ("oam", "oam", "oam"),
    Action.LIST_MEMBERS: ("oam", "oam", "oam"),
    Action.OPEN_CHAT: ("oam", "oam", "oam"),
    Action.TYPING: ("oam", "oam", "oa"),
    Action.PIN: ("oam", "oam", "oam"),
    Action.MUTE: ("oam", "oam", "oam"),
    Action.UPDATE_CHAT: ("", "oa", "oa"),
    Action.DELETE_CHAT: ("", "o", "o"),
    Action.LEAVE: ("", "oam", "oam"),
}
# Who may do it to whom: actor, what the target is ("-" for nobody yet), what the target is to be. The same in groups and channels; nobody in a direct chat.
ADD = {"o-a", "o-m", "a-m"}
SET = {"oao", "oaa", "oam", "omo", "oma", "omm"}
REMOVE = {"oa", "om", "am"}

COLUMN = {ChatType.DIRECT: 0, ChatType.GROUP: 1, ChatType.CHANNEL: 2}
LETTER = {Role.OWNER: "o", Role.ADMIN: "a", Role.MEMBER: "m"}
ROLES = tuple(Role)
TYPES = tuple(ChatType)


def refusal(action: Action, chat_type: ChatType, role: Role | None, **more: Role | None) -> Code | None:
    try:
        check(action, chat_type=chat_type, role=role, **more)
    except ChatError as error:
        return error.code
    return None


def test_the_table_names_every_action() -> None:
    assert set(SIMPLE) | {Action.ADD_MEMBER, Action.SET_ROLE, Action.REMOVE_MEMBER} == set(Action)


@pytest.mark.parametrize(("action", "chat_type", "role"), list(product(SIMPLE, TYPES, ROLES)))
def test_actions_without_a_target(action: Action, chat_type: ChatType, role: Role) -> None:
    allowed = LETTER[role] in SIMPLE[action][COLUMN[chat_type]]
    assert refusal(action, chat_type, role) is (None if allowed else Code.FORBIDDEN)


@pytest.mark.parametrize(("action", "chat_type"), list(product(Action, TYPES)))
def test_a_stranger_is_told_that_there_is_no_such_chat(action: Action, chat_type: ChatType) -> None:
    for target, new in product((None, *ROLES), (None, *ROLES)):
        assert refusal(action, chat_type, None, target_role=target, new_role=new) is Code.NOT_FOUND


@pytest.mark.parametrize(("chat_type", "role", "new"), list(product(TYPES, ROLES, ROLES)))
def test_adding_members(chat_type: ChatType, role: Role, new: Role) -> None:
    allowed = chat_type is not ChatType.DIRECT and f"{LETTER[role]}-{LETTER[new]}" in ADD
    expected = None if allowed else Code.FORBIDDEN
    assert refusal(Action.ADD_MEMBER, chat_type, role, new_role=new) is expected


@pytest.mark.parametrize(("chat_type", "role", "target", "new"), list(product(TYPES, ROLES, ROLES, ROLES)))
def test_changing_roles(chat_type: ChatType, role: Role, target: Role, new: Role) -> None:
    allowed = chat_type is not ChatType.DIRECT and LETTER[role] + LETTER[target] + LETTER[new] in SET
    expected = None if allowed else Code.FORBIDDEN
    assert refusal(Action.SET_ROLE, chat_type, role, target_role=target, new_role=new) is expected


@pytest.mark.parametrize(("chat_type", "role", "target"), list(product(TYPES, ROLES, ROLES)))
def test_removing_members(chat_type: ChatType, role: Role, target: Role) -> None:
    allowed = chat_type is not ChatType.DIRECT and LETTER[role] + LETTER[target] in REMOVE
    expected = None if allowed else Code.FORBIDDEN
    assert refusal(Action.REMOVE_MEMBER, chat_type, role, target_role=target) is expected


@pytest.mark.parametrize("action", [Action.SET_ROLE, Action.REMOVE_MEMBER])
def test_whoever_is_not_there_cannot_be_changed(action: Action) -> None:
    for chat_type in (ChatType.GROUP, ChatType.CHANNEL):
        assert refusal(action, chat_type, Role.OWNER, new_role=Role.ADMIN) is Code.NOT_FOUND
        assert refusal(action, chat_type, Role.MEMBER, new_role=Role.ADMIN) is Code.FORBIDDEN


def test_a_refusal_says_what_and_where() -> None:
    with pytest.raises(ChatError, match="a member may not send messages in this channel"):
        check(Action.SEND, chat_type=ChatType.CHANNEL, role=Role.MEMBER)
