"""Who may do what: the whole table of action x role x chat type x membership, as docs/permissions.md has it."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest

from handlers.errors import ChatError, Code
from handlers.policy import Action, Barrier, check, require_operator, sees_presence
from handlers.principal import Principal
from persistence.models import ChatType, Privacy, Role, Visibility

ROLES = tuple(Role)
TYPES = tuple(ChatType)
TARGETED = (Action.ADD_MEMBER, Action.SET_ROLE, Action.REMOVE_MEMBER)


def tables() -> list[list[list[str]]]:
    """The tables of the page, each with its head, cells without decoration."""
    page = (Path(__file__).resolve().parents[2] / "docs/permissions.md").read_text()
    found: list[list[list[str]]] = [[]]
    for line in page.splitlines():
        if line.startswith("|"):
            found[-1].append([cell.strip().strip("`") for cell in line.strip("|").split("|")])
        elif found[-1]:
            found.append([])
    return [[table[0], *table[2:]] for table in found if table]


def said(cell: str) -> bool:
    return {"yes": True, "no": False}[cell]


def in_a_chat() -> dict[tuple[Action, ChatType, Role], bool]:
    head, *rows = tables()[0]
    columns = [(ChatType(kind), Role(role)) for kind, role in (name.split(": ") for name in head[2:])]
    return {
        (Action(row[1]), *column): said(cell)
        for row in rows
        for column, cell in zip(columns, row[2:], strict=True)
    }


def behind_a_block() -> dict[tuple[Action, Barrier], bool]:
    _, *rows = tables()[1]
    return {
        (Action(row[1]), barrier): said(cell)
        for row in rows
        for barrier, cell in zip((Barrier.OWN, Barrier.THEIRS), row[2:], strict=True)
    }


def of_members() -> dict[tuple[Action, Role | None, Role | None, Role], bool]:
    head, *rows = tables()[2]
    actors = [Role(name) for name in head[4:]]
    return {
        (Action(row[1]), _role(row[2]), _role(row[3]), actor): said(cell)
        for row in rows
        for actor, cell in zip(actors, row[4:], strict=True)
    }


def _role(cell: str) -> Role | None:
    return None if cell == "nobody" else Role(cell)


SIMPLE = in_a_chat()
BLOCKED = behind_a_block()
MEMBERS = of_members()
JOINING = {kind: said(cell) for kind, cell in zip(TYPES, tables()[3][1][2:], strict=True)}


def refusal(action: Action, chat_type: ChatType, role: Role | None, **more: Any) -> Code | None:
    try:
        check(action, chat_type=chat_type, role=role, **more)
    except ChatError as error:
        return error.code
    return None


def test_the_page_names_every_case_once() -> None:
    places = {(ChatType.DIRECT, Role.MEMBER), *product((ChatType.GROUP, ChatType.CHANNEL), ROLES)}
    assert set(SIMPLE) == {
        (action, *place) for action in set(Action) - {*TARGETED, Action.JOIN_BY_INVITE} for place in places
    }
    added = product([Action.ADD_MEMBER], [None], ROLES, ROLES)
    changed = product([Action.SET_ROLE], ROLES, ROLES, ROLES)
    removed = product([Action.REMOVE_MEMBER], ROLES, [None], ROLES)
    assert set(MEMBERS) == {*added, *changed, *removed}


@pytest.mark.parametrize(("action", "chat_type", "role"), SIMPLE)
def test_actions_without_a_target(action: Action, chat_type: ChatType, role: Role) -> None:
    expected = None if SIMPLE[action, chat_type, role] else Code.FORBIDDEN
    assert refusal(action, chat_type, role) is expected


@pytest.mark.parametrize(
    "action", [action for action in Action if action not in (*TARGETED, Action.JOIN_BY_INVITE)]
)
@pytest.mark.parametrize("barrier", Barrier)
def test_actions_behind_a_block(action: Action, barrier: Barrier) -> None:
    allowed = BLOCKED.get((action, barrier), SIMPLE[action, ChatType.DIRECT, Role.MEMBER])
    expected = None if allowed else Code.FORBIDDEN
    assert refusal(action, ChatType.DIRECT, Role.MEMBER, barrier=barrier) is expected
    assert refusal(action, ChatType.DIRECT, None, barrier=barrier) is Code.NOT_FOUND


@pytest.mark.parametrize(("action", "target", "new", "actor"), MEMBERS)
def test_changes_of_membership(action: Action, target: Role | None, new: Role | None, actor: Role) -> None:
    expected = None if MEMBERS[action, target, new, actor] else Code.FORBIDDEN
    for chat_type in (ChatType.GROUP, ChatType.CHANNEL):
        assert refusal(action, chat_type, actor, target_role=target, new_role=new) is expected
    assert refusal(action, ChatType.DIRECT, actor, target_role=target, new_role=new) is Code.FORBIDDEN


@pytest.mark.parametrize(
    ("action", "chat_type"), [(a, t) for a, t in product(Action, TYPES) if a is not Action.JOIN_BY_INVITE]
)
def test_a_stranger_is_told_that_there_is_no_such_chat(action: Action, chat_type: ChatType) -> None:
    for target, new in product((None, *ROLES), (None, *ROLES)):
        assert refusal(action, chat_type, None, target_role=target, new_role=new) is Code.NOT_FOUND


@pytest.mark.parametrize("action", [Action.SET_ROLE, Action.REMOVE_MEMBER])
def test_whoever_is_not_there_cannot_be_changed(action: Action) -> None:
    for chat_type in (ChatType.GROUP, ChatType.CHANNEL):
        assert refusal(action, chat_type, Role.OWNER, new_role=Role.ADMIN) is Code.NOT_FOUND
        assert refusal(action, chat_type, Role.MEMBER, new_role=Role.ADMIN) is Code.FORBIDDEN


@pytest.mark.parametrize("chat_type", TYPES)
def test_coming_in_by_oneself(chat_type: ChatType) -> None:
    assert tables()[3][1][1] == Action.JOIN_BY_INVITE
    expected = None if JOINING[chat_type] else Code.NOT_FOUND
    assert refusal(Action.JOIN_BY_INVITE, chat_type, None, new_role=Role.MEMBER) is expected
    if JOINING[chat_type]:
        for role in ROLES:
            assert refusal(Action.JOIN_BY_INVITE, chat_type, role, new_role=Role.MEMBER) is Code.CONFLICT


def test_a_refusal_says_what_and_where() -> None:
    with pytest.raises(ChatError, match="a member may not send messages in this channel"):
        check(Action.SEND, chat_type=ChatType.CHANNEL, role=Role.MEMBER)


def test_operators_are_those_whose_token_says_so() -> None:
    require_operator(Principal("u", "d", 0, operator=True))
    with pytest.raises(ChatError) as caught:
        require_operator(Principal("u", "d", 0))
    assert caught.value.code is Code.FORBIDDEN


def test_who_sees_when_somebody_is_online_is_as_the_page_says() -> None:
    (rows,) = (rows for head, *rows in tables() if head[0] == "who sees shows theirs to")
    assert {(row[0], row[1]) for row in rows} == set(product(Visibility, repeat=2))
    for viewer, shown, contact, other in rows:
        privacies = Privacy(last_seen=Visibility(viewer)), Privacy(last_seen=Visibility(shown))
        assert sees_presence(*privacies, contact=True) is said(contact), (viewer, shown)
        assert sees_presence(*privacies, contact=False) is said(other), (viewer, shown)
