/**
 * Who may do what in a chat, so that nothing is offered that would be refused. The server decides (`docs/permissions.md`, which the test of
 * this module walks); whatever has changed on the way is answered with an error in words.
 */
import type { ChatView, Role } from "@/types/socket";

export type ChatType = ChatView["type"];

/** What takes nothing but one's own role. */
export type ChatAction =
  | "send"
  | "delete_other"
  | "receipts_own"
  | "receipts_other"
  | "list_members"
  | "pin"
  | "mute"
  | "update_chat"
  | "invite"
  | "delete_chat"
  | "leave";

/** What is done to somebody, whose role counts too. */
export type MemberAction = "add_member" | "set_role" | "remove_member";

const RANK: Readonly<Record<Role, number>> = { member: 1, admin: 2, owner: 3 };
const NOBODY = 9;

const ROOM: Partial<Record<ChatAction | MemberAction, number>> = {
  delete_other: 2,
  receipts_other: 2,
  update_chat: 2,
  invite: 2,
  delete_chat: 3,
  add_member: 2,
  set_role: 3,
  remove_member: 2,
};

/** The least rank that an action takes; what is not listed, every member may do. */
const NEEDS: Readonly<Record<ChatType, Partial<Record<ChatAction | MemberAction, number>>>> = {
  direct: {
    delete_other: NOBODY,
    update_chat: NOBODY,
    invite: NOBODY,
    delete_chat: NOBODY,
    leave: NOBODY,
    add_member: NOBODY,
    set_role: NOBODY,
    remove_member: NOBODY,
  },
  group: ROOM,
  channel: { ...ROOM, send: 2, receipts_own: 2 },
};

function reaches(action: ChatAction | MemberAction, type: ChatType, role: Role): boolean {
  return RANK[role] >= (NEEDS[type][action] ?? 1);
}

export function may(action: ChatAction, type: ChatType, role: Role): boolean {
  return reaches(action, type, role);
}

/** Whether somebody of `role` may add a new member as `as`. */
export function mayAdd(type: ChatType, role: Role, as: Role = "member"): boolean {
  return reaches("add_member", type, role) && RANK[as] < Math.max(RANK[role], RANK.admin);
}

/** An owner's role changes only by their leaving, and nobody is made one. */
export function maySetRole(type: ChatType, role: Role, target: Role): boolean {
  return reaches("set_role", type, role) && target !== "owner";
}

export function mayRemove(type: ChatType, role: Role, target: Role): boolean {
  return reaches("remove_member", type, role) && RANK[target] < RANK[role];
}
